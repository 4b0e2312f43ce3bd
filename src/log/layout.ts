/*
 * The one description of the segment's bytes. Nothing else knows an offset; each is computed from the one before.
 *
 *   ┌──────────────┐ 0
 *   │ header       │ constants; written once, by the sequencer, before anybody else may look
 *   ├──────────────┤ one page
 *   │ sequencer    │ tail │ sleep epoch │ pressure, wake-at │ probe │ delivered │ …  each on a line pair of its own
 *   │ slot table   │ process 0: generation, early, joined, join-at, limit, ordered │ process 1 … │
 *   │ order ring   │ entry │ entry │ entry …                            8 words each
 *   ├──────────────┤ page boundary
 *   │ process 0    │ page of words │ ring of records                     written by process 0 alone
 *   ├──────────────┤ page boundary
 *   │ process 1    │ page of words │ ring of records                     written by process 1 alone
 *   ├──────────────┤
 *   │ …            │
 *   └──────────────┘
 *
 * Process 0 is the sequencer's own process: header, sequencer, slot table, order ring and process 0 are its pages.
 *
 *   order entry   seq low │ seq high │ kind ≪ 16 | process │ position │ length │ room │ time low │ time high
 *   record        length │ kind │ room │ generation │ payload … │ up to the next multiple of 8
 *
 * A record never wraps around the end of its ring: a padding record (kind 0) fills what is left there.
 */
import { assert, formatBytes } from "../base/index.ts";

export const LAYOUT_VERSION = 3;

/** "CHOR", "USLG": also tells the byte order. */
export const MAGIC: readonly [number, number] = [0x524f4843, 0x474c5355];

export const WORD_BYTES = 4;
/** Bytes to words: shifted, because a division is done in floating point. */
export const WORD_SHIFT = 2;

/** Two cache lines: processors fetch them in pairs, so words of different writers or rates stay this far apart. */
const LINE_PAIR_WORDS = 32;

/** The smallest page of the systems we run on; where pages are larger, `pageBytes` says so. */
const PAGE_BYTES_MIN = 4096;

export const PROCESSES_MAX = 1024;
export const RING_BYTES_MIN = 256;
export const RING_BYTES_MAX: number = 2 ** 30;
export const ORDER_ENTRIES_MIN = 4;
export const ORDER_ENTRIES_MAX: number = 2 ** 24;

/** Index of each header word. `checksum` is last and covers all before it. */
export const HeaderWord = {
  magic0: 0,
  magic1: 1,
  version: 2,
  pageBytes: 3,
  processes: 4,
  ringBytes: 5,
  orderEntries: 6,
  totalBytesLow: 7,
  totalBytesHigh: 8,
  /** Random for each segment: what tells it from its predecessor of the same name. */
  segmentId0: 9,
  segmentId1: 10,
  /** Whose it is: four words of a digest of the owner's identity (for Chorus, its data directory). */
  identity: 11,
  firstSequenceLow: 15,
  firstSequenceHigh: 16,
  startPosition: 17,
  /** The log's time starts not before this, in milliseconds since 1970. */
  firstTimeLow: 18,
  firstTimeHigh: 19,
  /** One of `Keeping`. */
  keeping: 20,
  checksum: 21,
} as const;

/** What the log is held back for besides its readers. */
export const Keeping = {
  /** Nothing: what every living reader has consumed is gone. */
  none: 0,
  /** What the keeper has not consumed is kept, whether one lives or not. */
  keeper: 1,
  /** The same, and to the others nothing is delivered before the keeper has consumed it. */
  keeperFirst: 2,
} as const;

export const ORDER_ENTRY_WORDS = 8;
export const OrderWord = {
  sequenceLow: 0,
  sequenceHigh: 1,
  kindAndProcess: 2,
  position: 3,
  length: 4,
  room: 5,
  timeLow: 6,
  timeHigh: 7,
} as const;

export const RECORD_HEADER_WORDS = 4;
export const RECORD_HEADER_BYTES: number = RECORD_HEADER_WORDS * WORD_BYTES;
export const RECORD_ALIGNMENT_BYTES = 8;
export const RecordWord = { length: 0, kind: 1, room: 2, generation: 3 } as const;

/** Fills the end of a ring. Has a length and this kind alone, so that eight bytes are enough for it. */
export const PADDING_KIND = 0;
/** Kinds travel in 16 bits. */
export const KIND_MAX = 0xffff;

