import { assert } from "../base/index.ts";

/**
 * Which ring positions the order ring's entries stand for, in runs of one writer: what must be known to reclaim,
 * without reading the order ring a second time. There are never more runs than entries.
 */
export class Runs {
  readonly #fields: Int32Array;
  readonly #mask: number;
  #first = 0;
  #last = 0;

  constructor(capacity: number) {
    this.#fields = new Int32Array(capacity * 3);
    this.#mask = capacity - 1;
  }

  get isEmpty(): boolean {
    return this.#first === this.#last;
  }

  /** The order position after the oldest run's last entry. */
  get end(): number {
    return this.#fields[(this.#first & this.#mask) * 3]!;
  }

  includes(process: number): boolean {
    for (let run = this.#first; run !== this.#last; run = (run + 1) | 0) {
      if (this.#fields[(run & this.#mask) * 3 + 1] === process) return true;
    }
    return false;
  }

  get process(): number {
    return this.#fields[(this.#first & this.#mask) * 3 + 1]!;
  }

  /** The ring position after the oldest run's last record. */
  get position(): number {
    return this.#fields[(this.#first & this.#mask) * 3 + 2]!;
  }

  push(end: number, process: number, position: number): void {
    assert(((this.#last - this.#first) | 0) <= this.#mask, "more runs than entries");
    const at = (this.#last & this.#mask) * 3;
    this.#fields[at] = end;
    this.#fields[at + 1] = process;
    this.#fields[at + 2] = position;
    this.#last = (this.#last + 1) | 0;
  }

  shift(): void {
    this.#first = (this.#first + 1) | 0;
  }
}
