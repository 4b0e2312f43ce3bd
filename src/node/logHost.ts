import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { closeSync, unlinkSync } from "node:fs";
import { assert } from "../base/index.ts";
import {
  AgentLoop,
  type Geometry,
  Layout,
  LogMember,
  PROBES_MISSED_MAX,
  SEQUENCER,
  type Segment,
  Sequencer,
  formatSegment,
} from "../log/index.ts";
import { BellButton, BellListener } from "./bell.ts";
import { pipe2 } from "./libc.ts";
import { MEMBER_ENVIRONMENT, memberDescriptors } from "./logMember.ts";
import { Mapping, createSegmentFile } from "./mapping.ts";

export interface LogHostOptions {
  /** Path of the segment file, which must not exist; its file system is best a tmpfs. */
  path: string;
  geometry: Geometry;
  segmentId?: readonly [number, number];
  identity?: readonly [number, number, number, number];
  firstSequence?: number;
  startPosition?: number;
  /** The log's time starts not before it: milliseconds since 1970; default 0. */
  firstTimeMs?: number;
  /**
   * Whether one member is the keeper: what it has not consumed is never overwritten, not even while none lives.
   * Default false. One slot is kept free for the next one, because a keeper that dies with something to say may keep
   * its slot until the next one reads: the geometry needs two more than other members.
   */
  keeper?: boolean;
  /** With a keeper: whether all others, this process among them, read only what it has consumed. Default false. */
  deliverAfterKeeper?: boolean;
  /** Milliseconds between probes; a process is ended that missed four. */
  probeMs: number;
  /** A process was ended for what it did or did not do. */
  onEvicted?(process: number, reason: string): void;
  /**
   * A process has ended. Where there is no room in the order for what it had published, `onGone` may be a while away;
   * a keeper's successor has to be started now, because only that makes room.
   */
  onDead?(process: number): void;
  /** A process has ended, and everything that it had published is in the order. Its slot is free again. */
  onGone?(process: number, code: number | null, signal: NodeJS.Signals | null): void;
  /** A process that was started reads the log from now on, from this sequence number. */
  onJoined?(process: number, sequence: number): void;
  /** A record of this kind was ordered. Called before anybody can read it; may append to process 0's ring. */
  onOrdered?(process: number, kind: number, sequence: number): void;
}

export interface SpawnOptions {
  /** It is the keeper: reads from where the last one had consumed, and consumes explicitly. One at a time. */
  keeper?: boolean;
}

/** A member's standard streams: nothing, this process's own, or a pipe (`child.stdin`, `child.stdout`). */
export interface MemberStreams {
  /** Default "ignore". */
  stdin?: "ignore" | "pipe";
  /** Default "inherit". */
  stdout?: "ignore" | "inherit" | "pipe";
}

export interface Hosted {
  readonly process: number;
  readonly generation: number;
  readonly child: ChildProcess;
}

interface Resident extends Hosted {
  readonly button: BellButton;
  gone: { code: number | null; signal: NodeJS.Signals | null } | undefined;
}

/**
 * The process that owns a segment: it makes the file, starts the members, sequences, rings, and reaps.
 *
 * It is process 0 of its log, and appends through `member` like any other.
 */
export class LogHost implements Disposable {
  readonly segment: Segment;
  readonly sequencer: Sequencer;
  readonly member: LogMember;
  readonly path: string;
  readonly #options: LogHostOptions;
  readonly #descriptor: number;
  readonly #mapping: Mapping;
  readonly #bell: { read: number; write: number };
  readonly #listener: BellListener;
  readonly #residents = new Map<number, Resident>();
  readonly #loop: AgentLoop;
  readonly #probeTimer: NodeJS.Timeout;
  readonly #suspect = (): void => this.sequencer.suspect();
  #step: (() => void) | undefined;
  /** Nothing from this sequence number on need be kept. */
  #end: number | undefined;
  #closed = false;

