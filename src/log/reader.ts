import { UINT32_SPAN, assert } from "../base/index.ts";
import { ORDER_ENTRY_WORDS, OrderWord, PADDING_KIND, ProcessWord, RECORD_HEADER_BYTES } from "./layout.ts";
import { LogCorruptionError, type Segment, readUint53 } from "./segment.ts";
import type { Words } from "./words.ts";

/* Copies, for what is done for every record: see writer.ts. */
const {
  sequenceLow: SEQUENCE_LOW,
  kindAndProcess: KIND_AND_PROCESS,
  position: POSITION,
  length: LENGTH,
} = OrderWord;
const ENTRY_WORDS = ORDER_ENTRY_WORDS;
const HEADER_BYTES = RECORD_HEADER_BYTES;
/** Nobody writes an entry for padding: this is one that was never written. */
const NO_RECORD = PADDING_KIND;

/**
 * A record as it lies in memory. One object serves all records: take what you need, keep no reference. The payload is
 * `bytes[start … start + length)`, in place, and is only sure to stay until it is consumed: until the handler returns,
 * or, where the member consumes explicitly, until it says so. Copy what must outlive that.
 */
export class LogRecord {
  /** Its place in the one order; its identity. */
  sequence = 0;
  /** Who wrote it. */
  process = 0;
  kind = 0;
  start = 0;
  length = 0;
  readonly bytes: Uint8Array;
  /** Index of its entry in the order ring. What few handlers ask for is read there when they do. */
  entry = 0;
  readonly #words: Words;

  constructor(words: Words) {
    this.bytes = words.bytes;
    this.#words = words;
  }

  /** The 32 bits that its writer gave it to be chosen by. */
  get room(): number {
    return this.#words.get(this.entry + OrderWord.room);
  }

  /** When it was ordered, in milliseconds since 1970; never goes back. */
  get timeMs(): number {
    return readUint53(this.#words, this.entry + OrderWord.timeLow, this.entry + OrderWord.timeHigh);
  }
}

export type RecordHandler = (record: LogRecord) => void;

/** "automatic": with the reading. "explicit": by `consume`, until which nothing that was read is overwritten. */
export type Consuming = "automatic" | "explicit";

export interface Reading {
  /** The first sequence number to be read; the sequencer must have kept it (see `SlotWord.joinAtLow`). */
  sequence: number;
  /**
   * Index of the word that says up to where there is something for this reader: `tail`, `kept`, or `delivered` of the
   * layout; undefined: there is nothing.
   */
  endWord: number | undefined;
  consuming: Consuming;
  /** Told whenever the consumed position was published, as order positions. */
  onConsumed(from: number, to: number): void;
}

/** After this many records a reader says how far it is, so that writers need not wait for the end of its turn. */
const CONSUMED_INTERVAL = 256;

/**
 * Reads every record of every process in the one order. Only the process whose pages these are may have one: it
 * holds the log back for as long as it has not consumed, which is what makes reading in place safe.
 */
export class LogReader {
  readonly #segment: Segment;
  readonly #record: LogRecord;
  readonly #consumedWord: number;
  readonly #readWord: number;
  readonly #process: number;
  readonly #orderMask: number;
  readonly #ringMask: number;
  /** Where the payload of a record at position 0 of each process's ring would be, in bytes. */
  readonly #firstPayloads: readonly number[];
  readonly #isExplicit: boolean;
  readonly #onConsumed: (from: number, to: number) => void;
  #endWord: number | undefined;
  #sequence: number;
  /** The sequence number before which all is consumed. */
  #consumed: number;

