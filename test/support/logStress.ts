/* What writers write and readers check in the stress of the log: all of a record follows from its writer and kind. */
import type { LogRecord } from "../../src/log/index.ts";

/** The last record of all, of process 0: whoever reads it ends. */
export const END_KIND = 0xffff;
/** A writer counts its records in their kinds: 1 to so many, and again. */
const KINDS = 0xfffe;
/** Readers tell the hash of so many records, which begin at a multiple of it. */
export const BLOCK_RECORDS = 512;

/** What a member says of itself, a line of JSON each. */
export type StressReport =
  | { is: "ready" }
  /** So many records have been published, or more. */
  | { is: "published"; count: number }
  /** That was all that it will write. */
  | { is: "written"; count: number }
  | { is: "block"; block: number; hash: number }
  /** It has read the last record of all; `hash` is of the block that this ended, if it read it from its beginning. */
  | { is: "end"; sequence: number; hash: number | undefined };

/** The kind of a writer's record `number`, which counts from 0. */
export function kindOf(number: number): number {
  return 1 + (number % KINDS);
}

function mix(writer: number, kind: number): number {
  let mixed = Math.imul(writer + 1, 0x9e3779b1) ^ Math.imul(kind, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
}

/** From nothing to the maximum, both included and more often than any other. */
export function payloadBytes(writer: number, kind: number, max: number): number {
  if (kind === END_KIND) return 0;
  const chosen = mix(writer, kind) >>> 0;
  if (chosen % 16 === 0) return max;
  if (chosen % 16 === 1) return 0;
  return (chosen >>> 4) % (max + 1);
}

function byteAt(identity: number, index: number): number {
  return ((identity >>> ((index & 3) << 3)) + index * 37) & 0xff;
}

/** Fills `bytes`, which is as long as `payloadBytes` says. */
export function fillPayload(bytes: Uint8Array, writer: number, kind: number): void {
  const identity = mix(writer, kind);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = byteAt(identity, i);
}

/** The hash of a block up to a record, from the one before. */
export function hashRecord(hash: number, record: readonly number[]): number {
  for (const value of record) hash = Math.imul(hash ^ value, 0x01000193);
  return hash;
}

/** All of a record but its payload, as text. */
export function describeRecord({ sequence, process, room, kind, length, timeMs }: LogRecord): string {
  return [sequence, process, room, kind, length, timeMs].join(" ");
}

/** Follows the log from any record on, and throws at the first that is lost, torn, repeated or out of order. */
export class StressReader {
  readonly #payloadBytesMax: number;
  readonly #onBlock: (block: number, hash: number) => void;
  /** What each writer's next record is, and in which slot it writes. */
  readonly #writers = new Map<number, { process: number; nextKind: number }>();
  #next: number | undefined;
  #timeMs = 0;
  #hash = 0;
  /** Whether it has read the block from its beginning. */
  #isWhole = false;

  constructor(payloadBytesMax: number, onBlock: (block: number, hash: number) => void) {
    this.#payloadBytesMax = payloadBytesMax;
    this.#onBlock = onBlock;
  }

  /** Of the block that is being read; undefined where its beginning was missed. */
  get hash(): number | undefined {
    return this.#isWhole ? this.#hash : undefined;
  }

  read(record: LogRecord): void {
    const { sequence, timeMs, process, kind, room: writer } = record;
    const who = `record ${sequence} (process ${process}, writer ${writer}, kind ${kind})`;
    if (sequence !== (this.#next ?? sequence)) throw new Error(`${who} instead of ${this.#next}`);
    this.#next = sequence + 1;
    if (timeMs < this.#timeMs) throw new Error(`${who}: time goes back from ${this.#timeMs} to ${timeMs}`);
    this.#timeMs = timeMs;
    if (kind !== END_KIND) {
      const known = this.#writers.get(writer);
      if (known !== undefined && (known.process !== process || known.nextKind !== kind))
        throw new Error(`${who}: process ${known.process} and kind ${known.nextKind} were to come`);
      this.#writers.set(writer, { process, nextKind: kind === KINDS ? 1 : kind + 1 });
    }
    this.checkPayload(record);

    if (sequence % BLOCK_RECORDS === 0) {
      this.#hash = 0;
      this.#isWhole = true;
    }
    this.#hash = hashRecord(this.#hash, [sequence, process, writer, kind, record.length]);
    if (this.#isWhole && (sequence + 1) % BLOCK_RECORDS === 0)
      this.#onBlock(Math.floor(sequence / BLOCK_RECORDS), this.#hash);
  }

  /** Throws where the payload is not the whole of what its writer wrote. May be asked for as long as one likes. */
  checkPayload({ sequence, kind, room: writer, bytes, start, length }: LogRecord): void {
    const expected = payloadBytes(writer, kind, this.#payloadBytesMax);
    if (length !== expected) throw new Error(`record ${sequence} has ${length} bytes instead of ${expected}`);
    const identity = mix(writer, kind);
    for (let i = 0; i < length; i += 1) {
      if (bytes[start + i] !== byteAt(identity, i))
        throw new Error(`record ${sequence} of writer ${writer} is torn at byte ${i} of ${length}`);
    }
  }
}
