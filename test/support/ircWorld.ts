/*
 * A whole server without processes and sockets, for tests of what clients are told: the shipped workers, conversations
 * and history process with its store and vault, on the shipped log, all in one thread with a clock of the test's own.
 * What a supervisor does is done by the test.
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { AccountStore } from "../../src/accounts/index.ts";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/index.ts";
import type { ChatRecord, ChatState, Protocol, Role as AccountRole } from "../../src/chat/index.ts";
import { FIRST_SEQUENCE, HistoryReader, HistoryStore } from "../../src/history/index.ts";
import {
  AgentLoop,
  ArrayWords,
  Layout,
  LogMember,
  Sequencer,
  formatSegment,
  openSegment,
} from "../../src/log/index.ts";
import { RECORD_FORMAT, encode } from "../../src/record/index.ts";
import {
  type ChildPorts,
  type ClientConnection,
  type ClientEvents,
  type Clock,
  Historian,
  type SeatMessage,
  type Timer,
  WorkerChild,
  type WorkerOptions,
  answerQuery,
} from "../../src/server/index.ts";
import { AccountRequests } from "../../src/server/accountRequests.ts";
import { CheapSecrets } from "./accounts.ts";
import { Captures, parseScript } from "./ircScript.ts";

export const SERVER = "irc.test";
export const START_MS: number = Date.UTC(2026, 10, 25, 7, 0, 0);
const SUPERVISOR = 0;
/** Of the process that keeps the history; those before it serve clients. */
const HISTORY = 3;
const WORKERS = [1, 2] as const;
const GEOMETRY = { processes: 4, ringBytes: 1 << 20, orderEntries: 4096, pageBytes: 4096 };
const NOBODY = { process: 0, generation: 0 };
/** So much time goes by with each line that somebody sends. */
const STEP_MS = 1000;
/** Much more than anything takes that comes to an end. */
const TASKS_MAX = 200_000;

export interface WorldOptions extends Partial<WorkerOptions> {
  readonly persistence?: boolean;
  /** Without: nobody keeps what is said, and there are no accounts. */
  readonly history?: boolean;
}

/** How somebody comes in: with which capabilities, and logged in as whom. */
export interface Entrance {
  readonly caps?: string;
  readonly account?: string;
  readonly nick?: string;
  readonly host?: string;
}

/** What everybody's password is. */
export const PASSWORD = "correct horse";

class PretendedClock implements Clock {
  nowMs = START_MS;
  readonly #timers = new Set<{ dueMs: number; callback: () => void }>();

  now(): number {
    return this.nowMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  localTime(timeMs: number): string {
    return new Date(timeMs).toISOString().slice(0, 16).replace("T", " ");
  }

  /** Up to then, or to the next timer before that. False: there was none. */
  step(untilMs: number): boolean {
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs);
    const [next] = due.toSorted((one, other) => one.dueMs - other.dueMs);
    this.nowMs = Math.max(this.nowMs, next?.dueMs ?? untilMs);
    if (next === undefined) return false;
    this.#timers.delete(next);
    next.callback();
    return true;
  }
}

class PretendedConnection implements ClientConnection {
  discarding = false;
  inputEnded = false;
  isOverflowing = false;
  queuedBytes = 0;
  through = 0;
  notes: Uint8Array = new Uint8Array(0);
  readonly handles: readonly number[];
  events: ClientEvents | undefined;
  isEnded = false;
  #input: Uint8Array = new Uint8Array(0);
  #written: Uint8Array[] = [];
  readonly #onOutput: (bytes: Uint8Array) => void;

  constructor(handle: number, onOutput: (bytes: Uint8Array) => void) {
    this.handles = [handle];
    this.#onOutput = onOutput;
  }

  receive(bytes: Uint8Array): void {
    this.#input = concatBytes([this.#input, bytes]);
    this.events!.onInput();
  }

  pending(): Uint8Array {
    return this.#input;
  }

  consume(count: number): void {
    this.#input = this.#input.subarray(count);
  }

  beginTrial(): boolean {
    return true;
  }

  endTrial(): void {}

  write(bytes: Uint8Array): void {
    this.#written.push(bytes.slice());
  }

  commit(): void {}

  send(): void {
    for (const bytes of this.#written.splice(0)) this.#onOutput(bytes);
  }

  finish(done: () => void): void {
    this.send();
    this.isEnded = true;
    done();
  }

  shutdownNow(): void {
    this.isEnded = true;
  }

  release(): void {}
}

/** Somebody's connection, and what came over it. */
class Caller {
  readonly session: number;
  readonly connection: PretendedConnection;
  /** Lines that nobody has expected yet. */
  readonly lines: string[] = [];
  #rest = "";

