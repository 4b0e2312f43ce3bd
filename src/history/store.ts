import { AssertionError, assert } from "../base/index.ts";
import { type Entry, foldNick, type Gap, type StatePiece } from "../chat/index.ts";
import { type Database, type Statement, writing } from "../base/index.ts";
import type { Room } from "./entry.ts";
import { ENTRY_COLUMNS, entryOf, faultOf, indexOf, valuesOf } from "./rows.ts";
import { MIGRATIONS, type Migrations, migrate } from "./schema.ts";
import { type Moment, Timeline, momentOf } from "./timeline.ts";

/** What is written at once: all of it or nothing. */
export interface Batch {
  /** In the order of their sequence numbers, all of them above what was dealt with before. */
  readonly entries: readonly Entry[];
  /** Every record up to this sequence number is dealt with. */
  readonly through: number;
  readonly throughTimeMs: number;
  /** New and renamed ones. */
  readonly rooms: readonly Room[];
  readonly state: { readonly put: readonly StatePiece[]; readonly remove: readonly string[] };
  /** Ranges of sequence numbers whose entries are lost to history. */
  readonly gaps: readonly Gap[];
  /** Entries of this batch, or of those before, that are to be nothing from now on. */
  readonly redacted: readonly number[];
}

/** The disk or the file system is full; the file may not be written; the disk fails; anything else. */
export type WriteFault = "full" | "readonly" | "io" | "other";

/** Nothing of what should have been written was. */
export class HistoryWriteError extends Error {
  override readonly name = "HistoryWriteError";
  readonly code: WriteFault;

  constructor(cause: unknown) {
    const code = faultIn(cause);
    super(`${SENTENCES[code]} (${cause instanceof Error ? cause.message : String(cause)})`, { cause });
    this.code = code;
  }
}

const SENTENCES: Readonly<Record<WriteFault, string>> = {
  full: "history cannot be written: the disk is full",
  readonly: "history cannot be written: its file is read-only",
  io: "history cannot be written: the disk fails",
  other: "history cannot be written",
};

/** SQLite's primary result codes: https://www.sqlite.org/rescode.html. The upper bits only say more. */
const FAULTS: Readonly<Record<number, WriteFault>> = { 8: "readonly", 10: "io", 13: "full", 14: "io" };

