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
  type SequencerEvents,
  formatSegment,
  isKept,
  openSegment,
  ownerOf,
  succeed,
} from "../log/index.ts";
import { BellButton, BellListener } from "./bell.ts";
import { pipe2 } from "./libc.ts";
import { MEMBER_ENVIRONMENT, type MemberBells, memberDescriptors } from "./logMember.ts";
import { Mapping, createSegmentFile, openSegmentFile } from "./mapping.ts";

export interface LogHostOptions extends LogHostEvents {
  /** Path of the segment file, which must not exist; its file system is best a tmpfs. */
  path: string;
  /** Milliseconds between probes; a process is ended that missed four. */
  probeMs: number;
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
}

/** A member of a log whose host has died. */
export interface LivingMember {
  process: number;
  generation: number;
  pid: number;
}

export interface AdoptOptions extends LogHostEvents {
  /** Path of the segment file. */
  path: string;
  /** Milliseconds between probes; a process is ended that missed four. */
  probeMs: number;
  /**
   * Whoever lives. All others that the dead host had admitted are known to be dead: of none of them, not even of one
   * that had only just been started, may an instruction be left to run.
   */
  members: readonly LivingMember[];
}

export interface LogHostEvents {
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
  /** It reads from the oldest record that is still there, instead of from the first that comes. */
  early?: boolean;
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
  /** Undefined where it could not even be started, or had died before this host came. */
  readonly pid: number | undefined;
}

export interface Spawned extends Hosted {
  readonly child: ChildProcess;
}

interface Resident extends Hosted {
  /** Undefined where nobody is there to hear it. */
  readonly button: BellButton | undefined;
  /** Ends it at once. Called while it is not known to be dead. */
  readonly kill: () => void;
  /** Not a child: nothing but `ended` tells that it has died. */
  readonly isAdopted: boolean;
  /** Its end of the bell, until it is sent to it. */
  bell: number | undefined;
  gone: { code: number | null; signal: NodeJS.Signals | null } | undefined;
}

/** A segment that is there, and what its processes are. */
interface Found {
  readonly descriptor: number;
  readonly mapping: Mapping;
  readonly segment: Segment;
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
  /** Members that the log says are to be ended, before it is known which of them live. */
  readonly #condemned = new Map<number, string>();
  /** Nothing from this sequence number on need be kept. */
  #keptTo: number | undefined;
  #closed = false;
  #isLetGo = false;

