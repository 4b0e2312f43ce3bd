import { utf8Length } from "../base/index.ts";
import { hasMeaningOnly, isOneScriptEachWord } from "./characters.ts";
import { foldCompatibly, isAscii, toNfc, toNfkd } from "./unicode/normalization.ts";
import { kindOf } from "./unicode/properties.ts";

/** Nicks are short enough for every IRC client's column. */
export const NICK_CHARACTERS_MAX = 24;
export const DISPLAY_NAME_CHARACTERS_MAX = 32;
/** As RFC 2812 has it (1.3), but for the `#`. */
export const ROOM_NAME_CHARACTERS_MAX = 50;
/** In UTF-8, with the `#`: a line of IRC is 512 bytes, and names a room beside who speaks. */
export const ROOM_NAME_BYTES_MAX = 64;

const NICK = /^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/;

/** Whether it may be a nick: ASCII, by RFC 2812's grammar (2.3.1), 1 to 24 characters. */
export function isNick(text: string): boolean {
  return text.length <= NICK_CHARACTERS_MAX && NICK.test(text);
}

/** Where people have always sent their passwords, and whom they have always asked: nobody shall look like these. */
export const SERVICE_NAMES = [
  "NickServ",
  "ChanServ",
  "MemoServ",
  "HostServ",
  "BotServ",
  "OperServ",
  "AuthServ",
  "SaslServ",
] as const;

/**
 * Whether somebody may believe that this is a service, and tell it a password: what ends in "serv". Also
 * `NickServ@services.example`, `NickServ!x@y` and `NickServ.`, as people are used to where somebody could have the
 * name, and by that whatever is `@services.example` or `@CServe.example`. No room is one.
 */
export function isServiceName(name: string): boolean {
  const called = name.replace(/[@!.].*$/s, "");
  return (isAscii(called) && /^[^#]*serv$/i.test(called)) || /^[^#]*@c?serv/i.test(name);
}

/**
 * The same for nicks that count as the same: by IRC's `rfc1459` case mapping, in which `{|}~` are the lower case of
 * `[\]^` (RFC 1459, 2.2). Other scripts are left alone.
 */
export function foldNick(nick: string): string {
  let folded = "";
  for (let index = 0; index < nick.length; index += 1) {
    const code = nick.charCodeAt(index);
    const unit = foldUnit(code);
    folded += unit === code ? nick[index]! : String.fromCharCode(unit);
  }
  return folded;
}

/** The same for one UTF-16 unit. */
export function foldUnit(code: number): number {
  return code >= 0x41 && code <= 0x5e ? code + 32 : code;
}

/** No more text than this is looked at: one character may be written with several, and blanks are made fewer. */
const UNITS_MAX = 512;

/**
 * The display name that this text means, or undefined where it means none: of any script, 1 to 32 code points,
 * composed (NFC), blanks made single. What is left out or refused is what could pass for another name, or for
 * something that is no name:
 *
 * - what is not seen, not assigned (in the Unicode of the tables), private, a control, or turns the direction of text;
 * - `<` and `>`, and what looks like them: `<alice> hi <bob>`;
 * - marks without a letter, and more of them than a letter carries (UTS #39, 5.4);
 * - joiners and selectors where they change nothing (UAX #31, 2.3);
 * - a word of mixed scripts, such as Latin with Cyrillic; Latin goes with Chinese, Japanese and Korean ("highly
 *   restrictive" of UTS #39, 5.2, for each word);
 * - ASCII that is no nick: a slip of the finger, not another script.
 *
 * What has been cleaned is clean. Look-alikes of one whole script pass here; a `NameIndex` keeps them from others when
 * somebody has the name already.
 */
export function cleanDisplayName(text: string): string | undefined {
  if (isAscii(text)) {
    const nick = text.replace(/^[ \t]+|[ \t]+$/g, "");
    return isNick(nick) ? nick : undefined;
  }
  if (text.length > UNITS_MAX || !text.isWellFormed()) return undefined;
  const characters: string[] = [];
  for (const character of toNfc(text)) {
    const isBlank = character === "\t" || kindOf(character.codePointAt(0)!) === "blank";
    if (!isBlank) characters.push(character);
    else if (characters.length > 0 && characters.at(-1) !== " ") characters.push(" ");
  }
  if (characters.at(-1) === " ") characters.pop();
  if (characters.length === 0 || characters.length > DISPLAY_NAME_CHARACTERS_MAX) return undefined;
  const name = characters.join("");
  // Blanks of other scripts may have been all that was not ASCII.
  if (isAscii(name)) return isNick(name) ? name : undefined;
  return hasMeaningOnly(characters) && isOneScriptEachWord(characters) ? name : undefined;
}

/** Beside letters, digits, marks and pictures: of ASCII, and what stands within words (UAX #31, table 3). */
const ROOM_SYMBOLS = new Set("-_.+#&/=!?~'`{|}\u00b7\u058a\u05f3\u05f4\u0f0b\u30a0\u30fb");
const PICTURE_SELECTOR = "\ufe0f";

/**
 * The room's name that this text means, or undefined where it means none: `#`, then 1 to 50 code points of any
 * script, 64 bytes in UTF-8 at most, at least one of them a letter, a digit or a picture. No blank, comma or control,
 * so that IRC can carry it, and nothing that `cleanDisplayName` would not let pass.
 *
 * A room has one spelling: composed for compatibility (NFKC), and folded, by `rfc1459` for ASCII and by full case
 * folding for the rest. `#Straße` is `#strasse`, `#ＡＢＣ[]` is `#abc{}`.
 */
export function cleanRoomName(text: string): string | undefined {
  if (!text.startsWith("#") || text.length > UNITS_MAX || !text.isWellFormed()) return undefined;
  const folded = foldNick(foldCompatibly(text.slice(1)));
  // With the selector or without, it is the same picture.
  const characters = Array.from(folded).filter(
    (character, index, all) =>
      character !== PICTURE_SELECTOR || index === 0 || kindOf(all[index - 1]!.codePointAt(0)!) !== "picture",
  );
  if (characters.length === 0 || characters.length > ROOM_NAME_CHARACTERS_MAX) return undefined;
  const name = `#${characters.join("")}`;
  if (utf8Length(name) > ROOM_NAME_BYTES_MAX) return undefined;
  const kinds = characters.map((character) => kindOf(character.codePointAt(0)!));
  if (!kinds.some((kind) => kind === "letter" || kind === "number" || kind === "picture")) return undefined;
  const isAllowed = characters.every(
    (character, index) =>
      ROOM_SYMBOLS.has(character) || (kinds[index] !== "symbol" && kinds[index] !== "blank"),
  );
  return isAllowed && hasMeaningOnly(characters) && isOneScriptEachWord(characters) ? name : undefined;
}

/** The ASCII letters and digits of a name, accents taken off; "user" where there are none. Always a nick. */
export function deriveNick(displayName: string): string {
  const letters = toNfkd(displayName).replace(/[^A-Za-z0-9_-]/g, "");
  const nick = letters.replace(/^[0-9-]+/, "").slice(0, NICK_CHARACTERS_MAX);
  return nick === "" ? "user" : nick;
}
