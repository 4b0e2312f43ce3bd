import { assert } from "../base/index.ts";
import {
  AgentLoop,
  LogMember,
  SEQUENCER,
  type Segment,
  Sequencer,
  type SequencerEvents,
  formatSegment,
  openSegment,
  ownerOf,
  publishedBy,
  succeed,
} from "../log/index.ts";
import {
  type Handle,
  type Role,
  type SeatMessage,
  type Spawned,
  Supervisor,
  type SupervisorPorts,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import type { Connection, LivingOwner } from "./connection.ts";
import { Lane } from "./scheduler.ts";
import { NOTICE_MS_MAX, type SimProcess, type Superior, type Surroundings } from "./simProcess.ts";
import { Lifetime, WatchedWords } from "./watchedWords.ts";

/** Small, so that everything wraps and fills in every run. */
export const GEOMETRY = { processes: 12, ringBytes: 32768, orderEntries: 256, pageBytes: 4096 };
/** Processes of a dead supervisor have so long to say what they have. */
const REPORT_LIMIT_MS = 1000;

/** So much later it dies that is to die when it has passed a client on. */
const DOOM_ACCESSES_MAX = 60;

/** What the pretended machine starts from. */
export interface MachineStart {
  readonly firstSequence: number;
  readonly firstSession: number;
  readonly timeMs: number;
}

/** The machine, for a supervisor that runs on it. */
export interface SupervisorSurroundings extends Surroundings {
  readonly maxProcesses: number;
  log(text: string): void;
  kill(process: SimProcess | undefined): void;
  /** A process of a supervisor begins. */
  spawn(supervisor: Superior, as: Spawned & { readonly role: Role }): SimProcess;
}

/** What has a slot in the log. */
interface Resident {
  /** Undefined: dead since before this supervisor. */
  readonly process: SimProcess | undefined;
  isGone: boolean;
}

/** The supervisor's process, as node/serverProcess.ts and node/logHost.ts run it. */
export class SupervisorProcess implements LivingOwner, Superior {
  readonly name: string;
  readonly life: Lifetime = new Lifetime();
  isAlive: boolean = true;
  /** Whoever wants to is let in. */
  isListening = false;
  /** When that began. */
  listeningMs: number = Number.POSITIVE_INFINITY;
  isFinished = false;
  readonly #machine: SupervisorSurroundings;
  /** It dies right after it has passed a client on. */
  #isDoomed = false;
  /** Its turns. Whatever else happens to it may come between any two of them. */
  readonly #turns: Lane;
  /** What it hears of others. */
  readonly #news: Lane;
  readonly #residents = new Map<number, Resident>();
  #sequencer: Sequencer | undefined;
  #member: LogMember | undefined;
  #loop: AgentLoop | undefined;
  #supervisor: Supervisor | undefined;

  /** @param number of supervisors of this log, itself included */
  constructor(machine: SupervisorSurroundings, number: number) {
    this.name = `supervisor ${number}`;
    this.#machine = machine;
    this.#turns = new Lane(this);
    this.#news = new Lane(this);
  }

  get supervisor(): Supervisor {
    assert(this.#supervisor !== undefined, `${this.name} has not begun`);
    return this.#supervisor;
  }

  get sequencer(): Sequencer {
    assert(this.#sequencer !== undefined, `${this.name} has not begun`);
    return this.#sequencer;
  }

  /** Begins with a new segment. */
  start({ firstSequence, firstSession, timeMs }: MachineStart): void {
    const { memory, random, scheduler } = this.#machine;
    const segment = formatSegment(new WatchedWords(memory, this.life), GEOMETRY, {
      firstSequence,
      firstTimeMs: timeMs,
      keeper: true,
      // Just below where ring positions wrap.
      startPosition: -64 * random.between(1, 100),
    });
    const sequencer = new Sequencer(segment, () => scheduler.nowMs, this.#doorbell, this.#events);
    this.#begin(segment, sequencer, sequencer.admit(SEQUENCER), firstSession);
    this.#listen();
  }

  /** Goes on with the processes of a dead supervisor, all of which have started; nobody else lives. */
  adopt(survivors: readonly SimProcess[]): void {
    for (const survivor of survivors) survivor.call(this);
    this.#post(() => this.#succeed(survivors), this.#machine.random.between(0, NOTICE_MS_MAX));
  }

  #succeed(survivors: readonly SimProcess[]): void {
    const { memory, scheduler } = this.#machine;
    const segment = openSegment(new WatchedWords(memory, this.life));
    const clock = (): number => scheduler.nowMs;
    const { sequencer, generation } = succeed(segment, clock, this.#doorbell, this.#events);
    for (let slot = 1; slot < GEOMETRY.processes; slot += 1) {
      const process = survivors.find((each) => each.process === slot);
      const owner = ownerOf(segment, slot);
      assert(process === undefined || process.generation === owner, `slot ${slot} is not ${process?.name}'s`);
      if (owner === 0 && !sequencer.hasUnordered(slot)) continue;
      if (process === undefined) sequencer.standDown(slot);
      this.#residents.set(slot, { process, isGone: process === undefined });
    }
    this.#begin(segment, sequencer, generation, 1);
    const listen = (): void =>
      this.#post(() => this.#listen(), this.#machine.random.between(0, NOTICE_MS_MAX));
    const timer = scheduler.setTimer(this, REPORT_LIMIT_MS, listen);
    this.supervisor.adopt(survivors, () => {
      timer.cancel();
      listen();
    });
  }

  #begin(segment: Segment, sequencer: Sequencer, generation: number, firstSession: number): void {
    this.#sequencer = sequencer;
    const member = new LogMember(segment, SEQUENCER, generation, this.#doorbell);
    this.#member = member;
    this.#loop = new AgentLoop(
      () => this.#turn(),
      [sequencer, member],
      (callback) => this.#machine.scheduler.post(this.#turns, callback),
    );
    const { maxProcesses } = this.#machine;
    const options = {
      maxClients: 64,
      maxProcesses,
      spareProcesses: 1,
      history: true,
      firstSession,
      persistence: false,
    };
    this.#supervisor = new Supervisor(this.#ports(segment, sequencer, member), options);
    this.#loop.soon();
  }

  #listen(): void {
    if (this.isListening) return;
    this.isListening = true;
    this.listeningMs = this.#machine.scheduler.nowMs;
    this.supervisor.start();
  }

  #ports(segment: Segment, sequencer: Sequencer, member: LogMember): SupervisorPorts {
    const { kernel } = this.#machine;
    return {
      clock: this.#machine.clockOf(this),
      spawn: (role) => this.#spawn(role),
      kill: (process) => this.#machine.kill(this.#residents.get(process)?.process),
      send: (process, message, handles) => this.#send(process, message, handles),
      checkImage: () => Promise.resolve(undefined),
      replaceImage: () => {
        throw new Error("no supervisor is replaced here");
      },
      adopt: (process) => this.#residents.get(process)?.process?.hear(this, { type: "adopt" }, []),
      append: (kind, payload) => member.append(kind, 0, payload),
      wake: () => this.#loop!.soon(),
      sequence: () => sequencer.sequence,
      areDying: () => [...this.#residents.values()].some(({ isGone }) => isGone),
      vacant: () => this.#vacant(),
      serves: (process) => sequencer.serves(process),
      serve: (process) => sequencer.serve(process),
      standDown: (process) => sequencer.standDown(process),
      servedThrough: ({ process, generation }) => sequencer.servedThrough(process, generation) - 1,
      inherited: ({ process, generation }) => sequencer.inherited(process, generation),
      hostOf: () => "sim",
      readMotd: () => "",
      createArea: () => kernel.open(this, new Uint8Array(0)),
      settle: (process, _session, socket) => {
        kernel.connection(socket).settle(publishedBy(segment, process));
        return true;
      },
      shutdown: (socket) => kernel.connection(socket).shut(this),
      close: (handle) => kernel.close(handle),
      log: (level, text) => this.#machine.log(`${level}: ${text}`),
      letHistoryGo: () => sequencer.letKeeperGo(),
      finished: () => (this.isFinished = true),
    };
  }

  #send(process: number, message: SeatMessage, handles: readonly Handle[]): void {
    this.#residents.get(process)?.process?.hear(this, message, handles);
    if (!this.#isDoomed || handles.length === 0) return;
    this.life.accesses = this.#machine.random.between(0, DOOM_ACCESSES_MAX);
  }

  /** The next client that it passes on is the last, or one of the last. */
  doom(): void {
    this.#isDoomed = true;
  }

  /** Lives on. */
  spare(): void {
    this.#isDoomed = false;
    this.life.accesses = Number.POSITIVE_INFINITY;
  }

  accept(connection: Connection): void {
    assert(this.isListening, `${this.name} does not listen`);
    const handle = this.#machine.kernel.open(this, connection);
    this.#post(() => this.supervisor.accept(handle));
  }

  /** From a process, also what it sent right before its end. */
  hear(from: SimProcess, message: SeatMessage, handles: readonly Handle[]): void {
    if (!this.isAlive) return;
    const bytes = encodeSeatMessage(message);
    const ours = this.#machine.kernel.passOn(handles, this);
    this.#post(() => this.supervisor.receive(from.process, decodeSeatMessage(bytes), ours));
  }

  ring(): void {
    this.#post(() => this.#loop!.turn());
  }

  /** A process has died. */
  bereave(process: SimProcess): void {
    const notice = (): void => {
      const resident = this.#residents.get(process.process);
      if (resident?.process !== process) return;
      resident.isGone = true;
      this.#loop!.soon();
    };
    this.#post(notice, this.#machine.random.between(0, NOTICE_MS_MAX));
  }

  end(): void {
    this.isAlive = false;
    this.isListening = false;
    this.#loop?.stop();
  }

  #turn(): void {
    const { supervisor, sequencer } = this;
    supervisor.step();
    this.#member!.publish();
    sequencer.step();
    for (const [slot, resident] of this.#residents) {
      if (!resident.isGone) continue;
      if (sequencer.inspect(slot).generation !== 0) {
        sequencer.release(slot);
        supervisor.died(slot);
      }
      if (sequencer.hasUnordered(slot)) continue;
      this.#residents.delete(slot);
      supervisor.gone(slot, "killed");
      this.#loop!.soon();
    }
    this.#member!.publish();
  }

  #spawn(role: Role): Spawned | undefined {
    const keeper = role === "history";
    const free = this.#vacant();
    // One is kept for the next keeper.
    const [process] = free;
    if (process === undefined || (free.length === 1 && !keeper)) return undefined;
    const generation = this.sequencer.admit(process, { keeper, early: !keeper });
    const started = this.#machine.spawn(this, { process, generation, role });
    this.#residents.set(process, { process: started, isGone: false });
    return { process, generation };
  }

  #vacant(): number[] {
    const vacant: number[] = [];
    for (let slot = 1; slot < GEOMETRY.processes; slot += 1)
      if (!this.#residents.has(slot)) vacant.push(slot);
    return vacant;
  }

  readonly #doorbell = {
    ring: (process: number): void => {
      if (process === SEQUENCER) this.#loop!.soon();
      else this.#residents.get(process)?.process?.ring(this);
    },
  };

  readonly #events: SequencerEvents = {
    onViolation: (process, reason) => this.#broken(process, reason),
    onHung: (process) => this.#broken(process, "hung"),
    onJoined: (process, sequence) => this.supervisor.joined(process, sequence),
    onOrdered: (process, kind) => this.supervisor.ordered(process, kind),
  };

  #broken(slot: number, reason: string): void {
    throw new Error(`${this.#residents.get(slot)?.process?.name ?? slot}: ${reason}`);
  }

  #post(run: () => void, delayMs = 0): void {
    this.#machine.scheduler.post(this.#news, run, delayMs);
  }
}