  /** @param found for `adopt`: it goes on with that, instead of a new file */
  constructor(options: LogHostOptions, found?: Found) {
    const layout = found?.segment.layout ?? new Layout(options.geometry);
    this.#options = options;
    this.path = options.path;
    const doorbell = { ring: (process: number) => this.#ring(process) };
    const events: SequencerEvents = {
      onViolation: (process, reason) => {
        if (!this.#residents.has(process)) return void this.#condemned.set(process, reason);
        this.#evict(process, reason);
        this.#loop.soon();
      },
      onHung: (process) => this.#evict(process, `it left ${PROBES_MISSED_MAX} probes unanswered`),
      ...(options.onOrdered === undefined ? {} : { onOrdered: options.onOrdered }),
      ...(options.onJoined === undefined ? {} : { onJoined: options.onJoined }),
    };
    let generation: number;
    if (found === undefined) {
      const { totalBytes } = layout;
      this.#descriptor = createSegmentFile(options.path, totalBytes);
      this.#mapping = new Mapping(this.#descriptor, totalBytes, { offset: 0, length: totalBytes });
      this.segment = formatSegment(this.#mapping.words, options.geometry, options);
      this.sequencer = new Sequencer(this.segment, Date.now, doorbell, events);
      generation = this.sequencer.admit(SEQUENCER);
    } else {
      this.#descriptor = found.descriptor;
      this.#mapping = found.mapping;
      this.segment = found.segment;
      ({ sequencer: this.sequencer, generation } = succeed(this.segment, Date.now, doorbell, events));
    }
    this.member = new LogMember(this.segment, SEQUENCER, generation, doorbell);
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

  /**
   * Goes on with a log whose host has died, while members of it live. Every one of them needs new bells: send it those
   * of `bellFor`, before the probes that it cannot hear are too many, and call `ended` when it has died.
   *
   * What the dead host had ordered is told to nobody again, and nobody knows of how much it was told. Until `serve` or
   * `standDown` of the sequencer says more, every member that reads counts as one that serves somebody; those that are
   * dead already left nothing to inherit. Those, `onDead` and `onGone` tell of in the first turns. If the keeper is
   * among the living, it remains that.
   *
   * @throws SegmentMismatchError where the file is not one that this version wrote, or not whole
   * @throws LogCorruptionError where it is not as a host can have left it
   * @throws where it is not a regular file of this user, or a member is not of this log; or ENOENT
   */
  static adopt(options: AdoptOptions): LogHost {
    const { descriptor, layout } = openSegmentFile(options.path);
    let mapping: Mapping | undefined;
    try {
      mapping = new Mapping(descriptor, layout.totalBytes, layout.writable(SEQUENCER));
      const segment = openSegment(mapping.words);
      for (const { process, generation } of options.members) {
        const owner = ownerOf(segment, process);
        assert(owner === generation, `slot ${process} is of generation ${owner}, not ${generation}`);
      }
      const { geometry } = layout;
      const host = new LogHost(
        { ...options, geometry, keeper: isKept(segment) },
        { descriptor, mapping, segment },
      );
      host.#settle(options.members);
      return host;
    } catch (error) {
      mapping?.[Symbol.dispose]();
      closeSync(descriptor);
      throw error;
    }
  }

  /** For `adopt`: who is there, and who is not any more. */
  #settle(members: readonly LivingMember[]): void {
    for (let slot = 1; slot < this.segment.layout.geometry.processes; slot += 1) {
      const generation = ownerOf(this.segment, slot);
      if (generation === 0 && !this.sequencer.hasUnordered(slot)) continue;
      const living = members.find(({ process }) => process === slot);
      if (living === undefined) {
        this.sequencer.standDown(slot);
        const gone = { code: null, signal: null };
        const dead = { process: slot, generation, pid: undefined, button: undefined, bell: undefined, gone };
        this.#residents.set(slot, { ...dead, isAdopted: true, kill: () => undefined });
        continue;
      }
      const { pid } = living;
      const bell = pipe2();
      this.#residents.set(slot, {
        ...living,
        button: new BellButton(bell.write),
        isAdopted: true,
        kill: () => killProcess(pid),
        bell: bell.read,
        gone: undefined,
      });
    }
    for (const [process, reason] of this.#condemned)
      if (members.some((member) => member.process === process)) this.#evict(process, reason);
    this.#condemned.clear();
  }

  /**
   * Of an adopted member: its new bells, to be sent to it once, for `rebell`. `bell` is the caller's to close then;
   * `sequencerBell` stays this host's.
   */
  bellFor(process: number): MemberBells {
    const resident = this.#residents.get(process);
    assert(resident?.bell !== undefined, `there is no bell to be sent to process ${process}`);
    const { bell } = resident;
    resident.bell = undefined;
    return { bell, sequencerBell: this.#bell.write };
  }

  /** An adopted member has died: nothing of it runs any more, as the end of its seat socket says. */
  ended(process: number): void {
    const resident = this.#residents.get(process);
    if (resident?.isAdopted === true) this.#end(resident, null, null);
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

  /** Whether a member is dead and not gone: what it had published is not all in the order yet. */
  get areDying(): boolean {
    return [...this.#residents.values()].some(({ gone }) => gone !== undefined);
  }

  /** Slots that nobody has. */
  vacant(): number[] {
    const vacant: number[] = [];
    for (let process = 1; process < this.segment.layout.geometry.processes; process += 1) {
      if (!this.#residents.has(process)) vacant.push(process);
    }
    return vacant;
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
    { keeper = false, early = false }: SpawnOptions = {},
  ): Spawned {
    const process = this.#freeSlot(keeper);
    assert(process !== undefined, "every slot is taken");
    const generation = this.sequencer.admit(process, { keeper, early });
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
      pid: child.pid,
      button: new BellButton(bell.write),
      isAdopted: false,
      kill: () => child.kill("SIGKILL"),
      bell: undefined,
      gone: undefined,
    };
    this.#residents.set(process, resident);
    child.on("exit", (code, signal) => this.#end(resident, code, signal));
    child.on("error", (error) => {
      // Not even started: there is no exit to wait for.
      if (child.pid === undefined) this.#end(resident, null, null);
      else this.#evict(process, error.message);
    });
    return { process, generation, pid: child.pid, child };
  }

  /** The record with this sequence number is the last that matters to the keeper. */
  endsWith(sequence: number): void {
    this.#keptTo = sequence + 1;
  }

  /** Ends a member at once. `onGone` follows when it is known to be dead. */
  kill(process: number): void {
    const resident = this.#residents.get(process);
    if (resident?.gone === undefined) resident?.kill();
  }

  /** Frees everything, and leaves the log and its members to another host. */
  letGo(): void {
    this.#isLetGo = true;
    this[Symbol.dispose]();
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
    for (const resident of this.#residents.values()) closeBell(resident);
    closeSync(this.#descriptor);
    const { kept, sequence } = this.sequencer;
    const isUnfinished = this.#options.keeper === true && kept < (this.#keptTo ?? sequence);
    if (!isUnfinished && !this.#isLetGo) unlinkSync(this.path);
    this.#mapping[Symbol.dispose]();
  }

  #turn(): void {
    this.#step?.();
    if (this.#closed) return;
    this.member.publish();
    this.sequencer.step();
    this.#bury();
    // What was appended on that occasion: the look before sleep finds it.
    if (!this.#closed) this.member.publish();
  }

  /** A dead process's slot is free when all that it had published is in the order: only then is its end told. */
  #bury(): void {
    for (const resident of this.#residents.values()) {
      if (resident.gone === undefined) continue;
      const { process } = resident;
      if (this.sequencer.inspect(process).generation !== 0) {
        this.sequencer.release(process);
        this.#options.onDead?.(process);
        if (this.#closed) return;
      }
      if (this.sequencer.hasUnordered(process)) continue;
      this.#residents.delete(process);
      closeBell(resident);
      this.#options.onGone?.(process, resident.gone.code, resident.gone.signal);
      // It may have been the last one, after which the memory is gone.
      if (this.#closed) return;
      this.#loop.soon();
    }
  }

  #end(resident: Resident, code: number | null, signal: NodeJS.Signals | null): void {
    if (resident.gone !== undefined) return;
    resident.gone = { code, signal };
    this.#loop.soon();
  }

  #ring(process: number): void {
    if (process === SEQUENCER) this.#loop.soon();
    else this.#residents.get(process)?.button?.ring();
  }

  #evict(process: number, reason: string): void {
    this.#options.onEvicted?.(process, reason);
    this.kill(process);
  }

  #freeSlot(keeper: boolean): number | undefined {
    const free = this.vacant();
    const kept = this.#options.keeper === true && !keeper ? 1 : 0;
    return free.length > kept ? free[0] : undefined;
  }
}

function closeBell(resident: Resident): void {
  resident.button?.close();
  if (resident.bell !== undefined) closeSync(resident.bell);
  resident.bell = undefined;
}

/** Not a child of ours: it may have died already, and its end is on its way to us. */
function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
