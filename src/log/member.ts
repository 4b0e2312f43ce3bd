import { assert } from "../base/index.ts";
import { Following, HeaderWord, Keeping, ProcessWord, SlotWord } from "./layout.ts";
import { type Consuming, LogReader, type RecordHandler } from "./reader.ts";
import { type Segment, readUint53 } from "./segment.ts";
import { CLOSED, NOT_READY, RingWriter } from "./writer.ts";

/** Wakes a process: one byte into its pipe. Rung for sleepers only, once for each sleep. */
export interface Doorbell {
  ring(process: number): void;
}

/** The sequencer's process. */
export const SEQUENCER = 0;

export interface MemberOptions {
  /**
   * When what was read may be overwritten, and counts as delivered; default "automatic". The keeper's is "explicit".
   */
  consuming?: Consuming;
}

/** So many records a turn: enough to make a turn cheap, few enough that nothing else waits long. */
export const RECORDS_PER_TURN = 1024;

/**
 * One process's part in the log: it appends to its own ring, reads everybody's, and sleeps when there is nothing to
 * read.
 *
 * Sleeping is where messages get lost in such designs. Between "there is nothing" and "I am asleep", something may
 * come, and the bell is not rung for who is awake. So `fallAsleep` says "asleep" first and looks once more; the other
 * side publishes first and then looks whether anybody sleeps. Each side stores, then loads, both sequentially
 * consistent: at least one of the two sees the other.
 */
export class LogMember {
  readonly segment: Segment;
  readonly process: number;
  readonly generation: number;
  readonly #writer: RingWriter;
  readonly #doorbell: Doorbell;
  readonly #consuming: Consuming;
  #reader: LogReader | undefined;
  /** Others wait for what this process consumes: they read nothing before. */
  #isAwaited = false;
  #following: keyof typeof Following = "tail";
  #sleepEpoch: number;
  #blocked = false;
  #closed = false;
  #bells = 0;

