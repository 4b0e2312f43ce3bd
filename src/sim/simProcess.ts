import { type Database, type Random, decodeUtf8 } from "../base/index.ts";
import { FIRST_SEQUENCE, HistoryReader, HistoryStore } from "../history/index.ts";
import { AgentLoop, LogMember, openSegment } from "../log/index.ts";
import {
  type Child,
  type ChildPorts,
  type Clock,
  GreeterChild,
  type Handle,
  Historian,
  type Role,
  type SeatMessage,
  type Timer,
  WorkerChild,
  answerQuery,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import type { Connection, LivingOwner } from "./connection.ts";
import type { Kernel } from "./kernel.ts";
import { Lane, type Owner, type Scheduler } from "./scheduler.ts";
import { Killed, Lifetime, WatchedWords } from "./watchedWords.ts";

const MAX_QUEUE_BYTES = 300;
const MAX_LAG_RECORDS = 100_000;
/** Longer than a process needs for anything, shorter than a simulated person's patience. */
const START_MS_MAX = 30;
/** The end of a process is noticed after so long at the most. */
export const NOTICE_MS_MAX = 5;
/** So long the processes of a dead supervisor wait for the next, */
export const ORPHAN_MS = 1000;
/** and have then so long to take leave. */
export const ABANDON_MS = 3000;
/** What is told where nobody was left who stood far enough back. */
const GAP = /^-- several processes died at once/m;
/** What nobody survives who handles it. */
const POISON = /^\/poison[^\n]*\n/;

/** The machine, for a process that runs on it. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly database: Database;
  readonly kernel: Kernel;
  readonly memory: ArrayBuffer;
  clockOf(owner: Owner): Clock;
  /** A process ends. */
  end(process: SimProcess): void;
  /** A process tells a client that it cannot go on where its predecessor was. */
  gapAdmitted(process: SimProcess, connection: Connection): void;
  /** Nobody is left who knows who is there. */
  stateLost(): void;
  /** A process has taken a turn. */
  stepped(process: SimProcess): void;
}

/** A supervisor, as its processes know it. */
export interface Superior extends Owner {
  ring(): void;
  hear(from: SimProcess, message: SeatMessage, handles: readonly Handle[]): void;
}

/** One of the supervisor's processes, as node/childMain.ts runs it. Its successor in the slot is another. */
export class SimProcess implements LivingOwner {
  readonly name: string;
  readonly process: number;
  readonly generation: number;
  readonly role: Role;
  readonly life: Lifetime = new Lifetime();
  /** Its turns. Whatever else happens to it may come between any two of them. */
  readonly #turns: Lane;
  /** What arrives on its line, in this order. */
  readonly #messages: Lane;
  isAlive: boolean = true;
  loop: AgentLoop | undefined;
  member: LogMember | undefined;
  child: Child | undefined;
  /** It has given up waiting for a supervisor. */
  hasAbandoned = false;
  readonly #machine: Surroundings;
  /** Who calls is heard beside, and perhaps before, what is on its way from others. */
  readonly #calls: Lane;
  /** Who has called and was not answered yet, */
  readonly #callers: Superior[] = [];
  /** and what they have sent meanwhile. */
  readonly #unanswered: (() => void)[] = [];
  /** At the other end of its line. */
  #supervisor: Superior;
  /** Whose bells it has. */
  #rings: Superior;
  /** What is sent arrives at somebody who knows whose it is. */
  #isOurs = true;
  #isLost = false;
  #orphaned: Timer | undefined;

