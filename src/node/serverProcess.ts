import { createHash, randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { formatBytes } from "../base/index.ts";
import type { SessionId } from "../chat/index.ts";
import { Layout, LogCorruptionError, SegmentMismatchError, isKept, publishedBy } from "../log/index.ts";
import { RecordKind } from "../record/index.ts";
import {
  AreaError,
  type LogLevel,
  type Role,
  Supervisor,
  type SupervisorPorts,
  type SupervisorStatus,
  decodeSeatMessage,
  encodeSeatMessage,
  outputBytesFor,
} from "../server/index.ts";
import { timerClock } from "./clock.ts";
import { administer, importInto } from "./controlAnswers.ts";
import { type ControlRequest, ControlSocket, controlPath } from "./controlSocket.ts";
import { AreaMapping } from "./areaMapping.ts";
import { Cloak } from "./cloak.ts";
import { keepPoison, settle } from "./areaSettling.ts";
import { type Past, finishPast } from "./past.ts";
import { SHUT_RDWR, SystemError, close, dupCloexec, freeBytes, pageBytes, reap, shutdown } from "./libc.ts";
import { checkModule, currentModule, replaceImage, takeInheritance } from "./image.ts";
import { createListener, descriptorOf, listenOn } from "./listener.ts";
import { Lock, lockDirectory } from "./lock.ts";
import { LogHost, type LogHostEvents, type LogHostOptions } from "./logHost.ts";
import { readMotd } from "./motd.ts";
import { PROGRAM_VERSION } from "./programVersion.ts";
import { RunFolder } from "./runFolder.ts";
import { SeatSocket } from "./seatSocket.ts";
import { noteSegment, notedSegment, segmentPath } from "./segmentPath.ts";
import { StartError } from "./startError.ts";
import { type Survivor, endAll, findSurvivors } from "./survivors.ts";

export interface ServerOptions {
  host: string;
  port: number;
  maxClients: number;
  maxProcesses: number;
  spareProcesses: number;
  ringBytes: number;
  orderEntries: number;
  shmDir: string;
  data: string;
  name: string;
  orphanMs: number;
  maxQueueBytes: number;
  maxLagRecords: number;
  /** What it calls itself in IRC: a host's name. */
  serverName: string;
  networkName: string;
  /** A file with the message of the day; undefined: there is none. */
  motdFile: string | undefined;
  admin: string;
  floodLines: number;
  persistence: boolean;
  /** How the conversation is kept; undefined: not at all. */
  history: HistoryOptions | undefined;
  log(level: LogLevel, text: string): void;
}

export interface HistoryOptions {
  /** Milliseconds; undefined: for ever. */
  keepMs: number | undefined;
  /** Whether delivery waits for the disk. */
  sync: boolean;
}

/** What a child needs to know, as JSON among its arguments. */
export interface ChildOptions {
  serverName: string;
  networkName: string;
  startedMs: number;
  motd: string;
  admin: string;
  floodLines: number;
  host: string;
  port: number;
  maxQueueBytes: number;
  maxLagRecords: number;
  orphanMs: number;
  history: (HistoryOptions & { data: string }) | undefined;
  /** Where it listens for a successor of its supervisor. */
  runSocket: string;
}

export interface ServerStatus extends SupervisorStatus {
  name: string;
  /** Of the program that the supervisor runs. */
  version: string;
  /** Another one after each start and each reload. */
  image: string;
  pid: number;
  address: string;
  uptimeSeconds: number;
  /** The sequence number that the next record gets. */
  sequence: number;
  /** Records that were ordered since this server started. */
  orderedRecords: number;
  segmentBytes: number;
  log: { process: number; pid: number | undefined; lagRecords: number; orderedBytes: number }[];
}

/** Supervisor, greeter and history, and some that end while others have taken their place. */
const PROCESSES_BESIDE_WORKERS = 8;
const PROBE_MS = 1000;
/** Processes of a dead supervisor have so long to say what they have, before others are let in. */
const REPORT_LIMIT_MS = 1000;
const REAP_ATTEMPTS = 50;
const REAP_DELAY_MS = 20;

/** The supervisor's process: wires `Supervisor` to the machine, from the first file to the last. */
export class ServerProcess {
  readonly #options: ServerOptions;
  readonly #startedMs = Date.now();
  readonly #image = randomUUID();
  readonly #seats = new Map<number, SeatSocket>();
  readonly #host: LogHost;
  readonly #supervisor: Supervisor;
  readonly #listener: Server;
  readonly #control: ControlSocket;
  readonly #lock: Lock;
  readonly #cloak: Cloak;
  #motd: string;
  readonly #runFolder: RunFolder;
  /** Where each process can be called. */
  readonly #runSockets = new Map<number, string>();
  /** Processes of the supervisor before this one. */
  readonly #survivors: readonly Survivor[];
  /** They have said what they have. */
  readonly #reported: Promise<void>;
  readonly #firstSequence: number;
  #address = { host: "", port: 0 };
  #ended: () => void = () => undefined;
  /** It goes on in the process of another version of its program. */
  isReloaded: boolean = false;
  /** Resolves when everything has ended. */
  readonly ended: Promise<void>;

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const inheritance = takeInheritance();
    const lock = inheritance === undefined ? lockDirectory(options.data) : new Lock(inheritance.lock);
    if (lock === undefined)
      throw new StartError(
        `a server is running with the data directory ${options.data}; ` +
          `stop it with "chorus stop" (and the --name it was given), or choose another with --data`,
      );
    let server: ServerProcess;
    try {
      const path = segmentPath(options.shmDir, options.data, options.name);
      const noted = notedSegment(options.data);
      // Of a server that had another name, or another folder in memory: nobody goes on with it.
      if (noted !== undefined && noted !== path) await endAll(noted);
      server = await ServerProcess.#create(options, path, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
    server.isReloaded = inheritance !== undefined;
    try {
      server.#checkHistory();
      await server.#open(inheritance?.listener);
    } catch (error) {
      if (server.#survivors.length > 0) server.#letGo();
      else server.#tearDown();
      throw error;
    }
    return server;
  }

  /** In the place of a dead supervisor, where processes of its live; otherwise anew. */
  static async #create(options: ServerOptions, path: string, lock: Lock): Promise<ServerProcess> {
    const survivors = await findSurvivors(path);
    if (survivors.length > 0) {
      try {
        return new ServerProcess(options, path, lock, survivors);
      } catch (error) {
        if (!isUnfit(error)) throw error;
        const { message } = error as Error;
        options.log("error", `the processes of the server before this one are ended: ${message}`);
        for (const { seat } of survivors) close(seat);
        await endAll(path);
      }
    }
    const past = finishPast(path, options);
    noteSegment(options.data, path);
    return new ServerProcess(options, path, lock, past);
  }

  private constructor(options: ServerOptions, path: string, lock: Lock, origin: Past | readonly Survivor[]) {
    this.#options = options;
    this.#lock = lock;
    this.#cloak = new Cloak(options.data);
    this.#motd = readMotd(options);
    this.ended = new Promise((resolve) => (this.#ended = resolve));
    this.#runFolder = new RunFolder(path);
    const events: LogHostEvents = {
      onEvicted: (process, reason) => options.log("error", `process ${process} is ended: ${reason}`),
      onDead: (process) => this.#supervisor.died(process),
      onGone: (process, code, signal) => this.#gone(process, howItEnded(code, signal)),
      onOrdered: (process, kind, sequence) => {
        // Whatever comes after it is of processes that end.
        if (process === 0 && kind === RecordKind.stop) this.#host.endsWith(sequence);
        this.#supervisor.ordered(process, kind);
      },
      onJoined: (process, sequence) => this.#supervisor.joined(process, sequence),
    };
    this.#host = isPast(origin)
      ? new LogHost({ ...this.#logOptions(origin), ...events, path, probeMs: PROBE_MS })
      : LogHost.adopt({ ...events, path, probeMs: PROBE_MS, members: origin });
    this.#firstSequence = this.#host.sequencer.sequence;
    this.#runFolder.create();
    this.#supervisor = new Supervisor(this.#ports(), {
      ...options,
      history: options.history !== undefined,
      firstSession: isPast(origin) ? origin.nextSession : 1,
    });
    this.#host.onTurn(() => this.#supervisor.step());
    this.#survivors = isPast(origin) ? [] : origin;
    for (const { process, pid, seat, socketPath } of this.#survivors) {
      this.#runSockets.set(process, socketPath);
      this.#adopt(process, pid, new SeatSocket(seat));
    }
    // Before the log's first turn: that tells of the dead, who are missed only where it is known who lives.
    this.#reported = new Promise((resolve) => {
      if (this.#survivors.length > 0) this.#supervisor.adopt(this.#survivors, resolve);
      else resolve();
    });
    this.#listener = createListener((socket) => this.#accept(socket));
    this.#control = new ControlSocket(controlPath(path), (request, tell) => this.#answer(request, tell));
  }

  /** @throws StartError where the processes of the server before this one do otherwise than this one is to do */
  #checkHistory(): void {
    const isOn = this.#options.history !== undefined;
    if (isKept(this.#host.segment) === isOn) return;
    throw new StartError(
      `processes of the server before this one wait for the next, and it was started with --history ` +
        `${isOn ? "off" : "on"}: start with the same, or wait until they have ended`,
    );
  }

  #logOptions({ nextSequence, timeMs }: Past): Omit<LogHostOptions, "path" | "probeMs"> {
    const { maxProcesses, spareProcesses, ringBytes, orderEntries, history } = this.#options;
    const geometry = {
      processes: maxProcesses + spareProcesses + PROCESSES_BESIDE_WORKERS,
      ringBytes,
      orderEntries,
      pageBytes: pageBytes(),
    };
    this.#checkSpace(new Layout(geometry).totalBytes);
    return {
      geometry,
      segmentId: randomWords(2) as [number, number],
      identity: identityOf(this.#options),
      firstSequence: nextSequence,
      firstTimeMs: timeMs,
      keeper: history !== undefined,
      deliverAfterKeeper: history?.sync ?? false,
    };
  }

  #ports(): SupervisorPorts {
    const { sequencer } = this.#host;
    return {
      clock: timerClock,
      spawn: (role) => this.#spawn(role),
      kill: (process) => this.#host.kill(process),
      send: (process, message, handles) =>
        this.#seats.get(process)?.send(encodeSeatMessage(message), handles),
      adopt: (process) => this.#sendBells(process),
      append: (kind, payload) => this.#host.member.append(kind, 0, payload),
      wake: () => this.#host.wake(),
      letHistoryGo: () => sequencer.letKeeperGo(),
      sequence: () => sequencer.sequence,
      areDying: () => this.#host.areDying,
      vacant: () => this.#host.vacant(),
      serve: (process) => sequencer.serve(process),
      standDown: (process) => sequencer.standDown(process),
      serves: (process) => sequencer.serves(process),
      servedThrough: ({ process, generation }) => sequencer.servedThrough(process, generation) - 1,
      inherited: ({ process, generation }) => sequencer.inherited(process, generation),
      hostOf: (socket) => this.#cloak.hostOf(socket),
      readMotd: () => (this.#motd = readMotd(this.#options)),
      createArea: () => AreaMapping.create(outputBytesFor(this.#options.maxQueueBytes)),
      settle: (process, session, socket, area) => this.#settle(process, session, socket, area),
      checkImage: () => checkModule(currentModule("serverProcess")),
      replaceImage: () => this.#replaceImage(),
      shutdown: (socket) => void shutdown(socket, SHUT_RDWR),
      close: (handle) => close(handle),
      log: this.#options.log,
      finished: () => this.#tearDown(),
    };
  }

  get address(): { host: string; port: number } {
    return this.#address;
  }

  /** See `Supervisor.stop`. */
  stop(): void {
    this.#listener.close();
    this.#supervisor.stop();
  }

  /** What is read from files is read anew. */
  rehash(): void {
    this.#supervisor.rehash();
  }

  status(): ServerStatus {
    const { host, port } = this.#address;
    return {
      name: this.#options.name,
      version: PROGRAM_VERSION,
      image: this.#image,
      pid: process.pid,
      address: `${host}:${port}`,
      uptimeSeconds: Math.round((Date.now() - this.#startedMs) / 1000),
      sequence: this.#host.sequencer.sequence,
      orderedRecords: this.#host.sequencer.sequence - this.#firstSequence,
      segmentBytes: this.#host.segment.layout.totalBytes,
      log: [...this.#host.processes].map(({ process, pid }) => {
        const { lagRecords, orderedBytes } = this.#host.sequencer.inspect(process);
        return { process, pid, lagRecords, orderedBytes };
      }),
      ...this.#supervisor.status(),
    };
  }

  /** @param inherited the descriptor on which the program before this one listened */
  async #open(inherited: number | undefined): Promise<void> {
    await this.#control.listen();
    await this.#takeBack();
    await this.#listen(inherited);
    this.#supervisor.start();
  }

  /** All who lived on with the processes of the supervisor before this one. Who does not answer may do so later. */
  #takeBack(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, REPORT_LIMIT_MS);
      void this.#reported.then(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  async #listen(inherited: number | undefined): Promise<void> {
    const { host, log } = this.#options;
    const port = await listenOn(this.#listener, this.#options, inherited);
    this.#listener.on("error", (error) => log("error", `accepting failed: ${error.message}`));
    this.#address = { host, port };
  }

  #spawn(role: Role): { process: number; generation: number } | undefined {
    // The others go on for the dead, or from where one who does stands.
    const keeper = role === "history";
    const early = !keeper;
    if (!this.#host.hasFreeSlot({ keeper })) return undefined;
    const { history, data } = this.#options;
    const [ours, theirs] = SeatSocket.pair();
    const run = this.#runFolder.admit();
    const options: ChildOptions = {
      serverName: this.#options.serverName,
      networkName: this.#options.networkName,
      startedMs: this.#startedMs,
      motd: this.#motd,
      admin: this.#options.admin,
      floodLines: this.#options.floodLines,
      ...this.#address,
      maxQueueBytes: this.#options.maxQueueBytes,
      maxLagRecords: this.#options.maxLagRecords,
      history: history === undefined ? undefined : { ...history, data },
      orphanMs: this.#options.orphanMs,
      runSocket: run.socketPath,
    };
    const hosted = this.#host.spawn(
      [currentModule("childMain"), role, JSON.stringify(options)],
      { stdout: "ignore" },
      [theirs, run.descriptor],
      { keeper, early },
    );
    close(theirs);
    const { process, generation, pid } = hosted;
    if (pid !== undefined) this.#runFolder.note(run, { process, generation, role, pid });
    close(run.descriptor);
    this.#runSockets.set(process, run.socketPath);
    this.#listenTo(process, new SeatSocket(ours));
    return { process, generation };
  }

  #listenTo(process: number, seat: SeatSocket): void {
    this.#seats.set(process, seat);
    seat.onMessage = (bytes, handles) => {
      try {
        this.#supervisor.receive(process, decodeSeatMessage(bytes), handles);
      } catch (error) {
        handles.forEach(close);
        this.#options.log("error", `process ${process} is ended: ${String(error)}`);
        this.#host.kill(process);
      }
    };
    // Closed before its exit is known: whatever is for it meanwhile is not sent.
    seat.onClose = (error) => {
      this.#seats.delete(process);
      if (error === undefined) return;
      this.#options.log("error", `process ${process} is ended: ${error.message}`);
      this.#host.kill(process);
    };
  }

  /** A process that this one has not started: nothing but the end of its seat socket tells of its own. */
  #adopt(process: number, pid: number, seat: SeatSocket): void {
    this.#listenTo(process, seat);
    const { onClose } = seat;
    seat.onClose = (error) => {
      onClose(error);
      this.#host.kill(process);
      // Where this program took the place of the one that had started it, it is a child all the same.
      reapSoon(pid);
      this.#host.ended(process);
    };
  }

  #sendBells(process: number): void {
    const { bell, sequencerBell } = this.#host.bellFor(process);
    this.#seats.get(process)?.send(encodeSeatMessage({ type: "adopt" }), [bell, sequencerBell]);
    close(bell);
  }

  /** Who wants to be connected meanwhile waits in the kernel. */
  #replaceImage(): never {
    const listener = dupCloexec(descriptorOf(this.#listener));
    const lock = dupCloexec(this.#lock.fd);
    return replaceImage({ listener, lock });
  }

  #settle(process: number, session: SessionId, socket: number, area: number): boolean {
    const { data, log } = this.#options;
    const what = `what session ${session} sent has killed process after process`;
    try {
      if (!settle(socket, area, publishedBy(this.#host.segment, process))) return true;
      keepPoison(data, session, area).then(
        (path) => log("error", `${what}; kept as ${path}`),
        (error: unknown) => log("error", `${what}: ${String(error)}`),
      );
      return true;
    } catch (error) {
      if (!(error instanceof AreaError) && !(error instanceof SystemError)) throw error;
      log("error", `session ${session} is lost: ${error.message}`);
      return false;
    }
  }

  #gone(process: number, how: string): void {
    this.#seats.get(process)?.close();
    this.#seats.delete(process);
    this.#runFolder.forget(this.#runSockets.get(process));
    this.#runSockets.delete(process);
    this.#supervisor.gone(process, how);
  }

  /** Takes the descriptor out of Node's hands: the connection goes on living in ours. */
  #accept(socket: Socket): void {
    const descriptor = descriptorOf(socket);
    if (descriptor < 0) {
      socket.destroy();
      return;
    }
    const ours = dupCloexec(descriptor);
    socket.destroy();
    this.#supervisor.accept(ours);
  }

  async #answer(request: ControlRequest, tell: (progress: unknown) => void): Promise<unknown> {
    switch (request.command) {
      case "status":
        return this.status();
      case "stop":
        this.stop();
        await this.ended;
        return { stopped: true };
      case "reload":
        return this.#reload(tell);
      case "import":
        return importInto(this.#supervisor, request.path, tell);
      case "user":
        return administer(this.#supervisor, request.user);
      case "rehash":
        this.rehash();
        return {};
      case "shield":
        this.#supervisor.shield(request.on);
        return {};
    }
  }

  /** Answers only where it fails: whoever asks is disconnected when the supervisor goes on with the new version. */
  async #reload(tell: (progress: string) => void): Promise<{ error: string }> {
    try {
      await this.#supervisor.reload(tell);
      throw new Error("the supervisor goes on with the version that it had");
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#options.log("error", `reload: ${text}`);
      return { error: text };
    }
  }

  #checkSpace(needed: number): void {
    const { shmDir } = this.#options;
    const free = freeBytes(shmDir);
    if (free >= needed) return;
    throw new StartError(
      `${shmDir} has ${formatBytes(free)} free, and these settings need ${formatBytes(needed)}: ` +
        `make it larger, choose another with --shm-dir, or lower --max-processes or --ring-bytes`,
    );
  }

  /** The processes of the server before this one go on waiting, for another. */
  #letGo(): void {
    this.#finish(() => this.#host.letGo());
  }

  #tearDown(): void {
    this.#finish(() => {
      this.#host[Symbol.dispose]();
      this.#runFolder.remove();
    });
  }

  #finish(leaveProcesses: () => void): void {
    this.#listener.close();
    this.#control.close();
    for (const seat of this.#seats.values()) seat.close();
    leaveProcesses();
    this.#lock.release();
    this.#ended();
  }
}

/**
 * Its descriptors are closed a moment before it can be reaped. Where it is no child of ours, there is nothing to reap.
 */
function reapSoon(pid: number, attempts = REAP_ATTEMPTS): void {
  if (reap(pid) || attempts === 0) return;
  setTimeout(() => reapSoon(pid, attempts - 1), REAP_DELAY_MS).unref();
}

function isPast(origin: Past | readonly Survivor[]): origin is Past {
  return "nextSequence" in origin;
}

/** A segment that no server of this version can go on with. */
function isUnfit(error: unknown): boolean {
  const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
  return isMissing || error instanceof SegmentMismatchError || error instanceof LogCorruptionError;
}

function howItEnded(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return signal;
  return code === null ? "it was not a child of this process" : `exit code ${code}`;
}

function randomWords(count: number): number[] {
  return [...crypto.getRandomValues(new Int32Array(count))];
}

function identityOf({ data }: ServerOptions): [number, number, number, number] {
  const digest = createHash("sha256").update(realpathSync(data)).digest();
  return [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)];
}
