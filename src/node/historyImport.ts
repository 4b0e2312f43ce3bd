import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { KiB } from "../base/index.ts";
import { HistoryStore, type ImportProgress, type ImportResult } from "../history/index.ts";
import { ImportFileError, type ImportLines, type LogLevel, importDirectly } from "../server/index.ts";
import { openHistory } from "./historyDatabase.ts";
import { lockDirectory } from "./lock.ts";
import { finishPast } from "./past.ts";
import { segmentPath } from "./segmentPath.ts";
import { StartError } from "./startError.ts";

const CHUNK_BYTES = 64 * KiB;
/** Far above every line that an import takes: one that is longer comes in pieces, which are none. */
const LINE_BYTES_MAX = 4 * 1024 * KiB;
const NEWLINE = 0x0a;

/**
 * The lines of a file, which may be gone through again and again, and have to stay what they are meanwhile. Read a
 * little at a time, as somebody asks for them.
 */
export class FileLines implements ImportLines {
  readonly #path: string;
  readonly #file: number;
  readonly #stats: BigIntStats;

  /** @throws ImportFileError */
  constructor(path: string) {
    this.#path = path;
    // A pipe would keep us waiting for its writer.
    this.#file = this.#sentenced(() => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
    this.#stats = fstatSync(this.#file, { bigint: true });
    if (this.#stats.isFile()) return;
    this.close();
    throw new ImportFileError(`${path} is not a regular file, which could be read twice`);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Without their ends. @throws ImportFileError where the file cannot be read, or is no longer what it was */
  *[Symbol.iterator](): Generator<string, void> {
    const chunk = new Uint8Array(CHUNK_BYTES);
    const line = new Line(this.#path);
    for (let position = 0; ;) {
      const count = this.#sentenced(() => readSync(this.#file, chunk, 0, chunk.length, position));
      this.#checkUnchanged();
      if (count === 0) break;
      position += count;
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end >= 0 && end < count; end = chunk.indexOf(NEWLINE, start)) {
        line.add(chunk.subarray(start, end));
        yield line.take();
        start = end + 1;
      }
      line.add(chunk.subarray(start, count));
      if (line.bytes > LINE_BYTES_MAX) yield line.take();
    }
    if (line.bytes > 0) yield line.take();
  }

  #checkUnchanged(): void {
    const { size, mtimeNs } = fstatSync(this.#file, { bigint: true });
    if (size !== this.#stats.size || mtimeNs !== this.#stats.mtimeNs)
      throw new ImportFileError(`${this.#path} was changed while it was read; import it again`);
  }

  #sentenced<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw new ImportFileError(`${this.#path} cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

/** A line that comes in pieces. */
class Line {
  readonly #path: string;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #pieces: Uint8Array[] = [];
  #number = 0;
  bytes = 0;

  constructor(path: string) {
    this.#path = path;
  }

  add(piece: Uint8Array): void {
    this.#pieces.push(piece.slice());
    this.bytes += piece.length;
  }

  take(): string {
    const whole = Buffer.concat(this.#pieces, this.bytes);
    this.#pieces = [];
    this.bytes = 0;
    this.#number += 1;
    try {
      return this.#decoder.decode(whole);
    } catch {
      throw new ImportFileError(
        `line ${this.#number} of ${this.#path} is no UTF-8; nothing has been imported`,
      );
    }
  }
}

export interface DirectImportOptions {
  readonly data: string;
  readonly name: string;
  readonly shmDir: string;
  log(level: LogLevel, text: string): void;
}

/**
 * Imports into the history of a data directory on which no server runs, after what a killed server may have left there
 * is in it. Each `next()` is one slice.
 *
 * @throws StartError where a server runs; ImportError, ImportFileError, HistoryFileError, HistoryWriteError
 */
export function* importHistory(
  path: string,
  options: DirectImportOptions,
): Generator<ImportProgress, ImportResult> {
  const lock = lockDirectory(options.data);
  if (lock === undefined)
    throw new StartError(
      `a server with another --name than ${options.name} runs with the data directory ${options.data}, ` +
        `or one is just starting or stopping`,
    );
  try {
    const lines = new FileLines(path);
    try {
      finishPast(segmentPath(options.shmDir, options.data, options.name), { ...options, history: {} });
      const database = openHistory(options.data, "full");
      try {
        return yield* importDirectly(new HistoryStore(database), lines, Date.now());
      } finally {
        database.close();
      }
    } finally {
      lines.close();
    }
  } finally {
    lock.release();
  }
}
