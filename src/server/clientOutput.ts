import { KiB } from "../base/index.ts";
import type { ClientNotes } from "./clientNotes.ts";
import { HeldOutput } from "./heldOutput.ts";
import { type Outbox, Share } from "./outbox.ts";
import type { ClientConnection, Clock, Timer } from "./ports.ts";

/** After history refused to tell what was missed. */
const ASK_AGAIN_MS = 1000;

/** What waits for an answer from history waits so long, */
export const HOLD_MS = 2000;
/** or until it is so much. Then what is said goes first, and the past follows as a block. */
export const HOLD_BYTES_MAX: number = 64 * KiB;

/**
 * A client that fell behind. Nothing is kept for it but where it stopped; when it has taken what it was sent, it asks
 * history for what it lacks, page after page, until what is said while a question is on its way is little enough to
 * be kept. Then it is with the others again.
 */
interface Lag {
  /** The first sequence number that it lacks. */
  cursor: number;
  /** Up to where it asked, once the question has its place. */
  before: number | undefined;
  isAsking: boolean;
  /** Whether it knows that what comes is what it missed. */
  isTold: boolean;
  /** What was said since the question; undefined where that was too much. */
  kept: Uint8Array[] | undefined;
  keptBytes: number;
}

const NEW_LAG: Lag = {
  cursor: 0,
  before: undefined,
  isAsking: false,
  isTold: false,
  kept: undefined,
  keptBytes: 0,
};

/** Everything that goes out to one client, in its order. */
export class ClientOutput {
  readonly share: Share;
  readonly #connection: ClientConnection;
  readonly #held = new HeldOutput();
  readonly #clock: Clock;
  readonly #onExpired: () => void;
  #holdTimer: Timer | undefined;
  #lag: Lag | undefined;
  #askTimer: Timer | undefined;

  /** @param onExpired what was held has waited long enough: `flush` soon */
  constructor(connection: ClientConnection, outbox: Outbox, clock: Clock, onExpired: () => void) {
    this.share = new Share(outbox);
    this.#connection = connection;
    this.#clock = clock;
    this.#onExpired = onExpired;
  }

  /** Whether what is said now is for it. */
  get isListening(): boolean {
    return this.#lag === undefined || this.#lag.kept !== undefined;
  }

  get isLagging(): boolean {
    return this.#lag !== undefined;
  }

  /** In the middle of nothing: a successor needs to know no more than what has been written. */
  get isPlain(): boolean {
    return this.#lag === undefined && !this.#held.isHolding;
  }

  /** What a successor needs to know. */
  get notes(): Pick<ClientNotes, "lag" | "held"> {
    const lag = this.#lag;
    return {
      lag: lag === undefined ? undefined : { cursor: lag.cursor, isTold: lag.isTold },
      held: this.#held.items,
    };
  }

