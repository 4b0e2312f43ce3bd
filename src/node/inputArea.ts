/**
 * Input areas: where the bytes of one client wait between the socket and the log.
 *
 * A process may die at any moment, and another goes on with its clients. What the kernel has handed out by `read` it
 * never hands out again, so bytes that stood in the dead process's heap alone would be lost. Therefore the read goes
 * *straight* into memory that outlives the process: bytes that it had read but not counted (it died between the two)
 * still stand in place at `receivedPosition`. The successor finds out how many they are from the kernel's count of
 * received bytes, and counts them by calling `received`.
 *
 * The memory is a memfd of this one client's own, passed along with its socket, and not a part of the log's
 * segment: what a client types can be a password, and a process without this client's descriptor cannot see it.
 *
 *   ┌─────────────┬───────────────────────┐
 *   │ header page │ ring of INPUT_BYTES   │                            the file
 *   └─────────────┴───────────────────────┘
 *   ┌─────────────┬───────────────────────┬───────────────────────┐
 *   │ header page │ ring                  │ the same ring again   │    as it is mapped
 *   └─────────────┴───────────────────────┴───────────────────────┘
 *
 * Mapped twice in a row, every range of the ring is contiguous, also one that goes over its end: no read is cut in two,
 * and no parser ever sees a line in two pieces.
 *
 * The two positions count bytes since the connection began, modulo 2^32, one word each: one aligned store that is
 * there or not, so a reader never finds half of a count, whenever its writer died. One process at a time writes.
 */
import { fstatSync } from "node:fs";
import { KiB, assert } from "../base/index.ts";
import {
  close,
  dropView,
  isSizeSealed,
  mapShared,
  memfdCreate,
  munmap,
  pageBytes,
  reserveAddresses,
  viewMemory,
} from "./libc.ts";

/** How much can wait, whole pages and a power of two, so that a position modulo this is unbroken where it wraps. */
export const INPUT_BYTES: number = Math.max(16 * KiB, pageBytes());

/**
 * Kept free of ordinary reads. The buffer for the next read is handed over before it is known whether there will be
 * one, so even the buffer that is handed over at the moment when reading stops must not be empty.
 */
export const INPUT_RESERVE_BYTES: number = 1 * KiB;

/** "CHIN": also tells the byte order. */
const MAGIC = 0x4e494843;
const LAYOUT_VERSION = 1;

const HeaderWord = {
  magic: 0,
  version: 1,
  inputBytes: 2,
  received: 3,
  consumed: 4,
  flags: 5,
} as const;

const Flag = {
  discarding: 1,
  endOfInput: 2,
} as const;

const HEADER_BYTES = pageBytes();
const FILE_BYTES = HEADER_BYTES + INPUT_BYTES;
const MAPPED_BYTES = HEADER_BYTES + 2 * INPUT_BYTES;

/** What was handed over is not an input area, or not one of this version. */
export class InputAreaError extends Error {
  override readonly name = "InputAreaError";
}

export class InputArea {
  /** Owned: pass duplicates on. */
  readonly fd: number;
  readonly #address: bigint;
  readonly #memory: ArrayBuffer;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #open = true;

  private constructor(fd: number) {
    this.fd = fd;
    this.#address = mapTwice(fd);
    this.#memory = viewMemory(this.#address, MAPPED_BYTES);
    this.#words = new Int32Array(this.#memory, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(this.#memory);
  }

  /** For a new connection. `firstPosition` is 0 but in tests, which start just below 2^32. */
  static create(firstPosition = 0): InputArea {
    const fd = memfdCreate("chorus input", FILE_BYTES);
    const area = closingOnError(fd, () => new InputArea(fd));
    area.#store(HeaderWord.version, LAYOUT_VERSION);
    area.#store(HeaderWord.inputBytes, INPUT_BYTES);
    area.#store(HeaderWord.received, firstPosition);
    area.#store(HeaderWord.consumed, firstPosition);
    area.#store(HeaderWord.magic, MAGIC);
    return area;
  }

  /** Goes on with what another process left. Owns `fd` from now on, also when it throws `InputAreaError`. */
  static adopt(fd: number): InputArea {
    const area = closingOnError(fd, () => {
      if (!isSizeSealed(fd)) throw new InputAreaError("not an input area: its size is not sealed");
      const { size } = fstatSync(fd);
      if (size !== FILE_BYTES) throw new InputAreaError(`an input area of ${size} bytes, not ${FILE_BYTES}`);
      return new InputArea(fd);
    });
    const problem = area.#problem();
    if (problem === undefined) return area;
    area.close();
    throw new InputAreaError(problem);
  }

  #problem(): string | undefined {
    const [magic, version] = [this.#load(HeaderWord.magic), this.#load(HeaderWord.version)];
    if (magic !== MAGIC) return `not an input area: it starts with 0x${(magic >>> 0).toString(16)}`;
    if (version !== LAYOUT_VERSION) return `an input area of version ${version}, not ${LAYOUT_VERSION}`;
    const inputBytes = this.#load(HeaderWord.inputBytes);
    if (inputBytes !== INPUT_BYTES) return `an input area for ${inputBytes} bytes, not ${INPUT_BYTES}`;
    const pending = this.#pendingBytes();
    return pending > INPUT_BYTES
      ? `an input area of ${INPUT_BYTES} bytes that says it holds ${pending}`
      : undefined;
  }

