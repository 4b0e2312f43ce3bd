/*
 * A processor's memory as other processors see it (total store order, as on x86-64), to run the log's own code on.
 *
 * Each actor has a store buffer: its stores wait there, in order, and become visible to the others one by one, at any
 * later time. `set` is a plain store: the program goes on at once. `store` is a store with a fence, as V8 compiles
 * `Atomics.store`: the program goes on when the buffer is empty. A bell takes its turn in the same buffer.
 *
 * Every word has one writer. So what an actor loads of its own words follows from its own past, and what it loads of
 * others' words is all that it ever learns. A program is run again from its start with the loads it has made so far;
 * at the first one that is not known yet it is suspended.
 */
import { ArrayWords, type Words } from "../../src/log/index.ts";

/** One store, or (with a negative index) a bell. */
export interface Store {
  /** Of a word; of a payload byte, after those of all words; `bellIndex(actor)` for a bell. */
  readonly index: number;
  readonly value: number;
  /** The program goes on only when this store and all before it are visible. */
  readonly fence: boolean;
}

/** Where a program stands: it is about to do this. */
export type Pending =
  | { readonly kind: "load"; readonly index: number }
  | { readonly kind: "sleep" }
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: unknown };

/** How a broken machine differs from the real one. Each must make the explorer find a fault. */
export interface Mutation {
  /** `store` to this word is a plain store. */
  readonly unfenced?: (index: number) => boolean;
  /** `store` to this word becomes visible before the plain stores since the last `store`, as if they were swapped. */
  readonly early?: (index: number) => boolean;
}

/** There and back: the bell of an actor, and the actor of a bell. */
export function bellIndex(actor: number): number {
  return -1 - actor;
}

/** Thrown by the million, and never looked into: one is enough, and a stack for each would cost more than all else. */
class Suspension extends Error {
  pending: Pending = { kind: "done" };
}

const suspension = new Suspension("suspended");

/** What an actor's program runs on. Before `replay` it is ordinary memory, for what happened before we look. */
export class ModelWords implements Words {
  readonly bytes: Uint8Array;
  readonly stores: Store[] = [];
  readonly #real: ArrayWords;
  readonly #wordCount: number;
  readonly #isOwn: (index: number) => boolean;
  readonly #mutation: Mutation;
  readonly #held: Store[] = [];
  #history: readonly number[] | undefined;
  #at = 0;

  /** @param isOwn whether the actor is the one writer of a word */
  constructor(memory: ArrayBuffer, isOwn: (index: number) => boolean, mutation: Mutation) {
    this.#real = new ArrayWords(memory);
    this.#wordCount = memory.byteLength / 4;
    this.#isOwn = isOwn;
    this.#mutation = mutation;
    this.bytes = this.#modelBytes();
  }

  /** From now on loads of others' words come from `history`, and stores are recorded. */
  replay(history: readonly number[]): void {
    this.#history = history;
  }

  load(index: number): number {
    return this.get(index);
  }

  /** On this machine a plain load is as good as a fenced one: only stores wait. */
  get(index: number): number {
    return this.#history === undefined || this.#isOwn(index)
      ? this.#real.get(index)
      : this.#next({ kind: "load", index });
  }

  set(index: number, value: number): void {
    this.#real.set(index, value);
    this.#recordPlain({ index, value: value | 0, fence: false });
  }

  store(index: number, value: number): void {
    this.#real.set(index, value);
    const isEarly = this.#mutation.early?.(index) === true;
    const fence = !isEarly && this.#mutation.unfenced?.(index) !== true;
    if (!isEarly) this.#letGo();
    this.#record({ index, value: value | 0, fence });
    this.#letGo();
  }

  ring(actor: number): void {
    this.#letGo();
    this.#record({ index: bellIndex(actor), value: 1, fence: false });
  }

  sleep(): void {
    this.#letGo();
    this.#next({ kind: "sleep" });
  }

  #next(pending: Pending): number {
    const value = this.#history?.[this.#at];
    if (value === undefined) {
      suspension.pending = pending;
      throw suspension;
    }
    this.#at += 1;
    return value;
  }

  /** Stores that a later one may overtake are held back: what is in the buffer already may be visible. */
  #recordPlain(store: Store): void {
    if (this.#mutation.early === undefined || this.#history === undefined) this.#record(store);
    else this.#held.push(store);
  }

  #letGo(): void {
    for (const store of this.#held) this.#record(store);
    this.#held.length = 0;
  }

  #record(store: Store): void {
    if (this.#history !== undefined) this.stores.push(store);
  }

  /** Payload bytes go through the store buffer like words; their indexes follow those of the words. */
  #modelBytes(): Uint8Array {
    const real = this.#real.bytes;
    return new Proxy(real, {
      get: (target, key) => {
        const at = typeof key === "string" ? Number(key) : Number.NaN;
        if (!Number.isInteger(at)) return Reflect.get(target, key, target) as unknown;
        if (this.#history === undefined || this.#isOwn(at >> 2)) return target[at];
        return this.#next({ kind: "load", index: this.#wordCount + at });
      },
      set: (target, key, value: number) => {
        const at = Number(key);
        target[at] = value;
        this.#recordPlain({ index: this.#wordCount + at, value, fence: false });
        return true;
      },
    });
  }
}

/** Runs a program until it needs to know something new, sleeps, ends or fails. */
export function runUntilSuspended(program: () => void): Pending {
  try {
    program();
    return { kind: "done" };
  } catch (error) {
    return error === suspension ? suspension.pending : { kind: "failed", error };
  }
}
