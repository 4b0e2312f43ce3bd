import type { Effect, EffectOf, LeaveReason, SessionId } from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import { LineSplitter, PlainRenderer, REPLAY_LINES, stoppingNotice } from "../protocol/plain/index.ts";
import { RecordKind, readSession } from "../record/index.ts";
import type { Report } from "./child.ts";
import type { Client } from "./client.ts";
import { ClientLines } from "./clientLines.ts";
import { decodeNotes, encodeNotes } from "./clientNotes.ts";
import { ClientOutput } from "./clientOutput.ts";
import { Delivery } from "./delivery.ts";
import { Outbox } from "./outbox.ts";
import type { ChildPorts, Handle } from "./ports.ts";
import { Questions } from "./questions.ts";
import type { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";

export interface WorkerOptions {
  serverName: string;
  /** A client for which more bytes than this wait from one turn to the next gets the rest from history. */
  maxQueueBytes: number;
  /** A client that is so many records behind, or behind where there is no history, is disconnected. */
  maxLagRecords: number;
}

/** So many lines of one client, then the next has its turn. */
const LINES_PER_TURN = 64;
const QUESTION_KINDS: ReadonlySet<number> = new Set([RecordKind.recall, RecordKind.search]);
/** A client that has left gets so long to take what was still for it. */
const FAREWELL_MS = 2000;
const NO_TEXT = new Uint8Array(0);
const NO_NOTES = new Uint8Array(0);
const GAP =
  "several processes died at once, yours among them: answers to what you did last may be missing, " +
  "and what others said follows.";
const HARMFUL = "the process that serves you ends whenever it handles what you sent; you are disconnected";
/** A seat without a connection is given up after this. */
const EXPECTED_MS = 5000;

/**
 * Serves clients: turns what they type into records, and records into what they see. It decides nothing: every wish
 * is a record, and what comes of it is told by applying it, at its place in the order.
 *
 * A turn is one step for each client (see clientArea.ts), so that another worker can go on where this one dies. That
 * one stands no further in the log than this one did: it applies what this one had applied, and shows only what comes
 * after.
 */
export class Worker {
  readonly #ports: ChildPorts;
  readonly #member: LogMember;
  readonly #replica: Replica;
  readonly #options: WorkerOptions;
  readonly #renderer: PlainRenderer;
  readonly #clients = new Map<SessionId, Client>();
  /** Clients of others that are dead, of whom something was delivered that has not been applied here yet. */
  #ahead: Client[] = [];
  /** Seats that were applied before their connection arrived. */
  readonly #expected = new Set<SessionId>();
  /** Those of them whose connection does not come. */
  readonly #missing = new Set<SessionId>();
  /** Likewise, where the session is not there any more. */
  readonly #lost = new Set<SessionId>();
  /** Clients with something to read or to say, in the order of their turns. */
  readonly #ready = new Set<Client>();
  readonly #outbox = new Outbox();
  readonly #delivery: Delivery;
  readonly #questions: Questions;
  readonly #lines: ClientLines;
  #quiet: "no" | "wanted" | "yes" = "no";
  #stopping = false;
  #ending = false;
  /** Clients that have left and still take what was for them. */
  readonly #farewells = new Set<Client>();

  constructor(ports: ChildPorts, member: LogMember, replica: Replica, options: WorkerOptions) {
    this.#ports = ports;
    this.#member = member;
    this.#replica = replica;
    this.#options = options;
    this.#renderer = new PlainRenderer(options.serverName, ports.clock.localTime);
    this.#delivery = new Delivery(this.#outbox, this.#renderer, replica, this.#clients);
    this.#questions = new Questions(replica, this.#renderer);
    this.#lines = new ClientLines(member, replica, this.#renderer, this.#questions);
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "seat") this.#seat(message.session, handles);
    else if (message.type === "take") {
      this.#take(message.session, message.servedThrough, handles);
      if (message.more === 0) this.#readOn();
    } else if (message.type === "end") {
      this.#ending = true;
      this.#exitIfDone();
    }
  }

  /** A record and what came of it. */
  applied(record: LogRecord, effects: readonly Effect[]): void {
    if (record.kind === RecordKind.quiet && record.process === 0) this.#quiet = "wanted";
    else if (record.kind === RecordKind.answer) this.#answered(record);
    else if (record.kind === RecordKind.history) this.#askAgain();
    if (QUESTION_KINDS.has(record.kind) && record.process === this.#member.process) this.#placed(record);
    for (const effect of effects) this.#show(effect, record.sequence);
    if (this.#ahead.length > 0) this.#catchUpWith(record.sequence);
  }

  /** Once in each turn, after the log was read. */
  step(): void {
    this.#readClients();
    this.#giveUpMissing();
    if (this.#quiet === "wanted" && this.#member.append(RecordKind.quiet, 0, new Uint8Array(0)) >= 0)
      this.#quiet = "yes";
    this.#flush();
  }

  /** How much there is for clients already in this turn, in bytes; what is for several counts once. */
  get turnBytes(): number {
    return this.#outbox.length;
  }

  /** Its clients, for a new supervisor. */
  held(): Report[] {
    // The dead one may not have come to send the rest of an estate, for which this one stands still.
    if (this.#clients.size + this.#ahead.length > 0) this.#readOn();
    // What the dead one had on its way to here does not come any more.
    const isAhead = (session: SessionId): boolean => this.#ahead.some((client) => client.session === session);
    for (const session of this.#expected) if (!isAhead(session)) this.#missing.add(session);
    const clients = [...this.#clients.values(), ...this.#ahead, ...this.#farewells];
    // Whose connection is lost leaves by itself.
    const connected = clients.filter(({ connection }) => connection.handles.length > 0);
    return connected.map(({ session, connection, seated, left }) => {
      const known = this.#replica.state.sessions.get(session);
      // Who had this process's number before may have had it, and nobody has said yet that it is here.
      const isHere = seated && known?.process === this.#member.process;
      const seat = known === undefined ? "nowhere" : isHere ? "here" : "elsewhere";
      const message = { type: "held", session, protocol: "plain", full: false, leaving: left, seat } as const;
      return { message, handles: connection.handles };
    });
  }

  /** Nobody orders any more what is said: whoever is here is told that it is over. */
  abandon(): void {
    for (const client of this.#clients.values()) client.output.share.append(stoppingNotice);
    this.#stopping = true;
    this.#flush();
  }

  #seat(session: SessionId, handles: readonly Handle[]): void {
    const client = this.#connect(session, handles, false);
    this.#clients.set(session, client);
    this.#readOn();
    if (this.#expected.delete(session)) this.#takeUp(client);
  }

  /** It stands by no longer. */
  #readOn(): void {
    this.#member.follow("tail");
    this.#member.setAttentive(true);
  }

  /** A client of a process that is dead, which had read the log up to `servedThrough`. */
  #take(session: SessionId, servedThrough: number, handles: readonly Handle[]): void {
    const client = this.#connect(session, handles, true);
    const { through } = this.#replica;
    if (client.connection.through > through) {
      this.#ahead.push(client);
      client.connection.send();
      return;
    }
    // It may have died after the commit, and before it said that it had read so far.
    const delivered = Math.max(servedThrough, client.connection.through);
    this.#goOn(client);
    // Whose seat comes later in the log was not there to miss anything.
    const isSeated = this.#replica.state.sessions.has(session);
    if (through <= delivered || !isSeated || client.left) return;
    this.#admitGap(client, delivered);
  }

  /** No process that stood further back was left: what was said in between is in the history alone. */
  #admitGap(client: Client, delivered: number): void {
    const { state } = this.#replica;
    const { isLagging } = client.output;
    if (state.store !== "kept" && !isLagging) return this.#leave(client, "too slow");
    const focus = state.sessions.get(client.session)?.focus;
    const room = focus === undefined ? undefined : state.rooms.get(focus)?.name;
    const notice = `${GAP} You are in ${room ?? "no room"} now`;
    client.output.share.append(this.#renderer.notice(notice));
    // Who is behind gets what was said anyway, but not the answers.
    if (!isLagging) client.output.fallBehind(delivered + 1);
  }

  #catchUpWith(sequence: number): void {
    const reached = this.#ahead.filter((client) => client.connection.through <= sequence);
    this.#ahead = this.#ahead.filter((client) => client.connection.through > sequence);
    for (const client of reached) this.#goOn(client);
  }

  /** The state here is the one in which its predecessor left it. */
  #goOn(client: Client): void {
    const notes = decodeNotes(client.connection.notes);
    this.#clients.set(client.session, client);
    client.isNoted = notes !== undefined;
    const session = this.#replica.state.sessions.get(client.session);
    if (notes?.left === true) {
      this.#end(client);
      client.output.restore(notes);
      // They were asked before it left, and the answers are on their way: nobody could ask once more.
      this.#questions.restore(client, notes.questions);
      if (notes.questions.length > 0) this.#awaitAnswers(client);
    } else if (this.#lost.delete(client.session)) this.#end(client);
    else if (session !== undefined) {
      client.arrived = session.nick !== "";
      for (const room of session.rooms.keys()) this.#delivery.enter(client, room);
      if (notes !== undefined) {
        client.output.restore(notes);
        client.unsaid.push(...this.#questions.restore(client, notes.questions));
      }
    }
    if (this.#expected.delete(client.session)) this.#takeUp(client);
    this.#hasInput(client);
  }

  #connect(session: SessionId, handles: readonly Handle[], isTaken: boolean): Client {
    const connection = this.#ports.connect(handles, {
      onInput: () => this.#hasInput(client),
      onDrained: () => this.#hasInput(client),
      onLost: () => this.#leave(client, "connection lost"),
    });
    const client: Client = {
      session,
      connection,
      splitter: new LineSplitter(),
      output: new ClientOutput(connection, this.#outbox, this.#ports.clock, () => this.#hasInput(client)),
      seated: false,
      isTaken,
      arrived: false,
      isNoted: false,
      unplaced: 0,
      unsaid: [],
      leaving: false,
      left: false,
      awaiting: undefined,
    };
    client.splitter.discarding = connection.discarding;
    return client;
  }

  /** The seat is applied and the connection is here. */
  #takeUp(client: Client): void {
    if (client.seated) return;
    client.seated = true;
    if (!client.arrived)
      client.unsaid.push({ kind: "arrive", session: client.session, replay: REPLAY_LINES });
    if (client.isTaken) this.#ports.send({ type: "taken", session: client.session });
    this.#hasInput(client);
  }

  #hasInput(client: Client): void {
    this.#ready.add(client);
    this.#ports.wake();
  }

  #readClients(): void {
    const round = [...this.#ready];
    for (const client of round) {
      if (this.#member.isBlocked) return;
      if (!client.seated) continue;
      this.#ready.delete(client);
      if (this.#read(client)) {
        // Behind everybody else: who talks much does not talk first.
        this.#ready.add(client);
        this.#ports.wake();
      }
    }
  }

  /** One client's turn. Returns whether it has more to say. */
  #read(client: Client): boolean {
    const { connection, splitter, output } = client;
    for (let lines = 0; lines < LINES_PER_TURN; lines += 1) {
      if (client.unsaid.length > 0) {
        if (!this.#lines.append(client.unsaid[0]!)) return true;
        client.unsaid.shift();
        continue;
      }
      if (client.leaving || !client.arrived || this.#quiet !== "no") return false;
      if (output.isLagging) {
        if (!this.#askForMissed(client)) return true;
        // It cannot have read what it answers to; and what it missed comes before its leaving.
        return false;
      }
      if (!connection.beginTrial()) {
        output.share.append(this.#renderer.notice(HARMFUL));
        this.#leave(client, "harmful input");
        continue;
      }
      const taken = this.#lines.take(client);
      connection.endTrial();
      if (taken === undefined) return true;
      connection.consume(taken.consumed);
      connection.discarding = splitter.discarding;
      if (taken.kind !== "more") continue;
      if (connection.inputEnded) {
        this.#leave(client, "hung up");
        continue;
      }
      return false;
    }
    return true;
  }

  /** Once; the first reason counts, which a successor would find, too. */
  #leave(client: Client, reason: LeaveReason): void {
    if (client.leaving) return;
    client.leaving = true;
    client.unsaid.push({ kind: "leave", session: client.session, reason, text: NO_TEXT });
    this.#hasInput(client);
  }

  /** It has left, or was never there: what is for it still goes out. */
  #end(client: Client): void {
    client.leaving = true;
    client.left = true;
    this.#hasInput(client);
  }

  /** A question of one of our clients has its place in the order. */
  #placed(record: LogRecord): void {
    const client = this.#clients.get(readSession(record.bytes, record.start));
    if (client !== undefined && client.unplaced > 0) client.unplaced -= 1;
  }

  #show(effect: Effect, sequence: number): void {
    switch (effect.kind) {
      case "seated":
        this.#seated(effect);
        return;
      case "seatLost":
        this.#seatLost(effect);
        return;
      case "arrived":
        this.#arrived(effect);
        break;
      case "historyAsked":
        this.#asked(effect, sequence);
        return;
      case "stopping":
        this.#stopping = true;
        break;
      case "left": {
        const client = this.#clients.get(effect.session.id);
        this.#expected.delete(effect.session.id);
        if (client === undefined) break;
        client.left = true;
        if (effect.reason === "hung up" && this.#questions.count(client) > 0) this.#awaitAnswers(client);
        if (effect.reason === "too slow")
          client.output.share.append(this.#renderer.notice("you are too far behind and are disconnected"));
      }
    }
    this.#delivery.show(effect);
  }

  #seated({ session }: EffectOf<"seated">): void {
    if (session.process !== this.#member.process) {
      // What was expected was for a process that had this one's number before.
      this.#expected.delete(session.id);
      this.#missing.delete(session.id);
      return;
    }
    const client = this.#clients.get(session.id);
    if (client === undefined) this.#expect(session.id);
    else this.#takeUp(client);
  }

  /** Its connection is on its way; unless who was to send it has died. */
  #expect(session: SessionId): void {
    this.#expected.add(session);
    this.#ports.clock.setTimer(EXPECTED_MS, () => {
      if (!this.#expected.has(session)) return;
      this.#missing.add(session);
      this.#ports.wake();
    });
  }

  #giveUpMissing(): void {
    for (const session of this.#missing) {
      const isMissing = this.#expected.has(session);
      if (
        isMissing &&
        !this.#lines.append({ kind: "leave", session, reason: "connection lost", text: NO_TEXT })
      )
        return;
      this.#expected.delete(session);
      this.#missing.delete(session);
    }
  }

  #seatLost({ session, process }: EffectOf<"seatLost">): void {
    if (process !== this.#member.process) return;
    const client = this.#clients.get(session);
    if (client === undefined) this.#lost.add(session);
    else if (!client.left) this.#end(client);
  }

  #arrived({ session }: EffectOf<"arrived">): void {
    const client = this.#clients.get(session.id);
    if (client === undefined) return;
    client.arrived = true;
    this.#hasInput(client);
  }

  #asked(effect: EffectOf<"historyAsked">, sequence: number): void {
    const client = this.#clients.get(effect.session.id);
    if (client !== undefined) this.#questions.asked(effect, client, sequence);
  }

  #answered(record: LogRecord): void {
    const client = this.#questions.answered(record, this.#clients);
    if (client !== undefined) this.#hasInput(client);
  }

  /** Whoever was to answer has died, perhaps; its successor has not been asked. */
  #askAgain(): void {
    for (const { client, wish } of this.#questions.open()) {
      client.unsaid.push(wish);
      this.#hasInput(client);
    }
  }

  /** Asks history for what a client missed, when it has taken all that it was sent. False where the ring is full. */
  #askForMissed({ session, output }: Client): boolean {
    const from = output.toAsk;
    if (from === undefined) return true;
    if (!this.#lines.append({ kind: "catchUp", session, from, before: 0 })) return false;
    output.asking();
    return true;
  }

  /** The kernel took at once what it was sent: nothing else tells that it is time to ask for what comes next. */
  #mayAsk(client: Client): boolean {
    const { seated, arrived, leaving, output } = client;
    if (!output.isLagging || this.#ready.has(client) || this.#quiet !== "no") return false;
    return seated && arrived && !leaving && output.toAsk !== undefined;
  }

  /** One write for each client, however much there was; and with it, this turn becomes what has happened. */
  #flush(): void {
    const ended: Client[] = [];
    const mark = { through: this.#replica.through, appended: this.#member.appended };
    for (const client of this.#clients.values()) {
      // What earlier turns have left: whoever reads has had the time to take it, and none yet for this one's.
      const isTooSlow = client.connection.queuedBytes > this.#options.maxQueueBytes;
      const hasAll = client.awaiting === undefined || this.#questions.count(client) === 0;
      if ((client.left && hasAll) || this.#stopping) {
        client.output.end();
        client.left = true;
        ended.push(client);
      } else {
        client.output.flush();
        this.#judge(client, isTooSlow);
      }
      this.#note(client);
      client.connection.commit(mark);
    }
    this.#outbox.clear();
    this.#member.publish();
    for (const client of this.#clients.values()) {
      client.connection.send();
      if (this.#mayAsk(client)) this.#hasInput(client);
    }
    for (const client of ended) this.#finish(client);
    if (this.#stopping) this.#exitIfDone();
  }

  #note(client: Client): void {
    const { connection, output, left } = client;
    if (!left && output.isPlain && this.#questions.count(client) === 0) {
      if (client.isNoted) connection.notes = NO_NOTES;
      client.isNoted = false;
      return;
    }
    connection.notes = encodeNotes({ left, ...output.notes, questions: this.#questions.notesOf(client) });
    client.isNoted = true;
  }

  /** A client that does not take what is for it becomes a place to go on from, or is let go. */
  #judge(client: Client, isTooSlow: boolean): void {
    const { output } = client;
    // Which may be after what is read next: the state that it started from was further.
    const sequence = this.#replica.through + 1;
    const isLost =
      client.connection.isOverflowing || output.lagRecords(sequence) > this.#options.maxLagRecords;
    if (!isTooSlow && !isLost) return;
    if (!isLost && this.#replica.state.store === "kept" && client.arrived && !client.leaving) {
      if (!output.isLagging) {
        output.fallBehind(sequence);
        // It asks when it has taken everything, which may be by now.
        this.#hasInput(client);
      }
      return;
    }
    if (client.leaving) return;
    this.#leave(client, "too slow");
  }

  /** Who sends questions and no more (`echo /history | nc -N`) can still read: what was asked is answered first. */
  #awaitAnswers(client: Client): void {
    client.awaiting = this.#ports.clock.setTimer(FAREWELL_MS, () => {
      client.awaiting = undefined;
      this.#hasInput(client);
    });
  }

  #finish(client: Client): void {
    client.awaiting?.cancel();
    this.#clients.delete(client.session);
    this.#ready.delete(client);
    this.#questions.forget(client);
    this.#farewells.add(client);
    // Before the client can notice: it may come back at once, and shall find its place free.
    this.#ports.send({ type: "left", session: client.session });
    let ended = false;
    const done = (): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      this.#farewells.delete(client);
      this.#ports.send({ type: "done", session: client.session });
      this.#exitIfDone();
    };
    const timer = this.#ports.clock.setTimer(FAREWELL_MS, () => {
      client.connection.shutdownNow();
      done();
    });
    client.connection.finish(done);
  }

  #exitIfDone(): void {
    const hasNone = this.#clients.size === 0 && this.#ahead.length === 0 && this.#farewells.size === 0;
    if ((this.#ending || this.#stopping) && hasNone) this.#ports.exit();
  }
}
