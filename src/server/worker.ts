import { unreachable } from "../base/index.ts";
import type { ChatRecord, Effect, LeaveReason, SessionId } from "../chat/index.ts";
import type { LogMember, LogRecord } from "../log/index.ts";
import {
  LineSplitter,
  PlainRenderer,
  cleanText,
  helpText,
  parseLine,
  refuseNegotiation,
  tooLongNotice,
} from "../protocol/plain/index.ts";
import { RecordKind, encode, sayHeaderBytes, writeSession } from "../record/index.ts";
import { Outbox, Share } from "./outbox.ts";
import type { ChildPorts, ClientConnection, Handle } from "./ports.ts";
import type { Replica } from "./replica.ts";
import type { SeatMessage } from "./seatMessage.ts";

export interface WorkerOptions {
  serverName: string;
  /** A client for which more bytes than this wait from one turn to the next is disconnected. */
  maxQueueBytes: number;
}

/** The one room that there is. */
const LOBBY = 1;
/** So many lines of one client, then the next has its turn. */
const LINES_PER_TURN = 64;
/** A client that has left gets so long to take what was still for it. */
const FAREWELL_MS = 2000;

interface Client {
  readonly session: SessionId;
  readonly connection: ClientConnection;
  readonly splitter: LineSplitter;
  readonly share: Share;
  /** Its seat has been applied: it belongs to the conversation. */
  seated: boolean;
  /** The record with which it leaves, until the ring has taken it. */
  farewell: ChatRecord | undefined;
  /** Nothing of it is read any more. */
  leaving: boolean;
  /** Its end has been applied. */
  left: boolean;
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
    this.#renderer = new PlainRenderer(options.serverName);
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
    for (const effect of effects) this.#show(effect);
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
      onLost: () => this.#leave(client, "connection lost"),
    });
    const client: Client = {
      session,
      connection,
      splitter: new LineSplitter(),
      share: new Share(this.#outbox),
      seated: this.#expected.delete(session),
      farewell: undefined,
      leaving: false,
      left: false,
    };
    client.splitter.discarding = connection.discarding;
    this.#clients.set(session, client);
    this.#member.setAttentive(true);
    if (client.seated) this.#greet(client);
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
    const { connection, splitter } = client;
    for (let lines = 0; lines < LINES_PER_TURN; lines += 1) {
      if (client.farewell !== undefined) return !this.#sayFarewell(client);
      if (client.leaving || this.#quiet !== "no") return false;
      const pending = connection.pending();
      const taken = splitter.take(pending, connection.inputEnded);
      if (taken.kind === "line") {
        const text = cleanText(pending, taken.start, taken.end);
        if (!this.#handle(client, text)) return true;
        // A line that could stay as it was holds no negotiation.
        if (text.buffer !== pending.buffer) {
          const refusal = refuseNegotiation(pending, taken.start, taken.end);
          if (refusal !== undefined) client.share.append(refusal);
        }
      } else if (taken.kind === "tooLong") client.share.append(tooLongNotice);
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
      case "nick":
        return this.#append({ ...command, session: client.session });
      case "who":
        return this.#append({ kind: "who", session: client.session });
      case "quit":
        this.#leave(client, "quit", command.text.slice());
        return true;
      case "help":
        client.share.append(helpText);
        return true;
      case "wrong":
        client.share.append(this.#renderer.notice(command.reply));
        return true;
      default:
        return unreachable(command);
    }
  }

  /** Straight into the ring: the bytes of what people say are copied once here. */
  #say(kind: number, client: Client, text: Uint8Array): boolean {
    const offset = this.#member.claim(sayHeaderBytes + text.length);
    if (offset < 0) return false;
    const { bytes } = this.#member.segment.words;
    writeSession(bytes, offset, client.session);
    bytes.set(text, offset + sayHeaderBytes);
    this.#member.commit(kind, LOBBY);
    return true;
  }

  #append(record: ChatRecord): boolean {
    const { kind, payload } = encode(record);
    return this.#member.append(kind, LOBBY, payload) >= 0;
  }

  /** Once; the first reason counts. */
  #leave(client: Client, reason: LeaveReason, text: Uint8Array = new Uint8Array(0)): void {
    if (client.leaving) return;
    client.leaving = true;
    client.farewell = { kind: "leave", session: client.session, reason, text };
    this.#hasInput(client);
  }

  #sayFarewell(client: Client): boolean {
    if (client.farewell === undefined || !this.#append(client.farewell)) return false;
    client.farewell = undefined;
    return true;
  }

  #show(effect: Effect): void {
    const since = this.#outbox.length;
    switch (effect.kind) {
      case "said":
      case "acted":
        this.#renderer.said(this.#outbox, effect);
        this.#clients.get(effect.session.id)?.share.skip(since);
        return;
      case "arrived":
        this.#renderer.arrived(this.#outbox, effect);
        this.#arrive(effect.session.id);
        return;
      case "renamed":
        this.#renderer.renamed(this.#outbox, effect);
        return;
      case "left":
        this.#renderer.left(this.#outbox, effect);
        this.#depart(effect.session.id, since);
        return;
      case "nickRefused":
      case "whoReply":
        this.#clients.get(effect.session.id)?.share.append(this.#renderer.reply(effect));
        return;
      case "stopping":
        this.#renderer.stopping(this.#outbox);
        this.#stopping = true;
        return;
      default:
        unreachable(effect);
    }
  }

  #arrive(session: SessionId): void {
    const seat = this.#replica.state.sessions.get(session);
    if (seat?.process !== this.#member.process) return;
    const client = this.#clients.get(session);
    if (client === undefined) {
      this.#expected.add(session);
      return;
    }
    // What this turn has brought of before was said before it came.
    client.share.begin();
    client.seated = true;
    this.#greet(client);
    this.#hasInput(client);
  }

  #greet(client: Client): void {
    client.share.append(this.#renderer.welcome(this.#replica.state, client.session));
  }

  #depart(session: SessionId, since: number): void {
    const client = this.#clients.get(session);
    if (client === undefined) {
      this.#expected.delete(session);
      return;
    }
    client.share.skip(since);
    client.left = true;
  }

  /** One write for each client, however much there was. */
  #flush(): void {
    for (const client of this.#clients.values()) {
      if (!client.seated) continue;
      const bytes = client.share.finish();
      client.share.restart();
      // What earlier turns have left: whoever reads has had the time to take it, and none yet for this one's.
      const isTooSlow = client.connection.queuedBytes > this.#options.maxQueueBytes;
      if (bytes !== undefined) client.connection.write(bytes);
      if (client.left || this.#stopping) this.#finish(client);
      else if (isTooSlow) {
        client.connection.shutdownNow();
        this.#leave(client, "too slow");
      }
    }
    this.#outbox.clear();
    if (this.#stopping) this.#exitIfDone();
  }

  #finish(client: Client): void {
    this.#clients.delete(client.session);
    this.#ready.delete(client);
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
