/*
 * A machine in one process for the log's own code: process 0 with the sequencer, members in the other slots, their
 * bells, their events, and their deaths. A test chooses who does what next; the world checks all that the log promises.
 *
 * An action may preempt an actor between any two accesses to the memory and let others run there, or end it there.
 * Process 0 itself may be ended like that, and another goes on in its place while the others live; or, in the end, all
 * others are ended with it, and the segment is recovered.
 *
 * Process 0 says who serves somebody; others may follow what those have delivered, and must never be given more.
 */
import { UINT32_SPAN } from "../../src/base/index.ts";
import {
  AgentLoop,
  ArrayWords,
  BACK_PRESSURED,
  CLOSED,
  type Doorbell,
  type Geometry,
  Layout,
  LogMember,
  type LogRecord,
  PROBES_MISSED_MAX,
  type Range,
  SEQUENCER,
  type Segment,
  Sequencer,
  type SequencerEvents,
  type Sleeper,
  TOO_BIG,
  type Words,
  formatSegment,
  openSegment,
  recoverSegment,
  succeed,
} from "../../src/log/index.ts";
import {
  type Following,
  ORDER_ENTRY_WORDS,
  OrderWord,
  ProcessWord,
  RECORD_ALIGNMENT_BYTES,
  SlotWord,
  WORD_BYTES,
} from "../../src/log/layout.ts";

export interface Setup {
  geometry: Geometry;
  firstSequence: number;
  startPosition: number;
  /** Where sleep epochs and probes start. */
  counter: number;
  /** Of the slots' last owners. */
  generation: number;
  /** Whether there is a keeper, and whether the others read only what it has consumed. */
  keeping: "none" | "keeper" | "keeperFirst";
  /** Whether every slot has a process that reads before the first action; with a keeper, all but one. */
  isPopulated: boolean;
  /** Whether, then, some of them serve from the beginning. */
  hasServers: boolean;
  /** What becomes of stopped processes in the end: ended for unanswered probes, or going on. */
  evictsStopped: boolean;
}

/** `process` counts modulo the number of slots, `size` is in thousandths of the largest payload; 1,001 is too big. */
export type Action =
  | { does: "say"; process: number; sizes: readonly number[] }
  | { does: "hear"; process: number; which: number }
  | { does: "publish" | "read" | "stop" | "continue" | "close"; process: number }
  /** A standby reads from the oldest record on what is delivered. */
  | { does: "start"; process: number; keeper: boolean; standby: boolean }
  /** From now on, or no longer, a process serves somebody, and so reads all that there is. */
  | { does: "serve" | "standDown"; process: number }
  | { does: "follow"; process: number; following: keyof typeof Following }
  /** The oldest bequest is inherited. */
  | { does: "inherit" }
  /** `part` of what who consumes explicitly has read and not consumed, in thousandths. */
  | { does: "consume"; process: number; part: number }
  | { does: "pace"; process: number; records: number }
  | { does: "attend"; process: number; attentive: boolean }
  | { does: "die"; process: number; after: number }
  | { does: "preempt"; process: number; after: number; actions: number }
  | { does: "corrupt"; process: number; word: number; value: number; relative: boolean }
  /** Process 0 ends after so many stores. */
  | { does: "fall"; after: number }
  /**
   * Another sequencer goes on where the segment stands; where process 0 is dead, in another process, which itself ends
   * after so many stores.
   */
  | { does: "succeed"; after: number }
  | { does: "probe" }
  | { does: "suspect" }
  | { does: "tick"; ms: number };

/** What a broken machine does: the checks must find it. */
export interface Mutation {
  /** What `process` sees instead of `value`. */
  load?(world: World, process: number, index: number, value: number): number;
  /** Of both kinds of stores. */
  isStoreLost?(world: World, process: number, index: number): boolean;
  isBellLost?(process: number): boolean;
  /** Members that are given new bells do not ring for the sequencer. */
  isRebellSilent?: boolean;
  /** Processes that die while they serve leave nothing. */
  isBequestLost?: boolean;
  /** After process 0 has read a word plainly. */
  onGet?(world: World, index: number): void;
}

/** So many events after the last action, and it has still not come to rest: somebody spins. */
const SETTLE_EVENTS_MAX = 200_000;
/** Many more than it takes until a process that is stopped is ended, awake or asleep. */
const PROBES_TO_EVICT_MAX = 100;

/** Thrown where a process ends in the middle of its code. */
class Died extends Error {}

/** An actor's view of the memory: ends or preempts it between two accesses, and lets it write its own pages only. */
class WatchedWords implements Words {
  readonly bytes: Uint8Array;
  /** Accesses until its end. */
  livesFor: number = Number.POSITIVE_INFINITY;
  /** Stores until its end: for who must not end badly between any two of them. */
  storesFor: number = Number.POSITIVE_INFINITY;
  #runsFor: number = Number.POSITIVE_INFINITY;
  #others: () => void = () => undefined;
  readonly #world: World;
  readonly #process: number;
  readonly #words: ArrayWords;
  readonly #own: Range;

  constructor(world: World, process: number, own: Range = world.layout.writable(process)) {
    this.#world = world;
    this.#process = process;
    this.#words = new ArrayWords(world.memory);
    this.#own = own;
    this.bytes = this.#words.bytes;
  }

  load(index: number): number {
    this.touch(index);
    const value = this.#words.load(index);
    return this.#world.mutation.load?.(this.#world, this.#process, index, value) ?? value;
  }

