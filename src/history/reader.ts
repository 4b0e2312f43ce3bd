import { type Page as AskedPage, type Entry, foldNick, type Gap, type PageOf } from "../chat/index.ts";
import { type Database, type Row, type Statement, reading } from "../base/index.ts";
import { type Access, type NamedEntry, type Page, isPrivate } from "./entry.ts";
import { Pages, type Part } from "./pages.ts";
import { ENTRY_COLUMNS, entryOf, gapOf } from "./rows.ts";
import { MIGRATIONS, checkVersion } from "./schema.ts";
import { Search, anyOf } from "./search.ts";
import type { SearchQuery } from "./searchQuery.ts";
import { Timeline } from "./timeline.ts";
import { eventTag, roomTag, whisperTag } from "./words.ts";

/** A page of what was said since, for a client that fell behind. */
export interface RangePage extends Page {
  /** Everything up to this sequence number has been covered: the next question is from the one after it. */
  readonly through: number;
}

/** A page of what was found. */
export interface SearchPage extends Page {
  /** Everything from this sequence number on has been looked through: the next question is for before it. */
  readonly from: number;
}

export interface ExportFilter {
  /** All rooms of this name, where there were several in the course of time. */
  readonly room?: string | undefined;
  /** Not before this moment. */
  readonly sinceMs?: number | undefined;
  /** Before this moment. */
  readonly untilMs?: number | undefined;
}

/** Gaps of one page: more of them than anybody wants to see. */
const GAPS_MAX = 100;
/** Entries that an export reads at a time, with nothing held open between. */
const EXPORT_ENTRIES = 1000;
/** With so many rooms, asking the index for each of them costs as much as going through thousands of entries. */
const LISTED_ROOMS_MAX = 20;
/** So many entries are looked at for one page of a range: some ten milliseconds. */
const SCANNED_MAX = 5000;

/** Answers questions from a connection of its own, which may be read-only. Sees whole batches, as they are written. */
export class HistoryReader {
  readonly #database: Database;
  readonly #timeline: Timeline;
  readonly #search: Search;
  readonly #pages: Pages;
  readonly #through: Statement;
  readonly #newestTagged: Statement;
  readonly #oldestTagged: Statement;
  readonly #oldest: Statement;
  readonly #all: Statement;
  readonly #allTagged: Statement;
  readonly #gaps: Statement;
  readonly #rooms: Statement;

