import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { DISPLAY_NAME_CHARACTERS_MAX, NICK_CHARACTERS_MAX, isDisplayName, isNick } from "../../chat/index.ts";

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

/**
 * What cannot be seen, so that another's name could be borrowed; and what would make one's words look like another's:
 * `<alice> hi <bob>`. Joiners between letters of other scripts, and the selector after a picture, have a meaning.
 */
const DECEPTIVE: readonly RegExp[] = [
  /[<>\ufffd]/u,
  /(?![\u200c-\u200d]|\ufe0f)\p{Default_Ignorable_Code_Point}/u,
  /(?<![^\0-\x7f])[\u200c-\u200d]|[\u200c-\u200d](?![^\0-\x7f])/u,
  /(?<!\p{Extended_Pictographic})\ufe0f/u,
  // A mark that goes on top of what stands before the name, and a blank that is none to Unicode.
  /^\p{Mark}|\u2800/u,
];

function parseNick(text: string): Command | undefined {
  if (isNick(text)) return { kind: "nick", nick: text, displayName: text, derived: false };
  // Composed, so that what looks the same is the same name.
  const name = text.normalize("NFC").replace(/\s+/gu, " ");
  if (!isDisplayName(name) || DECEPTIVE.some((pattern) => pattern.test(name))) return undefined;
  // ASCII that is no nick is a slip of the finger, not another script.
  if (/^[\x20-\x7e]*$/.test(name)) return undefined;
  return { kind: "nick", nick: deriveNick(name), displayName: name, derived: true };
}

/** The ASCII letters and digits of a name, accents taken off; "user" where there are none. */
function deriveNick(name: string): string {
  const letters = name.normalize("NFKD").replace(/[^A-Za-z0-9_-]/g, "");
  const nick = letters.replace(/^[0-9-]+/, "").slice(0, NICK_CHARACTERS_MAX);
  return nick === "" ? "user" : nick;
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
