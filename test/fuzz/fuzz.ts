/*
 * Many connections send a live server whatever comes to mind (grammar.ts, mutate.ts), while a few that behave must not
 * notice (witness.ts), and the server must come to no harm (serverWatch.ts).
 */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "../../src/base/index.ts";
import { until } from "../support/server.ts";
import { Attack, type AttackPlan, planAttack } from "./attack.ts";
import { describeBytes } from "./describeBytes.ts";
import { ServerWatch } from "./serverWatch.ts";
import { shrink } from "./shrink.ts";
import { type WitnessKind, Witnesses } from "./witness.ts";

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /**
   * Only these connections of the seed's, each once, instead of as many as the time allows. They stay, so that the
   * server reads whatever they have sent.
   */
  readonly only?: readonly number[];
  /** Connections that attack at a time. */
  readonly together?: number;
  /** Of the server. */
  readonly flags?: readonly string[];
  readonly witnesses?: readonly WitnessKind[];
}

export interface FuzzResult {
  readonly connections: number;
  readonly sentBytes: number;
  /** Lines of witnesses, each of which all others have heard. */
  readonly witnessed: number;
  /** Connections that were still there at the end, and have answered. */
  readonly answered: number;
  /** The most that any process of the server had for itself. */
  readonly memoryBytesMax: number;
}

const TOGETHER = 32;
/** Whoever stays does so until so many others have come. */
const STAYING_MAX = 24;
const EXAMINE_MS = 1500;
/** What was sent this long before a failure may be the reason for it. */
const SUSPECT_MS = 1500;
const SUSPECTS_SHOWN = 5;
const SUSPECTS_TRIED = 12;

/**
 * No budget for lines, so that everything that is sent is looked at, and at once. Few processes, so that those who
 * attack and those who do not share them, and nobody waits for a new one to start.
 */
const FLAGS = ["--flood-lines", "0", "--max-processes", "4"];

/** @throws AssertionError with what is needed to see it again */
export async function runFuzz(options: FuzzOptions): Promise<FuzzResult> {
  await using watch = await ServerWatch.start(options.flags ?? FLAGS);
  const run = new Run(watch, options);
  try {
    return await run.run();
  } catch (error) {
    const suspects = run.suspects();
    run[Symbol.dispose]();
    const harm = harmOf(watch) ?? (error as Error);
    throw new assert.AssertionError({ message: await describeFailure(harm, suspects, options) });
  } finally {
    run[Symbol.dispose]();
  }
}