const SLOT_WORDS = 16;
export const SlotWord = {
  /** Of the process that may write here; 0: nobody. */
  generation: 0,
  /** Generation of the process that the sequencer has let in as a reader. */
  joined: 1,
  /** The first sequence number that it is to read. */
  joinAtLow: 2,
  joinAtHigh: 3,
  /** Ring position up to which everything has been consumed by every reader: the writer may reuse what is before. */
  limit: 4,
  /**
   * Ring position up to which its records are ordered, as of the order position `settled`: what was ordered after
   * that is found in the order ring's entries.
   */
  ordered: 5,
  /** Generation of the process that was cut off: nothing more of its ring is read. */
  cutOff: 6,
  /** 1: it is to read from the oldest record that is still there; 0: from the first that comes. */
  early: 7,
} as const;

/** Word groups of a process's own page, in words from the page's start. */
type ProcessWords = Readonly<
  Record<
    | "published"
    | "consumed"
    | "reading"
    | "read"
    | "sleepEpoch"
    | "attentive"
    | "attached"
    | "following"
    | "blocked"
    | "wanted"
    | "probeAnswer"
    | "rang"
    | "bells",
    number
  >
>;
export const ProcessWord: ProcessWords = {
  /** Ring position up to which records exist. */
  published: 0,
  /** Order position up to which this process needs nothing any more. Lower 32 bits of a sequence number. */
  consumed: 1 * LINE_PAIR_WORDS,
  /** Generation of the process whose `consumed` this is. */
  reading: 1 * LINE_PAIR_WORDS + 1,
  /** Order position up to which it has read: there is nothing to wake it for before. */
  read: 1 * LINE_PAIR_WORDS + 2,
  /** Odd: asleep. */
  sleepEpoch: 2 * LINE_PAIR_WORDS,
  /** 1: wake me for every record; 0: only when I hold the log back. */
  attentive: 3 * LINE_PAIR_WORDS,
  /** Generation of the process that has mapped this page and wants to read. */
  attached: 3 * LINE_PAIR_WORDS + 1,
  /** One of `Following`. */
  following: 3 * LINE_PAIR_WORDS + 2,
  /** 1: out of room, waiting for the limit to pass `wanted`. */
  blocked: 4 * LINE_PAIR_WORDS,
  wanted: 4 * LINE_PAIR_WORDS + 1,
  /** The last probe that was answered. */
  probeAnswer: 5 * LINE_PAIR_WORDS,
  /** The sequencer's sleep epoch that this process rang last. */
  rang: 6 * LINE_PAIR_WORDS,
  /** How many bells this process has rung. */
  bells: 6 * LINE_PAIR_WORDS + 1,
};
/** Up to where a process reads. */
export const Following = {
  /** Everything that there is for it: up to the tail, or to what the keeper has consumed where that goes first. */
  tail: 0,
  /** What every process that serves somebody has consumed. */
  delivered: 1,
  nothing: 2,
} as const;

const PROCESS_WORDS = 7 * LINE_PAIR_WORDS;

const SequencerWord = {
  tail: 0,
  sleepEpoch: 1 * LINE_PAIR_WORDS,
  pressure: 2 * LINE_PAIR_WORDS,
  wakeAt: 2 * LINE_PAIR_WORDS + 1,
  probe: 3 * LINE_PAIR_WORDS,
  bells: 4 * LINE_PAIR_WORDS,
  kept: 5 * LINE_PAIR_WORDS,
  keeper: 6 * LINE_PAIR_WORDS,
  settled: 6 * LINE_PAIR_WORDS + 1,
  reclaimed: 6 * LINE_PAIR_WORDS + 2,
  delivered: 7 * LINE_PAIR_WORDS,
  end: 8 * LINE_PAIR_WORDS,
} as const;

export interface Geometry {
  /** How many processes can take part, the sequencer's own among them: 1 to 1,024. */
  processes: number;
  /** Bytes of each process's ring: a power of two from 256 to 2^30. */
  ringBytes: number;
  /** Entries of the order ring: a power of two from 4 to 2^24. */
  orderEntries: number;
  /** The machine's page size; 4,096 where nothing is mapped. */
  pageBytes: number;
}

export interface Range {
  offset: number;
  length: number;
}

