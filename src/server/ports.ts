/*
 * What the server needs of the machine. `node/` answers with the real thing; a simulator may answer with another.
 */
import type { HistoryQuestion, RoomId, SessionId } from "../chat/index.ts";
import type { HistoryStore } from "../history/index.ts";
import type { Answer } from "../record/index.ts";
import type { LogLevel, SeatMessage } from "./seatMessage.ts";

/** Something the kernel holds open for this process: a connection, or a client's input area. */
export type Handle = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  setTimer(delayMs: number, callback: () => void): Timer;
  /** A point in time, in milliseconds since 1970, as people write it where the server is: "2026-11-25 07:12". */
  localTime(timeMs: number): string;
}

/** A client's connection and input area, in the hands of the process that serves it. */
export interface ClientConnection {
  /** Bytes received and not yet consumed, in one piece: a view that the next read or `consume` may change. */
  pending(): Uint8Array;
  consume(count: number): void;
  /** Whether the rest of a line that was too long is being dropped; stands in the input area. */
  discarding: boolean;
  /** The client has sent its last byte. */
  readonly inputEnded: boolean;
  /** Reads on, where reading had stopped because the input area was full. */
  resumeInput(): void;
  /** Sends; never blocks. The bytes may not be changed afterwards. */
  write(bytes: Uint8Array): void;
  /** Bytes that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Sends what is queued, shuts the connection down, then calls back. Also where the client is gone already. */
  finish(done: () => void): void;
  /** Shuts the connection down, whatever is queued. */
  shutdownNow(): void;
  /** Lets go of the connection, which lives on in the supervisor's hands. */
  release(): void;
}

export interface ClientEvents {
  /** There is more `pending`, or the input has ended. */
  onInput(): void;
  /** The kernel has taken everything that was written. */
  onDrained(): void;
  /** The connection broke. */
  onLost(): void;
}

/** What every child has: a way to its supervisor, a clock, and an end. */
export interface ChildPorts {
  readonly clock: Clock;
  send(message: SeatMessage): void;
  connect(handles: readonly Handle[], events: ClientEvents): ClientConnection;
  /** Takes a turn of the log soon. */
  wake(): void;
  exit(): void;
}

export type Role = "greeter" | "worker" | "history";

export interface HistoryQuery {
  readonly session: SessionId;
  readonly question: HistoryQuestion;
  readonly before: number;
  /** The rooms that may be read. */
  readonly rooms: readonly RoomId[];
}

export type HistoryResult = Pick<Answer, "through" | "more" | "gaps" | "entries" | "refusal">;

/** The lines of a file, gone through as often as one likes: going on may throw ImportFileError. */
export interface ImportLines extends Iterable<string> {
  close(): void;
}

/** What the history process has besides. */
export interface HistoryPorts extends ChildPorts {
  readonly store: HistoryStore;
  /** Looks it up while the conversation goes on. `done` is called later, never at once. */
  query(query: HistoryQuery, done: (result: HistoryResult) => void): void;
  /** Of a file that is to be imported. @throws ImportFileError */
  openLines(path: string): ImportLines;
  /** Milliseconds since 1970. */
  now(): number;
}

export interface SupervisorPorts {
  /** The history process does not start: the log waits for none any more. */
  letHistoryGo(): void;
  readonly clock: Clock;
  /** Starts a process; its number in the log, or undefined where every slot is taken. */
  spawn(role: Role): { process: number; generation: number } | undefined;
  kill(process: number): void;
  send(process: number, message: SeatMessage, handles: readonly Handle[]): void;
  /** Appends to ring 0; a number below 0 where there is no room now. */
  append(kind: number, payload: Uint8Array): number;
  wake(): void;
  createInputArea(): Handle;
  /** Ends the connection for whoever else holds it. */
  shutdown(socket: Handle): void;
  close(handle: Handle): void;
  log(level: LogLevel, text: string): void;
  /** Everything has ended. */
  finished(): void;
}
