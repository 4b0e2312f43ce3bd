/** Between two looks at how far it is, in milliseconds. */
const SHOW_MS = 100;
const ERASE_LINE = "\r\u001b[K";

/** How far long work is, in one line on stderr that is written over again and again: on a terminal alone. */
export class Progress {
  readonly #isShown: boolean;
  #shownMs = 0;
  #isOnScreen = false;

  /** @param isWanted for work whose output would stand between */
  constructor(isWanted: boolean = true) {
    this.#isShown = isWanted && process.stderr.isTTY;
  }

  show(text: string): void {
    if (!this.#isShown || performance.now() - this.#shownMs < SHOW_MS) return;
    this.#shownMs = performance.now();
    this.#isOnScreen = true;
    process.stderr.write(`${ERASE_LINE}${text}`);
  }

  clear(): void {
    if (this.#isOnScreen) process.stderr.write(ERASE_LINE);
    this.#isOnScreen = false;
  }
}