/** What is known to be wrong with the server, where it is more than that a client could not connect. */
function harmOf(watch: ServerWatch): Error | undefined {
  try {
    watch.check();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

class Run implements Disposable {
  readonly #watch: ServerWatch;
  readonly #options: FuzzOptions;
  readonly #endsMs: number;
  #next = 0;
  #sentBytes = 0;
  #isOver = false;
  /** Those that are there, and those that were a moment ago. */
  readonly #recent = new Set<Attack>();
  readonly #staying: Attack[] = [];

  constructor(watch: ServerWatch, options: FuzzOptions) {
    this.#watch = watch;
    this.#options = options;
    this.#endsMs = performance.now() + options.seconds * 1000;
  }

  async run(): Promise<FuzzResult> {
    using witnesses = await Witnesses.enter(this.#options.witnesses ?? ["plain", "irc"], this.#watch.port);
    const attackers = Array.from({ length: this.#options.together ?? TOGETHER }, () => this.#attackOn());
    await Promise.all([
      Promise.all(attackers).finally(() => (this.#isOver = true)),
      this.#examine(witnesses).catch((error: unknown) => {
        this.#isOver = true;
        throw error;
      }),
    ]);
    const answered = await this.#askStaying(witnesses);
    const witnessed = await witnesses.finish();
    await this.#watch.examine();
    return {
      connections: this.#next,
      sentBytes: this.#sentBytes,
      witnessed,
      answered,
      memoryBytesMax: this.#watch.memoryBytesMax,
    };
  }

  /** The last ones that have sent anything, the latest first. */
  suspects(): AttackPlan[] {
    const sinceMs = performance.now() - SUSPECT_MS;
    return [...this.#recent]
      .filter(({ lastSentMs }) => lastSentMs >= sinceMs)
      .toSorted((a, b) => b.lastSentMs - a.lastSentMs)
      .map(({ plan }) => plan);
  }

  /** One after the other, until the time is over. */
  async #attackOn(): Promise<void> {
    for (;;) {
      const index = this.#nextIndex();
      if (index === undefined || this.#isOver) return;
      const planned = planAttack(this.#options.seed, index);
      const plan = this.#options.only === undefined ? planned : { ...planned, ending: "stay" as const };
      const attack = await Attack.connect(this.#watch.port, plan);
      this.#recent.add(attack);
      await attack.run(seededRandom(index));
      this.#sentBytes += plan.pieces.reduce((sum, { length }) => sum + length, 0);
      if (plan.ending === "stay") this.#staying.push(attack);
      while (this.#staying.length > STAYING_MAX) this.#staying.shift()![Symbol.dispose]();
      this.#forget();
    }
  }

  #nextIndex(): number | undefined {
    const { only } = this.#options;
    if (only === undefined && performance.now() >= this.#endsMs) return undefined;
    const index = only === undefined ? this.#next : only[this.#next];
    if (index !== undefined) this.#next += 1;
    return index;
  }

  #forget(): void {
    const beforeMs = performance.now() - SUSPECT_MS;
    for (const attack of this.#recent)
      if (attack.lastSentMs < beforeMs && !this.#staying.includes(attack)) this.#recent.delete(attack);
  }

  async #examine(witnesses: Witnesses): Promise<void> {
    for (let nextMs = 0; !this.#isOver;) {
      this.#watch.check();
      witnesses.check();
      if (performance.now() > nextMs) {
        await this.#watch.examine();
        nextMs = performance.now() + EXAMINE_MS;
      }
      await sleep(20);
    }
  }

  /** Each that is still connected, and listens, has to be answered in its own protocol, or to be closed. */
  async #askStaying(witnesses: Witnesses): Promise<number> {
    const asked = this.#staying.filter(({ plan, isOver }) => plan.reads && !isOver);
    for (const attack of asked) {
      // Ends whatever line it is in. As IRC, whether registered or not, and as plain text there is an answer to it.
      attack.send("\r\nPING are-you-there\r\n/are-you-there\r\n");
    }
    let open = asked;
    try {
      await until("what is left of the attack to be answered or closed", () => {
        this.#watch.check();
        witnesses.check();
        open = open.filter(({ isOver, tail }) => !isOver && !/are-you-there| 451 /.test(tail));
        return open.length === 0;
      });
    } catch (error) {
      for (const attack of this.#recent) if (!open.includes(attack)) this.#recent.delete(attack);
      const tails = open.map(
        ({ plan, tail }) => `connection ${plan.index} received last ${JSON.stringify(tail.slice(-300))}`,
      );
      throw new Error([(error as Error).message, ...tails].join("\n"), { cause: error });
    }
    return asked.length;
  }

  [Symbol.dispose](): void {
    for (const attack of this.#recent) attack[Symbol.dispose]();
  }
}

/** With the smallest that does the same harm alone, where one connection does. */
async function describeFailure(
  { message }: Error,
  suspects: readonly AttackPlan[],
  { seed, seconds, flags = FLAGS }: FuzzOptions,
): Promise<string> {
  const culprit = await shrink(suspects.slice(0, SUSPECTS_TRIED), flags);
  if (culprit !== undefined) {
    return [
      message,
      `${title(culprit.plan)} does harm alone, with no more than ${describeBytes(culprit.bytes)}`,
      `again: npm run test:fuzz -- --seed ${seed} --only ${culprit.plan.index}`,
    ].join("\n");
  }
  const described = suspects
    .slice(0, SUSPECTS_SHOWN)
    .map((plan) => `${title(plan)} ${describeBytes(Buffer.concat(plan.pieces))}`);
  return [
    message,
    `no connection does it alone; ${suspects.length} were busy, the latest first:`,
    ...described,
    `again: npm run test:fuzz -- --seed ${seed} --seconds ${seconds}`,
  ].join("\n");
}

function title({ index, reads, ending }: AttackPlan): string {
  return `connection ${index} (${reads ? "reads" : "reads nothing"}, ${ending})`;
}
