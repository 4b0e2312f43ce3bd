import { assert, encodeUtf8 } from "../base/index.ts";
import type { ChatRecord, Protocol, SessionId, StoreState } from "../chat/index.ts";
import { GENESIS, RECORD_FORMAT, RecordKind, encode, encodeSnapshotWanted } from "../record/index.ts";
import type { Handle, Role, SupervisorPorts, Timer } from "./ports.ts";
import { ImportRequests } from "./importRequests.ts";
import { type ImportReport, PATH_BYTES_MAX, type SeatMessage } from "./seatMessage.ts";
import type { SupervisorStatus } from "./supervisorStatus.ts";

export interface SupervisorOptions {
  maxClients: number;
  maxProcesses: number;
  spareProcesses: number;
  /** Whether a process keeps the history. */
  history: boolean;
  /** The first number that no session has had before. */
  firstSession: SessionId;
}

/** Connections that are only told that there is no room. Past them, one is closed without a word. */
const REFUSALS_MAX = 128;
/** So many who have left and still take their last words do without a place; it is the others' already. */
const LEAVING_MAX = 64;
/** Processes that start at the same time: more would only slow each other down. */
const STARTING_MAX = 8;
/** A process that dies before it is ready is tried again after this, and then after twice as long, up to a limit. */
const RESTART_DELAY_MS = 100;
const RESTART_DELAY_MS_MAX = 5000;
const ROLES: readonly Role[] = ["greeter", "worker", "history"];
/** A history process that dies sooner after it was ready is replaced after a pause. */
const STEADY_MS = 3000;
/** When the history process dies so often before it is ready, the others go on without it. */
const HISTORY_FAILURES_MAX = 3;
/** After the order to stop, who has not ended by then is ended. */
const STOP_LIMIT_MS = 5000;

/** A process without clients is not woken for each record, but for these it has to be. */
const NEWS_FOR_SLEEPERS: ReadonlySet<number> = new Set([
  RecordKind.snapshotWanted,
  RecordKind.quiet,
  RecordKind.stop,
]);

/** The history process lets records gather before it writes them, but somebody waits for what comes of these. */
const NEWS_FOR_HISTORY: ReadonlySet<number> = new Set([
  RecordKind.arrive,
  RecordKind.join,
  RecordKind.recall,
  RecordKind.search,
  RecordKind.catchUp,
]);

interface Child {
  readonly process: number;
  readonly generation: number;
  readonly role: Role;
  /** Lets itself be seated and asked for snapshots. */
  ready: boolean;
  /** Has been let in as a reader of the log. */
  joined: boolean;
  /** Gets no client any more. */
  ending: boolean;
  /** Has ended, and is not gone yet. */
  dead: boolean;
  /** Runs while it has not been ready for long. */
  settling: Timer | undefined;
  /** Who was asked for the state that this one starts from; undefined: nobody yet. */
  source: number | undefined;
  /** The latest format of records that it understands. */
  format: number;
  quiet: boolean;
  readonly sessions: Set<SessionId>;
}

interface Connection {
  readonly session: SessionId;
  readonly socket: Handle;
  readonly area: Handle;
  readonly full: boolean;
  protocol: Protocol | undefined;
  /** Has left the conversation, and still takes its last words. */
  leaving: boolean;
  /** Who has it now; undefined while it waits for a process. */
  process: number | undefined;
}

/**
 * Decides who serves whom. It starts the processes, gives each connection first to the greeter and then to a worker,
 * keeps a duplicate of every connection, and notices ends. It never sees what anybody says.
 *
 * Everything that happens to it is a method call in one thread; none of them waits.
 */
export class Supervisor {
  readonly #ports: SupervisorPorts;
  readonly #options: SupervisorOptions;
  readonly #children = new Map<number, Child>();
  readonly #connections = new Map<SessionId, Connection>();
  /** Decided, and waiting for a process. */
  readonly #waiting: Connection[] = [];
  /** For ring 0, while it has no room. */
  readonly #unsaid: { kind: number; payload: Uint8Array }[] = [];
  /** Kinds of our records that were ordered in the last turn, and of which sleepers have to be told. */
  readonly #news = new Set<number>();
  #refusals = 0;
  #leaving = 0;
  /** Connections of which it is about to be decided whether there is room. */
  #undecided = 0;
  #nextSession: SessionId;
  /** Of each role: how many died one after the other before they were ready, and what waits to start another. */
  readonly #startFailures: Record<Role, number> = { greeter: 0, worker: 0, history: 0 };
  readonly #restarts: Partial<Record<Role, Timer>> = {};
  /** Whether there has been a history process that was ready. */
  #hadHistory = false;
  #store: StoreState = "none";
  /** Who waits for what comes of an import. */
  readonly #imports = new ImportRequests();
  #format = 1;
  #stopping: "no" | "quieting" | "stopped" = "no";
  #stopTimer: Timer | undefined;
  #finished = false;
  /** Nobody is waited for any more. */
  #forced = false;

