import { assert, encodeUtf8 } from "../base/index.ts";
import {
  type Entry,
  ENTRY_KINDS,
  type EntryKind,
  type Person,
  cleanDisplayName,
  cleanRoomName,
  isNick,
  isWhisper,
} from "../chat/index.ts";
import { FIRST_SEQUENCE, type NamedEntry, type Room, isPrivate, isSpoken } from "./entry.ts";
import { jsonLine } from "./export.ts";
import { faultOf } from "./rows.ts";
import type { HistoryStore } from "./store.ts";
import { TIME_MS_MAX, parseDate } from "./time.ts";

export interface ImportOptions {
  /**
   * The id for a room that history does not know. Called once for each, when all has been checked and nothing has been
   * changed. What it throws ends the import.
   */
  readonly roomId: (room: UnknownRoom) => number;
  /**
   * Makes what `roomId` is going to be asked for: all rooms of the file that history does not know. Asked when all has
   * been checked and nothing has been changed, slice after slice, until it says that they are there. What it throws
   * ends the import. Where it is missing, nothing has to be made.
   */
  readonly roomsReady?: (rooms: readonly UnknownRoom[]) => boolean;
  /** Nothing may be later: only a history in which nothing has happened yet has no time of its own. */
  readonly nowMs: number;
}

/** A room of which history knows nothing, and the first line that names it. */
export interface UnknownRoom {
  /** As `cleanRoomName` spells it. */
  readonly name: string;
  readonly line: number;
}

/** What an import does, in this order. */
export const IMPORT_PHASES = ["cleaning", "checking", "rooms", "storing"] as const;

/** After each slice of work. */
export interface ImportProgress {
  readonly phase: (typeof IMPORT_PHASES)[number];
  /** Lines that this phase is through with. */
  readonly lines: number;
}

export interface ImportResult {
  readonly stored: number;
  /** They were there already. */
  readonly skipped: number;
  /** They were put in front of everything, with new numbers. */
  readonly renumbered: boolean;
}

/** The sentence names the first line in conflict. Nothing has been changed. */
export class ImportError extends Error {
  override readonly name = "ImportError";
  readonly line: number;

  constructor(line: number, reason: string) {
    super(`line ${line} ${reason}; nothing has been imported`);
    this.line = line;
  }
}

/** Lines for each slice: some milliseconds of work. */
const SLICE_LINES = 500;
/** Far above what the bounds of its fields leave; keeps a wrong file out of memory. */
const LINE_UNITS_MAX = 1_000_000;
/** A client's line has 4,096 bytes at most, each of which may have become U+FFFD, which has three. */
const TEXT_BYTES_MAX = 3 * 4096;
/** Protocols end lines with these: whoever reads what is imported would take the rest for another line. */
const LINE_ENDS = /[\0\r\n]/;
/** What was said may have several lines. */
const LINE_ENDS_OF_SPEECH = /[\0\r]/;
const CLIENT_TAG = /^\+[^\0\r\n ;=]+(?:=[^\0\r\n ;]*)?$/;
/** User and host: on IRC neither has so many. */
const ADDRESS_UNITS_MAX = 255;
const ADDRESS = /^[^!@\p{C}\p{Z}]*@[^!@\p{C}\p{Z}]*$/u;
/** Of one entry: twice as many as anybody is in. */
const ROOMS_MAX = 100;

/**
 * Takes back what was exported as JSON. Everything is checked before anything is changed: `lines` is gone through
 * twice. Each `next()` is one bounded slice, so that live messages are stored between them.
 *
 * Either each line keeps its number: it is there identically (and skipped), or its number is free, has been passed by
 * the log, and fits in time between those beside it. Or, where the whole file is older than everything that is stored,
 * it is put in front, with new numbers just below the lowest.
 *
 * An import that ended halfway can be repeated. @throws ImportError, HistoryWriteError
 */
export function* importEntries(
  store: HistoryStore,
  lines: Iterable<string>,
  options: ImportOptions,
): Generator<ImportProgress, ImportResult> {
  const iterator: unknown = lines[Symbol.iterator]();
  assert(iterator !== lines, "the lines of an import are gone through twice");
  while (!store.deleteUnfinished(SLICE_LINES)) yield { phase: "cleaning", lines: 0 };
  const check = new Check(store, options.nowMs);
  for (const [index, line] of counted(lines)) {
    check.add(index + 1, line);
    if (index % SLICE_LINES === SLICE_LINES - 1) yield { phase: "checking", lines: index + 1 };
  }
  const plan = check.finish();
  while (options.roomsReady?.(plan.rooms) === false) yield { phase: "rooms", lines: 0 };
  // At once: an empty room may be forgotten in the next turn, and its past is kept all the same.
  const rooms = new ImportedRooms(store, plan.rooms, options.roomId);
  return yield* storeLines(store, lines, plan, rooms);
}

