import { type ChatState, createState } from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import { RECORD_FORMAT } from "../record/index.ts";
import { Greeter, type GreeterOptions } from "./greeter.ts";
import type { ChildPorts, Handle } from "./ports.ts";
import { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";
import { Worker, type WorkerOptions } from "./worker.ts";

/** One of the supervisor's processes, whatever it does: takes turns of the log, and messages from the supervisor. */
export interface Child {
  readonly replica: Replica;
  receive(message: SeatMessage, handles: readonly Handle[]): void;
  /** One turn of the log. */
  step(member: LogMember): void;
}

/** What a child does with seats and records, whichever its role. */
interface Part {
  receive(message: SeatMessage, handles: readonly Handle[]): void;
  onRecord(record: LogRecord): void;
  step(): void;
}

export function createGreeter(ports: ChildPorts, member: LogMember, options: GreeterOptions): Child {
  const greeter = new Greeter(ports, options);
  const replica = createReplica(ports, member);
  return new ReplicaChild(ports, replica, {
    receive: (message, handles) => greeter.receive(message, handles),
    onRecord: (record) => {
      replica.apply(record);
      greeter.applied(record);
    },
    step: () => undefined,
  });
}

export function createWorker(ports: ChildPorts, member: LogMember, options: WorkerOptions): Child {
  const replica = createReplica(ports, member);
  const worker = new Worker(ports, member, replica, options);
  return new ReplicaChild(ports, replica, {
    receive: (message, handles) => worker.receive(message, handles),
    onRecord: (record) => {
      // What came before its state is nothing to this process: it has no client yet.
      const { isReady } = replica;
      const effects = replica.apply(record);
      if (isReady) worker.applied(record, effects);
    },
    step: () => worker.step(),
  });
}

export function createReplica(
  ports: ChildPorts,
  member: LogMember,
  genesis: () => ChatState = createState,
): Replica {
  return new Replica(member, (text) => ports.send({ type: "log", level: "warn", text }), genesis);
}

/** Reads the log into its replica, and tells the supervisor when that is complete. */
class ReplicaChild implements Child {
  readonly replica: Replica;
  readonly #ports: ChildPorts;
  readonly #part: Part;
  readonly #onRecord: (record: LogRecord) => void;
  #saidReady = false;

  constructor(ports: ChildPorts, replica: Replica, part: Part) {
    this.#ports = ports;
    this.replica = replica;
    this.#part = part;
    this.#onRecord = (record) => part.onRecord(record);
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    this.#part.receive(message, handles);
  }

  step(member: LogMember): void {
    member.poll(this.#onRecord);
    this.replica.step();
    this.#part.step();
    if (this.#saidReady || !this.replica.isReady) return;
    this.#saidReady = true;
    // Until it has clients, it reads the log in large portions, without being woken for each record.
    member.setAttentive(false);
    this.#ports.send({ type: "ready", format: RECORD_FORMAT });
  }
}
