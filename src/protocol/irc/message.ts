import { decodeUtf8, sequenceLength } from "../../base/index.ts";
import { TAG_BYTES_MAX, parseTagString } from "./tags.ts";

/** A line as a client sends it: `@tags :source COMMAND param param :last param`. */
export interface IrcMessage {
  readonly tags: ReadonlyMap<string, string>;
  /** Whoever it claims to be; a server does not listen to that. Empty: nobody. */
  readonly source: string;
  /** In upper case. */
  readonly command: string;
  readonly params: readonly string[];
}

/** The last of so many is all that is left, with a colon or without (RFC 2812, 2.3.1). */
export const PARAMS_MAX = 15;

const NO_TAGS: ReadonlyMap<string, string> = new Map();

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const BLANK = 0x20;
const COLON = 0x3a;
const AT = 0x40;

/**
 * The message in the bytes from `start` to `end`, a line without its end. "empty": there is no command in it, which is
 * nothing to complain about. NUL, and line ends where a transport lets them through, are left out as if they had not
 * been sent.
 */
export function parseMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
): IrcMessage | "empty" | "invalidUtf8" | "tooManyTagBytes" {
  const content = contentOf(bytes, start, end);
  if (content === "notClean") {
    const kept = bytes.subarray(start, end).filter((byte) => byte !== NUL && byte !== LF && byte !== CR);
    return parseMessage(kept, 0, kept.length);
  }
  if (content === "invalidUtf8") return content;
  if (bytes[start] === AT && tagBytes(bytes, start + 1, end) > TAG_BYTES_MAX) return "tooManyTagBytes";
  // Blanks, colons and commands are ASCII: a text is as easily taken apart as its bytes, and decoded only once.
  return parseText(decodeUtf8(bytes.subarray(start, end)));
}

/** The same for a text without NUL and line ends. */
export function parseText(text: string): IrcMessage | "empty" {
  let at = 0;
  let tags = NO_TAGS;
  let source = "";
  if (text.charCodeAt(0) === AT) {
    const end = wordEnd(text, 1);
    tags = parseTagString(text.slice(1, end));
    at = end;
  }
  at = skipBlanks(text, at);
  if (text.charCodeAt(at) === COLON) {
    const end = wordEnd(text, at + 1);
    source = text.slice(at + 1, end);
    at = skipBlanks(text, end);
  }
  if (at === text.length) return "empty";
  const end = wordEnd(text, at);
  const command = commandAt(text, at, end);
  return { tags, source, command, params: paramsFrom(text, end) };
}

/** What is said most often is not made anew. */
function commandAt(text: string, start: number, end: number): string {
  if (end - start === 7 && text.startsWith("PRIVMSG", start)) return "PRIVMSG";
  return asciiUpperCase(text.slice(start, end));
}

/** Nothing but ASCII: "ı" is no way to write "I". */
export function asciiUpperCase(text: string): string {
  return /[a-z]/.test(text)
    ? text.replace(/[a-z]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) - 0x20))
    : text;
}

function paramsFrom(text: string, start: number): string[] {
  const params: string[] = [];
  let at = skipBlanks(text, start);
  while (at < text.length) {
    const isTrailing = text.charCodeAt(at) === COLON;
    if (isTrailing || params.length === PARAMS_MAX - 1) {
      params.push(text.slice(isTrailing ? at + 1 : at));
      break;
    }
    const end = wordEnd(text, at);
    params.push(text.slice(at, end));
    at = skipBlanks(text, end);
  }
  return params;
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) === BLANK) at += 1;
  return at;
}

function wordEnd(text: string, start: number): number {
  const blank = text.indexOf(" ", start);
  return blank < 0 ? text.length : blank;
}

function tagBytes(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== BLANK) at += 1;
  return at - start;
}

/** "notClean": there are bytes in it that no message has. */
export function contentOf(
  bytes: Uint8Array,
  start: number,
  end: number,
): "utf8" | "invalidUtf8" | "notClean" {
  let bits = 0;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at]!;
    bits |= byte;
    if (byte <= CR && (byte === NUL || byte === LF || byte === CR)) return "notClean";
  }
  return bits < 0x80 || isUtf8(bytes, start, end) ? "utf8" : "invalidUtf8";
}

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const length = sequenceLength(bytes, at, end);
    if (length === 0) return false;
    at += length;
  }
  return true;
}
