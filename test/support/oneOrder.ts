/*
 * What many people hear who all listen to the same conversation: everybody hears everything but their own lines, each
 * line once, whole, and in the one order that all have in common.
 */
import assert from "node:assert/strict";

/** What talkers say besides their number: short and long, of one to four bytes a character. */
const WORDS: readonly string[] = [
  "hi",
  "漢字 and ελληνικά",
  "👋🏽 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🙂",
  "plain words that anybody could have typed",
  "ü".repeat(70),
  "-- not from the server <nobody> * neither",
];

/** What a talker's line of this number is: whoever knows both knows every byte of it. */
export function numberedLine(name: string, number: number): string {
  return `${name}.${number} ${WORDS[number % WORDS.length]!}`;
}

interface Heard {
  readonly speaker: string;
  readonly line: string;
}

/** One who listens. */
interface Listener {
  readonly name: string;
  /** Up to where in the order it has heard all but its own lines. */
  place: number;
  /** What it heard before anybody who hears more had heard it. */
  readonly ahead: string[];
}

/**
 * The order, found out while it is heard: who hears everything, and is the first to hear a line, says what comes next;
 * all others have to hear the same. Only what somebody has still to hear is kept.
 */
export class OneOrder {
  readonly #listeners: Listener[] = [];
  readonly #isTalker: ReadonlySet<string>;
  /** Of each talker, the number of its last line in the order. */
  readonly #last = new Map<string, number>();
  #order: Heard[] = [];
  /** The place of the first of them. */
  #from = 0;

  /** @param talkers the names of those who say numbered lines */
  constructor(talkers: Iterable<string>) {
    this.#isTalker = new Set(talkers);
  }

  /** One more who listens, from the beginning. @returns what to call it in the other methods */
  join(name: string): number {
    return this.#listeners.push({ name, place: 0, ahead: [] }) - 1;
  }

  /**
   * Somebody heard a line, the end of line left out.
   * @throws AssertionError where that is not what comes next
   */
  hear(index: number, line: string): void {
    const listener = this.#listeners[index]!;
    this.#catchUp(listener);
    if (listener.ahead.length > 0 || !this.#hearNext(listener, line)) listener.ahead.push(line);
  }

  /** The number of a talker's last line that has its place in the order; 0: none has. */
  lastOf(talker: string): number {
    return this.#last.get(talker) ?? 0;
  }

  /** How many lines are in the order. */
  get lines(): number {
    return this.#from + this.#order.length;
  }

  /** Up to where in the order everybody has heard everything. */
  get everywhere(): number {
    for (const listener of this.#listeners) this.#catchUp(listener);
    return Math.min(...this.#listeners.map(({ place }) => place));
  }

  /** Whether there is something that it has still to hear. */
  isBehind(index: number): boolean {
    return this.#listeners[index]!.place < this.lines;
  }

  /** Forgets what everybody has heard. */
  trim(): void {
    const { everywhere } = this;
    this.#order = this.#order.slice(everywhere - this.#from);
    this.#from = everywhere;
  }

  /** What comes next for one who listens, and what it has heard that nobody expected yet: for a report. */
  describe(index: number): string {
    const { name, place, ahead } = this.#listeners[index]!;
    const at = place - this.#from;
    const around = this.#order.slice(Math.max(0, at - 3), at + 4).map(({ line }, offset) => {
      const isNext = Math.max(0, at - 3) + offset === at;
      return `${isNext ? "next" : "    "} ${JSON.stringify(line)}`;
    });
    return [
      `${name} is at ${place} of ${this.lines}`,
      ...around,
      ...(ahead.length === 0 ? [] : [`it is ahead by ${ahead.length}: ${JSON.stringify(ahead.slice(0, 4))}`]),
    ].join("\n");
  }

  #catchUp(listener: Listener): void {
    let heard = 0;
    while (heard < listener.ahead.length && this.#hearNext(listener, listener.ahead[heard]!)) heard += 1;
    listener.ahead.splice(0, heard);
    this.#skipOwn(listener);
  }

  /** False where it depends on others: they have to hear something first. */
  #hearNext(listener: Listener, line: string): boolean {
    this.#skipOwn(listener);
    const next = this.#order[listener.place - this.#from];
    if (next === undefined) {
      // Between the lines that a talker hears there may be its own.
      if (this.#isTalker.has(listener.name)) return false;
      this.#extend(line);
    } else assert.equal(line, next.line, `${listener.name} heard another line than the others`);
    listener.place += 1;
    return true;
  }

  #skipOwn(listener: Listener): void {
    while (this.#order[listener.place - this.#from]?.speaker === listener.name) listener.place += 1;
  }

  #extend(line: string): void {
    const speaker = /^<([^ >]+)> /.exec(line)?.[1] ?? "";
    assert.ok(this.#isTalker.has(speaker), `nobody can have said ${JSON.stringify(line)}`);
    const number = (this.#last.get(speaker) ?? 0) + 1;
    assert.equal(line, `<${speaker}> ${numberedLine(speaker, number)}`, `not the next line of ${speaker}`);
    this.#last.set(speaker, number);
    this.#order.push({ speaker, line });
  }
}
