import { type Random, assert, seededRandom } from "../base/index.ts";
import { takeSnapshot } from "../chat/index.ts";
import { type Database, type Row, FIRST_SEQUENCE, HistoryReader, HistoryStore } from "../history/index.ts";
import { openSegment } from "../log/index.ts";
import { finishSegment, settle } from "../server/index.ts";
import { FlakyDatabase } from "./flakyDatabase.ts";
import { Machine, type SimProcess } from "./machine.ts";
import { Person, type Stay } from "./person.ts";
import { type Owner, Scheduler } from "./scheduler.ts";
import { Killed, WatchedWords } from "./watchedWords.ts";

export interface WorldOptions {
  readonly seed: number;
  /** How many things people and fate do. */
  readonly events: number;
  readonly people: number;
  /** A new one, empty. */
  readonly createDatabase: () => Database;
  readonly log: (text: string) => void;
}

/** What a run has seen, to tell that it was worth something. */
export interface Report {
  said: number;
  seen: number;
  records: number;
  kills: number;
  restarts: number;
  /** How often the store began to fail. */
  failures: number;
  /** How often somebody was told what it had missed. */
  timesBehind: number;
  /** Blocks of the past that were shown on entering a room. */
  replays: number;
}

/** How often each thing happens. Each run has its own: some are full of deaths, some of people who do not read. */
interface Weights {
  readonly say: number;
  readonly wish: number;
  readonly hangUp: number;
  readonly stopReading: number;
  readonly readOn: number;
  readonly killOne: number;
  readonly killHistory: number;
  readonly killAll: number;
  /** The disk is full, or the database locked, from now on; and not any more. */
  readonly failStore: number;
  readonly mendStore: number;
}

const ROOMS = ["#lobby", "#a", "#b"];
const START_MS = 1_700_000_000_000;
/** In pretended milliseconds: after so long without anything new, everything has come to rest. */
const REST_MS = 5000;
/** Much more than anything should take. */
const PATIENCE_MS = 60_000;

/**
 * A conversation on a pretended machine, from one seed: people talk, fate kills, and at the end everything that was
 * promised is checked: replicas that were equal at every place in the order, one order for everybody, nothing missing
 * between what somebody saw first and last, and nothing lost that anybody saw.
 */
