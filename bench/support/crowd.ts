/* Many clients in one process, which count what they get, and check that it is what was said, in order. */
import { once } from "node:events";
import { type Socket, connect } from "node:net";

const NEWLINE = 0x0a;
/** What is said is filled up to so many bytes; with a plain client's end of line, it is a line of 100. */
const TEXT_BYTES = 99;
/** Tells messages from everything else that a server may say. */
const MARK = "message ";

/** The checks of one in so many clients look into every line; the others count bytes. */
const WATCHER_INTERVAL = 50;

/** What a crowd speaks, and how it knows what it hears. */
interface Speech {
  /** What a newcomer sends first. */
  greeting(index: number): string;
  /** Whether it is the last line of the answer to that. */
  isWelcome(line: string): boolean;
  /** A line that says this. */
  say(text: string): string;
  /** What has to be answered at once, if anything. */
  answer(line: string): string | undefined;
}

const PLAIN: Speech = {
  // Whoever sends a line at once need not wait until its silence has told that it speaks plain text.
  greeting: () => "\n",
  // The line may be so long that it would count as a message.
  isWelcome: (line) => line.startsWith("-- you are in"),
  say: (text) => `${text}\n`,
  answer: () => undefined,
};

const CHANNEL = "#bench";
const IRC: Speech = {
  greeting: (index) => `NICK bench${index}\r\nUSER bench 0 * :A client\r\n`,
  // All names in the channel have been listed.
  isWelcome: (line) => commandOf(line) === "366",
  say: (text) => `PRIVMSG ${CHANNEL} :${text}\r\n`,
  answer(line) {
    if (line.startsWith("PING ")) return `PONG ${line.slice("PING ".length)}\n`;
    return commandOf(line) === "001" ? `JOIN ${CHANNEL}\r\n` : undefined;
  },
};

/** Of a line with a source, as all lines of servers are but PING and ERROR. */
function commandOf(line: string): string | undefined {
  return line.split(" ", 2)[1];
}

const SPEECHES = { plain: PLAIN, irc: IRC } as const;
export type CrowdProtocol = keyof typeof SPEECHES;

export function isCrowdProtocol(name: string): name is CrowdProtocol {
  return Object.hasOwn(SPEECHES, name);
}

interface Member {
  readonly socket: Socket;
  readonly index: number;
  welcomed: boolean;
  received: number;
  readonly isWatcher: boolean;
  /** What a watcher has seen: the numbers of the messages, in order. */
  seen: number[];
  rest: Buffer;
}

export class Crowd implements Disposable {
  readonly #speech: Speech;
  readonly #members: Member[] = [];
  #onProgress: () => void = () => undefined;
  #latenciesMs: number[] | undefined;
  /** So long a line can only be a message, and nobody wants to know when it was sent. */
  #countsAlone = false;
  #sent = 0;

  constructor(protocol: CrowdProtocol = "plain") {
    this.#speech = SPEECHES[protocol];
  }

  /**
   * Connects one client after the other, and waits until the server has greeted it.
   * @param together so many may wait for that at a time
   */
  async join(port: number, count: number, together = 1): Promise<void> {
    for (let i = 1; i <= count; i += 1) {
      await this.#connect(port);
      if (i % together === 0 || i === count)
        await this.#until(() => this.#members.every((member) => member.welcomed));
    }
  }

