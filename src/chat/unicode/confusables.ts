import { CONFUSABLES } from "./confusableTable.ts";
import { decodeMapping, lazy } from "./decode.ts";
import { toNfd } from "./normalization.ts";
import { kindOf } from "./properties.ts";

const confusables = lazy(() => decodeMapping(CONFUSABLES));

/**
 * What looks the same as it is written has the same prototype: `internalSkeleton` of UTS #39 (4), which takes apart
 * (NFD), leaves out what is not seen, and puts one character for all that look like it. Only to be compared: it is
 * nothing to show, and case and the direction of text are as they were.
 */
export function prototype(text: string): string {
  let shown = "";
  for (const character of toNfd(text)) {
    const codePoint = character.codePointAt(0)!;
    if (kindOf(codePoint) !== "refused") shown += confusables().get(codePoint) ?? character;
  }
  return toNfd(shown);
}
