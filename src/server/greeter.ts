import type { SessionId } from "../chat/index.ts";
import type { LogRecord } from "../log/index.ts";
import { classify, respond } from "../protocol/http/index.ts";
import { stoppingNotice, tooManyUsers } from "../protocol/plain/index.ts";
import { RecordKind } from "../record/index.ts";
import type { ChildPorts, ClientConnection, Handle, Timer } from "./ports.ts";
import type { SeatMessage } from "./seatMessage.ts";

export interface GreeterOptions {
  serverName: string;
  host: string;
  port: number;
}

/** Who says nothing for so long speaks plain text and waits for us. */
const SILENCE_MS = 1500;
/** A request has to be complete by then, and whoever we answered has to have taken the answer. */
const REQUEST_MS = 10_000;

interface Newcomer {
  readonly session: SessionId;
  readonly full: boolean;
  readonly connection: ClientConnection;
  timer: Timer;
  isHttp: boolean;
  finishing: boolean;
}

/**
 * Finds out what each new connection speaks. Web requests it answers itself, and so it tells those for whom there is
 * no room; whoever came to chat goes on to a worker, and every byte that was read goes along in its input area.
 */
export class Greeter {
  readonly #ports: ChildPorts;
  readonly #options: GreeterOptions;
  readonly #newcomers = new Set<Newcomer>();
  #stopping = false;

  constructor(ports: ChildPorts, options: GreeterOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "greet") this.#greet(message.session, message.full, handles);
  }

  /** Told of every record; the only one that concerns it is the end. */
  applied(record: LogRecord): void {
    if (record.kind === RecordKind.stop) this.#stop();
  }

  /** Who has not said yet what it speaks is told as most would read it. */
  #stop(): void {
    this.#stopping = true;
    for (const newcomer of this.#newcomers) {
      if (newcomer.finishing) continue;
      if (!newcomer.isHttp) newcomer.connection.write(stoppingNotice);
      this.#finish(newcomer);
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
    };
    this.#newcomers.add(newcomer);
    // A greeter that died may have read something already.
    if (newcomer.connection.pending().length > 0) this.#decide(newcomer, false);
  }

  #decide(newcomer: Newcomer, silent: boolean): void {
    if (newcomer.finishing) return;
    const { connection } = newcomer;
    const pending = connection.pending();
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
    if (verdict === "plain" || silent || connection.inputEnded) this.#handOn(newcomer);
  }

  #answer(newcomer: Newcomer): void {
    const { connection, full } = newcomer;
    const answer = respond(connection.pending(), { ...this.#options, full });
    if (answer === undefined) {
      if (connection.inputEnded) this.#finish(newcomer);
      return;
    }
    connection.write(answer);
    this.#finish(newcomer);
  }

  #handOn(newcomer: Newcomer): void {
    if (newcomer.full) {
      newcomer.connection.write(tooManyUsers);
      this.#finish(newcomer);
      return;
    }
    this.#forget(newcomer);
    newcomer.connection.release();
    this.#ports.send({ type: "verdict", session: newcomer.session, protocol: "plain" });
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
