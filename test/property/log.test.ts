/*
 * The log by itself, whoever does what when: nothing is lost, torn, repeated or reordered for the living, and nobody
 * sleeps who has something to do. fast-check chooses; CHORUS_SEED chooses for it.
 */
import assert from "node:assert/strict";
import { type TestContext, suite, test } from "node:test";
import fc from "fast-check";
import type { Geometry } from "../../src/log/index.ts";
import { ProcessWord, SlotWord } from "../../src/log/layout.ts";
import { type Action, type Mutation, type Setup, World } from "./world.ts";

/** Accesses of a turn, roughly: where a process may be interrupted or end. */
const ACCESSES_MAX = 120;
/** Until a mutation is noticed. */
const MUTATION_RUNS_MAX = 20_000;
/** More stores than anybody makes. */
const NEVER = 2 ** 50;
const LONG_RUN_ACTIONS = 40_000;

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);

const geometry: fc.Arbitrary<Geometry> = fc.record({
  processes: fc.integer({ min: 2, max: 5 }),
  ringBytes: fc.constantFrom(256, 512, 1024, 4096),
  orderEntries: fc.constantFrom(4, 8, 32, 1024),
  pageBytes: fc.constant(4096),
});

/** A little below where a counter of 31 or 32 bits begins anew, or far from it. */
function belowWrap(step: number): fc.Arbitrary<number> {
  const wrap = fc.constantFrom(2 ** 31, 2 ** 32);
  return fc.oneof(
    fc.constant(0),
    fc.tuple(wrap, fc.nat(60)).map(([wrap, below]) => wrap - step * below),
  );
}

const setup: fc.Arbitrary<Setup> = fc.record({
  geometry,
  firstSequence: fc.oneof(
    belowWrap(1),
    fc.nat(60).map((below) => 2 ** 52 + 2 ** 32 - below),
    fc.constant(2 ** 53 - 2 ** 20),
  ),
  startPosition: belowWrap(8),
  counter: belowWrap(2).map((counter) => counter | 0),
  generation: fc.oneof(
    fc.constant(0),
    fc.nat(3).map((below) => 0x7fffffff - below),
  ),
  keeping: fc.constantFrom("none", "keeper", "keeperFirst"),
  isPopulated: fc.boolean(),
  hasServers: fc.boolean(),
  evictsStopped: fc.boolean(),
});

const slot = fc.nat(4);
const size = fc.oneof(fc.nat(1000), fc.constantFrom(0, 1, 999, 1000, 1001));
const after = fc.oneof(fc.nat(12), fc.nat(ACCESSES_MAX));

type Does<Name, One = Action> = One extends { does: infer Names }
  ? Name extends Names
    ? One
    : never
  : never;

function does<Name extends Action["does"]>(
  name: Name,
  rest: { [Key in Exclude<keyof Does<Name>, "does">]: fc.Arbitrary<Does<Name>[Key]> },
): fc.Arbitrary<Action> {
  return fc.record({ does: fc.constant(name), ...rest }) as unknown as fc.Arbitrary<Action>;
}

const ACTIONS: readonly fc.WeightedArbitrary<Action>[] = [
  { weight: 40, arbitrary: does("hear", { process: slot, which: fc.nat(2) }) },
  { weight: 16, arbitrary: does("say", { process: slot, sizes: fc.array(size, { maxLength: 6 }) }) },
  {
    weight: 10,
    arbitrary: does("preempt", { process: slot, after, actions: fc.integer({ min: 1, max: 8 }) }),
  },
  { weight: 3, arbitrary: does("publish", { process: slot }) },
  { weight: 3, arbitrary: does("pace", { process: slot, records: fc.constantFrom(1, 2, 5, 300, 1024) }) },
  {
    weight: 3,
    arbitrary: does("start", { process: slot, keeper: fc.boolean(), standby: fc.boolean() }),
  },
  { weight: 2, arbitrary: does("serve", { process: slot }) },
  { weight: 1, arbitrary: does("standDown", { process: slot }) },
  { weight: 8, arbitrary: does("inherit", {}) },
  {
    weight: 2,
    arbitrary: does("follow", {
      process: slot,
      following: fc.constantFrom("tail", "delivered", "delivered", "nothing"),
    }),
  },
  { weight: 4, arbitrary: does("consume", { process: slot, part: fc.constantFrom(1000, 1000, 500, 100) }) },
  { weight: 3, arbitrary: does("read", { process: slot }) },
  { weight: 2, arbitrary: does("attend", { process: slot, attentive: fc.boolean() }) },
  { weight: 2, arbitrary: does("die", { process: slot, after }) },
  { weight: 1, arbitrary: does("stop", { process: slot }) },
  { weight: 1, arbitrary: does("continue", { process: slot }) },
  { weight: 1, arbitrary: does("fall", { after }) },
  {
    weight: 8,
    arbitrary: does("succeed", { after: fc.oneof(fc.constant(NEVER), fc.constant(NEVER), after) }),
  },
  { weight: 2, arbitrary: does("probe", {}) },
  { weight: 1, arbitrary: does("suspect", {}) },
  { weight: 1, arbitrary: does("tick", { ms: fc.integer({ min: -2000, max: 5000 }) }) },
];

