/*
 * How text becomes the words by which it is found, and what it means that a word is in a text.
 *
 * Text is folded first (foldText). Words are then runs of letters, digits and marks; an emoji is a word of its own.
 * Scripts that write without blanks (Han, Kana, Hangul, Thai, Lao, Khmer, Myanmar) are cut into overlapping pairs of
 * characters, and the last character alone, so that any piece of a run is found as pairs in a row:
 *
 *      用Docker部署    ->   用  docker  部署  署          and the characters    =用 =部 =署
 *
 * What is looked for is cut likewise, but without the last character where nothing follows it: 部署 is the pair 部署
 * wherever it stands. A single character is looked for among the characters. Where one ends a longer piece (用Docker
 * followed by 部), the index can only say that both are there, and `isIn` decides by the text.
 *
 * SQLite's own tokenizer has nothing left to do but to split at blanks: cutting and comparing are done here alone, so
 * index and comparison cannot disagree. ASCII alone it folds and cuts in the same way, and is left to do it.
 */
import { foldNick } from "../chat/index.ts";

/** A piece of text to look for: words in a row. */
export interface Term {
  readonly words: readonly string[];
  /** A character of a script without blanks that follows the words, perhaps with more of its run behind it. */
  readonly lastCharacter: string | undefined;
}

/** What is unlike for the eye or the keyboard alone becomes alike. Letters with and without accents are alike, too. */
export function foldText(text: string): string {
  if (!NOT_ASCII.test(text)) return text.toLowerCase();
  return NOT_SIMPLE.test(text) ? foldAny(text) : foldSimple(text);
}

function foldSimple(text: string): string {
  return text.replace(FOLDING, foldCharacter);
}

/** By Unicode's rules: compatible forms, case both ways (ẞ, ß and ss are one), accents off, the rest put together. */
function foldAny(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize("NFD")
    .replace(LEFT_OUT, "")
    .replaceAll("ς", "σ")
    .normalize("NFC");
}

const NOT_ASCII = /\P{ASCII}/u;
/** Accents, and what cannot be seen at all. The marks of Indic scripts, Thai and so on make other words and stay. */
const LEFT_OUT = /[\u0300-\u036f\p{Default_Ignorable_Code_Point}]/gu;

/*
 * Most texts are of characters that never act upon each other: ASCII, accented Latin letters but İ and ŉ, Russian,
 * Kana, Han, Hangul. Those are folded one by one, in a fifth of the time.
 */
const SIMPLE_RANGES: readonly string[] = [
  String.raw`\0-\u007f\u00c0-\u012f\u0131-\u0148\u014a-\u017f`,
  String.raw`\u0401\u0410-\u044f\u0451`,
  String.raw`\u3001\u3002\u3041-\u3096\u30a1-\u30fa\u30fc`,
  String.raw`\u4e00-\u9fff\uac00-\ud7a3`,
];
const NOT_SIMPLE = new RegExp(`[^${SIMPLE_RANGES.join("")}]`);
/** Those of them that may become others: capitals and accented letters. */
const FOLDING = /[A-Z\u00c0-\u017f\u0401\u0410-\u042f\u0439\u0451]/g;
const foldedCharacters = new Map<string, string>();

function foldCharacter(character: string): string {
  let folded = foldedCharacters.get(character);
  if (folded === undefined) {
    folded = foldAny(character);
    foldedCharacters.set(character, folded);
  }
  return folded;
}

