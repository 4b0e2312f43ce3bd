import { CONFUSABLES } from "./confusableTable.ts";
import { decodeMapping, lazy } from "./decode.ts";
import { isAscii, toNfd, toNfkd } from "./normalization.ts";
import { kindOf } from "./properties.ts";

/** What `prototype` makes of ASCII, so that it needs no table where names are of nothing else. */
const ASCII_PROTOTYPES: Readonly<Record<string, string>> = {
  '"': "''",
  "%": "o/O",
  "0": "O",
  "1": "l",
  I: "l",
  "`": "'",
  m: "rn",
  "|": "l",
};

const confusables = lazy(() => decodeMapping(CONFUSABLES));

/**
 * What looks the same as it is written has the same prototype: `internalSkeleton` of UTS #39 (4), which takes apart
 * (NFD), leaves out what is not seen, and puts one character for all that look like it; beyond UTS #39 also for what it
 * is compatible with (NFKD), such as most of the fullwidth letters. Only to be compared: it is nothing to show, and
 * case and the direction of text are as they were.
 */
export function prototype(text: string): string {
  if (isAscii(text)) return text.replace(/["%01I`m|]/g, (character) => ASCII_PROTOTYPES[character]!);
  let shown = "";
  for (const character of toNfd(text)) {
    const codePoint = character.codePointAt(0)!;
    if (kindOf(codePoint) !== "refused") shown += lookalike(character);
  }
  return toNfd(shown);
}

/** One may lead to the other and back: `﹪` is `%`, which looks like `º/₀`, which is `o/0`. In these tables it ends. */
function lookalike(character: string): string {
  let text = confusables().get(character.codePointAt(0)!) ?? character;
  for (;;) {
    let next = "";
    for (const each of toNfkd(text)) next += confusables().get(each.codePointAt(0)!) ?? each;
    if (next === text) return text;
    text = next;
  }
}