  constructor(
    machine: Surroundings,
    supervisor: Superior,
    { process, generation, role }: { process: number; generation: number; role: Role },
  ) {
    this.#machine = machine;
    this.#supervisor = supervisor;
    this.#rings = supervisor;
    this.process = process;
    this.generation = generation;
    this.role = role;
    this.name = `${role} ${process}/${generation}`;
    this.#turns = new Lane(this);
    this.#messages = new Lane(this);
    this.#calls = new Lane(this);
    machine.scheduler.post(this.#messages, () => this.#start(), machine.random.between(1, START_MS_MAX));
  }

  /** It can be called, and does something. */
  get hasStarted(): boolean {
    return this.loop !== undefined;
  }

  /** From a supervisor: it arrives, unless another one has called by then. */
  hear(from: Superior, message: SeatMessage, handles: readonly Handle[]): void {
    if (!this.isAlive) return;
    const { scheduler, random, kernel } = this.#machine;
    const bytes = encodeSeatMessage(message);
    const ours = kernel.passOn(handles, this);
    scheduler.post(this.#messages, () => this.#read(from, bytes, ours), random.between(0, 2));
  }

  #read(from: Superior, bytes: Uint8Array, handles: readonly Handle[]): void {
    if (!this.isAlive) return;
    if (this.#callers.includes(from)) {
      this.#unanswered.push(() => this.#read(from, bytes, handles));
      return;
    }
    if (this.#supervisor !== from) {
      for (const handle of handles) this.#machine.kernel.close(handle);
      return;
    }
    const message = decodeSeatMessage(bytes);
    if (message.type === "adopt") return this.#adopted();
    if (message.type === "state" && this.role === "history") this.#checkStart(message.through, handles);
    this.child!.receive(message, handles);
    this.loop!.soon();
  }

  /** What the store lacks is known to another replica, or to nobody any more. */
  #checkStart(through: number, handles: readonly Handle[]): void {
    const stored = Math.max(new HistoryStore(this.#machine.database).through, FIRST_SEQUENCE - 1);
    if (handles.length === 0 && stored < through) this.#machine.stateLost();
  }

  /** Its bell rings, if it is the one that it listens to. */
  ring(from: Superior): void {
    if (this.loop === undefined || this.#rings !== from) return;
    this.#machine.scheduler.post(this.#turns, () => this.loop!.turn());
  }

  /** A supervisor has died: who was in its care sees that when all that it had sent has arrived. */
  bereave(dead: Superior): void {
    const { scheduler, random } = this.#machine;
    const lose = (): void => {
      if (this.#supervisor === dead) this.#lose();
    };
    scheduler.post(this.#messages, lose, random.between(0, NOTICE_MS_MAX));
  }

  /** A supervisor that takes the place of a dead one calls. */
  call(by: Superior): void {
    const { scheduler, random } = this.#machine;
    this.#callers.push(by);
    const answer = (): void => {
      this.#callers.shift();
      this.#lose();
      if (!this.isAlive) return;
      this.#supervisor = by;
      this.#isOurs = false;
      this.#isLost = false;
      for (const read of this.#unanswered.splice(0)) read();
      if (!by.isAlive) this.bereave(by);
    };
    scheduler.post(this.#calls, answer, random.between(0, NOTICE_MS_MAX));
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    // A successor has no use for who knows nothing yet.
    if (this.child?.replica.isReady !== true) return this.#exit();
    this.child.receive({ type: "hold" }, []);
    this.#orphaned ??= this.#setTimer(ORPHAN_MS, () => {
      this.hasAbandoned = true;
      this.child!.abandon();
      this.#setTimer(ABANDON_MS, () => this.#exit());
    });
  }

  #adopted(): void {
    // Nobody whom it serves has not been told that it is over.
    if (this.hasAbandoned) return this.#exit();
    this.#isOurs = true;
    this.#orphaned?.cancel();
    this.#orphaned = undefined;
    this.#rings = this.#supervisor;
    this.#rings.ring();
    this.loop!.soon();
    for (const { message, handles } of this.child!.report()) this.#send(message, handles);
  }

  #send(message: SeatMessage, handles: readonly Handle[]): void {
    if (this.#isOurs && !this.#isLost) this.#supervisor.hear(this, message, handles);
  }

  #exit(): void {
    this.#machine.end(this);
  }

  #setTimer(delayMs: number, callback: () => void): Timer {
    return this.#machine.scheduler.setTimer(this, delayMs, callback);
  }

  #start(): void {
    const { scheduler, kernel } = this.#machine;
    const doorbell = { ring: (): void => this.#rings.ring() };
    const segment = openSegment(new WatchedWords(this.#machine.memory, this.life));
    const member = new LogMember(segment, this.process, this.generation, doorbell, { consuming: "explicit" });
    const defer = (callback: () => void): void => scheduler.post(this.#turns, callback);
    const loop = new AgentLoop(
      () => {
        child.step(member);
        member.publish();
        this.#machine.stepped(this);
      },
      [member],
      defer,
    );
    const ports: ChildPorts = {
      clock: this.#machine.clockOf(this),
      version: "sim",
      send: (message, handles = []) => this.#send(message, handles),
      share: (bytes) => kernel.open(this, bytes),
      takeShared: (handle) => kernel.takeMemory(handle),
      close: (handle) => kernel.close(handle),
      connect: ([socket, area], events) => {
        const connection = kernel.connection(socket!);
        const grip = {
          owner: this,
          handles: [socket!, area!] as const,
          close: (handle: Handle) => kernel.close(handle),
          onTrial: taste,
          onTakenUp: (bytes: Uint8Array) => {
            if (GAP.test(decodeUtf8(bytes))) this.#machine.gapAdmitted(this, connection);
          },
        };
        return connection.connect(grip, events);
      },
      wake: () => loop.soon(),
      exit: () => this.#exit(),
    };
    const child = this.#create(ports, member);
    this.member = member;
    this.loop = loop;
    this.child = child;
    member.attach();
    loop.soon();
  }

  #create(ports: ChildPorts, member: LogMember): Child {
    const { scheduler, random, database } = this.#machine;
    switch (this.role) {
      case "greeter":
        return new GreeterChild(ports, member, { networkName: "sim", host: "sim", port: 1 });
      case "worker":
        return new WorkerChild(ports, member, {
          serverName: "irc.sim",
          networkName: "sim",
          version: "sim",
          startedMs: 0,
          motd: "",
          admin: "",
          floodLines: 0,
          maxQueueBytes: MAX_QUEUE_BYTES,
          maxLagRecords: MAX_LAG_RECORDS,
        });
      case "history": {
        const reader = new HistoryReader(database);
        // A thread of its own, which has no order with anything but itself.
        const thread = new Lane(this);
        return new Historian(
          {
            ...ports,
            store: new HistoryStore(database),
            accounts: undefined,
            query: (query, done) => {
              const result = (): void => done(answerQuery(reader, query, scheduler.nowMs));
              scheduler.post(thread, result, random.between(0, 5));
            },
            now: () => scheduler.nowMs,
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
}

function taste(pending: Uint8Array): void {
  if (POISON.test(decodeUtf8(pending))) throw new Killed("at a line that kills");
}
