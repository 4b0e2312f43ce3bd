/*
 * A client's area: what of its session stands neither in the log nor in the kernel, in memory of its own that is passed
 * along with its connection. A process may die at any moment, and another goes on with its clients, at the exact byte
 * in both directions.
 *
 *   ┌────────┬──────────────┬───────────────────┬─────────┬─────────┐
 *   │ header │ input ring   │ output ring       │ notes 0 │ notes 1 │
 *   └────────┴──────────────┴───────────────────┴─────────┴─────────┘
 *
 * The kernel reads straight into the input ring and writes straight out of the output ring. Bytes that a process had
 * read and not counted when it died still stand in place at `received`, and the kernel knows how many they are; and
 * so it does for bytes that it had taken of the output.
 *
 * What a process does for a client in one turn is one step: lines are consumed, records are in the log, answers and
 * what others said are on their way, or nothing of it happened. It becomes so by one store, which publishes the records
 * in the process's ring. Before that store, the process writes down where the client stands if it comes about: a
 * *commit*. There are two of them, written in turn, and a word that says which is the latest. The latest counts if
 * the ring was published up to where the commit says; otherwise the one before it does. Nothing that the one before
 * it needs is overwritten until then.
 *
 * Positions count bytes since the connection began, modulo 2^32, and are compared by their difference. One process at a
 * time writes; when it is dead, the supervisor settles what it left, and hands the area on.
 */
import { KiB, MiB, UINT32_SPAN, assert } from "../base/index.ts";
import type { Words } from "../log/index.ts";

/**
 * Input that can wait, at the least. Half of it is free when reading begins again: what a parser leaves must be less.
 */
export const INPUT_BYTES_MIN: number = 16 * KiB;

/**
 * Kept free of ordinary reads. The buffer for the next read is handed over before it is known whether there will be
 * one, so even the buffer that is handed over at the moment when reading stops must not be empty.
 */
export const INPUT_RESERVE_BYTES: number = 1 * KiB;

/**
 * What one turn can have for a client at the most, whatever waits for it already: many answers, and all that was said.
 */
const TURN_BYTES_MAX = 4 * MiB;

/** Bytes of the output ring, where so many may wait from one turn to the next. */
export function outputBytesFor(maxQueueBytes: number): number {
  return 2 ** Math.ceil(Math.log2(maxQueueBytes + TURN_BYTES_MAX));
}

/** What a process can note down of a client, for its successor. */
export const NOTES_BYTES: number = 128 * KiB;

/** A line at which so many processes have died is not tried again. */
export const TRIALS_MAX = 2;

const LF = 0x0a;

/** "CHAR": also tells the byte order. */
const MAGIC = 0x52414843;
const AREA_VERSION = 1;

const AreaWord = {
  magic: 0,
  version: 1,
  outputBytes: 2,
  /** Where the positions started: 0, but in tests of the wrap. */
  inputBase: 3,
  outputBase: 4,
  /** Which commit is the latest: 0 or 1. */
  latest: 5,
  /** Input position up to which bytes have been received. */
  received: 6,
  /** 1: the client sends nothing more. */
  endOfInput: 7,
  /** Output position up to which the kernel is known to have taken bytes. */
  accepted: 8,
  /**
   * One word, so that one store counts a death: 1 while a line is being handled, 2 × which of `lines` is the one at
   * which processes have died, 4 × how many have. The other is the line that is being handled.
   */
  trial: 9,
  /** Input positions at which they begin. */
  lines: 10,
  inputBytes: 12,
  commits: 16,
} as const;

const TRYING = 1;

function triedLine(trial: number): number {
  return (trial >> 1) & 1;
}

function trialsOf(trial: number): number {
  return trial >> 2;
}

const COMMIT_WORDS = 16;
const CommitWord = {
  consumed: 0,
  /** Output position that stands at the ring's first byte. */
  outOrigin: 1,
  outEnd: 2,
  throughLow: 3,
  throughHigh: 4,
  /** Position in the process's ring of the log up to which it must be published for this commit to count. */
  appended: 5,
  flags: 6,
  notesRegion: 7,
  notesBytes: 8,
} as const;

