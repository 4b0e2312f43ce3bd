import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { dupCloexec } from "../../src/node/libc.ts";

/** A real connection over loopback: the client's end, driven by Node, and the server's, bare. */
export async function bareConnection(): Promise<{ client: Socket; fd: number }> {
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [Socket],
    unknown,
  ];
  const fd = dupCloexec((accepted as unknown as { _handle: { fd: number } })._handle.fd);
  accepted.destroy();
  await once(accepted, "close");
  server.close();
  await once(server, "close");
  return { client, fd };
}
