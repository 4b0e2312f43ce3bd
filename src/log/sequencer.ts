import { UINT32_SPAN, assert } from "../base/index.ts";
import {
  Following,
  HeaderWord,
  Keeping,
  ORDER_ENTRY_WORDS,
  OrderWord,
  PADDING_KIND,
  ProcessWord,
  RecordWord,
  SlotWord,
  WORD_BYTES,
  WORD_SHIFT,
  recordBytes,
} from "./layout.ts";
import { type Doorbell, SEQUENCER } from "./member.ts";
import { type Probed, Probes } from "./probes.ts";
import { Runs } from "./runs.ts";
import { type Segment, publishedBy } from "./segment.ts";
import type { SequencerEvents } from "./sequencerEvents.ts";
import { Servers } from "./servers.ts";
import { type Admission, type SlotReport, type SlotState, nextGeneration, readState } from "./state.ts";

/* Copies, for what is done for every record: see writer.ts. */
const Order = { ...OrderWord };
const Header = { ...RecordWord };
const ENTRY_WORDS = ORDER_ENTRY_WORDS;
const TO_WORDS = WORD_SHIFT;
const PADDING = PADDING_KIND;
const bytesOfRecord = recordBytes;

/** At most so many records of one writer before the next has its turn. */
const RECORDS_PER_WRITER = 256;

/** Before readers are woken: who finds more at a time sleeps less often, and each waking is a call of the kernel. */
const ROUNDS_PER_TURN = 8;

type Slot = SlotState & Probed;

/**
 * Gives every published record its place in the one order, and takes back the space of what everybody has read.
 * There is one, in process 0; it alone writes the sequencer's pages.
 *
 * It reads the headers of records, once each, and trusts none of them: a writer that breaks the rules is cut off, and
 * nobody else notices.
 */
export class Sequencer {
  readonly #segment: Segment;
  readonly #doorbell: Doorbell;
  readonly #events: SequencerEvents;
  readonly #clock: () => number;
  readonly #slots: Slot[] = [];
  readonly #orderEntries: number;
  readonly #runs: Runs;
  readonly #changedLimits = new Set<number>();
  /** Processes with records that were ordered since the tail was published. */
  readonly #unsettled: number[] = [];
  readonly #servers: Servers;
  readonly #probes: Probes;
  readonly #keeping: number;
  #keeper: number | undefined;
  /** Order position before which the keeper needs nothing. */
  #kept: number;
  #isLetGo = false;
  #sequence: number;
  #published: number;
  #minConsumed: number;
  #timeMs: number;
  #turn = 0;
  #bells = 0;
  #pressure = false;

