/*
 * RPL_ISUPPORT (https://modern.ircdocs.horse/#feature-advertisement): what a client can count on here, in words that
 * programs understand.
 */
import {
  AWAY_BYTES_MAX,
  KEY_BYTES_MAX,
  NICK_CHARACTERS_MAX,
  PAGE_MAX,
  REASON_BYTES_MAX,
  REAL_NAME_CHARACTERS_MAX,
  RESTRICTIONS_MAX,
  ROOMS_OF_A_SESSION_MAX,
  ROOM_NAME_CHARACTERS_MAX,
  TOPIC_BYTES_MAX,
  USER_CHARACTERS_MAX,
} from "../../chat/index.ts";
import { foldWords } from "./foldWords.ts";
import {
  FLAG_LETTERS,
  LIST_LETTERS,
  MODES_MAX,
  RANK_LETTERS,
  RANK_PREFIXES,
  SETTING_LETTERS,
  USER_MODE_LETTERS,
} from "./modes.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";

/** Nicks that one client watches with MONITOR. */
export const MONITOR_MAX = 100;
/** To whom one PRIVMSG, NOTICE or TAGMSG can go, and whom one WHOIS can ask for. */
export const TARGETS_MAX = 4;
/** Of a host, in bytes. */
export const HOST_BYTES_MAX = 63;

/** A line has 15 parameters, of which one is the nick and one says that this is what is supported. */
const TOKENS_MAX = 13;
const TOKEN_BYTES_MAX = 370;

export interface IsupportOptions {
  readonly networkName: string;
  /** Whether the past is kept. */
  readonly history: boolean;
}

export function isupportTokens({ networkName, history }: IsupportOptions): readonly string[] {
  return [
    `AWAYLEN=${AWAY_BYTES_MAX}`,
    `BOT=${USER_MODE_LETTERS.bot}`,
    "CASEMAPPING=rfc1459",
    `CHANLIMIT=#:${ROOMS_OF_A_SESSION_MAX}`,
    `CHANMODES=${channelModes()}`,
    `CHANNELLEN=${ROOM_NAME_CHARACTERS_MAX + 1}`,
    "CHANTYPES=#",
    ...(history ? [`CHATHISTORY=${PAGE_MAX}`] : []),
    "ELIST=CMNTU",
    `EXCEPTS=${LIST_LETTERS.exception}`,
    "EXTBAN=,m",
    `HOSTLEN=${HOST_BYTES_MAX}`,
    `INVEX=${LIST_LETTERS.invitation}`,
    `KEYLEN=${KEY_BYTES_MAX}`,
    `KICKLEN=${REASON_BYTES_MAX}`,
    `LINELEN=${LINE_BYTES_MAX}`,
    `MAXLIST=${lists()}:${RESTRICTIONS_MAX}`,
    `MAXTARGETS=${TARGETS_MAX}`,
    `MODES=${MODES_MAX}`,
    `MONITOR=${MONITOR_MAX}`,
    ...(history ? ["MSGREFTYPES=msgid,timestamp"] : []),
    `NAMELEN=${REAL_NAME_CHARACTERS_MAX}`,
    `NETWORK=${escapeValue(networkName)}`,
    `NICKLEN=${NICK_CHARACTERS_MAX}`,
    `PREFIX=(${Object.values(RANK_LETTERS).join("")})${prefixes()}`,
    // Who is too fast is read later; nobody is thrown out for it.
    "SAFELIST",
    "SAFERATE",
    `STATUSMSG=${prefixes()}`,
    `TARGMAX=${targets()}`,
    `TOPICLEN=${TOPIC_BYTES_MAX}`,
    `USERLEN=${USER_CHARACTERS_MAX}`,
    "UTF8ONLY",
    "WHOX",
  ];
}

/** Each to be sent as `005 <nick> <line> :are supported by this server`. */
export function isupportLines(tokens: readonly string[]): readonly string[] {
  return foldWords(tokens, TOKEN_BYTES_MAX, TOKENS_MAX);
}

/** Lists; what always has a parameter; what has one when it is set; what has none. */
function channelModes(): string {
  const { key, limit, slowSeconds } = SETTING_LETTERS;
  return [lists(), key, limit + slowSeconds, Object.values(FLAG_LETTERS).join("")].join(",");
}

function lists(): string {
  return Object.values(LIST_LETTERS).join("");
}

function prefixes(): string {
  return Object.values(RANK_PREFIXES).join("");
}

/** No number: no limit of its own. */
function targets(): string {
  const many = ["NOTICE", "PRIVMSG", "TAGMSG", "WHOIS"].map((command) => `${command}:${TARGETS_MAX}`);
  return [...many, "WHOWAS:1", "KICK:", "JOIN:", "LIST:", "NAMES:", "PART:", `MONITOR:${MONITOR_MAX}`].join(
    ",",
  );
}

/** "The value may contain `\xHH`": what would end the token, or the line. */
function escapeValue(text: string): string {
  return text.replace(
    /[\0-\x20\\=]/g,
    (character) => `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
