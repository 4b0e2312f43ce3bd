import { assert, unreachable } from "../base/index.ts";
import type { ChatRecord, Effect, EffectOf, LeaveReason, SessionId, Wish } from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import {
  LineSplitter,
  PlainRenderer,
  REPLAY_LINES,
  cleanText,
  parseLine,
  refuseNegotiation,
  tooLongNotice,
} from "../protocol/plain/index.ts";
import {
  RecordKind,
  encode,
  formatOf,
  readSession,
  sayHeaderBytes,
  writeSayHeader,
} from "../record/index.ts";
import { ClientOutput } from "./clientOutput.ts";
import { Delivery } from "./delivery.ts";
import { Outbox } from "./outbox.ts";
import type { ChildPorts, ClientConnection, Handle, Timer } from "./ports.ts";
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
/** So many questions to history may be open at a time for one client. */
const QUESTIONS_MAX = 4;
const QUESTION_KINDS: ReadonlySet<number> = new Set([RecordKind.recall, RecordKind.search]);
/** A client that has left gets so long to take what was still for it. */
const FAREWELL_MS = 2000;
/** For what names no room; whoever is woken for what is not told by this. */
const ANY_ROOM = 0;

export interface Client {
  readonly session: SessionId;
  readonly connection: ClientConnection;
  readonly splitter: LineSplitter;
  readonly output: ClientOutput;
  /** Its seat has been applied: it is ours to serve. */
  seated: boolean;
  /** It belongs to the conversation: what it types is read. */
  arrived: boolean;
  /** Questions to history that have no place in the order yet. */
  unplaced: number;
  /** Records that the ring has not taken yet. */
  readonly unsaid: ChatRecord[];
  /** Nothing of it is read any more. */
  leaving: boolean;
  /** Its end has been applied. */
  left: boolean;
  /** Runs while it has left and may still get answers. */
  awaiting: Timer | undefined;
}

/**
 * Serves clients: turns what they type into records, and records into what they see. It decides nothing: every wish
 * is a record, and what comes of it is told by applying it, at its place in the order.
 */
export class Worker {
  readonly #ports: ChildPorts;
  readonly #member: LogMember;
  readonly #replica: Replica;
  readonly #options: WorkerOptions;
  readonly #renderer: PlainRenderer;
  readonly #clients = new Map<SessionId, Client>();
  /** Seats that were applied before their connection arrived. */
  readonly #expected = new Set<SessionId>();
  /** Clients with something to read or to say, in the order of their turns. */
  readonly #ready = new Set<Client>();
  readonly #outbox = new Outbox();
  readonly #delivery: Delivery;
  readonly #questions: Questions;
  #quiet: "no" | "wanted" | "yes" = "no";
  #stopping = false;
  #ending = false;
  /** Clients that have left and still take what was for them. */
  #finishing = 0;

  constructor(ports: ChildPorts, member: LogMember, replica: Replica, options: WorkerOptions) {
    this.#ports = ports;
    this.#member = member;
    this.#replica = replica;
    this.#options = options;
    this.#renderer = new PlainRenderer(options.serverName, ports.clock.localTime);
    this.#delivery = new Delivery(this.#outbox, this.#renderer, replica, this.#clients);
    this.#questions = new Questions(replica, this.#renderer);
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "seat") this.#seat(message.session, handles);
    else if (message.type === "end") {
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
  }

  /** Once in each turn, after the log was read. */
  step(): void {
    this.#readClients();
    if (this.#quiet === "wanted" && this.#member.append(RecordKind.quiet, 0, new Uint8Array(0)) >= 0)
      this.#quiet = "yes";
    this.#flush();
  }

  #seat(session: SessionId, handles: readonly Handle[]): void {
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
      arrived: false,
      unplaced: 0,
      unsaid: [],
      leaving: false,
      left: false,
      awaiting: undefined,
    };
    client.splitter.discarding = connection.discarding;
    this.#clients.set(session, client);
    this.#member.setAttentive(true);
    if (this.#expected.delete(session)) this.#takeUp(client);
  }

