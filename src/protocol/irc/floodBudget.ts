/** So many seconds' worth of lines may come at once. */
const BURST_SECONDS = 10;

/**
 * How much one client may say: so many lines a second in the long run, and a burst in between. Who says more is not
 * disconnected; its lines wait where they are, and in the end it has to wait, too.
 */
export class FloodBudget {
  readonly #linesPerSecond: number;
  #lines: number;
  #asOfMs: number | undefined;

  /** @param linesPerSecond 0: no limit */
  constructor(linesPerSecond: number) {
    this.#linesPerSecond = linesPerSecond;
    this.#lines = linesPerSecond * BURST_SECONDS;
  }

  /** How long the next line has to wait; 0: not at all. */
  waitMs(nowMs: number): number {
    const rate = this.#linesPerSecond;
    if (rate === 0) return 0;
    const passedMs = Math.max(0, nowMs - (this.#asOfMs ?? nowMs));
    this.#asOfMs = nowMs;
    this.#lines = Math.min(rate * BURST_SECONDS, this.#lines + (passedMs / 1000) * rate);
    return this.#lines >= 1 ? 0 : Math.ceil(((1 - this.#lines) / rate) * 1000);
  }

  spend(): void {
    if (this.#linesPerSecond > 0) this.#lines -= 1;
  }
}
