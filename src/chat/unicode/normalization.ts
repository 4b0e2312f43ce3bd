/*
 * The normalization forms of UAX #15 and the full case folding of the Unicode Standard (chapter 3.13), by tables: the
 * same in every process, whatever Unicode its Node knows.
 */
import { decodeMapping, lazy } from "./decode.ts";
import { CANONICAL_OTHERS, CANONICAL_PAIRS, CASE_FOLDING, COMPATIBILITY } from "./mappingTables.ts";
import { combiningRank } from "./properties.ts";

const canonicalPairs = lazy(() => decodeMapping(CANONICAL_PAIRS));
const canonicalOthers = lazy(() => decodeMapping(CANONICAL_OTHERS));
const compatibility = lazy(() => decodeMapping(COMPATIBILITY));
const caseFolding = lazy(() => decodeMapping(CASE_FOLDING));

const compositions = lazy((): ReadonlyMap<string, string> => {
  const wholes = new Map<string, string>();
  for (const [codePoint, pair] of canonicalPairs()) wholes.set(pair, String.fromCodePoint(codePoint));
  return wholes;
});

/** Hangul syllables are arithmetic: chapter 3.12. */
const SYLLABLE_FIRST = 0xac00;
const LEAD_FIRST = 0x1100;
const VOWEL_FIRST = 0x1161;
/** One less than the first: none at all is the first of 28. */
const TAIL_FIRST = 0x11a7;
const LEADS = 19;
const VOWELS = 21;
const TAILS = 28;
const SYLLABLES = LEADS * VOWELS * TAILS;

/** The decompositions of single code points. */
type Step = (codePoint: number, character: string) => string;

const ASCII = /^[\0-\x7f]*$/;

export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

export function toNfc(text: string): string {
  return isAscii(text) ? text : compose(decompose(text, canonical));
}

export function toNfd(text: string): string {
  return isAscii(text) ? text : decompose(text, canonical).join("");
}

export function toNfkc(text: string): string {
  return isAscii(text) ? text : compose(decompose(text, compatible));
}

export function toNfkd(text: string): string {
  return isAscii(text) ? text : decompose(text, compatible).join("");
}

/** Full case folding: `ß` becomes `ss`. What it gives may have to be composed again. */
export function foldCase(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = "";
  for (const character of text) folded += caseFolding().get(character.codePointAt(0)!) ?? character;
  return folded;
}

/** One spelling for what differs by case or compatibility alone: NFKC and full case folding, until nothing changes. */
export function foldCompatibly(text: string): string {
  return toNfkc(foldCase(toNfkc(foldCase(toNfd(text)))));
}

function canonical(codePoint: number, character: string): string {
  const syllable = codePoint - SYLLABLE_FIRST;
  if (syllable >= 0 && syllable < SYLLABLES) {
    const tail = syllable % TAILS;
    return String.fromCodePoint(
      LEAD_FIRST + Math.floor(syllable / (VOWELS * TAILS)),
      VOWEL_FIRST + (Math.floor(syllable / TAILS) % VOWELS),
      ...(tail === 0 ? [] : [TAIL_FIRST + tail]),
    );
  }
  let first = character;
  let rest = "";
  for (;;) {
    const pair = canonicalPairs().get(first.codePointAt(0)!);
    if (pair === undefined) break;
    first = String.fromCodePoint(pair.codePointAt(0)!);
    rest = pair.slice(first.length) + rest;
  }
  return (canonicalOthers().get(first.codePointAt(0)!) ?? first) + rest;
}

function compatible(codePoint: number, character: string): string {
  return compatibility().get(codePoint) ?? canonical(codePoint, character);
}

/** Characters, marks in their canonical order. */
function decompose(text: string, step: Step): string[] {
  const characters: string[] = [];
  const ranks: number[] = [];
  for (const whole of text) {
    for (const character of step(whole.codePointAt(0)!, whole)) {
      const rank = combiningRank(character.codePointAt(0)!);
      let place = characters.length;
      if (rank > 0) while (place > 0 && ranks[place - 1]! > rank) place -= 1;
      characters.splice(place, 0, character);
      ranks.splice(place, 0, rank);
    }
  }
  return characters;
}

/** Puts together what stands next to each other but for marks of a lower rank (UAX #15, definition 117). */
function compose(characters: readonly string[]): string {
  const composed: string[] = [];
  let starter = -1;
  let rankBefore = 0;
  for (const character of characters) {
    const rank = combiningRank(character.codePointAt(0)!);
    const isBlocked = starter < composed.length - 1 && rankBefore >= rank;
    const both = starter === -1 || isBlocked ? undefined : composePair(composed[starter]!, character);
    if (both !== undefined) {
      composed[starter] = both;
      continue;
    }
    if (rank === 0) starter = composed.length;
    rankBefore = rank;
    composed.push(character);
  }
  return composed.join("");
}

function composePair(first: string, second: string): string | undefined {
  const lead = first.codePointAt(0)! - LEAD_FIRST;
  const vowel = second.codePointAt(0)! - VOWEL_FIRST;
  if (lead >= 0 && lead < LEADS && vowel >= 0 && vowel < VOWELS)
    return String.fromCodePoint(SYLLABLE_FIRST + (lead * VOWELS + vowel) * TAILS);
  const syllable = first.codePointAt(0)! - SYLLABLE_FIRST;
  const tail = second.codePointAt(0)! - TAIL_FIRST;
  if (syllable >= 0 && syllable < SYLLABLES && syllable % TAILS === 0 && tail > 0 && tail < TAILS)
    return String.fromCodePoint(SYLLABLE_FIRST + syllable + tail);
  return compositions().get(first + second);
}