/** Lines that say something, each with its index in the file. */
function* counted(lines: Iterable<string>): Generator<readonly [number, string], void> {
  let index = 0;
  for (const line of lines) {
    if (line.trim() !== "") yield [index, line];
    index += 1;
  }
}

/** How the lines of a file are going to be stored. */
interface Plan {
  readonly lines: number;
  /** The first of the new numbers; undefined: each line keeps its own. */
  readonly first: number | undefined;
  /** Those that history does not know. */
  readonly rooms: readonly UnknownRoom[];
}

/** Goes through the lines and tries both ways of storing them. */
class Check {
  readonly #store: HistoryStore;
  readonly #nowMs: number;
  /** Why the lines cannot keep their numbers. */
  #conflict: ImportError | undefined;
  #lines = 0;
  #lastSequence = 0;
  #lastTimeMs = 0;
  /** By their names; undefined: history knows it. */
  readonly #rooms = new Map<string, UnknownRoom | undefined>();

  constructor(store: HistoryStore, nowMs: number) {
    this.#store = store;
    this.#nowMs = nowMs;
  }

  /** @throws ImportError where no way is left */
  add(line: number, text: string): void {
    const entry = parseLine(line, text);
    if (entry.sequence <= this.#lastSequence)
      throw new ImportError(line, `has the number ${entry.sequence}, after ${this.#lastSequence}`);
    if (entry.timeMs < this.#lastTimeMs) throw new ImportError(line, "is earlier than the line before it");
    this.#lines += 1;
    this.#lastSequence = entry.sequence;
    this.#lastTimeMs = entry.timeMs;
    for (const name of entry.rooms) this.#addRoom(name, line);
    const reason = this.#conflict === undefined ? this.#reasonAgainst(entry) : undefined;
    if (reason !== undefined) this.#conflict = new ImportError(line, reason);
  }

  #addRoom(name: string, line: number): void {
    if (this.#rooms.has(name)) return;
    this.#rooms.set(name, this.#store.roomNamed(name) === undefined ? { name, line } : undefined);
  }

  /** Why it cannot keep its number. */
  #reasonAgainst(entry: NamedEntry): string | undefined {
    const { sequence, timeMs } = entry;
    const store = this.#store;
    const next = store.from(sequence);
    if (next?.sequence === sequence)
      return isSame(store, next, entry)
        ? undefined
        : `has the number ${sequence}, which is that of another entry`;
    if (sequence > (store.through === 0 ? FIRST_SEQUENCE - 1 : store.through))
      return `has the number ${sequence}, which is still to be given`;
    const latestMs = next?.timeMs ?? this.#latestMs;
    if (timeMs > latestMs) return `has the number ${sequence}, and is later than what has a higher one`;
    if (timeMs < (store.before(sequence)?.timeMs ?? 0))
      return `has the number ${sequence}, and is earlier than what has a lower one`;
    return undefined;
  }

  /** What comes after all that is stored is not earlier. */
  get #latestMs(): number {
    return this.#store.through === 0 ? this.#nowMs : this.#store.throughTimeMs;
  }

