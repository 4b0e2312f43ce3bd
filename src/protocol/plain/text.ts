import { REPLACEMENT, codePointAt, sequenceLength } from "../../base/index.ts";

const TAB = 0x09;

/** Telnet's commands (RFC 854): IAC, then one byte, or WILL/WONT/DO/DONT and an option, or SB … IAC SE. */
const IAC = 0xff;
const DONT = 0xfe;
const WILL = 0xfb;
const SB = 0xfa;
const SE = 0xf0;

/**
 * What somebody typed, made safe to show: well-formed UTF-8 without anything that could take over a terminal. What
 * cannot be shown becomes U+FFFD: malformed bytes, control characters but TAB, line separators, and the invisible
 * characters that turn the direction of text. Telnet's negotiation, NUL and a byte-order mark vanish.
 *
 * @returns a view where nothing had to be changed, which is the common case
 */
export function cleanText(bytes: Uint8Array, start: number, end: number): Uint8Array {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at]!;
    if ((byte < 0x20 && byte !== TAB) || byte >= 0x7f) return rewrite(bytes, start, end);
  }
  return bytes.subarray(start, end);
}

function rewrite(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const clean: number[] = [];
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte === IAC) {
      at = afterTelnetCommand(bytes, at, end);
      continue;
    }
    const length = sequenceLength(bytes, at, end);
    if (length === 0) {
      clean.push(...REPLACEMENT);
      at += 1;
      continue;
    }
    const code = codePointAt(bytes, at, length);
    const isMark = code === 0xfeff && at === start;
    if (isUnsafe(code)) clean.push(...REPLACEMENT);
    else if (code !== 0 && !isMark) for (let i = 0; i < length; i += 1) clean.push(bytes[at + i]!);
    at += length;
  }
  return Uint8Array.from(clean);
}

function isUnsafe(code: number): boolean {
  return (
    (code > 0 && code < 0x20 && code !== TAB) ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0x2028 ||
    code === 0x2029 ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

function afterTelnetCommand(bytes: Uint8Array, at: number, end: number): number {
  const command = bytes[at + 1] ?? 0;
  if (command >= WILL && command <= DONT) return Math.min(at + 3, end);
  if (command !== SB) return Math.min(at + 2, end);
  for (let i = at + 2; i + 1 < end; i += 1) if (bytes[i] === IAC && bytes[i + 1] === SE) return i + 2;
  return end;
}