  /** Bytes received since the connection began, modulo 2^32. */
  get receivedPosition(): number {
    return this.#load(HeaderWord.received) >>> 0;
  }

  /** Bytes consumed since the connection began, modulo 2^32. */
  get consumedPosition(): number {
    return this.#load(HeaderWord.consumed) >>> 0;
  }

  /**
   * Where the next read goes: at least one byte, as long as nobody reads more once the area is full. A view, good
   * until `close`.
   */
  space(): Uint8Array<ArrayBuffer> {
    const free = this.#freeBytes();
    const length = free > INPUT_RESERVE_BYTES ? free - INPUT_RESERVE_BYTES : free;
    assert(length > 0, "a read into a full input area");
    return this.#ring(this.receivedPosition, length);
  }

  /** Time to stop reading. */
  get isFull(): boolean {
    return this.#freeBytes() <= INPUT_RESERVE_BYTES;
  }

  /**
   * At least half is free: time to read again. So what a parser leaves for lack of its end must stay below half of
   * `INPUT_BYTES`.
   */
  get hasRoom(): boolean {
    return this.#freeBytes() >= INPUT_BYTES / 2;
  }

  /** The first `count` bytes of what `space` gave have been read: they are pending now, here and for a successor. */
  received(count: number): void {
    assert(
      count >= 0 && count <= this.#freeBytes(),
      `${count} bytes received, ${this.#freeBytes()} were free`,
    );
    this.#store(HeaderWord.received, this.receivedPosition + count);
  }

  /** What has been received and not consumed, in one piece. A view: it changes once the bytes are consumed. */
  pending(): Uint8Array<ArrayBuffer> {
    return this.#ring(this.consumedPosition, this.#checkedPendingBytes());
  }

  /** The first `count` pending bytes are done with, and have their records in the log. */
  consume(count: number): void {
    const pending = this.#checkedPendingBytes();
    assert(count >= 0 && count <= pending, `${count} bytes consumed, ${pending} were pending`);
    this.#store(HeaderWord.consumed, this.consumedPosition + count);
  }

  /** The protocol is in the middle of a line that is too long and is skipped up to its end. */
  get discarding(): boolean {
    return this.#flag(Flag.discarding);
  }

  set discarding(value: boolean) {
    this.#setFlag(Flag.discarding, value);
  }

  /** The client has half-closed: nothing comes after what is pending. */
  get endOfInput(): boolean {
    return this.#flag(Flag.endOfInput);
  }

  set endOfInput(value: boolean) {
    this.#setFlag(Flag.endOfInput, value);
  }

  /**
   * Unmaps and closes. A socket that reads into this area must have been destroyed before: libuv holds the bare
   * address of `space()`, and the kernel would write to whatever is mapped there next. JavaScript's own views are made
   * empty here, so that a forgotten one is harmless; calling anything on the area afterwards is an assertion.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    dropView(this.#memory);
    munmap(this.#address, MAPPED_BYTES);
    close(this.fd);
  }

  #pendingBytes(): number {
    return (this.receivedPosition - this.consumedPosition) >>> 0;
  }

  #checkedPendingBytes(): number {
    const pending = this.#pendingBytes();
    assert(pending <= INPUT_BYTES, `an input area of ${INPUT_BYTES} bytes holds ${pending}`);
    return pending;
  }

  #freeBytes(): number {
    return INPUT_BYTES - this.#checkedPendingBytes();
  }

  #ring(position: number, length: number): Uint8Array<ArrayBuffer> {
    const start = HEADER_BYTES + (position % INPUT_BYTES);
    return this.#bytes.subarray(start, start + length);
  }

  #flag(flag: number): boolean {
    return (this.#load(HeaderWord.flags) & flag) !== 0;
  }

  #setFlag(flag: number, value: boolean): void {
    const flags = this.#load(HeaderWord.flags);
    this.#store(HeaderWord.flags, value ? flags | flag : flags & ~flag);
  }

  #load(word: number): number {
    assert(this.#open, "an input area used after its close");
    return Atomics.load(this.#words, word);
  }

  #store(word: number, value: number): void {
    assert(this.#open, "an input area used after its close");
    Atomics.store(this.#words, word, value | 0);
  }
}

function mapTwice(fd: number): bigint {
  const address = reserveAddresses(MAPPED_BYTES);
  try {
    mapShared(fd, FILE_BYTES, { writable: true, address });
    const again = address + BigInt(FILE_BYTES);
    mapShared(fd, INPUT_BYTES, { writable: true, address: again, offset: HEADER_BYTES });
  } catch (error) {
    munmap(address, MAPPED_BYTES);
    throw error;
  }
  return address;
}

function closingOnError<Result>(fd: number, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    close(fd);
    throw error;
  }
}
