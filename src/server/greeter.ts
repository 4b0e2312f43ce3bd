import type { Protocol, SessionId } from "../chat/index.ts";
import type { LogMember } from "../log/index.ts";
import { classify, respond } from "../protocol/http/index.ts";
import { classifyIrc, ircTooManyUsers } from "../protocol/irc/index.ts";
import { stoppingNotice, tooManyUsers } from "../protocol/plain/index.ts";
import type { ChildPorts, ClientConnection, Handle, Timer } from "./ports.ts";
import type { Report } from "./child.ts";
import type { SeatMessage } from "./seatMessage.ts";

export interface GreeterOptions {
  networkName: string;
  host: string;
  port: number;
}

/** Who says nothing for so long speaks plain text and waits for us. */
const SILENCE_MS = 1500;
/** A request has to be complete by then, and whoever we answered has to have taken the answer. */
const REQUEST_MS = 10_000;

const ANSWERED = Uint8Array.of(1);

interface Newcomer {
  readonly session: SessionId;
  readonly full: boolean;
  readonly connection: ClientConnection;
  timer: Timer;
  isHttp: boolean;
  finishing: boolean;
  /** It is to be handed on, to who speaks this. */
  decided: Protocol | undefined;
}

const LF = 0x0a;
const CR = 0x0d;

function isEmptyLine(bytes: Uint8Array): boolean {
  return bytes.at(-1) === LF && bytes.every((byte) => byte === LF || byte === CR);
}

/**
 * Finds out what each new connection speaks. Web requests it answers itself, and so it tells those for whom there is
 * no room; whoever came to chat goes on to a worker, and every byte that was read goes along in its area.
 */
export class Greeter {
  readonly #ports: ChildPorts;
  readonly #member: LogMember;
  readonly #options: GreeterOptions;
  readonly #newcomers = new Set<Newcomer>();
  #stopping = false;
  /** Nobody is there to hand anybody on to. */
  #isHolding = false;

