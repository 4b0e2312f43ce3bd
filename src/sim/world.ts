import { type Database, type Random, type Row, assert, seededRandom } from "../base/index.ts";
import { takeSnapshot } from "../chat/index.ts";
import { FIRST_SEQUENCE, HistoryReader, HistoryStore } from "../history/index.ts";
import { openSegment } from "../log/index.ts";
import { TRIALS_MAX, finishSegment, settle } from "../server/index.ts";
import type { Connection, LivingOwner } from "./connection.ts";
import { FlakyDatabase } from "./flakyDatabase.ts";
import { Machine } from "./machine.ts";
import { Person, type Stay } from "./person.ts";
import { Lane, type Owner, Scheduler } from "./scheduler.ts";
import { ABANDON_MS, ORPHAN_MS, SimProcess } from "./simProcess.ts";
import type { SupervisorProcess } from "./supervisorProcess.ts";
import type { Farewell, Visit } from "./visit.ts";
import { Killed, WatchedWords } from "./watchedWords.ts";

export interface WorldOptions {
  readonly seed: number;
  /** How many things people and fate do. */
  readonly events: number;
  readonly people: number;
  /** Whether the supervisor dies, too, and another takes its place. */
  readonly successions: boolean;
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
  /** How often a supervisor took the place of a dead one. */
  successions: number;
  /** How many connections nobody held any more. */
  lost: number;
  /** How many were ended because of what they had sent. */
  poisoned: number;
  /** How often somebody was told that answers may be missing. */
  gaps: number;
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
  readonly ask: number;
  readonly poison: number;
  readonly hangUp: number;
  readonly stopReading: number;
  readonly readOn: number;
  readonly killOne: number;
  /** At once: who stands by for the dead may be one of them. */
  readonly killSeveral: number;
  readonly killHistory: number;
  readonly killSupervisor: number;
  readonly killAll: number;
  /** The disk is full, or the database locked, from now on; and not any more. */
  readonly failStore: number;
  readonly mendStore: number;
}

