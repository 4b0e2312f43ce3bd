import { REPLACEMENT, codePointAt, sequenceLength, withoutCodes } from "../../base/index.ts";

const TAB = 0x09;

/** Telnet's commands (RFC 854): IAC, then one byte, or WILL/WONT/DO/DONT and an option, or SB … IAC SE. */
const IAC = 0xff;
const DONT = 0xfe;
const DO = 0xfd;
const WONT = 0xfc;
const WILL = 0xfb;
const SB = 0xfa;
const SE = 0xf0;

/** What some programs put before the first line. */
const BYTE_ORDER_MARK = 0xfeff;

/**
 * What somebody typed, made safe to show: well-formed UTF-8 without anything that could take over a terminal. What
 * cannot be shown becomes U+FFFD: malformed bytes, control characters but TAB, line separators, and the invisible
 * characters that turn the direction of text. Telnet's negotiation, NUL and a byte-order mark vanish.
 *
 * @returns a view where nothing had to be changed, which is the common case in any script; otherwise new bytes, at
 * most three for each one given
 */
export function cleanText(bytes: Uint8Array, start: number, end: number): Uint8Array {
  for (let at = start; at < end;) {
    const byte = bytes[at]!;
    if (byte >= 0x20 && byte < 0x7f) {
      at += 1;
      continue;
    }
    const length = sequenceLength(bytes, at, end);
    const code = length === 0 ? 0 : codePointAt(bytes, at, length);
    if (code === 0 || code === BYTE_ORDER_MARK || isUnsafe(code)) return rewrite(bytes, start, end);
    at += length;
  }
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
}

const LF = 0x0a;

/**
 * What was said, in lines, each safe to show whatever kind of client it comes from: those of IRC hand on bytes as they
 * are. A view of the same bytes where nothing had to be changed.
 */
export function shownLines(text: Uint8Array): readonly Uint8Array[] {
  if (isPrintableAscii(text)) return [text];
  const kept = withoutCodes(text);
  const lines: Uint8Array[] = [];
  let from = 0;
  for (let to = kept.indexOf(LF); to >= 0; to = kept.indexOf(LF, from)) {
    lines.push(cleanText(kept, from, to));
    from = to + 1;
  }
  lines.push(cleanText(kept, from, kept.length));
  return lines;
}

/** The same for what is one line, come what may. */
export function shownText(text: Uint8Array): Uint8Array {
  if (isPrintableAscii(text)) return text;
  const kept = withoutCodes(text);
  return cleanText(kept, 0, kept.length);
}

function isPrintableAscii(text: Uint8Array): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at]!;
    if (byte < 0x20 || byte >= 0x7f) return false;
  }
  return true;
}

/**
 * What to answer to the telnet negotiation in a line: "no" to everything, once for each wish, or undefined where there
 * is none. Without an answer, a telnet in which somebody has pressed Ctrl-C shows nothing any more: it drops
 * what arrives until its DO TIMING-MARK is answered.
 */
export function refuseNegotiation(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  let at = bytes.subarray(start, end).indexOf(IAC);
  if (at < 0) return undefined;
  const answer: number[] = [];
  for (at += start; at < end; at += Math.max(1, telnetCommandBytes(bytes, at, end))) {
    if (bytes[at] !== IAC || at + 2 >= end) continue;
    const command = bytes[at + 1];
    // A "no" to a "no" could go on for ever.
    if (command === DO || command === WILL) answer.push(IAC, command === DO ? WONT : DONT, bytes[at + 2]!);
  }
  return answer.length === 0 ? undefined : Uint8Array.from(answer);
}

function rewrite(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const clean: number[] = [];
  for (let at = start; at < end;) {
    const telnetBytes = telnetCommandBytes(bytes, at, end);
    if (telnetBytes > 0) {
      at += telnetBytes;
      continue;
    }
    const length = sequenceLength(bytes, at, end);
    if (length === 0) {
      clean.push(...REPLACEMENT);
      at += 1;
      continue;
    }
    const code = codePointAt(bytes, at, length);
    const isMark = code === BYTE_ORDER_MARK && clean.length === 0;
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

/**
 * How many bytes a telnet command at `at` has; 0 where there is none. A 0xFF before anything else is no command: old
 * encodings have letters there, and what follows it was meant.
 */
function telnetCommandBytes(bytes: Uint8Array, at: number, end: number): number {
  if (bytes[at] !== IAC) return 0;
  if (at + 1 >= end) return 1;
  const command = bytes[at + 1]!;
  if (command < SE) return 0;
  if (command >= WILL && command !== IAC) return Math.min(3, end - at);
  if (command !== SB) return 2;
  for (let i = at + 2; i + 1 < end; i += 1) if (bytes[i] === IAC && bytes[i + 1] === SE) return i + 2 - at;
  return end - at;
}
