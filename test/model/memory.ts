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
  /** Word index; `bellIndex(actor)` for a bell. */
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
  /** `store` to this word becomes visible before the plain stores since the last fence. */
  readonly early?: (index: number) => boolean;
}

export function bellIndex(actor: number): number {
  return -1 - actor;
}

class Suspended extends Error {
  readonly pending: Pending;

  constructor(pending: Pending) {
    super("suspended");
    this.pending = pending;
  }
}

/** What an actor's program runs on. Before `replay` it is ordinary memory, for what happened before we look. */
export class ModelWords implements Words {
  readonly bytes: Uint8Array;
  readonly stores: Store[] = [];
  readonly #real: ArrayWords;
  readonly #wordCount: number;
  readonly #isOwn: (index: number) => boolean;
  readonly #mutation: Mutation;
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
    this.#record({ index, value, fence: false });
  }

  store(index: number, value: number): void {
    this.#real.set(index, value);
    const entry = { index, value: value | 0, fence: this.#mutation.unfenced?.(index) !== true };
    if (this.#history !== undefined && this.#mutation.early?.(index) === true) {
      const fence = this.stores.findLastIndex((store) => store.fence);
      this.stores.splice(fence + 1, 0, { ...entry, fence: false });
    } else {
      this.#record(entry);
    }
  }

  ring(actor: number): void {
    this.#record({ index: bellIndex(actor), value: 1, fence: false });
  }

  sleep(): void {
    this.#next({ kind: "sleep" });
  }

  #next(pending: Pending): number {
    const value = this.#history?.[this.#at];
    if (value === undefined) throw new Suspended(pending);
    this.#at += 1;
    return value;
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
        this.#record({ index: this.#wordCount + at, value, fence: false });
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
    return error instanceof Suspended ? error.pending : { kind: "failed", error };
  }
}