  constructor(segment: Segment, process: number, reading: Reading) {
    const { words, layout } = segment;
    const { sequence, endWord, consuming, onConsumed } = reading;
    this.#segment = segment;
    this.#process = process;
    this.#record = new LogRecord(words);
    this.#orderMask = layout.geometry.orderEntries - 1;
    this.#ringMask = layout.geometry.ringBytes - 1;
    this.#firstPayloads = Array.from(
      { length: layout.geometry.processes },
      (_, process) => layout.ringOffsetBytes(process) + HEADER_BYTES,
    );
    this.#consumedWord = layout.process(process, ProcessWord.consumed);
    this.#readWord = layout.process(process, ProcessWord.read);
    this.#endWord = endWord;
    this.#isExplicit = consuming === "explicit";
    this.#onConsumed = onConsumed;
    this.#sequence = sequence;
    this.#consumed = sequence;
    words.set(this.#readWord, positionOf(sequence));
    words.store(this.#consumedWord, positionOf(sequence));
  }

  /** The next sequence number that it will read. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Reads up to another word from now on; see `Reading`. May be ahead of what that says, and waits then. */
  readTo(endWord: number | undefined): void {
    this.#endWord = endWord;
  }

  get isBehind(): boolean {
    if (this.#endWord === undefined) return false;
    const behind = (this.#segment.words.load(this.#endWord) - positionOf(this.#sequence)) | 0;
    return this.#endWord === this.#segment.layout.tail ? behind !== 0 : behind > 0;
  }

  /**
   * Calls `handler` for at most `limit` records. Returns how many there were.
   * @throws LogCorruptionError where an entry is not the one that must stand there
   */
  poll(handler: RecordHandler, limit: number): number {
    const endWord = this.#endWord;
    if (endWord === undefined) return 0;
    const { words, layout } = this.#segment;
    const record = this.#record;
    const start = positionOf(this.#sequence);
    const available = (words.load(endWord) - start) | 0;
    if (available === 0) return 0;
    // Who was let in at the tail waits until those who go first have come so far.
    if (available < 0 && available >= -this.#orderMask - 1 && endWord !== layout.tail) return 0;
    if (available < 0 || available > this.#orderMask + 1)
      throw new LogCorruptionError(
        `process ${this.#process} is to read ${available} entries at ${this.#sequence}`,
      );
    const count = available < limit ? available : limit;
    const { orderRing } = layout;
    // In locals, because the handler could change any field for all that the compiler knows.
    const orderMask = this.#orderMask;
    const ringMask = this.#ringMask;
    const firstPayloads = this.#firstPayloads;
    const first = this.#sequence;
    for (let i = 0; i < count; i += 1) {
      const position = (start + i) | 0;
      const entry = orderRing + (position & orderMask) * ENTRY_WORDS;
      const kindAndProcess = words.get(entry + KIND_AND_PROCESS);
      const process = kindAndProcess & 0xffff;
      const ringOffset = words.get(entry + POSITION) & ringMask;
      const length = words.get(entry + LENGTH);
      if (
        words.get(entry + SEQUENCE_LOW) !== position ||
        process >= firstPayloads.length ||
        kindAndProcess >>> 16 === NO_RECORD ||
        length < 0 ||
        ringOffset + HEADER_BYTES + length > ringMask + 1
      )
        throw new LogCorruptionError(`entry ${first + i} of the order ring is damaged`);
      record.sequence = first + i;
      record.process = process;
      record.kind = kindAndProcess >>> 16;
      record.start = firstPayloads[process]! + ringOffset;
      record.length = length;
      record.entry = entry;
      // Before the handler: a record at which it throws has been read.
      this.#sequence = first + i + 1;
      handler(record);
      if ((i + 1) % CONSUMED_INTERVAL === 0 && i + 1 < count) this.#publish();
    }
    this.#publish();
    return count;
  }

  /** Everything before `sequence` is consumed: it may be overwritten from now on. Not for who consumes by reading. */
  consume(sequence: number): void {
    assert(this.#isExplicit, "this reader consumes by reading");
    assert(
      sequence >= this.#consumed && sequence <= this.#sequence,
      `consumed up to ${sequence}, of ${this.#consumed} to ${this.#sequence}`,
    );
    this.#publishConsumed(sequence);
  }

  #publish(): void {
    this.#segment.words.set(this.#readWord, positionOf(this.#sequence));
    if (!this.#isExplicit) this.#publishConsumed(this.#sequence);
  }

  #publishConsumed(sequence: number): void {
    const from = positionOf(this.#consumed);
    const to = positionOf(sequence);
    assert(sequence >= this.#consumed, "a reader went backwards");
    this.#segment.words.store(this.#consumedWord, to);
    this.#consumed = sequence;
    this.#onConsumed(from, to);
  }
}

function positionOf(sequence: number): number {
  return (sequence % UINT32_SPAN) | 0;
}
