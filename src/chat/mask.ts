import { foldUnit } from "./names.ts";

const ANY = 0x2a;
const ONE = 0x3f;

/**
 * Whether the text is what the mask stands for: `*` is any text, `?` any one character; nicks that count as the same
 * do here. However many stars there are, no more than (length of the mask × length of the text) comparisons: only the
 * last star has to be tried again, because whatever an earlier one could take, the last one can.
 */
export function matchesMask(mask: string, text: string): boolean {
  let inMask = 0;
  let inText = 0;
  let afterStar = -1;
  let retryAt = 0;
  while (inText < text.length) {
    const wanted = mask.charCodeAt(inMask);
    if (wanted === ANY) {
      inMask += 1;
      afterStar = inMask;
      retryAt = inText;
    } else if (wanted === ONE) {
      inMask += 1;
      inText = nextCharacter(text, inText);
    } else if (foldUnit(wanted) === foldUnit(text.charCodeAt(inText))) {
      inMask += 1;
      inText += 1;
    } else {
      if (afterStar < 0) return false;
      retryAt = nextCharacter(text, retryAt);
      inMask = afterStar;
      inText = retryAt;
    }
  }
  while (mask.charCodeAt(inMask) === ANY) inMask += 1;
  return inMask === mask.length;
}

function nextCharacter(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? at + 2 : at + 1;
}

/**
 * The mask `nick!user@host` that a text means where parts are left out: "bob" is "bob!*@*", "*@host" is "*!*@host",
 * "a!b" is "a!b@*". No nick has a dot or a colon: "10.0.0.*" is "*!*@10.0.0.*". What has been made whole stays as it
 * is.
 */
export function normaliseMask(text: string): string {
  const word = text.replace(/ .*$/s, "").replace(/\*+/g, "*");
  const bang = word.indexOf("!");
  const nick = bang < 0 ? "" : word.slice(0, bang);
  const rest = bang < 0 ? word : word.slice(bang + 1);
  const at = rest.indexOf("@");
  if (at >= 0) return `${nick || "*"}!${rest.slice(0, at) || "*"}@${rest.slice(at + 1) || "*"}`;
  if (bang >= 0) return `${nick || "*"}!${rest || "*"}@*`;
  return /[.:]/.test(rest) ? `*!*@${rest}` : `${rest || "*"}!*@*`;
}
