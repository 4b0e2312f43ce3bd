import { pino } from "pino";
import { ServerProcess, StartError } from "../node/index.ts";
import type { ServeOptions } from "./options.ts";

/** More of the server's own log than this waits in memory for whoever reads it; what comes then is dropped. */
const LOG_QUEUE_BYTES_MAX = 1024 * 1024;

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
  // Never blocks: a reader of the log that has stopped must not stop the server.
  const destination = pino.destination({ fd: 2, sync: false, maxLength: LOG_QUEUE_BYTES_MAX });
  let dropped = 0;
  destination.on("drop", () => (dropped += 1));
  const logger = pino({ level: options.logLevel, base: { name: options.name } }, destination);

  let server: ServerProcess;
  try {
    server = await ServerProcess.start({ ...options, log: (level, text) => logger[level](text) });
  } catch (error) {
    destination.flushSync();
    if (!(error instanceof StartError)) throw error;
    process.stderr.write(`chorus: ${error.message}\n`);
    return 1;
  }
  let signalledMs = -Infinity;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const isEcho = performance.now() - signalledMs < SIGNAL_ECHO_MS;
      signalledMs = performance.now();
      if (isEcho) return;
      logger.info(`${signal}: stopping`);
      server.stop();
    });
  }
  // There is no configuration file yet: nothing to read again, and no reason to end.
  process.on("SIGHUP", () => logger.info("SIGHUP: nothing to read again"));
  process.stdout.write(invitation(server.address));
  await server.ended;
  if (dropped > 0) logger.warn(`${dropped} lines of this log were dropped: nobody read it`);
  destination.flushSync();
  return 0;
}

function invitation({ host, port }: { host: string; port: number }): string {
  const shown = host.includes(":") ? `[${host}]` : host;
  return [
    `listening on ${shown}:${port}`,
    `join with:  nc ${host} ${port}`,
    `        or  telnet ${host} ${port}`,
    `        or  chorus join ${host} ${port}`,
    `        or  see http://${shown}:${port}/ in a browser`,
    "",
  ].join("\n");
}