  constructor(session: number) {
    this.session = session;
    this.connection = new PretendedConnection(session, (bytes) => this.#take(decodeUtf8(bytes)));
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop()!;
    this.lines.push(...lines);
  }
}

export class IrcWorld implements Disposable {
  readonly clock: PretendedClock = new PretendedClock();
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  readonly accounts: DatabaseSync = new DatabaseSync(":memory:");
  /** All that was ever in the log. */
  readonly memory: ArrayBuffer = new ArrayBuffer(new Layout(GEOMETRY).totalBytes);
  readonly captures: Captures = new Captures();
  motd = "";
  readonly #tasks: (() => void)[] = [];
  readonly #callers = new Map<string, Caller>();
  readonly #workers: WorkerChild[] = [];
  readonly #loops = new Map<number, AgentLoop>();
  readonly #sequencer: Sequencer;
  readonly #supervisor: LogMember;
  readonly #options: WorldOptions;
  #historian: Historian | undefined;
  #sessions = 0;
  readonly #requests: AccountRequests;

  private constructor(options: WorldOptions) {
    this.#options = options;
    this.#requests = new AccountRequests(
      (process, message) => this.#post(() => this.#tell(process, message)),
      options.history !== false,
    );
    const segment = formatSegment(new ArrayWords(this.memory), GEOMETRY, {
      firstSequence: FIRST_SEQUENCE,
      firstTimeMs: START_MS,
      keeper: true,
    });
    const trouble = (process: number, reason = "hung"): void => assert.fail(`process ${process}: ${reason}`);
    this.#sequencer = new Sequencer(segment, () => this.clock.nowMs, this.#doorbell, {
      onViolation: trouble,
      onHung: trouble,
      onJoined: (process) => {
        if (process !== HISTORY && process !== SUPERVISOR) this.#sequencer.serve(process);
      },
    });
    const generation = this.#sequencer.admit(SUPERVISOR);
    this.#supervisor = new LogMember(segment, SUPERVISOR, generation, this.#doorbell);
    const step = (): void => {
      this.#supervisor.publish();
      this.#sequencer.step();
    };
    const sleepers = [this.#sequencer, this.#supervisor];
    this.#loops.set(SUPERVISOR, new AgentLoop(step, sleepers, (task) => this.#post(task)));
  }

