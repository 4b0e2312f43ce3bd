import { encodeUtf8 } from "../base/index.ts";
import { foldNick } from "../chat/index.ts";

/** Of a new password, as code points: what is shorter is guessed (NIST SP 800-63B, 3.1.1). */
export const PASSWORD_CHARACTERS_MIN = 8;
/** Of a new password, as prepared and in UTF-8: it has to fit a line of IRC. */
export const PASSWORD_BYTES_MAX = 200;

const BLANKS = /\p{Zs}/gu;
/** Soft hyphens, joiners, selectors: what nobody sees (RFC 3454, table B.1). */
const UNSEEN = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Controls, formats, what is private, and what is no character. */
const REFUSED = /[\p{Cc}\p{Cf}\p{Co}\p{Noncharacter_Code_Point}]/u;

/**
 * The one spelling of a password that is hashed, however it is typed or sent: SASLprep (RFC 4013), as SCRAM (RFC 5802)
 * and PLAIN (RFC 4616) ask for it. Blanks of all scripts become a space, what nobody sees is left out, and the rest is
 * composed for compatibility (NFKC). Two things are otherwise: a password may mix the directions of writing, and may
 * have characters that are newer than Unicode 3.2. Undefined where it has what no password may have.
 *
 * The language's own tables will do: no two processes have to agree on this, and what is composed once stays so in
 * every version of Unicode.
 */
export function preparePassword(text: string): string | undefined {
  if (!text.isWellFormed()) return undefined;
  const prepared = text.replace(BLANKS, " ").replace(UNSEEN, "").normalize("NFKC");
  return prepared === "" || REFUSED.test(prepared) ? undefined : prepared;
}

/** Why this may not be the password of this account from now on: a sentence for whoever wants it to be. */
export function faultOfNewPassword(text: string, account: string): string | undefined {
  const password = preparePassword(text);
  if (password === undefined && text !== "") return "a password cannot have control characters";
  if (password === undefined || [...password].length < PASSWORD_CHARACTERS_MIN)
    return `a password needs at least ${PASSWORD_CHARACTERS_MIN} characters`;
  if (encodeUtf8(password).length > PASSWORD_BYTES_MAX)
    return `a password can have ${PASSWORD_BYTES_MAX} bytes in UTF-8 at most`;
  if (foldNick(password) === foldNick(account)) return "the name of the account is no password";
  return undefined;
}