  /**
   * Goes on where the segment stands: a new one, or one whose sequencer was killed between any two instructions. Of
   * what that one had ordered `events` are told nothing, though it may not have been told itself. And every process
   * that it had let in, but for process 0 and the keeper, counts as one that serves somebody until `standDown`.
   * @param clock milliseconds since 1970; may go back, the log's time does not
   * @throws LogCorruptionError where the segment cannot be what a sequencer left
   */
  constructor(segment: Segment, clock: () => number, doorbell: Doorbell, events: SequencerEvents) {
    const { words, layout } = segment;
    const state = readState(segment);
    this.#segment = segment;
    this.#doorbell = doorbell;
    this.#events = events;
    this.#clock = clock;
    this.#orderEntries = layout.geometry.orderEntries;
    this.#runs = new Runs(this.#orderEntries);
    this.#keeping = words.get(HeaderWord.keeping);
    this.#keeper = state.keeper;
    this.#kept = state.kept;
    this.#sequence = state.sequence;
    this.#published = (state.sequence % UINT32_SPAN) | 0;
    this.#minConsumed = state.minConsumed;
    this.#timeMs = state.timeMs;
    this.#pressure = words.get(layout.pressure) === 1;
    this.#servers = new Servers(
      segment,
      state.delivered,
      (process) => this.#consumed(process),
      (process, reason) => this.#violate(process, reason),
    );
    const ring = (process: number): void => this.#ring(process);
    this.#probes = new Probes(segment, this.#slots, ring, (process) => events.onHung(process));
    for (const { end, process, position } of state.runs) this.#runs.push(end, process, position);
    for (const [process, slot] of state.slots.entries()) {
      words.set(layout.slot(process, SlotWord.ordered), slot.ordered);
      words.store(layout.slot(process, SlotWord.limit), slot.limit);
      this.#slots.push({ ...slot, rang: 0, isAsked: false, probesMissed: 0 });
    }
    words.set(layout.settled, this.#published);
    // Our predecessor may have died while it named one: whoever gets that slot is not meant.
    words.set(layout.keeper, this.#keeper === undefined ? 0 : this.#keeper + 1);
    for (const [process, { generation, joined, violation }] of this.#slots.entries()) {
      // Nobody knows whether our predecessor still had it ended.
      if (generation !== 0 && violation !== undefined) events.onViolation(process, violation);
      if (joined && process !== SEQUENCER && process !== this.#keeper) this.serve(process);
    }
  }

  /** The sequence number that the next record gets. */
  get sequence(): number {
    return this.#sequence;
  }

  /** In milliseconds since 1970: no record that comes is earlier. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** In a log with a keeper: the first sequence number that is kept for it, whether one lives or not. */
  get kept(): number {
    return this.#sequenceAt(this.#kept);
  }

  /** Whether some process is the keeper now. */
  get hasKeeper(): boolean {
    return this.#keeper !== undefined;
  }

  /** Gives a slot to a new process, whose records are ordered from now on. Its former owner is known to be dead. */
  admit(process: number, { keeper = false, early = false }: Admission = {}): number {
    const { words, layout } = this.#segment;
    const slot = this.#slot(process);
    assert(slot.generation === 0 && !this.hasUnordered(process), `slot ${process} is taken`);
    if (slot.violation !== undefined) {
      // Nobody reads its ring any more: the next owner starts where this one stopped, whatever it left there.
      slot.ordered = publishedBy(this.#segment, process);
      slot.limit = slot.ordered;
      words.set(layout.slot(process, SlotWord.ordered), slot.ordered);
      words.store(layout.slot(process, SlotWord.limit), slot.limit);
    }
    if (keeper) {
      assert(this.#keeping !== Keeping.none, "the log was made without a keeper");
      assert(this.#keeper === undefined, "the log has a keeper");
      this.#keeper = process;
      words.set(layout.keeper, process + 1);
    }
    words.set(layout.slot(process, SlotWord.early), early ? 1 : 0);
    slot.generation = nextGeneration(this.#segment, process);
    slot.early = early;
    slot.joined = false;
    slot.violation = undefined;
    slot.rang = 0;
    slot.isAsked = false;
    slot.probesMissed = 0;
    words.store(layout.slot(process, SlotWord.generation), slot.generation);
    return slot.generation;
  }

  /**
   * Takes a slot back from a process that is known to be dead. What it had published is ordered first; its claim on
   * space ends at once. Only the keeper's stays, for the next keeper; and that of a process that served somebody, until
   * it is `inherited`.
   */
  release(process: number): void {
    const slot = this.#slot(process);
    assert(slot.generation !== 0, `slot ${process} is free`);
    // Ordering may wait for readers: then the rest is ordered later, from the slot's ring as it stands.
    this.#order(process, Number.MAX_SAFE_INTEGER);
    this.#free(process);
    this.#publishTail();
  }

  /** All processes are known to be dead: nothing but the keeper's claim holds the log back any more. */
  releaseAll(): void {
    this.#servers.clear();
    for (const [process, { generation }] of this.#slots.entries()) if (generation !== 0) this.#free(process);
  }

  #free(process: number): void {
    const slot = this.#slot(process);
    const { words, layout } = this.#segment;
    if (process === this.#keeper) {
      this.#followKeeper();
      this.#keeper = undefined;
      words.set(layout.keeper, 0);
    }
    this.#servers.bequeath(process, this.#published);
    slot.joined = false;
    // In this order: where we end in between, a successor must not take it for one that wants to be let in.
    words.store(layout.slot(process, SlotWord.generation), -slot.generation);
    words.store(layout.slot(process, SlotWord.joined), 0);
    slot.generation = 0;
  }

  /** A reader serves somebody from now on: who follows what is delivered gets nothing that it has not consumed. */
  serve(process: number): void {
    const slot = this.#slot(process);
    assert(slot.joined, `process ${process} does not read, and cannot serve anybody`);
    assert(process !== SEQUENCER && process !== this.#keeper, `process ${process} has another role`);
    this.#servers.add(process, slot.generation, this.#minConsumed, this.#published);
  }

  /** Whether a living process counts as one that serves somebody. */
  serves(process: number): boolean {
    return this.#servers.position(process) !== undefined;
  }

  /** A process serves nobody any more, or never did. */
  standDown(process: number): void {
    this.#servers.remove(process);
  }

  /** What a dead process served is others' by now, who read, no further than it had. Nothing is kept for it then. */
  inherited(process: number, generation: number): void {
    this.#servers.inherit(process, generation);
  }

  /**
   * The sequence number after the last record that a process had consumed that serves somebody, or that died while it
   * did and is not inherited. Of a dead one it is final.
   */
  servedThrough(process: number, generation: number): number {
    return this.#sequenceAt(this.#servers.through(process, generation, this.#published));
  }

  /** The keeper is dead, and nobody waits for the next one: until that reads, the log goes on as if there were none. */
  letKeeperGo(): void {
    assert(this.#keeper === undefined, "a keeper that lives is not let go");
    this.#isLetGo = true;
  }

  /** For recovery, which stands in for the keeper: everything before `sequence` is stored. */
  keepFrom(sequence: number): void {
    assert(this.#keeper === undefined, "the keeper says itself what it has consumed");
    assert(sequence >= this.kept && sequence <= this.#sequence, `kept from ${sequence}, not ${this.kept}`);
    this.#setKept((sequence % UINT32_SPAN) | 0);
  }

  /**
   * Whether records that the process had published before it died still wait for room in the order ring; or, where it
   * was cut off, whether records that were ordered before still wait for a reader. The slot is not free until then.
   */
  hasUnordered(process: number): boolean {
    const slot = this.#slot(process);
    return slot.violation === undefined
      ? publishedBy(this.#segment, process) !== slot.ordered
      : this.#runs.includes(process);
  }

  /** One turn: orders what was published, lets waiting processes in, reclaims, rings. Returns the work done. */
  step(): number {
    let work = this.#letIn() + this.#reclaim();
    const count = this.#slots.length;
    for (let round = 0; round < ROUNDS_PER_TURN; round += 1) {
      let ordered = 0;
      for (let i = 0; i < count; i += 1) ordered += this.#order((this.#turn + i) % count, RECORDS_PER_WRITER);
      this.#turn = (this.#turn + 1) % count;
      this.#publishTail();
      work += ordered;
      // Whoever has more had to stop at its share.
      if (ordered < RECORDS_PER_WRITER) break;
    }
    // Room that came after ordering has to be looked at again: who was refused it rings nobody a second time.
    work += this.#reclaim();
    work += this.#relieve();
    this.#wake();
    return work;
  }

  wakeUp(): void {
    const { words, layout } = this.#segment;
    const epoch = words.get(layout.sleepEpoch);
    if ((epoch & 1) === 1) words.store(layout.sleepEpoch, (epoch + 1) | 0);
  }

  /** Says "asleep", then takes one more whole turn: what came before is seen there, what comes after rings. */
  fallAsleep(): boolean {
    const { words, layout } = this.#segment;
    const epoch = words.get(layout.sleepEpoch);
    if ((epoch & 1) === 0) words.store(layout.sleepEpoch, (epoch + 1) | 0);
    if (this.step() === 0) return true;
    this.wakeUp();
    return false;
  }

  /**
   * Asks for signs of life, once in each of the caller's ticks, and ends the wait for processes that gave none for
   * `PROBES_MISSED_MAX` of them. Who is awake is asked, and who did not wake when its bell was rung; a process that
   * sleeps and has nothing to do is left asleep, but for once in `SLEEPER_PROBE_TICKS`, and when there is a suspicion.
   */
  probe(): void {
    this.#probes.tick();
  }

  /** Some process may have stopped: the next `probe` asks them all. */
  suspect(): void {
    this.#probes.suspect();
  }

  /** What there is to know of a slot, for those who look. */
  inspect(process: number): SlotReport {
    const slot = this.#slot(process);
    const lag = slot.joined ? (this.#published - this.#consumed(process)) | 0 : 0;
    return {
      generation: slot.generation,
      joined: slot.joined,
      orderedBytes: slot.ordered >>> 0,
      lagRecords: lag,
    };
  }

  /** The sequence number of an order position, which the next one is not far from. */
  #sequenceAt(position: number): number {
    return this.#sequence - ((((this.#sequence % UINT32_SPAN) | 0) - position) | 0);
  }

  #slot(process: number): Slot {
    const slot = this.#slots[process];
    assert(slot !== undefined, `there is no slot ${process}`);
    return slot;
  }

  /** Processes that have mapped their pages since become readers, each from where it is to. */
  #letIn(): number {
    const { words, layout } = this.#segment;
    let work = 0;
    this.#slots.forEach((slot, process) => {
      if (slot.generation === 0 || slot.joined) return;
      if (words.load(layout.process(process, ProcessWord.attached)) !== slot.generation) return;
      this.#publishTail();
      slot.joined = true;
      if (process === this.#keeper) this.#isLetGo = false;
      const early = slot.early ? this.#minConsumed : this.#published;
      slot.joinAt = process === this.#keeper ? this.#kept : early;
      const sequence = this.#sequenceAt(slot.joinAt);
      words.set(layout.slot(process, SlotWord.joinAtLow), slot.joinAt);
      words.set(layout.slot(process, SlotWord.joinAtHigh), Math.floor(sequence / UINT32_SPAN));
      words.store(layout.slot(process, SlotWord.joined), slot.generation);
      this.#ring(process);
      this.#events.onJoined?.(process, sequence);
      work += 1;
    });
    return work;
  }

  /** Orders at most `limit` records of one process. */
  #order(process: number, limit: number): number {
    const { words, layout } = this.#segment;
    const slot = this.#slots[process]!;
    const published = publishedBy(this.#segment, process);
    let position = slot.ordered;
    if (published === position || slot.violation !== undefined) return 0;
    const { ringBytes } = layout.geometry;
    const ringMask = ringBytes - 1;
    const ring = layout.ringOffsetBytes(process) / WORD_BYTES;
    const generation = Math.abs(words.get(layout.slot(process, SlotWord.generation)));
    if ((published - slot.limit) >>> 0 > ringBytes)
      return this.#violate(process, "published beyond its ring");
    if (((published - position) | 0) < 0) return this.#violate(process, "took back what it had published");

    const timeMs = Math.max(this.#timeMs, this.#clock());
    const timeLow = (timeMs % UINT32_SPAN) | 0;
    const timeHigh = Math.floor(timeMs / UINT32_SPAN);
    const sequenceHigh = Math.floor(this.#sequence / UINT32_SPAN);
    const first = (this.#sequence % UINT32_SPAN) | 0;
    const free = this.#orderEntries - ((first - this.#minConsumed) | 0);
    // The upper half of the sequence number is the same for the whole run: it ends where that changes.
    const toCarry = UINT32_SPAN - (first >>> 0);
    // The last published entry stays until the next ones are: it tells a successor the whole number, and the time.
    const toPublish = this.#orderEntries - 1 - ((first - this.#published) | 0);
    const most = Math.min(limit, free, toCarry, toPublish);
    let count = 0;
    while (count < most && position !== published) {
      const offset = position & ringMask;
      const header = ring + (offset >>> TO_WORDS);
      const length = words.get(header + Header.length);
      const kind = words.get(header + Header.kind);
      const toEnd = ringBytes - offset;
      if (kind === PADDING) {
        if (length !== toEnd || length > ((published - position) | 0) >>> 0) {
          this.#violate(process, "padding that does not end its ring");
          break;
        }
        position = (position + length) | 0;
        continue;
      }
      const bytes = bytesOfRecord(length);
      if (
        length < 0 ||
        length > layout.payloadBytesMax ||
        bytes > toEnd ||
        bytes > (published - position) >>> 0 ||
        kind < 0 ||
        kind > 0xffff ||
        words.get(header + Header.generation) !== generation
      ) {
        this.#violate(process, `a record header that cannot be: length ${length}, kind ${kind}`);
        break;
      }
      const at = (first + count) | 0;
      const entry = layout.orderRing + (at & (this.#orderEntries - 1)) * ENTRY_WORDS;
      words.set(entry + Order.sequenceLow, at);
      words.set(entry + Order.sequenceHigh, sequenceHigh);
      words.set(entry + Order.kindAndProcess, (kind << 16) | process);
      words.set(entry + Order.position, position);
      words.set(entry + Order.length, length);
      words.set(entry + Order.room, words.get(header + Header.room));
      words.set(entry + Order.timeLow, timeLow);
      words.set(entry + Order.timeHigh, timeHigh);
      position = (position + bytes) | 0;
      this.#events.onOrdered?.(process, kind, this.#sequence + count);
      count += 1;
    }
    slot.ordered = position;
    this.#sequence += count;
    if (count > 0) {
      this.#timeMs = timeMs;
      this.#runs.push((first + count) | 0, process, position);
      this.#unsettled.push(process);
    }
    return count;
  }

  #violate(process: number, reason: string): number {
    const slot = this.#slots[process]!;
    if (slot.violation !== undefined) return 0;
    slot.violation = reason;
    const { words, layout } = this.#segment;
    words.set(
      layout.slot(process, SlotWord.cutOff),
      Math.abs(words.get(layout.slot(process, SlotWord.generation))),
    );
    this.#events.onViolation(process, reason);
    return 0;
  }

  #publishTail(): void {
    const tail = (this.#sequence % UINT32_SPAN) | 0;
    if (tail === this.#published) return;
    const { words, layout } = this.#segment;
    words.store(layout.tail, tail);
    this.#published = tail;
    // In this order: whoever finds us dead in between takes from the entries what is not settled.
    for (const process of this.#unsettled)
      words.set(layout.slot(process, SlotWord.ordered), this.#slots[process]!.ordered);
    this.#unsettled.length = 0;
    words.set(layout.settled, tail);
  }

  /** Order position up to which a reader has read; where it was let in, until it says more. */
  #consumed(process: number): number {
    const { words, layout } = this.#segment;
    const slot = this.#slots[process]!;
    return words.load(layout.process(process, ProcessWord.reading)) === slot.generation
      ? words.load(layout.process(process, ProcessWord.consumed))
      : slot.joinAt;
  }

  /** Takes note of what the keeper has consumed: before any of that is overwritten. Returns 1 for news, or 0. */
  #followKeeper(): number {
    if (this.#keeper === undefined || !this.#slots[this.#keeper]!.joined) {
      if (!this.#isLetGo || this.#kept === this.#published) return 0;
      this.#setKept(this.#published);
      return 1;
    }
    const consumed = this.#consumed(this.#keeper);
    const more = (consumed - this.#kept) | 0;
    // What cannot be is complained of where everybody's is looked at.
    if (more <= 0 || more > ((this.#published - this.#kept) | 0)) return 0;
    this.#setKept(consumed);
    return 1;
  }

  #setKept(position: number): void {
    const { words, layout } = this.#segment;
    this.#kept = position;
    if (this.#keeping === Keeping.keeperFirst) words.store(layout.kept, position);
    else words.set(layout.kept, position);
  }

  /** Gives writers back the space of what every reader has consumed. Returns 1 where there was news, or 0. */
  #reclaim(): number {
    const { words, layout } = this.#segment;
    const news = this.#followKeeper();
    const end = this.#keeping === Keeping.keeperFirst ? this.#kept : this.#published;
    this.#servers.deliver(end, this.#published);
    let least = (this.#published - this.#minConsumed) | 0;
    if (least === 0 && this.#runs.isEmpty) return news;
    if (this.#keeping !== Keeping.none) least = Math.min(least, (this.#kept - this.#minConsumed) | 0);
    least = this.#servers.leastBequest(this.#minConsumed, least);
    for (let process = 0; process < this.#slots.length; process += 1) {
      const slot = this.#slots[process]!;
      if (!slot.joined) continue;
      // Of a process that serves only what is delivered by that, too.
      const consumed = this.#servers.position(process) ?? this.#consumed(process);
      const ahead = (consumed - this.#minConsumed) | 0;
      if (ahead >= 0 && ahead <= ((this.#published - this.#minConsumed) | 0)) least = Math.min(least, ahead);
      else this.#violate(process, "consumed what was not there");
    }
    this.#minConsumed = (this.#minConsumed + least) | 0;
    words.set(layout.reclaimed, this.#minConsumed);
    const changed = this.#changedLimits;
    while (!this.#runs.isEmpty && ((this.#minConsumed - this.#runs.end) | 0) >= 0) {
      this.#slots[this.#runs.process]!.limit = this.#runs.position;
      changed.add(this.#runs.process);
      this.#runs.shift();
    }
    for (const process of changed)
      words.store(layout.slot(process, SlotWord.limit), this.#slots[process]!.limit);
    changed.clear();
    return least > 0 ? 1 : news;
  }

  /** Wakes writers that have room again, and asks readers to call while somebody still waits for them. */
  #relieve(): number {
    const { words, layout } = this.#segment;
    const outstanding = (this.#published - this.#minConsumed) | 0;
    let waiting = outstanding >= this.#orderEntries;
    for (let process = 0; process < this.#slots.length; process += 1) {
      const slot = this.#slots[process]!;
      if (slot.generation === 0) {
        // A slot whose owner was cut off is free when what was ordered of it has been read.
        waiting ||= slot.violation !== undefined && this.#runs.includes(process);
        continue;
      }
      if (words.load(layout.process(process, ProcessWord.blocked)) === 0) continue;
      const wanted = words.get(layout.process(process, ProcessWord.wanted));
      if (((slot.limit - wanted) | 0) >= 0) this.#ring(process);
      else waiting = true;
    }
    if (!waiting) {
      if (this.#pressure) words.store(layout.pressure, 0);
      this.#pressure = false;
      return 0;
    }
    // Half of what is outstanding: few calls while much is to be read, and exactness when little is left.
    const wakeAt = (this.#minConsumed + Math.max(1, outstanding >> 1)) | 0;
    if (this.#pressure && words.get(layout.wakeAt) === wakeAt) return 0;
    words.set(layout.wakeAt, wakeAt);
    words.store(layout.pressure, 1);
    const news = !this.#pressure;
    this.#pressure = true;
    // Readers may have passed the mark before they could see it: then nobody would ring, so look once more.
    return news ? 1 : 0;
  }

  /** Rings those that sleep and have something to read. Who is not attentive is left in peace until it is a burden. */
  #wake(): void {
    const { words, layout } = this.#segment;
    const patience = this.#orderEntries >> 2;
    for (let process = 0; process < this.#slots.length; process += 1) {
      if (!this.#slots[process]!.joined) continue;
      const lag = this.#unread(process);
      if (lag <= 0) continue;
      const attentive = words.load(layout.process(process, ProcessWord.attentive)) === 1;
      if (attentive || this.#pressure || lag > patience) this.#ring(process);
    }
  }

  /** How many records there are for a reader that it has not read. Below 0 where it is ahead of what it may read. */
  #unread(process: number): number {
    const { words, layout } = this.#segment;
    const following = words.load(layout.process(process, ProcessWord.following));
    if (following === Following.nothing) return 0;
    const isReading =
      words.load(layout.process(process, ProcessWord.reading)) === this.#slots[process]!.generation;
    // When it consumes has its own reasons; to wake it for what it has read would be in vain.
    const read = isReading
      ? words.load(layout.process(process, ProcessWord.read))
      : this.#slots[process]!.joinAt;
    if (process === this.#keeper) return (this.#published - read) | 0;
    if (following === Following.delivered) return (this.#servers.delivered - read) | 0;
    return ((this.#keeping === Keeping.keeperFirst ? this.#kept : this.#published) - read) | 0;
  }

  /** Rings the bell of a process that sleeps, once for each sleep. */
  #ring(process: number): void {
    const { words, layout } = this.#segment;
    const slot = this.#slots[process]!;
    const epoch = words.load(layout.process(process, ProcessWord.sleepEpoch));
    if ((epoch & 1) === 0 || epoch === slot.rang) return;
    slot.rang = epoch;
    this.#bells = (this.#bells + 1) | 0;
    words.set(layout.bells, this.#bells);
    this.#doorbell.ring(process);
  }
}