  constructor(ports: SupervisorPorts, options: SupervisorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#nextSession = options.firstSession;
  }

  start(): void {
    this.#replenish();
  }

  /** A new connection. The supervisor owns `socket` from here on. */
  accept(socket: Handle): void {
    if (this.#stopping !== "no" || !this.#isFull) return this.#admit(socket);
    if (this.#refusals + this.#undecided >= REFUSALS_MAX) return this.#refuse(socket);
    // Who gave a place back and came again may have been faster than the news of it, which waits to be read.
    this.#undecided += 1;
    this.#ports.clock.setTimer(0, () => {
      this.#undecided -= 1;
      this.#admit(socket);
    });
  }

  #admit(socket: Handle): void {
    if (this.#stopping !== "no") return this.#refuse(socket);
    const full = this.#isFull;
    const session = this.#nextSession;
    this.#nextSession += 1;
    const connection: Connection = {
      session,
      socket,
      area: this.#ports.createInputArea(),
      full,
      protocol: undefined,
      leaving: false,
      process: undefined,
    };
    if (full) this.#refusals += 1;
    this.#connections.set(session, connection);
    this.#greet(connection);
  }

  /** Without a word. */
  #refuse(socket: Handle): void {
    this.#ports.shutdown(socket);
    this.#ports.close(socket);
  }

  get #isFull(): boolean {
    const leaving = Math.min(this.#leaving, LEAVING_MAX);
    return this.#connections.size - this.#refusals - leaving >= this.#options.maxClients;
  }

  /** The sequencer has let a process in: now it can be given a state to start from. */
  joined(process: number): void {
    const child = this.#children.get(process);
    if (child === undefined) return;
    child.joined = true;
    this.#giveState(child);
  }

  receive(process: number, message: SeatMessage): void {
    const child = this.#children.get(process);
    if (child === undefined) return;
    switch (message.type) {
      case "ready":
        return this.#ready(child, message.format);
      case "verdict":
        return this.#decided(message.session, message.protocol);
      case "left":
        return this.#left(message.session, child);
      case "done":
        return this.#drop(message.session);
      case "log":
        return this.#ports.log(message.level, `${child.role} ${process}: ${message.text}`);
      case "store":
        this.#store = message.failed ? "failed" : "kept";
        return;
      case "importing":
      case "imported":
      case "importFailed":
        return this.#imports.report(message);
      default:
        this.#ports.log(
          "error",
          `${child.role} ${process} sent what only the supervisor sends: ${message.type}`,
        );
        this.#ports.kill(process);
    }
  }

  /**
   * Has the history process import a file, which is called by its absolute path.
   * @param report called with each report, of which the last one is "imported" or "importFailed"
   */
  importHistory(path: string, report: (report: ImportReport) => void): void {
    const fail = (text: string): void => report({ type: "importFailed", id: 0, text });
    if (!this.#options.history) return fail("this server keeps no history");
    if (this.#stopping !== "no") return fail("the server is stopping");
    if (encodeUtf8(path).length > PATH_BYTES_MAX) return fail("the file's path is too long");
    this.#imports.add(path, report);
    this.#sendImports();
  }

  /** To the history process, when there is one. */
  #sendImports(): void {
    const [history] = this.#readyOnes("history");
    if (history === undefined) return;
    for (const message of this.#imports.take(history.process)) this.#ports.send(history.process, message, []);
  }

  #ready(child: Child, format: number): void {
    child.ready = true;
    child.format = format;
    this.#startFailures[child.role] = 0;
    if (child.role === "history") {
      // What ends it may be waiting for it in the log: who dies soon after it was ready may die again at once.
      child.settling = this.#ports.clock.setTimer(STEADY_MS, () => (child.settling = undefined));
      this.#hadHistory = true;
      this.#sayRecord({ kind: "history", process: child.process });
      this.#sendImports();
    }
    for (const other of this.#children.values()) {
      if (!other.ready && other.joined && other.source === undefined) this.#giveState(other);
    }
    this.#raiseFormat();
    if (child.role === "greeter") for (const each of this.#connections.values()) this.#greet(each);
    this.#placeWaiting();
  }

  /** What every process understands may be written from here on. */
  #raiseFormat(): void {
    const children = [...this.#children.values()].filter((each) => each.ready);
    const format = Math.min(RECORD_FORMAT, ...children.map((each) => each.format));
    if (format <= this.#format) return;
    this.#format = format;
    this.#sayRecord({ kind: "format", format });
  }

  /**
   * A process has ended; `gone` follows when all that it had published stands in the order. Where the order is full,
   * only a history process can make room in it, so that a dead one is replaced before it is gone.
   */
  died(process: number): void {
    const child = this.#children.get(process);
    if (child === undefined) return;
    child.dead = true;
    const isSettling = child.settling !== undefined;
    child.settling?.cancel();
    if (this.#forced) this.#checkStop();
    if (child.role !== "history" || this.#stopping === "stopped" || this.#forced) return;
    if (!child.ready) this.#replenishLater(child.role);
    else if (isSettling) this.#replenishAfter(child.role, RESTART_DELAY_MS);
    else this.#replenish();
  }

  /** A process has ended, and all that it had published stands in the order. */
  gone(process: number, how: string): void {
    const child = this.#children.get(process);
    if (child === undefined) return;
    this.#children.delete(process);
    if (!child.ending) this.#ports.log("warn", `${child.role} ${process} ended: ${how}`);
    if (child.role === "history")
      this.#imports.fail(process, "the history process has ended; import the file again to have all of it");
    if (child.role === "greeter") {
      for (const connection of this.#connections.values()) {
        if (connection.process === process) connection.process = undefined;
      }
    } else {
      for (const connection of this.#connections.values())
        if (connection.process === process) this.#drop(connection.session);
      this.#sayRecord({ kind: "processDied", process });
    }
    for (const other of this.#children.values()) {
      if (!other.ready && other.joined && other.source === process) this.#giveState(other);
    }
    if (this.#stopping !== "no") {
      this.#checkStop();
      return;
    }
    if (child.ready || child.ending || child.role === "history") this.#replenish();
    else this.#replenishLater(child.role);
  }

  /** A record was ordered. Kinds are all that the supervisor looks at. */
  ordered(process: number, kind: number): void {
    if (process === 0 ? NEWS_FOR_SLEEPERS.has(kind) : NEWS_FOR_HISTORY.has(kind)) this.#news.add(kind);
    else if (process !== 0 && kind === RecordKind.quiet) {
      const child = this.#children.get(process);
      if (child === undefined) return;
      child.quiet = true;
    } else return;
    this.#ports.wake();
  }

  /** Once in each turn, before records are ordered: those of the last turn can be read by now. */
  step(): void {
    this.#nudge();
    while (this.#unsaid.length > 0) {
      const { kind, payload } = this.#unsaid[0]!;
      if (this.#ports.append(kind, payload) < 0) return;
      this.#unsaid.shift();
    }
    this.#checkStop();
  }

  /**
   * Ends it all in order: nobody is read any more, what was said is delivered, everyone is told, every process ends.
   * Called a second time, or after `STOP_LIMIT_MS`, it ends the processes as they are.
   */
  stop(): void {
    if (this.#stopping !== "no") {
      this.#killAll();
      return;
    }
    this.#stopping = "quieting";
    this.#cancelRestarts();
    this.#stopTimer = this.#ports.clock.setTimer(STOP_LIMIT_MS, () => {
      this.#ports.log("warn", `not everything had ended after ${STOP_LIMIT_MS} ms`);
      this.#killAll();
    });
    for (const child of this.#children.values()) {
      child.ending = true;
      // The history process has to write down what was said, and ends when it has.
      if (!child.ready && child.role !== "history") this.#ports.kill(child.process);
    }
    this.#say(RecordKind.quiet, new Uint8Array(0));
  }

  status(): SupervisorStatus {
    return {
      clients: this.#connections.size - this.#refusals - this.#leaving,
      greeting: [...this.#connections.values()].filter((each) => each.protocol === undefined).length,
      waiting: this.#waiting.length,
      processes: [...this.#children.values()].map((child) => ({
        process: child.process,
        role: child.role,
        ready: child.ready,
        clients: child.sessions.size,
      })),
      stopping: this.#stopping !== "no",
      history: this.#store,
    };
  }

  #sayRecord(record: ChatRecord): void {
    const { kind, payload } = encode(record);
    this.#say(kind, payload);
  }

  #say(kind: number, payload: Uint8Array): void {
    this.#unsaid.push({ kind, payload });
    this.#ports.wake();
  }

  /** To a greeter that is ready; where there is none, the next one asks for all that are left. */
  #greet(connection: Connection): void {
    if (connection.protocol !== undefined || connection.process !== undefined) return;
    const greeter = this.#readyOnes("greeter")[0];
    if (greeter === undefined) return;
    connection.process = greeter.process;
    this.#ports.send(greeter.process, { type: "greet", session: connection.session, full: connection.full }, [
      connection.socket,
      connection.area,
    ]);
  }

  #decided(session: SessionId, protocol: Protocol): void {
    const connection = this.#connections.get(session);
    if (connection === undefined) return;
    connection.protocol = protocol;
    connection.process = undefined;
    this.#waiting.push(connection);
    this.#placeWaiting();
  }

  #placeWaiting(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#choose();
      if (worker === undefined) break;
      this.#seat(this.#waiting.shift()!, worker);
    }
    this.#replenish();
  }

  /** A worker of one's own while there may be more; then the one that has the fewest. */
  #choose(): Child | undefined {
    const workers = this.#readyOnes("worker").filter((worker) => !worker.ending);
    const busy = workers.filter((worker) => worker.sessions.size > 0);
    if (this.#busyCount() < this.#options.maxProcesses)
      return workers.find((worker) => worker.sessions.size === 0);
    return busy.reduce<Child | undefined>(
      (least, worker) => (least === undefined || worker.sessions.size < least.sessions.size ? worker : least),
      undefined,
    );
  }

  #busyCount(): number {
    let count = 0;
    for (const child of this.#children.values()) if (child.sessions.size > 0) count += 1;
    return count;
  }

  #seat(connection: Connection, worker: Child): void {
    const { session, protocol } = connection;
    assert(protocol !== undefined, "only who is decided is seated");
    connection.process = worker.process;
    worker.sessions.add(session);
    this.#sayRecord({ kind: "seat", session, process: worker.process, protocol });
    this.#ports.send(worker.process, { type: "seat", session, protocol }, [
      connection.socket,
      connection.area,
    ]);
  }

  /** The connection is over: nothing of it is kept. */
  #drop(session: SessionId): void {
    const connection = this.#connections.get(session);
    if (connection === undefined) return;
    this.#connections.delete(session);
    if (connection.full) this.#refusals -= 1;
    if (connection.leaving) this.#leaving -= 1;
    this.#ports.shutdown(connection.socket);
    this.#ports.close(connection.socket);
    this.#ports.close(connection.area);
    const child = connection.process === undefined ? undefined : this.#children.get(connection.process);
    if (child !== undefined) this.#giveSeatBack(session, child);
  }

  /** Its place is free, while its worker sends it what is still for it. */
  #left(session: SessionId, child: Child): void {
    const connection = this.#connections.get(session);
    if (connection === undefined || connection.process !== child.process || connection.leaving) return;
    connection.leaving = true;
    this.#leaving += 1;
    this.#giveSeatBack(session, child);
  }

  #giveSeatBack(session: SessionId, child: Child): void {
    if (!child.sessions.delete(session) || child.sessions.size > 0 || child.ending) return;
    // It has held somebody's secrets; the next client gets a fresh one.
    child.ending = true;
    this.#ports.send(child.process, { type: "end" }, []);
    this.#replenish();
  }

  /** Has another replica tell a new process the state as it is at this place in the order. */
  #giveState(child: Child): void {
    const replica = [...this.#children.values()].find(
      (other) => other.ready && !other.dead && other !== child,
    );
    // Where a history is kept, the first state is what it holds, and only it can tell.
    if (replica === undefined && this.#options.history && child.role !== "history") {
      child.source = undefined;
      return;
    }
    child.source = replica?.process ?? GENESIS;
    this.#say(
      RecordKind.snapshotWanted,
      encodeSnapshotWanted({
        forProcess: child.process,
        generation: child.generation,
        // Nobody who could tell: nobody has any client either, so that the state is the first one.
        fromProcess: child.source,
      }),
    );
  }

  #readyOnes(role: Role): Child[] {
    return [...this.#children.values()].filter((child) => child.role === role && child.ready && !child.dead);
  }

  /** Starts what is missing: the greeter, spares, and workers for those who wait. */
  #replenish(): void {
    if (this.#stopping === "stopped") return;
    const children = [...this.#children.values()];
    const lacks = (role: Role): boolean =>
      this.#restarts[role] === undefined && !children.some((child) => child.role === role && !child.dead);
    // What was said before the end still has to be written down.
    if (this.#options.history && lacks("history")) this.#spawn("history");
    if (this.#stopping !== "no") return;
    if (lacks("greeter")) this.#spawn("greeter");
    if (this.#restarts.worker !== undefined) return;
    const idle = children.filter(
      (child) => child.role === "worker" && !child.ending && child.sessions.size === 0,
    ).length;
    const allowed = this.#options.maxProcesses - this.#busyCount();
    const wanted = Math.min(Math.max(this.#options.spareProcesses, this.#waiting.length), allowed);
    const starting = children.filter((child) => !child.ready).length;
    const missing = Math.min(wanted - idle, STARTING_MAX - starting);
    for (let i = 0; i < missing; i += 1) if (!this.#spawn("worker")) return;
  }

  #spawn(role: Role): boolean {
    const spawned = this.#ports.spawn(role);
    if (spawned === undefined) return false;
    this.#children.set(spawned.process, {
      ...spawned,
      role,
      ready: false,
      joined: false,
      ending: false,
      dead: false,
      settling: undefined,
      source: undefined,
      format: 0,
      quiet: false,
      sessions: new Set(),
    });
    return true;
  }

  /** What dies before it is ready would die again at once: each time we wait longer. */
  #replenishLater(role: Role): void {
    const failures = this.#startFailures[role];
    const delayMs = Math.min(RESTART_DELAY_MS * 2 ** failures, RESTART_DELAY_MS_MAX);
    this.#startFailures[role] = failures + 1;
    this.#ports.log("error", `a ${role} died before it was ready; the next is started in ${delayMs} ms`);
    if (role === "history" && failures + 1 >= HISTORY_FAILURES_MAX && this.#hadHistory) this.#letHistoryGo();
    this.#replenishAfter(role, delayMs);
  }

  #replenishAfter(role: Role, delayMs: number): void {
    this.#restarts[role] ??= this.#ports.clock.setTimer(delayMs, () => {
      delete this.#restarts[role];
      this.#replenish();
    });
  }

  /** The log waits for the history process no longer, and what is said is not kept until one starts after all. */
  #letHistoryGo(): void {
    this.#ports.letHistoryGo();
    this.#store = "failed";
    const text = "the history process does not start";
    this.#sayRecord({ kind: "store", failed: true, from: 0, to: 0, text });
  }

  /** Wakes those who sleep and whom a record of ours concerns. Any earlier, they would not find it yet. */
  #nudge(): void {
    if (this.#news.size === 0) return;
    const children = [...this.#children.values()];
    const isForAll = this.#news.has(RecordKind.quiet) || this.#news.has(RecordKind.stop);
    const isForHistory = [...this.#news].some((kind) => NEWS_FOR_HISTORY.has(kind));
    const sources = new Set(children.filter((child) => !child.ready).map((child) => child.source));
    this.#news.clear();
    for (const child of children) {
      const isForIt = isForAll || sources.has(child.process) || (isForHistory && child.role === "history");
      if (child.ready && isForIt) this.#ports.send(child.process, { type: "nudge" }, []);
    }
  }

  #cancelRestarts(): void {
    for (const timer of Object.values(this.#restarts)) timer.cancel();
    for (const role of ROLES) delete this.#restarts[role];
  }

  #killAll(): void {
    this.#forced = true;
    for (const child of this.#children.values()) this.#ports.kill(child.process);
  }

  #checkStop(): void {
    if (this.#stopping === "no" || this.#finished) return;
    const children = [...this.#children.values()];
    // The greeter says nothing in the log, and who is not ready has no client.
    const mayTalk = children.filter((child) => child.role === "worker" && child.ready);
    if (this.#stopping === "quieting" && mayTalk.every((child) => child.quiet)) {
      this.#stopping = "stopped";
      this.#sayRecord({ kind: "stop" });
    }
    // What killed processes had published may find no room in the order any more; the next start will finish it.
    if (children.length > 0 && !(this.#forced && children.every((child) => child.dead))) return;
    this.#finished = true;
    this.#stopTimer?.cancel();
    this.#cancelRestarts();
    for (const { session } of this.#connections.values()) this.#drop(session);
    this.#ports.finished();
  }
}
