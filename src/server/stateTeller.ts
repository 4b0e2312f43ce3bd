import { takeSnapshot } from "../chat/index.ts";
import type { ChildPorts } from "./ports.ts";
import type { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";

type Request = Extract<SeatMessage, { type: "tell" }>;

/** Tells new processes the state of this one's replica, in memory that they are handed. */
export class StateTeller {
  readonly #ports: ChildPorts;
  readonly #replica: Replica;
  #requests: Request[] = [];

  constructor(ports: ChildPorts, replica: Replica) {
    this.#ports = ports;
    this.#replica = replica;
  }

  ask(request: Request): void {
    this.#requests.push(request);
  }

  /** Once in each turn: who reads from a later record than this process has come to has to wait. */
  step(): void {
    if (this.#requests.length === 0 || !this.#replica.isReady) return;
    const { through, state } = this.#replica;
    const due = this.#requests.filter(({ from }) => through + 1 >= from);
    if (due.length === 0) return;
    this.#requests = this.#requests.filter(({ from }) => through + 1 < from);
    const memory = this.#ports.share(takeSnapshot(state));
    for (const { process, generation } of due)
      this.#ports.send({ type: "state", process, generation, through }, [memory]);
    this.#ports.close(memory);
  }
}
