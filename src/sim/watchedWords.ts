import { ArrayWords, type Words } from "../log/index.ts";

/** Thrown where a process ends in the middle of its code. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** One process's view of the shared memory, which can end it between any two accesses. */
export class WatchedWords implements Words {
  readonly bytes: Uint8Array;
  /** How many accesses it still has to live. */
  livesFor: number = Number.POSITIVE_INFINITY;
  readonly #words: ArrayWords;

  constructor(memory: ArrayBuffer) {
    this.#words = new ArrayWords(memory);
    this.bytes = this.#words.bytes;
  }

  load(index: number): number {
    this.#touch();
    return this.#words.load(index);
  }

  store(index: number, value: number): void {
    this.#touch();
    this.#words.store(index, value);
  }

  get(index: number): number {
    this.#touch();
    return this.#words.get(index);
  }

  set(index: number, value: number): void {
    this.#touch();
    this.#words.set(index, value);
  }

  #touch(): void {
    if (this.livesFor <= 0) throw new Killed("between two accesses to the memory");
    this.livesFor -= 1;
  }
}
