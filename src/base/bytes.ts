import { assert } from "./assert.ts";
import { UINT32_SPAN } from "./units.ts";

/** Below this many bytes a loop is faster than the call to `set`; measured on 100-byte messages. */
const LOOP_BYTES_MAX = 24;

/** Copies `length` bytes; source and target may not overlap. */
export function copyBytes(
  target: Uint8Array,
  to: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i += 1) target[to + i] = source[from + i]!;
    return;
  }
  const whole = from === 0 && length === source.length;
  target.set(whole ? source : source.subarray(from, from + length), to);
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Writes little-endian fields one after the other into a buffer that grows. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(sizeHint = 64) {
    this.#bytes = new Uint8Array(sizeHint);
  }

  get length(): number {
    return this.#length;
  }

  #reserve(count: number): number {
    const at = this.#length;
    if (at + count > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + count));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#length = at + count;
    return at;
  }

  uint8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  uint16(value: number): this {
    assert(value >= 0 && value <= 0xffff, `not a 16-bit integer: ${value}`);
    return this.uint8(value & 0xff).uint8(value >>> 8);
  }

  uint32(value: number): this {
    assert(value >= 0 && value < UINT32_SPAN, `not a 32-bit integer: ${value}`);
    return this.uint16(value & 0xffff).uint16(value >>> 16);
  }

  /** An integer from 0 to 2^53 − 1, as eight bytes. */
  uint53(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, `not a 53-bit integer: ${value}`);
    return this.uint32(value % UINT32_SPAN).uint32(Math.floor(value / UINT32_SPAN));
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** Length in two bytes, then the bytes: up to 65,535 of them. */
  sized(bytes: Uint8Array): this {
    assert(bytes.length <= 0xffff, `${bytes.length} bytes do not fit a 16-bit length`);
    return this.uint16(bytes.length).raw(bytes);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }
}

/** Thrown by `ByteReader` when the bytes end before the field does. */
export class TruncatedError extends Error {
  override readonly name = "TruncatedError";
}

/** Reads what `ByteWriter` wrote; a view, nothing is copied. Throws `TruncatedError` at the end of the bytes. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #at: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (at + count > this.#end) throw new TruncatedError(`needs ${count} bytes, has ${this.remaining}`);
    this.#at = at + count;
    return at;
  }

  uint8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  uint16(): number {
    const at = this.#take(2);
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8);
  }

  uint32(): number {
    const low = this.uint16();
    return (low | (this.uint16() << 16)) >>> 0;
  }

  uint53(): number {
    const low = this.uint32();
    return this.uint32() * UINT32_SPAN + low;
  }

  /** A view of the next `length` bytes: copy what must outlive them. */
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  sized(): Uint8Array {
    return this.raw(this.uint16());
  }
}
