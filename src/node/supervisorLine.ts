import { type Handle, type SeatMessage, decodeSeatMessage, encodeSeatMessage } from "../server/index.ts";
import { RunSocket } from "./runSocket.ts";
import { SeatSocket } from "./seatSocket.ts";

export interface LineEvents {
  onMessage(message: SeatMessage, handles: readonly Handle[]): void;
  /** The supervisor is dead. */
  onLost(): void;
  /** Another one has taken its place, and brings bells. */
  onAdopted(bells: readonly Handle[]): void;
}

/**
 * A process's line to its supervisor: the seat socket that it was started with, and when that is dead, the one on
 * which a successor of the supervisor calls.
 */
export class SupervisorLine {
  readonly #events: LineEvents;
  readonly #runSocket: RunSocket;
  #seat: SeatSocket;
  /** What is sent arrives at somebody who knows whose it is. */
  #isOurs = true;
  #isLost = false;

  /** @param path of the run socket. @throws SystemError where nobody can listen there */
  constructor(descriptor: number, path: string, events: LineEvents) {
    this.#events = events;
    this.#seat = this.#listen(descriptor);
    this.#runSocket = new RunSocket(path, (fd) => this.#called(fd));
  }

  /** To a supervisor that is gone, nothing is sent: its successor asks for what it has to know. */
  send(message: SeatMessage, handles: readonly Handle[]): void {
    if (this.#isOurs && !this.#isLost) this.#seat.send(encodeSeatMessage(message), handles);
  }

  /** Before the process ends. */
  close(): void {
    this.#runSocket.close();
  }

  #listen(descriptor: number): SeatSocket {
    const seat = new SeatSocket(descriptor);
    seat.onMessage = (bytes, handles) => {
      const message = decodeSeatMessage(bytes);
      if (message.type !== "adopt") return this.#events.onMessage(message, handles);
      this.#isOurs = true;
      this.#events.onAdopted(handles);
    };
    seat.onClose = () => this.#lose();
    return seat;
  }

  #lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#events.onLost();
  }

  /** Nobody but a successor calls here: it holds the lock that its predecessor held to its end. */
  #called(descriptor: number): void {
    // What it had sent before it died counts.
    this.#seat.drain();
    this.#lose();
    this.#seat.close();
    this.#isOurs = false;
    this.#isLost = false;
    this.#seat = this.#listen(descriptor);
  }
}