const close: fc.Arbitrary<Action> = does("close", { process: slot });

const corrupt: fc.Arbitrary<Action> = does("corrupt", {
  process: slot,
  word: fc.oneof(fc.nat(Object.keys(ProcessWord).length - 1), fc.nat(300)),
  value: fc.oneof(
    fc.integer({ min: -40, max: 40 }).map((eights) => eights * 8),
    fc.integer(),
  ),
  relative: fc.boolean(),
});

const action: fc.Arbitrary<Action> = fc.oneof(...ACTIONS);
const actionOrClose = fc.oneof(...ACTIONS, { weight: 1, arbitrary: close });
const actionOrCorruption = fc.oneof(...ACTIONS, { weight: 8, arbitrary: corrupt });

function actions(one: fc.Arbitrary<Action>): fc.Arbitrary<Action[]> {
  return fc.array(one, { maxLength: 250, size: "max" });
}

function check<Inputs>(t: TestContext, property: fc.IPropertyWithHooks<Inputs>, numRuns: number): void {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  fc.assert(property, { seed, numRuns });
}

suite("the log's promises hold, whoever does what when", () => {
  test("processes that come, talk, read, stop, and die between any two accesses", (t) => {
    const total = { records: 0, preemptions: 0, deaths: 0, successions: 0, bequests: 0 };
    const property = fc.property(setup, actions(actionOrClose), (setup, actions) => {
      const world = new World(setup);
      world.run(actions);
      world.finish();
      total.records += world.recordsRead;
      total.preemptions += world.preemptions;
      total.deaths += world.deaths;
      total.successions += world.successions;
      total.bequests += world.bequests;
    });
    check(t, property, 4000);
    t.diagnostic(
      Object.entries(total)
        .map(([name, count]) => `${count} ${name}`)
        .join(", "),
    );
    assert.ok(Object.values(total).every((count) => count > 0));
  });

  test("processes whose pages and rings are corrupted harm nobody else", (t) => {
    let violations = 0;
    const property = fc.property(setup, actions(actionOrCorruption), (setup, actions) => {
      const world = new World(setup);
      world.run(actions);
      world.finish();
      violations += world.violations.length;
    });
    check(t, property, 3000);
    t.diagnostic(`${violations} violations`);
    assert.ok(violations > 0);
  });

  test("rings that wrap thousands of times", (t) => {
    let wraps = 0;
    const property = fc.property(setup, fc.nat(), fc.boolean(), (setup, seed, isCorrupted) => {
      const { geometry } = setup;
      const world = new World({ ...setup, geometry: { ...geometry, ringBytes: 256 }, isPopulated: true });
      // Who follows nothing, or has died, or left something, stops all others for long.
      const one = (isCorrupted ? actionOrCorruption : action).filter(
        ({ does }) => !["follow", "fall", "serve"].includes(does),
      );
      world.run(fc.sample(one, { seed, numRuns: LONG_RUN_ACTIONS }));
      world.finish();
      wraps += world.appendedBytes / 256 / geometry.processes;
    });
    check(t, property, 24);
    t.diagnostic(`${Math.floor(wraps)} wraps of each ring`);
    assert.ok(wraps > 4000);
  });

  test("what a writer changes after the sequencer has read it once changes nothing", (t) => {
    // Another sequencer reads it once more.
    const one = action.filter(({ does }) => does !== "fall");
    const property = fc.property(setup, actions(one), (setup, actions) => {
      const world = new World(setup, {
        onGet(world, index) {
          for (let process = 1; process < setup.geometry.processes; process += 1) {
            const { start, end } = world.ringWords(process);
            if (index >= start && index < end) world.poke(index, 0x2bad_bad2);
          }
        },
      });
      world.run(actions);
      world.finish();
    });
    check(t, property, 1000);
  });
});

/** What happens before process 0 is to be killed, and from then on; after how many stores it is, and recoveries are. */
type Crashing = [Setup, Action[], Action[], { after: number; ends: number[] }];

const crash = fc.record({
  after: fc.oneof(fc.nat(20), fc.nat(200)),
  ends: fc.array(fc.oneof(fc.nat(20), fc.nat(500)), { maxLength: 3 }),
});
const keptSetup = setup.map((setup) =>
  setup.keeping === "none" ? { ...setup, keeping: "keeper" as const } : setup,
);
function crashing(one: fc.Arbitrary<Action>): fc.Arbitrary<Crashing> {
  return fc.tuple(keptSetup, actions(one), fc.array(one, { maxLength: 80 }), crash);
}

function recover([setup, before, during, { after, ends }]: Crashing, mutation?: Mutation): World {
  const world = new World(setup, mutation);
  world.run(before);
  world.crash(after);
  world.run(during);
  world.recover(ends);
  return world;
}

