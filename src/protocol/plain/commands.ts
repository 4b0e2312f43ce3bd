import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import {
  DISPLAY_NAME_CHARACTERS_MAX,
  NICK_CHARACTERS_MAX,
  cleanDisplayName,
  deriveNick,
  isNick,
} from "../../chat/index.ts";

/** What a line asks for. */
export type Command =
  | { readonly kind: "nothing" }
  | { readonly kind: "say" | "act"; readonly text: Uint8Array }
  | { readonly kind: "nick"; readonly nick: string; readonly displayName: string; readonly derived: boolean }
  | { readonly kind: "who" }
  | { readonly kind: "help" }
  | { readonly kind: "quit"; readonly text: Uint8Array }
  /** Not understood: what is right. */
  | { readonly kind: "wrong"; readonly reply: string };

interface Row {
  readonly usage: string;
  readonly summary: string;
  /** @param text what stands behind the command's name, blanks at both ends left out */
  parse(text: Uint8Array): Command | undefined;
}

/** Every command: /help is made from this table, and wrong use is answered from it. */
const COMMANDS: Readonly<Record<string, Row>> = {
  help: {
    usage: "/help",
    summary: "lists the commands",
    parse: (text) => (text.length === 0 ? { kind: "help" } : undefined),
  },
  nick: {
    usage: "/nick NAME",
    summary:
      `changes your name: up to ${NICK_CHARACTERS_MAX} letters, digits and -_[]{}\\\`^|, ` +
      `or ${DISPLAY_NAME_CHARACTERS_MAX} characters of any script`,
    parse: (text) => parseNick(decodeUtf8(text)),
  },
  who: {
    usage: "/who",
    summary: "tells who is here",
    parse: (text) => (text.length === 0 ? { kind: "who" } : undefined),
  },
  me: {
    usage: "/me TEXT",
    summary: "says what you do: * guest1 waves",
    parse: (text) => (text.length > 0 ? { kind: "act", text } : undefined),
  },
  quit: {
    usage: "/quit [TEXT]",
    summary: "leaves, with a last word if you like",
    parse: (text) => ({ kind: "quit", text }),
  },
};

const SLASH = 0x2f;
const BLANK = 0x20;
const TAB = 0x09;

/** @param line as `cleanText` left it */
export function parseLine(line: Uint8Array): Command {
  if (line[0] !== SLASH) return trim(line).length === 0 ? { kind: "nothing" } : { kind: "say", text: line };
  if (line[1] === SLASH) return { kind: "say", text: line.subarray(1) };
  let nameEnd = 1;
  while (nameEnd < line.length && !isBlank(line[nameEnd]!)) nameEnd += 1;
  const name = decodeUtf8(line.subarray(1, nameEnd)).toLowerCase();
  const row = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (row === undefined)
    return {
      kind: "wrong",
      reply: `there is no command /${shorten(name)}; /help lists them, and //text says /text`,
    };
  return row.parse(trim(line.subarray(nameEnd))) ?? { kind: "wrong", reply: `${row.usage}: ${row.summary}` };
}

/** What /help answers. */
export const helpText: Uint8Array = encodeUtf8(
  [
    ...Object.values(COMMANDS).map((row) => `-- ${row.usage.padEnd(13)} ${row.summary}\n`),
    "-- anything else is said to everybody here; //text says /text\n",
  ].join(""),
);

function parseNick(text: string): Command | undefined {
  const displayName = cleanDisplayName(text);
  if (displayName === undefined) return undefined;
  if (isNick(displayName)) return { kind: "nick", nick: displayName, displayName, derived: false };
  return { kind: "nick", nick: deriveNick(displayName), displayName, derived: true };
}

/** Enough of what somebody typed to recognise it. */
function shorten(text: string): string {
  const characters = Array.from(text);
  const max = NICK_CHARACTERS_MAX;
  return characters.length <= max ? text : `${characters.slice(0, max).join("")}…`;
}

function trim(text: Uint8Array): Uint8Array {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text[start]!)) start += 1;
  while (end > start && isBlank(text[end - 1]!)) end -= 1;
  return text.subarray(start, end);
}

function isBlank(byte: number): boolean {
  return byte === BLANK || byte === TAB;
}
