import { getSystemErrorMessage } from "node:util";
import { ServerProcess, StartError } from "../node/index.ts";
import { openFilesAllowed, openFilesNeeded } from "./openFiles.ts";
import type { ServeOptions } from "./options.ts";
import { ServerLog } from "./serverLog.ts";

/** One Ctrl-C may arrive twice, from the terminal and from npm: what comes so soon after another is the same one. */
const SIGNAL_ECHO_MS = 200;

/**
 * Runs a server until it is told to end.
 * @returns the exit code: 0 after an orderly end, 1 where it could not start
 */
export async function serve(options: ServeOptions): Promise<number> {
  if (process.platform !== "linux") {
    process.stderr.write(`chorus: the server needs Linux; this is ${process.platform}\n`);
    return 1;
  }
  const allowed = openFilesAllowed();
  const needed = openFilesNeeded(options);
  if (needed > allowed) {
    process.stderr.write(
      `chorus: these settings need up to ${needed} open files, and this process may have ${allowed}: ` +
        `raise the limit (ulimit -n), or lower --max-clients or --max-processes\n`,
    );
    return 1;
  }
  const log = new ServerLog(options.logLevel, options.name);
  const { logger } = log;

  let server: ServerProcess;
  try {
    server = await ServerProcess.start({ ...options, log: (level, text) => logger[level](text) });
  } catch (error) {
    const reason = startFailure(error);
    if (reason === undefined) throw error;
    await log.end();
    process.stderr.write(`chorus: ${reason}\n`);
    return 1;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    let signalledMs = -Infinity;
    process.on(signal, () => {
      const isEcho = performance.now() - signalledMs < SIGNAL_ECHO_MS;
      signalledMs = performance.now();
      if (isEcho) return;
      logger.info(`${signal}: stopping`);
      server.stop();
    });
  }
  process.on("SIGHUP", () => server.rehash());
  // Whoever started us may not care to read: `chorus serve | head -1` ends no server.
  process.stdout.on("error", () => undefined);
  if (server.isReloaded) logger.info("reloaded");
  else process.stdout.write(invitation(server.address));
  await server.ended;
  await log.end();
  return 0;
}

/** Why it could not start, in words for people; undefined for what only a bug of ours explains. */
function startFailure(error: unknown): string | undefined {
  if (error instanceof StartError) return error.message;
  const { code, errno, path, syscall } = error as NodeJS.ErrnoException;
  // Everything else that the system refuses at this point has to do with a folder that was named.
  if (syscall === undefined || errno === undefined) return undefined;
  if (path === undefined) return `cannot start: ${(error as Error).message}`;
  const isNoFolder = code === "ENOTDIR" || code === "EEXIST";
  return `cannot use ${path}: ${isNoFolder ? "it is not a folder" : getSystemErrorMessage(-Math.abs(errno))}`;
}

function invitation({ host, port }: { host: string; port: number }): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return [
    `listening on ${shown}:${port}`,
    `join with:  nc ${host} ${port}`,
    `        or  telnet ${host} ${port}`,
    `        or  chorus join ${host} ${port}`,
    `        or  any IRC client: ${host}, port ${port}, without TLS`,
    `        or  see http://${shown}:${port}/ in a browser`,
    "",
  ].join("\n");
}