export class World {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #database: FlakyDatabase;
  readonly #people: Person[];
  /** Digests of the state at each sequence number, by the first replica that was there. */
  #states = new Map<number, { digest: number; by: string }>();
  #machine: Machine;
  /** Stays that went on until everything had come to rest: whatever was asked has been answered. */
  readonly #lasting: Stay[] = [];
  readonly #weights: Weights;
  readonly #report: Report = {
    said: 0,
    seen: 0,
    records: 0,
    kills: 0,
    restarts: 0,
    failures: 0,
    timesBehind: 0,
    replays: 0,
  };

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#scheduler = new Scheduler(this.#random, START_MS, (owner, error) => this.#threw(owner, error));
    this.#database = new FlakyDatabase(options.createDatabase());
    this.#people = Array.from(
      { length: options.people },
      (_, number) => new Person(number + 1, this.#scheduler, this.#random),
    );
    const upTo = (most: number): number => this.#random.next() * most;
    this.#weights = {
      say: 100,
      wish: upTo(60),
      hangUp: upTo(5),
      stopReading: upTo(10),
      readOn: upTo(10),
      killOne: upTo(8),
      killHistory: upTo(4),
      killAll: upTo(2),
      // Most runs have a disk that always works, and nothing that may be missing.
      failStore: Math.max(0, upTo(9) - 6),
      mendStore: 4,
    };
    this.#machine = this.#boot();
  }

  run(): Report {
    for (let event = 0; event < this.#options.events; event += 1) {
      this.#happen();
      for (let steps = this.#random.between(0, 60); steps > 0; steps -= 1) this.#scheduler.step();
    }
    this.#calmDown();
    this.#end();
    this.#check();
    return this.#report;
  }

  /** One thing that somebody does, or that befalls somebody. */
  #happen(): void {
    const person = this.#people[this.#random.between(0, this.#people.length - 1)]!;
    const { connection } = person;
    if (connection === undefined) {
      this.#machine.accept(person.connect());
      return;
    }
    switch (this.#choose()) {
      case "say":
        if (person.room === "") return;
        this.#report.said += 1;
        person.say();
        return;
      case "wish":
        this.#wish(person);
        return;
      case "hangUp":
        connection.endInput();
        person.leave();
        return;
      case "stopReading":
        connection.reads = false;
        return;
      case "readOn":
        connection.resume();
        return;
      case "killOne":
        this.#killOne();
        return;
      case "killHistory":
        this.#killHistory();
        return;
      case "killAll":
        // What could not be written when everybody dies is finished when it can.
        this.#database.failsWith = undefined;
        this.#restart();
        return;
      case "failStore":
        this.#report.failures += 1;
        this.#database.failsWith ??= this.#random.between(0, 1) === 0 ? 13 : 5;
        return;
      case "mendStore":
        this.#database.failsWith = undefined;
    }
  }

  #choose(): keyof Weights {
    const weights = Object.entries(this.#weights) as [keyof Weights, number][];
    let left = this.#random.next() * weights.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [what, weight] of weights) {
      left -= weight;
      if (left < 0) return what;
    }
    return "say";
  }

  #wish(person: Person): void {
    const room = ROOMS[this.#random.between(0, ROOMS.length - 1)]!;
    const other = `p${this.#random.between(1, this.#people.length)}`;
    const lines = [
      `/join ${room}`,
      `/join ${room}`,
      "/part",
      `/nick p${person.number}`,
      `/nick ${other}`,
      `/topic about ${room}`,
      `/msg ${other} pst`,
      "/who",
      "/rooms",
      "/history 5",
      "/search m1",
      `/kick ${other}`,
      `/op ${other}`,
      "/away for a while",
      `/mute ${other}`,
      `/unmute ${other}`,
    ];
    person.type(lines[this.#random.between(0, lines.length - 1)]!);
  }

  #killOne(): void {
    const processes = [...this.#machine.processes.values()].filter((each) => each.isAlive);
    const process = processes[this.#random.between(0, processes.length - 1)];
    if (process === undefined) return;
    this.#report.kills += 1;
    // In the middle of whatever it does next.
    process.words.livesFor = this.#random.between(0, 400);
    process.loop?.soon();
  }

  #killHistory(): void {
    for (const process of this.#machine.processes.values()) {
      if (process.role !== "history" || !process.isAlive) continue;
      this.#report.kills += 1;
      process.words.livesFor = this.#random.between(0, 2000);
    }
  }

  /** Every process dies at once, and the server is started anew. */
  #restart(): void {
    this.#report.restarts += 1;
    this.#machine.killAll();
    // A person whose connection nobody had accepted yet is not in the machine's books.
    for (const person of this.#people) person.leave();
    this.#recover();
    this.#machine = this.#boot();
  }

  /** What node/past.ts does on a real machine; and it can be killed, too. */
  #recover(): void {
    for (let lives = this.#random.between(0, 2); ; lives -= 1) {
      const words = new WatchedWords(this.#machine.memory);
      if (lives > 0) words.livesFor = this.#random.between(100, 5000);
      try {
        const store = new HistoryStore(this.#database);
        finishSegment(openSegment(words), store, () => this.#scheduler.nowMs, this.#options.log);
        settle(store);
        this.#report.records = store.through - FIRST_SEQUENCE + 1;
        return;
      } catch (error) {
        if (!(error instanceof Killed)) throw error;
      }
    }
  }

  #boot(): Machine {
    const store = new HistoryStore(this.#database);
    this.#states = new Map();
    return new Machine(
      this.#scheduler,
      this.#random,
      this.#database,
      {
        firstSequence: Math.max(store.through + 1, FIRST_SEQUENCE),
        firstSession: settle(store),
        timeMs: store.throughTimeMs,
      },
      { log: this.#options.log, onStep: (process) => this.#compare(process) },
    );
  }

  #threw(owner: Owner, error: unknown): void {
    this.#machine.threw(owner, error);
  }

  /** All replicas are equal at equal places. */
  #compare({ name, child }: SimProcess): void {
    const replica = child?.replica;
    if (replica?.isReady !== true) return;
    const digest = digestOf(takeSnapshot(replica.state));
    const known = this.#states.get(replica.through);
    if (known === undefined) this.#states.set(replica.through, { digest, by: name });
    else
      assert(
        known.digest === digest,
        `after record ${replica.through}, ${name} has another state than ${known.by} had`,
      );
  }

  /** Everybody reads again, and everything comes to rest. */
  #calmDown(): void {
    this.#database.failsWith = undefined;
    for (const person of this.#people) person.connection?.resume();
    for (const process of this.#machine.processes.values()) process.words.livesFor = Number.POSITIVE_INFINITY;
    const restMs = this.#scheduler.nowMs + REST_MS;
    while (this.#scheduler.nowMs <= restMs && this.#scheduler.step());
    for (const person of this.#people) this.#lasting.push(...person.current);
    // Whoever has no client reads on when it has to.
    const { processes } = this.#machine.supervisor.status();
    for (const { process, role, clients } of processes) {
      const { member, name } = this.#machine.processes.get(process)!;
      const { sequence } = this.#machine.sequencer;
      if (role === "history" || clients > 0)
        assert(member?.sequence === sequence, `${name} has not read everything`);
    }
  }

  /** In good order, or all at once. */
  #end(): void {
    if (this.#random.between(0, 1) === 0) {
      this.#machine.killAll();
      this.#recover();
      return;
    }
    this.#machine.supervisor.stop();
    this.#scheduler.runUntil("the end", () => this.#machine.isFinished, PATIENCE_MS);
    const store = new HistoryStore(this.#database);
    const isOver = !store.loadState().some(({ key }) => key.startsWith("session/"));
    assert(isOver, "after an orderly end, the history knows of somebody who has not left");
    this.#report.records = store.through - FIRST_SEQUENCE + 1;
  }

  #check(): void {
    const places = new Map<string, number>();
    const gaps = this.#database.prepare("SELECT from_time_ms, to_time_ms FROM gap").all();
    const saidMs = new Map(this.#people.flatMap((person) => [...person.said]));
    const rooms = new Map<string, string[]>();
    for (const entry of new HistoryReader(this.#database).export({})) {
      const mark = /^m\d+\.\d+/.exec(entry.text)?.[0];
      if (mark === undefined || (entry.kind !== "say" && entry.kind !== "act")) continue;
      assert(!places.has(mark), `${mark} is in the history twice`);
      places.set(mark, entry.sequence);
      const [room] = entry.rooms;
      const said = rooms.get(room!) ?? [];
      said.push(mark);
      rooms.set(room!, said);
    }
    for (const person of this.#people) {
      for (const mark of person.seen) {
        this.#report.seen += 1;
        const isLost = !places.has(mark) && !mayBeInGap(saidMs.get(mark)!, gaps);
        assert(!isLost, `${person.name} saw ${mark}, which is not in the history`);
      }
      this.#report.timesBehind += person.timesBehind;
      this.#report.replays += person.stays.filter(({ past }) => past !== undefined).length;
      // What is missing in between cannot be told from what is missing in the history.
      if (gaps.length > 0) continue;
      for (const stay of person.stays)
        checkStay(person, stay, rooms.get(stay.room) ?? [], this.#lasting.includes(stay));
    }
  }
}

/** What somebody saw of a room is a piece of what was said there, without a hole, a repeat or another order. */
function checkStay(
  person: Person,
  { room, past, live, wasBehind }: Stay,
  said: readonly string[],
  isLasting: boolean,
): void {
  const place = new Map(said.map((mark, at) => [mark, at]));
  const shown = [...(past ?? []), ...live];
  const all = shown.join(" ");
  // Whatever was said before, it was to be shown on entering.
  let last = isLasting && past === undefined && live.length > 0 && !wasBehind ? -1 : undefined;
  for (const mark of shown) {
    const at = place.get(mark);
    assert(at !== undefined, `${person.name} saw ${mark} in ${room}, where it was not said`);
    if (last !== undefined) {
      assert(at > last, `${person.name} saw ${mark} after ${said[last]} in ${room}: ${all}`);
      const missed = said.slice(last + 1, at).find((other) => !other.startsWith(`m${person.number}.`));
      assert(missed === undefined, `${person.name} missed ${missed} in ${room}: ${all}`);
    }
    last = at;
  }
}

/**
 * Whether it may have been ordered when nothing could be written. It may have been typed long before: who is behind is
 * not read.
 */
function mayBeInGap(saidMs: number, gaps: readonly Row[]): boolean {
  return gaps.some((gap) => saidMs <= Number(gap["to_time_ms"]));
}

/** FNV-1a: against accidents. */
function digestOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash;
}
