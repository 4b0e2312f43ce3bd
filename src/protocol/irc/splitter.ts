import { TAG_BYTES_MAX } from "./tags.ts";

/** Of a line without its tags, CR and LF counted (RFC 1459, 2.3): longer ones are refused. */
export const LINE_BYTES_MAX = 512;
/** Of tags, with the `@` and the blank behind them. */
export const TAGS_BYTES_MAX: number = TAG_BYTES_MAX + 2;

/** The same without CR and LF. */
export const TEXT_BYTES_MAX: number = LINE_BYTES_MAX - 2;

const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const AT = 0x40;

/** What is at the front of the bytes. `consumed` of them may be forgotten once it is dealt with. */
export type Taken =
  /** A line from `start` to `end`, its end left out. Never an empty one. */
  | { readonly kind: "line"; readonly start: number; readonly end: number; readonly consumed: number }
  /** The first sign of a line that is too long; the rest of it is dropped in what follows. */
  | { readonly kind: "tooLong"; readonly consumed: number }
  /** Nothing whole. */
  | { readonly kind: "more"; readonly consumed: number };

/**
 * Finds lines, however the bytes are split on their way. CR ends a line as well as LF does; so that it does not matter
 * whether CR LF arrives in one piece, empty lines, which IRC ignores, are passed over here. Keeps no bytes: only
 * whether it drops the rest of a line.
 */
export class IrcSplitter {
  /** The rest of a line that was too long is being dropped. For a successor to go on with. */
  discarding = false;

  /** @param atEnd no more bytes will come: what is left is a line, too */
  take(bytes: Uint8Array, atEnd: boolean): Taken {
    let start = 0;
    if (this.discarding) {
      while (start < bytes.length && !isLineEnd(bytes[start]!)) start += 1;
      if (start === bytes.length) return { kind: "more", consumed: start };
      this.discarding = false;
    }
    while (start < bytes.length && isLineEnd(bytes[start]!)) start += 1;
    if (start === bytes.length) return { kind: "more", consumed: start };
    const endMax = start + longestAt(bytes, start);
    let end = start;
    while (end < bytes.length && end <= endMax && !isLineEnd(bytes[end]!)) end += 1;
    if (end > endMax) {
      while (end < bytes.length && !isLineEnd(bytes[end]!)) end += 1;
      this.discarding = end === bytes.length && !atEnd;
      return { kind: "tooLong", consumed: end };
    }
    if (end < bytes.length) return { kind: "line", start, end, consumed: end + 1 };
    return atEnd ? { kind: "line", start, end, consumed: end } : { kind: "more", consumed: start };
  }
}

/** How many bytes the line that begins here may have, its end not counted. */
function longestAt(bytes: Uint8Array, start: number): number {
  if (bytes[start] !== AT) return TEXT_BYTES_MAX;
  for (let length = 1; length < TAGS_BYTES_MAX; length += 1) {
    if (bytes[start + length] === BLANK) return length + 1 + TEXT_BYTES_MAX;
  }
  return TAGS_BYTES_MAX - 1;
}

function isLineEnd(byte: number): boolean {
  return byte === LF || byte === CR;
}
