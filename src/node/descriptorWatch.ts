import koffi from "koffi";

type PollHandle = ReturnType<typeof koffi.node.poll>;

/**
 * Tells when a descriptor of a kind that Node has no stream for can be read (or, when asked, written).
 *
 * It goes on telling, once in each turn of the event loop, for as long as that is so: the owner may leave something
 * for the next turn. The watch keeps itself and the process alive until `close` (or `unref`).
 *
 * The descriptor must be a socket, pipe or the like: koffi ends the process over one that cannot be polled.
 */
export class DescriptorWatch {
  readonly #onReady: () => void;
  readonly #handle: PollHandle;
  #open = true;
  #reporting = false;
  #writable = false;

  constructor(fd: number, onReady: () => void) {
    this.#onReady = onReady;
    this.#handle = koffi.node.poll(fd, { readable: true }, this.#onPoll);
  }

  /** Whether to tell also when the descriptor can be written. */
  set writable(wanted: boolean) {
    if (wanted === this.#writable || !this.#open) return;
    this.#writable = wanted;
    this.#start();
  }

  ref(): void {
    if (this.#open) this.#handle.ref();
  }

  unref(): void {
    if (this.#open) this.#handle.unref();
  }

  /** Nothing is told afterwards. Comes before the descriptor itself is closed. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#handle.close();
  }

  #start(): void {
    this.#handle.start({ readable: true, writable: this.#writable }, this.#onPoll);
  }

  /**
   * koffi calls this from outside of Node's own bookkeeping: an exception would surface in whatever runs next, and
   * `process.nextTick` would wait for that as well. So the news is passed on from an immediate, which comes in the
   * same turn of the loop. (The types leave out that koffi hands the status before the events.)
   */
  readonly #onPoll = (status: unknown): void => {
    // At an error libuv stops watching; the owner finds out what it is when it reads, and may have more to read then.
    if (typeof status === "number" && status < 0 && this.#open) this.#start();
    if (this.#reporting) return;
    this.#reporting = true;
    setImmediate(this.#report);
  };

  readonly #report = (): void => {
    this.#reporting = false;
    if (this.#open) this.#onReady();
  };
}
