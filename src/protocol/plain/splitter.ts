/** Longer lines are refused, in bytes without their end. */
export const LINE_BYTES_MAX = 4096;

const LF = 0x0a;
const CR = 0x0d;

/** What is at the front of the bytes. `consumed` of them may be forgotten once it is dealt with. */
export type Taken =
  /** A line from `start` to `end`, its LF or CRLF left out. */
  | { readonly kind: "line"; readonly start: number; readonly end: number; readonly consumed: number }
  /** The first sign of a line that is too long; the rest of it is dropped in what follows. */
  | { readonly kind: "tooLong"; readonly consumed: number }
  /** Nothing whole. */
  | { readonly kind: "more"; readonly consumed: number };

/** Finds lines, however the bytes are split on their way. Keeps no bytes: only whether it drops the rest of a line. */
export class LineSplitter {
  /** The rest of a line that was too long is being dropped. For a successor to go on with. */
  discarding = false;

  /** @param atEnd no more bytes will come: what is left is a line, too */
  take(bytes: Uint8Array, atEnd: boolean): Taken {
    const lf = bytes.indexOf(LF);
    if (this.discarding) {
      if (lf < 0) return { kind: "more", consumed: bytes.length };
      this.discarding = false;
      return this.#after(lf + 1, this.take(bytes.subarray(lf + 1), atEnd));
    }
    let end = lf < 0 ? bytes.length : lf;
    const consumed = lf < 0 ? bytes.length : lf + 1;
    if (end > 0 && bytes[end - 1] === CR) end -= 1;
    if (end > LINE_BYTES_MAX) {
      this.discarding = lf < 0 && !atEnd;
      return { kind: "tooLong", consumed };
    }
    if (lf < 0 && (!atEnd || bytes.length === 0)) return { kind: "more", consumed: 0 };
    return { kind: "line", start: 0, end, consumed };
  }

  #after(skipped: number, taken: Taken): Taken {
    const consumed = skipped + taken.consumed;
    return taken.kind === "line"
      ? { kind: "line", start: skipped + taken.start, end: skipped + taken.end, consumed }
      : { kind: taken.kind, consumed };
  }
}
