/* A client built on irc-framework, an IRC library that many programs use: it knows nothing of how Chorus is made. */
import assert from "node:assert/strict";
import { Client, type IrcEvent } from "irc-framework";
import { type IrcLine, type Wanted, matches, parseIrcLine, untilSeen } from "./rawIrc.ts";

export interface FrameworkOptions {
  /** To log in to, with SASL PLAIN. */
  readonly account?: { readonly user: string; readonly password: string };
  /** Capabilities to ask for beyond those that the library wants by itself. */
  readonly caps?: readonly string[];
  readonly realName?: string;
}

/** Events in which somebody does something. */
const EVENTS = [
  "privmsg",
  "notice",
  "action",
  "tagmsg",
  "join",
  "part",
  "quit",
  "kick",
  "nick",
  "topic",
  "mode",
  "invite",
  "away",
  "back",
  "account",
  "userlist",
  "user updated",
  "users online",
  "users offline",
  "loggedin",
  "sasl failed",
] as const;
type EventName = (typeof EVENTS)[number];

export class FrameworkClient implements AsyncDisposable {
  /** The library's own object, for what is not wrapped. */
  readonly client: Client = new Client();
  /** What the server sent, in its order. */
  readonly received: IrcLine[] = [];
  /** What the library made of it. */
  readonly events: { readonly name: EventName; readonly event: IrcEvent }[] = [];
  closed = false;
  isRegistered = false;

  private constructor() {
    this.client.on("raw", ({ line, from_server: isReceived }) => {
      if (isReceived) this.received.push(parseIrcLine(line.replace(/[\r\n]+$/, "")));
    });
    this.client.on("registered", () => (this.isRegistered = true));
    this.client.on("close", () => (this.closed = true));
    for (const name of EVENTS) this.client.on(name, (event) => this.events.push({ name, event }));
  }

  /** Connected and registered. */
  static async connect(port: number, nick: string, options: FrameworkOptions = {}): Promise<FrameworkClient> {
    const { account, caps = [], realName = nick } = options;
    const framework = new FrameworkClient();
    framework.client.requestCap(caps);
    framework.client.connect({
      host: "127.0.0.1",
      port,
      nick,
      username: "tester",
      gecos: realName,
      auto_reconnect: false,
      sasl_disconnect_on_fail: true,
      ping_interval: 0,
      ping_timeout: 0,
      ...(account && { account: { account: account.user, password: account.password } }),
    });
    try {
      await framework.#until(`${nick} to be registered`, () => framework.isRegistered);
      return framework;
    } catch (error) {
      await framework[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The first such line of all that came, from the one with this index on. */
  async receives(wanted: Wanted, from = 0, what: string = String(wanted)): Promise<IrcLine> {
    return await this.#until(what, () =>
      this.received.find((line, index) => index >= from && matches(line, wanted)),
    );
  }

  /** The first event of this name for which it is so. */
  async sees(name: EventName, isSo: (event: IrcEvent) => boolean = () => true): Promise<IrcEvent> {
    const found = await this.#until(`an event "${name}" for which ${String(isSo)}`, () =>
      this.events.find((each) => each.name === name && isSo(each.event)),
    );
    return found.event;
  }

  /** Joined, with the names of all members received. */
  async join(channel: string): Promise<void> {
    this.client.join(channel);
    await this.sees("userlist", (event) => event.channel?.toLowerCase() === channel.toLowerCase());
  }

  async quit(words: string): Promise<void> {
    this.client.quit(words);
    await this.#until("the server to end the connection", () => this.closed);
  }

  async #until<T>(what: string, condition: () => T | undefined | false): Promise<T> {
    return await untilSeen(
      what,
      () => this.received.map(({ raw }) => raw),
      () => {
        const value = condition();
        const isThere = value !== undefined && value !== false;
        if (!isThere) assert.ok(!this.closed, `the connection has ended before ${what}`);
        return value;
      },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.closed) await this.quit("the test is over");
  }
}
