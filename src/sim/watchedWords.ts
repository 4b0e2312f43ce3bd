import { ArrayWords, type Words } from "../log/index.ts";

/** Thrown where a process ends in the middle of its code. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** How long a process still has to live. */
export class Lifetime {
  /** So many accesses to shared memory. */
  accesses: number = Number.POSITIVE_INFINITY;

  spend(): void {
    if (this.accesses <= 0) throw new Killed("between two accesses to the memory");
    this.accesses -= 1;
  }
}

/** One process's view of some shared memory, which can end it between any two accesses. */
export class WatchedWords implements Words {
  readonly bytes: Uint8Array;
  readonly life: Lifetime;
  readonly #words: ArrayWords;

  constructor(memory: ArrayBuffer, life: Lifetime = new Lifetime()) {
    this.#words = new ArrayWords(memory);
    this.bytes = this.#words.bytes;
    this.life = life;
  }

  load(index: number): number {
    this.life.spend();
    return this.#words.load(index);
  }

  store(index: number, value: number): void {
    this.life.spend();
    this.#words.store(index, value);
  }

  get(index: number): number {
    this.life.spend();
    return this.#words.get(index);
  }

  set(index: number, value: number): void {
    this.life.spend();
    this.#words.set(index, value);
  }
}