  /** @param generation as `Sequencer.admit` gave it; a slot's next owner has another */
  constructor(
    segment: Segment,
    process: number,
    generation: number,
    doorbell: Doorbell,
    { consuming = "automatic" }: MemberOptions = {},
  ) {
    const { words, layout } = segment;
    this.segment = segment;
    this.process = process;
    this.generation = generation;
    this.#doorbell = doorbell;
    this.#consuming = consuming;
    this.#writer = new RingWriter(segment, process, generation);
    // Awake, and with an epoch that nobody has rung yet, whatever the slot's last owner left here.
    this.#sleepEpoch = (words.get(layout.process(process, ProcessWord.sleepEpoch)) + 2) & ~1;
    words.set(layout.process(process, ProcessWord.blocked), 0);
    words.set(layout.process(process, ProcessWord.attentive), 1);
    words.set(layout.process(process, ProcessWord.following), Following.tail);
    words.set(layout.process(process, ProcessWord.reading), 0);
    // The last owner may have died between this note and the bell itself.
    words.set(layout.process(process, ProcessWord.rang), 0);
    words.store(layout.process(process, ProcessWord.sleepEpoch), this.#sleepEpoch);
  }

  /** Asks to be let in as a reader; `isReading` says when that has happened. */
  attach(): void {
    const { words, layout } = this.segment;
    words.store(layout.process(this.process, ProcessWord.attached), this.generation);
    this.#ringSequencer();
  }

  get isReading(): boolean {
    return this.#reader !== undefined;
  }

  /** The next sequence number that `poll` will give; undefined before it reads. */
  get sequence(): number | undefined {
    return this.#reader?.sequence;
  }

  /**
   * Whether this process wants to be woken for every record, or only when it holds the log back. A keeper that others
   * are delivered after had better be: they wait for it.
   */
  setAttentive(attentive: boolean): void {
    const { words, layout } = this.segment;
    words.store(layout.process(this.process, ProcessWord.attentive), attentive ? 1 : 0);
  }

  /**
   * Up to where this process reads, from the next `poll` on; before it joined, too. At the beginning "tail": all that
   * there is. "delivered": only what every process that serves somebody has consumed, so that this one may take the
   * place of any of them. "nothing": it sleeps whatever comes, and holds the log back for as long. Who was ahead of
   * where it is to read to waits there. After a change to more there may be something to read: outside of a turn, take
   * one. Never for the keeper: all of the log is for it.
   */
  follow(following: keyof typeof Following): void {
    const { words, layout } = this.segment;
    const isKeeper = this.#reader !== undefined && words.get(layout.keeper) === this.process + 1;
    assert(following === "tail" || !isKeeper, "the keeper reads all of the log");
    if (following === this.#following) return;
    this.#following = following;
    words.store(layout.process(this.process, ProcessWord.following), Following[following]);
    this.#reader?.readTo(this.#endWord);
  }

  /** The largest payload in bytes. */
  get payloadBytesMax(): number {
    return this.segment.layout.payloadBytesMax;
  }

  /**
   * Appends a record; it exists for the others after `publish`.
   * @param kind 1 to 65,535, for the reader to tell records apart
   * @param room 32 bits, for the reader to choose by
   * @returns the bytes this process has appended so far, or TOO_BIG, or CLOSED, or BACK_PRESSURED: nothing was written,
   * and what was appended before is not published by that. Who is refused publishes before it sleeps, in a turn that
   * it takes for that if need be, because what is not published is never consumed; `isBlocked` tells when to try again
   */
  append(kind: number, room: number, payload: Uint8Array): number {
    if (this.#closed) return CLOSED;
    const position = this.#writer.append(kind, room, payload);
    if (position === -1) this.#block(payload.length);
    return position;
  }

  /** Like `append`, for who wants to write the payload in place: an offset in `segment.words.bytes`, or a refusal. */
  claim(length: number): number {
    if (this.#closed) return CLOSED;
    const offset = this.#writer.claim(length);
    if (offset === -1) this.#block(length);
    return offset;
  }

  /**
   * Whether records of so many bytes together, with their headers and what may be left over at the ring's end, can be
   * appended now: for who has several to append, or none of them. Where not, it is a refusal like that of `append`.
   */
  hasRoom(bytes: number): boolean {
    if (!this.#closed && this.#writer.hasRoom(bytes)) return true;
    if (!this.#closed) this.#block(bytes);
    return false;
  }

  commit(kind: number, room: number): number {
    return this.#writer.commit(kind, room);
  }

  /**
   * Ring position after what was appended so far, 32 bits that wrap: what `publishedBy` gives of this process when that
   * is published.
   */
  get appended(): number {
    return this.#writer.head;
  }

  /** Makes what was appended exist, and rings the sequencer's bell if it sleeps. */
  publish(): void {
    if (this.#writer.publish()) this.#ringSequencer();
  }

  /** Whether an `append` was refused and the room that it needs is not there yet. */
  get isBlocked(): boolean {
    if (this.#blocked && this.#writer.unblock()) this.#blocked = false;
    return this.#blocked;
  }

  /** Gives at most `limit` records to `handler`. Returns how many; NOT_READY before the sequencer has let it in. */
  poll(handler: RecordHandler, limit: number = RECORDS_PER_TURN): number {
    this.answerProbe();
    const reader = this.#reader ?? this.#join();
    return reader === undefined ? NOT_READY : reader.poll(handler, limit);
  }

  /**
   * Where this member consumes explicitly: nothing before `sequence` is needed any more, and where it serves somebody,
   * all before is delivered. Until then every record that was read stays where it is, as it is; and whoever needs the
   * room waits.
   * @param sequence neither below the last one nor beyond what was read
   */
  consume(sequence: number): void {
    assert(this.#reader !== undefined, "nothing is consumed before anything was read");
    this.#reader.consume(sequence);
  }

  get isAsleep(): boolean {
    return (this.#sleepEpoch & 1) === 1;
  }

  wakeUp(): void {
    if (this.isAsleep) this.#setSleepEpoch();
  }

  /** Says "asleep" and looks once more. Returns false, and is awake, where there is something to do after all. */
  fallAsleep(): boolean {
    if (!this.isAsleep) this.#setSleepEpoch();
    const { words, layout } = this.segment;
    const mayJoin =
      this.#reader === undefined &&
      words.load(layout.slot(this.process, SlotWord.joined)) === this.generation;
    const unblocked = this.#blocked && !this.isBlocked;
    assert(
      !this.#blocked || !this.#writer.hasUnpublished,
      "who waits for room has published what it appended",
    );
    if (!mayJoin && !this.#isProbed && !unblocked && !(this.#reader?.isBehind ?? false)) return true;
    this.#setSleepEpoch();
    return false;
  }

  /** Appends nothing any more. */
  close(): void {
    this.#closed = true;
  }

  #setSleepEpoch(): void {
    const { words, layout } = this.segment;
    this.#sleepEpoch = (this.#sleepEpoch + 1) | 0;
    words.store(layout.process(this.process, ProcessWord.sleepEpoch), this.#sleepEpoch);
  }

  #join(): LogReader | undefined {
    const { words, layout } = this.segment;
    if (words.load(layout.slot(this.process, SlotWord.joined)) !== this.generation) return undefined;
    const sequence = readUint53(
      words,
      layout.slot(this.process, SlotWord.joinAtLow),
      layout.slot(this.process, SlotWord.joinAtHigh),
    );
    const isKeeper = words.get(layout.keeper) === this.process + 1;
    assert(!isKeeper || this.#consuming === "explicit", "the keeper says itself what it has consumed");
    assert(!isKeeper || this.#following === "tail", "the keeper reads all of the log");
    this.#isAwaited = isKeeper && words.get(HeaderWord.keeping) === Keeping.keeperFirst;
    this.#reader = new LogReader(this.segment, this.process, {
      sequence,
      endWord: this.#endWord,
      consuming: this.#consuming,
      onConsumed: (from, to) => this.#consumed(from, to),
    });
    words.store(layout.process(this.process, ProcessWord.reading), this.generation);
    return this.#reader;
  }

  get #endWord(): number | undefined {
    const { words, layout } = this.segment;
    switch (this.#following) {
      case "nothing":
        return undefined;
      case "delivered":
        return layout.delivered;
      case "tail": {
        const isKeeper = words.get(layout.keeper) === this.process + 1;
        const isKeeperFirst = words.get(HeaderWord.keeping) === Keeping.keeperFirst;
        return isKeeperFirst && !isKeeper ? layout.kept : layout.tail;
      }
    }
  }

  /** While somebody waits for readers, the sequencer wants to hear when one passes its mark. */
  #consumed(from: number, to: number): void {
    const { words, layout } = this.segment;
    if (this.#isAwaited) {
      this.#ringSequencer();
      return;
    }
    if (words.load(layout.pressure) === 0) return;
    const wakeAt = words.get(layout.wakeAt);
    if (((from - wakeAt) | 0) < 0 && ((to - wakeAt) | 0) >= 0) this.#ringSequencer();
  }

  /** Says that this process lives. `poll` does it, too. */
  answerProbe(): void {
    if (!this.#isProbed) return;
    const { words, layout } = this.segment;
    words.store(layout.process(this.process, ProcessWord.probeAnswer), words.load(layout.probe));
  }

  /** Whether there is a probe to be answered. The sequencer does not wait for a sign of life of itself. */
  get #isProbed(): boolean {
    if (this.process === SEQUENCER) return false;
    const { words, layout } = this.segment;
    return words.load(layout.probe) !== words.get(layout.process(this.process, ProcessWord.probeAnswer));
  }

  #block(length: number): void {
    this.#writer.block(length);
    this.#blocked = true;
    this.#ringSequencer();
  }

  #ringSequencer(): void {
    if (this.process === SEQUENCER) return;
    const { words, layout } = this.segment;
    const epoch = words.load(layout.sleepEpoch);
    const rangWord = layout.process(this.process, ProcessWord.rang);
    if ((epoch & 1) === 0 || epoch === words.get(rangWord)) return;
    words.set(rangWord, epoch);
    this.#bells = (this.#bells + 1) | 0;
    words.set(layout.process(this.process, ProcessWord.bells), this.#bells);
    this.#doorbell.ring(SEQUENCER);
  }
}
