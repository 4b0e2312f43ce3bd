import type { Database, Statement } from "../base/index.ts";
import { type Entry } from "../chat/index.ts";
import { type Access, isMessage, isSpoken } from "./entry.ts";
import { ENTRY_COLUMNS, entryOf } from "./rows.ts";
import type { SearchQuery } from "./searchQuery.ts";
import { type Term, authorTag, characterTag, isIn, nameKey, roomTag, whisperTag, wordsOf } from "./words.ts";

/** Found, oldest first; everything from the sequence number `from` on has been looked through. */
export interface Found {
  readonly entries: readonly Entry[];
  readonly from: number;
}

/** From <= sequence < before. */
export interface Bounds {
  readonly from: number;
  readonly before: number;
}

/** With so few rooms the index is asked for them at once. */
const NARROW_TAGS = 8;
/**
 * So many entries are refused because they may not be seen before the index is asked for the asker's rooms. That makes
 * each hit dearer the more rooms there are, and pays where others' rooms have nearly all of the hits.
 */
const REFUSED_MAX = 500;
/** So many rows are looked at for one answer: about half a second. `from` says how far it has got. */
const EXAMINED_MAX = 50_000;

/**
 * The full-text index gives candidates, newest first, without sorting: row ids are sequence numbers. Each is then
 * verified against the entry itself, so that a hit never rests on the index alone.
 */
export class Search {
  readonly #candidates: Statement;
  readonly #roomsNamed: Statement;

  constructor(database: Database) {
    this.#candidates = database.prepare(
      `SELECT ${ENTRY_COLUMNS} FROM words CROSS JOIN entry ON entry.sequence = words.rowid WHERE words MATCH ? ` +
        "AND words.rowid >= CAST(? AS INTEGER) AND words.rowid < CAST(? AS INTEGER) ORDER BY words.rowid DESC",
    );
    this.#roomsNamed = database.prepare("SELECT id FROM room WHERE folded_name = ?");
  }

  run(query: SearchQuery, access: Access, bounds: Bounds, limit: number): Found {
    const excluded = this.#idsOf(query.excludedRooms);
    const asked = query.rooms.length === 0 ? undefined : this.#idsOf(query.rooms);
    const rooms = access.rooms.filter((room) => !excluded.has(room) && asked?.has(room) !== false);
    const tags = [...new Set(rooms)].map(roomTag);
    if (asked === undefined) tags.push(whisperTag(access.session));
    if (tags.length === 0) return { entries: [], from: bounds.from };
    const mayBeSeen = visibility(new Set(rooms), asked === undefined ? access.session : undefined);
    const expression = expressionOf(query);
    // Without a word or a name to look for, the rooms are all that the index can be asked for.
    let isNarrow = tags.length <= NARROW_TAGS || expression === "";
    const entries: Entry[] = [];
    let { before } = bounds;
    let examined = 0;
    let refused = 0;
    for (;;) {
      const asking = isNarrow ? narrow(expression, tags) : expression;
      let isDone = true;
      for (const row of this.#candidates.iterate(asking + exclusionOf(query), bounds.from, before)) {
        const entry = entryOf(row);
        examined += 1;
        if (!mayBeSeen(entry)) refused += 1;
        else if (answers(query, entry)) {
          if (entries.length === limit) return { entries: entries.toReversed(), from: before };
          entries.push(entry);
        }
        before = entry.sequence;
        if (examined === EXAMINED_MAX) return { entries: entries.toReversed(), from: before };
        if (refused < REFUSED_MAX || isNarrow) continue;
        isNarrow = true;
        isDone = false;
        break;
      }
      if (isDone) return { entries: entries.toReversed(), from: bounds.from };
    }
  }

  #idsOf(foldedNames: readonly string[]): Set<number> {
    return new Set(
      foldedNames.flatMap((name) => this.#roomsNamed.all(name).map((row) => row["id"] as number)),
    );
  }
}

function visibility(rooms: ReadonlySet<number>, session: number | undefined): (entry: Entry) => boolean {
  return ({ kind, rooms: [room], session: sender, peer }) => {
    if (isMessage(kind)) return rooms.has(room!);
    return isSpoken(kind) && session !== undefined && (sender === session || peer!.session === session);
  };
}

function answers(query: SearchQuery, entry: Entry): boolean {
  const keys = [nameKey(entry.nick), nameKey(entry.displayName)];
  const isBy = (authors: readonly string[]): boolean => authors.some((key) => keys.includes(key));
  if ((query.authors.length > 0 && !isBy(query.authors)) || isBy(query.excludedAuthors)) return false;
  const words = wordsOf(entry.text);
  return (
    query.terms.every((term) => isIn(term, words)) && !query.excludedTerms.some((term) => isIn(term, words))
  );
}

/*
 * Questions in the index's own language (https://www.sqlite.org/fts5.html#full_text_query_syntax). Whatever people have
 * typed stands between quotes in it, and is made of words, which contain none.
 */

/** What has to be there, as far as the index can tell. "": nothing that it could be asked for. */
function expressionOf(query: SearchQuery): string {
  const parts = query.terms.flatMap(partsOf);
  if (query.authors.length > 0) parts.push(anyOf(query.authors.map(authorTag)));
  return parts.join(" AND ");
}

function partsOf({ words, lastCharacter }: Term): string[] {
  const parts = words.length > 0 ? [quoted(words.join(" "))] : [];
  if (lastCharacter !== undefined) parts.push(quoted(characterTag(lastCharacter)));
  return parts;
}

/** What must not be there, where the index knows it for certain. */
function exclusionOf(query: SearchQuery): string {
  const parts = [
    ...query.excludedTerms.map(partsOf).flatMap((each) => (each.length === 1 ? each : [])),
    ...query.excludedAuthors.map((key) => quoted(authorTag(key))),
  ];
  return parts.length === 0 ? "" : ` NOT (${parts.join(" OR ")})`;
}

function narrow(expression: string, tags: readonly string[]): string {
  return expression === "" ? anyOf(tags) : `${expression} AND ${anyOf(tags)}`;
}

/** Where at least one of these tags is. */
export function anyOf(tags: readonly string[]): string {
  return `(${tags.map(quoted).join(" OR ")})`;
}

function quoted(words: string): string {
  return `"${words}"`;
}