  /** Goes on where a predecessor was. What that kept while a question was open, the question is asked for again. */
  restore({ lag, held }: Pick<ClientNotes, "lag" | "held">): void {
    if (lag !== undefined) this.fallBehind(lag.cursor, lag.isTold);
    for (const item of held) {
      if ("question" in item) this.#held.reserve(item.question);
      else this.#held.push(item);
    }
    if (this.#held.isHolding) this.#startTimer();
  }

  /** What comes after this waits for the answer to a question, for a moment. False for who is behind anyway. */
  hold(question: number): boolean {
    if (this.#lag !== undefined) return false;
    const before = this.share.finish();
    if (before !== undefined) this.#held.push(before);
    this.#held.reserve(question);
    this.#startTimer();
    return true;
  }

  /** An answer: in the place that is kept for it, or here and now. */
  answer(question: number, bytes: Uint8Array): void {
    if (!this.#held.fill(question, bytes)) this.share.append(bytes);
    // It comes between two pages, and looks like them.
    if (this.#lag !== undefined) this.#lag.isTold = false;
  }

  /** Hands what there is to the connection: one write, where nothing has to wait. */
  flush(): void {
    if (this.#lag?.kept !== undefined) {
      this.#keep(this.#lag);
      return;
    }
    const bytes = this.share.finish();
    this.share.restart();
    if (!this.#held.isHolding) {
      if (bytes !== undefined) this.#connection.write(bytes);
      return;
    }
    if (bytes !== undefined) this.#held.push(bytes);
    for (const each of this.#held.take()) this.#connection.write(each);
    if (this.#held.bytes > HOLD_BYTES_MAX) this.#expire();
    if (!this.#held.isHolding) this.#stopTimer();
  }

  /** From here on, nothing is kept for it. */
  fallBehind(cursor: number, isTold = false): void {
    this.#lag = { ...NEW_LAG, cursor, isTold };
  }

  /** The first sequence number that it lacks, when it is time to ask for it. */
  get toAsk(): number | undefined {
    const lag = this.#lag;
    // What was held for an answer when it fell behind comes first.
    if (lag === undefined || lag.isAsking || this.#held.isHolding) return undefined;
    return this.#connection.queuedBytes > 0 ? undefined : lag.cursor;
  }

  /** How far it is behind; 0 where it is not. */
  lagRecords(sequence: number): number {
    return this.#lag === undefined ? 0 : sequence - this.#lag.cursor;
  }

  asking(): void {
    if (this.#lag !== undefined) this.#lag.isAsking = true;
  }

  /**
   * The question for all from `from` on has its place: what is said from here on is kept. False where it asks for no
   * such thing any more: a predecessor may have asked the same, and got its answer.
   */
  asked(from: number, before: number): boolean {
    if (this.#lag?.cursor !== from) return false;
    // Replies to what it had asked before it fell behind.
    const replies = this.share.finish();
    if (replies !== undefined) this.#connection.write(replies);
    this.#lag.before = before;
    this.#lag.kept = [];
    this.#lag.keptBytes = 0;
    return true;
  }

  /** Whether this is the answer that it waits for. */
  isCatchingUp(before: number): boolean {
    return this.#lag?.before === before;
  }

  /**
   * A page of what it lacked, up to `through`. Returns whether it has caught up; then what was kept follows.
   * @param heading stands above the first page in which there is anything
   * @param done stands below the last one
   */
  caughtUp(page: Uint8Array, through: number, heading: Uint8Array, done: Uint8Array): boolean {
    const lag = this.#lag!;
    if (lag.kept !== undefined) this.#keep(lag);
    const next = Math.min(through + 1, lag.before!);
    const hasAll = next === lag.before && lag.kept !== undefined;
    if (page.length > 0) {
      if (!lag.isTold) this.#connection.write(heading);
      lag.isTold = true;
      this.#connection.write(page);
    }
    if (!hasAll) {
      this.fallBehind(next, lag.isTold);
      return false;
    }
    this.#lag = undefined;
    if (lag.isTold) this.#connection.write(done);
    for (const bytes of lag.kept!) this.#connection.write(bytes);
    return true;
  }

  /** Its question was refused: it asks again in a while. */
  askLater(before: number): void {
    const lag = this.#lag;
    if (lag === undefined || lag.before !== before) return;
    this.#lag = { ...NEW_LAG, cursor: lag.cursor, isAsking: true, isTold: lag.isTold };
    this.#askTimer = this.#clock.setTimer(ASK_AGAIN_MS, () => {
      if (this.#lag !== undefined) this.#lag.isAsking = false;
      this.#onExpired();
    });
  }

  /** The last that it gets: whatever waits need not wait any more. */
  end(): void {
    this.#lag = undefined;
    this.#askTimer?.cancel();
    this.#expire();
    this.flush();
  }

  #keep(lag: Lag): void {
    const bytes = this.share.finish();
    this.share.restart();
    if (bytes === undefined || lag.kept === undefined) return;
    lag.kept.push(bytes);
    lag.keptBytes += bytes.length;
    if (lag.keptBytes > HOLD_BYTES_MAX) lag.kept = undefined;
  }

  #expire(): void {
    this.#stopTimer();
    for (const bytes of this.#held.takeAll()) this.#connection.write(bytes);
  }

  #startTimer(): void {
    this.#holdTimer ??= this.#clock.setTimer(HOLD_MS, () => {
      this.#holdTimer = undefined;
      this.#expire();
      this.#onExpired();
    });
  }

  #stopTimer(): void {
    this.#holdTimer?.cancel();
    this.#holdTimer = undefined;
  }
}
