/*
 * The log's own code in every interleaving of its actors, on a memory with store buffers: no wake-up is lost, and
 * every record is read whole and in order. And on machines that are broken in one place: there it must be found.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import {
  AgentLoop,
  LogMember,
  type RecordHandler,
  type Segment,
  Sequencer,
  type Sleeper,
} from "../../src/log/index.ts";
import { type Geometry, Layout, ProcessWord } from "../../src/log/layout.ts";
import { formatSegment } from "../../src/log/segment.ts";
import { Explorer, type Outcome, type Run, type Scenario } from "./explorer.ts";
import { ModelWords, type Mutation } from "./memory.ts";

const STATES_MAX = 2_000_000;
const KIND = 7;

interface Actor {
  readonly words: ModelWords;
  readonly segment: Segment;
}

/** Sequencer and members over one model memory, joined, with nothing in the log. */
class World {
  readonly memory: ArrayBuffer;
  readonly actors: Actor[] = [];
  readonly sequencer: Sequencer;
  readonly members: LogMember[] = [];

  constructor(geometry: Geometry, mutation: Mutation, readers: readonly number[]) {
    const layout = new Layout(geometry);
    this.memory = new ArrayBuffer(layout.totalBytes);
    for (let process = 0; process < geometry.processes; process += 1) {
      const { offset, length } = layout.writable(process);
      const isOwn = (index: number): boolean => index * 4 >= offset && index * 4 < offset + length;
      const words = new ModelWords(this.memory, isOwn, mutation);
      if (process === 0) formatSegment(words, geometry);
      this.actors.push({ words, segment: { words, layout } });
    }
    const fail = (process: number, reason: string): never => {
      throw new Error(`process ${process}: ${reason}`);
    };
    const events = { onViolation: fail, onHung: (process: number) => fail(process, "hung") };
    this.sequencer = new Sequencer(this.actors[0]!.segment, 1, () => 0, this.#doorbell(0), events);
    for (let process = 0; process < geometry.processes; process += 1) {
      const generation = this.sequencer.admit(process);
      this.members.push(
        new LogMember(this.actors[process]!.segment, process, generation, this.#doorbell(process)),
      );
    }
    for (const process of readers) this.members[process]!.attach();
    this.sequencer.step();
    for (const process of readers) this.members[process]!.poll(ignore);
    this.sequencer.step();
  }

  #doorbell(actor: number): { ring(process: number): void } {
    return { ring: (process) => this.actors[actor]!.words.ring(process) };
  }

  /** Puts records into the log before we look: ordered, and read by nobody. */
  fill(process: number, values: readonly number[]): void {
    for (const value of values) append(this.members[process]!, value);
    this.members[process]!.publish();
    while (this.sequencer.step() > 0);
  }

  /** Turns of an actor as its process takes them: a step, then sleep where there is nothing to do. */
  run(actor: number, sleepers: readonly Sleeper[], step: () => void, progress: () => number): Run {
    const { words } = this.actors[actor]!;
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

  runSequencer(): Run {
    return this.run(
      0,
      [this.sequencer],
      () => this.sequencer.step(),
      () => this.sequencer.sequence - 1,
    );
  }

  /** A member that appends the values one by one, each as soon as there is room, and publishes after each. */
  runWriter(process: number, values: readonly number[]): Run {
    const member = this.members[process]!;
    let next = 0;
    const step = (): void => {
      while (next < values.length && !member.isBlocked && append(member, values[next]!) >= 0) {
        next += 1;
        member.publish();
      }
    };
    return this.run(process, [member], step, () => next);
  }

  /** A member that reads `limit` records a turn and expects the values 1, 2, 3 … in the records 1, 2, 3 … */
  runReader(process: number, limit: number): Run {
    const member = this.members[process]!;
    let read = 0;
    const handler: RecordHandler = (record) => {
      read += 1;
      assert.deepEqual(
        [record.sequence, record.kind, record.room, record.bytes[record.start]],
        [read, KIND, read + 100, read],
      );
    };
    return this.run(
      process,
      [member],
      () => member.poll(handler, limit),
      () => read,
    );
  }
}

const ignore: RecordHandler = () => undefined;
let recordLength = 1;

function append(member: LogMember, value: number): number {
  const offset = member.claim(recordLength);
  if (offset < 0) return offset;
  member.segment.words.bytes[offset] = value;
  return member.commit(KIND, value + 100);
}

function geometry(processes: number, orderEntries = 4): Geometry {
  return { processes, ringBytes: 256, orderEntries, pageBytes: 4096 };
}

const layout2 = new Layout(geometry(2));
const layout3 = new Layout(geometry(3, 8));

/** A writer and the sequencer: a published record is ordered, however close the sequencer was to sleep. */
function writerAndSequencer(records: number): Scenario {
  const values = Array.from({ length: records }, (_, i) => i + 1);
  return {
    actors: ["sequencer", "writer"],
    build(mutation) {
      recordLength = 1;
      const world = new World(geometry(2), mutation, []);
      return { runs: [world.runSequencer(), world.runWriter(1, values)], memory: world.memory };
    },
    check: ([ordered]) => (ordered === records ? undefined : `${ordered} of ${records} records were ordered`),
  };
}

/** The sequencer, which writes records itself, and a reader: an ordered record is read. */
function sequencerAndReader(records: number, limit: number): Scenario {
  return {
    actors: ["sequencer", "reader"],
    build(mutation) {
      recordLength = 1;
      const world = new World(geometry(2), mutation, [1]);
      const member = world.members[0]!;
      let appended = 0;
      const step = (): void => {
        if (appended < records) {
          appended += 1;
          append(member, appended);
          member.publish();
        }
        world.sequencer.step();
      };
      const unwritten: Sleeper = { wakeUp: () => undefined, fallAsleep: () => appended === records };
      const sequencer = world.run(0, [world.sequencer, unwritten], step, () => appended);
      return { runs: [sequencer, world.runReader(1, limit)], memory: world.memory };
    },
    check: ([, read]) => (read === records ? undefined : `${read} of ${records} records were read`),
  };
}

/** A process that asks to be let in, while the sequencer is about to sleep, and is. */
const joining: Scenario = {
  actors: ["sequencer", "reader"],
  build(mutation) {
    recordLength = 1;
    const world = new World(geometry(2), mutation, []);
    const member = world.members[1]!;
    let attached = false;
    const step = (): void => {
      if (!attached) member.attach();
      attached = true;
      member.poll(ignore);
    };
    const reader = world.run(1, [member], step, () => (member.isReading ? 1 : 0));
    return { runs: [world.runSequencer(), reader], memory: world.memory };
  },
  check: ([, reading]) => (reading === 1 ? undefined : "it was never let in"),
};

/** The ring or the order ring is full, a writer has more to say, and the reader is slow. */
function everybody(
  length: number,
  orderEntries: number,
  before: number,
  after: number,
  limit: number,
): Scenario {
  const all = Array.from({ length: before + after }, (_, i) => i + 1);
  return {
    actors: ["sequencer", "writer", "reader"],
    build(mutation) {
      recordLength = length;
      const world = new World(geometry(3, orderEntries), mutation, [2]);
      world.fill(1, all.slice(0, before));
      const runs = [world.runSequencer(), world.runWriter(1, all.slice(before)), world.runReader(2, limit)];
      return { runs, memory: world.memory };
    },
    check: ([, , read]) => (read === all.length ? undefined : `${read} of ${all.length} records were read`),
  };
}

/** Four of them fill a ring. */
const QUARTER_RING_BYTES = 48;

const SCENARIOS: readonly [string, Scenario][] = [
  ["writer and sequencer", writerAndSequencer(2)],
  ["sequencer and reader, record by record", sequencerAndReader(2, 1)],
  ["sequencer and reader, all at once", sequencerAndReader(2, 8)],
  ["sequencer and a process that wants to read", joining],
  ["one record through all three", everybody(1, 8, 0, 1, 1)],
  [
    "a full ring, a blocked writer, a reader that takes one record a turn",
    everybody(QUARTER_RING_BYTES, 8, 4, 1, 1),
  ],
  [
    "a full ring, a blocked writer, a reader that takes two records a turn",
    everybody(QUARTER_RING_BYTES, 8, 4, 1, 2),
  ],
  ["a full ring, a blocked writer, a reader that takes all", everybody(QUARTER_RING_BYTES, 8, 4, 1, 8)],
  ["a full order ring, a reader that takes one record a turn", everybody(1, 4, 4, 1, 1)],
  ["a full order ring, a reader that takes three records a turn", everybody(1, 4, 4, 1, 3)],
];

function explain({ fault }: Outcome): string {
  return fault === undefined ? "" : `${fault.reason}\n  ${fault.trace.join("\n  ")}`;
}

suite("every interleaving", () => {
  for (const [name, scenario] of SCENARIOS) {
    test(name, (t) => {
      const outcome = new Explorer(scenario).explore(STATES_MAX, Number(process.env.PRE ?? 2));
      t.diagnostic(`${outcome.states} states${outcome.isAll ? ", all" : ""}, ${outcome.ends} ends`);
      assert.equal(outcome.fault, undefined, explain(outcome));
      assert.ok(outcome.ends > 0, "somewhere it must come to rest");
    });
  }
});

suite("every mutation is found", () => {
  const word2 = (word: number): number => layout2.process(1, word);
  const is = (index: number) => (other: number) => other === index;
  const mutations: readonly [string, Scenario, Mutation][] = [
    ["the sequencer's sleep without a fence", writerAndSequencer(1), { unfenced: is(layout2.sleepEpoch) }],
    [
      "a writer's publication without a fence",
      writerAndSequencer(1),
      { unfenced: is(word2(ProcessWord.published)) },
    ],
    [
      "a writer's publication before its record",
      writerAndSequencer(1),
      { early: is(word2(ProcessWord.published)) },
    ],
    [
      "a reader's sleep without a fence",
      sequencerAndReader(2, 1),
      { unfenced: is(word2(ProcessWord.sleepEpoch)) },
    ],
    ["the tail without a fence", sequencerAndReader(2, 1), { unfenced: is(layout2.tail) }],
    ["the tail before its entries", sequencerAndReader(2, 1), { early: is(layout2.tail) }],
    ["a process's wish to join without a fence", joining, { unfenced: is(word2(ProcessWord.attached)) }],
    [
      "a blocked writer's sleep without a fence",
      everybody(QUARTER_RING_BYTES, 8, 4, 1, 8),
      { unfenced: is(layout3.process(1, ProcessWord.sleepEpoch)) },
    ],
    [
      "a reader's progress without a fence",
      everybody(QUARTER_RING_BYTES, 8, 4, 1, 8),
      { unfenced: is(layout3.process(2, ProcessWord.consumed)) },
    ],
  ];
  for (const [name, scenario, mutation] of mutations) {
    test(name, () => {
      const { fault } = new Explorer(scenario, mutation).explore(STATES_MAX, Number(process.env.PRE ?? 2));
      assert.ok(fault !== undefined, "the explorer saw nothing");
    });
  }
});
