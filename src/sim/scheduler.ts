import { type Random, assert } from "../base/index.ts";
import type { Timer } from "../server/index.ts";

/** Whatever can end: what it still had to do is not done any more. */
export interface Owner {
  readonly name: string;
  readonly isAlive: boolean;
}

interface Task {
  readonly dueMs: number;
  readonly run: () => void;
  isCancelled: boolean;
}

/** Things that happen one after the other: messages of one connection, turns of one process. */
export class Lane {
  readonly owner: Owner;
  readonly tasks: Task[] = [];

  constructor(owner: Owner) {
    this.owner = owner;
  }
}

/**
 * One thread in place of many processes. What is in one lane happens in its order; which lane comes next is chance,
 * and chance comes from a seed. Time passes only when nothing else can happen, or when chance wants it.
 */
export class Scheduler {
  readonly #random: Random;
  readonly #lanes = new Set<Lane>();
  readonly #timers = new Set<{ owner: Owner; task: Task }>();
  readonly #onThrow: (owner: Owner, error: unknown) => void;
  #nowMs: number;

  /** @param onThrow told what a task threw, for its owner to bear */
  constructor(random: Random, startMs: number, onThrow: (owner: Owner, error: unknown) => void) {
    this.#random = random;
    this.#nowMs = startMs;
    this.#onThrow = onThrow;
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Behind what waits in the lane already, and not before `delayMs` have passed. */
  post(lane: Lane, run: () => void, delayMs = 0): void {
    this.#lanes.add(lane);
    lane.tasks.push({ dueMs: this.#nowMs + delayMs, run, isCancelled: false });
  }

  setTimer(owner: Owner, delayMs: number, run: () => void): Timer {
    const timer = { owner, task: { dueMs: this.#nowMs + delayMs, run, isCancelled: false } };
    this.#timers.add(timer);
    return {
      cancel: () => {
        timer.task.isCancelled = true;
        this.#timers.delete(timer);
      },
    };
  }

  /** Lets one thing happen. False where nothing is left that could. */
  step(): boolean {
    const ready: (() => void)[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const lane of this.#lanes) {
      const [first] = lane.tasks;
      if (first === undefined || !lane.owner.isAlive) {
        this.#lanes.delete(lane);
        lane.tasks.length = 0;
      } else if (first.dueMs <= this.#nowMs) {
        ready.push(() => {
          lane.tasks.shift();
          this.#run(lane.owner, first);
        });
      } else nextMs = Math.min(nextMs, first.dueMs);
    }
    for (const timer of this.#timers) {
      if (!timer.owner.isAlive) this.#timers.delete(timer);
      else if (timer.task.dueMs <= this.#nowMs) {
        ready.push(() => {
          this.#timers.delete(timer);
          this.#run(timer.owner, timer.task);
        });
      } else nextMs = Math.min(nextMs, timer.task.dueMs);
    }
    if (ready.length === 0) {
      if (nextMs === Number.POSITIVE_INFINITY) return false;
      this.#nowMs = nextMs;
      return true;
    }
    if (this.#random.between(1, TIME_PASSES_ONE_IN) === 1) this.#nowMs += 1;
    ready[this.#random.between(0, ready.length - 1)]!();
    return true;
  }

  /** Until `condition` holds. @throws AssertionError after `limitMs` of pretended time, or when nothing can happen */
  runUntil(what: string, condition: () => boolean, limitMs: number): void {
    const deadlineMs = this.#nowMs + limitMs;
    while (!condition()) {
      assert(this.#nowMs <= deadlineMs, `after ${limitMs} ms still waiting for: ${what}`);
      const happened = this.step();
      assert(happened, `nothing can happen any more, and still waiting for: ${what}`);
    }
  }

  #run(owner: Owner, task: Task): void {
    if (task.isCancelled) return;
    try {
      task.run();
    } catch (error) {
      this.#onThrow(owner, error);
    }
  }
}

/** How often time passes while there is something to do. */
const TIME_PASSES_ONE_IN = 20;
