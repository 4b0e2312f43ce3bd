/** A source of numbers in [0, 1) that gives the same series for the same seed, in every process and version. */
export interface Random {
  next(): number;
  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number;
}

/** Mulberry32: 32 bits of state, good enough to choose test inputs, useless for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return { next, between: (low, high) => low + Math.floor(next() * (high - low + 1)) };
}
