import { decodeUtf8 } from "../../base/index.ts";
import { type IrcMessage, asciiUpperCase, parseText } from "./message.ts";

export type IrcVerdict = "irc" | "other" | "undecided";

/** A first line that is not complete by then is none of ours. */
const FIRST_LINE_BYTES_MAX = 8192;

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** Telnet (RFC 854): commands from `SE` on, of which `SB` begins a subnegotiation and four name an option. */
const IAC = 0xff;
const SE = 0xf0;
const SB = 0xfa;
const WILL = 0xfb;

/**
 * With what a client of IRC begins, and whether it is grammatical, so that "PASS the salt" and "Nick is here" are left
 * to people. Words that somebody might well begin with ("ping me", "quit") have to be in upper case, as clients send
 * them.
 */
const OPENINGS: Readonly<Record<string, (message: IrcMessage) => boolean>> = {
  CAP: ({ params }) => isCap(params),
  NICK: ({ params }) => params.length === 1 && params[0] !== "",
  USER: ({ params }) => params.length >= 4,
  PASS: ({ params }) => params.length === 1,
  AUTHENTICATE: ({ params }) => params.length === 1,
  PING: ({ params }) => params.length === 1,
  QUIT: ({ params }) => params.length <= 1,
};
const UPPER_CASE_ONLY = new Set(["PING", "QUIT"]);

function isCap(params: readonly string[]): boolean {
  switch (asciiUpperCase(params[0] ?? "")) {
    case "LS":
      return params.length === 1 || (params.length === 2 && /^\d{1,5}$/.test(params[1]!));
    case "LIST":
    case "END":
      return params.length === 1;
    case "REQ":
      return params.length >= 2;
    default:
      return false;
  }
}

/**
 * Whether somebody who begins like this is a client of IRC: by the first line that is not blank. Once decided, more
 * bytes change nothing.
 */
export function classifyIrc(bytes: Uint8Array): IrcVerdict {
  const verdict = classifyLine(bytes.subarray(0, FIRST_LINE_BYTES_MAX));
  return verdict === "undecided" && bytes.length >= FIRST_LINE_BYTES_MAX ? "other" : verdict;
}

function classifyLine(bytes: Uint8Array): IrcVerdict {
  const start = skipPrelude(bytes);
  if (start === "other") return "other";
  if (start === bytes.length) return "undecided";
  let end = start;
  while (end < bytes.length && bytes[end] !== LF && bytes[end] !== CR) end += 1;
  // What a name is encoded in is asked later.
  const line = decodeUtf8(bytes.subarray(start, end).filter((byte) => byte !== NUL));
  if (end < bytes.length) return isOpening(line) ? "irc" : "other";
  return mayBecomeOpening(line) ? "undecided" : "other";
}

function isOpening(line: string): boolean {
  const message = parseText(line);
  if (message === "empty" || !Object.hasOwn(OPENINGS, message.command)) return false;
  if (UPPER_CASE_ONLY.has(message.command) && !line.includes(message.command)) return false;
  return OPENINGS[message.command]!(message);
}

/** Looks no further than the first word: the line will be whole in a moment. */
function mayBecomeOpening(line: string): boolean {
  if (line.startsWith("@") || line.startsWith(":")) return true;
  const blank = line.indexOf(" ");
  const word = blank < 0 ? line : line.slice(0, blank);
  return Object.keys(OPENINGS).some((opening) => {
    const text = UPPER_CASE_ONLY.has(opening) ? word : asciiUpperCase(word);
    return blank < 0 ? opening.startsWith(text) : opening === text;
  });
}

/** Where the first line begins: behind a byte-order mark, what a telnet client says of itself, and blank lines. */
function skipPrelude(bytes: Uint8Array): number | "other" {
  let at = 0;
  while (at < bytes.length) {
    const byte = bytes[at]!;
    if (byte === NUL || byte === LF || byte === CR || byte === BLANK) at += 1;
    else if (byte === BYTE_ORDER_MARK[0]) {
      const mark = bytes.subarray(at, at + BYTE_ORDER_MARK.length);
      if (!mark.every((each, index) => each === BYTE_ORDER_MARK[index])) return "other";
      at += mark.length;
    } else if (byte === IAC) {
      const length = negotiationLength(bytes, at);
      if (length === "other") return "other";
      at += length;
    } else return at;
  }
  return at;
}

/** How many bytes a telnet command has here; those that are there, where it is not whole. */
function negotiationLength(bytes: Uint8Array, start: number): number | "other" {
  const command = bytes[start + 1];
  const there = bytes.length - start;
  if (command === undefined) return there;
  if (command < SE || command === IAC) return "other";
  if (command >= WILL) return Math.min(3, there);
  if (command !== SB) return 2;
  for (let at = start + 2; at + 1 < bytes.length; at += 1) {
    if (bytes[at] !== IAC) continue;
    if (bytes[at + 1] === SE) return at + 2 - start;
    // Any other byte behind it, itself among them, belongs to it.
    at += 1;
  }
  return there;
}
