import assert from "node:assert/strict";
import {
  AgentLoop,
  LogMember,
  type RecordHandler,
  type Segment,
  Sequencer,
  type Sleeper,
} from "../../src/log/index.ts";
import {
  type Geometry,
  Layout,
  ORDER_ENTRY_WORDS,
  OrderWord,
  ProcessWord,
  SlotWord,
  WORD_BYTES,
} from "../../src/log/layout.ts";
import { formatSegment } from "../../src/log/segment.ts";
import type { Run } from "./explorer.ts";
import { ModelWords, type Mutation } from "./memory.ts";

const KIND = 7;

/** Of a slot's first owner. */
const FIRST_GENERATION = 1;

/** Sequence numbers and positions pass the end of 32 bits on the way; a ring has room for 4 records of 64 bytes. */
export const FIRST_SEQUENCE: number = 2 ** 32 - 2;
export const START_POSITION = -64;

/** One for all: there is one world at a time, and millions of them. */
const MEMORY = new ArrayBuffer(65_536);

export interface Keeping {
  /** The process that is the keeper. */
  readonly keeper: number;
  /** Whether the others read only what it has consumed. */
  readonly isFirst: boolean;
  /** The process that becomes the keeper when that one has died. */
  readonly next?: number;
}

interface Actor {
  readonly words: ModelWords;
  readonly segment: Segment;
}

/** Sequencer and members over one model memory, joined, with nothing in the log. Each member is one actor. */
export class World {
  readonly memory: ArrayBuffer = MEMORY;
  readonly layout: Layout;
  readonly sequencer: Sequencer;
  readonly members: readonly LogMember[];
  readonly #actors: Actor[] = [];
  readonly #recordLength: number;

