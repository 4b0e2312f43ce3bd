/*
 * The log's own code in every interleaving of its actors, on a memory with store buffers: no wake-up is lost, and
 * every record is read whole and in order. And on machines that are broken in one place: there it must be found.
 */
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { RecordHandler, Sleeper } from "../../src/log/index.ts";
import { type Geometry, Layout, ProcessWord, recordBytes } from "../../src/log/layout.ts";
import { Explorer, type Outcome, type Scenario } from "./explorer.ts";
import type { Mutation } from "./memory.ts";
import { FIRST_SEQUENCE, START_POSITION, World, deathWord, nameWords } from "./world.ts";

/** So many take half a gigabyte. */
const STATES_MAX = 4_000_000;

/** Four of them fill a ring. */
const QUARTER_RING_BYTES = 48;

const ignore: RecordHandler = () => undefined;

function geometry(processes: number, orderEntries = 4): Geometry {
  return { processes, ringBytes: 256, orderEntries, pageBytes: 4096 };
}

const layout2 = new Layout(geometry(2));
const layout3 = new Layout(geometry(3, 8));
const layout3Small = new Layout(geometry(3));

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

/** A writer and the sequencer: a published record is ordered, however close the sequencer was to sleep. */
function writerAndSequencer(records: number): Scenario {
  return {
    actors: ["sequencer", "writer"],
    build(mutation) {
      const world = new World(geometry(2), mutation, []);
      return { runs: [world.runSequencer(), world.runWriter(1, numbers(records))], memory: world.memory };
    },
    nameOf: nameWords(layout2),
    check: ([ordered]) => (ordered === records ? undefined : `${ordered} of ${records} records were ordered`),
  };
}

/** The sequencer, which writes records itself, and a reader: an ordered record is read. */
function sequencerAndReader(records: number, limit: number): Scenario {
  return {
    actors: ["sequencer", "reader"],
    build(mutation) {
      const world = new World(geometry(2), mutation, [1]);
      const member = world.members[0]!;
      let appended = 0;
      const step = (): void => {
        if (appended < records) {
          appended += 1;
          world.append(member, appended);
          member.publish();
        }
        world.sequencer.step();
      };
      const unwritten: Sleeper = { wakeUp: () => undefined, fallAsleep: () => appended === records };
      const sequencer = world.run(0, [world.sequencer, unwritten], step, () => appended);
      return { runs: [sequencer, world.runReader(1, limit)], memory: world.memory };
    },
    nameOf: nameWords(layout2),
    check: ([, read]) => (read === records ? undefined : `${read} of ${records} records were read`),
  };
}

