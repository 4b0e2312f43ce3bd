import { assert, copyBytes } from "../base/index.ts";
import {
  KIND_MAX,
  PADDING_KIND,
  ProcessWord,
  RECORD_HEADER_BYTES,
  RecordWord,
  SlotWord,
  WORD_BYTES,
  WORD_SHIFT,
  recordBytes,
} from "./layout.ts";
import { type Segment, publishedBy } from "./segment.ts";

/** What `append` and `claim` answer instead of a number ≥ 0. Nothing was written; the caller still has the record. */
export const BACK_PRESSURED = -1;
export const TOO_BIG = -2;
export const NOT_READY = -3;
export const CLOSED = -4;

/*
 * Copies of what layout.ts exports, for what is done for every record: the compiler folds constants of the module
 * itself, and loads imported ones anew each time. Measured on appending: 5 ns of 20.
 */
const { length: LENGTH, kind: KIND, room: ROOM, generation: GENERATION } = RecordWord;
const HEADER_BYTES = RECORD_HEADER_BYTES;
const TO_WORDS = WORD_SHIFT;
const bytesOfRecord = recordBytes;

/** A constant: a text that is put together for each record costs more than the record. */
const RECORD_KIND_RANGE = `a record's kind is from ${PADDING_KIND + 1} to ${KIND_MAX}`;

/**
 * Writes records into the ring of one process. Only that process may have one.
 *
 * A record exists for the others once `publish` has moved the ring's position past it: who dies before leaves
 * nothing behind. Any number of records may be published by one `publish`.
 */
export class RingWriter {
  readonly #segment: Segment;
  readonly #process: number;
  readonly #generation: number;
  readonly #ringBytes: number;
  readonly #ringOffset: number;
  readonly #ringWord: number;
  readonly #limitWord: number;
  readonly #publishedWord: number;
  readonly #payloadBytesMax: number;
  #head: number;
  #limit: number;
  #claimed = -1;
  #appendedBytes = 0;

  constructor(segment: Segment, process: number, generation: number) {
    const { words, layout } = segment;
    this.#segment = segment;
    this.#process = process;
    this.#generation = generation;
    this.#ringBytes = layout.geometry.ringBytes;
    this.#ringOffset = layout.ringOffsetBytes(process);
    this.#ringWord = this.#ringOffset / WORD_BYTES;
    this.#payloadBytesMax = layout.payloadBytesMax;
    this.#limitWord = layout.slot(process, SlotWord.limit);
    this.#publishedWord = layout.process(process, ProcessWord.published);
    // A successor in the same slot goes on where the last owner stopped: on a record boundary, whatever it left.
    this.#head = publishedBy(segment, process);
    this.#limit = words.load(this.#limitWord);
  }

  /**
   * Room for a payload of `length` bytes: its offset in `segment.words.bytes`, to be filled and followed by `commit`.
   * @returns BACK_PRESSURED where the readers have not made room yet, TOO_BIG above `layout.payloadBytesMax`.
   */
  claim(length: number): number {
    if (length > this.#payloadBytesMax) return TOO_BIG;
    const bytes = bytesOfRecord(length);
    let offset = this.#head & (this.#ringBytes - 1);
    const toEnd = this.#ringBytes - offset;
    const padding = bytes > toEnd ? toEnd : 0;
    if (!this.hasRoom(padding + bytes)) return BACK_PRESSURED;
    if (padding > 0) {
      const { words } = this.#segment;
      const header = this.#ringWord + (offset >>> TO_WORDS);
      words.set(header + LENGTH, padding);
      words.set(header + KIND, PADDING_KIND);
      this.#head = (this.#head + padding) | 0;
      this.#appendedBytes += padding;
      offset = 0;
    }
    this.#claimed = length;
    return this.#ringOffset + offset + HEADER_BYTES;
  }

  /** Ends what `claim` began. Returns the bytes that this writer has ever appended: a position that never wraps. */
  commit(kind: number, room: number): number {
    assert(this.#claimed >= 0, "commit without claim");
    assert(kind > PADDING_KIND && kind <= KIND_MAX, RECORD_KIND_RANGE);
    const { words } = this.#segment;
    const header = this.#ringWord + ((this.#head & (this.#ringBytes - 1)) >>> TO_WORDS);
    words.set(header + LENGTH, this.#claimed);
    words.set(header + KIND, kind);
    words.set(header + ROOM, room);
    words.set(header + GENERATION, this.#generation);
    const bytes = bytesOfRecord(this.#claimed);
    this.#head = (this.#head + bytes) | 0;
    this.#appendedBytes += bytes;
    this.#claimed = -1;
    return this.#appendedBytes;
  }

  append(kind: number, room: number, payload: Uint8Array): number {
    const offset = this.claim(payload.length);
    if (offset < 0) return offset;
    copyBytes(this.#segment.words.bytes, offset, payload, 0, payload.length);
    return this.commit(kind, room);
  }

  /** Ring position after what was committed so far: what `publish` will publish. 32 bits, and wraps. */
  get head(): number {
    return this.#head;
  }

  get hasUnpublished(): boolean {
    return this.#head !== this.#segment.words.get(this.#publishedWord);
  }

  /** Makes all that was committed exist. Returns whether there was anything. */
  publish(): boolean {
    if (!this.hasUnpublished) return false;
    this.#segment.words.store(this.#publishedWord, this.#head);
    return true;
  }

  /**
   * After BACK_PRESSURED: asks the sequencer to say when a quarter of the ring, or `length` if more, is free. What is
   * not published by then has to be, or it is waited for for ever.
   */
  block(length: number): void {
    const { words, layout } = this.#segment;
    // The worst case of a record: it may need the ring's end padded first.
    const need = Math.max(2 * bytesOfRecord(length), this.#ringBytes / 4);
    const wanted = (this.#head + Math.min(need, this.#ringBytes) - this.#ringBytes) | 0;
    words.set(layout.process(this.#process, ProcessWord.wanted), wanted);
    words.store(layout.process(this.#process, ProcessWord.blocked), 1);
  }

  /** Whether the space that `block` asked for is there; then nobody waits any more. */
  unblock(): boolean {
    const { words, layout } = this.#segment;
    this.#limit = words.load(this.#limitWord);
    const wanted = words.get(layout.process(this.#process, ProcessWord.wanted));
    if (((this.#limit - wanted) | 0) < 0) return false;
    words.store(layout.process(this.#process, ProcessWord.blocked), 0);
    return true;
  }

  /** Whether so many bytes of the ring are free, its records' headers and padding counted. */
  hasRoom(bytes: number): boolean {
    if (((this.#head - this.#limit) | 0) + bytes <= this.#ringBytes) return true;
    this.#limit = this.#segment.words.load(this.#limitWord);
    return ((this.#head - this.#limit) | 0) + bytes <= this.#ringBytes;
  }
}
