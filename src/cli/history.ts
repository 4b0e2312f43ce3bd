import {
  type ExportFilter,
  type ExportFormat,
  HistoryReader,
  HistoryVersionError,
  formatEntries,
} from "../history/index.ts";
import { HistoryFileError, backupHistory, openHistoryReadOnly, openHistorySnapshot } from "../node/index.ts";
import { Progress } from "./progress.ts";

export interface ExportOptions {
  readonly data: string;
  readonly format: ExportFormat;
  readonly filter: ExportFilter;
}

/** Characters that are written at once. */
const CHUNK_CHARACTERS = 64 * 1024;

/** Writes what was said to stdout, whether a server runs or not. @returns the exit code */
export async function exportHistory({ data, format, filter }: ExportOptions): Promise<number> {
  const progress = new Progress(!process.stdout.isTTY);
  // `write` tells the one who wrote.
  process.stdout.on("error", () => undefined);
  return reporting(async () => {
    using database = openHistoryReadOnly(data);
    const reader = new HistoryReader(database);
    if (filter.room !== undefined && !reader.knowsRoom(filter.room)) {
      process.stderr.write(`chorus: there was never a room ${filter.room} in this history\n`);
      return 1;
    }
    let chunk = "";
    let count = 0;
    for (const line of formatEntries(reader.export(filter), format)) {
      chunk += line;
      count += 1;
      if (chunk.length < CHUNK_CHARACTERS) continue;
      if (!(await write(chunk))) return 0;
      chunk = "";
      progress.show(`${count.toLocaleString("en")} entries`);
    }
    await write(chunk);
    return 0;
  }, progress);
}

/** Copies the history into a new file, whether a server runs or not. @returns the exit code */
export async function backup(file: string, { data }: { readonly data: string }): Promise<number> {
  const progress = new Progress();
  return reporting(async () => {
    using database = openHistorySnapshot(data);
    await backupHistory(database, file, (donePages, totalPages) =>
      progress.show(`copied ${Math.floor((100 * donePages) / totalPages)} %`),
    );
    return 0;
  }, progress);
}

/** What has to do with the file, or with where it is written to, is told in a sentence. */
async function reporting(work: () => Promise<number>, progress: Progress): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const isFile = error instanceof HistoryFileError || error instanceof HistoryVersionError;
    const { code, syscall, message } = error as NodeJS.ErrnoException;
    if (!isFile && code !== "ERR_SQLITE_ERROR" && syscall === undefined) throw error;
    progress.clear();
    process.stderr.write(
      `chorus: ${isFile ? message : `the history cannot be read or written: ${message}`}\n`,
    );
    return 1;
  } finally {
    progress.clear();
  }
}

/** Resolves when there is room for more; to false where nobody reads any more, as in `chorus history | head`. */
function write(text: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
      if (error === null || error === undefined) resolve(true);
      else if (error.code === "EPIPE") resolve(false);
      else reject(error);
    });
  });
}
