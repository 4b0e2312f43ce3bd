import { concatBytes, copyBytes } from "../base/index.ts";

/**
 * The lines that one turn has for many clients, encoded once. Each client takes the same bytes, less what was not for
 * it, with what was for it alone in between, and gets them in one write.
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
  /** Up to where the outbox has been taken. */
  #from: number;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
    this.#from = outbox.length;
  }

  /** What was appended since `since` is not for this client. */
  skip(since: number): void {
    this.#take(since);
    this.#from = this.#outbox.length;
  }

  /** All that was appended up to now, of the outbox and for it alone, is not for this client: it begins here. */
  begin(): void {
    this.#parts = [];
    this.#from = this.#outbox.length;
  }

  /** For this client alone. */
  append(bytes: Uint8Array): void {
    this.#take(this.#outbox.length);
    this.#parts.push(bytes);
  }

  /** All that is for this client, in one piece; undefined where that is nothing. */
  finish(): Uint8Array | undefined {
    this.#take(this.#outbox.length);
    const parts = this.#parts;
    if (parts.length === 0) return undefined;
    this.#parts = [];
    return parts.length === 1 ? parts[0] : concatBytes(parts);
  }

  /** The outbox was cleared. */
  restart(): void {
    this.#from = 0;
  }

  #take(to: number): void {
    if (to > this.#from) this.#parts.push(this.#outbox.range(this.#from, to));
    this.#from = to;
  }
}
