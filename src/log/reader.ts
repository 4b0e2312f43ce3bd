import { UINT32_SPAN, assert } from "../base/index.ts";
import { ORDER_ENTRY_WORDS, OrderWord, ProcessWord, RECORD_HEADER_BYTES } from "./layout.ts";
import { LogCorruptionError, type Segment } from "./segment.ts";

/**
 * A record as it lies in memory. One object serves all records: take what you need, keep no reference. The payload is
 * `bytes[start … start + length)`, in place, and is only sure to stay until the handler returns: copy what must
 * outlive it.
 */
export class LogRecord {
  /** Its place in the one order; its identity. */
  sequence = 0;
  /** When it was ordered, in milliseconds since 1970; never goes back. */
  timeMs = 0;
  /** Who wrote it. */
  process = 0;
  kind = 0;
  room = 0;
  start = 0;
  length = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}

export type RecordHandler = (record: LogRecord) => void;

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
  readonly #process: number;
  readonly #orderMask: number;
  readonly #ringMask: number;
  readonly #onConsumed: (from: number, to: number) => void;
  #sequence: number;
  #published: number;

  /**
   * @param sequence the first to be read; the sequencer must have kept it (see `SlotWord.joinAtLow`)
   * @param onConsumed told whenever the consumed position was published, as order positions
   */
  constructor(
    segment: Segment,
    process: number,
    sequence: number,
    onConsumed: (from: number, to: number) => void,
  ) {
    const { words, layout } = segment;
    this.#segment = segment;
    this.#process = process;
    this.#record = new LogRecord(words.bytes);
    this.#orderMask = layout.geometry.orderEntries - 1;
    this.#ringMask = layout.geometry.ringBytes - 1;
    this.#consumedWord = layout.process(process, ProcessWord.consumed);
    this.#onConsumed = onConsumed;
    this.#sequence = sequence;
    this.#published = sequence | 0;
    words.store(this.#consumedWord, this.#published);
  }

  /** The next sequence number that it will read. */
  get sequence(): number {
    return this.#sequence;
  }

  get isBehind(): boolean {
    return this.#segment.words.load(this.#segment.layout.tail) !== ((this.#sequence % UINT32_SPAN) | 0);
  }

  /**
   * Calls `handler` for at most `limit` records. Returns how many there were.
   * @throws LogCorruptionError where an entry is not the one that must stand there
   */
  poll(handler: RecordHandler, limit: number): number {
    const { words, layout } = this.#segment;
    const record = this.#record;
    const start = (this.#sequence % UINT32_SPAN) | 0;
    const available = (words.load(layout.tail) - start) | 0;
    if (available === 0) return 0;
    if (available < 0 || available > this.#orderMask + 1)
      throw new LogCorruptionError(
        `process ${this.#process} is to read ${available} entries at ${this.#sequence}`,
      );
    const count = available < limit ? available : limit;
    const orderRing = layout.orderRing;
    for (let i = 0; i < count; i += 1) {
      const position = (start + i) | 0;
      const entry = orderRing + (position & this.#orderMask) * ORDER_ENTRY_WORDS;
      const kindAndProcess = words.get(entry + OrderWord.kindAndProcess);
      const process = kindAndProcess & 0xffff;
      const ringOffset = words.get(entry + OrderWord.position) & this.#ringMask;
      const length = words.get(entry + OrderWord.length);
      if (
        words.get(entry + OrderWord.sequenceLow) !== position ||
        process >= layout.geometry.processes ||
        length < 0 ||
        ringOffset + RECORD_HEADER_BYTES + length > this.#ringMask + 1
      )
        throw new LogCorruptionError(`entry ${this.#sequence} of the order ring is damaged`);
      record.sequence = this.#sequence;
      record.timeMs =
        words.get(entry + OrderWord.timeHigh) * UINT32_SPAN + (words.get(entry + OrderWord.timeLow) >>> 0);
      record.process = process;
      record.kind = kindAndProcess >>> 16;
      record.room = words.get(entry + OrderWord.room);
      record.start = layout.ringOffsetBytes(process) + ringOffset + RECORD_HEADER_BYTES;
      record.length = length;
      this.#sequence += 1;
      handler(record);
      if ((i + 1) % CONSUMED_INTERVAL === 0 && i + 1 < count) this.#publish();
    }
    this.#publish();
    return count;
  }

  #publish(): void {
    const from = this.#published;
    const to = (this.#sequence % UINT32_SPAN) | 0;
    assert(((to - from) | 0) >= 0, "a reader went backwards");
    this.#segment.words.store(this.#consumedWord, to);
    this.#published = to;
    this.#onConsumed(from, to);
  }
}