  async #connect(port: number): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const index = this.#members.length;
    const member: Member = {
      socket,
      index,
      welcomed: false,
      received: 0,
      isWatcher: index % WATCHER_INTERVAL === 0,
      seen: [],
      rest: Buffer.alloc(0),
    };
    this.#members.push(member);
    await once(socket, "connect");
    socket.on("data", (chunk: Buffer) => this.#receive(member, chunk));
    socket.on("close", () => {
      throw new Error(`client ${index} was disconnected`);
    });
    socket.write(this.#speech.greeting(index));
  }

  /**
   * `messages` of them from `senders` of the clients in turn, at most `window` of which have not reached everybody, and
   * at most `perSecond` (0: no limit). Resolves with the milliseconds it took, when every client has what it must.
   * @throws where a client gets a message twice, not at all, or in another order
   */
  async talk(messages: number, senders: number, window: number, perSecond: number): Promise<number> {
    this.#sent = 0;
    for (const member of this.#members) {
      member.received = 0;
      member.seen = [];
    }
    this.#latenciesMs = perSecond > 0 ? [] : undefined;
    this.#countsAlone = perSecond === 0;
    const startedMs = performance.now();
    while (this.#sent < messages) {
      const dueMs = startedMs + (this.#sent * 1000) / perSecond - performance.now();
      if (perSecond > 0 && dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
      await this.#until(() => this.#sent - this.#least(senders) < window);
      const sender = this.#members[this.#sent % senders]!;
      const text = `${MARK}${this.#sent} ${performance.now()} `;
      sender.socket.write(this.#speech.say(text.padEnd(TEXT_BYTES, "x")));
      this.#sent += 1;
    }
    await this.#until(() => this.#least(senders) === messages);
    const tookMs = performance.now() - startedMs;
    this.#check(messages, senders);
    return tookMs;
  }

  /** From before each send to each arrival, of the last talk that had a pace. */
  get latenciesMs(): readonly number[] {
    return this.#latenciesMs ?? [];
  }

  [Symbol.dispose](): void {
    for (const { socket } of this.#members) {
      socket.removeAllListeners("close");
      socket.destroy();
    }
  }

  /** How many messages everybody has: who sends does not get its own. */
  #least(senders: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const member of this.#members) least = Math.min(least, member.received + this.#own(member, senders));
    return least;
  }

  #own({ index }: Member, senders: number): number {
    return index < senders ? Math.ceil((this.#sent - index) / senders) : 0;
  }

  #receive(member: Member, chunk: Buffer): void {
    const bytes = member.rest.length === 0 ? chunk : Buffer.concat([member.rest, chunk]);
    const nowMs = performance.now();
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#line(member, bytes, start, end, nowMs);
      start = end + 1;
    }
    member.rest = bytes.subarray(start);
    this.#onProgress();
  }

  #line(member: Member, bytes: Buffer, start: number, end: number, nowMs: number): void {
    if (this.#countsAlone && !member.isWatcher && end - start > TEXT_BYTES) {
      member.received += 1;
      return;
    }
    const text = bytes.toString("latin1", start, end);
    const at = text.indexOf(MARK);
    if (at < 0) {
      if (this.#speech.isWelcome(text)) member.welcomed = true;
      const answer = this.#speech.answer(text);
      if (answer !== undefined) member.socket.write(answer);
      return;
    }
    member.received += 1;
    const [number, sentMs] = text.slice(at + MARK.length).split(" ");
    this.#latenciesMs?.push(nowMs - Number(sentMs));
    if (member.isWatcher) member.seen.push(Number(number));
  }

  #check(messages: number, senders: number): void {
    const watchers = this.#members.filter((member) => member.isWatcher);
    for (const member of this.#members) {
      const expected = messages - this.#own(member, senders);
      if (member.received !== expected)
        throw new Error(`client ${member.index} got ${member.received} messages, not ${expected}`);
    }
    const [first] = watchers;
    for (const watcher of watchers) {
      const shared = (seen: readonly number[]): string =>
        seen.filter((number) => ![first!.index, watcher.index].includes(number % senders)).join();
      if (new Set(watcher.seen).size !== watcher.seen.length || shared(watcher.seen) !== shared(first!.seen))
        throw new Error(`client ${watcher.index} saw another order than client ${first!.index}`);
    }
  }

  /** Looks once in each turn of the event loop in which something came. */
  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => (this.#onProgress = resolve));
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