  /** @throws HistoryVersionError where no writer of this program's version has opened the database before */
  constructor(database: Database) {
    checkVersion(database, MIGRATIONS.length);
    this.#database = database;
    this.#timeline = new Timeline(database);
    this.#search = new Search(database);
    this.#pages = new Pages(database, this.#timeline);
    this.#through = database.prepare("SELECT through FROM progress");
    const tagged =
      `SELECT ${ENTRY_COLUMNS} FROM words CROSS JOIN entry ON entry.sequence = words.rowid WHERE words MATCH ? ` +
      "AND words.rowid >= CAST(? AS INTEGER) AND words.rowid < CAST(? AS INTEGER) ORDER BY words.rowid";
    this.#newestTagged = database.prepare(`${tagged} DESC LIMIT ?`);
    this.#oldestTagged = database.prepare(`${tagged} LIMIT ?`);
    this.#allTagged = database.prepare(tagged);
    const all = `SELECT ${ENTRY_COLUMNS} FROM entry WHERE sequence >= ? AND sequence < ? ORDER BY sequence`;
    this.#oldest = database.prepare(`${all} LIMIT ?`);
    this.#all = database.prepare(all);
    this.#gaps = database.prepare(
      "SELECT * FROM gap WHERE to_sequence >= ? AND from_sequence < ? ORDER BY to_sequence LIMIT ?",
    );
    this.#rooms = database.prepare("SELECT id, name FROM room ORDER BY id");
  }

  /** The last `limit` entries of a room before a sequence number: messages (say, act, notice, topic), or events too. */
  last(room: number, before: number, limit: number, kinds: "messages" | "all"): Page {
    const tags = kinds === "messages" ? [roomTag(room)] : [roomTag(room), eventTag(room)];
    return reading(this.#database, () => {
      const rows = this.#newestTagged.all(anyOf(tags), 1, before, limit + 1);
      const more = rows.length > limit;
      const readable = new Set([room]);
      const entries = rows
        .slice(0, limit)
        .toReversed()
        .map((row) => visible(entryOf(row), readable));
      return { entries, gaps: this.#gapsIn(more ? (entries[0]?.sequence ?? before) : 1, before), more };
    });
  }

  /**
   * What may be seen with from <= sequence < before: at most `limit` entries, with about `maxBytes` of text. Each page
   * gets further, even where it has no entry, so that who asks again from after `through` while there is `more` gets
   * to the end.
   */
  range(access: Access, from: number, before: number, limit: number, maxBytes: number): RangePage {
    const rooms = new Set(access.rooms);
    return reading(this.#database, () => {
      const stored = this.#through.get()!["through"] as number;
      const entries: Entry[] = [];
      let through = Math.max(from - 1, Math.min(before - 1, stored));
      let bytes = 0;
      let scanned = 0;
      let more = false;
      for (const row of this.#rangeRows(access.session, rooms, from, before)) {
        const entry = entryOf(row);
        const isSeen = maySee(entry, access.session, rooms);
        if (isSeen) bytes += bytesAbout(entry.text) + bytesAbout(entry.tags);
        scanned += 1;
        more =
          scanned > SCANNED_MAX ||
          (isSeen && (entries.length === limit || (bytes > maxBytes && entries.length > 0)));
        if (more) {
          through = entry.sequence - 1;
          break;
        }
        if (isSeen) entries.push(visible(entry, rooms));
      }
      return { entries, gaps: this.#gapsIn(from, through + 1), more, through };
    });
  }

  /** Who is in many rooms sees most of what is said: that is faster to go through than a list for each room. */
  #rangeRows(session: number, rooms: ReadonlySet<number>, from: number, before: number): Iterable<Row> {
    if (rooms.size > LISTED_ROOMS_MAX) return this.#all.iterate(from, before);
    const tags = [whisperTag(session), ...Array.from(rooms, roomTag), ...Array.from(rooms, eventTag)];
    return this.#allTagged.iterate(anyOf(tags), from, before);
  }

  /**
   * A part of a room's past, or of what was whispered with somebody: of messages alone (say, act, notice), or of all.
   * It is short only where there are no more. Nothing of `before` or after it is in it.
   */
  page(access: Access, of: PageOf, asked: AskedPage, before: number): Page {
    const rooms = new Set(of.room === 0 ? [] : [of.room]);
    return reading(this.#database, () =>
      this.#pageOf(this.#pages.part(access, of, asked, before), (entry) => visible(entry, rooms)),
    );
  }

  /** The latest message of each room and of each person that whispered or was whispered to, by when it was said. */
  targets(access: Access, afterMs: number, beforeMs: number, limit: number, before: number): Page {
    return reading(this.#database, () =>
      this.#pageOf(this.#pages.targets(access, afterMs, beforeMs, limit, before), (entry) => entry),
    );
  }

  #pageOf({ entries, covered, more }: Part, shown: (entry: Entry) => Entry): Page {
    return { entries: entries.map(shown), gaps: this.#gapsIn(covered.from, covered.before), more };
  }

  /** The newest `limit` entries before a sequence number that answer the question and may be seen, oldest first. */
  search(query: SearchQuery, access: Access, before: number, limit: number): SearchPage {
    return reading(this.#database, () => {
      const since = query.sinceMs === undefined ? 1 : this.#timeline.sequenceAt(query.sinceMs);
      const until = query.untilMs === undefined ? before : this.#timeline.sequenceAt(query.untilMs);
      const rooms = new Set(access.rooms);
      const bounds = { from: since, before: Math.min(before, until) };
      const { entries, from } = this.#search.run(query, access, bounds, limit);
      return {
        entries: entries.map((entry) => visible(entry, rooms)),
        gaps: this.#gapsIn(Math.max(from, since), bounds.before),
        more: from > since,
        from,
      };
    });
  }

  /** Every room that history has heard of, by its id, with its last name. */
  roomsNamed(): Map<number, string> {
    return new Map(this.#rooms.all().map((row) => [row["id"] as number, row["name"] as string]));
  }

  /** Whether there ever was a room of this name. */
  knowsRoom(name: string): boolean {
    return this.#idsOf(name).length > 0;
  }

  /**
   * All of it but whispers, oldest first, read a piece at a time: it may take as long as it takes, and does not hold
   * up the writer. What is written or deleted meanwhile is in it or not.
   */
  *export(filter: ExportFilter): Generator<NamedEntry, void> {
    const { room, sinceMs, untilMs } = filter;
    const wanted = room === undefined ? undefined : this.#idsOf(room);
    if (wanted?.length === 0) return;
    let from = sinceMs === undefined ? 1 : this.#timeline.sequenceAt(sinceMs);
    const before = untilMs === undefined ? Number.MAX_SAFE_INTEGER : this.#timeline.sequenceAt(untilMs);
    for (;;) {
      const rows = this.#exportRows(wanted, from, before);
      const names = this.roomsNamed();
      for (const row of rows) {
        const entry = entryOf(row);
        from = entry.sequence + 1;
        if (isPrivate(entry)) continue;
        yield { ...entry, rooms: entry.rooms.map((id) => names.get(id) ?? `#room-${id}`) };
      }
      if (rows.length < EXPORT_ENTRIES) return;
    }
  }

  #exportRows(rooms: readonly number[] | undefined, from: number, before: number): Row[] {
    if (rooms === undefined) return this.#oldest.all(from, before, EXPORT_ENTRIES);
    const tags = [...rooms.map(roomTag), ...rooms.map(eventTag)];
    return this.#oldestTagged.all(anyOf(tags), from, before, EXPORT_ENTRIES);
  }

  #idsOf(name: string): number[] {
    const folded = foldNick(name);
    return Array.from(this.roomsNamed()).flatMap(([id, other]) => (foldNick(other) === folded ? [id] : []));
  }

  #gapsIn(from: number, before: number): Gap[] {
    return this.#gaps.all(from, before, GAPS_MAX).map(gapOf);
  }
}

function maySee(entry: Entry, session: number, rooms: ReadonlySet<number>): boolean {
  if (isPrivate(entry)) return entry.session === session || entry.peer!.session === session;
  return entry.rooms.some((room) => rooms.has(room));
}

/** In UTF-8, where a UTF-16 unit has one byte to three. */
function bytesAbout(text: string): number {
  return /^\p{ASCII}*$/u.test(text) ? text.length : text.length * 3;
}

/** Without the rooms of which whoever asked knows nothing. */
function visible(entry: Entry, rooms: ReadonlySet<number>): Entry {
  return entry.rooms.every((room) => rooms.has(room))
    ? entry
    : { ...entry, rooms: entry.rooms.filter((room) => rooms.has(room)) };
}
