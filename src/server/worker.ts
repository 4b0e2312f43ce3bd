import {
  type Effect,
  type EffectOf,
  type LeaveReason,
  type Moment,
  type Protocol,
  type SessionId,
  type Wish,
  principalOf,
} from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import { RecordKind, isWish, kindName, readSession } from "../record/index.ts";
import { AwaitedSeats } from "./awaitedSeats.ts";
import type { Report } from "./child.ts";
import type { Client } from "./client.ts";
import { ClientPort, QUESTION_KINDS, appendRecord } from "./clientPort.ts";
import { NOTES_BYTES } from "./clientArea.ts";
import { decodeNotes, encodeNotes } from "./clientNotes.ts";
import { ClientOutput } from "./clientOutput.ts";
import { ClientTurns } from "./clientTurns.ts";
import { Delivery } from "./delivery.ts";
import { Outbox } from "./outbox.ts";
import { People } from "./people.ts";
import type { ChildPorts, Handle } from "./ports.ts";
import { type ProtocolOptions, Protocols } from "./protocols.ts";
import { Questions } from "./questions.ts";
import { VaultLine } from "./vaultLine.ts";
import type { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";

export interface WorkerOptions extends ProtocolOptions {
  /** A client for which more bytes than this wait from one turn to the next gets the rest from history. */
  maxQueueBytes: number;
  /** A client that is so many records behind, or behind where there is no history, is disconnected. */
  maxLagRecords: number;
}

/** A client that has left gets so long to take what was still for it. */
const FAREWELL_MS = 2000;
const NO_TEXT = new Uint8Array(0);
/** By these it can become something else whether the past is kept, and whether there are accounts. */
const STORE_KINDS: ReadonlySet<number> = new Set([
  RecordKind.history,
  RecordKind.processDied,
  RecordKind.store,
]);
const STOPPING = "the server is stopping";
const NO_NOTES = new Uint8Array(0);
const GAP =
  "several processes died at once, yours among them: answers to what you did last may be missing, " +
  "and what others said follows.";

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
  readonly #protocols: Protocols;
  readonly #people = new People();
  readonly #clients = new Map<SessionId, Client>();
  /** Clients of others that are dead, of whom something was delivered that has not been applied here yet. */
  #ahead: Client[] = [];
  readonly #seats: AwaitedSeats;
  readonly #turns: ClientTurns;
  readonly #outbox = new Outbox();
  readonly #delivery: Delivery;
  readonly #questions: Questions;
  readonly #vault: VaultLine;
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
    this.#protocols = new Protocols(options, ports.clock);
    this.#delivery = new Delivery(this.#outbox, replica, this.#people, this.#clients);
    this.#seats = new AwaitedSeats(ports);
    this.#turns = new ClientTurns(ports, member, replica, (client, reason) => this.#leave(client, reason));
    this.#questions = new Questions(replica);
    this.#vault = new VaultLine(ports);
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "seat") this.#seat(message.session, message.protocol, handles);
    else if (message.type === "take") {
      this.#take(message.session, message.protocol, message.servedThrough, handles);
      if (message.more === 0) this.#readOn();
    } else if (message.type === "vault") this.#vault.answered(message.bytes, this.#clients);
    else if (message.type === "motd") this.#protocols.motd = message.text;
    else if (message.type === "end") {
      this.#ending = true;
      this.#exitIfDone();
    }
  }

  /** A record and what came of it. */
  applied(record: LogRecord, effects: readonly Effect[]): void {
    const { kind } = record;
    if (kind === RecordKind.quiet && record.process === 0) this.#quiet = "wanted";
    else if (kind === RecordKind.answer) this.#answered(record);
    else if (kind === RecordKind.history) this.#askAgain();
    if (STORE_KINDS.has(kind))
      for (const client of this.#clients.values()) client.conversation.storeChanged?.();
    const origin = isWish(kind) ? this.#clients.get(readSession(record.bytes, record.start)) : undefined;
    if (origin === undefined)
      for (const effect of effects) this.#show(effect, record, this.#refusedBy(kind, effect));
    else this.#fulfil(record, effects, origin);
    if (this.#ahead.length > 0) this.#catchUpWith(record.sequence);
  }

  /** Who is told that what it asked of the vault, which has granted it, is not to be: no record is its own. */
  #refusedBy(kind: number, effect: Effect): Client | undefined {
    return effect.kind === "refused" && !isWish(kind) ? this.#clients.get(effect.session.id) : undefined;
  }

  /** A wish of one of our clients has its place in the order, and this is what came of it. */
  #fulfil(record: LogRecord, effects: readonly Effect[], origin: Client): void {
    if (record.process === this.#member.process && origin.inFlight > 0) origin.inFlight -= 1;
    if (origin.unplaced > 0 && QUESTION_KINDS.has(record.kind)) origin.unplaced -= 1;
    origin.conversation.applying(kindName(record.kind));
    for (const effect of effects) this.#show(effect, record, origin);
    origin.conversation.applied();
    if (!origin.isWaiting || origin.inFlight > 0) return;
    origin.isWaiting = false;
    this.#hasInput(origin);
  }

  /** Once in each turn, after the log was read. */
  step(): void {
    this.#turns.read(this.#quiet === "no");
    this.#giveUpMissing();
    if (this.#quiet === "wanted" && this.#member.append(RecordKind.quiet, 0, new Uint8Array(0)) >= 0)
      this.#quiet = "yes";
    this.#flush();
  }

  /** Whoever is seated here, and whose connection does not come, leaves. */
  #giveUpMissing(): void {
    for (const session of this.#seats.missing) {
      const leave = { kind: "leave", session, reason: "connection lost", text: NO_TEXT } as const;
      if (!appendRecord(this.#member, this.#replica.state.format, leave)) return;
      this.#seats.forget(session);
    }
  }

  /** How much there is for clients already in this turn, in bytes; what is for several counts once. */
  get turnBytes(): number {
    return this.#outbox.length;
  }

  /** Its clients, for a new supervisor. */
  held(): Report[] {
    // What was on its way through the dead supervisor is lost.
    this.#vault.askAgain();
    // The dead one may not have come to send the rest of an estate, for which this one stands still.
    if (this.#clients.size + this.#ahead.length > 0) this.#readOn();
    // What the dead one had on its way to here does not come any more.
    const isAhead = (session: SessionId): boolean => this.#ahead.some((client) => client.session === session);
    this.#seats.giveUpAll(isAhead);
    const clients = [...this.#clients.values(), ...this.#ahead, ...this.#farewells];
    // Whose connection is lost leaves by itself.
    const connected = clients.filter(({ connection }) => connection.handles.length > 0);
    return connected.map(({ session, connection, conversation, seated, left }) => {
      const known = this.#replica.state.sessions.get(session);
      // Who had this process's number before may have had it, and nobody has said yet that it is here.
      const isHere = seated && known?.process === this.#member.process;
      const seat = known === undefined ? "nowhere" : isHere ? "here" : "elsewhere";
      const protocol = known?.protocol ?? conversation.protocol;
      const message = { type: "held", session, protocol, full: false, leaving: left, seat } as const;
      return { message, handles: connection.handles };
    });
  }

  /** Nobody orders any more what is said: whoever is here is told that it is over. */
  abandon(): void {
    this.#stop();
    this.#flush();
  }

  #stop(): void {
    this.#stopping = true;
    for (const { output, conversation } of this.#clients.values())
      output.share.append(conversation.farewell(STOPPING));
  }

  #seat(session: SessionId, protocol: Protocol, handles: readonly Handle[]): void {
    const client = this.#connect(session, protocol, handles, false);
    this.#add(client);
    this.#readOn();
    if (this.#seats.take(session)) this.#takeUp(client);
  }

  #add(client: Client): void {
    this.#clients.set(client.session, client);
    this.#people.place(client, this.#replica.state);
  }

  /** It stands by no longer. */
  #readOn(): void {
    this.#member.follow("tail");
    this.#member.setAttentive(true);
  }

  /** A client of a process that is dead, which had read the log up to `servedThrough`. */
  #take(session: SessionId, protocol: Protocol, servedThrough: number, handles: readonly Handle[]): void {
    const client = this.#connect(session, protocol, handles, true);
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
    const session = state.sessions.get(client.session);
    const room = session === undefined ? undefined : state.rooms.get(principalOf(state, session).focus);
    const notice = `${GAP} You are in ${room?.name ?? "no room"} now`;
    client.output.share.append(client.conversation.notice(notice));
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
    this.#add(client);
    const session = this.#replica.state.sessions.get(client.session);
    // What the area has noted is not what this one would note: it is written anew.
    client.noted = { isPlain: false, isFresh: false, version: -1 };
    if (session !== undefined && session.protocol !== client.conversation.protocol)
      this.#speak(client, session.protocol);
    client.isFresh = notes?.isFresh === true;
    if (notes !== undefined && notes.conversation.length > 0) client.conversation.restore(notes.conversation);
    if (notes?.left === true) {
      this.#end(client);
      client.output.restore(notes);
      // They were asked before it left, and the answers are on their way: nobody could ask once more.
      this.#questions.restore(client, notes.questions);
      if (notes.questions.length > 0) this.#awaitAnswers(client);
    } else if (this.#seats.takeLost(client.session)) this.#end(client);
    else if (session !== undefined) {
      client.arrived = principalOf(this.#replica.state, session).nick !== "";
      if (notes !== undefined) {
        client.output.restore(notes);
        client.unsaid.push(...this.#questions.restore(client, notes.questions));
        this.#vault.restore(client, notes.vault);
      }
    }
    if (this.#seats.take(client.session)) this.#takeUp(client);
    this.#hasInput(client);
  }

  #connect(session: SessionId, protocol: Protocol, handles: readonly Handle[], isTaken: boolean): Client {
    const connection = this.#ports.connect(handles, {
      onInput: () => this.#hasInput(client),
      onDrained: () => this.#hasInput(client),
      onLost: () => this.#leave(client, "connection lost"),
    });
    const output = new ClientOutput(connection, this.#outbox, this.#ports.clock, () =>
      this.#hasInput(client),
    );
    const client: Client = {
      session,
      connection,
      conversation: undefined!,
      output,
      seated: false,
      isTaken,
      arrived: false,
      isFresh: !isTaken,
      inFlight: 0,
      isWaiting: false,
      noted: { isPlain: true, isFresh: false, version: 0 },
      unplaced: 0,
      unsaid: [],
      leaving: false,
      left: false,
      awaiting: undefined,
    };
    this.#speak(client, protocol);
    return client;
  }

  #speak(client: Client, protocol: Protocol): void {
    client.conversation = this.#protocols.open(protocol, this.#portOf(client));
    client.conversation.splitter.discarding = client.connection.discarding;
  }

  #portOf(client: Client): ClientPort {
    return new ClientPort(client, {
      ports: this.#ports,
      member: this.#member,
      replica: this.#replica,
      questions: this.#questions,
      vault: this.#vault,
      onInput: () => this.#hasInput(client),
    });
  }

  /** The seat is applied and the connection is here. */
  #takeUp(client: Client): void {
    if (client.seated) return;
    client.seated = true;
    const { greeting } = client.conversation;
    if (!client.arrived && greeting !== undefined)
      client.unsaid.push({ ...greeting, session: client.session } as Wish);
    if (client.isTaken) this.#ports.send({ type: "taken", session: client.session });
    this.#hasInput(client);
  }

  #hasInput(client: Client): void {
    // A timer that was set before it left.
    if (client.left && this.#clients.get(client.session) !== client) return;
    this.#turns.add(client);
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

  #show(effect: Effect, moment: Moment, origin: Client | undefined): void {
    switch (effect.kind) {
      case "seated":
        return this.#seated(effect);
      case "seatLost":
        return this.#seatLost(effect);
      case "historyAsked":
        return this.#asked(effect, moment.sequence);
      case "detached":
        return this.#gone(effect.client, effect.reason);
      case "arrived":
        this.#arrived(effect.session.id);
        break;
      case "attached":
        this.#arrived(effect.client);
        break;
      case "turned":
        this.#turned(effect);
        break;
      case "redacted":
        this.#questions.redacted(effect);
        break;
      case "stopping":
        return this.#stop();
    }
    this.#delivery.show(effect, moment, origin);
    if (effect.kind === "left") this.#gone(effect.session.id, effect.reason);
  }

  /** It has left. */
  #gone(session: SessionId, reason: LeaveReason): void {
    this.#seats.forget(session);
    const client = this.#clients.get(session);
    if (client === undefined || client.left) return;
    client.left = true;
    client.leaving = true;
    this.#people.forget(client);
    if (reason === "hung up" && this.#questions.count(client) > 0) this.#awaitAnswers(client);
    const { output, conversation } = client;
    if (reason === "too slow")
      output.share.append(conversation.farewell("you are too far behind and are disconnected"));
    else if (reason === "quit" || reason === "killed") {
      const words = conversation.goodbye(reason);
      if (words !== undefined) output.share.append(words);
    }
  }

  #turned({ session }: EffectOf<"turned">): void {
    const client = this.#clients.get(session.id);
    if (client === undefined) return;
    client.arrived = false;
    this.#speak(client, session.protocol);
    this.#hasInput(client);
  }

  #seated({ session }: EffectOf<"seated">): void {
    if (session.process !== this.#member.process) {
      // What was expected was for a process that had this one's number before.
      this.#seats.forget(session.id);
      return;
    }
    const client = this.#clients.get(session.id);
    if (client === undefined) this.#seats.expect(session.id);
    else this.#takeUp(client);
  }

  #seatLost({ session, process }: EffectOf<"seatLost">): void {
    if (process !== this.#member.process) return;
    const client = this.#clients.get(session);
    if (client === undefined) this.#seats.lose(session);
    else if (!client.left) this.#end(client);
  }

  #arrived(session: SessionId): void {
    const client = this.#clients.get(session);
    if (client === undefined) return;
    client.arrived = true;
    this.#people.place(client, this.#replica.state);
    this.#hasInput(client);
  }

  #asked(effect: EffectOf<"historyAsked">, sequence: number): void {
    const client = this.#clients.get(effect.client);
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
      if (this.#quiet === "no" && this.#turns.mayAsk(client)) this.#hasInput(client);
    }
    for (const client of ended) this.#finish(client);
    if (this.#stopping) this.#exitIfDone();
  }

  /** What a successor has to know is written down when it is something else. */
  #note(client: Client): void {
    const { connection, output, left, isFresh, conversation, noted } = client;
    const { version } = conversation;
    const isWaiting = this.#questions.count(client) > 0 || this.#vault.isOpen(client);
    const isPlain = !left && output.isPlain && !isWaiting;
    const isSame = noted.isFresh === isFresh && noted.version === version;
    if (isPlain && noted.isPlain && isSame) return;
    client.noted = { isPlain, isFresh, version };
    if (isPlain && !isFresh && version === 0) {
      connection.notes = NO_NOTES;
      return;
    }
    const notes = encodeNotes({
      left,
      isFresh,
      ...output.notes,
      questions: this.#questions.notesOf(client),
      vault: this.#vault.notesOf(client),
      conversation: conversation.notes(),
    });
    if (notes.length <= NOTES_BYTES) connection.notes = notes;
    // Nobody could go on with it: everything that it can make be noted has a limit well below this.
    else this.#leave(client, "too slow");
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
    this.#turns.forget(client);
    this.#questions.forget(client);
    this.#vault.forget(client);
    this.#people.forget(client);
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
