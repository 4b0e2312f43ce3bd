import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import {
  DISPLAY_NAME_CHARACTERS_MAX,
  type ClientWish,
  KEY_BYTES_MAX,
  type Mode,
  NICK_CHARACTERS_MAX,
  type Question,
  RECALL_MAX,
  ROOM_FLAGS,
  cleanDisplayName,
  deriveNick,
  isNick,
  isServiceName,
} from "../../chat/index.ts";

/** On entering a room, so many of its last messages are shown. */
export const REPLAY_LINES = 20;
/** /history without a number shows so many. */
const RECALL_LINES = 20;
/** Of a name or a room, in bytes: more than any may have. */
const NAME_BYTES_MAX = 200;

/** Of words with a password, in bytes: more than any account's take. */
const SECRET_BYTES_MAX = 500;

/** What is to be proved, or kept, of an account; `account` empty: that of whoever says it. */
export type Secret =
  | { readonly kind: "register"; readonly account: string; readonly password: string }
  | { readonly kind: "check"; readonly account: string; readonly password: string; readonly as: "login" }
  | {
      readonly kind: "changePassword";
      readonly account: string;
      readonly old: string;
      readonly password: string;
    }
  | { readonly kind: "drop"; readonly account: string; readonly password: string };

/** What a line asks for. */
export type Command =
  | { readonly kind: "nothing" }
  | { readonly kind: "say" | "act"; readonly text: Uint8Array }
  | { readonly kind: "wish"; readonly wish: ClientWish }
  | { readonly kind: "secret"; readonly question: Secret }
  | { readonly kind: "help"; readonly text: Uint8Array }
  | { readonly kind: "quit"; readonly text: Uint8Array }
  /** Not understood: what is right. */
  | { readonly kind: "wrong"; readonly reply: string };

interface Row {
  readonly usage: string;
  /** For /help, whose lines fit into 80 columns. */
  readonly summary: string;
  /** For /help COMMAND, and for wrong use, where there is more to say. */
  readonly detail?: string;
  /** @param text what stands behind the command's name, blanks at both ends left out */
  parse(text: Uint8Array): Command | undefined;
}

/** The room in focus. */
const HERE = "";