const Flag = {
  /** Counts whatever any ring says. */
  unconditional: 1,
  /** The rest of a line that was too long is being dropped. */
  discarding: 2,
} as const;

export const AREA_HEADER_BYTES: number = (AreaWord.commits + 2 * COMMIT_WORDS) * 4;

export interface AreaMemory {
  /** The header. */
  readonly words: Pick<Words, "load" | "store" | "get" | "set">;
  /**
   * The ring, a power of two in size, and behind it the same ring again: whatever goes over its end is in one piece all
   * the same.
   */
  readonly input: Uint8Array;
  /** Likewise. */
  readonly output: Uint8Array;
  readonly notes: readonly [Uint8Array, Uint8Array];
}

/** What was handed over is not a client's area, or not one of this version. */
export class AreaError extends Error {
  override readonly name = "AreaError";
}

/**
 * @param sizes of the two rings, in bytes
 * @param base where positions start
 */
export function formatArea(
  words: AreaMemory["words"],
  sizes: { input: number; output: number },
  base: { input: number; output: number } = { input: 0, output: 0 },
): void {
  words.set(AreaWord.version, AREA_VERSION);
  words.set(AreaWord.inputBytes, sizes.input);
  words.set(AreaWord.outputBytes, sizes.output);
  words.set(AreaWord.inputBase, base.input | 0);
  words.set(AreaWord.outputBase, base.output | 0);
  words.set(AreaWord.received, base.input | 0);
  words.set(AreaWord.accepted, base.output | 0);
  words.set(AreaWord.commits + CommitWord.consumed, base.input | 0);
  words.set(AreaWord.commits + CommitWord.outOrigin, base.output | 0);
  words.set(AreaWord.commits + CommitWord.outEnd, base.output | 0);
  words.set(AreaWord.commits + CommitWord.flags, Flag.unconditional);
  words.store(AreaWord.magic, MAGIC);
}

/** What the kernel knows of a connection: bytes since it began. */
export interface ConnectionCounts {
  /** Handed out by reads. */
  readonly read: number;
  /** Taken by writes. */
  readonly accepted: number;
}

export interface Settled {
  /** It died at a line at which another had died before it: that line is not tried again. */
  readonly isPoisoned: boolean;
}

/**
 * Brings an area to where its dead process had brought it: for the next process to go on there. Reads and writes the
 * header only. May be repeated, and be interrupted.
 *
 * @param published the position up to which the dead process's ring is published; undefined: it never wrote anything
 * @param counts undefined where the kernel has none: then what was sent last is sent again, and bytes that were read
 * and not yet counted are lost
 * @throws AreaError
 */
export function settleArea(
  words: AreaMemory["words"],
  published: number | undefined,
  counts: ConnectionCounts | undefined,
): Settled {
  checkHeader(words);
  let latest = words.load(AreaWord.latest);
  const flags = commitWord(latest, CommitWord.flags);
  if ((words.get(flags) & Flag.unconditional) === 0) {
    const appended = words.get(commitWord(latest, CommitWord.appended));
    const counted = published !== undefined && ((published - appended) | 0) >= 0;
    if (!counted) latest = 1 - latest;
    const settled = commitWord(latest, CommitWord.flags);
    // First: the ring that tells whether a commit counts is not asked a second time.
    words.store(settled, words.get(settled) | Flag.unconditional);
    words.store(AreaWord.latest, latest);
  }
  if (counts !== undefined) {
    const received = words.get(AreaWord.received);
    const read = (words.get(AreaWord.inputBase) + (counts.read % UINT32_SPAN)) | 0;
    const free =
      words.get(AreaWord.inputBytes) -
      ((received - words.get(commitWord(latest, CommitWord.consumed))) >>> 0);
    const uncounted = (read - received) | 0;
    if (uncounted > 0 && uncounted <= free) words.store(AreaWord.received, read);
    const accepted = (words.get(AreaWord.outputBase) + (counts.accepted % UINT32_SPAN)) | 0;
    const outEnd = words.get(commitWord(latest, CommitWord.outEnd));
    const isThere = ((accepted - words.get(AreaWord.accepted)) | 0) >= 0 && ((outEnd - accepted) | 0) >= 0;
    if (isThere) words.store(AreaWord.accepted, accepted);
  }
  return { isPoisoned: settleTrial(words) };
}