  /**
   * @param readers the processes that are let in
   * @param recordLength of each payload, in bytes
   */
  constructor(
    geometry: Geometry,
    mutation: Mutation,
    readers: readonly number[],
    recordLength = 1,
    keeping?: Keeping,
  ) {
    new Uint8Array(MEMORY).fill(0);
    this.layout = new Layout(geometry);
    this.#recordLength = recordLength;
    const processes = Array.from({ length: geometry.processes }, (_, process) => process);
    for (const process of processes) {
      const { offset, length } = this.layout.writable(process);
      const isOwn = (index: number): boolean =>
        index * WORD_BYTES >= offset && index * WORD_BYTES < offset + length;
      const words = new ModelWords(MEMORY, isOwn, mutation);
      if (process === 0) {
        formatSegment(words, geometry, {
          firstSequence: FIRST_SEQUENCE,
          startPosition: START_POSITION,
          keeper: keeping !== undefined,
          deliverAfterKeeper: keeping?.isFirst === true,
        });
      }
      this.#actors.push({ words, segment: { words, layout: this.layout } });
    }
    const fail = (process: number, reason: string): never => {
      throw new Error(`process ${process}: ${reason}`);
    };
    const events = { onViolation: fail, onHung: (process: number) => fail(process, "hung") };
    const { segment } = this.#actors[0]!;
    this.sequencer = new Sequencer(segment, () => 0, this.#doorbell(0), events);
    this.members = processes.map((process) => {
      const { keeper, next } = keeping ?? {};
      const generation =
        process === next ? FIRST_GENERATION : this.sequencer.admit(process, { keeper: process === keeper });
      const consuming = process === keeper || process === next ? "explicit" : "automatic";
      const { segment } = this.#actors[process]!;
      return new LogMember(segment, process, generation, this.#doorbell(process), { consuming });
    });
    for (const process of readers) this.members[process]!.attach();
    this.sequencer.step();
    for (const process of readers) this.members[process]!.poll(ignore);
    this.sequencer.step();
  }

  #doorbell(actor: number): { ring(process: number): void } {
    return { ring: (process) => this.#actors[actor]!.words.ring(process) };
  }

  /** How many records are in the order. */
  get ordered(): number {
    return this.sequencer.sequence - FIRST_SEQUENCE;
  }

  /** Puts records into the log before we look: ordered, and read by nobody. */
  fill(process: number, values: readonly number[]): void {
    for (const value of values) this.append(this.members[process]!, value);
    this.members[process]!.publish();
    while (this.sequencer.step() > 0);
  }

  append(member: LogMember, value: number): number {
    const offset = member.claim(this.#recordLength);
    if (offset < 0) return offset;
    member.segment.words.bytes[offset] = value;
    return member.commit(KIND, value + 100);
  }

  /** Turns of an actor as its process takes them: a step, then sleep where there is nothing to do. */
  run(actor: number, sleepers: readonly Sleeper[], step: () => void, progress: () => number): Run {
    const { words } = this.#actors[actor]!;
    const program = (): void => {
      const deferred: (() => void)[] = [];
      const loop = new AgentLoop(step, sleepers, (callback) => deferred.push(callback));
      for (;;) {
        loop.turn();
        for (let callback = deferred.shift(); callback !== undefined; callback = deferred.shift()) callback();
        words.sleep();
      }
    };
    return { words, program, progress };
  }

  /**
   * The sequencer, which is told of a death as the supervisor tells it: after a turn, and in the next one again.
   * @param next the process that becomes the keeper then
   */
  runSequencer(mortal?: number, next?: number): Run {
    const { words } = this.#actors[0]!;
    let isReleased = mortal === undefined;
    const step = (): void => {
      this.sequencer.step();
      if (isReleased || words.load(deathWord(this.layout, mortal!)) === 0) return;
      this.sequencer.release(mortal!);
      isReleased = true;
      if (next === undefined) return;
      this.sequencer.admit(next, { keeper: true });
      // Its start.
      words.ring(next);
    };
    return this.run(0, [this.sequencer], step, () => this.ordered);
  }

  /** A member that appends the values one by one, each as soon as there is room, and publishes after each. */
  runWriter(process: number, values: readonly number[]): Run {
    const writer = this.#writer(process, values);
    return this.run(process, [this.members[process]!], writer.step, writer.progress);
  }

  /** The same, but it publishes at the end of each turn only, whatever it was refused meanwhile. */
  runLateWriter(process: number, values: readonly number[]): Run {
    const member = this.members[process]!;
    let next = 0;
    const step = (): void => {
      while (next < values.length && !member.isBlocked && this.append(member, values[next]!) >= 0) next += 1;
      member.publish();
    };
    return this.run(process, [member], step, () => next);
  }

  /** A member that reads `limit` records a turn and expects the values 1, 2, 3 … in the records 1, 2, 3 … */
  runReader(process: number, limit: number): Run {
    const member = this.members[process]!;
    let read = 0;
    const handler: RecordHandler = (record) => {
      const { sequence, kind, room, bytes, start, length } = record;
      const found = [sequence - FIRST_SEQUENCE, kind, room, length, bytes[start]];
      assert.deepEqual(found, [read, KIND, read + 101, this.#recordLength, read + 1]);
      read += 1;
    };
    return this.run(
      process,
      [member],
      () => member.poll(handler, limit),
      () => read,
    );
  }

  /**
   * The keeper, or the next one: it consumes what it has read in the turn after that. Its progress is what it has
   * consumed, and ten times the number of the record after the one that it began with.
   */
  runKeeper(process: number, limit: number): Run {
    const member = this.members[process]!;
    const generationWord = this.layout.slot(process, SlotWord.generation);
    let isAttached = member.isReading;
    let first: number | undefined;
    let consumed = 0;
    let read = 0;
    const handler: RecordHandler = ({ sequence, room, bytes, start }) => {
      const number = sequence - FIRST_SEQUENCE;
      first ??= number;
      assert.deepEqual([number, room, bytes[start]], [first + read, number + 101, number + 1]);
      read += 1;
    };
    const step = (): void => {
      if (!isAttached) {
        if (member.segment.words.load(generationWord) !== member.generation) return;
        isAttached = true;
        member.attach();
      }
      if (consumed < read) {
        consumed = read;
        member.consume(member.sequence!);
      }
      member.poll(handler, limit);
    };
    const unconsumed: Sleeper = { wakeUp: () => undefined, fallAsleep: () => consumed === read };
    return this.run(process, [member, unconsumed], step, () => consumed + 10 * ((first ?? -1) + 1));
  }

  /** A member that does both. Its progress is the values that it has read, as the digits of a number. */
  runWriterAndReader(process: number, values: readonly number[], limit: number): Run {
    const member = this.members[process]!;
    const writer = this.#writer(process, values);
    let read = 0;
    let digits = 0;
    const handler: RecordHandler = (record) => {
      const { sequence, room, bytes, start } = record;
      assert.deepEqual([sequence - FIRST_SEQUENCE, room - 100], [read, bytes[start]]);
      read += 1;
      digits = digits * 10 + bytes[start]!;
    };
    const step = (): void => {
      writer.step();
      member.poll(handler, limit);
    };
    return this.run(process, [member], step, () => digits);
  }

  #writer(process: number, values: readonly number[]): { step: () => void; progress: () => number } {
    const member = this.members[process]!;
    let next = 0;
    const step = (): void => {
      while (next < values.length && !member.isBlocked && this.append(member, values[next]!) >= 0) {
        next += 1;
        member.publish();
      }
    };
    return { step, progress: () => next };
  }
}

const ignore: RecordHandler = () => undefined;

/** A word of a process's page that nobody uses: 1 for the others once the process is dead. */
export function deathWord(layout: Layout, process: number): number {
  return layout.process(process, ProcessWord.bells) + 1;
}

/** What a word is called in a trace. */
export function nameWords(layout: Layout): (index: number) => string {
  const { processes, orderEntries, ringBytes } = layout.geometry;
  const names = new Map<number, string>();
  for (const name of [
    "tail",
    "sleepEpoch",
    "pressure",
    "wakeAt",
    "probe",
    "bells",
    "kept",
    "keeper",
    "delivered",
  ] as const) {
    names.set(layout[name], `the sequencer's ${name}`);
  }
  for (let entry = 0; entry < orderEntries; entry += 1) {
    for (const [name, word] of Object.entries(OrderWord)) {
      names.set(layout.orderRing + entry * ORDER_ENTRY_WORDS + word, `entry ${entry}'s ${name}`);
    }
  }
  for (let process = 0; process < processes; process += 1) {
    for (const [name, word] of Object.entries(SlotWord)) {
      names.set(layout.slot(process, word), `slot ${process}'s ${name}`);
    }
    for (const [name, word] of Object.entries(ProcessWord)) {
      names.set(layout.process(process, word), `process ${process}'s ${name}`);
    }
    names.set(deathWord(layout, process), `process ${process}'s death`);
    for (let offset = 0; offset < ringBytes; offset += WORD_BYTES) {
      names.set(
        (layout.ringOffsetBytes(process) + offset) / WORD_BYTES,
        `process ${process}'s ring at ${offset}`,
      );
    }
  }
  return (index) => names.get(index) ?? `byte ${index - MEMORY.byteLength / WORD_BYTES}`;
}
