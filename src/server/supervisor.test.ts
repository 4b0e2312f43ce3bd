/* Who is served by which process, when processes die: with machines that note what is asked of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RECORD_FORMAT, RecordKind, decode } from "../record/index.ts";
import type { Handle, Role, SupervisorPorts } from "./ports.ts";
import type { SeatMessage } from "./seatMessage.ts";
import { Supervisor, type SupervisorOptions } from "./supervisor.ts";

const OPTIONS: SupervisorOptions = {
  maxProcesses: 10,
  spareProcesses: 2,
  history: false,
  maxClients: 10,
  firstSession: 1,
  persistence: false,
};
const LONG_MS = 10_000;

class Bench {
  readonly supervisor: Supervisor;
  /** What has happened since it was looked at last. */
  #told: string[] = [];
  /** Of the processes that were started, in their order, by number. */
  readonly roles: Role[] = ["worker"];
  readonly served = new Set<number>();
  readonly #joined = new Set<number>();
  isFinished = false;
  /** Of the next record. */
  sequence = 7;
  #timers: { atMs: number; callback: () => void }[] = [];
  #nowMs = 0;

  constructor(options: Partial<SupervisorOptions> = {}) {
    this.supervisor = new Supervisor(this.#ports(), { ...OPTIONS, ...options });
    this.supervisor.start();
  }

  #ports(): SupervisorPorts {
    const tell = (what: string): void => void this.#told.push(what);
    return {
      clock: {
        now: () => this.#nowMs,
        setTimer: (delayMs, callback) => {
          const timer = { atMs: this.#nowMs + delayMs, callback };
          this.#timers.push(timer);
          return { cancel: () => void (this.#timers = this.#timers.filter((each) => each !== timer)) };
        },
        localTime: String,
      },
      spawn: (role) => {
        this.roles.push(role);
        const process = this.roles.length - 1;
        tell(`start ${role} ${process}`);
        return { process, generation: process };
      },
      kill: (process) => tell(`kill ${process}`),
      send: (process, message, handles) => tell(`to ${process}: ${wordsOf(message)}${listOf(handles)}`),
      sequence: () => this.sequence,
      areDying: () => false,
      vacant: () => [],
      serves: (process) => this.served.has(process),
      adopt: (process) => tell(`adopt ${process}`),
      checkImage: () => Promise.resolve(undefined),
      replaceImage: () => {
        throw new Error("nobody reloads here");
      },
      append: (kind, payload) => {
        const record = decode(kind, payload, 0, payload.length);
        if (record?.kind === "seat" || record?.kind === "reseat")
          tell(`log: ${record.kind} ${record.session} in ${record.process}`);
        else if (record?.kind === "processDied") tell(`log: processDied ${record.process}`);
        else tell(`log: ${record?.kind ?? "quiet"}`);
        return 0;
      },
      wake: () => {},
      letHistoryGo: () => tell("let history go"),
      serve: (process) => {
        if (!this.served.has(process)) tell(`serve ${process}`);
        this.served.add(process);
      },
      standDown: (process) => {
        assert.ok(this.served.delete(process));
      },
      servedThrough: ({ process }) => {
        assert.ok(this.served.has(process), `the claim of ${process} has been given up`);
        return process * 100;
      },
      inherited: ({ process }) => {
        assert.ok(this.served.delete(process), `the claim of ${process} is given up once`);
        tell(`inherited ${process}`);
      },
      createArea: () => 900,
      hostOf: (socket) => `host of ${socket}`,
      readMotd: () => "",
      settle: (process, session) => {
        tell(`settle ${session} of ${process}`);
        return true;
      },
      shutdown: (socket) => tell(`shut ${socket}`),
      close: () => {},
      log: () => {},
      finished: () => (this.isFinished = true),
    };
  }

  /** What has happened, in its order; where kinds are given, of those alone. */
  told(...kinds: readonly string[]): string[] {
    // What comes of the first turn is said in the second.
    for (let turn = 0; turn < 2; turn += 1) this.supervisor.step();
    const told = this.#told.filter(
      (each) => kinds.length === 0 || kinds.some((kind) => each.startsWith(kind)),
    );
    this.#told = [];
    return told;
  }

  passes(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.#nowMs)) {
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.callback();
    }
  }

  says(process: number, message: SeatMessage): void {
    this.supervisor.receive(process, message, []);
  }

  joined(process: number, sequence: number): void {
    this.#joined.add(process);
    this.supervisor.joined(process, sequence);
  }

  /** It is let in, if it has not been, and has got a state. */
  ready(...processes: readonly number[]): void {
    for (const process of processes) {
      if (!this.#joined.has(process)) this.joined(process, 1);
      this.says(process, { type: "ready", format: RECORD_FORMAT, version: "1" });
    }
  }

  /** All that were started so far are ready. */
  allReady(): void {
    for (let process = 1; process < this.roles.length; process += 1) {
      const member = this.supervisor.status().processes.find((each) => each.process === process);
      if (member?.ready === false) this.ready(process);
    }
  }

  /** A client has connected, and the greeter has found out what it speaks. */
  client(session: number, greeter = 1): void {
    this.supervisor.accept(100 + session);
    this.says(greeter, { type: "verdict", session, protocol: "plain" });
  }

  die(process: number): void {
    this.supervisor.died(process);
  }

  gone(process: number): void {
    this.supervisor.gone(process, "SIGKILL");
  }
}

function wordsOf(message: SeatMessage): string {
  switch (message.type) {
    case "greet":
    case "seat":
      return `${message.type} ${message.session}`;
    case "take":
      return `take ${message.session} through ${message.servedThrough}`;
    case "tell":
      return `tell ${message.process}`;
    case "state":
      return `state of ${message.through}`;
    default:
      return message.type;
  }
}

function listOf(handles: readonly Handle[]): string {
  return handles.length === 0 ? "" : ` with ${handles.join(" ")}`;
}

/** Greeter 1, and workers 2 and 3, of which 2 serves client 1; 4 stands by besides. */
function withOne(options: Partial<SupervisorOptions> = {}): Bench {
  const bench = new Bench(options);
  bench.allReady();
  bench.client(1);
  bench.allReady();
  assert.deepEqual(bench.told("serve", "to 2: seat", "log: seat"), [
    "serve 2",
    "to 2: seat 1 with 101 900",
    "log: seat 1 in 2",
  ]);
  return bench;
}

test("a client of a dead worker has another at once; the log hears of it after the last word of the dead one", () => {
  const bench = withOne();
  bench.die(2);
  assert.deepEqual(bench.told("settle", "serve", "to", "inherited", "log", "start"), [
    "settle 1 of 2",
    "serve 3",
    "to 3: take 1 through 200 with 101 900",
    "inherited 2",
    "start worker 5",
  ]);
  bench.gone(2);
  assert.deepEqual(bench.told(), ["log: reseat 1 in 3", "log: processDied 2"]);
  bench.gone(2);
  assert.deepEqual(bench.told(), []);
});

test("two deaths in a row: the last who has it is named, once, after the first owner's last word", () => {
  const bench = withOne();
  bench.die(2);
  bench.die(3);
  assert.deepEqual(bench.told("settle", "to", "inherited", "log"), [
    "settle 1 of 2",
    "to 3: take 1 through 200 with 101 900",
    "inherited 2",
    "settle 1 of 3",
    "to 4: take 1 through 300 with 101 900",
    "inherited 3",
  ]);
  // It was never the second one's, as far as the log knows.
  bench.gone(3);
  assert.deepEqual(bench.told("log"), ["log: processDied 3"]);
  bench.gone(2);
  assert.deepEqual(bench.told("log"), ["log: reseat 1 in 4", "log: processDied 2"]);
});

test("a successor that dies after it was named is followed like any other", () => {
  const bench = withOne();
  bench.die(2);
  bench.gone(2);
  bench.die(3);
  assert.deepEqual(bench.told("to", "log"), [
    "to 3: take 1 through 200 with 101 900",
    "to 4: take 1 through 300 with 101 900",
    "log: reseat 1 in 3",
    "log: processDied 2",
  ]);
  bench.gone(3);
  assert.deepEqual(bench.told("log"), ["log: reseat 1 in 4", "log: processDied 3"]);
});

test("while nobody stands by, the log is held back for the dead, and then all their clients go together", () => {
  const bench = new Bench({ maxProcesses: 1, spareProcesses: 1 });
  bench.allReady();
  for (const session of [1, 2, 3]) bench.client(session);
  // Where no more may serve, one more stands by all the same; but the clients share the one.
  assert.deepEqual(bench.told("start", "log: seat"), [
    "start greeter 1",
    "start worker 2",
    "start worker 3",
    "log: seat 1 in 2",
    "log: seat 2 in 2",
    "log: seat 3 in 2",
  ]);
  bench.die(2);
  bench.gone(2);
  assert.deepEqual(bench.told("to", "inherited", "log"), []);
  assert.equal(bench.supervisor.status().waiting, 3);
  assert.ok(bench.served.has(2));
  // Somebody who comes now waits behind them.
  bench.client(4);
  bench.ready(3);
  assert.deepEqual(bench.told("to 3: take", "inherited", "log", "to 3: seat"), [
    "to 3: take 1 through 200 with 101 900",
    "to 3: take 2 through 200 with 102 900",
    "to 3: take 3 through 200 with 103 900",
    "inherited 2",
    "to 3: seat 4 with 104 900",
    "log: reseat 1 in 3",
    "log: reseat 2 in 3",
    "log: reseat 3 in 3",
    "log: processDied 2",
    "log: seat 4 in 3",
  ]);
  assert.deepEqual(
    bench.supervisor
      .status()
      .processes.filter(({ clients }) => clients > 0)
      .map(({ clients }) => clients),
    [4],
  );
});

test("who leaves while its worker dies still gets its last words from another, and its place is free once", () => {
  const bench = withOne({ maxClients: 1 });
  bench.says(2, { type: "left", session: 1 });
  assert.equal(bench.supervisor.status().clients, 0);
  bench.die(2);
  assert.deepEqual(bench.told("to 3: take"), ["to 3: take 1 through 0 with 101 900"]);
  // What the dead one had sent before is read late.
  bench.says(2, { type: "left", session: 1 });
  bench.says(3, { type: "left", session: 1 });
  assert.equal(bench.supervisor.status().clients, 0);
  bench.says(3, { type: "done", session: 1 });
  bench.gone(2);
  assert.deepEqual(bench.told("shut", "log: reseat", "to 3"), ["shut 101", "to 3: end"]);
  assert.equal(bench.served.size, 0);
});

test("connections of a dead greeter go to the next, and what the dead one says of them late does not count", () => {
  const bench = new Bench();
  bench.allReady();
  bench.supervisor.accept(101);
  bench.told();
  bench.die(1);
  bench.gone(1);
  const greeter = bench.roles.lastIndexOf("greeter");
  assert.notEqual(greeter, 1);
  bench.ready(greeter);
  assert.deepEqual(bench.told("settle", `to ${greeter}: greet`), [
    "settle 1 of 1",
    `to ${greeter}: greet 1 with 101 900`,
  ]);
  const dead = new Bench();
  dead.allReady();
  dead.supervisor.accept(101);
  dead.die(1);
  dead.says(1, { type: "verdict", session: 1, protocol: "plain" });
  dead.allReady();
  const next = dead.roles.lastIndexOf("greeter");
  dead.says(next, { type: "verdict", session: 1, protocol: "plain" });
  assert.deepEqual(dead.told("log: seat"), ["log: seat 1 in 2"]);
});

test("clients at which worker after worker dies wait longer each time; one that lives ends the count", () => {
  const bench = withOne();
  const dies = (): void => {
    const serving = bench.supervisor.status().processes.find(({ clients }) => clients > 0);
    bench.die(serving!.process);
    bench.gone(serving!.process);
    bench.allReady();
  };
  const isWaiting = (): boolean => bench.supervisor.status().waiting > 0;
  for (const delayMs of [0, 0, 0, 100, 200, 400]) {
    dies();
    assert.equal(isWaiting(), delayMs > 0, `for ${delayMs} ms`);
    if (delayMs === 0) continue;
    bench.passes(delayMs - 1);
    assert.ok(isWaiting());
    bench.passes(1);
    assert.ok(!isWaiting());
  }
  bench.passes(LONG_MS);
  for (let i = 0; i < 3; i += 1) {
    dies();
    assert.ok(!isWaiting());
  }
});

test("a worker that does not start is tried again later, and others go on", () => {
  const bench = new Bench({ spareProcesses: 1 });
  bench.ready(1);
  bench.told();
  for (const [process, delayMs] of [
    [2, 100],
    [3, 200],
    [4, 400],
  ] as const) {
    bench.die(process);
    bench.gone(process);
    bench.passes(delayMs - 1);
    assert.deepEqual(bench.told("start"), []);
    bench.passes(1);
    assert.deepEqual(bench.told("start"), [`start worker ${process + 1}`]);
  }
});

test("a worker's state comes from one that stands by, the history's from one that serves; no dead one tells", () => {
  const bench = new Bench({ history: true });
  const history = bench.roles.indexOf("history");
  const greeter = bench.roles.indexOf("greeter");
  const [first, second] = bench.roles.flatMap((role, i) => (i > 0 && role === "worker" ? [i] : []));
  // Where a history is kept, the first state is what it holds.
  bench.joined(greeter, 5);
  assert.deepEqual(bench.told("to"), []);
  bench.joined(history, 7);
  assert.deepEqual(bench.told("to"), [`to ${history}: state of 6`]);
  bench.ready(history);
  assert.deepEqual(bench.told("to"), [`to ${history}: tell ${greeter}`]);
  bench.ready(greeter, first!, second!);
  bench.client(1, greeter);
  bench.told();
  const third = bench.roles.length - 1;
  bench.joined(third, 9);
  assert.deepEqual(bench.told("to"), [`to ${greeter}: tell ${third}`]);
  bench.die(greeter);
  assert.deepEqual(
    bench.told("to").filter((each) => each.includes("tell")),
    [`to ${second}: tell ${third}`],
  );
  bench.die(history);
  bench.gone(history);
  bench.passes(LONG_MS);
  const next = bench.roles.lastIndexOf("history");
  assert.notEqual(next, history);
  bench.joined(next, 11);
  // Who was asked before, of somebody who waits still, is woken now and then.
  assert.deepEqual(
    bench.told("to").filter((each) => !each.includes("nudge")),
    [`to ${first}: tell ${next}`],
  );
  // What comes is for that very process, and no other that has its number.
  const state = { type: "state", process: next, through: 12 } as const;
  bench.says(first!, { ...state, generation: next + 1 });
  assert.deepEqual(bench.told("to"), []);
  bench.says(first!, { ...state, generation: next });
  assert.deepEqual(bench.told("to"), [`to ${next}: state of 12`]);
});

test("where nobody is left who knows the state, and no history, all clients come in anew", () => {
  const bench = withOne({ spareProcesses: 1 });
  for (const { process } of bench.supervisor.status().processes) bench.die(process);
  for (const process of [1, 2, 3]) bench.gone(process);
  bench.told();
  bench.passes(LONG_MS);
  const started = bench.supervisor.status().processes.filter(({ ready }) => !ready);
  const { process } = started.find(({ role }) => role === "worker")!;
  // What was said up to now, nobody knows what it did.
  bench.sequence = 70;
  bench.joined(process, 50);
  assert.deepEqual(bench.told("to", "inherited"), ["inherited 3", `to ${process}: state of 69`]);
  bench.ready(process);
  assert.deepEqual(bench.told("to", "log: seat"), [
    `to ${process}: seat 1 with 101 900`,
    `log: seat 1 in ${process}`,
  ]);
});

test("at the end it is quiet first, then the end is said, and it is over when all have gone", () => {
  const bench = withOne();
  bench.supervisor.stop();
  assert.deepEqual(bench.told("to", "log", "kill"), ["to 3: end", "to 4: end", "log: quiet"]);
  bench.supervisor.accept(105);
  assert.deepEqual(bench.told("shut"), ["shut 105"]);
  bench.supervisor.ordered(2, RecordKind.quiet);
  assert.deepEqual(bench.told("log", "to 1"), ["to 1: end", "log: stop"]);
  for (const process of [1, 3, 4]) {
    bench.die(process);
    bench.gone(process);
  }
  assert.ok(!bench.isFinished);
  bench.die(2);
  bench.gone(2);
  assert.ok(bench.isFinished);
  assert.deepEqual(bench.told("start", "to", "shut"), ["shut 101"]);
});

test("a worker that dies while all are to be quiet is not waited for, and its clients go to nobody", () => {
  const bench = withOne();
  bench.supervisor.stop();
  bench.told();
  bench.die(2);
  bench.gone(2);
  assert.deepEqual(bench.told("log", "to 1", "to 3: take", "start"), ["to 1: end", "log: stop"]);
});

test("who is told to stop twice ends all at once, and waits for nothing that the dead have said", () => {
  const bench = withOne();
  bench.supervisor.stop();
  bench.supervisor.stop();
  assert.deepEqual(bench.told("kill").toSorted(), ["kill 1", "kill 2", "kill 3", "kill 4"]);
  for (const process of [1, 2, 3, 4]) {
    assert.ok(!bench.isFinished);
    bench.die(process);
  }
  assert.ok(bench.isFinished);
});
