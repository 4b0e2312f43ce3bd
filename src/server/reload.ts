import type { Crew, CrewMember } from "./crew.ts";
import type { SupervisorPorts } from "./ports.ts";
import type { Seating } from "./seating.ts";

/** Why everything stayed, or most of it, in words for people. */
export class ReloadError extends Error {
  override readonly name = "ReloadError";
}

export interface ReloadHooks {
  /** Gives those who wait to who is there, and starts who is missing. */
  place(): void;
  /** Asks the greeter to hand nobody on; `isHolding` when it does not. */
  hold(): void;
  isHolding(): boolean;
  /** After `hold`: no other supervisor comes after all. */
  carryOn(): void;
  /** Whether everything that the supervisor had to say is in its ring. */
  isSaid(): boolean;
  /** Told how far it is. */
  tell(text: string): void;
}

/** A process may take so long to start, on a machine that is busy. */
const START_LIMIT_MS = 15_000;
/** The history process may have much to read. */
const HISTORY_LIMIT_MS = 60_000;
/** Clients change from one process to the next in so much time, or something is wrong. */
const TAKE_LIMIT_MS = 10_000;
/** The first of the new ones serves so long before the others follow. */
const CANARY_MS = 1000;

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: (isMet: boolean) => void;
}

/**
 * Brings a new version of the program into a server that runs. First one worker, which gets the clients of another,
 * as if that had died; if it does not do well, everybody else stays as they are. Then every process is ended, one
 * after the other, and replaced as the dead are: clients outlive them. At last the supervisor's process goes on with
 * the new code itself.
 */
export class Reload {
  readonly #ports: SupervisorPorts;
  readonly #crew: Crew;
  readonly #seating: Seating;
  readonly #hooks: ReloadHooks;
  #waiters: Waiter[] = [];
  #isCancelled = false;

  constructor(ports: SupervisorPorts, crew: Crew, seating: Seating, hooks: ReloadHooks) {
    this.#ports = ports;
    this.#crew = crew;
    this.#seating = seating;
    this.#hooks = hooks;
  }

  /** The server ends: whatever it waits for is over. */
  cancel(): void {
    this.#isCancelled = true;
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
  }

  /** Something has happened. */
  changed(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) {
      if (waiter.condition()) waiter.resolve(true);
      else this.#waiters.push(waiter);
    }
  }

  /** Does not return where it succeeds. @throws ReloadError */
  async run(): Promise<void> {
    const fault = await this.#ports.checkImage();
    if (this.#isCancelled) throw new ReloadError("the server is stopping");
    if (fault !== undefined) throw new ReloadError(`the new version cannot be loaded: ${fault}`);
    const batch = this.#crew.beginBatch();
    this.#crew.prefersOld = false;
    await this.#tryCanary();
    for (const worker of this.#old(batch, "worker")) if (worker.sessions.size === 0) this.#retire(worker);
    this.#hooks.place();
    for (const worker of this.#old(batch, "worker")) await this.#replaceWorker(worker, batch);
    await this.#replace("greeter", START_LIMIT_MS);
    await this.#replace("history", HISTORY_LIMIT_MS);
    this.#hooks.tell("the supervisor");
    await this.#settle();
    this.#ports.replaceImage();
  }

  /** Of those before this reload. */
  #old(batch: number, role: CrewMember["role"]): CrewMember[] {
    return this.#crew.all().filter((member) => member.role === role && member.batch < batch && !member.dead);
  }

  async #tryCanary(): Promise<void> {
    const canary = this.#crew.spawn("worker");
    if (canary === undefined) throw new ReloadError("there is no room for one more process");
    this.#hooks.tell("one worker");
    await this.#until(() => canary.ready || canary.dead, START_LIMIT_MS);
    if (!canary.ready || canary.dead) {
      if (!canary.dead) this.#ports.kill(canary.process);
      throw this.#failure("the first worker of the new version did not start", canary);
    }
    this.#hooks.tell(`version ${canary.version}`);
    const worker = this.#crew.busy().find((member) => member.batch < canary.batch);
    if (worker === undefined) return;
    this.#retire(worker);
    const isTaken = await this.#until(() => canary.dead || this.#hasTaken(worker), TAKE_LIMIT_MS);
    if (isTaken) await this.#until(() => canary.dead, CANARY_MS);
    if (!canary.dead && isTaken) return;
    // Its clients go back to a worker of the old version, where one stands by.
    this.#crew.prefersOld = true;
    if (!canary.dead) this.#ports.kill(canary.process);
    throw this.#failure("the first worker of the new version did not do well", canary);
  }

  #failure(what: string, { lastError }: CrewMember): ReloadError {
    const [reason] = lastError.split("\n");
    return new ReloadError(
      `${what}${reason === "" ? "" : `: ${reason}`}; all others are still of the version before`,
    );
  }

  async #replaceWorker(worker: CrewMember, batch: number): Promise<void> {
    const hasStandby = (): boolean => (this.#crew.standby()?.batch ?? 0) >= batch;
    if (!(await this.#until(() => worker.dead || hasStandby(), START_LIMIT_MS)))
      throw new ReloadError("no more workers of the new version start; some are still of the version before");
    if (worker.dead || worker.ending) return;
    this.#hooks.tell(`worker ${worker.process}`);
    this.#retire(worker);
    if (!(await this.#until(() => this.#hasTaken(worker), TAKE_LIMIT_MS)))
      throw new ReloadError(
        "a worker's clients wait for another process; some are still of the version before",
      );
  }

  #retire(member: CrewMember): void {
    member.ending = true;
    this.#ports.kill(member.process);
  }

  /** Whether all of a worker's clients are with another one, and the log says so. */
  #hasTaken(worker: CrewMember): boolean {
    const isGone = this.#crew.get(worker.process) !== worker;
    return isGone && this.#seating.isSettled;
  }

  async #replace(role: "greeter" | "history", limitMs: number): Promise<void> {
    const [member] = this.#crew.ready(role);
    if (member === undefined) return;
    this.#hooks.tell(`the ${role}`);
    this.#retire(member);
    const isReplaced = (): boolean => this.#crew.ready(role).some((other) => other !== member);
    if (!(await this.#until(isReplaced, limitMs)))
      throw new ReloadError(`the ${role} of the new version does not start`);
  }

  /** Until nothing is on its way that would be lost with the supervisor's memory. */
  async #settle(): Promise<void> {
    this.#hooks.hold();
    const isSettled = (): boolean =>
      this.#hooks.isHolding() && this.#hooks.isSaid() && this.#seating.isSettled;
    if (await this.#until(isSettled, TAKE_LIMIT_MS)) return;
    this.#hooks.carryOn();
    throw new ReloadError("the supervisor finds no moment to go on with the new version; all others have it");
  }

  /** Resolves to true as soon as the condition holds, to false after the limit. */
  async #until(condition: () => boolean, limitMs: number): Promise<boolean> {
    const isMet = condition() || (await this.#comesAbout(condition, limitMs));
    if (this.#isCancelled) throw new ReloadError("the server is stopping");
    return isMet;
  }

  #comesAbout(condition: () => boolean, limitMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter: Waiter = {
        condition,
        resolve: (isMet) => {
          timer.cancel();
          resolve(isMet);
        },
      };
      const timer = this.#ports.clock.setTimer(limitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(condition());
      });
      this.#waiters.push(waiter);
    });
  }
}
