/*
 * What may stand in a name that is shown to others: each character has to be seen, and to mean what it seems to.
 */
import { prototype } from "./unicode/confusables.ts";
import { isAscii, toNfkd } from "./unicode/normalization.ts";
import { isVirama, kindOf, scriptsOf } from "./unicode/properties.ts";

const NON_JOINER = 0x200c;
const JOINER = 0x200d;
const PICTURE_SELECTOR = 0xfe0f;
const FIRST_SKIN_TONE = 0x1f3fb;
const LAST_SKIN_TONE = 0x1f3ff;

/** Marks that stand above or below each other: UTS #39 (5.4) knows no use of more. */
const MARKS_IN_A_ROW_MAX = 4;

/** Scripts whose letters join, so that a non-joiner between two of them is seen. */
const CURSIVE = new Set([
  "Adlm",
  "Arab",
  "Chrs",
  "Mand",
  "Mani",
  "Mong",
  "Nkoo",
  "Ougr",
  "Phag",
  "Phlp",
  "Rohg",
  "Sogd",
  "Syrc",
]);

/** Japanese, Chinese and Korean are written with several scripts, and with Latin between them. */
const WRITTEN_TOGETHER: readonly ReadonlySet<string>[] = [
  new Set(["Latn", "Hani", "Hira", "Kana"]),
  new Set(["Latn", "Hani", "Bopo"]),
  new Set(["Latn", "Hani", "Hang"]),
];

/** Whether each character can be seen, or changes how its neighbours are seen, and none is piled up. */
export function hasMeaningOnly(characters: readonly string[]): boolean {
  const codePoints = characters.map((character) => character.codePointAt(0)!);
  let marks = 0;
  for (const [index, codePoint] of codePoints.entries()) {
    const kind = kindOf(codePoint);
    if (kind === "mark" || kind === "spacing mark") {
      if (index === 0 || kindOf(codePoints[index - 1]!) === "blank") return false;
    }
    marks = kind === "mark" ? marks + 1 : 0;
    if (marks > MARKS_IN_A_ROW_MAX || (marks > 1 && codePoint === codePoints[index - 1])) return false;
    if (codePoint === JOINER || codePoint === NON_JOINER) {
      if (!isJoinerOfUse(codePoints, index)) return false;
    } else if (codePoint === PICTURE_SELECTOR) {
      if (index === 0 || kindOf(codePoints[index - 1]!) !== "picture") return false;
    } else if (kind === "refused" || looksLikeAngle(characters[index]!)) return false;
  }
  return true;
}

/** Whether no word mixes scripts that are not written together. A word ends at a blank and at ASCII's punctuation. */
export function isOneScriptEachWord(characters: readonly string[]): boolean {
  let word: (readonly string[])[] = [];
  for (const character of characters) {
    const codePoint = character.codePointAt(0)!;
    const kind = kindOf(codePoint);
    if (kind === "blank" || (kind === "symbol" && isAscii(character))) {
      if (!isOneScript(word)) return false;
      word = [];
      continue;
    }
    const scripts = kind === "symbol" ? [] : scriptsOf(codePoint);
    // An accent goes with every script's letters, whichever it has been seen with so far.
    const isAccent = kind === "mark" && scripts.includes("Latn");
    if (scripts.length > 0 && !isAccent) word.push(scripts);
  }
  return isOneScript(word);
}

/** @param scripts for each letter those that it is used in */
function isOneScript(scripts: readonly (readonly string[])[]): boolean {
  const [first, ...others] = scripts;
  if (first === undefined || first.some((script) => others.every((each) => each.includes(script))))
    return true;
  return WRITTEN_TOGETHER.some((together) =>
    scripts.every((each) => each.some((script) => together.has(script))),
  );
}

/**
 * By UAX #31 (2.3): behind a virama both, between letters of a cursive script the non-joiner, and the joiner between
 * pictures. Which shapes a letter has is not looked at: behind one that never joins, a non-joiner passes unseen.
 */
function isJoinerOfUse(codePoints: readonly number[], index: number): boolean {
  const before = codePoints[index - 1];
  const after = codePoints[index + 1];
  if (before === undefined) return false;
  if (codePoints[index] === JOINER) {
    if (isVirama(before)) return true;
    let picture = index - 1;
    while (picture > 0 && isPartOfPicture(codePoints[picture]!)) picture -= 1;
    return after !== undefined && kindOf(codePoints[picture]!) === "picture" && kindOf(after) === "picture";
  }
  if (after === undefined || kindOf(after) !== "letter") return false;
  if (isVirama(before)) return true;
  const kindBefore = kindOf(before);
  if (kindBefore !== "letter" && kindBefore !== "mark") return false;
  const scriptsBefore = scriptsOf(before);
  return scriptsOf(after).some((script) => CURSIVE.has(script) && scriptsBefore.includes(script));
}

function isPartOfPicture(codePoint: number): boolean {
  return codePoint === PICTURE_SELECTOR || (codePoint >= FIRST_SKIN_TONE && codePoint <= LAST_SKIN_TONE);
}

function looksLikeAngle(character: string): boolean {
  return /[<>]/.test(toNfkd(character)) || /[<>]/.test(prototype(character));
}
