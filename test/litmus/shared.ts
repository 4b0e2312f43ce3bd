/** The mapped file's size: one page of any machine we run on. */
export const LITMUS_BYTES = 65_536;

export const SLOTS = 4;
export const PAYLOAD_WORDS = 8;

/** Each word on a pair of cache lines of its own; each slot of the payload, too. */
export const Word = {
  ready: [0, 32],
  mine: [64, 96],
  seen: [128, 160],
  stop: 192,
  payload: 224,
  slot: 32,
} as const;

/** Compiler tiers of V8, in the order in which a function that is called often passes through them. */
export type Tier = "interpreter" | "baseline" | "maglev" | "turbofan";

export interface Tally {
  trials: number;
  /** Trials whose outcome must never be seen. */
  forbidden: number;
  /** Trials in which the two are known to have run at the same time. */
  overlapping: number;
  /** What the code that was tried was compiled by in the end. */
  tier: Tier;
}