  constructor(options: LogHostOptions) {
    const layout = new Layout(options.geometry);
    this.#options = options;
    this.path = options.path;
    this.#descriptor = createSegmentFile(options.path, layout.totalBytes);
    this.#mapping = new Mapping(this.#descriptor, layout.totalBytes, {
      offset: 0,
      length: layout.totalBytes,
    });
    this.segment = formatSegment(this.#mapping.words, options.geometry, options);
    const doorbell = { ring: (process: number) => this.#ring(process) };
    this.sequencer = new Sequencer(this.segment, Date.now, doorbell, {
      onViolation: (process, reason) => this.#evict(process, reason),
      onHung: (process) => this.#evict(process, `it left ${PROBES_MISSED_MAX} probes unanswered`),
      ...(options.onOrdered === undefined ? {} : { onOrdered: options.onOrdered }),
      ...(options.onJoined === undefined ? {} : { onJoined: options.onJoined }),
    });
    this.member = new LogMember(this.segment, SEQUENCER, this.sequencer.admit(SEQUENCER), doorbell);
    this.#bell = pipe2();
    this.#loop = new AgentLoop(() => this.#turn(), [this.sequencer, this.member], setImmediate);
    this.#listener = new BellListener(this.#bell.read, {
      onRing: () => this.#loop.turn(),
      onSilence: () => undefined,
    });
    this.#probeTimer = setInterval(() => this.sequencer.probe(), options.probeMs);
    // The kernel sends it when a child stops, too (SIGSTOP, a debugger), and nothing else tells of that.
    process.on("SIGCHLD", this.#suspect);
    // The first turn ends asleep: before that, nobody would ring.
    this.#loop.soon();
  }

  get processes(): Iterable<Hosted> {
    return this.#residents.values();
  }

  /** What this process does in each turn of its own, besides sequencing. */
  onTurn(step: () => void): void {
    this.#step = step;
  }

  /** Takes a turn soon: after `member.append`, or whenever there is something to do. */
  wake(): void {
    this.#loop.soon();
  }

  hasFreeSlot({ keeper = false }: SpawnOptions = {}): boolean {
    return this.#freeSlot(keeper) !== undefined;
  }

  /**
   * Starts a member: `execPath args…` with the segment and its bells where `attachMember` finds them.
   * @param descriptors more of them, that it shall have after those of the log
   */
  spawn(
    args: readonly string[],
    streams: MemberStreams,
    descriptors: readonly number[] = [],
    { keeper = false }: SpawnOptions = {},
  ): Hosted {
    const process = this.#freeSlot(keeper);
    assert(process !== undefined, "every slot is taken");
    const generation = this.sequencer.admit(process, { keeper });
    const bell = pipe2();
    const stdio: StdioOptions = [
      streams.stdin ?? "ignore",
      streams.stdout ?? "inherit",
      "inherit",
      ...memberDescriptors({ segment: this.#descriptor, bell: bell.read, sequencerBell: this.#bell.write }),
      ...descriptors,
    ];
    const child = spawn(globalThis.process.execPath, args, {
      stdio,
      env: {
        ...globalThis.process.env,
        [MEMBER_ENVIRONMENT]: `${process} ${generation} ${this.segment.layout.totalBytes}`,
      },
    });
    closeSync(bell.read);
    const resident: Resident = {
      process,
      generation,
      child,
      button: new BellButton(bell.write),
      gone: undefined,
    };
    this.#residents.set(process, resident);
    const end = (code: number | null, signal: NodeJS.Signals | null): void => {
      if (resident.gone !== undefined) return;
      resident.gone = { code, signal };
      this.#loop.soon();
    };
    child.on("exit", end);
    child.on("error", (error) => {
      // Not even started: there is no exit to wait for.
      if (child.pid === undefined) end(null, null);
      else this.#evict(process, error.message);
    });
    return resident;
  }

  /** The record with this sequence number is the last that matters to the keeper. */
  endsWith(sequence: number): void {
    this.#end = sequence + 1;
  }

  /** Ends a member at once. `onGone` follows when it is known to be dead. */
  kill(process: number): void {
    this.#residents.get(process)?.child.kill("SIGKILL");
  }

  /**
   * Removes the file and frees everything. The members must have ended.
   *
   * Where there is a keeper and it has not consumed all of the log, or all up to its end where `endsWith` told it, the
   * file stays, for `recoverSegment`.
   */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#loop.stop();
    clearInterval(this.#probeTimer);
    process.off("SIGCHLD", this.#suspect);
    this.#listener.close();
    closeSync(this.#bell.write);
    for (const resident of this.#residents.values()) resident.button.close();
    closeSync(this.#descriptor);
    const { kept, sequence } = this.sequencer;
    const isUnfinished = this.#options.keeper === true && kept < (this.#end ?? sequence);
    if (!isUnfinished) unlinkSync(this.path);
    this.#mapping[Symbol.dispose]();
  }

  #turn(): void {
    this.#step?.();
    if (this.#closed) return;
    this.member.publish();
    this.sequencer.step();
    this.#bury();
    // What was appended on that occasion: the look before sleep finds it.
    this.member.publish();
  }

  /** A dead process's slot is free when all that it had published is in the order: only then is its end told. */
  #bury(): void {
    for (const resident of this.#residents.values()) {
      if (resident.gone === undefined) continue;
      const { process } = resident;
      if (this.sequencer.inspect(process).generation !== 0) {
        this.sequencer.release(process);
        this.#options.onDead?.(process);
      }
      if (this.sequencer.hasUnordered(process)) continue;
      this.#residents.delete(process);
      resident.button.close();
      this.#options.onGone?.(process, resident.gone.code, resident.gone.signal);
      this.#loop.soon();
    }
  }

  #ring(process: number): void {
    if (process === SEQUENCER) this.#loop.soon();
    else this.#residents.get(process)?.button.ring();
  }

  #evict(process: number, reason: string): void {
    this.#options.onEvicted?.(process, reason);
    this.kill(process);
  }

  #freeSlot(keeper: boolean): number | undefined {
    const free: number[] = [];
    for (let process = 1; process < this.segment.layout.geometry.processes; process += 1) {
      if (!this.#residents.has(process)) free.push(process);
    }
    const kept = this.#options.keeper === true && !keeper ? 1 : 0;
    return free.length > kept ? free[0] : undefined;
  }
}
