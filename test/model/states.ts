import assert from "node:assert/strict";

const TABLE_SIZE_MIN = 2 ** 10;
const COST_MAX = 0xffff;

/** How a state came about. */
interface Way {
  /** The state before; -1 for the first. */
  readonly parent: number;
  readonly step: number;
  readonly cost: number;
}

/**
 * The states that were found, each as a row of integers: millions of them fit where objects would not. Hands out each
 * one once, those first to which the cheapest way is known.
 */
export class States {
  readonly #parts: number;
  readonly #rowLength: number;
  readonly #max: number;
  /** Parts, flags, parent, step. As large as it may ever be: what is not touched takes no memory. */
  readonly #rows: Int32Array;
  readonly #costs: Uint16Array;
  /** Open addressing; one more than the state's number, or 0. */
  #table = new Int32Array(TABLE_SIZE_MIN);
  /** By cost, the states that wait to be handed out; some were since found again at a lower cost. */
  readonly #waiting: number[][] = [];
  #cheapest = 0;
  #count = 0;

  constructor(parts: number, max: number) {
    this.#parts = parts;
    this.#rowLength = parts + 3;
    this.#max = max;
    this.#rows = new Int32Array(max * this.#rowLength);
    this.#costs = new Uint16Array(max);
  }

  get count(): number {
    return this.#count;
  }

  part(state: number, part: number): number {
    return this.#rows[state * this.#rowLength + part]!;
  }

  flags(state: number): number {
    return this.#rows[state * this.#rowLength + this.#parts]!;
  }

  /** The state before, on the cheapest way; -1 for the first. */
  parent(state: number): number {
    return this.#rows[state * this.#rowLength + this.#parts + 1]!;
  }

  /** What led here from there. */
  step(state: number): number {
    return this.#rows[state * this.#rowLength + this.#parts + 2]!;
  }

  cost(state: number): number {
    return this.#costs[state]!;
  }

  /**
   * @param way its cost is not below that of the state handed out last
   * @throws where there are too many
   */
  add(parts: readonly number[], flags: number, { parent, step, cost }: Way): void {
    assert(cost <= COST_MAX, "a cost that does not fit");
    const slot = this.#find(parts, flags);
    let state = this.#table[slot]! - 1;
    if (state < 0) {
      if (this.#count === this.#max) throw new Error(`more than ${this.#max} states`);
      state = this.#count;
      this.#count += 1;
      const row = state * this.#rowLength;
      for (let i = 0; i < this.#parts; i += 1) this.#rows[row + i] = parts[i]!;
      this.#rows[row + this.#parts] = flags;
      this.#table[slot] = state + 1;
      if (this.#count * 2 > this.#table.length) this.#growTable();
    } else if (this.#costs[state]! <= cost) {
      return;
    }
    this.#rows[state * this.#rowLength + this.#parts + 1] = parent;
    this.#rows[state * this.#rowLength + this.#parts + 2] = step;
    this.#costs[state] = cost;
    (this.#waiting[cost] ??= []).push(state);
  }

  takeCheapest(): number | undefined {
    for (; this.#cheapest < this.#waiting.length; this.#cheapest += 1) {
      const waiting = this.#waiting[this.#cheapest] ?? [];
      for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
        if (this.#costs[state] === this.#cheapest) return state;
      }
    }
    return undefined;
  }

  /** Where in the table the state is, or would be. */
  #find(parts: readonly number[], flags: number): number {
    const mask = this.#table.length - 1;
    let hash = flags;
    for (let i = 0; i < this.#parts; i += 1) hash = mix(hash, parts[i]!);
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const state = this.#table[slot]! - 1;
      if (state < 0 || this.#is(state, parts, flags)) return slot;
    }
  }

  #is(state: number, parts: readonly number[], flags: number): boolean {
    const row = state * this.#rowLength;
    if (this.#rows[row + this.#parts] !== flags) return false;
    for (let i = 0; i < this.#parts; i += 1) if (this.#rows[row + i] !== parts[i]) return false;
    return true;
  }

  #growTable(): void {
    this.#table = new Int32Array(this.#table.length * 2);
    const parts: number[] = [];
    for (let state = 0; state < this.#count; state += 1) {
      for (let i = 0; i < this.#parts; i += 1) parts[i] = this.part(state, i);
      this.#table[this.#find(parts, this.flags(state))] = state + 1;
    }
  }
}

function mix(hash: number, value: number): number {
  const mixed = Math.imul(hash ^ value, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
