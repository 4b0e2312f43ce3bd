import { once } from "node:events";
import { type Logger, pino } from "pino";
import type { LogLevel } from "./options.ts";

/** More than this waits in memory for whoever reads the log; what comes then is dropped. */
const QUEUE_BYTES_MAX = 1024 * 1024;

/**
 * The server's own log: lines of JSON on stderr. It never blocks: a reader that has stopped must not stop the server.
 * And it never fails: a reader may go away, or the terminal be closed, and the server goes on without a log.
 */
export class ServerLog {
  readonly logger: Logger;
  readonly #destination = pino.destination({ fd: 2, sync: false, maxLength: QUEUE_BYTES_MAX });
  #droppedLines = 0;
  #broken = false;

  constructor(level: LogLevel, serverName: string) {
    this.#destination.on("drop", () => (this.#droppedLines += 1));
    this.#destination.on("error", () => {
      this.#broken = true;
      // Pino would otherwise try to write the rest when the process exits, again and again.
      this.#destination.destroy();
    });
    const stream = { write: (line: string) => void (this.#broken || this.#destination.write(line)) };
    this.logger = pino({ level, base: { name: serverName } }, stream);
  }

  /** Writes what is left. Nothing can be logged afterwards. */
  async end(): Promise<void> {
    if (this.#droppedLines > 0)
      this.logger.warn(`${this.#droppedLines} lines of this log were dropped: nobody read it`);
    if (this.#broken) return;
    this.#destination.end();
    try {
      await once(this.#destination, "close");
    } catch {
      // It broke with the last lines: nobody is left to read them.
    }
  }
}
