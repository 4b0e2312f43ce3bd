/* Parts of the past: what a client scrolls through, and in which rooms and with whom there is something new. */
import { type Entry, type Page as Asked, type PageOf, type Place, foldNick } from "../chat/index.ts";
import type { Database, Statement } from "../base/index.ts";
import { type Access, isPrivate, isSpoken } from "./entry.ts";
import { ENTRY_COLUMNS, entryOf } from "./rows.ts";
import { type Bounds, anyOf } from "./search.ts";
import type { Timeline } from "./timeline.ts";
import { eventTag, roomTag, whisperTag } from "./words.ts";

/** Oldest first. Everything within the bounds has been looked through. */
export interface Part {
  readonly entries: readonly Entry[];
  readonly covered: Bounds;
  /** There are more of those that were asked for. */
  readonly more: boolean;
}

/** Entries that belong together: how the index finds them, and which of what it finds they are. */
interface Past {
  readonly expression: string;
  readonly has: (entry: Entry) => boolean;
}

/**
 * The index gives candidates in their order, and each is looked at until there are enough: what is passed over makes no
 * part shorter.
 */
export class Pages {
  readonly #timeline: Timeline;
  readonly #newest: Statement;
  readonly #oldest: Statement;

  constructor(database: Database, timeline: Timeline) {
    this.#timeline = timeline;
    const tagged =
      `SELECT ${ENTRY_COLUMNS} FROM words CROSS JOIN entry ON entry.sequence = words.rowid WHERE words MATCH ? ` +
      "AND words.rowid >= CAST(? AS INTEGER) AND words.rowid < CAST(? AS INTEGER) ORDER BY words.rowid";
    this.#newest = database.prepare(`${tagged} DESC`);
    this.#oldest = database.prepare(tagged);
  }