  constructor(ports: ChildPorts, member: LogMember, options: GreeterOptions) {
    this.#ports = ports;
    this.#member = member;
    this.#options = options;
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "greet") this.#greet(message.session, message.full, handles);
    else if (message.type === "end") this.stop();
    else if (message.type === "carryOn") this.#carryOn();
    else if (message.type === "hold") {
      this.#isHolding = true;
      this.#ports.send({ type: "holding" });
    }
  }

  /** Who has not said yet what it speaks is told as most would read it. */
  stop(): void {
    this.#stopping = true;
    for (const newcomer of this.#newcomers) {
      if (newcomer.finishing) continue;
      if (newcomer.isHttp) this.#finish(newcomer);
      else this.#answerWith(newcomer, stoppingNotice);
    }
    this.#exitIfDone();
  }

  #exitIfDone(): void {
    if (this.#stopping && this.#newcomers.size === 0) this.#ports.exit();
  }

  #greet(session: SessionId, full: boolean, handles: readonly Handle[]): void {
    const newcomer: Newcomer = {
      session,
      full,
      connection: this.#ports.connect(handles, {
        onInput: () => this.#decide(newcomer, false),
        onDrained: () => undefined,
        onLost: () => this.#finish(newcomer),
      }),
      timer: this.#ports.clock.setTimer(SILENCE_MS, () => this.#decide(newcomer, true)),
      isHttp: false,
      finishing: false,
      decided: undefined,
    };
    this.#newcomers.add(newcomer);
    // A greeter that died may have read something already, and answered it.
    if (newcomer.connection.notes.length > 0) this.#finish(newcomer);
    else if (newcomer.connection.pending().length > 0) this.#decide(newcomer, false);
  }

  #decide(newcomer: Newcomer, silent: boolean): void {
    if (newcomer.finishing || newcomer.decided !== undefined) return;
    const { connection } = newcomer;
    const pending = connection.pending();
    if (!connection.beginTrial()) return this.#finish(newcomer);
    this.#judge(newcomer, pending, silent);
    connection.endTrial();
  }

  #judge(newcomer: Newcomer, pending: Uint8Array, silent: boolean): void {
    const { connection } = newcomer;
    if (newcomer.isHttp) return this.#answer(newcomer);
    // Who says nothing and never will has no use for a seat, but may read why there is none.
    if (pending.length === 0 && connection.inputEnded && !newcomer.full) return this.#finish(newcomer);
    const verdict = classify(pending);
    if (verdict === "http") {
      newcomer.isHttp = true;
      newcomer.timer.cancel();
      newcomer.timer = this.#ports.clock.setTimer(REQUEST_MS, () => this.#shut(newcomer));
      return this.#answer(newcomer);
    }
    const irc = classifyIrc(pending);
    if (irc === "irc") return this.#handOn(newcomer, "irc");
    // Who sends an empty line wants to be let in. Should it be IRC after all, its first real line will tell.
    const isDecided = verdict === "plain" && (irc === "other" || isEmptyLine(pending));
    if (isDecided || silent || connection.inputEnded) this.#handOn(newcomer, "plain");
  }

  #answer(newcomer: Newcomer): void {
    const { connection, full } = newcomer;
    const { networkName, host, port } = this.#options;
    const answer = respond(connection.pending(), { serverName: networkName, host, port, full });
    if (answer === undefined) {
      if (connection.inputEnded) this.#finish(newcomer);
      return;
    }
    this.#answerWith(newcomer, answer);
  }

  /** The last that it hears; noted down, so that a successor does not answer once more. */
  #answerWith(newcomer: Newcomer, answer: Uint8Array): void {
    const { connection } = newcomer;
    connection.write(answer);
    connection.notes = ANSWERED;
    connection.commit({ through: 0, appended: this.#member.appended });
    this.#finish(newcomer);
  }

  #handOn(newcomer: Newcomer, protocol: Protocol): void {
    if (newcomer.full) return this.#answerWith(newcomer, protocol === "irc" ? ircTooManyUsers : tooManyUsers);
    if (this.#isHolding) {
      newcomer.timer.cancel();
      newcomer.decided = protocol;
      return;
    }
    this.#forget(newcomer);
    newcomer.connection.release();
    this.#ports.send({ type: "verdict", session: newcomer.session, protocol });
  }

  /** Hands on whom it had to keep meanwhile. */
  #carryOn(): void {
    this.#isHolding = false;
    for (const newcomer of this.#newcomers) {
      const { decided } = newcomer;
      if (decided === undefined) continue;
      newcomer.timer = this.#ports.clock.setTimer(0, () => this.#handOn(newcomer, decided));
    }
  }

  /** What it has, for a new supervisor. */
  held(): Report[] {
    this.#carryOn();
    const connected = [...this.#newcomers].filter(({ connection }) => connection.handles.length > 0);
    return connected.map(({ session, full, finishing, connection }) => ({
      message: { type: "held", session, protocol: undefined, full, leaving: finishing, seat: "nowhere" },
      handles: connection.handles,
    }));
  }

  /** What was written is still sent, for a while. */
  #finish(newcomer: Newcomer): void {
    if (newcomer.finishing) return;
    newcomer.finishing = true;
    newcomer.timer.cancel();
    newcomer.timer = this.#ports.clock.setTimer(REQUEST_MS, () => this.#shut(newcomer));
    newcomer.connection.finish(() => this.#done(newcomer));
  }

  #shut(newcomer: Newcomer): void {
    newcomer.connection.shutdownNow();
    this.#done(newcomer);
  }

  #done(newcomer: Newcomer): void {
    if (!this.#newcomers.has(newcomer)) return;
    this.#forget(newcomer);
    this.#ports.send({ type: "done", session: newcomer.session });
    this.#exitIfDone();
  }

  #forget(newcomer: Newcomer): void {
    newcomer.timer.cancel();
    newcomer.finishing = true;
    this.#newcomers.delete(newcomer);
  }
}