/** A process that asks to be let in, while the sequencer is about to sleep, and is. */
const joining: Scenario = {
  actors: ["sequencer", "reader"],
  build(mutation) {
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
  nameOf: nameWords(layout2),
  check: ([, reading]) => (reading === 1 ? undefined : "it was never let in"),
};

interface Crowd {
  /** Of each payload, in bytes: 1 where nothing is said. */
  readonly length?: number;
  /** 8 where nothing is said. */
  readonly orderEntries?: number;
  /** Records that are in the log before we look, and records that are written then. */
  readonly before: number;
  readonly after: number;
  /** How many the reader takes a turn. */
  readonly limit: number;
  readonly mortal?: "writer" | "reader";
  /** Whether the reader is the keeper, which consumes later than it reads. */
  readonly isKeeper?: boolean;
}

/** A writer, the sequencer, and a reader who is behind; the ring or the order ring may be full. One may die. */
function crowd({ length, orderEntries = 8, before, after, limit, mortal, isKeeper }: Crowd): Scenario {
  const all = before + after;
  const actors = ["sequencer", "writer", "reader"];
  const layout = new Layout(geometry(3, orderEntries));
  const process = mortal === undefined ? undefined : actors.indexOf(mortal);
  return {
    actors,
    build(mutation) {
      const keeping = isKeeper === true ? { keeper: 2, isFirst: false } : undefined;
      const world = new World(geometry(3, orderEntries), mutation, [2], length, keeping);
      world.fill(1, numbers(before));
      const writer = world.runWriter(1, numbers(all).slice(before));
      const reader = isKeeper === true ? world.runKeeper(2, limit) : world.runReader(2, limit);
      return { runs: [world.runSequencer(process), writer, reader], memory: world.memory };
    },
    nameOf: nameWords(layout),
    ...(process === undefined ? {} : { mortal: { actor: process, word: deathWord(layout, process) } }),
    check([ordered, , read], load) {
      const isDead = process !== undefined && load(deathWord(layout, process)) === 1;
      const writtenBytes = (load(layout.process(1, ProcessWord.published)) - START_POSITION) | 0;
      // So few records never reach the ring's end: there is no padding among them.
      const written = isDead && mortal === "writer" ? writtenBytes / recordBytes(length ?? 1) : all;
      if (ordered !== written) return `${ordered} of ${written} records were ordered`;
      const expected = isKeeper === true ? written + 10 : written;
      if (read === expected || (isDead && mortal === "reader")) return undefined;
      return `${read} of ${expected} records were read`;
    },
  };
}

/** The sequencer, which writes records itself, the keeper, and a reader that is given what the keeper has consumed. */
function keeperFirst(records: number, limit: number): Scenario {
  return {
    actors: ["sequencer", "keeper", "reader"],
    build(mutation) {
      const world = new World(geometry(3), mutation, [1, 2], 1, { keeper: 1, isFirst: true });
      world.fill(0, numbers(records));
      const runs = [world.runSequencer(), world.runKeeper(1, limit), world.runReader(2, 8)];
      return { runs, memory: world.memory };
    },
    nameOf: nameWords(layout3Small),
    check: ([, kept, read]) =>
      kept === records + 10 && read === records ? undefined : `${kept} were kept and ${read} were read`,
  };
}

/** A keeper that may die, and the next one, which begins where that one had consumed. */
function handover(records: number): Scenario {
  const [first, next] = [1, 2];
  return {
    actors: ["sequencer", "keeper", "next keeper"],
    build(mutation) {
      const keeping = { keeper: first, isFirst: false, next };
      const world = new World(geometry(3), mutation, [first], 1, keeping);
      world.fill(0, numbers(records));
      const runs = [world.runSequencer(first, next), world.runKeeper(first, 1), world.runKeeper(next, 8)];
      return { runs, memory: world.memory };
    },
    nameOf: nameWords(layout3Small),
    mortal: { actor: first, word: deathWord(layout3Small, first) },
    check([, one, two], load) {
      if (load(deathWord(layout3Small, first)) === 0)
        return one === records + 10 ? undefined : `the keeper has consumed ${one}`;
      const consumed = (load(layout3Small.process(first, ProcessWord.consumed)) - FIRST_SEQUENCE) | 0;
      const expected = consumed === records ? 0 : records - consumed + 10 * (consumed + 1);
      return two === expected ? undefined : `the next keeper has consumed ${two}, not ${expected}`;
    },
  };
}

/**
 * The sequencer, which waits for room itself, a process that serves somebody, and a standby, which is given what that
 * one has consumed: both are behind, and the order ring is full.
 */
function standby(limit: number): Scenario {
  const [server, other] = [1, 2];
  const before = 4;
  return {
    actors: ["sequencer", "server", "standby"],
    build(mutation) {
      const world = new World(geometry(3), mutation, [server, other]);
      world.sequencer.serve(server);
      world.members[other]!.follow("delivered");
      world.fill(0, numbers(before));
      const member = world.members[0]!;
      const step = (): void => {
        if (world.ordered === before && member.appended === lastFilled) world.append(member, before + 1);
        member.publish();
        world.sequencer.step();
      };
      const lastFilled = member.appended;
      const sequencer = world.run(0, [world.sequencer, member], step, () => world.ordered);
      return {
        runs: [sequencer, world.runReader(server, limit), world.runReader(other, 8)],
        memory: world.memory,
      };
    },
    nameOf: nameWords(layout3Small),
    check([ordered, served, read], load) {
      if (ordered !== before + 1 || served !== ordered) return `${ordered} were ordered and ${served} served`;
      // When nobody waits any more, the sequencer need not look what was served since.
      const delivered = (load(layout3Small.delivered) - FIRST_SEQUENCE) | 0;
      return read === delivered ? undefined : `${read} of ${delivered} were read`;
    },
  };
}

/** A writer that appends more than there is room for, and publishes at the end of its turn; a ring, and a reader. */
function lateWriter(records: number, limit: number): Scenario {
  return {
    actors: ["sequencer", "writer", "reader"],
    build(mutation) {
      const world = new World(geometry(3, 8), mutation, [2], QUARTER_RING_BYTES);
      const writer = world.runLateWriter(1, numbers(records));
      return { runs: [world.runSequencer(), writer, world.runReader(2, limit)], memory: world.memory };
    },
    nameOf: nameWords(layout3),
    check: ([ordered, , read]) =>
      ordered === records && read === records ? undefined : `${ordered} were ordered and ${read} were read`,
  };
}

/** Two processes that both write and read: they read the same in the same order. */
const pair: Scenario = {
  actors: ["sequencer", "one", "two"],
  build(mutation) {
    const world = new World(geometry(3, 8), mutation, [1, 2]);
    const [one, two] = [world.runWriterAndReader(1, [1], 8), world.runWriterAndReader(2, [2], 8)];
    return { runs: [world.runSequencer(), one, two], memory: world.memory };
  },
  nameOf: nameWords(layout3),
  check: ([, one, two]) =>
    one === two && (one === 12 || one === 21) ? undefined : `they have read ${one} and ${two}`,
};

/** Every schedule, whatever its delays. */
const ALL = Number.POSITIVE_INFINITY;
const fullRing = { length: QUARTER_RING_BYTES, before: 4, after: 1 };
const fullOrder = { orderEntries: 4, before: 4, after: 1 };

const SCENARIOS: readonly [string, Scenario, number][] = [
  ["writer and sequencer", writerAndSequencer(3), ALL],
  ["sequencer and reader, record by record", sequencerAndReader(2, 1), ALL],
  ["sequencer and reader, all at once", sequencerAndReader(2, 8), ALL],
  ["sequencer and a process that wants to read", joining, ALL],
  ["one record through all three", crowd({ before: 0, after: 1, limit: 1 }), ALL],
  ["two processes that write and read", pair, 3],
  ["full ring, blocked writer, reader of one record a turn", crowd({ ...fullRing, limit: 1 }), 3],
  ["full ring, blocked writer, reader of two records a turn", crowd({ ...fullRing, limit: 2 }), 3],
  ["full ring, blocked writer, reader of all", crowd({ ...fullRing, limit: 8 }), 4],
  ["full order ring, reader of one record a turn", crowd({ ...fullOrder, limit: 1 }), 3],
  ["full order ring, reader of three records a turn", crowd({ ...fullOrder, limit: 3 }), 4],
  ["a writer that may die", crowd({ before: 0, after: 2, limit: 8, mortal: "writer" }), 4],
  ["full ring, blocked writer, reader that may die", crowd({ ...fullRing, limit: 1, mortal: "reader" }), 3],
  ["full order ring, reader that may die", crowd({ ...fullOrder, limit: 3, mortal: "reader" }), 3],
  ["full ring, blocked writer, keeper", crowd({ ...fullRing, limit: 8, isKeeper: true }), 3],
  ["full order ring, keeper of three records a turn", crowd({ ...fullOrder, limit: 3, isKeeper: true }), 3],
  ["a reader that is given what the keeper has consumed", keeperFirst(2, 1), 3],
  ["a keeper that may die, and the next one", handover(2), 4],
  ["full order ring, server of two records a turn, standby", standby(2), 3],
  ["full order ring, server of all, standby", standby(8), 3],
  ["a writer of more than there is room for before it publishes", lateWriter(5, 8), 3],
];

function explain({ fault }: Outcome): string {
  return fault === undefined ? "" : `${fault.reason}\n  ${fault.trace.join("\n  ")}`;
}

suite("every interleaving", () => {
  for (const [name, scenario, delaysMax] of SCENARIOS) {
    test(name, (t) => {
      const outcome = new Explorer(scenario).explore(STATES_MAX, delaysMax);
      t.diagnostic(`${outcome.states} states${outcome.isAll ? ", all" : ""}, ${outcome.ends} ends`);
      assert.equal(outcome.fault, undefined, explain(outcome));
      assert.equal(outcome.isAll, delaysMax === ALL);
      assert.ok(outcome.ends > 0, "somewhere it must come to rest");
    });
  }
});

suite("every mutation is found", () => {
  const process2 = (word: number): number => layout2.process(1, word);
  const is = (index: number) => (other: number) => other === index;
  const reader = crowd({ ...fullRing, limit: 8 });
  const mutations: readonly [string, Scenario, Mutation][] = [
    ["the sequencer's sleep without a fence", writerAndSequencer(1), { unfenced: is(layout2.sleepEpoch) }],
    [
      "a writer's publication without a fence",
      writerAndSequencer(1),
      { unfenced: is(process2(ProcessWord.published)) },
    ],
    [
      "a writer's publication before its record",
      writerAndSequencer(1),
      { early: is(process2(ProcessWord.published)) },
    ],
    [
      "a reader's sleep without a fence",
      sequencerAndReader(2, 1),
      { unfenced: is(process2(ProcessWord.sleepEpoch)) },
    ],
    // The tail's fence alone may go: what is delivered, and the sequencer's sleep, are stored with one later, and then
    // who has missed the tail is rung.
    [
      "the tail, what is delivered, and the sequencer's sleep, without a fence",
      sequencerAndReader(2, 1),
      { unfenced: (index) => [layout2.tail, layout2.delivered, layout2.sleepEpoch].includes(index) },
    ],
    ["the tail before its entries", sequencerAndReader(2, 1), { early: is(layout2.tail) }],
    ["a process's wish to join without a fence", joining, { unfenced: is(process2(ProcessWord.attached)) }],
    [
      "a blocked writer's sleep without a fence",
      reader,
      { unfenced: is(layout3.process(1, ProcessWord.sleepEpoch)) },
    ],
    [
      "a writer's being blocked without a fence",
      reader,
      { unfenced: is(layout3.process(1, ProcessWord.blocked)) },
    ],
    // Limit and pressure need no fence of their own: the sequencer looks once more after its sleep's fence.
    [
      "a reader's progress without a fence",
      reader,
      { unfenced: is(layout3.process(2, ProcessWord.consumed)) },
    ],
    [
      "a keeper's progress without a fence, for which a writer waits",
      crowd({ ...fullRing, limit: 8, isKeeper: true }),
      { unfenced: is(layout3.process(2, ProcessWord.consumed)) },
    ],
    [
      "a keeper's progress without a fence, for which a reader waits",
      keeperFirst(2, 1),
      { unfenced: is(layout3Small.process(1, ProcessWord.consumed)) },
    ],
    [
      "a server's progress without a fence, for which a standby waits",
      standby(8),
      { unfenced: is(layout3Small.process(1, ProcessWord.consumed)) },
    ],
    [
      "a standby's progress without a fence",
      standby(8),
      { unfenced: is(layout3Small.process(2, ProcessWord.consumed)) },
    ],
    [
      "what is kept, what is delivered, and the sequencer's sleep, without a fence",
      keeperFirst(2, 1),
      {
        unfenced: (index) =>
          [layout3Small.kept, layout3Small.delivered, layout3Small.sleepEpoch].includes(index),
      },
    ],
  ];
  for (const [name, scenario, mutation] of mutations) {
    test(name, (t) => {
      const { fault, states } = new Explorer(scenario, mutation).explore(STATES_MAX, ALL);
      assert.ok(fault !== undefined, "the explorer saw nothing");
      const [reason] = fault.reason.split("\n", 1);
      t.diagnostic(`${reason}: ${states} states, ${fault.delays} delays, ${fault.trace.length} steps`);
    });
  }
});