  /** A server with these people in it, by their names; none of what they were told on the way in is left. */
  static async with(
    people: Readonly<Record<string, string | Entrance>>,
    options: WorldOptions = {},
  ): Promise<IrcWorld> {
    const world = new IrcWorld(options);
    await world.#start();
    for (const [name, entrance] of Object.entries(people)) {
      const how = typeof entrance === "string" ? { caps: entrance } : entrance;
      if (how.account !== undefined && !world.#hasAccount(how.account)) await world.account(how.account);
      await world.enter(name, how);
    }
    return world;
  }

  get state(): ChatState {
    return this.#workers[0]!.replica.state;
  }

  /** Seats a client of nobody yet. */
  async connect(name: string, host: string = "host", protocol: Protocol = "irc"): Promise<void> {
    this.#sessions += 1;
    const caller = new Caller(this.#sessions);
    this.#callers.set(name, caller);
    const index = this.#sessions % WORKERS.length;
    const process = WORKERS[index]!;
    const { session } = caller;
    this.say({ kind: "seat", session, process, protocol, host });
    this.#workers[index]!.receive({ type: "seat", session, protocol }, [session]);
    await this.settle();
  }

  /** Connects and registers; `name` is the nick, where no other is given. What anybody was told of it is forgotten. */
  async enter(name: string, entrance: Entrance = {}): Promise<void> {
    await this.enterQuietly(name, entrance);
    const told = this.drain(name);
    assert(
      told.some((line) => / 001 /.test(line)),
      `${name} was not let in:\n${told.join("\n")}`,
    );
    for (const other of this.#callers.keys()) this.drain(other);
  }

  /** The same, with all that is told of it still to be expected. */
  async enterQuietly(name: string, { caps = "", account, nick = name, host }: Entrance): Promise<void> {
    await this.connect(name, host);
    const wanted = account === undefined ? caps : `sasl ${caps}`.trim();
    const lines = wanted === "" ? [] : ["CAP LS 302", `CAP REQ :${wanted}`];
    if (account !== undefined) lines.push("AUTHENTICATE PLAIN", `AUTHENTICATE ${plain(account)}`);
    lines.push(`NICK ${nick}`, `USER ${name} 0 * :${name}`, ...(wanted === "" ? [] : ["CAP END"]));
    for (const line of lines) await this.send(name, line);
  }

  /** They enter a channel, one after the other; what they are told of it is forgotten. */
  async join(channel: string, ...names: readonly string[]): Promise<void> {
    for (const name of names) await this.send(name, `JOIN ${channel}`);
    for (const name of this.#callers.keys()) this.drain(name);
  }

  /** Lines in one piece. */
  async send(name: string, ...lines: readonly string[]): Promise<void> {
    await this.write(name, encodeUtf8(lines.map((line) => `${line}\r\n`).join("")));
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.advance(STEP_MS);
    this.#caller(name).connection.receive(bytes);
    await this.settle();
  }

  /** Somebody's connection ends, from its own side. */
  async hangUp(name: string): Promise<void> {
    const { connection } = this.#caller(name);
    connection.inputEnded = true;
    connection.events!.onInput();
    await this.settle();
  }

  isConnected(name: string): boolean {
    return !this.#caller(name).connection.isEnded;
  }

  /** What somebody was told and nobody has expected. */
  drain(name: string): string[] {
    return this.#caller(name).lines.splice(0);
  }

  /** See ircScript.ts. */
  async talk(script: string): Promise<void> {
    const { captures } = this;
    let wasExpecting = false;
    for (const step of parseScript(script)) {
      if (wasExpecting && (step.kind === "send" || step.kind === "wait")) this.#expectNothingMore();
      wasExpecting = step.kind === "expect" || step.kind === "rest";
      switch (step.kind) {
        case "send":
          await this.send(step.who, captures.fill(step.text));
          break;
        case "wait":
          await this.advance(step.ms);
          break;
        case "rest":
          this.drain(step.who);
          break;
        case "expect":
          this.#expect(step.who, step.text);
      }
    }
    this.#expectNothingMore();
  }

  /** What a supervisor says in the log. */
  say(record: ChatRecord): void {
    const { kind, payload } = encode(record);
    assert(this.#supervisor.append(kind, 0, payload) >= 0);
    this.#loops.get(SUPERVISOR)!.soon();
  }

  /** The history process dies, and with it whoever knows accounts. */
  async loseHistory(): Promise<void> {
    assert(this.#historian !== undefined);
    this.#historian = undefined;
    this.#loops.get(HISTORY)!.stop();
    this.#sequencer.release(HISTORY);
    this.#requests.died({ process: HISTORY, generation: 1 }, "history");
    this.say({ kind: "processDied", process: HISTORY });
    await this.settle();
  }

  /** None starts any more: the server goes on without a history, and without accounts. */
  async giveHistoryUp(): Promise<void> {
    await this.loseHistory();
    this.say({ kind: "history", process: 0 });
    await this.settle();
  }

  /** Another one takes its place. */
  async findHistory(): Promise<void> {
    this.#startHistorian();
    await this.settle();
    this.#beginHistory();
    await this.settle();
  }

  /** As `chorus user` does. */
  async account(name: string, role: AccountRole = "user", password: string = PASSWORD): Promise<void> {
    await this.command({ action: "add", name, role, password });
  }

  async command(command: Extract<SeatMessage, { type: "userCommand" }>["command"]): Promise<void> {
    let fault: string | undefined;
    this.#requests.command(command, (error) => void (fault = error));
    await this.settle();
    assert.equal(fault, "");
  }

  /** Time passes, and whatever was to happen by then happens. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.clock.nowMs + ms;
    while (this.clock.step(untilMs)) await this.settle();
  }

  /** Until nobody has anything to do. */
  async settle(): Promise<void> {
    let count = 0;
    do {
      for (let task = this.#tasks.shift(); task !== undefined; task = this.#tasks.shift()) {
        task();
        count += 1;
        assert(count < TASKS_MAX, "it does not come to rest");
      }
      // Cryptography, and what waits for it.
      await setImmediate();
    } while (this.#tasks.length > 0);
  }

  [Symbol.dispose](): void {
    this.database.close();
    this.accounts.close();
  }

  #caller(name: string): Caller {
    const caller = this.#callers.get(name);
    assert(caller !== undefined, `nobody is called ${name} here`);
    return caller;
  }

  #hasAccount(name: string): boolean {
    return [...this.state.accounts.values()].some((account) => account.name === name);
  }

  #expect(name: string, expected: string): void {
    const { lines } = this.#caller(name);
    const [line] = lines;
    if (line !== undefined && this.captures.match(expected, line)) {
      lines.shift();
      return;
    }
    assert.fail(
      `${name} should have been told\n  ${this.captures.fill(expected)}\nand was told\n  ${lines.join("\n  ")}`,
    );
  }

  #expectNothingMore(): void {
    for (const [name, { lines }] of this.#callers)
      assert.deepEqual(lines, [], `${name} was told more than was expected`);
  }

  async #start(): Promise<void> {
    for (const process of WORKERS) this.#startWorker(process);
    if (this.#options.history !== false) this.#startHistorian();
    await this.settle();
    // They read by now; and this is the first state that there is.
    for (const [index, process] of WORKERS.entries())
      this.#workers[index]!.receive({ type: "state", ...NOBODY, process, through: FIRST_SEQUENCE - 1 }, []);
    this.say({ kind: "format", format: RECORD_FORMAT });
    this.say({ kind: "settings", persistence: this.#options.persistence === true });
    if (this.#options.history !== false) this.#beginHistory();
    await this.settle();
  }

  #beginHistory(): void {
    this.say({ kind: "history", process: HISTORY });
    this.#requests.begin(HISTORY);
  }

  #startWorker(process: number): void {
    const { member, ports } = this.#join(process, false);
    const worker = new WorkerChild(ports, member, {
      serverName: SERVER,
      networkName: "TestNet",
      version: "1.0",
      startedMs: START_MS,
      motd: "",
      admin: "",
      floodLines: 0,
      maxQueueBytes: 1 << 20,
      maxLagRecords: 100_000,
      ...this.#options,
    });
    this.#workers.push(worker);
    this.#run(process, member, () => worker.step(member));
  }

  #startHistorian(): void {
    const { member, ports } = this.#join(HISTORY, true);
    const store = new HistoryStore(this.database);
    const reader = new HistoryReader(this.database);
    this.#historian = new Historian(
      {
        ...ports,
        store,
        accounts: { store: new AccountStore(this.accounts), secrets: new CheapSecrets() },
        query: (query, done) => this.#post(() => done(answerQuery(reader, query, this.clock.nowMs))),
        now: () => this.clock.nowMs,
        openLines: () => assert.fail("nobody imports anything here"),
      },
      member,
      { keepMs: undefined, sync: true },
    );
    const historian = this.#historian;
    this.#run(HISTORY, member, () => historian.step(member));
  }

  #join(process: number, keeper: boolean): { member: LogMember; ports: ChildPorts } {
    const generation = this.#sequencer.admit(process, { keeper, early: !keeper });
    const segment = openSegment(new ArrayWords(this.memory));
    const member = new LogMember(segment, process, generation, this.#doorbell, { consuming: "explicit" });
    const ports: ChildPorts = {
      clock: this.clock,
      version: "test",
      send: (message) => this.#post(() => this.#hear(process, message)),
      share: () => assert.fail("nobody shares memory here"),
      takeShared: () => assert.fail("nobody shares memory here"),
      close: () => undefined,
      connect: ([handle], events) => {
        const caller = [...this.#callers.values()].find(({ session }) => session === handle)!;
        caller.connection.events = events;
        return caller.connection;
      },
      wake: () => this.#loops.get(process)?.soon(),
      exit: () => assert.fail(`process ${process} ended`),
    };
    return { member, ports };
  }

  #run(process: number, member: LogMember, step: () => void): void {
    const turn = (): void => {
      step();
      member.publish();
    };
    const loop = new AgentLoop(turn, [member], (task) => this.#post(task));
    this.#loops.set(process, loop);
    member.attach();
    loop.soon();
  }

  /** What a process says to its supervisor, who passes it on. */
  #hear(process: number, message: SeatMessage): void {
    switch (message.type) {
      case "log":
        // A record that cannot be applied is told of in no other way.
        assert(message.level !== "warn" && message.level !== "error", message.text);
        return;
      case "vault":
        if (process === HISTORY) this.#requests.answer(message);
        else this.#requests.ask({ process, generation: 1 }, message);
        return;
      case "userAnswer":
        return this.#requests.commandDone(message.id, message.text);
      case "rehash":
        for (const worker of this.#workers) worker.receive({ type: "motd", text: this.motd }, []);
    }
  }

  #tell(process: number, message: SeatMessage): void {
    if (process === HISTORY) this.#historian?.receive(message, []);
    else this.#workers[process - 1]!.receive(message, []);
  }

  #post(task: () => void): void {
    this.#tasks.push(task);
  }

  readonly #doorbell = {
    ring: (process: number): void => this.#post(() => this.#loops.get(process)?.turn()),
  };
}

/** As SASL PLAIN says it. */
export function plain(account: string, password: string = PASSWORD): string {
  return Buffer.from(`\0${account}\0${password}`).toString("base64");
}
