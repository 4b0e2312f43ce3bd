import { encodeUtf8 } from "../base/index.ts";
import type { ChatRecord, StoreState } from "../chat/index.ts";
import type { UserCommand } from "../accounts/index.ts";
import { RECORD_FORMAT, RecordKind, encode } from "../record/index.ts";
import { AccountRequests } from "./accountRequests.ts";
import { type AdoptedMember, Adoption } from "./adoption.ts";
import { Crew, type CrewMember, type CrewOptions } from "./crew.ts";
import { ImportRequests } from "./importRequests.ts";
import type { Handle, SupervisorPorts, Timer } from "./ports.ts";
import { Reload, ReloadError } from "./reload.ts";
import { type ImportReport, PATH_BYTES_MAX, type SeatMessage } from "./seatMessage.ts";
import { Seating, type SeatingOptions } from "./seating.ts";
import type { SupervisorStatus } from "./supervisorStatus.ts";

export interface SupervisorOptions extends CrewOptions, SeatingOptions {
  /** Whether whoever logs in stays in its rooms without a connection. */
  persistence: boolean;
}

/** Who is asked for its state, and may not have read far enough, is woken every so often. */
const REMIND_MS = 100;
/** After the order to stop, who has not ended by then is ended. */
const STOP_LIMIT_MS = 5000;

/** The history process lets records gather before it writes them, but somebody waits for what comes of these. */
const NEWS_FOR_HISTORY: ReadonlySet<number> = new Set([
  RecordKind.arrive,
  RecordKind.join,
  RecordKind.recall,
  RecordKind.search,
  RecordKind.catchUp,
  RecordKind.page,
  RecordKind.targets,
  RecordKind.redact,
]);
/** Of ours: whoever serves somebody, and the history process, is woken for them at once. */
const NEWS_FOR_ALL: ReadonlySet<number> = new Set([RecordKind.quiet, RecordKind.stop]);

/**
 * Decides who serves whom. It has the processes started, gives each connection first to the greeter and then to a
 * worker, keeps a duplicate of every connection, and gives those of a process that died to another. It never sees
 * what anybody says.
 *
 * Everything that happens to it is a method call in one thread; none of them waits.
 */
export class Supervisor {
  readonly #ports: SupervisorPorts;
  readonly #options: SupervisorOptions;
  readonly #crew: Crew;
  readonly #seating: Seating;
  /** For ring 0, while it has no room. */
  readonly #unsaid: { kind: number; payload: Uint8Array }[] = [];
  /** Kinds that were ordered in the last turn, and of which sleepers have to be told. */
  readonly #news = new Set<number>();
  /** Whether there has been a history process that was ready. */
  #hadHistory = false;
  #store: StoreState = "none";
  /** Who waits for what comes of an import. */
  readonly #imports = new ImportRequests();
  readonly #accounts: AccountRequests;
  #format = 1;
  #stopping: "no" | "quieting" | "stopped" = "no";
  #stopTimer: Timer | undefined;
  #finished = false;
  /** Nobody is waited for any more. */
  #forced = false;
  readonly #adoption: Adoption;
  #reload: Reload | undefined;
  #isGreeterHolding = false;