  /** @throws ImportError */
  finish(): Plan {
    const rooms = [...this.#rooms.values()].filter((room) => room !== undefined);
    if (this.#conflict === undefined) return { lines: this.#lines, first: undefined, rooms };
    const oldest = this.#store.first;
    const isOlder =
      oldest === undefined ? this.#lastTimeMs <= this.#latestMs : this.#lastTimeMs < oldest.timeMs;
    const first = lowestOf(this.#store) - this.#lines;
    if (!isOlder || first < 1) throw this.#conflict;
    return { lines: this.#lines, first, rooms };
  }
}

/** Everything that is stored, and everything that will be, has this number or a higher one. */
function lowestOf(store: HistoryStore): number {
  const { first, through } = store;
  if (first !== undefined) return first.sequence;
  return through === 0 ? FIRST_SEQUENCE : Math.min(FIRST_SEQUENCE, through + 1);
}

function isSame(store: HistoryStore, stored: Entry, line: NamedEntry): boolean {
  const rooms = stored.rooms.map((id) => store.nameOf(id) ?? "");
  return jsonLine({ ...stored, rooms }) === jsonLine(line);
}

function* storeLines(
  store: HistoryStore,
  lines: Iterable<string>,
  plan: Plan,
  rooms: ImportedRooms,
): Generator<ImportProgress, ImportResult> {
  const renumbered = plan.first !== undefined;
  const unfinished = renumbered ? { from: plan.first, to: plan.first + plan.lines - 1 } : undefined;
  let done = 0;
  let stored = 0;
  let slice: Entry[] = [];
  for (const [index, line] of counted(lines)) {
    const named = parseLine(index + 1, line);
    const sequence = renumbered ? plan.first + done : named.sequence;
    done += 1;
    if (renumbered || store.from(sequence)?.sequence !== sequence)
      slice.push({ ...named, sequence, rooms: named.rooms.map((name) => rooms.idOf(name)) });
    if (done % SLICE_LINES !== 0) continue;
    store.putPast(slice, rooms.takeNew(), unfinished);
    stored += slice.length;
    slice = [];
    yield { phase: "storing", lines: done };
  }
  assert(done === plan.lines, "the lines of an import have changed while they were stored");
  store.putPast(slice, rooms.takeNew(), undefined);
  stored += slice.length;
  return { stored, skipped: done - stored, renumbered };
}

/** The ids of the rooms that are named in a file. */
class ImportedRooms {
  readonly #store: HistoryStore;
  readonly #ids = new Map<string, number>();
  #new: Room[] = [];

  /** @param unknown those that history did not know when the lines were checked */
  constructor(store: HistoryStore, unknown: readonly UnknownRoom[], roomId: ImportOptions["roomId"]) {
    this.#store = store;
    for (const room of unknown) {
      const { name } = room;
      // What has been made for the import may have been stored by now.
      if (store.roomNamed(name) !== undefined) continue;
      const id = roomId(room);
      assert(store.nameOf(id) === undefined, `room ${id} has a name already, and cannot be ${name}`);
      this.#ids.set(name, id);
      this.#new.push({ id, name });
    }
  }

  idOf(name: string): number {
    let id = this.#ids.get(name);
    if (id !== undefined) return id;
    id = this.#store.roomNamed(name);
    assert(id !== undefined, `the room ${name} was known when the lines of an import were checked`);
    this.#ids.set(name, id);
    return id;
  }

  /** Those that have to be written before the entries that are in them. */
  takeNew(): Room[] {
    const taken = this.#new;
    this.#new = [];
    return taken;
  }
}

/** @throws ImportError */
function parseLine(line: number, text: string): NamedEntry {
  if (text.length > LINE_UNITS_MAX) throw new ImportError(line, `has more than ${LINE_UNITS_MAX} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ImportError(line, "is no JSON");
  }
  const fields = new Fields(line, "", value);
  const { kind, timeMs, rooms } = { kind: fields.kind(), timeMs: fields.time(), rooms: fields.rooms() };
  if (isPrivate({ kind, rooms })) throw new ImportError(line, IS_PRIVATE);
  const peer = fields.has("peer") ? new Fields(line, "peer.", fields.value("peer")).person() : undefined;
  const sequence = fields.number("sequence");
  const what = {
    text: fields.text(kind),
    tags: fields.tags(),
    account: fields.account(),
    address: fields.address(),
  };
  const entry = { sequence, timeMs, kind, rooms, ...fields.person(), peer, ...what };
  const fault = faultOf({ ...entry, rooms: rooms.map((_, index) => index + 1) });
  if (fault !== undefined) throw new ImportError(line, `is no entry: ${fault}`);
  return entry;
}

/** Whoever has that person's number here would read it. No export has any. */
const IS_PRIVATE = "is a private message, which no export has";
const IMPORTED_KINDS: readonly EntryKind[] = ENTRY_KINDS.filter((kind) => !isWhisper(kind));
const ONE_OF_KINDS = `one of ${IMPORTED_KINDS.join(", ")}`;
/** Of a name that is none: enough to find it. */
const SHOWN_UNITS_MAX = 80;

/** The fields of an object that came from outside. */
class Fields {
  readonly #line: number;
  readonly #path: string;
  readonly #object: Readonly<Record<string, unknown>>;

  constructor(line: number, path: string, value: unknown) {
    this.#line = line;
    this.#path = path;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new ImportError(
        line,
        path === "" ? "is no JSON object" : `has a ${path.slice(0, -1)} that is no object`,
      );
    this.#object = value as Readonly<Record<string, unknown>>;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined;
  }

  value(name: string): unknown {
    return this.#object[name];
  }

  string(name: string): string {
    const value = this.#object[name];
    return typeof value === "string" ? value.toWellFormed() : this.#refuse(name, "a string");
  }

  number(name: string): number {
    const value = this.#object[name];
    return typeof value === "number" ? value : this.#refuse(name, "a number");
  }

  text(kind: EntryKind): string {
    const text = this.string("text");
    if (encodeUtf8(text).length > TEXT_BYTES_MAX)
      return this.#refuse("text", `at most ${TEXT_BYTES_MAX} bytes`);
    const lineEnds = isSpoken(kind) ? LINE_ENDS_OF_SPEECH : LINE_ENDS;
    return lineEnds.test(text) ? this.#refuse("text", `what a ${kind} can have`) : text;
  }

  /** Those of clients alone: the server's own say what is true. */
  tags(): string {
    const tags = this.#optional("tags");
    if (encodeUtf8(tags).length > TEXT_BYTES_MAX)
      return this.#refuse("tags", `at most ${TEXT_BYTES_MAX} bytes`);
    return tags === "" || tags.split(";").every((tag) => CLIENT_TAG.test(tag))
      ? tags
      : this.#refuse("tags", "tags of clients, as in +draft/reply=4711");
  }

  account(): string {
    const account = this.#optional("account");
    return account === "" || isNick(account) ? account : this.#refuse("account", "the name of an account");
  }

  address(): string {
    const address = this.#optional("address");
    return address === "" || (address.length <= ADDRESS_UNITS_MAX && ADDRESS.test(address))
      ? address
      : this.#refuse("address", "a user and where from, as in alice@example.org");
  }

  /** Missing is as good as empty. */
  #optional(name: string): string {
    return this.has(name) ? this.string(name) : "";
  }

  kind(): EntryKind {
    const value = this.string("kind");
    if (ENTRY_KINDS.some((kind) => kind === value && isWhisper(kind)))
      throw new ImportError(this.#line, IS_PRIVATE);
    return IMPORTED_KINDS.find((kind) => kind === value) ?? this.#refuse("kind", ONE_OF_KINDS);
  }

  time(): number {
    const timeMs = parseDate(this.string("time"));
    if (timeMs === undefined || timeMs < 0 || timeMs > TIME_MS_MAX)
      return this.#refuse("time", "a date and time from 1970 on, as in 2026-11-25T06:12:22.123Z");
    return timeMs;
  }

  rooms(): string[] {
    const value: unknown = this.#object["rooms"];
    const isNames = Array.isArray(value) && value.every((name) => typeof name === "string");
    const names = isNames ? (value as string[]) : this.#refuse("rooms", "names");
    if (names.length > ROOMS_MAX) return this.#refuse("rooms", `at most ${ROOMS_MAX}`);
    const clean = names.map((name) => this.#roomName(name));
    return new Set(clean).size === clean.length ? clean : this.#refuse("rooms", "different rooms");
  }

  /** In the one spelling that a room has. */
  #roomName(name: string): string {
    const clean = cleanRoomName(name);
    if (clean !== undefined) return clean;
    const shown = name.length > SHOWN_UNITS_MAX ? `${name.slice(0, SHOWN_UNITS_MAX)}…` : name;
    throw new ImportError(this.#line, `names the room ${shown}, which cannot be made: no room is called so`);
  }

  person(): Person {
    const [session, nick, displayName] = [
      this.number("session"),
      this.string("nick"),
      this.string("displayName"),
    ];
    if (!isNick(nick)) return this.#refuse("nick", "a nick");
    if (displayName !== nick && cleanDisplayName(displayName) !== displayName)
      return this.#refuse("displayName", "a name");
    return { session, nick, displayName };
  }

  #refuse(name: string, needed: string): never {
    throw new ImportError(this.#line, `has no ${this.#path}${name} that is ${needed}`);
  }
}
