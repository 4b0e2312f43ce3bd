import { utf8Length } from "../../base/index.ts";

/** The words with blanks between them, in as many lines as are needed; at least one. */
export function foldWords(words: readonly string[], bytesMax: number, wordsMax: number): string[] {
  const folded: string[] = [];
  let line: string[] = [];
  let bytes = 0;
  for (const word of words) {
    const wordBytes = utf8Length(word);
    if (line.length > 0 && (line.length === wordsMax || bytes + 1 + wordBytes > bytesMax)) {
      folded.push(line.join(" "));
      [line, bytes] = [[], 0];
    }
    bytes += wordBytes + (line.length > 0 ? 1 : 0);
    line.push(word);
  }
  return [...folded, line.join(" ")];
}
