/** Nicks are short enough for every IRC client's column. */
export const NICK_CHARACTERS_MAX = 24;
export const DISPLAY_NAME_CHARACTERS_MAX = 32;

const NICK = /^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/;

/** Whether it may be a nick: ASCII, by RFC 2812's grammar, 1 to 24 characters. */
export function isNick(text: string): boolean {
  return text.length <= NICK_CHARACTERS_MAX && NICK.test(text);
}

/** Blanks at the ends; controls, line separators, and what turns the direction of text, anywhere. */
const NOT_IN_A_NAME = /^\s|\s$|[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/** Whether it may be a display name: 1 to 32 code points of any script, safe to show, with no blank at either end. */
export function isDisplayName(text: string): boolean {
  const length = Array.from(text).length;
  if (length === 0 || length > DISPLAY_NAME_CHARACTERS_MAX) return false;
  return text.isWellFormed() && !NOT_IN_A_NAME.test(text);
}

/** The same for names that count as the same: by IRC's `rfc1459` case mapping, in which `{|}~` are lower case. */
export function foldName(name: string): string {
  let folded = "";
  for (const character of name) {
    const code = character.charCodeAt(0);
    folded +=
      character.length === 1 && code >= 0x41 && code <= 0x5e ? String.fromCharCode(code + 32) : character;
  }
  return folded;
}
