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
 * index and comparison cannot disagree.
 */
import { foldName } from "../chat/index.ts";

/** A piece of text to look for: words in a row. */
export interface Term {
  readonly words: readonly string[];
  /** A character of a script without blanks that follows the words, perhaps with more of its run behind it. */
  readonly lastCharacter: string | undefined;
}

/** What is unlike for the eye or the keyboard alone becomes alike. Letters with and without accents are alike, too. */
export function foldText(text: string): string {
  if (!NOT_ASCII.test(text)) return text.toLowerCase();
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
const NOT_A_WORD_ASCII = /[^a-z0-9]+/g;

const LETTERS = String.raw`[\p{L}\p{N}\p{M}]`;
const UNSPACED = String.raw`[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]`;
/** A run without blanks (the first group), a word, an emoji, or a flag. */
const RUN = new RegExp(
  String.raw`([${UNSPACED}&&${LETTERS}]+)|[${LETTERS}--${UNSPACED}]+|\p{Extended_Pictographic}|\p{RI}{2}`,
  "gv",
);

/** The words of a text in their order, pairs and last characters among them. */
export function wordsOf(text: string): string[] {
  return cut(foldText(text)).words;
}

/** What stands in the index for a text: its words, and after them the characters of runs without blanks. */
export function indexedWords(text: string): string {
  if (!NOT_ASCII.test(text)) return text.toLowerCase().replace(NOT_A_WORD_ASCII, " ");
  const { words, characters } = cut(foldText(text));
  for (const character of characters) words.push(characterTag(character));
  return words.join(" ");
}

function cut(folded: string): { words: string[]; characters: Set<string> } {
  const words: string[] = [];
  const characters = new Set<string>();
  for (const [run, unspaced] of folded.matchAll(RUN)) {
    if (unspaced === undefined) {
      words.push(run);
      continue;
    }
    const inRun = Array.from(unspaced);
    for (const [index, character] of inRun.entries()) {
      words.push(character + (inRun[index + 1] ?? ""));
      characters.add(character);
    }
  }
  return { words, characters };
}

/** Undefined where the text has nothing that could be found. */
export function termOf(text: string): Term | undefined {
  const folded = foldText(text);
  const { words } = cut(folded);
  const last = words.at(-1);
  if (last === undefined) return undefined;
  const endsUnspaced = Array.from(folded.matchAll(RUN)).at(-1)![1];
  if (endsUnspaced === undefined) return { words, lastCharacter: undefined };
  words.pop();
  // The last character is the second half of the pair before it, if its run has one.
  return { words, lastCharacter: Array.from(endsUnspaced).length === 1 ? last : undefined };
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
  return foldText(foldName(name));
}

/** A message or whisper of somebody of this name, nick or display name. */
export function authorTag(key: string): string {
  return `@${key.replace(NOT_IN_A_TAG, (character) => `@${character.codePointAt(0)!.toString(16)}@`)}`;
}

const NOT_IN_A_TAG = /[^\p{L}\p{N}\p{M}]/gu;