/** The line that is not tried again, as far as it was received; with its end, if that was. */
export function poisonedLine(memory: AreaMemory): Uint8Array {
  const { words } = memory;
  const at = words.get(AreaWord.lines + triedLine(words.get(AreaWord.trial)));
  const received = words.get(AreaWord.received);
  const rest = ringView(memory.input, at, Math.min((received - at) >>> 0, memory.input.length / 2));
  const end = rest.indexOf(LF);
  return end < 0 ? rest : rest.subarray(0, end + 1);
}

function settleTrial(words: AreaMemory["words"]): boolean {
  const trial = words.get(AreaWord.trial);
  if ((trial & TRYING) === 0) return false;
  const tried = triedLine(trial);
  const trying = 1 - tried;
  const isSame = words.get(AreaWord.lines + tried) === words.get(AreaWord.lines + trying);
  const trials = isSame ? trialsOf(trial) + 1 : 1;
  words.store(AreaWord.trial, trials * 4 + trying * 2);
  return trials === TRIALS_MAX;
}

function commitWord(commit: number, word: number): number {
  return AreaWord.commits + commit * COMMIT_WORDS + word;
}

function checkHeader(words: AreaMemory["words"]): void {
  const magic = words.load(AreaWord.magic);
  if (magic !== MAGIC)
    throw new AreaError(`not a client's area: it starts with 0x${(magic >>> 0).toString(16)}`);
  const version = words.get(AreaWord.version);
  if (version !== AREA_VERSION)
    throw new AreaError(`a client's area of version ${version}, not ${AREA_VERSION}`);
}

/** What belongs together with the lines that were consumed and the bytes that were written since the last commit. */
export interface Mark {
  /** Everything up to this sequence number that is for the client has been written. */
  readonly through: number;
  /** See `LogMember.appended`. */
  readonly appended: number;
}

/** A client's area in the hands of the process that serves it. */
export class ClientArea {
  readonly #words: AreaMemory["words"];
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  readonly #notes: AreaMemory["notes"];
  readonly #inputBytes: number;
  readonly #outputBytes: number;
  #latest: number;
  /** Input position up to which lines have been taken; committed up to `#consumed`. */
  #taken: number;
  #consumed: number;
  #discarding: boolean;
  #outOrigin: number;
  /** Output position up to which bytes have been written; committed up to `#committedEnd`. */
  #outEnd: number;
  #committedEnd: number;
  #through: number;
  #notesRegion: number;
  #notesBytes: number;
  #isChanged = false;
  #isConfirmed: boolean;

