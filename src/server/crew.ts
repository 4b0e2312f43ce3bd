import type { SessionId } from "../chat/index.ts";
import type { Role, Spawned, SupervisorPorts, Timer } from "./ports.ts";

export interface CrewOptions {
  maxProcesses: number;
  spareProcesses: number;
  /** Whether a process keeps the history. */
  history: boolean;
}

/** One of the supervisor's processes. */
export interface CrewMember extends Spawned {
  readonly role: Role;
  /** Of its program; empty until it says so. */
  version: string;
  /** The last that it complained of. */
  lastError: string;
  /** Lets itself be seated and asked for its state. */
  ready: boolean;
  /** Where it was let in as a reader of the log; undefined: not yet. */
  readsFrom: number | undefined;
  /** Gets no client any more. */
  ending: boolean;
  /** Has ended, and may not be gone yet. */
  dead: boolean;
  /** Runs while it has not done its work for long: who dies soon may die again at once. */
  settling: Timer | undefined;
  /** Who was asked for the state that this one starts from; undefined: nobody yet. */
  source: number | undefined;
  /** The latest format of records that it understands. */
  format: number;
  quiet: boolean;
  /** Standbys do not read past what it has consumed. */
  serves: boolean;
  /** Of which code it is: higher than what was started before the last reload. */
  readonly batch: number;
  /** How many that had its clients before died one after the other, each soon after it had taken them. */
  crashesBefore: number;
  readonly sessions: Set<SessionId>;
}

/** Processes that start at the same time: more would only slow each other down. */
const STARTING_MAX = 8;
/** A process that dies before it is ready is tried again after this, and then after twice as long, up to a limit. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 5000;
const ROLES: readonly Role[] = ["greeter", "worker", "history"];
/** Who lives so long after it began its work is steady. */
const STEADY_MS = 3000;
/** When the history process dies so often before it is ready, the others go on without it. */
const HISTORY_FAILURES_MAX = 3;
/** So many workers may die one after the other soon after they took the same clients, and be replaced at once. */
const CRASHES_MAX = 3;

/** Which processes there are, and which are missing. */
export class Crew {
  readonly #ports: SupervisorPorts;
  readonly #options: CrewOptions;
  readonly #members = new Map<number, CrewMember>();
  /** Of each role: how many died one after the other before they were ready, and what waits to start another. */
  readonly #startFailures: Record<Role, number> = { greeter: 0, worker: 0, history: 0 };
  readonly #restarts: Partial<Record<Role, Timer>> = {};
  #batch = 1;
  /** Whether clients go to those who were started before the last reload, because what came after does not work. */
  prefersOld: boolean = false;
  readonly #onHistoryHopeless: () => void;
  readonly #onMissing: () => void;

  /**
   * @param events `onMissing`: `replenish` may start again what it did not.
   * `onHistoryHopeless`: the history process does not start any more, and there has been one
   */
  constructor(
    ports: SupervisorPorts,
    options: CrewOptions,
    events: { onMissing(): void; onHistoryHopeless(): void },
  ) {
    this.#ports = ports;
    this.#options = options;
    this.#onMissing = () => events.onMissing();
    this.#onHistoryHopeless = () => events.onHistoryHopeless();
  }

