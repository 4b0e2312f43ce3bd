/** U+FFFD, which stands for what could not be shown. */
export const REPLACEMENT: readonly number[] = [0xef, 0xbf, 0xbd];

/*
 * Part of the web platform and of the language's every runtime, not of one machine: the same bytes everywhere
 * (https://encoding.spec.whatwg.org). Declared here because the pure layers are compiled without any runtime's types.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array;
}
declare class TextDecoder {
  constructor(label: "utf-8", options: { ignoreBOM: boolean });
  decode(bytes: Uint8Array): string;
}

const encoder = new TextEncoder();
// What looks like a byte-order mark is a character like any other here.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The bytes of a string. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The string of well-formed bytes; each piece that is not well-formed becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** How many bytes `encodeUtf8` makes of a text. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x80) continue;
    // Both halves of a pair count three here and four together: the pair has two units.
    const isPair = code >= 0xd800 && code < 0xdc00 && isLowHalf(text.charCodeAt(index + 1));
    if (isPair) index += 1;
    bytes += code < 0x800 ? 1 : 2;
  }
  return bytes;
}

function isLowHalf(code: number): boolean {
  return code >= 0xdc00 && code < 0xe000;
}

/** So much of a text as so many bytes hold; no character is cut in two. A view, or all of it. */
export function cutUtf8(bytes: Uint8Array, max: number): Uint8Array {
  if (bytes.length <= max) return bytes;
  let end = max;
  // What is not well-formed may have any number of these.
  while (end > 0 && max - end < 4 && isContinuation(bytes[end]!)) end -= 1;
  return bytes.subarray(0, isContinuation(bytes[end]!) ? max : end);
}

/**
 * How many bytes the well-formed sequence at `at` has (Unicode 16, table 3-7: no overlong forms, no surrogates,
 * nothing above U+10FFFF), or 0 where there is none that ends before `end`.
 */
export function sequenceLength(bytes: Uint8Array, at: number, end: number): 0 | 1 | 2 | 3 | 4 {
  const lead = bytes[at]!;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || at + 1 >= end) return 0;
  const second = bytes[at + 1]!;
  if (lead < 0xe0) return isContinuation(second) ? 2 : 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high || at + 2 >= end || !isContinuation(bytes[at + 2]!)) return 0;
  if (lead < 0xf0) return 3;
  return at + 3 < end && isContinuation(bytes[at + 3]!) ? 4 : 0;
}

/** The code point of a sequence whose length `sequenceLength` has told. */
export function codePointAt(bytes: Uint8Array, at: number, length: number): number {
  const lead = bytes[at]!;
  if (length === 1) return lead;
  let code = lead & (0xff >> (length + 1));
  for (let i = 1; i < length; i += 1) code = (code << 6) | (bytes[at + i]! & 0x3f);
  return code;
}

function isContinuation(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}
