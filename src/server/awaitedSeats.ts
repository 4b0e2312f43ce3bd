import type { SessionId } from "../chat/index.ts";
import type { ChildPorts } from "./ports.ts";

/** A seat without a connection is given up after this. */
const EXPECTED_MS = 5000;

/** What the log has said of a process's clients before their connections arrived. */
export class AwaitedSeats {
  readonly #ports: Pick<ChildPorts, "clock" | "wake">;
  /** Seats that were applied. */
  readonly #expected = new Set<SessionId>();
  /** Those of them whose connection does not come. */
  readonly #missing = new Set<SessionId>();
  /** Seats of sessions that are not there any more. */
  readonly #lost = new Set<SessionId>();

  constructor(ports: Pick<ChildPorts, "clock" | "wake">) {
    this.#ports = ports;
  }

  /** Its connection is on its way; unless who was to send it has died. */
  expect(session: SessionId): void {
    this.#expected.add(session);
    this.#ports.clock.setTimer(EXPECTED_MS, () => {
      if (!this.#expected.has(session)) return;
      this.#missing.add(session);
      this.#ports.wake();
    });
  }

  /** The connection is here. Whether its seat was applied already. */
  take(session: SessionId): boolean {
    this.#missing.delete(session);
    return this.#expected.delete(session);
  }

  /** Nothing comes of the seat any more. */
  forget(session: SessionId): void {
    this.take(session);
  }

  /** No connection comes any more, but for those that are here and not taken yet. */
  giveUpAll(isHere: (session: SessionId) => boolean): void {
    for (const session of this.#expected) if (!isHere(session)) this.#missing.add(session);
  }

  /** Whose connection does not come. */
  get missing(): Iterable<SessionId> {
    return this.#missing;
  }

  lose(session: SessionId): void {
    this.#lost.add(session);
  }

  /** The connection of a lost seat is here. */
  takeLost(session: SessionId): boolean {
    return this.#lost.delete(session);
  }
}