  /** Goes on with what another process left, or with a new one. @throws AreaError */
  constructor(memory: AreaMemory) {
    const { words } = memory;
    checkHeader(words);
    const latest = words.load(AreaWord.latest);
    const value = (word: number): number => words.get(commitWord(latest, word));
    this.#words = words;
    this.#input = memory.input;
    this.#output = memory.output;
    this.#notes = memory.notes;
    this.#inputBytes = words.get(AreaWord.inputBytes);
    this.#outputBytes = words.get(AreaWord.outputBytes);
    if (this.#inputBytes * 2 !== memory.input.length || this.#outputBytes * 2 !== memory.output.length)
      throw new AreaError("a client's area says that its rings have other sizes");
    this.#latest = latest;
    this.#taken = value(CommitWord.consumed);
    this.#consumed = this.#taken;
    this.#discarding = (value(CommitWord.flags) & Flag.discarding) !== 0;
    this.#isConfirmed = (value(CommitWord.flags) & Flag.unconditional) !== 0;
    this.#outOrigin = value(CommitWord.outOrigin);
    this.#outEnd = value(CommitWord.outEnd);
    this.#committedEnd = this.#outEnd;
    this.#through = value(CommitWord.throughHigh) * UINT32_SPAN + (value(CommitWord.throughLow) >>> 0);
    this.#notesRegion = value(CommitWord.notesRegion);
    this.#notesBytes = value(CommitWord.notesBytes);
    const pending = (words.load(AreaWord.received) - this.#consumed) >>> 0;
    if (pending > this.#inputBytes)
      throw new AreaError(`a client's area says that it holds ${pending} bytes of input`);
  }

  /**
   * Where the next read goes: at least one byte, as long as nobody reads more once the area is full. A view. Nobody but
   * the reads moves `received`.
   */
  space(): Uint8Array {
    const free = this.#freeBytes;
    const length = free > INPUT_RESERVE_BYTES ? free - INPUT_RESERVE_BYTES : free;
    assert(length > 0, "a read into a full input ring");
    return ringView(this.#input, this.#received, length);
  }

  /** Time to stop reading. */
  get isFull(): boolean {
    return this.#freeBytes <= INPUT_RESERVE_BYTES;
  }

  /** Time to read again. */
  get hasRoom(): boolean {
    return this.#freeBytes >= this.#inputBytes / 2;
  }

  /** The first `count` bytes of what `space` gave have been read. */
  received(count: number): void {
    const free = this.#freeBytes;
    assert(count >= 0 && count <= free, `${count} bytes received, ${free} were free`);
    this.#words.store(AreaWord.received, (this.#received + count) | 0);
  }

  /** What has been received and not taken, in one piece: a view. */
  pending(): Uint8Array {
    return ringView(this.#input, this.#taken, (this.#received - this.#taken) >>> 0);
  }

  /** The first `count` pending bytes are dealt with; for good with the next commit. */
  take(count: number): void {
    const pending = (this.#received - this.#taken) >>> 0;
    assert(count >= 0 && count <= pending, `${count} bytes taken, ${pending} were pending`);
    if (count === 0) return;
    this.#taken = (this.#taken + count) | 0;
    this.#isChanged = true;
  }

  get discarding(): boolean {
    return this.#discarding;
  }

  set discarding(discarding: boolean) {
    if (this.#discarding === discarding) return;
    this.#discarding = discarding;
    this.#isChanged = true;
  }

  /** The client has half-closed: nothing comes after what is pending. */
  get endOfInput(): boolean {
    return this.#words.load(AreaWord.endOfInput) === 1;
  }

  markEndOfInput(): void {
    this.#words.store(AreaWord.endOfInput, 1);
  }

  /** A line is about to be handled, which begins with the first pending byte. False: it may not be tried again. */
  beginTrial(): boolean {
    const words = this.#words;
    const trial = words.get(AreaWord.trial);
    const tried = triedLine(trial);
    if (trialsOf(trial) >= TRIALS_MAX && words.get(AreaWord.lines + tried) === this.#taken) return false;
    words.set(AreaWord.lines + 1 - tried, this.#taken);
    words.set(AreaWord.trial, trial | TRYING);
    return true;
  }

  /** The line did no harm. */
  endTrial(): void {
    this.#words.set(AreaWord.trial, this.#words.get(AreaWord.trial) & ~TRYING);
  }

  /** Bytes that can be written before more of them are accepted. */
  outputRoom(accepted: number): number {
    return this.#outputBytes - ((this.#outEnd - accepted) >>> 0);
  }

  /** Appends to the output. @param accepted output position up to which the kernel has taken bytes */
  write(bytes: Uint8Array, accepted: number): void {
    if (bytes.length === 0) return;
    // From the ring's beginning, where nothing waits: so a client that keeps up uses few of its pages.
    if (this.#outEnd === accepted) this.#outOrigin = accepted;
    const room = this.outputRoom(accepted);
    assert(bytes.length <= room, `${bytes.length} bytes of output, ${room} have room`);
    const at = ((this.#outEnd - this.#outOrigin) >>> 0) & (this.#outputBytes - 1);
    this.#output.set(bytes, at);
    this.#outEnd = (this.#outEnd + bytes.length) | 0;
    this.#isChanged = true;
  }

  /** Bytes written that the kernel has not taken. */
  outputBytes(accepted: number): number {
    return (this.#outEnd - accepted) >>> 0;
  }

  /** Committed output from a position on, up to `most` bytes: a view, good until the kernel has taken it. */
  output(from: number, most: number): Uint8Array {
    const length = Math.min((this.#committedEnd - from) >>> 0, most);
    return this.#output.subarray(this.#offsetOf(from), this.#offsetOf(from) + length);
  }

  /** How far the kernel has come: stored for when it cannot be asked. */
  get accepted(): number {
    return this.#words.get(AreaWord.accepted);
  }

  set accepted(position: number) {
    this.#words.set(AreaWord.accepted, position);
  }

  /** Everything for the client up to this sequence number has been written, and committed. */
  get through(): number {
    return this.#through;
  }

  /** What a predecessor noted, or this process; a view. */
  get notes(): Uint8Array {
    return this.#notes[this.#notesRegion]!.subarray(0, this.#notesBytes);
  }

  /** Replaces them, with the next commit; at most `NOTES_BYTES`. */
  set notes(bytes: Uint8Array) {
    if (bytes.length === 0 && this.#notesBytes === 0) return;
    const region = 1 - this.#words.get(commitWord(this.#latest, CommitWord.notesRegion));
    assert(bytes.length <= NOTES_BYTES, `${bytes.length} bytes of notes`);
    this.#notes[region]!.set(bytes);
    this.#notesRegion = region;
    this.#notesBytes = bytes.length;
    this.#isChanged = true;
  }

  /** Whether there is something to commit. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** Where the client stands, if the ring comes to be published up to `appended`. One commit for each publishing. */
  commit({ through, appended }: Mark): void {
    const words = this.#words;
    const next = 1 - this.#latest;
    const set = (word: number, value: number): void => words.set(commitWord(next, word), value);
    set(CommitWord.consumed, this.#taken);
    set(CommitWord.outOrigin, this.#outOrigin);
    set(CommitWord.outEnd, this.#outEnd);
    set(CommitWord.throughLow, (through % UINT32_SPAN) | 0);
    set(CommitWord.throughHigh, Math.floor(through / UINT32_SPAN));
    set(CommitWord.appended, appended);
    set(CommitWord.flags, this.#discarding ? Flag.discarding : 0);
    set(CommitWord.notesRegion, this.#notesRegion);
    set(CommitWord.notesBytes, this.#notesBytes);
    words.store(AreaWord.latest, next);
    this.#latest = next;
    this.#consumed = this.#taken;
    this.#committedEnd = this.#outEnd;
    this.#through = through;
    this.#isChanged = false;
    this.#isConfirmed = false;
  }

  /**
   * The ring is published up to where the latest commit says. That is written down, because the ring goes on: for a
   * client of whom nothing changes while 2 GiB are published, the ring's position would seem to be before the commit's.
   */
  confirm(): void {
    if (this.#isConfirmed) return;
    const flags = commitWord(this.#latest, CommitWord.flags);
    this.#words.set(flags, this.#words.get(flags) | Flag.unconditional);
    this.#isConfirmed = true;
  }

  get #received(): number {
    return this.#words.load(AreaWord.received);
  }

  get #freeBytes(): number {
    return this.#inputBytes - ((this.#received - this.#consumed) >>> 0);
  }

  #offsetOf(position: number): number {
    return ((position - this.#outOrigin) >>> 0) & (this.#outputBytes - 1);
  }
}

function ringView(ring: Uint8Array, position: number, length: number): Uint8Array {
  const start = (position >>> 0) & (ring.length / 2 - 1);
  return ring.subarray(start, start + length);
}
