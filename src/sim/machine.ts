import { type Database, type Random, assert } from "../base/index.ts";
import { Layout } from "../log/index.ts";
import type { Clock, Role } from "../server/index.ts";
import type { Connection } from "./connection.ts";
import { Kernel } from "./kernel.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { SimProcess } from "./simProcess.ts";
import {
  GEOMETRY,
  type MachineStart,
  SupervisorProcess,
  type SupervisorSurroundings,
} from "./supervisorProcess.ts";
import { Killed } from "./watchedWords.ts";

export interface MachineEvents {
  log(text: string): void;
  /** A replica stands at a place in the order: the state that it has there. */
  onStep(process: SimProcess): void;
  onSupervisorDied(): void;
  /** Nobody is left who knows who is there: everybody has to go. */
  onStateLost(): void;
  onGap(process: SimProcess, connection: Connection): void;
}

/**
 * A server as it runs on a machine, in one thread: the shipped supervisor, greeter, workers and history process on the
 * shipped log, with pretended memory, bells, sockets, processes and time.
 */
export class Machine implements SupervisorSurroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: Database;
  readonly #events: MachineEvents;
  readonly memory: ArrayBuffer;
  readonly kernel: Kernel;
  readonly maxProcesses: number;
  /** Processes that live. */
  readonly processes: Set<SimProcess> = new Set();
  /** The one that lives, or the last that did. */
  supervisor: SupervisorProcess;
  #supervisors = 1;
  readonly #deathsMs: number[] = [];
  /** When the last supervisor died that had served. */
  #bereftMs = Number.POSITIVE_INFINITY;

  constructor(
    scheduler: Scheduler,
    random: Random,
    database: Database,
    start: MachineStart,
    events: MachineEvents,
  ) {
    this.scheduler = scheduler;
    this.random = random;
    this.database = database;
    this.#events = events;
    this.maxProcesses = random.between(1, 4);
    this.memory = new ArrayBuffer(new Layout(GEOMETRY).totalBytes);
    this.kernel = new Kernel((connection) => this.#unheld(connection));
    this.supervisor = new SupervisorProcess(this, this.#supervisors);
    this.supervisor.start(start);
  }

  /** Whoever comes is let in. */
  get isListening(): boolean {
    return this.supervisor.isAlive && this.supervisor.isListening;
  }

  /** Nothing lives any more. What stands in the memory stays. */
  get isOver(): boolean {
    return !this.supervisor.isAlive && this.processes.size === 0;
  }

  process(slot: number): SimProcess {
    const process = [...this.processes].find((each) => each.process === slot);
    assert(process !== undefined, `there is no process ${slot}`);
    return process;
  }

  /** A process of a supervisor begins. */
  spawn(supervisor: SupervisorProcess, as: { process: number; generation: number; role: Role }): SimProcess {
    const process = new SimProcess(this, supervisor, as);
    this.processes.add(process);
    return process;
  }

  /** Ends a process where it is. */
  kill(process: SimProcess | undefined): void {
    if (process === undefined || !process.isAlive) return;
    this.#deathsMs.push(this.scheduler.nowMs);
    this.end(process);
  }

  /** A process ends. The supervisor learns of it a little later. */
  end(process: SimProcess): void {
    if (!process.isAlive) return;
    process.isAlive = false;
    process.loop?.stop();
    this.processes.delete(process);
    this.kernel.closeAll(process);
    if (this.supervisor.isAlive) this.supervisor.bereave(process);
  }

  /** Ends the supervisor where it is. Its processes live on, and learn of it a little later. */
  killSupervisor(): void {
    const dead = this.supervisor;
    if (!dead.isAlive) return;
    if (dead.isListening) this.#bereftMs = this.scheduler.nowMs;
    dead.end();
    this.#deathsMs.push(this.scheduler.nowMs);
    this.kernel.closeAll(dead);
    for (const process of this.processes) process.bereave(dead);
    this.#events.onSupervisorDied();
  }

  /**
   * Another supervisor takes the place of the dead one, if it can do so by now. False where processes have yet to find
   * out that they are of no use to it.
   */
  succeed(): boolean {
    assert(!this.supervisor.isAlive, "a supervisor that lives has no successor");
    const survivors = [...this.processes];
    if (survivors.some((process) => !process.hasStarted)) return false;
    this.#supervisors += 1;
    this.supervisor = new SupervisorProcess(this, this.#supervisors);
    this.supervisor.adopt(survivors);
    return true;
  }

  /** Everything ends at once. What stands in the memory stays. */
  killAll(): void {
    this.supervisor.end();
    this.kernel.closeAll(this.supervisor);
    for (const process of this.processes) this.kill(process);
  }

  /** A process threw: dead where it was to be, broken where not. */
  threw(owner: Owner, error: unknown): void {
    if (!(error instanceof Killed)) throw error;
    if (owner instanceof SimProcess) this.kill(owner);
    else if (owner === this.supervisor) this.killSupervisor();
    else throw error;
  }

  log(text: string): void {
    this.#events.log(text);
  }

  stateLost(): void {
    this.#events.onStateLost();
  }

  gapAdmitted(process: SimProcess, connection: Connection): void {
    this.#events.onGap(process, connection);
  }

  /**
   * How many had died by now, and not of themselves, and were not replaced yet when it was `timeMs`, or died since.
   * Each is replaced after `replacedMs`, but not while there is no supervisor.
   */
  deathsAt(timeMs: number, replacedMs: number): number {
    const isBereft = timeMs - replacedMs < this.supervisor.listeningMs;
    const sinceMs = (isBereft ? Math.min(timeMs, this.#bereftMs) : timeMs) - replacedMs;
    return this.#deathsMs.filter((deathMs) => deathMs >= sinceMs).length;
  }

  stepped(process: SimProcess): void {
    this.#events.onStep(process);
  }

  clockOf(owner: Owner): Clock {
    return {
      setTimer: (delayMs, callback) => this.scheduler.setTimer(owner, delayMs, callback),
      now: () => this.scheduler.nowMs,
      localTime: (timeMs) => `time ${timeMs}`,
    };
  }

  /** While a supervisor serves, it has a duplicate of each; what was lost before that, nobody can give back. */
  #unheld(connection: Connection): void {
    assert(connection.isShut || !this.isListening, "the supervisor has let go of a connection that lasts");
    connection.shut("nobody");
  }
}