  all(): CrewMember[] {
    return [...this.#members.values()];
  }

  get(process: number): CrewMember | undefined {
    return this.#members.get(process);
  }

  ready(role: Role): CrewMember[] {
    return this.all().filter((member) => member.role === role && member.ready && !member.dead);
  }

  /** A worker without a client, which reads no further than those who serve somebody. */
  standby(): CrewMember | undefined {
    const idle = this.ready("worker").filter((worker) => !worker.ending && worker.sessions.size === 0);
    const isBetter = (a: CrewMember, b: CrewMember): boolean =>
      this.prefersOld ? a.batch < b.batch : a.batch > b.batch;
    return idle.reduce<CrewMember | undefined>(
      (best, worker) => (best === undefined || isBetter(worker, best) ? worker : best),
      undefined,
    );
  }

  /** Whoever is started from now on is of other code, perhaps, than who is there. Returns what they have as `batch`. */
  beginBatch(): number {
    this.#batch += 1;
    return this.#batch;
  }

  /** Workers that serve somebody. */
  busy(): CrewMember[] {
    return this.all().filter((member) => !member.dead && member.sessions.size > 0);
  }

  /**
   * Starts what is missing: greeter, history, and standbys for those who wait.
   * @param waiting how many workers without a client are needed now
   */
  replenish(waiting: number, onlyHistory: boolean): void {
    const members = this.all();
    const lacks = (role: Role): boolean =>
      this.#restarts[role] === undefined && !members.some((member) => member.role === role && !member.dead);
    if (this.#options.history && lacks("history")) this.spawn("history");
    if (onlyHistory) return;
    if (lacks("greeter")) this.spawn("greeter");
    if (this.#restarts.worker !== undefined) return;
    const idle = members.filter(
      (member) => member.role === "worker" && !member.dead && !member.ending && member.sessions.size === 0,
    ).length;
    // Where all serve somebody already, one more stands by for the next that dies.
    const allowed = Math.max(this.#options.maxProcesses - this.busy().length, 1);
    const wanted = Math.min(Math.max(this.#options.spareProcesses, waiting), allowed);
    const starting = members.filter((member) => !member.ready && !member.dead).length;
    const missing = Math.min(wanted - idle, STARTING_MAX - starting);
    for (let i = 0; i < missing; i += 1) if (this.spawn("worker") === undefined) return;
  }

  /** One more, whoever else there is. Undefined where there is no slot for it. */
  spawn(role: Role): CrewMember | undefined {
    const spawned = this.#ports.spawn(role);
    return spawned === undefined ? undefined : this.add(spawned, role);
  }

  /** One that lives, and has yet to say what it knows. */
  add({ process, generation }: Spawned, role: Role): CrewMember {
    const member: CrewMember = {
      process,
      generation,
      role,
      version: "",
      lastError: "",
      ready: false,
      readsFrom: undefined,
      ending: false,
      dead: false,
      settling: undefined,
      source: undefined,
      format: 0,
      quiet: false,
      serves: false,
      batch: this.#batch,
      crashesBefore: 0,
      sessions: new Set(),
    };
    this.#members.set(process, member);
    return member;
  }

  becameReady(member: CrewMember, format: number, version: string): void {
    member.ready = true;
    member.format = format;
    member.version = version;
    this.#startFailures[member.role] = 0;
    // What ends a history process may be waiting for it in the log.
    if (member.role === "history") this.#settle(member);
  }

  /** It serves somebody, who may be what it dies of. */
  beganToServe(worker: CrewMember): void {
    this.#settle(worker);
  }

  #settle(member: CrewMember): void {
    member.settling?.cancel();
    member.settling = this.#ports.clock.setTimer(STEADY_MS, () => {
      member.settling = undefined;
      member.crashesBefore = 0;
    });
  }

  /** It has ended. Until it is `gone`, its slot stays taken. */
  died(member: CrewMember): void {
    member.dead = true;
    const isSettling = member.settling !== undefined;
    member.settling?.cancel();
    member.settling = undefined;
    if (member.ending) return;
    if (isSettling) member.crashesBefore += 1;
    if (!member.ready) this.#restartLater(member.role);
    else if (isSettling && member.role === "history") this.#restartAfter(member.role, RESTART_DELAY_MS);
  }

  /** How long the clients of a worker that died have to wait for the next, for a reason that is logged. */
  pauseAfter({ process, crashesBefore }: CrewMember): number {
    if (crashesBefore <= CRASHES_MAX) return 0;
    const delayMs = delayAfter(crashesBefore - CRASHES_MAX - 1);
    this.#ports.log(
      "error",
      `worker ${process} is the ${crashesBefore}th in a row that died soon after it took over the clients of the one ` +
        `before; they wait ${delayMs} ms for the next`,
    );
    return delayMs;
  }

  gone(member: CrewMember): void {
    this.#members.delete(member.process);
  }

  /** Nothing is started later any more. */
  cancelRestarts(): void {
    for (const timer of Object.values(this.#restarts)) timer.cancel();
    for (const role of ROLES) delete this.#restarts[role];
  }

  /** What dies before it is ready would die again at once: each time we wait longer. */
  #restartLater(role: Role): void {
    const failures = this.#startFailures[role];
    const delayMs = delayAfter(failures);
    this.#startFailures[role] = failures + 1;
    this.#ports.log("error", `a ${role} died before it was ready; the next is started in ${delayMs} ms`);
    if (role === "history" && failures + 1 >= HISTORY_FAILURES_MAX) this.#onHistoryHopeless();
    this.#restartAfter(role, delayMs);
  }

  #restartAfter(role: Role, delayMs: number): void {
    this.#restarts[role] ??= this.#ports.clock.setTimer(delayMs, () => {
      delete this.#restarts[role];
      this.#onMissing();
    });
  }
}

function delayAfter(failures: number): number {
  return Math.min(RESTART_DELAY_MS * 2 ** failures, RESTART_DELAY_MS_MAX);
}