/** What begins a tag. */
const TAG_SIGN = /[#+~@=]/g;

const LETTERS = String.raw`[\p{L}\p{N}\p{M}]`;
const UNSPACED_SCRIPTS: readonly string[] = ["Han", "Hira", "Kana", "Hang", "Thai", "Laoo", "Khmr", "Mymr"];
const UNSPACED = `[${UNSPACED_SCRIPTS.map((script) => String.raw`\p{scx=${script}}`).join("")}]`;
/** A run without blanks, a word, an emoji, or a flag. */
const RUN = new RegExp(
  String.raw`[${UNSPACED}&&${LETTERS}]+|[${LETTERS}--${UNSPACED}]+|\p{Extended_Pictographic}|\p{RI}{2}`,
  "gv",
);
/** What it finds in simple texts, where nothing else is a letter, in half of the time. */
const SIMPLE_RUN = new RegExp(
  String.raw`[a-z0-9\u00df-\u00f6\u00f8-\u017f\u0430-\u044f\u0451]+|` +
    String.raw`[\u3041-\u3096\u30a1-\u30fa\u30fc\u4e00-\u9fff\uac00-\ud7a3]+`,
  "g",
);
const BEGINS_UNSPACED = new RegExp(String.raw`^[${UNSPACED}&&${LETTERS}]`, "v");
/** No character of a script without blanks is below, which spares most words the question. */
const UNSPACED_LEAST = 0x0e00;

function isUnspaced(run: string): boolean {
  return run.charCodeAt(0) >= UNSPACED_LEAST && BEGINS_UNSPACED.test(run);
}

/** The words of a text in their order, pairs and last characters among them. */
export function wordsOf(text: string): string[] {
  return cut(foldText(text).match(RUN)).words;
}

/** What stands in the index for a text: its words, and after them the characters of runs without blanks. */
export function indexedWords(text: string): string {
  if (!NOT_ASCII.test(text)) return text.replace(TAG_SIGN, " ");
  const runs = NOT_SIMPLE.test(text) ? foldAny(text).match(RUN) : foldSimple(text).match(SIMPLE_RUN);
  const { words, characters } = cut(runs);
  let index = words.join(" ");
  for (const character of characters) index += ` ${characterTag(character)}`;
  return index;
}

function cut(runs: readonly string[] | null): { words: string[]; characters: Set<string> } {
  const words: string[] = [];
  const characters = new Set<string>();
  for (const run of runs ?? []) {
    if (!isUnspaced(run)) {
      words.push(run);
      continue;
    }
    let previous = "";
    for (const character of run) {
      if (previous !== "") words.push(previous + character);
      characters.add(character);
      previous = character;
    }
    words.push(previous);
  }
  return { words, characters };
}

/** Undefined where the text has nothing that could be found. */
export function termOf(text: string): Term | undefined {
  const folded = foldText(text);
  const runs = folded.match(RUN);
  const lastRun = runs?.at(-1);
  if (lastRun === undefined) return undefined;
  const { words } = cut(runs);
  if (!isUnspaced(lastRun)) return { words, lastCharacter: undefined };
  const last = words.pop();
  // The last character is the second half of the pair before it, if its run has one.
  return { words, lastCharacter: last === lastRun ? last : undefined };
}

/** Whether the words of a text have the term in them. */
export function isIn(term: Term, words: readonly string[]): boolean {
  const { words: wanted, lastCharacter } = term;
  const length = wanted.length + (lastCharacter === undefined ? 0 : 1);
  for (let start = 0; start + length <= words.length; start += 1) {
    const isHere = wanted.every((word, index) => words[start + index] === word);
    if (isHere && (lastCharacter === undefined || words[start + wanted.length]!.startsWith(lastCharacter)))
      return true;
  }
  return false;
}

/*
 * The index holds, beside words, tags that no word can be: each begins with a character that is in no word.
 */

/** A message in a room. */
export function roomTag(room: number): string {
  return `#${room}`;
}

/** An event that was seen in a room. */
export function eventTag(room: number): string {
  return `+${room}`;
}

/** A whisper that a session has sent or got. */
export function whisperTag(session: number): string {
  return `~${session}`;
}

/** Where a text has this character of a script without blanks. */
export function characterTag(character: string): string {
  return `=${character}`;
}

/** What names that count as the same have in common. */
export function nameKey(name: string): string {
  return foldText(foldNick(name));
}

/** A message or whisper of somebody of this name, nick or display name. */
export function authorTag(key: string): string {
  return `@${key.replace(NOT_IN_A_TAG, (character) => `@${character.codePointAt(0)!.toString(16)}@`)}`;
}

const NOT_IN_A_TAG = /[^\p{L}\p{N}\p{M}]/gu;
