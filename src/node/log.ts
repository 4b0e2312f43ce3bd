/*
 * `chorus/log`: ordered, loss-free broadcast between Node processes of one machine, over shared memory, without a
 * lock. One process creates the log and starts the others; every process appends, and all read the same records in
 * the same order. See examples/log.ts.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { MiB } from "../base/index.ts";
import {
  BACK_PRESSURED,
  CLOSED,
  type LogMember,
  LogRecord,
  NOT_READY,
  type RecordHandler,
  TOO_BIG,
} from "../log/index.ts";
import { pageBytes } from "./libc.ts";
import { LogHost, type MemberStreams, type Spawned } from "./logHost.ts";
import { attachMember } from "./logMember.ts";

export { BACK_PRESSURED, CLOSED, LogRecord, NOT_READY, type RecordHandler, TOO_BIG };
export { LogCorruptionError, SegmentMismatchError } from "../log/index.ts";
export { SystemError } from "./libc.ts";
export type { MemberStreams, Spawned } from "./logHost.ts";

export interface CreateLogOptions {
  /** How many processes can take part besides this one: 1 to 1,023. */
  members: number;
  /** Bytes of each process's ring: a power of two; default 1 MiB. A record may fill a quarter of it. */
  ringBytes?: number;
  /** Records that can wait for the slowest reader: a power of two; default 65,536. */
  orderEntries?: number;
  /** The folder for the segment file, on a file system in memory; default /dev/shm. */
  folder?: string;
  /** A member has ended, and everything that it had published is in the order. */
  onGone?(member: number, code: number | null, signal: NodeJS.Signals | null): void;
  /** A member was ended, because it hung (four probes of a second unanswered) or wrote what it must not. */
  onEvicted?(member: number, reason: string): void;
}

/** A process's part in a log. */
export interface Log extends Disposable {
  /** This process's number in the log; 0 is the one that created it. */
  readonly process: number;
  /** The largest payload in bytes. */
  readonly payloadBytesMax: number;
  /**
   * Appends a record, for all to read. It is published at the end of this turn of the event loop, or by `publish`.
   *
   * @param kind 1 to 65,535, of your own meaning
   * @param room 32 bits of your own meaning; default 0
   * @returns the bytes that this process has appended so far; or BACK_PRESSURED where the readers have not made room
   * (nothing was written: wait for `room()` and append again), TOO_BIG above `payloadBytesMax`, CLOSED
   */
  append(kind: number, payload: Uint8Array, room?: number): number;
  /** Publishes now what was appended. */
  publish(): void;
  /** Resolves when a record that was refused would fit. */
  room(): Promise<void>;
  /**
   * Reads from here on: `handler` gets every record that is ordered after this call took effect, once, in the one
   * order. The record is reused and lies in shared memory: copy what must outlive the call. Resolves when it took
   * effect. While it does not return, nothing is overwritten, and in the end everybody waits for it.
   */
  read(handler: RecordHandler): Promise<void>;
}

export interface HostedLog extends Log {
  /**
   * Starts a member: `node args…`, which calls `attachLog`. Its errors go where this process's go.
   * @throws AssertionError where `members` of them are alive already
   */
  spawn(args: readonly string[], streams?: MemberStreams): Spawned;
}

/**
 * Makes a log and sequences it for as long as this process lives or until it is disposed of; its members end with it.
 * @throws SystemError with code ENOSPC where the folder has no room for it
 */
export function createLog(options: CreateLogOptions): HostedLog {
  const host = new LogHost({
    path: join(options.folder ?? "/dev/shm", `chorus-log-${randomUUID()}`),
    geometry: {
      processes: options.members + 1,
      ringBytes: options.ringBytes ?? MiB,
      orderEntries: options.orderEntries ?? 65536,
      pageBytes: pageBytes(),
    },
    probeMs: 1000,
    ...(options.onGone === undefined ? {} : { onGone: options.onGone }),
    ...(options.onEvicted === undefined ? {} : { onEvicted: options.onEvicted }),
  });
  const log = new MemberLog(
    host.member,
    () => host.wake(),
    () => host[Symbol.dispose](),
  );
  host.onTurn(() => log.step());
  return Object.assign(log, {
    spawn: (args: readonly string[], streams: MemberStreams = {}) => host.spawn(args, streams),
  });
}

/**
 * Takes part in the log of the process that started this one with `spawn`. When that one ends, this one does, too.
 * @throws where this process was not started by the creator of a log
 */
export function attachLog(): Log {
  const { member, loop, close } = attachMember(
    () => log.step(),
    () => process.exit(0),
  );
  const log = new MemberLog(member, () => loop.soon(), close);
  loop.soon();
  return log;
}

class MemberLog implements Log {
  readonly #member: LogMember;
  readonly #wake: () => void;
  readonly #close: () => void;
  #handler: RecordHandler | undefined;
  #onReading: (() => void) | undefined;
  #onRoom: (() => void)[] = [];
  #closed = false;

  constructor(member: LogMember, wake: () => void, close: () => void) {
    this.#member = member;
    this.#wake = wake;
    this.#close = close;
  }

  get process(): number {
    return this.#member.process;
  }

  get payloadBytesMax(): number {
    return this.#member.payloadBytesMax;
  }

  append(kind: number, payload: Uint8Array, room = 0): number {
    if (this.#closed) return CLOSED;
    const position = this.#member.append(kind, room, payload);
    // Who was refused has to publish what it appended before, too: that holds the room that it waits for.
    if (position >= 0 || position === BACK_PRESSURED) this.#wake();
    return position;
  }

  publish(): void {
    if (this.#closed) return;
    this.#member.publish();
    this.#wake();
  }

  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRoom.push(resolve);
      this.#wake();
    });
  }

  read(handler: RecordHandler): Promise<void> {
    if (this.#handler !== undefined) throw new Error("this process reads the log already");
    this.#handler = handler;
    return new Promise((resolve) => {
      this.#onReading = resolve;
      this.#member.attach();
      this.#wake();
    });
  }

  step(): void {
    if (this.#closed) return;
    if (this.#handler !== undefined) {
      this.#member.poll(this.#handler);
      if (this.#onReading !== undefined && this.#member.isReading) {
        this.#onReading();
        this.#onReading = undefined;
      }
    } else this.#member.answerProbe();
    if (this.#onRoom.length > 0 && !this.#member.isBlocked) {
      const waiting = this.#onRoom;
      this.#onRoom = [];
      for (const resolve of waiting) resolve();
    }
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#close();
  }
}