  constructor(ports: SupervisorPorts, options: SupervisorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#crew = new Crew(ports, options, {
      onMissing: () => this.#place(),
      onHistoryHopeless: () => this.#letHistoryGo(),
    });
    this.#accounts = new AccountRequests((to, message) => ports.send(to, message, []), options.history);
    this.#seating = new Seating(ports, this.#crew, options, {
      say: (record) => this.#sayRecord(record),
      onPauseOver: () => this.#place(),
      onGhosts: (process) => this.#adoption.bury(process),
    });
    this.#adoption = new Adoption(ports, this.#crew, this.#seating, {
      say: (record) => this.#sayRecord(record),
      onReady: (member, format, version) => this.#ready(member, format, version),
      onIdle: (member) => this.#end(member),
    });
  }

  /** Starts what is missing. After `adopt`, when all have reported, or have had the time to. */
  start(): void {
    this.#adoption.isUnderway = false;
    this.#sayRecord({ kind: "settings", persistence: this.#options.persistence });
    this.#adoption.settle();
    this.#place();
  }

  /**
   * Goes on with the processes of a dead supervisor, which are about to say what they have; `start` follows. Those
   * that do not live any more have to be reported as `gone`: whoever was with them is lost.
   */
  adopt(members: readonly AdoptedMember[], onReported: () => void): void {
    this.#adoption.begin(members, onReported);
  }

  /** A new connection. The supervisor owns `socket` from here on. */
  accept(socket: Handle): void {
    this.#seating.accept(socket);
  }

  /** The sequencer has let a process in, from this sequence number on: now it can be given a state to start from. */
  joined(process: number, sequence: number): void {
    const member = this.#crew.get(process);
    if (member === undefined) return;
    member.readsFrom = sequence;
    this.#giveState(member);
  }

  /** A message, and what came with it, which is owned here. */
  receive(process: number, message: SeatMessage, handles: readonly Handle[]): void {
    const member = this.#crew.get(process);
    if (member !== undefined && message.type === "held") this.#adoption.takeBack(member, message, handles);
    else {
      if (member !== undefined) this.#receive(member, message, handles);
      for (const handle of handles) this.#ports.close(handle);
    }
  }

  #receive(member: CrewMember, message: SeatMessage, handles: readonly Handle[]): void {
    switch (message.type) {
      case "ready":
        return this.#ready(member, message.format, message.version);
      case "state":
        return this.#passState(message, handles);
      case "verdict":
        this.#seating.decided(message.session, message.protocol, member);
        return this.#replenish();
      case "left":
        this.#seating.left(message.session, member);
        return this.#replenish();
      case "done":
        this.#seating.drop(message.session);
        return this.#replenish();
      case "adopted":
        return this.#adoption.adopted(member, message);
      case "taken":
        this.#seating.taken(message.session);
        return this.#onChange();
      case "holding":
        this.#isGreeterHolding = true;
        return this.#onChange();
      case "log":
        if (message.level === "error") member.lastError = message.text;
        return this.#ports.log(message.level, `${member.role} ${member.process}: ${message.text}`);
      case "store":
        this.#store = message.failed ? "failed" : "kept";
        return;
      case "importing":
      case "imported":
      case "importFailed":
        return this.#imports.report(message);
      case "vault":
        if (member.role === "history") return this.#accounts.answer(message);
        return this.#accounts.ask(member, message);
      case "rehash":
        return this.rehash();
      case "userAnswer":
        return this.#accounts.commandDone(message.id, message.text);
      default:
        this.#ports.log(
          "error",
          `${member.role} ${member.process} sent what only the supervisor sends: ${message.type}`,
        );
        this.#ports.kill(member.process);
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

  /** Whoever runs the machine raises or lowers the shield against a raid: see `Policy`. */
  shield(on: boolean): void {
    this.#sayRecord({ kind: "shield", on });
  }

  /** What is read from files is read anew. */
  rehash(): void {
    const text = this.#ports.readMotd();
    for (const { process, role } of this.#crew.all())
      if (role === "worker") this.#ports.send(process, { type: "motd", text }, []);
    this.#ports.log("info", "the message of the day was read anew");
  }

  /** Does something with an account. `done` is told why nothing came of it; an empty text: it is done. */
  administer(command: UserCommand, done: (error: string) => void): void {
    if (this.#stopping !== "no") return done("the server is stopping");
    this.#accounts.command(command, done);
  }

  /** To the history process, when there is one. */
  #sendImports(): void {
    const [history] = this.#crew.ready("history");
    if (history === undefined) return;
    for (const message of this.#imports.take(history.process)) this.#ports.send(history.process, message, []);
  }

  #ready(member: CrewMember, format: number, version: string): void {
    this.#crew.becameReady(member, format, version);
    this.#onChange();
    if (member.role === "history") {
      this.#hadHistory = true;
      this.#sayRecord({ kind: "history", process: member.process });
      this.#sendImports();
      this.#accounts.begin(member.process);
    }
    this.#giveStates();
    this.#raiseFormat();
    if (member.role === "greeter") this.#seating.greetAll();
    this.#place();
  }

  /** What every process understands may be written from here on. */
  #raiseFormat(): void {
    const formats = this.#crew.all().flatMap(({ ready, format }) => (ready ? [format] : []));
    const format = Math.min(RECORD_FORMAT, ...formats);
    if (format <= this.#format) return;
    this.#format = format;
    this.#sayRecord({ kind: "format", format });
  }

  /**
   * A process has ended; `gone` follows when all that it had published stands in the order. Where the order is full,
   * that may take until others have gone on in its place, so whatever it did is given to them now.
   */
  died(process: number): void {
    const member = this.#crew.get(process);
    if (member === undefined) return;
    this.#crew.died(member);
    this.#accounts.died(member, member.role);
    this.#adoption.died(member);
    this.#onChange();
    if (this.#forced) this.#checkStop();
    this.#seating.orphan(member);
    this.#giveStates(member.process);
    this.#place();
  }

  /** A process has ended, and all that it had published stands in the order. */
  gone(process: number, how: string): void {
    const member = this.#crew.get(process);
    if (member === undefined) {
      this.#adoption.strangerGone(process);
      return;
    }
    this.#crew.gone(member);
    this.#onChange();
    if (!member.ending) this.#ports.log("warn", `${member.role} ${process} ended: ${how}`);
    if (member.role === "history") {
      this.#imports.fail(process, "the history process has ended; import the file again to have all of it");
      // One that the log never named is missed by nobody; but whoever had its number before may have left clients.
      if (member.ready) this.#sayRecord({ kind: "processDied", process });
    }
    this.#seating.gone(member);
    this.#adoption.gone(member);
    if (this.#stopping === "no") this.#place();
    else this.#checkStop();
  }

  /** A record was ordered. Kinds are all that the supervisor looks at. */
  ordered(process: number, kind: number): void {
    if (process === 0 ? NEWS_FOR_ALL.has(kind) : NEWS_FOR_HISTORY.has(kind)) this.#news.add(kind);
    else if (process !== 0 && kind === RecordKind.quiet) {
      const member = this.#crew.get(process);
      if (member === undefined) return;
      member.quiet = true;
    } else return;
    this.#ports.wake();
  }

  /** Once in each turn, before records are ordered: those of the last turn can be read by now. */
  step(): void {
    this.#nudge();
    this.#adoption.settle();
    while (this.#unsaid.length > 0) {
      const { kind, payload } = this.#unsaid[0]!;
      if (this.#ports.append(kind, payload) < 0) return;
      this.#unsaid.shift();
      if (this.#unsaid.length === 0) this.#onChange();
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
    this.#reload?.cancel();
    this.#seating.close();
    this.#crew.cancelRestarts();
    this.#stopTimer = this.#ports.clock.setTimer(STOP_LIMIT_MS, () => {
      this.#ports.log("warn", `not everything had ended after ${STOP_LIMIT_MS} ms`);
      this.#killAll();
    });
    for (const member of this.#crew.all()) {
      member.ending = true;
      // The history process has to write down what was said, and ends when it has.
      if (member.role === "history") continue;
      if (!member.ready) this.#ports.kill(member.process);
      else if (member.role === "worker" && member.sessions.size === 0) this.#end(member);
    }
    this.#say(RecordKind.quiet, new Uint8Array(0));
  }

  /**
   * Replaces every process by one of the code that is there now, one after the other, and this one at last. Nobody is
   * disconnected. @see Reload
   */
  reload(tell: (text: string) => void): Promise<void> {
    if (this.#stopping !== "no") throw new ReloadError("the server is stopping");
    if (this.#reload !== undefined) throw new ReloadError("it is being reloaded already");
    this.#reload = new Reload(this.#ports, this.#crew, this.#seating, {
      place: () => this.#place(),
      hold: () => this.#hold(),
      // No other supervisor comes after all.
      carryOn: () => this.#tellAll({ type: "carryOn" }),
      isHolding: () => this.#isGreeterHolding,
      isSaid: () => this.#unsaid.length === 0,
      tell,
    });
    return this.#reload.run().finally(() => (this.#reload = undefined));
  }

  /** All are told that another supervisor comes soon; the greeter hands nobody on until then. */
  #hold(): void {
    this.#isGreeterHolding = this.#crew.ready("greeter").length === 0;
    this.#tellAll({ type: "hold" });
  }

  /** Sends a message to all who can read it. */
  #tellAll(message: SeatMessage): void {
    for (const { process, ready, dead } of this.#crew.all())
      if (ready && !dead) this.#ports.send(process, message, []);
  }

  /** Something has changed that a reload may be waiting for. */
  #onChange(): void {
    this.#reload?.changed();
  }

  #end(member: CrewMember): void {
    if (!member.dead) this.#ports.send(member.process, { type: "end" }, []);
  }

  status(): SupervisorStatus {
    return {
      clients: this.#seating.clients,
      greeting: this.#seating.greeting,
      waiting: this.#seating.waiting,
      processes: this.#crew.all().map(({ process, role, version, ready, sessions }) => ({
        process,
        role,
        version,
        ready,
        clients: sessions.size,
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

  #place(): void {
    if (this.#adoption.isUnderway) return;
    this.#seating.place();
    this.#replenish();
  }

  #replenish(): void {
    // What was said before the end still has to be written down.
    if (this.#stopping !== "stopped" && !this.#forced && !this.#adoption.isUnderway)
      this.#crew.replenish(this.#seating.wanted, this.#stopping !== "no");
  }

  /** To all who have been let in and have none; where `source` is given, to those who waited for it, too. */
  #giveStates(source?: number): void {
    for (const member of this.#crew.all()) {
      if (member.ready || member.dead || member.readsFrom === undefined) continue;
      if (member.source === undefined || member.source === source) this.#giveState(member);
    }
  }

  /** Has another replica tell a process its state. */
  #giveState(member: CrewMember): void {
    const { process, generation, readsFrom } = member;
    const replica = this.#sourceFor(member);
    member.source = replica?.process;
    if (replica !== undefined) {
      const message: SeatMessage = { type: "tell", process, generation, from: readsFrom! };
      this.#ports.send(replica.process, message, []);
      this.#remind(member, replica);
    } else if (!this.#options.history || member.role === "history") {
      // Where a history is kept, the first state is what it holds, and only it can tell. Nobody knows what became of it
      // since: what stands in the log already is lost.
      member.source = process;
      if (!this.#options.history) this.#seating.stateLost();
      const through = this.#ports.sequence() - 1;
      this.#ports.send(process, { type: "state", process, generation, through }, []);
    }
  }

  /** Who stands by is not woken for what it may read by now, and somebody waits for it to have read that. */
  #remind(member: CrewMember, replica: CrewMember): void {
    this.#ports.clock.setTimer(REMIND_MS, () => {
      if (member.ready || member.dead || member.source !== replica.process || replica.dead) return;
      this.#ports.wake();
      this.#ports.send(replica.process, { type: "nudge" }, []);
      this.#remind(member, replica);
    });
  }

  /**
   * Who is to go on for the dead starts best from one that stands by, and has read no further than any of them; the
   * history process from one that has read as much as it has.
   */
  #sourceFor(member: CrewMember): CrewMember | undefined {
    const standbys = [
      ...this.#crew.ready("greeter"),
      ...this.#crew.ready("worker").filter((worker) => worker.sessions.size === 0),
    ];
    const busy = this.#crew.busy();
    const sources =
      member.role === "history"
        ? [...busy, ...standbys]
        : [...standbys, ...busy, ...this.#crew.ready("history")];
    return sources.find((source) => source !== member);
  }

  #passState(message: Extract<SeatMessage, { type: "state" }>, handles: readonly Handle[]): void {
    const member = this.#crew.get(message.process);
    if (member === undefined || member.generation !== message.generation || member.ready) return;
    this.#ports.send(member.process, message, handles);
  }

  /** The log waits for the history process no longer, and what is said is not kept until one starts after all. */
  #letHistoryGo(): void {
    if (!this.#hadHistory) return;
    this.#ports.letHistoryGo();
    this.#accounts.giveUp();
    this.#store = "failed";
    const text = "the history process does not start";
    this.#sayRecord({ kind: "store", failed: true, from: 0, to: 0, text });
  }

  /** Wakes those who sleep and whom a record concerns. Any earlier, they would not find it yet. */
  #nudge(): void {
    if (this.#news.size === 0) return;
    const isForAll = [...NEWS_FOR_ALL].some((kind) => this.#news.has(kind));
    this.#news.clear();
    for (const member of this.#crew.all()) {
      const isForIt = member.role === "history" || (isForAll && member.sessions.size > 0);
      if (member.ready && !member.dead && isForIt) this.#ports.send(member.process, { type: "nudge" }, []);
    }
  }

  #killAll(): void {
    this.#forced = true;
    for (const member of this.#crew.all()) this.#ports.kill(member.process);
  }

  #checkStop(): void {
    if (this.#stopping === "no" || this.#finished) return;
    // Who has no client says nothing.
    const mayTalk = this.#crew.busy().filter((member) => member.role === "worker");
    if (this.#stopping === "quieting" && mayTalk.every((worker) => worker.quiet)) {
      this.#stopping = "stopped";
      this.#sayRecord({ kind: "stop" });
      for (const greeter of this.#crew.ready("greeter")) this.#end(greeter);
    }
    // What killed processes had published may find no room in the order any more; the next start will finish it.
    const members = this.#crew.all();
    if (members.length > 0 && !(this.#forced && members.every((member) => member.dead))) return;
    this.#finished = true;
    this.#stopTimer?.cancel();
    this.#crew.cancelRestarts();
    this.#seating.dropAll();
    this.#ports.finished();
  }
}
