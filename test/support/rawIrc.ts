/*
 * An IRC client without any comfort: lines go out as a test gives them, and what comes is kept, parsed, in the order in
 * which it came. Each `expect` goes on behind the line that the one before it has found.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { until } from "./server.ts";

export interface IrcLine {
  /** As it came, without its end. */
  readonly raw: string;
  /** Unescaped; empty for those without a value. */
  readonly tags: ReadonlyMap<string, string>;
  /** `nick!user@host`, or a server's name; empty where there is none. */
  readonly source: string;
  /** The first part of the source. */
  readonly nick: string;
  readonly command: string;
  readonly params: readonly string[];
}

/** A command or numeric, something in the line as it came, or a condition. */
export type Wanted = string | RegExp | ((line: IrcLine) => boolean);

/** Lines that a failure tells of. */
const RECENT_LINES = 25;

export function parseIrcLine(raw: string): IrcLine {
  const [, tags = "", source = "", rest = ""] = /^(?:@([^ ]*) +)?(?::([^ ]*) +)?(.*)$/s.exec(raw)!;
  const [, middle = "", trailing] = /^(.*?)(?: +:(.*))?$/s.exec(rest)!;
  const [command = "", ...params] = middle.split(/ +/).filter((word) => word !== "");
  return {
    raw,
    tags: new Map(tags.split(";").filter(Boolean).map(parseTag)),
    source,
    nick: source.replace(/[!@].*$/s, ""),
    command: command.toUpperCase(),
    params: trailing === undefined ? params : [...params, trailing],
  };
}

function parseTag(tag: string): [string, string] {
  const [, key = "", value = ""] = /^([^=]*)=?(.*)$/s.exec(tag)!;
  const escapes: Readonly<Record<string, string>> = { ":": ";", s: " ", r: "\r", n: "\n" };
  return [key, value.replaceAll(/\\(.?)/gs, (_, escaped: string) => escapes[escaped] ?? escaped)];
}

/** Fails, where it does, with what a client has seen. */
export async function untilSeen<T>(
  what: string,
  seen: () => readonly string[],
  condition: () => T | undefined | false,
): Promise<T> {
  try {
    return await until(what, condition);
  } catch (error) {
    const recent = seen().slice(-RECENT_LINES);
    const told = recent.length === 0 ? "nothing was seen" : `seen last:\n  ${recent.join("\n  ")}`;
    throw new assert.AssertionError({ message: `${(error as Error).message}\n${told}` });
  }
}

export function matches(line: IrcLine, wanted: Wanted): boolean {
  if (typeof wanted === "string") return line.command === wanted.toUpperCase();
  return wanted instanceof RegExp ? wanted.test(line.raw) : wanted(line);
}

export interface Registration {
  /** Capabilities to ask for; default: none, and no word of capabilities at all. */
  readonly caps?: readonly string[];
  /** To log in as, with SASL PLAIN. */
  readonly account?: { readonly user: string; readonly password: string };
  readonly user?: string;
  readonly realName?: string;
}

export class RawIrc implements Disposable {
  readonly socket: Socket;
  readonly lines: IrcLine[] = [];
  /** By the server, whether whole or in half. */
  closed = false;
  #rest = "";
  /** Lines before this one have been expected, or passed over. */
  #cursor = 0;
  #syncs = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => this.#receive(chunk));
    // A broken connection is one that has ended: tests look at that.
    socket.on("error", () => (this.closed = true));
    socket.on("close", () => (this.closed = true));
    socket.on("end", () => (this.closed = true));
  }

  static async connect(port: number): Promise<RawIrc> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new RawIrc(socket);
  }

  static async registered(port: number, nick: string, registration: Registration = {}): Promise<RawIrc> {
    const client = await RawIrc.connect(port);
    await client.register(nick, registration);
    return client;
  }

  /** Up to the end of the message of the day. The names of the capabilities have to be granted. */
  async register(nick: string, { caps = [], account, user, realName }: Registration = {}): Promise<void> {
    const wanted = account === undefined || caps.includes("sasl") ? caps : [...caps, "sasl"];
    if (wanted.length > 0) this.send("CAP LS 302");
    this.send(`NICK ${nick}`, `USER ${user ?? "tester"} 0 * :${realName ?? nick}`);
    if (wanted.length > 0) {
      this.send(`CAP REQ :${wanted.join(" ")}`);
      const answer = await this.expect(/ CAP \S+ (ACK|NAK) /);
      assert.equal(answer.params[1], "ACK", `${nick} asked for ${wanted.join(" ")}: ${answer.raw}`);
    }
    if (account !== undefined) await this.#logIn(account.user, account.password);
    if (wanted.length > 0) this.send("CAP END");
    await this.expect("001");
    await this.expect(({ command }) => command === "376" || command === "422", "the end of the MOTD");
  }

  async #logIn(user: string, password: string): Promise<void> {
    this.send("AUTHENTICATE PLAIN");
    await this.expect("AUTHENTICATE");
    this.send(`AUTHENTICATE ${Buffer.from(`\0${user}\0${password}`).toString("base64")}`);
    await this.expect("903");
  }

  async join(channel: string): Promise<void> {
    this.send(`JOIN ${channel}`);
    await this.expect("366");
  }

  send(...lines: readonly string[]): void {
    this.socket.write(lines.map((line) => `${line}\r\n`).join(""));
  }

  /** Bytes as they are, be they lines or not. */
  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** The first such line behind the one that was expected last; those between are passed over. */
  async expect(wanted: Wanted, what: string = String(wanted)): Promise<IrcLine> {
    const from = this.#cursor;
    const index = await untilSeen(
      `${what}, in what came from line ${from} on`,
      () => this.#seen(from),
      () => {
        const index = this.lines.findIndex((line, index) => index >= from && matches(line, wanted));
        if (index < 0 && this.closed)
          assert.fail(`the connection has ended before ${what}:\n  ${this.#seen(from).join("\n  ")}`);
        return index >= 0 && { index };
      },
    );
    this.#cursor = index.index + 1;
    return this.lines[index.index]!;
  }

  /** Waits until the server has answered everything so far: what came since the last expected line. */
  async sync(): Promise<IrcLine[]> {
    this.#syncs += 1;
    const token = `sync-${this.#syncs}`;
    const from = this.#cursor;
    this.send(`PING ${token}`);
    await this.expect((line) => line.command === "PONG" && line.params.at(-1) === token, `PONG ${token}`);
    return this.lines.slice(from, this.#cursor - 1);
  }

  async ends(): Promise<void> {
    await untilSeen(
      "the connection to end",
      () => this.#seen(0),
      () => this.closed,
    );
  }

  #seen(from: number): string[] {
    return this.lines.slice(from).map(({ raw }) => raw);
  }

  #receive(chunk: string): void {
    const lines = (this.#rest + chunk).split(/\r?\n/);
    this.#rest = lines.pop()!;
    for (const raw of lines) {
      const line = parseIrcLine(raw);
      this.lines.push(line);
      if (line.command === "PING") this.send(`PONG :${line.params.at(-1) ?? ""}`);
    }
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}
