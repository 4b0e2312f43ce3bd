import { assert } from "../base/index.ts";
import type { Connection } from "./connection.ts";

/** Why somebody is disconnected, as it is told. */
export type Farewell = "too slow" | "harmful" | "stopping";

const FAREWELLS: readonly (readonly [RegExp, Farewell])[] = [
  [/^-- you are too far behind and are disconnected$/, "too slow"],
  [/^-- the process that serves you ends whenever it handles what you sent;/, "harmful"],
  [/^-- the server is stopping/, "stopping"],
];
/** What answers a question names it: one that the process answers by itself, and one that is answered from the log. */
const ANSWER = /^-- there is no (?:command \/|room #)((?:zz|w)\d+\.\d+);/;
const REFUSAL = /^-- you are (?:muted in #|in no room; |banned from )/;

/** One connection of a person, and what came of what was asked there. */
export class Visit {
  readonly connection: Connection;
  /** How often each question was answered. */
  readonly #answers = new Map<string, number>();
  readonly #name: string;
  /** What it said, each with a mark. */
  readonly said: string[] = [];
  /** How often it was told that it may not speak, or is nowhere. */
  refusals = 0;
  farewell: Farewell | undefined;
  /** It sent what kills the process that handles it. */
  isPoisonous = false;
  /** It was told that answers may be missing. */
  hasGap = false;

  constructor(name: string, connection: Connection) {
    this.#name = name;
    this.connection = connection;
  }

  ask(question: string): void {
    this.#answers.set(question, 0);
  }

  /** A line that it was shown. */
  notice(line: string): void {
    for (const [pattern, farewell] of FAREWELLS) if (pattern.test(line)) this.farewell = farewell;
    if (line.startsWith("-- several processes died at once")) this.hasGap = true;
    if (REFUSAL.test(line)) this.refusals += 1;
    const question = ANSWER.exec(line)?.[1];
    if (question === undefined) return;
    const count = this.#answers.get(question);
    assert(count !== undefined, `${this.#name} is answered ${question}, which it has not asked`);
    assert(count === 0, `${this.#name} is answered ${question} once more`);
    this.#answers.set(question, 1);
  }

  /** It has lasted until everything had come to rest, and took all that there was. */
  checkAnswers(): void {
    assert(!this.isPoisonous, `${this.#name} said what kills processes, and is still there`);
    if (this.hasGap) return;
    for (const [question, count] of this.#answers)
      assert(count === 1, `${this.#name} was not answered ${question}`);
  }

  /** @param stored what is in the history */
  checkSaid(stored: { has(mark: string): boolean }): void {
    if (this.hasGap) return;
    const missing = this.said.filter((mark) => !stored.has(mark));
    const marks = missing.join(", ");
    assert(missing.length <= this.refusals, `${this.#name} said ${marks}, and it is nowhere`);
  }
}