/** Every command: /help is made from this table, and wrong use is answered from it. */
const COMMANDS: Readonly<Record<string, Row>> = {
  help: {
    usage: "/help [COMMAND]",
    summary: "lists the commands, or tells more of one",
    parse: parseHelp,
  },
  nick: {
    usage: "/nick NAME",
    summary: "changes your name; it can be of any script",
    detail:
      `changes your name: up to ${NICK_CHARACTERS_MAX} of A-Z a-z 0-9 -_[]{}\\\`^|, no digit or - first; or, with a ` +
      `letter beyond those (é, 明), up to ${DISPLAY_NAME_CHARACTERS_MAX} characters of any script, blanks too`,
    parse: (text) => parseNick(decodeUtf8(text)),
  },
  join: {
    usage: "/join #ROOM [KEY]",
    summary: "enters a room, new or old; the first in it runs it",
    detail:
      "enters a room, a new one where there is none, or goes back to one that you are in; the first in it runs it; " +
      "some need a key",
    parse: parseJoin,
  },
  part: {
    usage: "/part [#ROOM] [TEXT]",
    summary: "leaves the room that you are in, or another",
    parse: (text) => {
      if (text[0] !== HASH) return wish({ kind: "part", room: HERE, text });
      const parts = nameAndRest(text);
      return parts === undefined ? undefined : wish({ kind: "part", room: parts.name, text: parts.rest });
    },
  },
  rooms: {
    usage: "/rooms",
    summary: "lists the rooms",
    parse: (text) => (text.length === 0 ? ask("rooms", HERE) : undefined),
  },
  who: {
    usage: "/who [#ROOM]",
    summary: "tells who is in a room; @ runs it, + has a voice",
    parse: (text) => {
      if (text.length === 0) return ask("who", HERE);
      const room = roomName(text);
      return room === undefined ? undefined : ask("who", room);
    },
  },
  msg: {
    usage: "/msg NAME TEXT",
    summary: "says something to one person alone",
    detail: 'says something to one person alone; a name with blanks stands in quotes: /msg "李 娜" hello',
    parse: (text) => {
      const parts = nameAndRest(text);
      // What is meant for such a one has a password in it, and goes no further.
      if (parts !== undefined && isServiceName(parts.name)) return noService(parts.name);
      return parts === undefined || parts.rest.length === 0
        ? undefined
        : wish({ kind: "whisper", to: parts.name, text: parts.rest });
    },
  },
  me: {
    usage: "/me TEXT",
    summary: "says what you do: * guest1 waves",
    parse: (text) => (text.length > 0 ? { kind: "act", text } : undefined),
  },
  notice: {
    usage: "/notice TEXT",
    summary: "says something that no program answers",
    parse: (text) => (text.length > 0 ? wish({ kind: "notice", room: HERE, text }) : undefined),
  },
  topic: {
    usage: "/topic [TEXT]",
    summary: "tells what the room is about, or sets it; - removes it",
    parse: (text) => {
      if (text.length === 0) return ask("topic", HERE);
      return wish({ kind: "topic", room: HERE, text: decodeUtf8(text) === "-" ? new Uint8Array(0) : text });
    },
  },
  away: {
    usage: "/away [TEXT]",
    summary: "says why you are not there; without a text you are back",
    parse: (text) => wish({ kind: "away", text }),
  },
  history: {
    usage: "/history [N]",
    summary: `shows the last messages of the room: ${RECALL_LINES}, or N`,
    detail: `shows the last messages of the room: ${RECALL_LINES}, or as many as you say, up to ${RECALL_MAX}`,
    parse: (text) => {
      const digits = text.length === 0 ? String(RECALL_LINES) : decodeUtf8(text);
      const limit = /^\d{1,4}$/.test(digits) ? Number(digits) : 0;
      return limit >= 1 && limit <= RECALL_MAX
        ? wish({ kind: "recall", room: HERE, limit, before: 0 })
        : undefined;
    },
  },
  search: {
    usage: "/search WORDS",
    summary: "finds what was said; /help search tells how",
    detail:
      'finds what was said: words, "a phrase", -without, from:NAME, in:#ROOM, before:2026-11-25, after:7d (7 days ago)',
    parse: (text) => (text.length > 0 ? wish({ kind: "search", text, before: 0 }) : undefined),
  },
  kick: {
    usage: "/kick NAME [TEXT]",
    summary: "takes somebody out of the room that you run",
    parse: (text) => {
      const parts = nameAndRest(text);
      if (parts === undefined) return undefined;
      return wish({ kind: "kick", room: HERE, target: parts.name, text: parts.rest });
    },
  },
  ban: {
    usage: "/ban [NAME]",
    summary: "bans somebody from the room; alone, lists who is banned",
    detail: "takes somebody out of the room that you run, and keeps them out; alone, lists who is banned",
    parse: (text) => (text.length === 0 ? ask("bans", HERE) : restrict("ban", true, text)),
  },
  unban: {
    usage: "/unban NAME",
    summary: "lets somebody in again",
    parse: (text) => restrict("ban", false, text),
  },
  mute: {
    usage: "/mute [NAME]",
    summary: "lets somebody only read; alone, lists who is muted",
    detail: "lets somebody read but not speak in the room that you run; alone, lists who is muted",
    parse: (text) => (text.length === 0 ? ask("mutes", HERE) : restrict("mute", true, text)),
  },
  unmute: {
    usage: "/unmute NAME",
    summary: "lets somebody speak again",
    parse: (text) => restrict("mute", false, text),
  },
  op: {
    usage: "/op NAME",
    summary: "lets somebody run the room with you",
    parse: (text) => rank("operator", true, text),
  },
  deop: {
    usage: "/deop NAME",
    summary: "ends that; for yourself, too, while another runs it",
    parse: (text) => rank("operator", false, text),
  },
  voice: {
    usage: "/voice NAME",
    summary: "lets somebody speak in a moderated room",
    parse: (text) => rank("voice", true, text),
  },
  devoice: {
    usage: "/devoice NAME",
    summary: "ends that",
    parse: (text) => rank("voice", false, text),
  },
  mode: {
    usage: "/mode +WHAT or -WHAT",
    summary: "changes the room: moderated, secret, and others",
    detail:
      "changes the room that you run: moderated (only those with a voice may speak), topiclocked (only those who " +
      "run it set the topic), secret (it is not listed), inviteonly (only who was invited may enter), membersonly " +
      "(nobody speaks from outside), accountsonly (only who has an account may enter), accountsspeak (only who has " +
      "an account may speak), noctcp (nobody sends requests to programs)",
    parse: parseMode,
  },
  slow: {
    usage: "/slow SECONDS",
    summary: "lets everybody speak once in so many seconds; 0 ends it",
    parse: (text) => {
      const digits = decodeUtf8(text);
      if (!/^\d{1,5}$/.test(digits)) return undefined;
      const value = Number(digits) === 0 ? "" : String(Number(digits));
      return wish({ kind: "set", room: HERE, setting: "slowSeconds", value });
    },
  },
  invite: {
    usage: "/invite NAME",
    summary: "asks somebody into the room, and lets them in",
    parse: (text) => {
      const target = soleName(text);
      return target === undefined ? undefined : wish({ kind: "invite", room: HERE, target });
    },
  },
  register: {
    usage: "/register PASSWORD",
    summary: "makes your name your own: nobody else can have it",
    detail:
      "makes your name an account: nobody else can have it, and with the password you get it from anywhere",
    parse: (text) =>
      secret(text, 1, ([password]) => ({ kind: "register", account: OWN, password: password! })),
  },
  identify: {
    usage: "/identify [NAME] PASSWORD",
    summary: "proves that an account is yours, for its name",
    parse: (text) =>
      secret(text, 2, (words) => ({
        kind: "check",
        account: words.length > 1 ? words[0]! : OWN,
        password: words.at(-1)!,
        as: "login",
      })),
  },
  password: {
    usage: "/password OLD NEW",
    summary: "changes the password of your account",
    parse: (text) =>
      secret(text, 2, ([old, password]) =>
        password === undefined ? undefined : { kind: "changePassword", account: OWN, old: old!, password },
      ),
  },
  drop: {
    usage: "/drop PASSWORD",
    summary: "gives your account up",
    parse: (text) => secret(text, 1, ([password]) => ({ kind: "drop", account: OWN, password: password! })),
  },
  filter: {
    usage: "/filter + or -WORD",
    summary: "lets nobody say a word, or lets them again (moderators)",
    parse: (text) => {
      const [, sign, value = ""] = /^([+-])(.+)$/su.exec(decodeUtf8(text)) ?? [];
      if (sign === undefined || text.length > NAME_BYTES_MAX) return undefined;
      return wish({ kind: "police", what: "filter", on: sign === "+", value });
    },
  },
  links: {
    usage: "/links WHO",
    summary: "says who may send links (moderators)",
    detail: "says who may send links: everybody, accounts (those who have one), or nobody (moderators)",
    parse: (text) => {
      const value = decodeUtf8(text).toLowerCase();
      if (!["everybody", "accounts", "nobody"].includes(value)) return undefined;
      return wish({ kind: "police", what: "links", on: value !== "everybody", value });
    },
  },
  silence: {
    usage: "/silence NAME",
    summary: "lets somebody speak nowhere (moderators)",
    parse: (text) => police("silence", true, text),
  },
  unsilence: {
    usage: "/unsilence NAME",
    summary: "lets somebody speak again (moderators)",
    parse: (text) => police("silence", false, text),
  },
  shield: {
    usage: "/shield on or off",
    summary: "newcomers without an account can only read (moderators)",
    parse: (text) => {
      const word = decodeUtf8(text).toLowerCase();
      if (word !== "on" && word !== "off") return undefined;
      return wish({ kind: "police", what: "shield", on: word === "on", value: "" });
    },
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
const QUOTE = 0x22;
const HASH = 0x23;

/** @param line as `cleanText` left it */
export function parseLine(line: Uint8Array): Command {
  if (line[0] !== SLASH) return trim(line).length === 0 ? { kind: "nothing" } : { kind: "say", text: line };
  if (line[1] === SLASH) return { kind: "say", text: line.subarray(1) };
  const nameEnd = wordEnd(line, 1);
  const name = decodeUtf8(line.subarray(1, nameEnd)).toLowerCase();
  const row = rowOf(name);
  if (row === undefined)
    return {
      kind: "wrong",
      reply: `there is no command /${shorten(name)}; /help lists them, and //text says /text`,
    };
  return (
    row.parse(trim(line.subarray(nameEnd))) ?? { kind: "wrong", reply: `${row.usage}: ${detailOf(row)}` }
  );
}

function rowOf(name: string): Row | undefined {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
}

const USAGE_COLUMNS = 21;

function helpLine({ usage }: Row, says: string): string {
  return `-- ${usage.padEnd(USAGE_COLUMNS)} ${says}\n`;
}

function detailOf({ detail, summary }: Row): string {
  return detail ?? summary;
}

const HELP: Command = {
  kind: "help",
  text: encodeUtf8(
    [
      ...Object.values(COMMANDS).map((row) => helpLine(row, row.summary)),
      "-- anything else is said to the room that you are in; //text says /text\n",
    ].join(""),
  ),
};

function parseHelp(text: Uint8Array): Command | undefined {
  if (text.length === 0) return HELP;
  const row = rowOf(decodeUtf8(text).replace(/^\//, "").toLowerCase());
  return row === undefined ? undefined : { kind: "help", text: encodeUtf8(helpLine(row, detailOf(row))) };
}

function wish(wish: ClientWish): Command {
  return { kind: "wish", wish };
}

function ask(question: Question, room: string): Command {
  return wish({ kind: "ask", question, room });
}

function restrict(kind: "ban" | "mute", on: boolean, text: Uint8Array): Command | undefined {
  const target = soleName(text);
  return target === undefined ? undefined : wish({ kind, room: HERE, target, on });
}

function police(what: "silence", on: boolean, text: Uint8Array): Command | undefined {
  const value = soleName(text);
  return value === undefined ? undefined : wish({ kind: "police", what, on, value });
}

/** The account of whoever says it. */
const OWN = "";

/** Words of which the last is a password: up to so many. */
function secret(
  text: Uint8Array,
  wordsMax: number,
  make: (words: readonly string[]) => Secret | undefined,
): Command | undefined {
  const words = decodeUtf8(text).split(/[ \t]+/);
  if (text.length === 0 || text.length > SECRET_BYTES_MAX || words.length > wordsMax) return undefined;
  const question = make(words);
  return question === undefined ? undefined : { kind: "secret", question };
}

function rank(mode: "operator" | "voice", on: boolean, text: Uint8Array): Command | undefined {
  const target = soleName(text);
  return target === undefined ? undefined : wish({ kind: "mode", room: HERE, mode, on, target });
}

function parseJoin(text: Uint8Array): Command | undefined {
  const end = wordEnd(text, 0);
  const room = roomName(text.subarray(0, end));
  const key = trim(text.subarray(end));
  if (room === undefined) return undefined;
  if (key.length === 0) return wish({ kind: "join", room, replay: REPLAY_LINES });
  // Two rooms are two commands.
  const isKey = key[0] !== HASH && key.length <= KEY_BYTES_MAX && wordEnd(key, 0) === key.length;
  return isKey ? wish({ kind: "join", room, replay: REPLAY_LINES, key: decodeUtf8(key) }) : undefined;
}

const ROOM_MODES: Readonly<Record<string, Mode>> = Object.fromEntries(
  ROOM_FLAGS.map((flag) => [flag.toLowerCase(), flag]),
);

function parseMode(text: Uint8Array): Command | undefined {
  const [, sign, word = ""] = /^([+-])([a-z]+)$/.exec(decodeUtf8(text).toLowerCase()) ?? [];
  const mode = Object.hasOwn(ROOM_MODES, word) ? ROOM_MODES[word] : undefined;
  if (mode === undefined) return undefined;
  return wish({ kind: "mode", room: HERE, mode, on: sign === "+", target: "" });
}

/** One word, with the # that people forget. */
function roomName(text: Uint8Array): string | undefined {
  if (text.length === 0 || text.length > NAME_BYTES_MAX || wordEnd(text, 0) < text.length) return undefined;
  const name = decodeUtf8(text);
  return name.startsWith("#") ? name : `#${name}`;
}

/** A name, in quotes where it has blanks, and what follows it. */
function nameAndRest(text: Uint8Array): { name: string; rest: Uint8Array } | undefined {
  const isQuoted = text[0] === QUOTE;
  const end = isQuoted ? text.indexOf(QUOTE, 1) : wordEnd(text, 0);
  const bytes = text.subarray(isQuoted ? 1 : 0, Math.max(end, 0));
  if (bytes.length === 0 || bytes.length > NAME_BYTES_MAX) return undefined;
  return { name: decodeUtf8(bytes), rest: trim(text.subarray(isQuoted ? end + 1 : end)) };
}

/** All of it, quotes or not: nothing else can follow. */
function soleName(text: Uint8Array): string | undefined {
  const isQuoted = text.length > 2 && text[0] === QUOTE && text.at(-1) === QUOTE;
  const bytes = isQuoted ? text.subarray(1, -1) : text;
  return bytes.length === 0 || bytes.length > NAME_BYTES_MAX ? undefined : decodeUtf8(bytes);
}

function parseNick(text: string): Command | undefined {
  const displayName = cleanDisplayName(text);
  if (displayName === undefined) return undefined;
  if (isServiceName(displayName)) return noService(displayName);
  const derived = !isNick(displayName);
  return wish({ kind: "nick", nick: derived ? deriveNick(displayName) : displayName, displayName, derived });
}

function noService(name: string): Command {
  return {
    kind: "wrong",
    reply: `there is no ${shorten(name)} here; /register and /identify are for accounts`,
  };
}

/** Enough of what somebody typed to recognise it. */
function shorten(text: string): string {
  const characters = Array.from(text);
  const max = NICK_CHARACTERS_MAX;
  return characters.length <= max ? text : `${characters.slice(0, max).join("")}…`;
}

function wordEnd(text: Uint8Array, from: number): number {
  let end = from;
  while (end < text.length && !isBlank(text[end]!)) end += 1;
  return end;
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