suite("what was in flight when everybody was killed is finished", () => {
  test("process 0 dies between any two stores, the others at any time, and so does the recovery", (t) => {
    let records = 0;
    const property = fc.property(crashing(action), (inputs) => {
      records += recover(inputs).recordsRecovered;
    });
    check(t, property, 6000);
    t.diagnostic(`${records} records recovered`);
    assert.ok(records > 0);
  });

  test("where pages and rings were corrupted, what the others had published", (t) => {
    const property = fc.property(crashing(actionOrCorruption), (inputs) => void recover(inputs));
    check(t, property, 3000);
  });
});

function isAsleep(world: World, process: number): boolean {
  return (world.peek(world.layout.process(process, ProcessWord.sleepEpoch)) & 1) === 1;
}

const MUTATIONS: readonly [string, Mutation][] = [
  [
    "a limit that the sequencer does not store",
    { isStoreLost: ({ layout }, process, index) => index === layout.slot(process + 1, SlotWord.limit) },
  ],
  [
    "a writer that takes all that it has published for read",
    {
      load: (world, process, index, value) =>
        index === world.layout.slot(process, SlotWord.limit)
          ? world.peek(world.layout.process(process, ProcessWord.published))
          : value,
    },
  ],
  [
    "a sequencer that takes all that it has ordered for read",
    {
      load: (world, process, index, value) =>
        process === 0 && index === world.layout.process(1, ProcessWord.consumed)
          ? world.peek(world.layout.tail)
          : value,
    },
  ],
  [
    "a reader that sees one record too many",
    {
      load: ({ layout }, process, index, value) => (process > 0 && index === layout.tail ? value + 1 : value),
    },
  ],
  [
    "a reader that does not look once more after saying that it sleeps",
    {
      load: (world, process, index, value) =>
        process > 0 && index === world.layout.tail && isAsleep(world, process)
          ? world.peek(world.layout.process(process, ProcessWord.consumed))
          : value,
    },
  ],
  ["a bell of a member that is not rung", { isBellLost: (process) => process === 1 }],
  ["a bell of the sequencer that is not rung", { isBellLost: (process) => process === 0 }],
  [
    "a blocked writer of which nobody knows",
    { isStoreLost: ({ layout }, process, index) => index === layout.process(process, ProcessWord.blocked) },
  ],
  [
    "pressure of which nobody knows",
    { load: ({ layout }, _process, index, value) => (index === layout.pressure ? 0 : value) },
  ],
  [
    "a standby that takes all that is ordered for delivered",
    {
      load: (world, process, index, value) =>
        process > 0 && index === world.layout.delivered ? world.peek(world.layout.tail) : value,
    },
  ],
  [
    "what is delivered, of which nobody knows",
    { isStoreLost: ({ layout }, _, index) => index === layout.delivered },
  ],
  ["a process that dies while it serves, and leaves nothing", { isBequestLost: true }],
  ["members that do not ring their new bells", { isRebellSilent: true }],
  [
    "a probe that one process does not see",
    {
      load: (world, process, index, value) =>
        process === 1 && index === world.layout.probe
          ? world.peek(world.layout.process(1, ProcessWord.probeAnswer))
          : value,
    },
  ],
];

const CRASH_MUTATIONS: readonly [string, Mutation][] = [
  [
    "a ring of which nobody knows how far it is ordered",
    { isStoreLost: ({ layout }, _process, index) => index === layout.slot(1, SlotWord.ordered) },
  ],
  [
    "a tail as of which nothing is settled",
    { isStoreLost: ({ layout }, _, index) => index === layout.settled },
  ],
  ["a keeper of which nothing is kept", { isStoreLost: ({ layout }, _, index) => index === layout.kept }],
  [
    "a keeper that consumes what it has not",
    {
      load: (world, process, index, value) =>
        process === 0 && index === world.layout.process(1, ProcessWord.consumed)
          ? world.peek(world.layout.tail)
          : value,
    },
  ],
];

suite("a log that is broken in one place does not hold them", () => {
  for (const [name, mutation] of CRASH_MUTATIONS) {
    test(name, (t) => {
      t.diagnostic(`CHORUS_SEED=${seed}`);
      const property = fc.property(crashing(actionOrCorruption), (inputs) => void recover(inputs, mutation));
      const { failed, numRuns, errorInstance } = fc.check(property, {
        seed,
        numRuns: MUTATION_RUNS_MAX,
        endOnFailure: true,
      });
      assert.ok(failed, "nothing was noticed");
      t.diagnostic(`noticed in run ${numRuns}: ${(errorInstance as Error).message}`);
    });
  }

  for (const [name, mutation] of MUTATIONS) {
    test(name, (t) => {
      t.diagnostic(`CHORUS_SEED=${seed}`);
      const property = fc.property(setup, actions(action), (setup, actions) => {
        const world = new World(setup, mutation);
        world.run(actions);
        world.finish();
      });
      const { failed, numRuns, errorInstance } = fc.check(property, {
        seed,
        numRuns: MUTATION_RUNS_MAX,
        endOnFailure: true,
      });
      assert.ok(failed, "nothing was noticed");
      t.diagnostic(`noticed in run ${numRuns}: ${(errorInstance as Error).message}`);
    });
  }
});
