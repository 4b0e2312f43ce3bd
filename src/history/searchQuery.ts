import { DAY_MS, HOUR_MS, parseDate } from "./time.ts";
import { type Term, nameKey, termOf } from "./words.ts";
import { foldNick } from "../chat/index.ts";

/** A question to history, understood. All of it has to hold for what is found. */
export interface SearchQuery {
  /** All of them are in the text. */
  readonly terms: readonly Term[];
  /** None of them is. */
  readonly excludedTerms: readonly Term[];
  /** Keys (`nameKey`) of nicks or display names: one of them said it. Empty: anybody. */
  readonly authors: readonly string[];
  /** Nobody of these. */
  readonly excludedAuthors: readonly string[];
  /** Folded names of rooms: it was said in one of them. Empty: anywhere. */
  readonly rooms: readonly string[];
  readonly excludedRooms: readonly string[];
  /** Not before this moment. */
  readonly sinceMs: number | undefined;
  /** Before this moment. */
  readonly untilMs: number | undefined;
  /** So many of the latest; undefined: as many as is usual. */
  readonly limit: number | undefined;
}

export interface SearchError {
  /** A sentence for whoever asked. */
  readonly error: string;
}

/** UTF-16 units: several times what anybody types, and no burden for the database. */
export const SEARCH_TEXT_MAX = 500;
/** Words, phrases and conditions. The slowest question of so many parts is still answered in a moment. */
const SEARCH_PARTS_MAX = 24;

const UNIT_MS: Readonly<Record<string, number>> = { h: HOUR_MS, d: DAY_MS, w: 7 * DAY_MS };

/** Phones and word processors put curly quotes in place of straight ones, Chinese keyboards a wide colon. */
const PART =
  /(?<minus>-)?(?:(?<key>from|in|before|after|limit)[:：])?(?:["“”„](?<quoted>[^"“”„]*)(?<end>["“”„])?|(?<bare>\S*))/iuy;

/**
 * Understands what people type: words that must all be there, "words in a row", -without, from:alice, in:#lobby,
 * after:2026-11-25 (from that day on), before:2026-11 (until that month began), before:3d (until three days ago;
 * h, d, w), limit:5 (the latest five). Dates are in UTC. `from:` and `in:` may be repeated, and mean any of them.
 *
 *     parseSearch('deploy "blue green" from:alice after:2w -staging', nowMs)
 */
export function parseSearch(text: string, nowMs: number): SearchQuery | SearchError {
  if (text.length > SEARCH_TEXT_MAX)
    return { error: `a search has at most ${SEARCH_TEXT_MAX} characters; this one has ${text.length}` };
  const question = new Question(nowMs);
  let parts = 0;
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, PART.lastIndex)) {
    parts += 1;
    if (parts > SEARCH_PARTS_MAX)
      return { error: `a search has at most ${SEARCH_PARTS_MAX} words and conditions` };
    PART.lastIndex = at;
    const groups = PART.exec(text)!.groups as Partial<
      Record<"minus" | "key" | "quoted" | "end" | "bare", string>
    >;
    if (groups.quoted !== undefined && groups.end === undefined)
      return { error: `there is no second quote after “${groups.quoted}”` };
    const value = groups.quoted ?? groups.bare!;
    const error = question.add(groups.key?.toLowerCase(), value, groups.minus !== undefined);
    if (error !== undefined) return { error };
  }
  return question.finish();
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at]!)) at += 1;
  return at;
}

/** A date, as `parseDate` knows it, or a span of time ago (12h, 3d, 2w). Undefined: neither. */
export function parseMoment(text: string, nowMs: number): number | undefined {
  const ago = /^(\d{1,6})([hdw])(?:ago)?$/i.exec(text);
  return ago === null ? parseDate(text) : nowMs - Number(ago[1]) * UNIT_MS[ago[2]!.toLowerCase()]!;
}

class Question {
  readonly #nowMs: number;
  readonly #terms: Term[] = [];
  readonly #excludedTerms: Term[] = [];
  readonly #authors: string[] = [];
  readonly #excludedAuthors: string[] = [];
  readonly #rooms: string[] = [];
  readonly #excludedRooms: string[] = [];
  #sinceMs: number | undefined;
  #untilMs: number | undefined;
  #limit: number | undefined;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** Returns what is wrong with it. */
  add(key: string | undefined, value: string, isExcluded: boolean): string | undefined {
    if (key === undefined) return this.#addTerm(value, isExcluded);
    if (value === "") return `${key}: needs ${NEEDED[key]}`;
    if (key === "from") {
      (isExcluded ? this.#excludedAuthors : this.#authors).push(nameKey(value));
      return undefined;
    }
    if (key === "in") {
      (isExcluded ? this.#excludedRooms : this.#rooms).push(foldNick(value));
      return undefined;
    }
    if (key === "limit") {
      if (isExcluded || !/^[1-9]\d{0,3}$/.test(value)) return `limit: needs ${NEEDED[key]}`;
      this.#limit = Number(value);
      return undefined;
    }
    if (isExcluded)
      return `-${key}: does not exist; ${key === "before" ? "after" : "before"}: says the opposite`;
    return this.#addTime(key, value);
  }

  #addTerm(value: string, isExcluded: boolean): string | undefined {
    const term = termOf(value);
    if (term === undefined) {
      if (value === "")
        return isExcluded ? "a word has to follow the -" : "there is nothing between the quotes";
      return `“${value}” has no letter or digit that could be found`;
    }
    (isExcluded ? this.#excludedTerms : this.#terms).push(term);
    return undefined;
  }

  #addTime(key: string, value: string): string | undefined {
    const timeMs = parseMoment(value, this.#nowMs);
    if (timeMs === undefined) return `“${value}” is no date: ${key}: needs ${NEEDED[key]}`;
    if (key === "after") this.#sinceMs = Math.max(timeMs, this.#sinceMs ?? timeMs);
    else this.#untilMs = Math.min(timeMs, this.#untilMs ?? timeMs);
    return undefined;
  }

  finish(): SearchQuery | SearchError {
    if (this.#terms.length + this.#authors.length + this.#rooms.length === 0)
      return { error: "say what to look for: a word, a “phrase”, from:NAME or in:#ROOM" };
    const [sinceMs, untilMs] = [this.#sinceMs, this.#untilMs];
    if (sinceMs !== undefined && untilMs !== undefined && sinceMs >= untilMs)
      return { error: "nothing can be after and before: these times leave nothing between them" };
    return {
      terms: this.#terms,
      excludedTerms: this.#excludedTerms,
      authors: this.#authors,
      excludedAuthors: this.#excludedAuthors,
      rooms: this.#rooms,
      excludedRooms: this.#excludedRooms,
      sinceMs,
      untilMs,
      limit: this.#limit,
    };
  }
}

/** What `parseMoment` takes, for people. */
export const A_DATE = "a date (2026, 2026-11, 2026-11-25, 2026-11-25T06:12Z) or a time ago (12h, 3d, 2w)";
const NEEDED: Readonly<Record<string, string>> = {
  from: 'a name, as in from:alice or from:"李 娜"',
  in: "a room, as in in:#lobby",
  before: A_DATE,
  after: A_DATE,
  limit: "a number, as in limit:5",
};
