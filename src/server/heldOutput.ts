/**
 * What is for one client, in order, while answers are awaited that belong before some of it: a place is reserved for
 * each, and what follows waits until it has come.
 */
export class HeldOutput {
  readonly #items: (Uint8Array | { readonly question: number })[] = [];
  #bytes = 0;

  /** Bytes that wait behind a place that is still empty. */
  get bytes(): number {
    return this.#bytes;
  }

  get isHolding(): boolean {
    return this.#items.length > 0;
  }

  reserve(question: number): void {
    this.#items.push({ question });
  }

  /** Behind everything that waits. */
  push(bytes: Uint8Array): void {
    this.#items.push(bytes);
    this.#bytes += bytes.length;
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
    const released = this.#items.splice(0, count).filter((item): item is Uint8Array => !("question" in item));
    for (const bytes of released) this.#bytes -= bytes.length;
    return released;
  }
}
