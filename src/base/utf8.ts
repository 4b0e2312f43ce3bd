/** U+FFFD, which stands for what could not be shown. */
export const REPLACEMENT: readonly number[] = [0xef, 0xbf, 0xbd];

/** The bytes of a string. Lone surrogates become U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    let code = character.codePointAt(0)!;
    if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else
      bytes.push(
        0xf0 | (code >> 18),
        0x80 | ((code >> 12) & 0x3f),
        0x80 | ((code >> 6) & 0x3f),
        0x80 | (code & 0x3f),
      );
  }
  return Uint8Array.from(bytes);
}

/** The string of well-formed bytes; what is not well-formed becomes U+FFFD. */
export function decodeUtf8(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes, at, bytes.length);
    if (length === 0) {
      text += "\ufffd";
      at += 1;
      continue;
    }
    text += String.fromCodePoint(codePointAt(bytes, at, length));
    at += length;
  }
  return text;
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