  part(access: Access, of: PageOf, asked: Asked, before: number): Part {
    const past = pastOf(access, of, asked.events);
    const end = asked.before === undefined ? before : Math.min(before, this.#beginningOf(asked.before));
    if (past === undefined) return { entries: [], covered: { from: end, before: end }, more: false };
    if (asked.take === "around") {
      const center = asked.after === undefined ? end : Math.min(end, this.#beginningOf(asked.after));
      return this.#around(past, center, end, asked.limit);
    }
    const bounds = { from: asked.after === undefined ? 1 : this.#endOf(asked.after), before: end };
    return asked.take === "newest"
      ? newestOf(this.#takeNewest(past, bounds, asked.limit + 1), bounds, asked.limit)
      : oldestOf(this.#takeOldest(past, bounds, asked.limit + 1), bounds, asked.limit);
  }

  /** Where one side has too few, the other makes up for it. */
  #around(past: Past, center: number, end: number, limit: number): Part {
    const [back, forth] = [
      { from: 1, before: center },
      { from: center, before: end },
    ];
    const older = this.#takeNewest(past, back, limit + 1);
    const newer = this.#takeOldest(past, forth, limit + 1);
    const half = Math.min(older.length, Math.max(Math.floor(limit / 2), limit - newer.length));
    const [left, right] = [newestOf(older, back, half), oldestOf(newer, forth, limit - half)];
    return {
      entries: [...left.entries, ...right.entries],
      covered: { from: left.covered.from, before: right.covered.before },
      more: left.more || right.more,
    };
  }

  /** The latest message of each room and of each person, in between, both exclusive; the oldest of these come first. */
  targets(access: Access, afterMs: number, beforeMs: number, limit: number, before: number): Part {
    const bounds = {
      from: this.#timeline.sequenceAt(afterMs + 1),
      before: Math.min(before, this.#timeline.sequenceAt(beforeMs)),
    };
    const found = this.#latestWhispers(access, bounds);
    for (const room of new Set(access.rooms)) {
      const past = pastOf(access, { room }, false)!;
      found.push(...this.#takeNewest(past, bounds, 1));
    }
    found.sort((one, other) => one.sequence - other.sequence);
    return { entries: found.slice(0, limit), covered: bounds, more: found.length > limit };
  }

  /** One of each person, and of each nick: by that, whoever gets them asks for the rest. */
  #latestWhispers({ session }: Access, { from, before }: Bounds): Entry[] {
    const latest: Entry[] = [];
    const people = new Set<number | string>();
    for (const row of this.#newest.iterate(anyOf([whisperTag(session)]), from, before)) {
      const entry = entryOf(row);
      const other = isSpoken(entry.kind) ? otherOf(entry, session) : undefined;
      if (other === undefined) continue;
      const nick = foldNick(other.nick);
      if (!people.has(other.session) && !people.has(nick)) latest.push(entry);
      people.add(other.session).add(nick);
    }
    return latest;
  }

  #takeNewest(past: Past, { from, before }: Bounds, count: number): Entry[] {
    return take(this.#newest.iterate(past.expression, from, before), past, count);
  }

  #takeOldest(past: Past, { from, before }: Bounds, count: number): Entry[] {
    return take(this.#oldest.iterate(past.expression, from, before), past, count);
  }

  /** What is at this place, or was, has this sequence number or a higher one. */
  #beginningOf({ by, value }: Place): number {
    return by === "sequence" ? value : this.#timeline.sequenceAt(value);
  }

  /** Several may have happened in one millisecond: what comes after all of them. */
  #endOf({ by, value }: Place): number {
    return by === "sequence" ? value + 1 : this.#timeline.sequenceAt(value + 1);
  }
}

function take(rows: Iterable<Parameters<typeof entryOf>[0]>, { has }: Past, count: number): Entry[] {
  const taken: Entry[] = [];
  for (const row of rows) {
    const entry = entryOf(row);
    if (has(entry)) taken.push(entry);
    if (taken.length === count) break;
  }
  return taken;
}

/** @param taken the newest first, one more than the limit where there are so many */
function newestOf(taken: readonly Entry[], bounds: Bounds, limit: number): Part {
  const more = taken.length > limit;
  const entries = taken.slice(0, limit).toReversed();
  const from = more ? (entries[0]?.sequence ?? bounds.before) : bounds.from;
  return { entries, covered: { from, before: bounds.before }, more };
}

/** @param taken the oldest first, one more than the limit where there are so many */
function oldestOf(taken: readonly Entry[], bounds: Bounds, limit: number): Part {
  const more = taken.length > limit;
  const entries = taken.slice(0, limit);
  const before = more ? (entries.at(-1)?.sequence ?? bounds.from - 1) + 1 : bounds.before;
  return { entries, covered: { from: bounds.from, before }, more };
}

/** Undefined where it is not for the asker. */
function pastOf(access: Access, of: PageOf, events: boolean): Past | undefined {
  if (!("person" in of)) {
    const { room } = of;
    if (!access.rooms.includes(room)) return undefined;
    const tags = events ? [roomTag(room), eventTag(room)] : [roomTag(room)];
    const has = ({ kind, rooms }: Entry): boolean => rooms.includes(room) && (events || isSpoken(kind));
    return { expression: anyOf(tags), has };
  }
  const { session } = access;
  const { person } = of;
  const folded = foldNick(of.nick);
  const has = (entry: Entry): boolean => {
    const other = otherOf(entry, session);
    if (other === undefined || !(events || isSpoken(entry.kind))) return false;
    return person === 0 ? foldNick(other.nick) === folded : other.session === person;
  };
  const own = anyOf([whisperTag(session)]);
  return { expression: person === 0 ? own : `${own} AND ${anyOf([whisperTag(person)])}`, has };
}

/** With whom somebody has this between them; undefined where that is not so. */
function otherOf(entry: Entry, session: number): { session: number; nick: string } | undefined {
  if (!isPrivate(entry)) return undefined;
  if (entry.session === session) return entry.peer;
  return entry.peer?.session === session ? entry : undefined;
}
