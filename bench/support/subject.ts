/* A server under test, and how one that is no part of Chorus is started. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../../test/support/server.ts";

/** Its processes may come and go. */
export interface Subject extends AsyncDisposable {
  readonly name: string;
  readonly port: number;
  /** So many clients should come at a time; default: one. */
  readonly newcomers?: number;
  pids(): Promise<number[]>;
}

/**
 * One process of a program that reads a configuration file and stays in the foreground. Waits until it takes
 * connections.
 */
export async function startDaemon(
  program: string,
  configuration: (port: number) => string,
  flags: (configurationFile: string) => readonly string[],
): Promise<Subject> {
  const port = await sparePort();
  const folder = mkdtempSync(join(tmpdir(), `chorus-bench-${program}-`));
  const file = join(folder, `${program}.conf`);
  writeFileSync(file, configuration(port));
  const child = spawn(program, flags(file), { stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (said += chunk));
  const end = async (): Promise<void> => {
    child.kill();
    await exit;
    rmSync(folder, { recursive: true });
  };
  try {
    await until(`${program} to listen`, async () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${program} ended: ${said}`);
      return await takesConnections(port);
    });
  } catch (error) {
    await end();
    throw error;
  }
  return { name: program, port, pids: async () => [child.pid!], [Symbol.asyncDispose]: end };
}

/** Nobody listens there now. */
async function sparePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    // Not yet.
    return false;
  } finally {
    socket.destroy();
  }
}
