/** How many attempts there may be. */
export interface AttemptLimits {
  /** At once, */
  readonly atOnce: number;
  /** and then one more after each such time, in milliseconds. */
  readonly everyMs: number;
  /** Of so many keys at most it is known how many they have left; those that were used least lately are forgotten. */
  readonly keysMax: number;
}

interface Bucket {
  /** Attempts that are left; a part of one is one that is not there yet. */
  left: number;
  /** As of this time. */
  atMs: number;
}

/** Slows down who guesses: attempts, by whatever is guessed at or guesses. */
export class Attempts {
  readonly #limits: AttemptLimits;
  /** Those that have fewer than all; the one that was used last at the end. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(limits: AttemptLimits) {
    this.#limits = limits;
  }

  /** Takes an attempt. @returns false where none is left */
  take(key: string, nowMs: number): boolean {
    const { atOnce, everyMs, keysMax } = this.#limits;
    const kept = this.#buckets.get(key);
    // A clock may be set back.
    const passedMs = kept === undefined ? 0 : Math.max(nowMs - kept.atMs, 0);
    const left = Math.min((kept?.left ?? atOnce) + passedMs / everyMs, atOnce);
    const isLeft = left >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: isLeft ? left - 1 : left, atMs: nowMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > keysMax) this.#buckets.delete(oldest!);
    return isLeft;
  }

  /** It was no guess. */
  giveBack(key: string): void {
    const kept = this.#buckets.get(key);
    if (kept === undefined) return;
    kept.left += 1;
    if (kept.left >= this.#limits.atOnce) this.#buckets.delete(key);
  }
}
