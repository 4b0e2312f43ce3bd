import type { Random } from "../base/index.ts";
import type { Database } from "../history/index.ts";
import { HistoryReader, HistoryStore } from "../history/index.ts";
import {
  AgentLoop,
  Layout,
  LogMember,
  SEQUENCER,
  type Segment,
  Sequencer,
  formatSegment,
  openSegment,
} from "../log/index.ts";
import {
  type Child,
  type ChildPorts,
  type Handle,
  Historian,
  type Role,
  type SeatMessage,
  Supervisor,
  answerQuery,
  createGreeter,
  createWorker,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import type { Connection } from "./connection.ts";
import { Lane, type Owner, type Scheduler } from "./scheduler.ts";
import { Killed, WatchedWords } from "./watchedWords.ts";

/** Small, so that everything wraps and fills in every run. */
const GEOMETRY = { processes: 12, ringBytes: 32768, orderEntries: 256, pageBytes: 4096 };
const MAX_QUEUE_BYTES = 300;
const MAX_LAG_RECORDS = 100_000;
/** Where a connection's handle ends and that of its input area begins: both are the connection here. */
const AREA_HANDLES = 1_000_000;
/** Longer than a process needs for anything, shorter than a simulated person's patience. */
const START_MS_MAX = 30;

export interface MachineEvents {
  log(text: string): void;
  /** A replica stands at a place in the order: the state that it has there. */
  onStep(process: SimProcess): void;
}

/** What the pretended machine starts from. */
export interface MachineStart {
  readonly firstSequence: number;
  readonly firstSession: number;
  readonly timeMs: number;
}

/** One of the supervisor's processes. Its successor in the slot is another. */
export class SimProcess implements Owner {
  readonly name: string;
  readonly process: number;
  readonly generation: number;
  readonly role: Role;
  readonly words: WatchedWords;
  readonly lane: Lane;
  isAlive: boolean = true;
  /** The supervisor has reaped it. */
  isGone = false;
  loop: AgentLoop | undefined;
  member: LogMember | undefined;
  child: Child | undefined;

  constructor(process: number, generation: number, role: Role, words: WatchedWords) {
    this.process = process;
    this.generation = generation;
    this.role = role;
    this.words = words;
    this.name = `${role} ${process}/${generation}`;
    this.lane = new Lane(this);
  }
}

/**
 * A server as it runs on a machine, in one thread: the shipped supervisor, greeter, workers and history process on the
 * shipped log, with pretended memory, bells, sockets, processes and time.
 */
export class Machine implements Owner {
  readonly name: string = "supervisor";
  isAlive: boolean = true;
  readonly memory: ArrayBuffer;
  readonly processes: Map<number, SimProcess> = new Map();
  readonly supervisor: Supervisor;
  readonly sequencer: Sequencer;
  isFinished = false;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #database: Database;
  readonly #events: MachineEvents;
  readonly #member: LogMember;
  readonly #loop: AgentLoop;
  readonly #lane: Lane;
  readonly #handles = new Map<Handle, Connection>();
  #nextHandle = 1;

  constructor(
    scheduler: Scheduler,
    random: Random,
    database: Database,
    start: MachineStart,
    events: MachineEvents,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#database = database;
    this.#events = events;
    this.#lane = new Lane(this);
    const layout = new Layout(GEOMETRY);
    this.memory = new ArrayBuffer(layout.totalBytes);
    const { firstSequence } = start;
    const segment = formatSegment(new WatchedWords(this.memory), GEOMETRY, {
      firstSequence,
      firstTimeMs: start.timeMs,
      keeper: true,
      // Just below where ring positions wrap.
      startPosition: -64 * this.#random.between(1, 100),
    });
    const doorbell = { ring: (process: number) => this.#ring(process) };
    this.sequencer = new Sequencer(segment, () => scheduler.nowMs, doorbell, {
      onViolation: (process, reason) => this.#broken(process, reason),
      onHung: (process) => this.#broken(process, "hung"),
      onJoined: (process) => this.supervisor.joined(process),
      onOrdered: (process, kind) => this.supervisor.ordered(process, kind),
    });
    this.#member = new LogMember(segment, SEQUENCER, this.sequencer.admit(SEQUENCER), doorbell);
    this.#loop = new AgentLoop(
      () => this.#turn(),
      [this.sequencer, this.#member],
      (callback) => scheduler.post(this.#lane, callback),
    );
    this.supervisor = new Supervisor(
      {
        clock: this.#clockOf(this),
        spawn: (role) => this.#spawn(role),
        kill: (process) => this.kill(this.processes.get(process)),
        send: (process, message, handles) => this.#tell(process, message, handles),
        append: (kind, payload) => this.#member.append(kind, 0, payload),
        wake: () => this.#loop.soon(),
        createInputArea: () => this.#nextHandle + AREA_HANDLES,
        shutdown: (socket) => this.#handles.get(socket)?.shut(),
        close: (handle) => void this.#handles.delete(handle),
        log: (level, text) => events.log(`${level}: ${text}`),
        letHistoryGo: () => this.sequencer.letKeeperGo(),
        finished: () => (this.isFinished = true),
      },
      { maxClients: 64, maxProcesses: 4, spareProcesses: 1, history: true, firstSession: start.firstSession },
    );
    this.#loop.soon();
    this.supervisor.start();
  }

  get segment(): Segment {
    return openSegment(new WatchedWords(this.memory));
  }

  accept(connection: Connection): void {
    const handle = this.#nextHandle;
    this.#nextHandle += 1;
    this.#handles.set(handle, connection);
    this.#scheduler.post(this.#lane, () => this.supervisor.accept(handle));
  }

  /** Ends a process where it is. The supervisor learns of it a little later. */
  kill(process: SimProcess | undefined): void {
    if (process === undefined || !process.isAlive) return;
    process.isAlive = false;
    process.loop?.stop();
    this.#scheduler.post(
      this.#lane,
      () => {
        process.isGone = true;
        this.#loop.soon();
      },
      this.#random.between(0, 5),
    );
  }

  /** Everything ends at once. What stands in the memory stays. */
  killAll(): void {
    this.isAlive = false;
    this.#loop.stop();
    for (const process of this.processes.values()) {
      process.isAlive = false;
      process.loop?.stop();
    }
    // The kernel closes what nobody holds any more.
    for (const connection of this.#handles.values()) connection.shut();
  }

  /** A process threw: dead where it was to be, broken where not. */
  threw(owner: Owner, error: unknown): void {
    if (!(owner instanceof SimProcess) || !(error instanceof Killed)) throw error;
    this.kill(owner);
  }

  #turn(): void {
    this.supervisor.step();
    this.#member.publish();
    this.sequencer.step();
    for (const process of this.processes.values()) {
      if (!process.isGone) continue;
      const slot = process.process;
      if (this.sequencer.inspect(slot).generation !== 0) {
        this.sequencer.release(slot);
        this.supervisor.died(slot);
      }
      if (this.sequencer.hasUnordered(slot)) continue;
      this.processes.delete(slot);
      this.supervisor.gone(slot, "killed");
      this.#loop.soon();
    }
  }

  #spawn(role: Role): { process: number; generation: number } | undefined {
    let slot = 1;
    while (this.processes.has(slot)) slot += 1;
    if (slot >= GEOMETRY.processes) return undefined;
    const generation = this.sequencer.admit(slot, { keeper: role === "history" });
    const process = new SimProcess(slot, generation, role, new WatchedWords(this.memory));
    this.processes.set(slot, process);
    this.#scheduler.post(process.lane, () => this.#start(process), this.#random.between(1, START_MS_MAX));
    return { process: slot, generation };
  }

  /** What node/childMain.ts does on a real machine. */
  #start(process: SimProcess): void {
    const doorbell = { ring: () => this.#scheduler.post(this.#lane, () => this.#loop.turn()) };
    const consuming = process.role === "history" ? "explicit" : "automatic";
    const segment = openSegment(process.words);
    const member = new LogMember(segment, process.process, process.generation, doorbell, { consuming });
    const defer = (callback: () => void): void => this.#scheduler.post(process.lane, callback);
    const loop = new AgentLoop(
      () => {
        child.step(member);
        member.publish();
        this.#events.onStep(process);
      },
      [member],
      defer,
    );
    const ports: ChildPorts = {
      clock: this.#clockOf(process),
      send: (message) => this.#receive(process, message),
      connect: ([handle], events) => this.#handles.get(handle!)!.connect(process, events),
      wake: () => loop.soon(),
      exit: () => this.kill(process),
    };
    const child = this.#create(process, ports, member);
    process.member = member;
    process.loop = loop;
    process.child = child;
    member.attach();
    loop.soon();
  }

  #create(process: SimProcess, ports: ChildPorts, member: LogMember): Child {
    switch (process.role) {
      case "greeter":
        return createGreeter(ports, member, { serverName: "sim", host: "sim", port: 1 });
      case "worker":
        return createWorker(ports, member, {
          serverName: "sim",
          maxQueueBytes: MAX_QUEUE_BYTES,
          maxLagRecords: MAX_LAG_RECORDS,
        });
      case "history": {
        const reader = new HistoryReader(this.#database);
        // A thread of its own, which has no order with anything but itself.
        const thread = new Lane(process);
        return new Historian(
          {
            ...ports,
            store: new HistoryStore(this.#database),
            query: (query, done) => {
              const result = (): void => done(answerQuery(reader, query, this.#scheduler.nowMs));
              this.#scheduler.post(thread, result, this.#random.between(0, 5));
            },
            now: () => this.#scheduler.nowMs,
            openLines: () => {
              throw new Error("nobody imports anything here");
            },
          },
          member,
          { keepMs: undefined, sync: false },
        );
      }
    }
  }

  #tell(slot: number, message: SeatMessage, handles: readonly Handle[]): void {
    const process = this.processes.get(slot);
    if (process === undefined) return;
    const bytes = encodeSeatMessage(message);
    this.#scheduler.post(
      process.lane,
      () => {
        process.child?.receive(decodeSeatMessage(bytes), handles);
        process.loop?.soon();
      },
      this.#random.between(0, 2),
    );
  }

  #receive(process: SimProcess, message: SeatMessage): void {
    const bytes = encodeSeatMessage(message);
    // Also what a process sends right before its end arrives.
    this.#scheduler.post(this.#lane, () =>
      this.supervisor.receive(process.process, decodeSeatMessage(bytes)),
    );
  }

  #ring(slot: number): void {
    const process = this.processes.get(slot);
    if (slot === SEQUENCER) this.#loop.soon();
    else if (process?.loop !== undefined) this.#scheduler.post(process.lane, () => process.loop?.turn());
  }

  #broken(slot: number, reason: string): void {
    throw new Error(`${this.processes.get(slot)?.name ?? slot}: ${reason}`);
  }

  #clockOf(owner: Owner): ChildPorts["clock"] {
    return {
      setTimer: (delayMs, callback) => this.#scheduler.setTimer(owner, delayMs, callback),
      localTime: (timeMs) => `time ${timeMs}`,
    };
  }
}