  /** The seat is applied and the connection is here. */
  #takeUp(client: Client): void {
    client.seated = true;
    client.unsaid.push({ kind: "arrive", session: client.session, replay: REPLAY_LINES });
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
        if (!this.#append(client.unsaid[0]!)) return true;
        client.unsaid.shift();
        continue;
      }
      if (client.leaving || !client.arrived || this.#quiet !== "no") return false;
      if (output.isLagging) {
        if (!this.#askForMissed(client)) return true;
        // It cannot have read what it answers to; and what it missed comes before its leaving.
        return false;
      }
      const pending = connection.pending();
      const taken = splitter.take(pending, connection.inputEnded);
      if (taken.kind === "line") {
        const text = cleanText(pending, taken.start, taken.end);
        if (!this.#handle(client, text)) return true;
        // A line that could stay as it was holds no negotiation.
        if (text.buffer !== pending.buffer) {
          const refusal = refuseNegotiation(pending, taken.start, taken.end);
          if (refusal !== undefined) output.share.append(refusal);
        }
      } else if (taken.kind === "tooLong") output.share.append(tooLongNotice);
      connection.consume(taken.consumed);
      connection.discarding = splitter.discarding;
      connection.resumeInput();
      if (taken.kind !== "more") continue;
      if (connection.inputEnded) {
        this.#leave(client, "hung up");
        continue;
      }
      return false;
    }
    return true;
  }

  /** Does what a line says. False where the ring has no room: the line stays where it is. */
  #handle(client: Client, text: Uint8Array): boolean {
    const command = parseLine(text);
    switch (command.kind) {
      case "nothing":
        return true;
      case "say":
        return this.#say(RecordKind.say, client, command.text);
      case "act":
        return this.#say(RecordKind.act, client, command.text);
      case "wish":
        return this.#wish(client, { ...command.wish, session: client.session } as Wish);
      case "quit":
        this.#leave(client, "quit", command.text.slice());
        return true;
      case "help":
        client.output.share.append(command.text);
        return true;
      case "wrong":
        client.output.share.append(this.#renderer.notice(command.reply));
        return true;
      default:
        return unreachable(command);
    }
  }

  #wish(client: Client, wish: Wish): boolean {
    const isQuestion = wish.kind === "recall" || wish.kind === "search";
    if (isQuestion && client.unplaced + this.#questions.count(client) >= QUESTIONS_MAX) {
      client.output.share.append(this.#renderer.notice("wait for the answers to what you have asked"));
      return true;
    }
    if (!this.#append(wish)) return false;
    if (isQuestion) client.unplaced += 1;
    return true;
  }

  /** Straight into the ring: the bytes of what people say are copied once here. */
  #say(kind: number, client: Client, text: Uint8Array): boolean {
    const offset = this.#member.claim(sayHeaderBytes + text.length);
    if (offset < 0) return false;
    const { bytes } = this.#member.segment.words;
    writeSayHeader(bytes, offset, client.session);
    bytes.set(text, offset + sayHeaderBytes);
    this.#member.commit(kind, ANY_ROOM);
    return true;
  }

  /** @throws AssertionError for a kind that not every process understands yet */
  #append(record: ChatRecord): boolean {
    const { kind, payload } = encode(record);
    assert(formatOf(kind) <= this.#replica.state.format, `records of kind ${kind} may not be written yet`);
    return this.#member.append(kind, ANY_ROOM, payload) >= 0;
  }

  /** Once; the first reason counts. */
  #leave(client: Client, reason: LeaveReason, text: Uint8Array = new Uint8Array(0)): void {
    if (client.leaving) return;
    client.leaving = true;
    client.unsaid.push({ kind: "leave", session: client.session, reason, text });
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
    if (session.process !== this.#member.process) return;
    const client = this.#clients.get(session.id);
    if (client === undefined) this.#expected.add(session.id);
    else this.#takeUp(client);
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
    if (!this.#append({ kind: "catchUp", session, from, before: 0 })) return false;
    output.asking();
    return true;
  }

  /** One write for each client, however much there was. */
  #flush(): void {
    for (const client of this.#clients.values()) {
      if (!client.seated) continue;
      // What earlier turns have left: whoever reads has had the time to take it, and none yet for this one's.
      const isTooSlow = client.connection.queuedBytes > this.#options.maxQueueBytes;
      const hasAll = client.awaiting === undefined || this.#questions.count(client) === 0;
      if ((client.left && hasAll) || this.#stopping) {
        client.output.end();
        this.#finish(client);
        continue;
      }
      client.output.flush();
      this.#judge(client, isTooSlow);
    }
    this.#outbox.clear();
    if (this.#stopping) this.#exitIfDone();
  }

  /** A client that does not take what is for it becomes a place to go on from, or is let go. */
  #judge(client: Client, isTooSlow: boolean): void {
    const { output } = client;
    const sequence = this.#member.sequence ?? 0;
    const isLost = output.lagRecords(sequence) > this.#options.maxLagRecords;
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
    this.#finishing += 1;
    // Before the client can notice: it may come back at once, and shall find its place free.
    this.#ports.send({ type: "left", session: client.session });
    let ended = false;
    const done = (): void => {
      if (ended) return;
      ended = true;
      timer.cancel();
      this.#finishing -= 1;
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
    if ((this.#ending || this.#stopping) && this.#clients.size === 0 && this.#finishing === 0)
      this.#ports.exit();
  }
}
