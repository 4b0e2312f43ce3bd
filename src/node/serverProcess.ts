import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { type Server, type Socket, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { formatBytes } from "../base/index.ts";
import type { ImportProgress, ImportResult } from "../history/index.ts";
import { Layout } from "../log/index.ts";
import { RecordKind } from "../record/index.ts";
import {
  type LogLevel,
  type Role,
  Supervisor,
  type SupervisorStatus,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import { timerClock } from "./clock.ts";
import { type ControlRequest, ControlSocket, controlPath } from "./controlSocket.ts";
import { InputArea } from "./inputArea.ts";
import { type Past, finishPast } from "./past.ts";
import { SHUT_RDWR, close, dupCloexec, freeBytes, pageBytes, shutdown } from "./libc.ts";
import { lockDirectory } from "./lock.ts";
import { LogHost } from "./logHost.ts";
import { SeatSocket } from "./seatSocket.ts";
import { noteSegment, segmentPath } from "./segmentPath.ts";
import { StartError } from "./startError.ts";

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
  /** How the conversation is kept; undefined: not at all. */
  history: HistoryOptions | undefined;
  log(level: LogLevel, text: string): void;
}

/** Why it cannot listen where it was told to, in words for people. */
const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there; choose another port",
  EACCES: "this user may not listen there; ports below 1024 need a privilege",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "unknown host",
  EADDRNOTAVAIL: "this machine does not have that address",
};

export interface HistoryOptions {
  /** Milliseconds; undefined: for ever. */
  keepMs: number | undefined;
  /** Whether delivery waits for the disk. */
  sync: boolean;
}

/** What a child needs to know, as JSON among its arguments. */
export interface ChildOptions {
  serverName: string;
  host: string;
  port: number;
  maxQueueBytes: number;
  maxLagRecords: number;
  orphanMs: number;
  history: (HistoryOptions & { data: string }) | undefined;
}

export interface ServerStatus extends SupervisorStatus {
  name: string;
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

/** What came of an import, or why nothing did, for people. */
export type ImportAnswer = ImportResult | { readonly error: string };

/** Supervisor, greeter and history, and some that end while others have taken their place. */
const PROCESSES_BESIDE_WORKERS = 6;
const PROBE_MS = 1000;
const CHILD_MAIN = fileURLToPath(
  new URL(`./childMain${import.meta.url.endsWith(".ts") ? ".ts" : ".js"}`, import.meta.url),
);

/** The supervisor's process: wires `Supervisor` to the machine, from the first file to the last. */
export class ServerProcess {
  readonly #options: ServerOptions;
  readonly #startedMs = Date.now();
  readonly #seats = new Map<number, SeatSocket>();
  readonly #host: LogHost;
  readonly #supervisor: Supervisor;
  readonly #listener: Server;
  readonly #control: ControlSocket;
  readonly #release: () => void;
  readonly #firstSequence: number;
  #address = { host: "", port: 0 };
  #ended: () => void = () => undefined;
  /** Resolves when everything has ended. */
  readonly ended: Promise<void>;

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const lock = lockDirectory(options.data);
    if (lock === undefined)
      throw new StartError(
        `a server is running with the data directory ${options.data}; ` +
          `stop it with "chorus stop" (and the --name it was given), or choose another with --data`,
      );
    let server: ServerProcess;
    try {
      const path = segmentPath(options.shmDir, options.data, options.name);
      const past = finishPast(path, options);
      noteSegment(options.data, path);
      server = new ServerProcess(options, path, past, () => lock.release());
    } catch (error) {
      lock.release();
      throw error;
    }
    try {
      await server.#listen();
    } catch (error) {
      server.#tearDown();
      throw error;
    }
    return server;
  }

