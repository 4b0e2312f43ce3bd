import { concatBytes, copyBytes } from "../base/index.ts";

/**
 * The lines that one turn has for many clients, encoded once. Each client takes those that are for it, with what is for
 * it alone in between, and gets them in one write.
 */
export class Outbox {
  #bytes: Uint8Array;
  #length = 0;

  constructor(sizeHint = 4096) {
    this.#bytes = new Uint8Array(sizeHint);
  }

  get length(): number {
    return this.#length;
  }

  append(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    copyBytes(this.#bytes, this.#length, bytes, 0, bytes.length);
    this.#length = needed;
  }

  /** What stands from `from` to `to`: a view, which stays as it is after `clear`. */
  range(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(from, to);
  }

  /** Begins anew, in new memory where the old may still be on its way to a client. */
  clear(): void {
    if (this.#length === 0) return;
    this.#bytes = new Uint8Array(Math.min(this.#bytes.length, Math.max(4096, this.#length * 2)));
    this.#length = 0;
  }
}

/** One client's share of the outbox. */
export class Share {
  readonly #outbox: Outbox;
  #parts: Uint8Array[] = [];
  #ownBytes = 0;
  /** The range that was taken last, which the next one may continue. */
  #from = 0;
  #to = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** What stands in the outbox from `from` to `to` is for this client, too. */
  include(from: number, to: number): void {
    if (from !== this.#to) {
      this.#cut();
      this.#from = from;
    }
    this.#to = to;
  }

  /** For this client alone. */
  append(bytes: Uint8Array): void {
    this.#cut();
    this.#parts.push(bytes);
    this.#ownBytes += bytes.length;
  }

  /** What is for this client alone since the last time. */
  get ownBytes(): number {
    return this.#ownBytes;
  }

  /** All that is for this client since the last time, in one piece; undefined where that is nothing. */
  finish(): Uint8Array | undefined {
    this.#cut();
    const parts = this.#parts;
    if (parts.length === 0) return undefined;
    this.#parts = [];
    this.#ownBytes = 0;
    return parts.length === 1 ? parts[0] : concatBytes(parts);
  }

  /** The outbox was cleared. */
  restart(): void {
    this.#from = 0;
    this.#to = 0;
  }

  #cut(): void {
    if (this.#to > this.#from) this.#parts.push(this.#outbox.range(this.#from, this.#to));
    this.#from = this.#to;
  }
}
