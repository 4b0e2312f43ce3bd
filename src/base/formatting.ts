const COLOUR = 0x03;
const HEX_COLOUR = 0x04;
const COMMA = 0x2c;
/** IRC's marks of what is for programs, of colours, and of bold, plain, monospaced, reversed, slanted and so on. */
const CODES: ReadonlySet<number> = new Set([
  0x01,
  0x02,
  COLOUR,
  HEX_COLOUR,
  0x0f,
  0x11,
  0x16,
  0x1d,
  0x1e,
  0x1f,
]);

/**
 * A text without what only programs understand: IRC's formatting (https://modern.ircdocs.horse/formatting) and its
 * marks around requests. A view of the same bytes where there is none.
 */
export function withoutCodes(text: Uint8Array): Uint8Array {
  for (let at = 0; at < text.length; at += 1) if (isCode(text[at]!)) return dropCodes(text);
  return text;
}

function dropCodes(text: Uint8Array): Uint8Array {
  const kept: number[] = [];
  for (let at = 0; at < text.length;) {
    const byte = text[at]!;
    at += 1;
    if (byte === COLOUR || byte === HEX_COLOUR) at = colourEnd(text, at, byte === COLOUR ? 2 : 6);
    else if (!isCode(byte)) kept.push(byte);
  }
  return Uint8Array.from(kept);
}

function isCode(byte: number): boolean {
  return byte < 0x20 && CODES.has(byte);
}

/** A colour, and perhaps a comma and that of the background. */
function colourEnd(text: Uint8Array, from: number, digits: number): number {
  const end = digitsEnd(text, from, digits);
  if (end === from || text[end] !== COMMA) return end;
  const second = digitsEnd(text, end + 1, digits);
  return second === end + 1 ? end : second;
}

function digitsEnd(text: Uint8Array, from: number, max: number): number {
  let at = from;
  while (at < text.length && at - from < max && isDigit(text[at]!, max === 6)) at += 1;
  return max === 6 && at - from < 6 ? from : at;
}

function isDigit(byte: number, isHex: boolean): boolean {
  if (byte >= 0x30 && byte <= 0x39) return true;
  const lower = byte | 0x20;
  return isHex && lower >= 0x61 && lower <= 0x66;
}
