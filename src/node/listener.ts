import { type Server, type Socket, createServer } from "node:net";
import { keepUrgentInLine } from "./libc.ts";
import { StartError } from "./startError.ts";

const BACKLOG = 1024;
const KEEP_ALIVE_MS = 60_000;

/** Why it cannot listen where it was told to, in words for people. */
const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there; choose another port",
  EACCES: "this user may not listen there; ports below 1024 need a privilege",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host",
  EADDRNOTAVAIL: "this machine does not have that address",
};

/** Where clients arrive: each is handed to `onSocket` before anything of it has been read. */
export function createListener(onSocket: (socket: Socket) => void): Server {
  const listener = createServer({
    pauseOnConnect: true,
    noDelay: true,
    // Who is gone without a word is found after some ten minutes, and not after hours.
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
    allowHalfOpen: true,
  });
  listener.on("connection", onSocket);
  return listener;
}

/**
 * @param inherited the descriptor on which the program before this one listened
 * @returns the port
 * @throws StartError
 */
export async function listenOn(
  listener: Server,
  { host, port }: { readonly host: string; readonly port: number },
  inherited: number | undefined,
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) => {
      const why = LISTEN_FAILURES[error.code ?? ""] ?? error.message;
      reject(new StartError(`cannot listen on ${host}:${port}: ${why}`));
    });
    const where = inherited === undefined ? { host, port, backlog: BACKLOG } : { fd: inherited };
    listener.listen(where, resolve);
  });
  // What a client marks as urgent would else be counted, and not be read in its place.
  keepUrgentInLine(descriptorOf(listener));
  return (listener.address() as { port: number }).port;
}

/** The only way to the descriptor: `fd` of the handle, which Node keeps for such uses. Below 0: it is closed. */
export function descriptorOf(of: Socket | Server): number {
  return (of as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
}
