/*
 * Clients that behave, among those that do not. Each says numbered lines in the lobby and has to hear those of the
 * others: each once, in order, soon, and without ever losing its connection.
 */
import assert from "node:assert/strict";
import { type Socket, connect } from "node:net";
import { until } from "../support/server.ts";

/** The machine is busy with the attack itself, and with whatever runs beside. */
const DELIVERY_LIMIT_MS = 15_000;
const TURN_MS = 250;

export type WitnessKind = "plain" | "irc";

interface Voice {
  greeting(nick: string): string;
  /** The last line of the answer to that. */
  readonly welcome: RegExp;
  say(text: string): string;
  /** Who said what in the lobby. */
  readonly said: RegExp;
  /** Asks for an answer that holds this word. */
  probe(word: string): string;
  /** What has to be answered, if anything. */
  reply(line: string): string | undefined;
}

const VOICES: Readonly<Record<WitnessKind, Voice>> = {
  plain: {
    greeting: (nick) => `/nick ${nick}\n`,
    welcome: /now known as/,
    say: (text) => `${text}\n`,
    said: /^<(?<nick>[^ >]+)> (?<text>.*)$/,
    probe: (word) => `/${word}\n`,
    reply: () => undefined,
  },
  irc: {
    greeting: (nick) => `NICK ${nick}\r\nUSER ${nick} 0 * :${nick}\r\n`,
    welcome: /^:\S+ 366 /,
    say: (text) => `PRIVMSG #lobby :${text}\r\n`,
    said: /^(?:@\S+ )?:(?<nick>[^ !]+)\S* PRIVMSG #lobby :(?<text>.*)$/,
    probe: (word) => `PING ${word}\r\n`,
    reply(line) {
      if (line.startsWith("PING ")) return `PONG ${line.slice("PING ".length)}\r\n`;
      return /^:\S+ 001 /.test(line) ? "JOIN #lobby\r\n" : undefined;
    },
  },
};

const NUMBERED = /^this is line (\d+)$/;

class Witness implements Disposable {
  readonly nick: string;
  readonly #voice: Voice;
  readonly #socket: Socket;
  #rest = "";
  #isWelcome = false;
  /** Of its last lines, for a report. */
  #recent: string[] = [];
  /** Of each other one, the last number that was heard. */
  readonly heard: Map<string, number> = new Map<string, number>();
  /** When each of its own lines was said. */
  readonly saidMs: number[] = [];
  #probeMs: number | undefined;
  #probes = 0;
  failure: string | undefined;

  constructor(kind: WitnessKind, nick: string, port: number) {
    this.nick = nick;
    this.#voice = VOICES[kind];
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.setEncoding("utf8");
    this.#socket.on("data", (chunk: string) => this.#receive(chunk));
    this.#socket.on("error", (error) => this.#fail(`its connection broke: ${error.message}`));
    this.#socket.on("end", () => this.#fail("the server ended its connection"));
  }

  async enter(): Promise<void> {
    this.#socket.write(this.#voice.greeting(this.nick));
    await until(`${this.nick} to be welcome`, () => {
      if (this.failure !== undefined) assert.fail(this.failure);
      return this.#isWelcome;
    });
  }

  /** Says the next line, and asks whether the server is there. */
  turn(): void {
    this.saidMs.push(performance.now());
    this.#socket.write(this.#voice.say(`this is line ${this.saidMs.length}`));
    if (this.#probeMs !== undefined) return;
    this.#probes += 1;
    this.#probeMs = performance.now();
    this.#socket.write(this.#voice.probe(this.#probeWord));
  }

  check(others: readonly Witness[]): void {
    if (this.failure !== undefined) assert.fail(this.failure);
    const nowMs = performance.now();
    if (this.#probeMs !== undefined && nowMs - this.#probeMs > DELIVERY_LIMIT_MS)
      assert.fail(
        this.#report(`no answer to ${this.#probeWord} for ${Math.round(nowMs - this.#probeMs)} ms`),
      );
    for (const other of others) {
      const heard = this.heard.get(other.nick) ?? 0;
      const dueMs = other.saidMs[heard];
      if (dueMs !== undefined && nowMs - dueMs > DELIVERY_LIMIT_MS)
        assert.fail(
          this.#report(`line ${heard + 1} of ${other.nick} did not come for ${Math.round(nowMs - dueMs)} ms`),
        );
    }
  }

  get #probeWord(): string {
    return `probe${this.#probes}`;
  }

  #receive(chunk: string): void {
    const lines = (this.#rest + chunk).split(/\r?\n/);
    this.#rest = lines.pop()!;
    for (const line of lines) this.#hear(line);
  }

  #hear(line: string): void {
    this.#recent = [...this.#recent.slice(-20), line.slice(0, 200)];
    const reply = this.#voice.reply(line);
    if (reply !== undefined) this.#socket.write(reply);
    this.#isWelcome ||= this.#voice.welcome.test(line);
    const { nick, text } = this.#voice.said.exec(line)?.groups ?? {};
    const number = Number(NUMBERED.exec(text ?? "")?.[1]);
    if (nick === undefined || Number.isNaN(number)) {
      if (line.includes(this.#probeWord)) this.#probeMs = undefined;
      return;
    }
    const before = this.heard.get(nick) ?? 0;
    if (number !== before + 1) this.#fail(`it heard line ${number} of ${nick} after line ${before}`);
    this.heard.set(nick, number);
  }

  #fail(what: string): void {
    this.failure ??= this.#report(what);
  }

  #report(what: string): string {
    return `${this.nick}: ${what}\nit received last:\n  ${this.#recent.join("\n  ")}`;
  }

  [Symbol.dispose](): void {
    this.#socket.removeAllListeners("end");
    this.#socket.destroy();
  }
}

export class Witnesses implements Disposable {
  readonly #witnesses: readonly Witness[];
  #timer: NodeJS.Timeout | undefined;

  private constructor(witnesses: readonly Witness[]) {
    this.#witnesses = witnesses;
  }

  /** All of them are there, and begin to talk. */
  static async enter(kinds: readonly WitnessKind[], port: number): Promise<Witnesses> {
    const witnesses = new Witnesses(kinds.map((kind, index) => new Witness(kind, `witness${index}`, port)));
    try {
      for (const witness of witnesses.#witnesses) await witness.enter();
    } catch (error) {
      witnesses[Symbol.dispose]();
      throw error;
    }
    witnesses.#timer = setInterval(() => witnesses.#witnesses.forEach((witness) => witness.turn()), TURN_MS);
    return witnesses;
  }

  /** @throws AssertionError where one of them was harmed */
  check(): void {
    for (const witness of this.#witnesses) witness.check(this.#othersOf(witness));
  }

  /** They fall silent, and have to hear what was said until then. */
  async finish(): Promise<number> {
    clearInterval(this.#timer);
    await until("the witnesses to have heard each other", () => {
      this.check();
      return this.#witnesses.every((witness) =>
        this.#othersOf(witness).every((other) => witness.heard.get(other.nick) === other.saidMs.length),
      );
    });
    return this.#witnesses.reduce((sum, { saidMs }) => sum + saidMs.length, 0);
  }

  #othersOf(witness: Witness): Witness[] {
    return this.#witnesses.filter((other) => other !== witness);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const witness of this.#witnesses) witness[Symbol.dispose]();
  }
}
