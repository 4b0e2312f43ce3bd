/*
 * A conversation that nobody had: the same entries for the same seed. Words follow Zipf's law, and so do rooms and
 * people: a few have most of it. Half of the English messages have "the" in them.
 */
import { type Random, seededRandom } from "../../src/base/index.ts";
import { FIRST_SEQUENCE } from "../../src/history/index.ts";
import type { Entry } from "../../src/chat/index.ts";

export const ROOMS = 200;
const PEOPLE = 2000;
const VOCABULARY = 50_000;
const STEP_MS = 700;
const START_MS = Date.UTC(2026, 0, 1);

/** Languages with their shares; the first of each pair is the lowest number that falls to it. */
interface Language {
  readonly share: number;
  readonly words: readonly string[];
  readonly between: string;
}

export class Conversation {
  readonly #random: Random;
  readonly #languages: readonly Language[];
  readonly #nicks: readonly string[];
  #next = FIRST_SEQUENCE;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    const latin = this.#vocabulary("bcdfghjklmnprstvwz", "aeiou", 2, 4);
    this.#languages = [
      { share: 0.6, words: latin, between: " " },
      { share: 0.12, words: this.#vocabulary("bdfgklmnprstwzß", "aeiouäöü", 2, 4), between: " " },
      { share: 0.08, words: this.#vocabulary("бвгдклмнпрст", "аеиоуяёй", 2, 4), between: " " },
      { share: 0.12, words: this.#characters(0x4e00, 3000), between: "" },
      { share: 0.04, words: this.#characters(0x3041, 86), between: "" },
      { share: 0.04, words: this.#characters(0xac00, 1000, 2), between: " " },
    ];
    this.#nicks = Array.from({ length: PEOPLE }, (_, index) => `${latin[index + 100]!.slice(0, 8)}${index}`);
  }

  get next(): number {
    return this.#next;
  }

  timeMsOf(sequence: number): number {
    return START_MS + (sequence - FIRST_SEQUENCE) * STEP_MS;
  }

  entries(count: number): Entry[] {
    return Array.from({ length: count }, () => this.#entry());
  }

  #entry(): Entry {
    const sequence = this.#next;
    this.#next += 1;
    const person = this.#zipf(PEOPLE);
    const nick = this.#nicks[person]!;
    return {
      sequence,
      timeMs: this.timeMsOf(sequence),
      kind: this.#random.next() < 0.02 ? "act" : "say",
      rooms: [1 + this.#zipf(ROOMS)],
      session: 1 + person,
      nick,
      displayName: person % 10 === 0 ? `${nick} 小明` : nick,
      text: this.#text(),
      tags: "",
      account: "",
      address: "",
    };
  }

  #text(): string {
    let choice = this.#random.next();
    let language = this.#languages[0]!;
    for (const each of this.#languages) {
      language = each;
      if (choice < each.share) break;
      choice -= each.share;
    }
    const words = Array.from(
      { length: this.#random.between(3, 15) },
      () => language.words[this.#zipf(language.words.length)]!,
    );
    if (language === this.#languages[0] && this.#random.next() < 0.8)
      words[this.#random.between(0, words.length - 1)] = "the";
    return words.join(language.between);
  }

  /** A word of the first language by its place in the order of frequency. */
  word(rank: number): string {
    return this.#languages[0]!.words[rank]!;
  }

  nick(rank: number): string {
    return this.#nicks[rank]!;
  }

  /** Two characters of the language without blanks, from their places in the order of frequency. */
  pair(first: number, second: number): string {
    const { words } = this.#languages[3]!;
    return `${words[first]!}${words[second]!}`;
  }

  /** 0 comes twice as often as 1, three times as often as 2: roughly, and cheaply. */
  #zipf(count: number): number {
    return Math.floor(Math.exp(this.#random.next() * Math.log(count + 1))) - 1;
  }

  #vocabulary(consonants: string, vowels: string, least: number, most: number): string[] {
    const words = new Set<string>();
    const pick = (letters: string): string => letters[this.#random.between(0, letters.length - 1)]!;
    while (words.size < VOCABULARY) {
      const syllables = this.#random.between(least, most);
      words.add(Array.from({ length: syllables }, () => pick(consonants) + pick(vowels)).join(""));
    }
    return Array.from(words);
  }

  #characters(first: number, count: number, together: number = 1): string[] {
    return Array.from({ length: count }, (_, index) =>
      Array.from({ length: together }, (_, at) =>
        String.fromCodePoint(first + ((index * (at === 0 ? 7 : 13)) % count)),
      ).join(""),
    );
  }
}
