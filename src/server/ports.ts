/*
 * What the server needs of the machine. `node/` answers with the real thing; a simulator may answer with another.
 */
import type { HistoryQuestion, PersonId, RoomId, SessionId } from "../chat/index.ts";
import type { HistoryStore } from "../history/index.ts";
import type { Answer } from "../record/index.ts";
import type { AccountPorts } from "./accountDesk.ts";
import type { Mark } from "./clientArea.ts";
import type { LogLevel, SeatMessage } from "./seatMessage.ts";

/** Something the kernel holds open for this process: a connection, a client's area, a piece of memory. */
export type Handle = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  setTimer(delayMs: number, callback: () => void): Timer;
  /** A point in time, in milliseconds since 1970, as people write it where the server is: "2026-11-25 07:12". */
  localTime(timeMs: number): string;
}

/**
 * A client's connection and its area (see clientArea.ts), in the hands of the process that serves it. What is consumed
 * and written becomes one step with what the process appends to the log: `commit`, then publish the ring, then `send`.
 */
export interface ClientConnection {
  /** Bytes received and not yet consumed, in one piece: a view that the next turn may change. */
  pending(): Uint8Array;
  consume(count: number): void;
  /** Whether the rest of a line that was too long is being dropped. */
  discarding: boolean;
  /** The client has sent its last byte. */
  readonly inputEnded: boolean;
  /** A line is about to be handled. False: processes have died at it, and it may not be tried again. */
  beginTrial(): boolean;
  endTrial(): void;
  /** Copies the bytes: they go out after the next commit. Where there is no room for them, it `isOverflowing`. */
  write(bytes: Uint8Array): void;
  /** Something was to be written that had no room: the client cannot go on. */
  readonly isOverflowing: boolean;
  /** Bytes written that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Everything for the client up to this sequence number has been committed, by this process or one before it. */
  readonly through: number;
  /** For a successor: replaced with the next commit. */
  notes: Uint8Array;
  /** What there is to commit, together with what the process has appended to the log by now. */
  commit(mark: Mark): void;
  /** Hands what was committed to the kernel, and reads on where there is room; never blocks. */
  send(): void;
  /** Sends what was committed, shuts the connection down, then calls back. Also where the client is gone already. */
  finish(done: () => void): void;
  /** Shuts the connection down, whatever is queued. */
  shutdownNow(): void;
  /** Lets go of the connection, which lives on in the supervisor's hands. */
  release(): void;
  /** The connection and the area: for a supervisor that has no duplicate. */
  readonly handles: readonly Handle[];
}

export interface ClientEvents {
  /** There is more `pending`, or the input has ended. */
  onInput(): void;
  /** The kernel has taken everything that was written, and not all of it within `send`. */
  onDrained(): void;
  /** The connection broke. */
  onLost(): void;
}

/** What every child has: a way to its supervisor, a clock, and an end. */
export interface ChildPorts {
  readonly clock: Clock;
  /** Of the program that runs. */
  readonly version: string;
  send(message: SeatMessage, handles?: readonly Handle[]): void;
  /** Memory of its own with these bytes, which can be passed on. */
  share(bytes: Uint8Array): Handle;
  /** What somebody shared; the handle is used up. */
  takeShared(handle: Handle): Uint8Array;
  close(handle: Handle): void;
  /** @throws AreaError */
  connect(handles: readonly Handle[], events: ClientEvents): ClientConnection;
  /** Takes a turn of the log soon. */
  wake(): void;
  exit(): void;
}

export type Role = "greeter" | "worker" | "history";

export interface HistoryQuery {
  /** Who asks, over time. */
  readonly session: PersonId;
  /** What shall be deleted is for the writer: see `decideRedaction`. */
  readonly question: Exclude<HistoryQuestion, { kind: "redact" }>;
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
  /** Undefined: they cannot be used. */
  readonly accounts: AccountPorts | undefined;
  /** Looks it up while the conversation goes on. `done` is called later, never at once. */
  query(query: HistoryQuery, done: (result: HistoryResult) => void): void;
  /** Of a file that is to be imported. @throws ImportFileError */
  openLines(path: string): ImportLines;
  /** Milliseconds since 1970. */
  now(): number;
}

export interface Spawned {
  readonly process: number;
  readonly generation: number;
}

export interface SupervisorPorts {
  readonly clock: Clock;
  /** Starts a process; its number in the log, or undefined where every slot is taken. */
  spawn(role: Role): Spawned | undefined;
  kill(process: number): void;
  send(process: number, message: SeatMessage, handles: readonly Handle[]): void;
  /** Sends "adopt", and with it the bells. */
  adopt(process: number): void;
  /** Appends to ring 0; a number below 0 where there is no room now. */
  append(kind: number, payload: Uint8Array): number;
  wake(): void;
  /** The history process does not start: the log waits for none any more. */
  letHistoryGo(): void;
  /** The sequence number that the next record gets. */
  sequence(): number;
  /** Whether a process is dead, and what it had published is not all in the order yet. */
  areDying(): boolean;
  /** Numbers that no process has. */
  vacant(): readonly number[];
  /** It serves clients from now on: standbys do not read past what it has consumed. */
  serve(process: number): void;
  standDown(process: number): void;
  /** Whether it counts as one that serves clients: also where a supervisor before this one said so. */
  serves(process: number): boolean;
  /** Of a dead process that served clients: the last sequence number that it had consumed. */
  servedThrough(spawned: Spawned): number;
  /** Those whom it served are served by others: the log is not held back for it any more. */
  inherited(spawned: Spawned): void;
  createArea(): Handle;
  /** Where a connection comes from, as others may see it. */
  hostOf(socket: Handle): string;
  /** The message of the day, read anew; empty: none. */
  readMotd(): string;
  /** Whether the supervisor's own code that is there now can be loaded: undefined, or what is wrong with it. */
  checkImage(): Promise<string | undefined>;
  /**
   * Goes on with the code that is there now, as a supervisor that takes the place of a dead one: does not return.
   */
  replaceImage(): never;
  /**
   * Brings a connection's area to where a dead process left it, and keeps a line that kills processes. False: the
   * area is damaged, and nobody can go on with it.
   */
  settle(process: number, session: SessionId, socket: Handle, area: Handle): boolean;
  /** Ends the connection for whoever else holds it. */
  shutdown(socket: Handle): void;
  close(handle: Handle): void;
  log(level: LogLevel, text: string): void;
  /** Everything has ended. */
  finished(): void;
}