  store(index: number, value: number): void {
    this.#touchOwn(index);
    if (this.#world.mutation.isStoreLost?.(this.#world, this.#process, index) === true) return;
    this.#words.store(index, value);
  }

  get(index: number): number {
    this.touch(index);
    const value = this.#words.get(index);
    if (this.#process === SEQUENCER) this.#world.mutation.onGet?.(this.#world, index);
    return value;
  }

  set(index: number, value: number): void {
    this.#touchOwn(index);
    if (this.#world.mutation.isStoreLost?.(this.#world, this.#process, index) === true) return;
    this.#words.set(index, value);
  }

  /** The moment before an access. */
  touch(index = 0): void {
    const isThere = Number.isInteger(index) && index >= 0 && index * WORD_BYTES < this.bytes.length;
    this.#world.check(isThere, `process ${this.#process} reads word ${index}, which is not there`);
    if (this.livesFor <= 0) throw new Died();
    this.livesFor -= 1;
    this.#runsFor -= 1;
    if (this.#runsFor >= 0) return;
    this.#runsFor = Number.POSITIVE_INFINITY;
    this.#others();
    if (this.livesFor <= 0) throw new Died();
  }

  /** After so many accesses, `others` run in between. */
  preempt(accesses: number, others: () => void): void {
    this.#runsFor = accesses;
    this.#others = others;
  }

  #touchOwn(index: number): void {
    this.touch(index);
    if (this.storesFor <= 0) throw new Died();
    this.storesFor -= 1;
    const at = index * WORD_BYTES - this.#own.offset;
    const isOwn = at >= 0 && at < this.#own.length;
    this.#world.check(isOwn, `process ${this.#process} writes word ${index}, another's`);
  }
}

interface Appended {
  readonly length: number;
  /** Bytes that its writer had appended with it. */
  readonly end: number;
}

/** A record as it was read, to look at once more. */
type Held = Pick<LogRecord, "sequence" | "process" | "start" | "length" | "bytes" | "room" | "kind">;

/** One process from its start to its end, and what it has said. Its successor in the slot is another actor. */
class Actor {
  readonly process: number;
  readonly generation: number;
  readonly isKeeper: boolean;
  /** Whether it says itself what it has consumed. */
  readonly isExplicit: boolean;
  /** What it has read and not consumed: it must stay. */
  readonly held: Held[] = [];
  /** The sequence number after the last record that it was given. */
  delivered = 0;
  /** What the slot's first record of this actor is numbered at the least. */
  readonly from: number;
  words: WatchedWords;
  member: LogMember | undefined;
  loop: AgentLoop | undefined;
  following: keyof typeof Following = "tail";
  /** Process 0 has said so. */
  isServing = false;
  /** What was delivered when it began to serve: before that it lacks nothing. */
  servesFrom = 0;
  /** It began with the oldest record that was there, as a standby. */
  isEarly = false;
  /** The sequence number that it was let in with. */
  joinedAt: number | undefined;
  /** Whether its bells are those of the process 0 that lives. */
  hasBells = true;
  /** What waits to be heard. */
  isRung = false;
  readonly deferred: (() => void)[] = [];
  readonly exits: Actor[] = [];
  isStopped = false;
  isDead = false;
  /** Process 0 knows that it is dead. */
  isGone = false;
  isClosed = false;
  /** Sizes that were refused, or not tried yet. */
  readonly outbox: number[] = [];
  readonly appended: Appended[] = [];
  startPosition = 0;
  /** Bytes that it had published when another process went on in its place. */
  appendedBefore = 0;
  orderedCount = 0;
  /** From this record on, what it wrote is nobody's to foretell: it has been corrupted. */
  rogueFrom: number = Number.POSITIVE_INFINITY;
  reads = false;
  pace = 1024;
  /** The sequence number that it is to read next; undefined before it was let in. */
  next: number | undefined;
  timeMs = 0;
  /** How many probes there had been when it answered last. */
  answered = 0;
  /** The same, when the last probe began. */
  answeredBefore = 0;
  #publishedCount = 0;

  constructor(process: number, generation: number, words: WatchedWords, from: number, isKeeper = false) {
    this.process = process;
    this.generation = generation;
    this.words = words;
    this.from = from;
    this.isKeeper = isKeeper;
    this.isExplicit = isKeeper || (process !== SEQUENCER && process % 2 === 0);
  }

  get isRogue(): boolean {
    return this.rogueFrom < Number.POSITIVE_INFINITY;
  }

  get runs(): boolean {
    return this.member !== undefined && !this.isDead && !this.isStopped;
  }

  /** How many of its records exist, going by its published position. Of the dead: when they died. */
  publishedCount(position: number): number {
    if (this.isDead || this.isRogue) return this.#publishedCount;
    const bytes = (position - this.startPosition) >>> 0;
    while ((this.appended[this.#publishedCount]?.end ?? Number.POSITIVE_INFINITY) <= bytes)
      this.#publishedCount += 1;
    return this.#publishedCount;
  }
}

/** What a process left that died while it served: records from `through` on must stay. */
interface Bequest {
  readonly process: number;
  readonly generation: number;
  readonly through: number;
  readonly servesFrom: number;
  readonly isRogue: boolean;
}

interface Ordered {
  readonly actor: Actor;
  /** Which of its records; undefined where it was rogue. */
  readonly number: number | undefined;
  timeMs: number | undefined;
}

export class World {
  readonly layout: Layout;
  readonly memory: ArrayBuffer;
  readonly mutation: Mutation;
  readonly violations: { process: number; reason: string }[] = [];
  /** Bytes that all writers have appended. */
  appendedBytes = 0;
  recordsRead = 0;
  preemptions = 0;
  deaths = 0;
  successions = 0;
  bequests = 0;
  recordsRecovered = 0;
  readonly #raw: Int32Array;
  readonly #setup: Setup;
  readonly #host: Actor;
  readonly #createSequencer: () => Sequencer;
  readonly #doorbell: Doorbell;
  readonly #events: SequencerEvents;
  #bequests: Bequest[] = [];
  /** The sequence number that was delivered last. */
  #delivered: number;
  #sequencer: Sequencer;
  readonly #residents = new Map<number, Actor>();
  readonly #busy = new Set<Actor>();
  readonly #readers: Actor[] = [];
  /** The first sequence number that no keeper has consumed. */
  #durable: number;
  /** Keepers consume at once. */
  #isEnding = false;
  #isCrashing = false;
  /** What was ordered, from the first sequence number on. */
  readonly #history: Ordered[] = [];
  /** Sequence numbers up to which each process's records may have been spoiled, unread, in its ring. */
  readonly #spoiled = new Map<number, number>();
  #actions: readonly Action[] = [];
  #nextAction = 0;
  /** What has failed: whoever is interrupted by it has not done it. */
  #fault: unknown;
  #clock = 1_700_000_000_000;
  #probes = 0;
  #isProbing = false;

  constructor(setup: Setup, mutation: Mutation = {}) {
    const { geometry, firstSequence, startPosition } = setup;
    this.#setup = setup;
    this.#durable = firstSequence;
    this.#delivered = firstSequence;
    this.mutation = mutation;
    this.layout = new Layout(geometry);
    this.memory = new ArrayBuffer(this.layout.totalBytes);
    this.#raw = new Int32Array(this.memory);
    const words = new WatchedWords(this, SEQUENCER);
    formatSegment(new ArrayWords(this.memory), geometry, {
      firstSequence,
      startPosition,
      keeper: setup.keeping !== "none",
      deliverAfterKeeper: setup.keeping === "keeperFirst",
      firstTimeMs: this.#clock,
    });
    const segment = openSegment(words);
    this.#raw[this.layout.sleepEpoch] = setup.counter;
    this.#raw[this.layout.probe] = setup.counter;
    for (let process = 0; process < geometry.processes; process += 1) {
      this.#raw[this.layout.slot(process, SlotWord.generation)] = -setup.generation;
      this.#raw[this.layout.process(process, ProcessWord.sleepEpoch)] = setup.counter;
      this.#raw[this.layout.process(process, ProcessWord.probeAnswer)] = setup.counter;
    }
    this.#doorbell = {
      ring: (process: number) => {
        if (process === SEQUENCER) this.#host.loop!.soon();
        else this.#ring(process);
      },
    };
    this.#events = {
      onViolation: (process, reason) => this.#onViolation(process, reason),
      onHung: (process) => this.#onHung(process),
      onOrdered: (process, kind) => this.#onOrdered(process, kind),
      onJoined: (process, sequence) => this.#onJoined(process, sequence),
    };
    this.#createSequencer = () =>
      new Sequencer(openSegment(this.#host.words), () => this.#clock, this.#doorbell, this.#events);
    this.#sequencer = new Sequencer(segment, () => this.#clock, this.#doorbell, this.#events);
    this.#host = new Actor(SEQUENCER, this.#sequencer.admit(SEQUENCER), words, firstSequence);
    this.#residents.set(SEQUENCER, this.#host);
    this.#join(this.#host, segment);
    this.#setHostLoop();
    if (!setup.isPopulated) return;
    for (let process = 0; process < geometry.processes; process += 1) {
      const standby = process === 2;
      if (process !== SEQUENCER) this.#act({ does: "start", process, keeper: process === 1, standby });
      this.#act({ does: "hear", process, which: 0 });
      this.#act({ does: "read", process });
    }
    this.settle();
    if (setup.hasServers) for (const process of [1, 3, 4]) this.#act({ does: "serve", process });
  }

  get sequence(): number {
    return this.#sequencer.sequence;
  }

  peek(index: number): number {
    return this.#raw[index]!;
  }

  poke(index: number, value: number): void {
    this.#raw[index] = value;
  }

  check(condition: boolean, message: string): asserts condition {
    if (!condition) this.fail(message);
  }

  fail(message: string): never {
    const error = new Error(message);
    this.#fault ??= error;
    throw error;
  }

  /** Where a process's ring begins and ends, in words. */
  ringWords(process: number): { start: number; end: number } {
    const start = this.layout.ringOffsetBytes(process) / WORD_BYTES;
    return { start, end: start + this.#setup.geometry.ringBytes / WORD_BYTES };
  }

  run(actions: readonly Action[]): void {
    this.#actions = actions;
    this.#nextAction = 0;
    while (this.#nextAction < actions.length) this.#actNext();
  }

  /** Lets everything happen that is to happen, ends or continues who is stopped, and checks what must hold then. */
  finish(): void {
    this.#host.words.storesFor = Number.POSITIVE_INFINITY;
    if (this.#host.isDead) this.#succeed(Number.POSITIVE_INFINITY);
    for (const actor of this.#residents.values()) if (actor.isRogue) this.#die(actor);
    if (this.#setup.evictsStopped) {
      const stopped = [...this.#residents.values()].filter((actor) => actor.isStopped);
      const isEvicted = (actor: Actor): boolean =>
        actor.isDead || !this.#sequencer.inspect(actor.process).joined;
      for (let i = 0; i < PROBES_TO_EVICT_MAX && !stopped.every(isEvicted); i += 1) {
        this.settle();
        this.#act({ does: "probe" });
      }
      this.check(stopped.every(isEvicted), "a stopped reader stays");
    }
    for (const actor of this.#residents.values()) actor.isStopped = false;
    this.#calm();
    this.#provideKeeper();
    this.#calm();
    this.#checkRest();
    // Who did not want to be woken for every record looks now.
    for (const { process } of this.#residents.values()) {
      this.#act({ does: "attend", process, attentive: true });
    }
    this.#calm();
    this.#checkRest();
    for (const { process } of this.#residents.values()) this.#act({ does: "say", process, sizes: [0, 1000] });
    this.#calm();
    this.#checkRest();
    // Whoever is new in a slot may have been taken for its last owner, who waited, until something was said.
    this.check(this.#raw[this.layout.pressure] === 0, "readers are asked to call, and nobody waits");
    // While nobody waits, servers do not say that they have gone on: the sequencer sees it when it looks.
    this.#host.loop!.soon();
    this.#calm();
    this.#checkRest();
    const delivered = this.#sequenceOf(this.#raw[this.layout.delivered]!);
    this.check(delivered === this.sequence, `${delivered} is called delivered, not ${this.sequence}`);
  }

  /** Until nothing moves any more: what was left is inherited, and who reads nothing begins to. */
  #calm(): void {
    this.settle();
    for (let isCalm = false; !isCalm;) {
      isCalm = true;
      for (const { process, following, isKeeper, runs } of this.#residents.values()) {
        if (following !== "nothing" || !runs) continue;
        this.check(!isKeeper, "the keeper reads all");
        this.#act({ does: "follow", process, following: "delivered" });
        isCalm = false;
      }
      for (let left = this.#bequests.length; left > 0; left -= 1) {
        this.#act({ does: "inherit" });
        isCalm = false;
      }
      this.settle();
    }
  }

  /** Process 0 ends after so many stores. The others go on until `recover`. */
  crash(after: number): void {
    this.#isCrashing = true;
    this.#host.words.storesFor = after;
  }

  /**
   * Everybody ends. Then the segment is recovered, again and again: each time the recovery ends after so many stores,
   * but for the last. All that was published must come, in one order, and as whoever had it before had it.
   */
  recover(ends: readonly number[]): void {
    this.#isCrashing = true;
    for (const actor of this.#residents.values()) this.#die(actor);
    this.#followKeeper();
    this.#forgetUnpublished();
    // Nobody can tell what one that has gone wrong has consumed.
    let isKnown = this.#keeper?.isRogue !== true;
    const isAfterKeeper = isKnown && this.#setup.keeping === "keeperFirst";
    for (const { process, delivered, isKeeper, isRogue } of this.#readers) {
      if (isRogue) continue;
      const end = isAfterKeeper && !isKeeper ? this.#durable : this.#end;
      this.check(
        delivered <= end,
        `process ${process} was given ${delivered - 1}, which is not to be recovered`,
      );
    }
    let committed = this.#durable;
    let from = committed;
    const recover = (storesFor: number): ReturnType<typeof recoverSegment> => {
      const words = new WatchedWords(this, SEQUENCER, { offset: 0, length: this.memory.byteLength });
      words.storesFor = storesFor;
      let next: number | undefined;
      const give = (record: LogRecord): void => {
        if (next === undefined) {
          const isKept = !isKnown || (record.sequence >= from && record.sequence <= committed);
          this.check(isKept, `recovered from ${record.sequence}, not ${from} to ${committed}`);
          from = record.sequence;
        } else this.check(record.sequence === next, `record ${record.sequence} is recovered, not ${next}`);
        next = record.sequence + 1;
        this.#onRecovered(record);
      };
      const commit = (): void => {
        if (words.storesFor <= 0) throw new Died();
        committed = isKnown ? Math.max(committed, next ?? committed) : (next ?? committed);
        isKnown = true;
      };
      return recoverSegment(openSegment(words), give, () => this.#clock, commit);
    };
    for (const end of ends) {
      try {
        recover(end);
      } catch (error) {
        if (!(error instanceof Died)) throw error;
      }
    }
    const { nextSequence, lastTimeMs, violations } = recover(Number.POSITIVE_INFINITY);
    for (const { process, reason } of violations) {
      const isRogue = this.#residents.get(process)?.isRogue === true;
      this.check(isRogue, `process ${process} is called a violator: ${reason}`);
    }
    this.check(nextSequence === this.#end, `${nextSequence} is called next, not ${this.#end}`);
    for (const { timeMs } of this.#history) this.check((timeMs ?? 0) <= lastTimeMs, "a time after the last");
    for (const actor of this.#residents.values()) {
      const { process, orderedCount } = actor;
      const count = this.#published(actor);
      if (actor.isRogue) continue;
      this.check(orderedCount === count, `${orderedCount} of ${count} records of ${process} are there`);
    }
    this.check(!isKnown || committed === this.#end, "what was recovered was not committed");
    const again = recover(Number.POSITIVE_INFINITY);
    const isSame = again.nextSequence === nextSequence && again.lastTimeMs === lastTimeMs;
    this.check(isSame && again.records === 0, "what was recovered is recovered again");
  }

  /** Events are heard, the oldest waiter first, until nobody has any. */
  settle(): void {
    let events = 0;
    for (let heard = true; heard;) {
      heard = false;
      for (const actor of this.#residents.values()) {
        if (!this.#hear(actor, events)) continue;
        heard = true;
        events += 1;
      }
      this.check(events < SETTLE_EVENTS_MAX, "it does not come to rest");
    }
  }

  get #end(): number {
    return this.#setup.firstSequence + this.#history.length;
  }

  /** What was given its place, and not by the tail's store, has none. */
  #forgetUnpublished(): void {
    for (let more = ((this.#end % UINT32_SPAN) - this.#raw[this.layout.tail]!) | 0; more > 0; more -= 1) {
      const { actor } = this.#history.pop()!;
      actor.orderedCount -= 1;
      // Whoever orders it again finds what its writer has made of it since.
      if (actor.isRogue) actor.rogueFrom = Math.min(actor.rogueFrom, actor.orderedCount);
    }
  }

  #onRecovered(record: LogRecord): void {
    const { sequence, process, timeMs } = record;
    const who = `record ${sequence} as it is recovered`;
    const index = sequence - this.#setup.firstSequence;
    if (index === this.#history.length) {
      const actor = this.#residents.get(process);
      this.check(actor !== undefined, `${who} is of process ${process}, which nobody is`);
      const number = actor.isRogue ? undefined : actor.orderedCount;
      this.#history.push({ actor, number, timeMs });
      actor.orderedCount += 1;
    }
    const ordered = this.#history[index];
    this.check(ordered !== undefined && ordered.actor.process === process, `${who} is not of its writer`);
    ordered.timeMs ??= timeMs;
    this.check(timeMs === ordered.timeMs, `${who} has another time`);
    this.check(timeMs >= (this.#history[index - 1]?.timeMs ?? 0), `${who}: time goes back`);
    this.recordsRecovered += 1;
    if (ordered.number === undefined) return;
    const isPublished = ordered.actor.isRogue || ordered.number < this.#published(ordered.actor);
    this.check(isPublished, `${who} was never published`);
    this.#checkContent(who, record, ordered.actor, ordered.number);
  }

  get #keeper(): Actor | undefined {
    return this.#readers.findLast(({ isKeeper }) => isKeeper);
  }

  /** Takes note of what the keeper has consumed, as its page says. */
  #followKeeper(): void {
    const keeper = this.#keeper;
    if (keeper === undefined) return;
    const { process, generation, isRogue } = keeper;
    const isReading = this.#raw[this.layout.process(process, ProcessWord.reading)] === generation;
    if (!isReading || isRogue) return;
    const consumed = this.#raw[this.layout.process(process, ProcessWord.consumed)]!;
    const more = (consumed - (this.#durable % UINT32_SPAN)) | 0;
    this.check(more >= 0, `the keeper in slot ${process} takes back what it had consumed`);
    this.#durable += more;
  }

  /** In the end there is a keeper, which consumes all that it reads. */
  #provideKeeper(): void {
    if (this.#setup.keeping === "none") return;
    this.#isEnding = true;
    if (!this.#sequencer.hasKeeper) {
      const process = this.#freeSlots[0];
      this.check(process !== undefined, "there is no slot for a keeper");
      this.#act({ does: "start", process, keeper: true, standby: false });
      this.#act({ does: "hear", process, which: 0 });
    }
    const { process, words } = [...this.#residents.values()].find(
      ({ isKeeper, isDead }) => isKeeper && !isDead,
    )!;
    words.livesFor = Number.POSITIVE_INFINITY;
    this.#act({ does: "read", process });
    this.#act({ does: "consume", process, part: 1000 });
  }

  /** A keeper that dies with something to say keeps its slot until the next one reads: there must be another slot. */
  #isNeededSlot(actor: Actor): boolean {
    return actor.isKeeper && this.#freeSlots.length === 0 && !this.#isEnding;
  }

  get #freeSlots(): number[] {
    const slots = Array.from({ length: this.#setup.geometry.processes }, (_, process) => process);
    return slots.filter((process) => !this.#residents.has(process));
  }

  #checkRest(): void {
    const { layout } = this;
    this.check(this.sequence === this.#setup.firstSequence + this.#history.length, "a number was left out");
    const patience = this.#setup.geometry.orderEntries >> 2;
    for (const actor of this.#residents.values()) {
      const { process, member } = actor;
      const who = `process ${process}`;
      this.check(member !== undefined && !actor.isDead, `${who} is dead and not buried`);
      this.check(member.isAsleep, `${who} is awake, and nothing makes it go on`);
      this.check(actor.outbox.length === 0, `${who} still waits for room`);
      this.check(
        this.#published(actor) === actor.appended.length,
        `${who} has not published what it appended`,
      );
      this.check(actor.orderedCount === actor.appended.length, `${who} was not ordered to its end`);
      this.check(actor.reads === member.isReading, `${who} was not let in`);
      if (!actor.reads) continue;
      this.check(member.sequence === actor.next, `${who} has missed a number`);
      const delivered = this.#sequenceOf(this.#raw[layout.delivered]!);
      const lag = (actor.following === "delivered" ? delivered : this.sequence) - member.sequence!;
      if (actor.following === "nothing") continue;
      const isAttentive = this.#raw[layout.process(process, ProcessWord.attentive)] === 1;
      this.check(lag <= (isAttentive ? 0 : patience), `${who} sleeps, ${lag} records behind`);
    }
  }

  #actNext(): void {
    const action = this.#actions[this.#nextAction];
    this.#nextAction += 1;
    if (action !== undefined) this.#act(action);
  }

  #act(action: Action): void {
    if (action.does === "tick") {
      this.#clock += action.ms;
      return;
    }
    const host = this.#host;
    const isHostFree = !host.isDead && !this.#busy.has(host);
    if (action.does === "fall") {
      if (!host.isDead) host.words.storesFor = action.after;
      return;
    }
    if (action.does === "succeed") {
      if (host.isDead && !this.#isCrashing) this.#succeed(action.after);
      else if (isHostFree) this.#occupy(host, () => this.#replaceSequencer());
      return;
    }
    if (action.does === "inherit") {
      const [bequest] = this.#bequests;
      if (bequest === undefined || !isHostFree) return;
      this.#sequencer.inherited(bequest.process, bequest.generation);
      this.#bequests.shift();
      host.loop!.soon();
      return;
    }
    if (action.does === "suspect") {
      this.#sequencer.suspect();
      return;
    }
    if (action.does === "probe") {
      if (!isHostFree) return;
      for (const actor of this.#residents.values()) actor.answeredBefore = actor.answered;
      this.#isProbing = true;
      this.#occupy(host, () => this.#sequencer.probe());
      this.#isProbing = false;
      this.#probes += 1;
      return;
    }
    const process = action.process % this.#setup.geometry.processes;
    if (action.does === "start") {
      if (isHostFree && !this.#residents.has(process)) this.#start(process, action.keeper, action.standby);
      return;
    }
    const actor = this.#residents.get(process);
    if (actor === undefined) return;
    switch (action.does) {
      case "hear":
        this.#hear(actor, action.which);
        return;
      case "serve":
      case "standDown":
        if (isHostFree) this.#occupy(host, () => this.#setServing(actor, action.does === "serve"));
        return;
      case "pace":
        actor.pace = action.records;
        return;
      case "stop":
        if (actor !== host) actor.isStopped = true;
        return;
      case "continue":
        actor.isStopped = false;
        return;
      case "preempt":
        this.#preempt(actor, action.after, action.actions);
        return;
      case "die":
        if (actor === host || actor.isDead) return;
        if (action.after === 0) this.#die(actor);
        else actor.words.livesFor = action.after;
        return;
      case "say":
      case "publish":
      case "read":
      case "close":
      case "attend":
      case "consume":
      case "follow":
      case "corrupt":
        if (actor.runs && !this.#busy.has(actor)) this.#occupy(actor, () => this.#actAs(actor, action));
    }
  }

  /** What a process does outside of its turns, as the log's users do it: the next turn is soon. */
  #actAs(actor: Actor, action: Action): void {
    const member = actor.member!;
    switch (action.does) {
      case "say":
        if (this.#isNeededSlot(actor)) return;
        for (const size of action.sizes) {
          if (actor.outbox.length > 0 || !this.#append(actor, size)) actor.outbox.push(size);
        }
        break;
      case "publish":
        member.publish();
        break;
      case "read":
        if (actor.reads) return;
        actor.reads = true;
        member.attach();
        break;
      case "close":
        if (actor === this.#host) return;
        actor.isClosed = true;
        actor.outbox.length = 0;
        member.close();
        break;
      case "attend":
        // Who is waited for has to be.
        if (!actor.isKeeper) member.setAttentive(action.attentive);
        break;
      case "consume":
        this.#consume(actor, action.part);
        break;
      case "follow":
        // Who serves reads all.
        if (actor.isKeeper || actor.isServing) return;
        this.#follow(actor, action.following);
        break;
      case "corrupt":
        if (this.#isNeededSlot(actor)) return;
        this.#corrupt(actor, action.word, action.value, action.relative);
        // It need not come to its senses before the sequencer looks.
        this.#ring(SEQUENCER);
        return;
      default:
    }
    actor.loop!.soon();
  }

  #follow(actor: Actor, following: keyof typeof Following): void {
    actor.member!.follow(following);
    actor.following = following;
  }

  /** Process 0 says that a process serves somebody, or nobody any more; that hears of it a little later. */
  #setServing(actor: Actor, serves: boolean): void {
    const { process, isKeeper } = actor;
    if (process === SEQUENCER || isKeeper || actor.joinedAt === undefined || actor.isGone) return;
    if (actor.isServing === serves) return;
    if (serves) this.#sequencer.serve(process);
    else this.#sequencer.standDown(process);
    actor.isServing = serves;
    actor.servesFrom = this.#sequenceOf(this.#raw[this.layout.delivered]!);
    actor.deferred.push(() => {
      this.#follow(actor, serves ? "tail" : "delivered");
      actor.loop!.soon();
    });
  }

  /** Another sequencer in the same process, which is told again who serves. */
  #replaceSequencer(): void {
    this.#sequencer = this.#createSequencer();
    this.#bequests = [];
    for (const { process, isServing } of this.#residents.values())
      if (!isServing) this.#sequencer.standDown(process);
    this.#host.loop!.soon();
  }

  /** Another process goes on in the place of process 0, and dies after so many stores. */
  #succeed(after: number): void {
    const host = this.#host;
    this.successions += 1;
    this.#forgetUnpublished();
    const published = this.#raw[this.layout.process(SEQUENCER, ProcessWord.published)]!;
    host.appended.length = this.#published(host);
    host.appendedBefore = (published - host.startPosition) >>> 0;
    host.outbox.length = 0;
    host.deferred.length = 0;
    host.exits.length = 0;
    host.isRung = false;
    host.reads = false;
    host.next = undefined;
    host.joinedAt = undefined;
    host.following = "tail";
    host.loop = undefined;
    host.isDead = false;
    host.words = new WatchedWords(this, SEQUENCER);
    host.words.storesFor = after;
    this.#occupy(host, () => {
      const segment = openSegment(host.words);
      const { sequencer, generation } = succeed(segment, () => this.#clock, this.#doorbell, this.#events);
      this.check(generation === host.generation, "process 0 has another generation");
      this.#sequencer = sequencer;
      this.#bequests = [];
      this.#meet();
      this.#join(host, segment);
      this.#setHostLoop();
    });
  }

  /** Process 0 may have died after it had let somebody in, and before it told us. */
  #noteJoined({ process, generation, joinedAt }: Actor): void {
    const { layout } = this;
    if (joinedAt !== undefined || process === SEQUENCER) return;
    if (this.#raw[layout.slot(process, SlotWord.joined)] !== generation) return;
    const high = this.#raw[layout.slot(process, SlotWord.joinAtHigh)]!;
    const low = this.#raw[layout.slot(process, SlotWord.joinAtLow)]! >>> 0;
    this.#onJoined(process, high * UINT32_SPAN + low);
  }

  /** Who goes on as process 0 finds out who is there. */
  #meet(): void {
    for (let process = 1; process < this.#setup.geometry.processes; process += 1) {
      const actor = this.#residents.get(process);
      if (actor === undefined) {
        // Admitted, and never started.
        if (this.#sequencer.inspect(process).generation === 0) continue;
        this.#sequencer.standDown(process);
        this.#sequencer.release(process);
        continue;
      }
      if (actor.isDead) {
        // Nobody has its connections any more: they died with it and with process 0.
        this.#sequencer.standDown(process);
        actor.isServing = false;
        actor.isGone = true;
        continue;
      }
      if (!actor.isServing) this.#sequencer.standDown(process);
      this.#noteJoined(actor);
      actor.hasBells = false;
      actor.deferred.push(() => {
        actor.hasBells = true;
        if (this.mutation.isRebellSilent !== true) this.#ring(SEQUENCER);
        actor.loop!.soon();
      });
    }
  }

  /** Admits a process, whose first event is its start. */
  #start(process: number, wantsKeeper: boolean, wantsStandby: boolean): void {
    const isKeeper = wantsKeeper && this.#setup.keeping !== "none" && !this.#sequencer.hasKeeper;
    if (this.#setup.keeping !== "none" && !isKeeper && this.#freeSlots.length < 2) return;
    const early = wantsStandby && !isKeeper;
    this.#occupy(this.#host, () => {
      const generation = this.#sequencer.admit(process, { keeper: isKeeper, early });
      const actor = new Actor(process, generation, new WatchedWords(this, process), this.sequence, isKeeper);
      actor.isEarly = early;
      actor.deferred.push(() => {
        this.#join(actor, openSegment(actor.words));
        if (early) this.#follow(actor, "delivered");
        this.#setLoop(actor);
        actor.loop!.soon();
      });
      this.#residents.set(process, actor);
      if (!isKeeper) return;
      // It has something to read as soon as it is let in.
      const { kept } = this.#sequencer;
      const isFollowed = this.#keeper?.isRogue !== true;
      this.check(!isFollowed || kept === this.#durable, `the keeper begins at ${kept}, not ${this.#durable}`);
      this.#durable = kept;
      actor.next = kept;
      this.#readers.push(actor);
    });
  }

  #join(actor: Actor, segment: Segment): LogMember {
    const { process, generation } = actor;
    const publishedWord = this.layout.process(process, ProcessWord.published);
    if (actor.member === undefined) actor.startPosition = this.#raw[publishedWord]! & -RECORD_ALIGNMENT_BYTES;
    const doorbell = {
      ring: (whom: number): void => {
        this.check(whom === SEQUENCER, "members ring for the sequencer alone");
        if (actor.hasBells) this.#ring(whom);
      },
    };
    const consuming = actor.isExplicit ? "explicit" : "automatic";
    const member = new LogMember(segment, process, generation, doorbell, { consuming });
    actor.member = member;
    return member;
  }

  #setLoop(actor: Actor): void {
    const defer = (callback: () => void): void => void actor.deferred.push(callback);
    actor.loop = new AgentLoop(() => this.#stepMember(actor), [actor.member!], defer);
  }

  #setHostLoop(): void {
    const host = this.#host;
    const sequencer: Sleeper = {
      wakeUp: () => this.#sequencer.wakeUp(),
      fallAsleep: () => this.#sequencer.fallAsleep(),
    };
    const defer = (callback: () => void): void => void host.deferred.push(callback);
    host.loop = new AgentLoop(() => this.#stepHost(), [sequencer, host.member!], defer);
    // The first turn ends asleep: before that, nobody would ring.
    host.loop.soon();
  }

  #stepHost(): void {
    const host = this.#host;
    this.#stepMember(host);
    this.#sequencer.step();
    for (const actor of this.#residents.values()) {
      if (!actor.isGone) continue;
      const { process } = actor;
      if (this.#sequencer.inspect(process).generation !== 0) {
        this.#sequencer.release(process);
        if (actor.isServing) this.#bequeath(actor);
      }
      if (this.#sequencer.hasUnordered(process)) continue;
      const isWhole = actor.isRogue || actor.orderedCount === this.#published(actor);
      this.check(isWhole, `process ${process} died, and not all that it had published was ordered`);
      this.#residents.delete(process);
      host.loop!.soon();
    }
    this.#checkDelivered();
  }

  #bequeath(actor: Actor): void {
    const { process, generation, servesFrom, isRogue } = actor;
    const through = this.#sequencer.servedThrough(process, generation);
    const consumed = this.#consumedBy(actor);
    this.check(isRogue || through === consumed, `${through} is left by ${process}, which had ${consumed}`);
    actor.isServing = false;
    this.bequests += 1;
    this.#bequests.push({ process, generation, through, servesFrom, isRogue });
    if (this.mutation.isBequestLost === true) this.#sequencer.inherited(process, generation);
  }

  /** What is delivered never goes back, nor beyond what was left; and that is still there. */
  #checkDelivered(): void {
    const { layout } = this;
    const delivered = this.#sequenceOf(this.#raw[layout.delivered]!);
    this.check(delivered >= this.#delivered, `${delivered} is delivered after ${this.#delivered}`);
    this.#delivered = delivered;
    const reclaimed = this.#sequenceOf(this.#raw[layout.reclaimed]!);
    for (const { process, through, servesFrom, isRogue } of this.#bequests) {
      this.check(reclaimed <= through, `what ${process} left from ${through} on is gone up to ${reclaimed}`);
      const isLeft = isRogue || delivered <= Math.max(through, servesFrom);
      this.check(isLeft, `${delivered} is delivered, and ${process} had left ${through}`);
    }
  }

  /** The sequence number of an order position that is not far from the end. */
  #sequenceOf(position: number): number {
    return this.#end - ((((this.#end % UINT32_SPAN) | 0) - position) | 0);
  }

  #consumedBy({ process, generation, joinedAt }: Actor): number {
    const { layout } = this;
    return this.#raw[layout.process(process, ProcessWord.reading)] === generation
      ? this.#sequenceOf(this.#raw[layout.process(process, ProcessWord.consumed)]!)
      : joinedAt!;
  }

  /** Nobody who could take the place of those that serve has read past what any of them has. */
  #checkStandby(who: string, reader: Actor, sequence: number): void {
    for (const actor of this.#residents.values()) {
      if (!actor.isServing || actor.isRogue || actor === reader) continue;
      const through = Math.max(this.#consumedBy(actor), actor.servesFrom);
      this.check(sequence < through, `${who}: process ${actor.process} has not delivered it`);
    }
    for (const { process, through, servesFrom, isRogue } of this.#bequests) {
      const isLeft = isRogue || sequence < Math.max(through, servesFrom);
      this.check(isLeft, `${who}: process ${process} had not delivered it when it died`);
    }
  }

  #stepMember(actor: Actor): void {
    const member = actor.member!;
    const probes = this.#probes;
    this.#noteJoined(actor);
    if (actor.reads) member.poll((record) => this.#onRecord(actor, record), actor.pace);
    else member.answerProbe();
    if (actor.isKeeper && this.#isEnding) this.#consume(actor, 1000);
    // Where another comes meanwhile, the answer is one to the probe before, and too late.
    if (probes === this.#probes && !this.#isProbing) actor.answered = probes;
    while (actor.outbox.length > 0 && !member.isBlocked && this.#append(actor, actor.outbox[0]!))
      actor.outbox.shift();
    member.publish();
    if (actor.isExplicit && !actor.isKeeper) this.#consume(actor, 1000);
  }

  #consume(actor: Actor, part: number): void {
    const { isExplicit, held } = actor;
    const member = actor.member!;
    if (!isExplicit || member.sequence === undefined) return;
    const count = Math.floor((held.length * part) / 1000);
    const consumed = held.slice(0, count);
    for (const record of actor.isRogue ? [] : consumed) {
      const { actor: writer, number } = this.#history[record.sequence - this.#setup.firstSequence]!;
      if (number !== undefined) this.#checkContent(`record ${record.sequence}, kept`, record, writer, number);
    }
    const last = consumed.at(-1);
    if (last === undefined) return;
    // Before that they must stay; from then on they need not.
    held.splice(0, count);
    member.consume(last.sequence + 1);
  }

  /** Returns whether it was taken, or never will be. */
  #append(actor: Actor, size: number): boolean {
    const { payloadBytesMax } = this.layout;
    const length = size > 1000 ? payloadBytesMax + 1 : Math.floor((size * payloadBytesMax) / 1000);
    const number = actor.appended.length;
    const identity = identify(actor, number);
    const kind = kindOf(identity);
    const member = actor.member!;
    let result: number;
    if (number % 2 === 0 && !actor.isClosed) {
      result = member.claim(length);
      if (result >= 0) {
        const { bytes } = member.segment.words;
        for (let i = 0; i < length; i += 1) bytes[result + i] = byteOf(identity, i);
        result = member.commit(kind, identity);
      }
    } else {
      const payload = Uint8Array.from({ length }, (_, i) => byteOf(identity, i));
      result = member.append(kind, identity, payload);
    }
    if (actor.isClosed) this.check(result === CLOSED, `append answers ${result} after close`);
    else if (length > payloadBytesMax)
      this.check(result === TOO_BIG, `append answers ${result} for too much`);
    else if (result < 0) {
      this.check(result === BACK_PRESSURED, `append answers ${result}`);
      return false;
    } else {
      const end = actor.appendedBefore + result;
      this.appendedBytes += end - (actor.appended.at(-1)?.end ?? 0);
      actor.appended.push({ length, end });
    }
    return true;
  }

  /** Something happens to a process. Returns false where nothing waited for it, or it cannot hear. */
  #hear(actor: Actor, which: number): boolean {
    if (actor.isDead || actor.isStopped || this.#busy.has(actor)) return false;
    const events: (() => void)[] = [];
    if (actor.isRung && actor.loop !== undefined) {
      events.push(() => {
        actor.isRung = false;
        actor.loop!.turn();
      });
    }
    if (actor.deferred.length > 0) events.push(() => actor.deferred.shift()!());
    if (actor.exits.length > 0) {
      events.push(() => {
        actor.exits.shift()!.isGone = true;
        actor.loop!.soon();
      });
    }
    const event = events[which % events.length];
    if (event === undefined) return false;
    this.#occupy(actor, event);
    return true;
  }

  /** Runs a piece of a process's code, which may be the last one. */
  #occupy(actor: Actor, body: () => void): void {
    this.#busy.add(actor);
    try {
      body();
    } catch (error) {
      // A process that was corrupted may well fall over its own words.
      if (!(error instanceof Died) && !actor.isRogue) this.#fault ??= error;
      if (this.#fault !== undefined) throw error;
      this.#die(actor);
    } finally {
      this.#busy.delete(actor);
    }
  }

  #die(actor: Actor): void {
    if (actor.isDead) return;
    const mayDie = actor !== this.#host || this.#isCrashing || actor.words.storesFor <= 0;
    this.check(mayDie, "process 0 does not die here");
    this.#published(actor);
    this.#followKeeper();
    actor.isDead = true;
    actor.words.livesFor = 0;
    if (actor !== this.#host) this.#host.exits.push(actor);
    this.deaths += 1;
  }

  #preempt(actor: Actor, after: number, actions: number): void {
    actor.words.preempt(after, () => {
      this.preemptions += 1;
      for (let i = 0; i < actions; i += 1) this.#actNext();
    });
  }

  #corrupt(actor: Actor, word: number, value: number, relative: boolean): void {
    if (actor === this.#host) return;
    // What was ordered before keeps its place; what is in its ring is its own affair from now on.
    this.#published(actor);
    actor.rogueFrom = Math.min(actor.rogueFrom, actor.orderedCount);
    this.#spoiled.set(actor.process, this.#setup.firstSequence + this.#history.length);
    const offsets = Object.values(ProcessWord);
    const { start, end } = this.ringWords(actor.process);
    const offset = offsets[word];
    const index =
      offset === undefined
        ? start + ((word - offsets.length) % (end - start))
        : this.layout.process(actor.process, offset);
    this.#raw[index] = relative ? this.#raw[index]! + value : value;
  }

  #ring(process: number): void {
    if (this.mutation.isBellLost?.(process) === true) return;
    const actor = this.#residents.get(process);
    this.check(actor !== undefined, `process ${process} is rung, and nobody is there`);
    actor.isRung = true;
  }

  #published(actor: Actor): number {
    return actor.publishedCount(this.#raw[this.layout.process(actor.process, ProcessWord.published)]!);
  }

  #onViolation(process: number, reason: string): void {
    const actor = this.#residents.get(process);
    this.check(actor?.isRogue === true, `process ${process} is called a violator: ${reason}`);
    this.violations.push({ process, reason });
    this.#die(actor);
    // Of one that is dead already the slot may be free now.
    this.#host.loop?.soon();
  }

  #onHung(process: number): void {
    const actor = this.#residents.get(process)!;
    const missed = this.#probes + 1 - actor.answeredBefore;
    const isJust = actor.isDead || actor.isRogue || missed >= PROBES_MISSED_MAX;
    this.check(isJust, `process ${process} has missed ${missed} probes, and is called hung`);
    this.#die(actor);
  }

  #onJoined(process: number, sequence: number): void {
    const actor = this.#residents.get(process)!;
    if (actor.joinedAt !== undefined) {
      this.check(
        actor.joinedAt === sequence,
        `process ${process} is let in at ${sequence}, and was at ${actor.joinedAt}`,
      );
      return;
    }
    actor.joinedAt = sequence;
    if (!actor.isKeeper) {
      actor.next = sequence;
      this.#readers.push(actor);
    }
    if (actor.isEarly) this.#checkStandby(`process ${process} is let in`, actor, sequence - 1);
    actor.answered = Math.max(actor.answered, this.#probes);
  }

  #onOrdered(process: number, kind: number): void {
    const actor = this.#residents.get(process);
    this.check(actor !== undefined, `a record of process ${process} is ordered, which nobody is`);
    const number = actor.orderedCount;
    actor.orderedCount += 1;
    if (number >= actor.rogueFrom) {
      this.#history.push({ actor, number: undefined, timeMs: undefined });
      return;
    }
    this.check(
      number < this.#published(actor),
      `record ${number} of ${process} was ordered, and not published`,
    );
    this.check(
      kind === kindOf(identify(actor, number)),
      `record ${number} of ${process} is ordered as another`,
    );
    this.#history.push({ actor, number, timeMs: undefined });
  }

  #onRecord(reader: Actor, record: LogRecord): void {
    // Whatever it is told, whoever reads stays within the memory.
    const { start, length, bytes, sequence } = record;
    this.check(length >= 0 && start >= 0 && start + length <= bytes.length, "a payload beyond the memory");
    if (reader.isRogue) return;
    const who = `record ${sequence} as process ${reader.process} reads it`;
    this.check(sequence === reader.next, `${who}: ${reader.next} was to come`);
    reader.next += 1;
    reader.delivered = reader.next;
    if (reader.isExplicit) {
      const { process, room, kind } = record;
      reader.held.push({ sequence, process, start, length, bytes, room, kind });
    }
    if (reader.following === "delivered") this.#checkStandby(who, reader, sequence);
    if (!reader.isKeeper && this.#setup.keeping === "keeperFirst" && this.#keeper?.isRogue === false) {
      this.#followKeeper();
      this.check(sequence < this.#durable, `${who}: no keeper has consumed it`);
    }
    const ordered = this.#history[sequence - this.#setup.firstSequence];
    this.check(ordered !== undefined, `${who} was never ordered`);
    const { actor, number } = ordered;
    this.check(record.process === actor.process && sequence >= actor.from, `${who} is not of its writer`);
    this.check(record.timeMs >= reader.timeMs, `${who}: time goes back`);
    reader.timeMs = record.timeMs;
    ordered.timeMs ??= record.timeMs;
    this.check(record.timeMs === ordered.timeMs, `${who} has another time`);
    const { orderRing, geometry } = this.layout;
    const entry = orderRing + (sequence % geometry.orderEntries) * ORDER_ENTRY_WORDS;
    const high = Math.floor(sequence / UINT32_SPAN);
    this.check(this.#raw[entry + OrderWord.sequenceHigh] === high, `${who}: its entry has another number`);
    this.recordsRead += 1;
    if (number === undefined) return;
    this.#checkContent(who, record, actor, number);
    // While the handler runs, others do: what it holds must stay.
    reader.words.touch();
    this.#checkContent(who, record, actor, number);
  }

  #checkContent(who: string, record: Held, actor: Actor, number: number): void {
    const identity = identify(actor, number);
    // To ask for the room is an access, before which much may happen.
    const { start, length, bytes, room, kind } = record;
    if (record.sequence < (this.#spoiled.get(record.process) ?? 0)) return;
    this.check(kind === kindOf(identity) && room === identity, `${who} has another header`);
    this.check(length === actor.appended[number]!.length, `${who} is ${length} bytes long`);
    for (let i = 0; i < length; i += 1) {
      if (bytes[start + i] !== byteOf(identity, i)) this.fail(`${who} is torn at byte ${i} of ${length}`);
    }
  }
}

/** 32 bits that tell a record from all others, and from which all of it follows but its length. */
function identify(actor: Actor, number: number): number {
  let mixed = Math.imul(actor.process + 1, 0x9e3779b1) ^ Math.imul(actor.generation, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15) ^ number, 0xc2b2ae35);
  return mixed ^ (mixed >>> 13);
}

function kindOf(identity: number): number {
  return 1 + ((identity >>> 0) % 0xffff);
}

function byteOf(identity: number, index: number): number {
  return ((identity >>> ((index & 3) << 3)) + index * 37) & 0xff;
}