function faultIn(cause: unknown): WriteFault {
  const code = (cause as { readonly errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" ? (FAULTS[code & 0xff] ?? "other") : "other";
}

/** The one writer of a history. What it has not yet got by `write` does not exist for any reader. */
export class HistoryStore {
  readonly #database: Database;
  readonly #timeline: Timeline;
  readonly #insertEntry: Statement;
  readonly #insertWords: Statement;
  readonly #deleteEntries: Statement;
  readonly #deleteWords: Statement;
  readonly #deleteAllWords: Statement;
  readonly #mergeWords: Statement;
  readonly #changes: Statement;
  readonly #oldest: Statement;
  readonly #upTo: Statement;
  readonly #at: Statement;
  readonly #putRoom: Statement;
  readonly #roomNamed: Statement;
  readonly #nameOf: Statement;
  readonly #putState: Statement;
  readonly #removeState: Statement;
  readonly #putGap: Statement;
  readonly #deleteGaps: Statement;
  readonly #setProgress: Statement;
  readonly #setImport: Statement;
  readonly #getProgress: Statement;
  #progress: Moment;

  /**
   * Brings the database forward to this program's version.
   * @throws HistoryVersionError where it is of a newer one
   */
  constructor(database: Database, migrations: Migrations = MIGRATIONS) {
    migrate(database, migrations);
    this.#database = database;
    this.#timeline = new Timeline(database);
    const prepare = (sql: string): Statement => database.prepare(sql);
    this.#insertEntry = prepare("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    // Numbers arrive as floating point, which this kind of table would not take for row ids.
    this.#insertWords = prepare("INSERT INTO words (rowid, word) VALUES (CAST(? AS INTEGER), ?)");
    this.#deleteEntries = prepare("DELETE FROM entry WHERE sequence >= ? AND sequence <= ?");
    this.#deleteWords = prepare(
      "INSERT INTO words (words, rowid, word) VALUES ('delete', CAST(? AS INTEGER), ?)",
    );
    this.#deleteAllWords = prepare("INSERT INTO words (words) VALUES ('delete-all')");
    this.#mergeWords = prepare("INSERT INTO words (words, rank) VALUES ('merge', CAST(? AS INTEGER))");
    this.#changes = prepare("SELECT total_changes() AS count");
    this.#oldest = prepare(
      `SELECT ${ENTRY_COLUMNS} FROM entry WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT ?`,
    );
    this.#upTo = prepare(
      "SELECT sequence, time_ms FROM entry WHERE sequence < ? ORDER BY sequence DESC LIMIT 1",
    );
    this.#at = prepare(`SELECT ${ENTRY_COLUMNS} FROM entry WHERE sequence >= ? ORDER BY sequence LIMIT 1`);
    this.#putRoom = prepare("INSERT OR REPLACE INTO room VALUES (?, ?, ?)");
    this.#roomNamed = prepare("SELECT id FROM room WHERE folded_name = ? ORDER BY id DESC LIMIT 1");
    this.#nameOf = prepare("SELECT name FROM room WHERE id = ?");
    this.#putState = prepare("INSERT OR REPLACE INTO state VALUES (?, ?)");
    this.#removeState = prepare("DELETE FROM state WHERE key = ?");
    this.#putGap = prepare("INSERT OR REPLACE INTO gap VALUES (?, ?, ?, ?)");
    this.#deleteGaps = prepare("DELETE FROM gap WHERE to_time_ms < ?");
    this.#setProgress = prepare("UPDATE progress SET through = ?, through_time_ms = ? WHERE through = ?");
    this.#setImport = prepare("UPDATE progress SET import_from = ?, import_to = ?");
    this.#getProgress = prepare("SELECT * FROM progress");
    const { through, through_time_ms: timeMs } = this.#getProgress.get()!;
    this.#progress = { sequence: through as number, timeMs: timeMs as number };
  }

  /** Every record up to this sequence number is dealt with; 0 in a new history. */
  get through(): number {
    return this.#progress.sequence;
  }

  get throughTimeMs(): number {
    return this.#progress.timeMs;
  }

  /**
   * Writes a batch, or nothing of it. A time that falls (the machine's clock was set back between two runs) is
   * raised to that of the entry before: history is searched by time in the belief that times never fall.
   * @throws HistoryWriteError; the next write works again when the disk does
   * @throws AssertionError where another store has written; this one has to go
   */
  write(batch: Batch): void {
    const { entries, through } = batch;
    let last = this.through;
    for (const entry of entries) {
      const fault = entry.sequence > last ? faultOf(entry) : `${entry.sequence} after ${last}`;
      assert(fault === undefined, `an entry that cannot be: ${fault}`);
      last = entry.sequence;
    }
    assert(through >= last, `history goes through ${last}, not ${through}`);
    const before = this.#progress;
    let { timeMs } = before;
    const raised = entries.map((entry) => {
      timeMs = Math.max(timeMs, entry.timeMs);
      return timeMs === entry.timeMs ? entry : { ...entry, timeMs };
    });
    timeMs = Math.max(timeMs, batch.throughTimeMs);
    this.#write(() => {
      // Before the entries: another writer's may have the same numbers, which would look like a fault of the disk.
      const { changes } = this.#setProgress.run(through, timeMs, before.sequence);
      const isOurs = Number(changes) === 1;
      assert(isOurs, `somebody else writes this history: it no longer ends at ${before.sequence}`);
      this.#putRooms(batch.rooms);
      for (const entry of raised) this.#insert(entry);
      for (const sequence of batch.redacted) this.#delete(sequence, sequence + 1, 1);
      for (const key of batch.state.remove) this.#removeState.run(key);
      for (const { key, bytes } of batch.state.put) this.#putState.run(key, bytes);
      for (const gap of batch.gaps) this.#putGap.run(gap.to, gap.from, gap.fromTimeMs, gap.toTimeMs);
    });
    this.#progress = { sequence: through, timeMs };
  }

  /** Everything that was put and not removed, in the order of the keys. */
  loadState(): StatePiece[] {
    return this.#database
      .prepare("SELECT key, bytes FROM state ORDER BY key")
      .all()
      .map((row) => ({ key: row["key"] as string, bytes: row["bytes"] as Uint8Array }));
  }

  /**
   * Deletes the oldest entries of before this time, and what is known of gaps there: one slice of at most `limit`, in
   * a transaction of its own. @returns how many entries went: fewer than `limit` when all are gone
   * @throws HistoryWriteError
   */
  deleteBefore(timeMs: number, limit: number): number {
    return this.#write(() => {
      const count = this.#delete(1, this.#timeline.sequenceAt(timeMs), limit);
      if (count < limit) this.#deleteGaps.run(timeMs);
      return count;
    });
  }

  /** The entry with this sequence number. */
  at(sequence: number): Entry | undefined {
    const entry = this.from(sequence);
    return entry?.sequence === sequence ? entry : undefined;
  }

  /**
   * Goes on with merging the index's segments, as far as writing about so many pages (4 KiB) of it takes: to be called
   * again and again while nothing else is to be done. Fewer segments make questions cheaper.
   * @returns whether there is more to do
   * @throws HistoryWriteError
   */
  merge(pages: number): boolean {
    const before = this.#countChanges();
    this.#write(() => this.#mergeWords.run(pages));
    // The command counts as one change itself (https://www.sqlite.org/fts5.html#the_merge_command).
    return this.#countChanges() - before > 1;
  }

  #countChanges(): number {
    return this.#changes.get()!["count"] as number;
  }

  /*
   * For an import, which puts entries where the log has long passed.
   */

  /** The oldest entry. */
  get first(): Moment | undefined {
    return this.#timeline.first;
  }

  /** The last entry before a sequence number. */
  before(sequence: number): Moment | undefined {
    return momentOf(this.#upTo.get(sequence));
  }

  /** The entry with this sequence number, or else the next one. */
  from(sequence: number): Entry | undefined {
    const row = this.#at.get(sequence);
    return row === undefined ? undefined : entryOf(row);
  }

  /** The room that has this name, or had it last. */
  roomNamed(name: string): number | undefined {
    return this.#roomNamed.get(foldNick(name))?.["id"] as number | undefined;
  }

  nameOf(room: number): string | undefined {
    return this.#nameOf.get(room)?.["name"] as string | undefined;
  }

  /**
   * Puts entries in their places among those that are there; `unfinished` is what `deleteUnfinished` has to take back
   * if this process should end before it says `undefined`. @throws HistoryWriteError
   */
  putPast(entries: readonly Entry[], rooms: readonly Room[], unfinished: Range | undefined): void {
    for (const entry of entries) {
      const fault = faultOf(entry);
      assert(fault === undefined, `an entry that cannot be: ${fault}`);
    }
    this.#write(() => {
      this.#putRooms(rooms);
      for (const entry of entries) this.#insert(entry);
      this.#setImport.run(unfinished?.from ?? null, unfinished?.to ?? null);
    });
  }

  /** Takes back a slice of what an import has left half done. @returns whether there is no more of it */
  deleteUnfinished(limit: number): boolean {
    const { import_from: from, import_to: to } = this.#getProgress.get()!;
    if (from === null || to === null) return true;
    return this.#write(() => {
      if (this.#delete(from as number, (to as number) + 1, limit) === limit) return false;
      this.#setImport.run(null, null);
      return true;
    });
  }

  #putRooms(rooms: readonly Room[]): void {
    for (const { id, name } of rooms) this.#putRoom.run(id, name, foldNick(name));
  }

  #insert(entry: Entry): void {
    this.#insertEntry.run(...valuesOf(entry));
    this.#insertWords.run(entry.sequence, indexOf(entry));
  }

  /** The index knows no text any more, and takes an entry out only by the very words with which it came in. */
  #delete(from: number, before: number, limit: number): number {
    const entries = this.#oldest.all(from, before, limit).map(entryOf);
    if (entries.length === 0) return 0;
    this.#deleteEntries.run(entries[0]!.sequence, entries.at(-1)!.sequence);
    // Cheaper, and it sets right what the index may have counted wrongly.
    if (this.first === undefined) this.#deleteAllWords.run();
    else for (const entry of entries) this.#deleteWords.run(entry.sequence, indexOf(entry));
    return entries.length;
  }

  #write<T>(body: () => T): T {
    try {
      return writing(this.#database, body);
    } catch (error) {
      throw error instanceof AssertionError ? error : new HistoryWriteError(error);
    }
  }
}

/** Of sequence numbers, both ends included. */
export interface Range {
  readonly from: number;
  readonly to: number;
}
