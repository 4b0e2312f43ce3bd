import { createState, restoreSnapshot } from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import { RECORD_FORMAT } from "../record/index.ts";
import { Greeter, type GreeterOptions } from "./greeter.ts";
import type { ChildPorts, Handle } from "./ports.ts";
import { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";
import { StateTeller } from "./stateTeller.ts";
import { Worker, type WorkerOptions } from "./worker.ts";

/** One of the supervisor's processes, whatever it does: takes turns of the log, and messages from the supervisor. */
export interface Child {
  readonly replica: Replica;
  receive(message: SeatMessage, handles: readonly Handle[]): void;
  /** One turn of the log. */
  step(member: LogMember): void;
  /** What it has, for a supervisor that takes the place of a dead one. */
  report(): readonly Report[];
  /** The supervisor is dead, and nobody takes its place: ends in order what can be ended. */
  abandon(): void;
}

export interface Report {
  readonly message: SeatMessage;
  readonly handles: readonly Handle[];
}

/** So many records, then it is looked whether a turn has become long enough. */
const RECORDS_AT_A_TIME = 128;
const RECORDS_PER_TURN = 1024;
/** What one turn has for clients is ended soon after this. */
const TURN_BYTES = 256 * 1024;

export function createReplica(ports: ChildPorts): Replica {
  return new Replica((text) => ports.send({ type: "log", level: "warn", text }));
}

export function adoptedReport(ports: ChildPorts, replica: Replica, clients: number): Report {
  const { isReady } = replica;
  const nextSession = isReady ? replica.state.nextSession : 1;
  const { version } = ports;
  const format = RECORD_FORMAT;
  return { message: { type: "adopted", ready: isReady, format, clients, nextSession, version }, handles: [] };
}

/**
 * What greeter and workers have in common. Each is a replica, and where it serves nobody it stands by: it reads no
 * further than everybody who serves somebody has, so that it can go on in the place of whoever dies, or tell the
 * state to who will.
 */
abstract class ReplicaChild implements Child {
  readonly replica: Replica;
  protected readonly ports: ChildPorts;
  readonly #member: LogMember;
  readonly #teller: StateTeller;

  constructor(ports: ChildPorts, member: LogMember) {
    this.ports = ports;
    this.replica = createReplica(ports);
    this.#teller = new StateTeller(ports, this.replica);
    this.#member = member;
    member.follow("nothing");
    // Nobody waits for it: it reads the log in large portions, without being woken for each record.
    member.setAttentive(false);
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "tell") this.#teller.ask(message);
    else if (message.type === "state") this.#start(message.through, handles);
    else this.receiveSeat(message, handles);
  }

  step(member: LogMember): void {
    // Let in at the oldest record that there is, it holds the log there, and its state will be of none before that.
    if (this.replica.isReady) this.read(member);
    else member.poll(() => undefined, 0);
    this.#teller.step();
  }

  report(): readonly Report[] {
    const held = this.held();
    return [adoptedReport(this.ports, this.replica, held.length), ...held];
  }

  abstract abandon(): void;
  /** Its clients. */
  protected abstract held(): readonly Report[];
  protected abstract receiveSeat(message: SeatMessage, handles: readonly Handle[]): void;
  protected abstract read(member: LogMember): void;

  #start(through: number, [memory]: readonly Handle[]): void {
    // Told a second time: who was asked first had died, after it had told.
    if (this.replica.isReady) {
      if (memory !== undefined) this.ports.close(memory);
      return;
    }
    const state = memory === undefined ? createState() : restoreSnapshot(this.ports.takeShared(memory));
    this.replica.resume(state, through);
    this.#member.follow("delivered");
    this.ports.send({ type: "ready", format: RECORD_FORMAT, version: this.ports.version });
  }
}

export class GreeterChild extends ReplicaChild {
  readonly #greeter: Greeter;

  constructor(ports: ChildPorts, member: LogMember, options: GreeterOptions) {
    super(ports, member);
    this.#greeter = new Greeter(ports, member, options);
  }

  protected receiveSeat(message: SeatMessage, handles: readonly Handle[]): void {
    this.#greeter.receive(message, handles);
  }

  abandon(): void {
    this.#greeter.stop();
  }

  protected held(): readonly Report[] {
    return this.#greeter.held();
  }

  protected read(member: LogMember): void {
    member.poll(this.#onRecord, RECORDS_PER_TURN);
    member.consume(member.sequence!);
  }

  readonly #onRecord = (record: LogRecord): void => {
    this.replica.apply(record);
  };
}

export class WorkerChild extends ReplicaChild {
  readonly #worker: Worker;

  constructor(ports: ChildPorts, member: LogMember, options: WorkerOptions) {
    super(ports, member);
    this.#worker = new Worker(ports, member, this.replica, options);
  }

  protected receiveSeat(message: SeatMessage, handles: readonly Handle[]): void {
    this.#worker.receive(message, handles);
  }

  abandon(): void {
    this.#worker.abandon();
  }

  protected held(): readonly Report[] {
    return this.#worker.held();
  }

  protected read(member: LogMember): void {
    for (let count = 0; count < RECORDS_PER_TURN && this.#worker.turnBytes < TURN_BYTES;) {
      const read = member.poll(this.#onRecord, RECORDS_AT_A_TIME);
      count += read;
      if (read < RECORDS_AT_A_TIME) break;
    }
    this.#worker.step();
    // Only now nobody who goes on in its place needs these any more.
    member.consume(member.sequence!);
  }

  readonly #onRecord = (record: LogRecord): void => {
    this.#worker.applied(record, this.replica.apply(record));
  };
}
