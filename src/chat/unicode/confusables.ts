import { CONFUSABLES } from "./confusableTable.ts";
import { decodeMapping, lazy } from "./decode.ts";
import { toNfd, toNfkd } from "./normalization.ts";
import { kindOf } from "./properties.ts";

const confusables = lazy(() => decodeMapping(CONFUSABLES));

/**
 * What looks the same as it is written has the same prototype: `internalSkeleton` of UTS #39 (4), which takes apart
 * (NFD), leaves out what is not seen, and puts one character for all that look like it; beyond UTS #39 also for what it
 * is compatible with (NFKD), such as most of the fullwidth letters. Only to be compared: it is nothing to show, and
 * case and the direction of text are as they were.
 */
export function prototype(text: string): string {
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
