import { existsSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { formatBytes } from "../base/index.ts";
import { SnapshotError } from "../chat/index.ts";
import { FIRST_SEQUENCE, HistoryStore, HistoryVersionError, HistoryWriteError } from "../history/index.ts";
import { LogCorruptionError, SegmentMismatchError, isKept } from "../log/index.ts";
import { type LogLevel, finishSegment, settle } from "../server/index.ts";
import { controlPath } from "./controlSocket.ts";
import { HistoryFileError, historyPath, openHistory } from "./historyDatabase.ts";
import { LeftoverSegment, setSegmentAside } from "./leftoverSegment.ts";
import { notedSegment } from "./segmentPath.ts";
import { StartError } from "./startError.ts";

/** Where a new server goes on. */
export interface Past {
  readonly nextSequence: number;
  readonly nextSession: number;
  /** The log's time does not go back behind this, in milliseconds since 1970. */
  readonly timeMs: number;
}

interface PastOptions {
  readonly data: string;
  readonly history: object | undefined;
  log(level: LogLevel, text: string): void;
}

const NO_PAST: Past = { nextSequence: FIRST_SEQUENCE, nextSession: 1, timeMs: 0 };

/**
 * Finishes what a server before this one has left: where all of its processes were killed, or its history could not be
 * written at its end, its segment still holds what the history lacks. Whoever calls this holds the lock of the data
 * directory, so whoever made the segment is dead. Where no history is asked for, a past that cannot be finished is kept
 * aside, and is no reason not to start.
 *
 * @throws StartError where the history cannot be read or written
 */
export function finishPast(segmentPath: string, options: PastOptions): Past {
  // Of a server that had another name, or another folder in memory: what it left comes first.
  const noted = notedSegment(options.data);
  if (noted !== undefined && noted !== segmentPath) finishSegmentFile(noted, options);
  return finishSegmentFile(segmentPath, options);
}

function finishSegmentFile(segmentPath: string, options: PastOptions): Past {
  // Whoever listened beside it is dead, too.
  rmSync(controlPath(segmentPath), { force: true });
  using leftover = openLeftover(segmentPath, options);
  const hasHistory = existsSync(historyPath(options.data));
  if (options.history === undefined && !(leftover !== undefined && isKept(leftover.segment) && hasHistory)) {
    if (leftover !== undefined) remove(leftover, 0, options);
    return NO_PAST;
  }
  try {
    return finish(leftover, options);
  } catch (error) {
    const trouble = troubleOf(error, options.data);
    if (trouble === undefined) throw error;
    const isDamagedSegment = error instanceof LogCorruptionError;
    if (options.history !== undefined && !isDamagedSegment) throw new StartError(trouble);
    // Where there is none any more, it is in the history already.
    const isLeft = existsSync(segmentPath);
    const kept = isLeft ? `; what was in memory is kept as ${setSegmentAside(segmentPath)}` : "";
    if (options.history !== undefined)
      throw new StartError(`${trouble}${kept}, and a new start goes on without it`);
    options.log("warn", `${trouble}${kept}`);
    return NO_PAST;
  }
}

/** @throws what `troubleOf` knows */
function finish(leftover: LeftoverSegment | undefined, options: PastOptions): Past {
  let database: DatabaseSync | undefined;
  try {
    database = openHistory(options.data, "full");
    const store = new HistoryStore(database);
    if (leftover !== undefined) {
      const warn = (text: string): void => options.log("warn", text);
      const records = isKept(leftover.segment) ? finishSegment(leftover.segment, store, Date.now, warn) : 0;
      remove(leftover, records, options);
    }
    const nextSession = settle(store);
    const nextSequence = Math.max(store.through + 1, FIRST_SEQUENCE);
    return { nextSequence, nextSession, timeMs: store.throughTimeMs };
  } finally {
    database?.close();
  }
}

/** Why the past cannot be finished, for whoever runs the server; undefined: for no reason but a bug. */
function troubleOf(error: unknown, data: string): string | undefined {
  if (error instanceof LogCorruptionError)
    return `what the server before this one left in memory is damaged (${error.message})`;
  if (error instanceof HistoryVersionError) return error.message;
  const path = historyPath(data);
  const isSqlite = (error as { readonly code?: unknown }).code === "ERR_SQLITE_ERROR";
  const isNamed = error instanceof HistoryFileError || error instanceof HistoryWriteError;
  if (!isNamed && !isSqlite && !(error instanceof SnapshotError)) return undefined;
  const { message, cause } = error as Error;
  const sentence = isNamed ? message : `the history ${path} cannot be read: ${message}`;
  if (error instanceof SnapshotError || isDamage(isSqlite ? error : cause))
    return (
      `${sentence}; where ${path} is damaged, move it away with its -wal and -shm, ` +
      `and put a copy that "chorus backup" made in its place`
    );
  return sentence;
}

/** SQLITE_ERROR (a table that is not there), SQLITE_CORRUPT, SQLITE_NOTADB: https://www.sqlite.org/rescode.html */
const DAMAGE: readonly unknown[] = [1, 11, 26];

function isDamage(error: unknown): boolean {
  const code = (error as { readonly errcode?: number } | undefined)?.errcode;
  return code !== undefined && DAMAGE.includes(code & 0xff);
}

/** A segment of another version is none that we could finish. */
function openLeftover(path: string, { log }: PastOptions): LeftoverSegment | undefined {
  try {
    return LeftoverSegment.open(path);
  } catch (error) {
    if (!(error instanceof SegmentMismatchError)) throw error;
    const aside = setSegmentAside(path);
    log(
      "warn",
      `the server before this one left a segment that cannot be read, kept as ${aside}: ${error.message}`,
    );
    return undefined;
  }
}

function remove(leftover: LeftoverSegment, records: number, { log }: PastOptions): void {
  leftover.remove();
  const size = formatBytes(leftover.bytes);
  const saved = records === 0 ? "" : `; ${records} records of it that history lacked are stored`;
  log("warn", `removed the segment (${size}) that the server before this one left${saved}`);
}