/** Where everything is, in words from the segment's start unless a name says bytes. */
export class Layout {
  readonly geometry: Geometry;
  readonly tail: number;
  readonly sleepEpoch: number;
  readonly pressure: number;
  readonly wakeAt: number;
  readonly probe: number;
  readonly bells: number;
  /** Order position up to which the keeper is known to have consumed; what follows is kept. Stands where none lives. */
  readonly kept: number;
  /** One more than the process that is the keeper; 0 while there is none. */
  readonly keeper: number;
  /** Order position as of which every slot's `ordered` is right; at most the tail. */
  readonly settled: number;
  /** Order position from which on everything is still there: entries, and the records that they stand for. */
  readonly reclaimed: number;
  /** Order position up to which every process that serves somebody has consumed. Never goes back. */
  readonly delivered: number;
  readonly orderRing: number;
  readonly totalBytes: number;
  /** The largest payload: a record may fill a quarter of a ring, so that a padding record never starves it. */
  readonly payloadBytesMax: number;
  readonly #slots: number;
  readonly #processesBytes: number;
  readonly #strideBytes: number;
  readonly #ringOffsetBytes: number;

  constructor(geometry: Geometry) {
    checkGeometry(geometry);
    const { processes, ringBytes, orderEntries, pageBytes } = geometry;
    const pageWords = pageBytes / WORD_BYTES;
    this.geometry = geometry;

    const sequencer = pageWords;
    this.tail = sequencer + SequencerWord.tail;
    this.sleepEpoch = sequencer + SequencerWord.sleepEpoch;
    this.pressure = sequencer + SequencerWord.pressure;
    this.wakeAt = sequencer + SequencerWord.wakeAt;
    this.probe = sequencer + SequencerWord.probe;
    this.bells = sequencer + SequencerWord.bells;
    this.kept = sequencer + SequencerWord.kept;
    this.keeper = sequencer + SequencerWord.keeper;
    this.settled = sequencer + SequencerWord.settled;
    this.reclaimed = sequencer + SequencerWord.reclaimed;
    this.delivered = sequencer + SequencerWord.delivered;
    this.#slots = sequencer + SequencerWord.end;
    this.orderRing = roundUp(this.#slots + processes * SLOT_WORDS, LINE_PAIR_WORDS);
    const sequencerEnd = this.orderRing + orderEntries * ORDER_ENTRY_WORDS;

    this.#processesBytes = roundUp(sequencerEnd * WORD_BYTES, pageBytes);
    this.#ringOffsetBytes = roundUp(PROCESS_WORDS * WORD_BYTES, pageBytes);
    this.#strideBytes = this.#ringOffsetBytes + roundUp(ringBytes, pageBytes);
    this.totalBytes = this.#processesBytes + processes * this.#strideBytes;
    this.payloadBytesMax = ringBytes / 4 - RECORD_HEADER_BYTES;
  }

  slot(process: number, word: number): number {
    return this.#slots + process * SLOT_WORDS + word;
  }

  process(process: number, word: number): number {
    return (this.#processesBytes + process * this.#strideBytes) / WORD_BYTES + word;
  }

  ringOffsetBytes(process: number): number {
    return this.#processesBytes + process * this.#strideBytes + this.#ringOffsetBytes;
  }

  /** The pages that a process may write, in bytes: its own, and for process 0 the sequencer's before them. */
  writable(process: number): Range {
    const offset = this.#processesBytes + process * this.#strideBytes;
    return process === 0
      ? { offset: 0, length: offset + this.#strideBytes }
      : { offset, length: this.#strideBytes };
  }
}

function checkGeometry({ processes, ringBytes, orderEntries, pageBytes }: Geometry): void {
  assertRange("processes", processes, 1, PROCESSES_MAX);
  assertRange("ringBytes", ringBytes, RING_BYTES_MIN, RING_BYTES_MAX);
  assertRange("orderEntries", orderEntries, ORDER_ENTRIES_MIN, ORDER_ENTRIES_MAX);
  assertRange("pageBytes", pageBytes, PAGE_BYTES_MIN, 2 ** 20);
  for (const [name, value] of Object.entries({ ringBytes, orderEntries, pageBytes })) {
    assert(isPowerOfTwo(value), `${name} must be a power of two, not ${value}`);
  }
}

function assertRange(name: string, value: number, low: number, high: number): void {
  assert(
    Number.isInteger(value) && value >= low && value <= high,
    `${name} must be an integer from ${low} to ${high}, not ${value} (${formatBytes(value)})`,
  );
}

export function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** Bytes that a record of this payload takes in a ring. In 32-bit arithmetic: it is computed for every record. */
export function recordBytes(payloadBytes: number): number {
  return (RECORD_HEADER_BYTES + payloadBytes + RECORD_ALIGNMENT_BYTES - 1) & -RECORD_ALIGNMENT_BYTES;
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