const ROOMS = ["#lobby", "#a", "#b"];
const START_MS = 1_700_000_000_000;
/** In pretended milliseconds: after so long without anything new, everything has come to rest. */
const REST_MS = 8000;
/** So long after a death somebody stands by again, where nobody else dies. */
const REPLACED_MS = 250;
/** So long somebody who was judged too slow may take to be gone. */
const FORGIVEN_MS = 5000;
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
  /** Whoever starts supervisors. */
  readonly #lane = new Lane({ name: "operator", isAlive: true });
  /** Connections of those who hung up, and may not have taken all that was for them. */
  readonly #hungUp: Connection[] = [];
  /** Nobody is killed any more. */
  #isCalm = false;
  #isEnding = false;
  /** When the history was known not to be kept last. */
  #unkeptMs = START_MS;
  /** When the last replica had died, while the store could not be written. */
  #stateLostMs = Number.NEGATIVE_INFINITY;
  /** Stays that went on until everything had come to rest: whatever was asked has been answered. */
  readonly #lasting: Stay[] = [];
  /** Likewise. */
  readonly #lastingVisits: Visit[] = [];
  readonly #weights: Weights;
  readonly #report: Report = {
    said: 0,
    seen: 0,
    records: 0,
    kills: 0,
    restarts: 0,
    successions: 0,
    lost: 0,
    gaps: 0,
    poisoned: 0,
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
      (_, number) =>
        new Person(number + 1, this.#scheduler, this.#random, (visit) => this.#onDisconnected(visit)),
    );
    const upTo = (most: number): number => this.#random.next() * most;
    this.#weights = {
      say: 100,
      wish: upTo(60),
      ask: upTo(40),
      // Most of what people say is harmless.
      poison: Math.max(0, upTo(6) - 4),
      hangUp: upTo(5),
      stopReading: upTo(10),
      readOn: upTo(10),
      killOne: upTo(8),
      killSeveral: upTo(2),
      killHistory: upTo(4),
      killSupervisor: options.successions ? upTo(3) : 0,
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
      if (this.#machine.isListening) this.#machine.supervisor.accept(person.connect());
      return;
    }
    switch (this.#choose()) {
      case "say":
        this.#say(person);
        return;
      case "wish":
        this.#wish(person);
        return;
      case "ask":
        person.ask();
        return;
      case "poison":
        person.poison();
        return;
      case "hangUp":
        connection.endInput();
        this.#hungUp.push(connection);
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
      case "killSeveral":
        for (let count = this.#random.between(2, 4); count > 0; count -= 1) this.#killOne();
        return;
      case "killHistory":
        this.#killHistory();
        return;
      case "killSupervisor":
        this.#report.kills += 1;
        this.#killSupervisor();
        return;
      case "killAll":
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
    const processes = [...this.#machine.processes];
    const process = processes[this.#random.between(0, processes.length - 1)];
    if (process === undefined) return;
    this.#report.kills += 1;
    // While there is something to do.
    for (const person of this.#people) {
      if (this.#random.between(0, 1) === 0) person.ask();
      else this.#say(person);
    }
    this.#killSoon(process, [30, 100, 400][this.#random.between(0, 2)]!);
    process.loop?.soon();
  }

  /** Whenever, or while it cares for somebody: who has just come, or whose process has just died. */
  #killSupervisor(): void {
    const { supervisor } = this.#machine;
    if (this.#random.between(0, 1) === 0) this.#killSoon(supervisor, 400);
    else {
      supervisor.doom();
      this.#killOne();
    }
    supervisor.ring();
  }

  #say(person: Person): void {
    if (person.room === "") return;
    this.#report.said += 1;
    person.say();
  }

  /** In the middle of whatever it does next. */
  #killSoon({ life }: LivingOwner, accessesMax: number): void {
    life.accesses = this.#random.between(0, accessesMax);
  }

  #killHistory(): void {
    for (const process of this.#machine.processes) {
      if (process.role !== "history") continue;
      this.#report.kills += 1;
      this.#killSoon(process, 2000);
    }
  }

  /** Some time later another one is started, which goes on with whoever is still there. */
  #onSupervisorDied(): void {
    const machine = this.#machine;
    const pausesMs = [0, 100, 100, ORPHAN_MS + 2 * ABANDON_MS, ORPHAN_MS + ABANDON_MS, 2 * ORPHAN_MS];
    const pauseMs = this.#random.between(0, pausesMs[this.#random.between(0, pausesMs.length - 1)]!);
    this.#scheduler.post(this.#lane, () => this.#succeed(machine), pauseMs);
  }

  #succeed(machine: Machine): void {
    if (machine !== this.#machine) return;
    if (machine.isOver) this.#restart();
    else if (machine.succeed()) {
      this.#report.successions += 1;
      const dies = !this.#isCalm && this.#random.between(1, 4) === 1;
      if (dies) this.#killSoon(machine.supervisor, 3000);
    } else this.#scheduler.post(this.#lane, () => this.#succeed(machine), 1);
  }

  /** Every process dies at once, and the server is started anew. */
  #restart(): void {
    this.#report.restarts += 1;
    // What could not be written when everybody dies is finished when it can.
    this.#database.failsWith = undefined;
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
      if (lives > 0) words.life.accesses = this.#random.between(100, 5000);
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
      {
        log: this.#options.log,
        onStep: (process) => this.#compare(process),
        onSupervisorDied: () => this.#onSupervisorDied(),
        onStateLost: () => {
          this.#stateLostMs = this.#scheduler.nowMs;
          // Another one takes its place, where it was.
          this.#states = new Map();
        },
        onGap: ({ name }, { diedMs }) => this.#onGap(name, diedMs),
      },
    );
  }

  #threw(owner: Owner, error: unknown): void {
    this.#machine.threw(owner, error);
  }

  /** Whoever is disconnected has been told why, or several things had gone wrong at once. */
  #onDisconnected({ connection, farewell, isPoisonous }: Visit): void {
    if (this.#isEnding) return;
    const { endedBy, deaths, isCutShort } = connection;
    if (endedBy === "nobody") {
      this.#report.lost += 1;
      return;
    }
    assert(endedBy instanceof SimProcess, "a connection was ended by a supervisor that goes on");
    const { nowMs } = this.#scheduler;
    if (farewell === undefined && nowMs - this.#stateLostMs <= FORGIVEN_MS) return;
    const hasCause: Record<Farewell, boolean> = {
      harmful: isPoisonous || deaths >= TRIALS_MAX,
      // Who does not read is let go only where it could not have the rest from history.
      "too slow": nowMs - this.#unkeptMs <= FORGIVEN_MS,
      stopping: endedBy.hasAbandoned,
    };
    if (hasCause.harmful) this.#report.poisoned += 1;
    // Who did not read has not heard it.
    const isExplained =
      farewell === undefined ? isCutShort && Object.values(hasCause).some(Boolean) : hasCause[farewell];
    assert(isExplained, `a connection was ended by ${endedBy.name}: ${farewell ?? "without a word"}`);
  }

  /** Only where those who stood by died as well, or were not there yet again, may anything be missing. */
  #onGap(name: string, diedMs: number): void {
    this.#report.gaps += 1;
    const deaths = this.#machine.deathsAt(diedMs, REPLACED_MS);
    assert(deaths >= 2, `${name} admits a gap, and ${deaths} processes have died`);
  }

  /** All replicas are equal at equal places. */
  #compare({ name, child }: SimProcess): void {
    const replica = child?.replica;
    if (replica?.isReady !== true) return;
    if (replica.state.store !== "kept") this.#unkeptMs = this.#scheduler.nowMs;
    // When somebody has spoken is not stored: a history process that goes on from its store does not know it.
    const digest = digestOf(takeSnapshot({ ...replica.state, spokeMs: new Map() }));
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
    for (const connection of this.#hungUp) connection.resume();
    this.#isCalm = true;
    const { supervisor, processes } = this.#machine;
    supervisor.spare();
    for (const { life } of processes) life.accesses = Number.POSITIVE_INFINITY;
    this.#scheduler.runUntil("a supervisor", () => this.#machine.isListening, PATIENCE_MS);
    const restMs = this.#scheduler.nowMs + REST_MS;
    while (this.#scheduler.nowMs <= restMs && this.#scheduler.step());
    for (const { visit } of this.#people) {
      if (visit === undefined) continue;
      visit.checkAnswers();
      this.#lastingVisits.push(visit);
    }
    for (const person of this.#people) this.#lasting.push(...person.current);
    this.#checkProcesses(this.#machine.supervisor);
  }

  /** Everybody has read everything, and has what belongs to those who are there, and nothing else. */
  #checkProcesses(serving: SupervisorProcess): void {
    const { kernel } = this.#machine;
    const { processes, clients, waiting, greeting } = serving.supervisor.status();
    const present = this.#people.filter(({ visit }) => visit !== undefined).length;
    assert(
      clients === present && waiting + greeting === 0,
      `${present} are there, and ${clients} have a place`,
    );
    const held = kernel.count(serving);
    assert(held === 2 * present, `the supervisor holds ${held} handles for ${present} clients`);
    for (const { process, role, clients: served } of processes) {
      const { member, child, name } = this.#machine.process(process);
      // Whoever has no client reads on when it has to.
      if (role !== "history" && served === 0) continue;
      assert(member?.sequence === serving.sequencer.sequence, `${name} has not read everything`);
      const sessions = child!.replica.state.sessions.size;
      assert(sessions === present, `${present} are there, and for ${name} it is ${sessions}`);
    }
    for (const process of this.#machine.processes) {
      const served = processes.find((each) => each.process === process.process)?.clients ?? 0;
      const handles = kernel.count(process);
      assert(handles === 2 * served, `${process.name} has ${handles} handles for ${served} clients`);
    }
  }

  /** In good order, or all at once. */
  #end(): void {
    this.#isEnding = true;
    if (this.#random.between(0, 1) === 0) {
      this.#machine.killAll();
      this.#recover();
      return;
    }
    const { supervisor } = this.#machine;
    supervisor.supervisor.stop();
    this.#scheduler.runUntil("the end", () => supervisor.isFinished, PATIENCE_MS);
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
    if (gaps.length === 0) for (const visit of this.#lastingVisits) visit.checkSaid(places);
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
