import { closeSync, constants, existsSync, lstatSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { DatabaseSync, backup } from "node:sqlite";
import { MiB } from "../base/index.ts";

const HISTORY_FILE = "history.sqlite";

/**
 * How long a statement waits for another process: only for an import or a backup by somebody else's program, since
 * there is one writer, and readers wait for nobody. Well below the four probes that a process may miss.
 */
const BUSY_MS = 1000;
/** What a connection keeps of the file in memory of its own; the kernel keeps the rest. */
const CACHE_BYTES = 32 * MiB;
/** The write-ahead log is cut to this after a reader that took long has let it grow. */
const WAL_BYTES_MAX = 64 * MiB;
/** About 10 ms of copying, after which the process that backs up does something else. */
const BACKUP_PAGES = 1000;

/** `normal`: what is written survives any crash of software; `full`: and a loss of power. */
export type HistorySync = "normal" | "full";

/** The file of the history cannot be used; the message is a sentence for whoever runs the server. */
export class HistoryFileError extends Error {
  override readonly name = "HistoryFileError";
}

export function historyPath(dataDirectory: string): string {
  return join(dataDirectory, HISTORY_FILE);
}

/**
 * Opens the history of a data directory for its one writer, and makes the file (0600) where there is none.
 * @throws HistoryFileError
 */
export function openHistory(dataDirectory: string, sync: HistorySync = "normal"): DatabaseSync {
  const path = historyPath(dataDirectory);
  return sentenced(path, () => {
    makeFile(path);
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    return prepared(database, () => {
      database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = ${sync};
        PRAGMA journal_size_limit = ${WAL_BYTES_MAX};
        PRAGMA cache_size = ${-CACHE_BYTES / 1024};
        PRAGMA temp_store = MEMORY;
      `);
    });
  });
}

/**
 * Opens it for reading, whether a server is writing or none runs. It also works on a file and directory that cannot be
 * written, as long as no server has left anything unfinished there.
 * @throws HistoryFileError
 */
export function openHistoryReadOnly(dataDirectory: string): DatabaseSync {
  const path = historyPath(dataDirectory);
  return sentenced(path, () => {
    if (!existsSync(path)) throw new Error("no server has kept one there");
    checkFile(path);
    return openReadOnly(path);
  });
}

/**
 * Opens it for reading what it is at this moment, whatever a server writes meanwhile. As long as it is open, what is
 * written stays in the write-ahead log: not for work that takes its time. @throws HistoryFileError
 */
export function openHistorySnapshot(dataDirectory: string): DatabaseSync {
  const database = openHistoryReadOnly(dataDirectory);
  return prepared(database, () => {
    database.exec("BEGIN");
    // The moment is that of the first look.
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
  });
}

/** For any database of ours, like the functions at the end. */
export function openReadOnly(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MS });
  try {
    return prepared(database, () => prepareReader(database));
  } catch (error) {
    // Even a reader writes beside the file, to tell a writer where it reads. Where it cannot, and there is no
    // write-ahead log, nobody has the file open, and it can be read as a file that does not change.
    const code = (error as { readonly errcode?: number }).errcode ?? 0;
    if (!CANNOT_WRITE_BESIDE.includes(code & 0xff) || existsSync(`${path}-wal`)) throw error;
    const url = pathToFileURL(path);
    url.searchParams.set("immutable", "1");
    const unchanging = new DatabaseSync(url, { readOnly: true });
    return prepared(unchanging, () => prepareReader(unchanging));
  }
}

/** SQLITE_READONLY, of which SQLITE_READONLY_DIRECTORY is a kind, and SQLITE_CANTOPEN. */
const CANNOT_WRITE_BESIDE: readonly number[] = [8, 14];

function prepareReader(database: DatabaseSync): void {
  database.exec(`PRAGMA cache_size = ${-CACHE_BYTES / 1024}; PRAGMA temp_store = MEMORY;`);
  // A file that is no database, and a missing place for its write-ahead log, show only when it is read.
  database.prepare("SELECT count(*) FROM sqlite_schema").get();
}

/**
 * Copies the history into a new file (0600). Resolves when the copy is whole. What this connection writes meanwhile is
 * in the copy; when another one writes, the copy begins anew, so that beside a busy server it would never end, unless
 * the connection is from `openHistorySnapshot`. @throws HistoryFileError; then no file is left
 */
export async function backupHistory(
  database: DatabaseSync,
  file: string,
  onProgress: (donePages: number, totalPages: number) => void = () => undefined,
): Promise<void> {
  const failure = (error: unknown): HistoryFileError =>
    new HistoryFileError(`the history cannot be copied to ${file}: ${reasonOf(error)}`, { cause: error });
  try {
    closeSync(openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600));
  } catch (error) {
    throw failure(error);
  }
  try {
    await backup(database, file, {
      rate: BACKUP_PAGES,
      progress: ({ totalPages, remainingPages }) => onProgress(totalPages - remainingPages, totalPages),
    });
  } catch (error) {
    for (const each of [file, `${file}-journal`, `${file}-wal`, `${file}-shm`]) rmSync(each, { force: true });
    throw failure(error);
  }
}

/**
 * SQLite would make the file for everybody to read. A file that is there is not opened for its owner to be checked: to
 * close it would release the locks that this process may have on it (https://www.sqlite.org/howtocorrupt.html, 2.2).
 */
export function makeFile(path: string): void {
  if (isMade(path)) return;
  const owner = checkFile(path);
  if (owner !== process.geteuid!()) throw new Error(`it belongs to another user (${owner})`);
}

/** @returns false where it was there before */
function isMade(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** @returns whose it is */
export function checkFile(path: string): number {
  const file = lstatSync(path);
  if (!file.isFile()) throw new Error("it is not a regular file");
  return file.uid;
}

/** @throws what the preparation throws, with the database closed */
export function prepared(database: DatabaseSync, prepare: () => void): DatabaseSync {
  try {
    prepare();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function sentenced<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new HistoryFileError(`the history ${path} cannot be opened: ${reasonOf(error)}`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