  private constructor(options: ServerOptions, path: string, past: Past, release: () => void) {
    this.#options = options;
    this.#release = release;
    this.#firstSequence = past.nextSequence;
    this.ended = new Promise((resolve) => (this.#ended = resolve));
    const geometry = {
      processes: options.maxProcesses + options.spareProcesses + PROCESSES_BESIDE_WORKERS,
      ringBytes: options.ringBytes,
      orderEntries: options.orderEntries,
      pageBytes: pageBytes(),
    };
    this.#checkSpace(new Layout(geometry).totalBytes);
    this.#host = new LogHost({
      path,
      geometry,
      probeMs: PROBE_MS,
      segmentId: randomWords(2) as [number, number],
      identity: identityOf(options),
      firstSequence: past.nextSequence,
      firstTimeMs: past.timeMs,
      keeper: options.history !== undefined,
      deliverAfterKeeper: options.history?.sync ?? false,
      onEvicted: (process, reason) => options.log("error", `process ${process} is ended: ${reason}`),
      onDead: (process) => this.#supervisor.died(process),
      onGone: (process, code, signal) => this.#gone(process, signal ?? `exit code ${code}`),
      onOrdered: (process, kind, sequence) => {
        // Whatever comes after it is of processes that end.
        if (process === 0 && kind === RecordKind.stop) this.#host.endsWith(sequence);
        this.#supervisor.ordered(process, kind);
      },
      onJoined: (process) => this.#supervisor.joined(process),
    });
    this.#supervisor = new Supervisor(
      {
        clock: timerClock,
        spawn: (role) => this.#spawn(role),
        kill: (process) => this.#host.kill(process),
        send: (process, message, handles) =>
          this.#seats.get(process)?.send(encodeSeatMessage(message), handles),
        append: (kind, payload) => this.#host.member.append(kind, 0, payload),
        wake: () => this.#host.wake(),
        createInputArea: () => {
          const area = InputArea.create();
          const handle = dupCloexec(area.fd);
          area.close();
          return handle;
        },
        shutdown: (socket) => void shutdown(socket, SHUT_RDWR),
        close: (handle) => close(handle),
        log: options.log,
        letHistoryGo: () => this.#host.sequencer.letKeeperGo(),
        finished: () => this.#tearDown(),
      },
      { ...options, history: options.history !== undefined, firstSession: past.nextSession },
    );
    this.#host.onTurn(() => this.#supervisor.step());
    this.#listener = createServer({
      pauseOnConnect: true,
      noDelay: true,
      keepAlive: true,
      allowHalfOpen: true,
    });
    this.#listener.on("connection", (socket) => this.#accept(socket));
    this.#control = new ControlSocket(controlPath(path), (request, tell) => this.#answer(request, tell));
  }

  get address(): { host: string; port: number } {
    return this.#address;
  }

  /** See `Supervisor.stop`. */
  stop(): void {
    this.#listener.close();
    this.#supervisor.stop();
  }

  status(): ServerStatus {
    const { host, port } = this.#address;
    return {
      name: this.#options.name,
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

  async #listen(): Promise<void> {
    await this.#control.listen();
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#listener.once("error", (error: NodeJS.ErrnoException) => {
        const why = LISTEN_FAILURES[error.code ?? ""] ?? error.message;
        reject(new StartError(`cannot listen on ${host}:${port}: ${why}`));
      });
      this.#listener.listen({ host, port, backlog: 1024 }, resolve);
    });
    this.#listener.on("error", (error) => this.#options.log("error", `accepting failed: ${error.message}`));
    const address = this.#listener.address() as { address: string; port: number };
    this.#address = { host, port: address.port };
    this.#supervisor.start();
  }

  #spawn(role: Role): { process: number; generation: number } | undefined {
    const keeper = role === "history";
    if (!this.#host.hasFreeSlot({ keeper })) return undefined;
    const { history, data } = this.#options;
    const [ours, theirs] = SeatSocket.pair();
    const options: ChildOptions = {
      serverName: this.#options.name,
      ...this.#address,
      maxQueueBytes: this.#options.maxQueueBytes,
      maxLagRecords: this.#options.maxLagRecords,
      history: history === undefined ? undefined : { ...history, data },
      orphanMs: this.#options.orphanMs,
    };
    const hosted = this.#host.spawn(
      [CHILD_MAIN, role, JSON.stringify(options)],
      { stdout: "ignore" },
      [theirs],
      { keeper },
    );
    close(theirs);
    const { process, generation } = hosted;
    const seat = new SeatSocket(ours);
    this.#seats.set(process, seat);
    seat.onMessage = (bytes) => {
      try {
        this.#supervisor.receive(process, decodeSeatMessage(bytes));
      } catch (error) {
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
    return { process, generation };
  }

  #gone(process: number, how: string): void {
    this.#seats.get(process)?.close();
    this.#seats.delete(process);
    this.#supervisor.gone(process, how);
  }

  /** Takes the descriptor out of Node's hands: the connection goes on living in ours. */
  #accept(socket: Socket): void {
    // The only way to a connection's descriptor: `fd` of its handle, which Node keeps for such uses.
    const descriptor = (socket as unknown as { _handle: { fd: number } | null })._handle?.fd;
    if (descriptor === undefined || descriptor < 0) {
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
      case "import":
        return this.#import(request.path, tell);
    }
  }

  #import(path: string, tell: (progress: ImportProgress) => void): Promise<ImportAnswer> {
    return new Promise((resolve) => {
      this.#supervisor.importHistory(path, (report) => {
        switch (report.type) {
          case "importing":
            return tell({ phase: report.phase, lines: report.lines });
          case "imported": {
            const { stored, skipped, renumbered } = report;
            return resolve({ stored, skipped, renumbered });
          }
          case "importFailed":
            return resolve({ error: report.text });
        }
      });
    });
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

  #tearDown(): void {
    this.#listener.close();
    this.#control.close();
    for (const seat of this.#seats.values()) seat.close();
    this.#host[Symbol.dispose]();
    this.#release();
    this.#ended();
  }
}

function randomWords(count: number): number[] {
  return [...crypto.getRandomValues(new Int32Array(count))];
}

function identityOf({ data }: ServerOptions): [number, number, number, number] {
  const digest = createHash("sha256").update(realpathSync(data)).digest();
  return [digest.readInt32LE(0), digest.readInt32LE(4), digest.readInt32LE(8), digest.readInt32LE(12)];
}
