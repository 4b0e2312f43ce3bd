import type { HeldItem } from "./clientNotes.ts";

/** Counted for each item besides its bytes: at least what it takes in notes for a successor. */
const ITEM_BYTES = 16;

/**
 * What is for one client, in order, while answers are awaited that belong before some of it: a place is reserved for
 * each, and what follows waits until it has come.
 */
export class HeldOutput {
  readonly #items: HeldItem[] = [];
  #bytes = 0;

  /** What waits, or is kept free, with something for each item: many small ones are much, too. */
  get bytes(): number {
    return this.#bytes;
  }

  get isHolding(): boolean {
    return this.#items.length > 0;
  }

  get items(): readonly HeldItem[] {
    return this.#items;
  }

  reserve(question: number): void {
    this.#items.push({ question });
    this.#bytes += ITEM_BYTES;
  }

  /** Behind everything that waits. */
  push(bytes: Uint8Array): void {
    this.#items.push(bytes);
    this.#bytes += ITEM_BYTES + bytes.length;
  }

  /** Puts an answer in its place. False where no place is kept for it any more. */
  fill(question: number, bytes: Uint8Array): boolean {
    const at = this.#items.findIndex((item) => "question" in item && item.question === question);
    if (at < 0) return false;
    this.#items[at] = bytes;
    this.#bytes += bytes.length;
    return true;
  }

  /** Takes out what need not wait any more. */
  take(): Uint8Array[] {
    let count = 0;
    while (count < this.#items.length && !("question" in this.#items[count]!)) count += 1;
    return this.#release(count);
  }

  /** Takes out everything: for no answer is a place kept any more. */
  takeAll(): Uint8Array[] {
    return this.#release(this.#items.length);
  }

  #release(count: number): Uint8Array[] {
    const items = this.#items.splice(0, count);
    this.#bytes -= items.length * ITEM_BYTES;
    const released = items.filter((item): item is Uint8Array => !("question" in item));
    for (const bytes of released) this.#bytes -= bytes.length;
    return released;
  }
}
