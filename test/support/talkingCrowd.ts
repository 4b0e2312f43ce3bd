/*
 * Many plain clients of one server, some of which talk all the time, in pieces that split lines and characters, while
 * others ask for something now and then. What each of them receives is checked as it comes: see `OneOrder` for what is
 * said; an answer comes once, whole, to whom it is for; and nothing else comes at all.
 */
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { type Random, seededRandom } from "../../src/base/index.ts";
import { OneOrder, numberedLine } from "./oneOrder.ts";
import { TestClient, until } from "./server.ts";

export interface CrowdOptions {
  clients: number;
  /** Of them; the first one says a short line in each turn, so that there is always something to hear. */
  talkers: number;
  /** Of all talkers together; at least as many as the first one says, `TURNS_PER_SECOND`. */
  linesPerSecond: number;
  seed: number;
  /** Whether some ask who is there and for help, and say what is no command. Nobody else may come or go then. */
  asking?: boolean;
  /** What the server may say beside: of others, who come and go. Default: nothing. */
  allowed?: RegExp;
}

export const TURNS_PER_SECOND = 200;
const TURN_MS = 1000 / TURNS_PER_SECOND;
/** After a pause, what was due meanwhile is said over several turns. */
const LINES_PER_TURN_MAX = 10;
/** In so many turns, somebody asks something. */
const TURNS_PER_QUESTION = 10;
/** How much more than there is to send would fit into the largest piece: now and then all of it goes at once. */
const PIECE_BYTES_SPARE = 40;
/** Chunks, for a report. */
const RECENT_CHUNKS = 4;

interface Member {
  readonly name: string;
  readonly index: number;
  readonly isTalker: boolean;
  readonly socket: Socket;
  said: number;
  /** Has still to be sent. */
  unsent: Buffer;
  /** The lines of the answer that it waits for, in their order. */
  readonly expected: string[];
  asked: number;
  answered: number;
  /** The begin of a line. */
  rest: string;
  /** What it received last. */
  recent: string[];
  heardMs: number;
  longestSilenceMs: number;
}

/** What a client may ask, and what it gets. */
interface Question {
  readonly text: string;
  readonly answer: readonly string[];
}

export class TalkingCrowd implements Disposable {
  readonly #options: CrowdOptions;
  readonly #random: Random;
  readonly #order: OneOrder;
  readonly #members: Member[] = [];
  readonly #questions: ((random: Random) => Question)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #startedMs = 0;
  #turnMs = 0;
  #longestStallMs = 0;
  #turns = 0;
  #saidSinceStart = 0;
  #questionsAsked = 0;
  #failure: Error | undefined;
  #heardLines = 0;

  /** All of them come, take their names, and have heard that they are there. */
  static async join(port: number, options: CrowdOptions): Promise<TalkingCrowd> {
    assert.ok(options.talkers < options.clients, "somebody has to hear everything");
    assert.ok(options.linesPerSecond >= TURNS_PER_SECOND);
    const clients: TestClient[] = [];
    try {
      for (let index = 0; index < options.clients; index += 1)
        clients.push(await TestClient.named(port, nameOf(index, options)));
      for (const client of clients)
        await client.sees(`now known as ${nameOf(clients.length - 1, options)}\n`);
      const crowd = new TalkingCrowd(options, clients);
      if (options.asking === true) await crowd.#learn(clients.at(-1)!);
      for (const [index, client] of clients.entries()) crowd.#listen(index, client);
      return crowd;
    } catch (error) {
      for (const client of clients) client[Symbol.dispose]();
      throw error;
    }
  }

  private constructor(options: CrowdOptions, clients: readonly TestClient[]) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#order = new OneOrder(Array.from({ length: options.talkers }, (_, index) => nameOf(index, options)));
    for (const [index, { socket }] of clients.entries()) {
      const name = nameOf(index, options);
      this.#order.join(name);
      this.#members.push({
        name,
        index,
        isTalker: index < options.talkers,
        socket,
        said: 0,
        unsent: Buffer.alloc(0),
        expected: [],
        asked: 0,
        answered: 0,
        rest: "",
        recent: [],
        heardMs: performance.now(),
        longestSilenceMs: 0,
      });
    }
  }

  /** Begins to talk, or goes on. */
  talk(): void {
    assert.equal(this.#timer, undefined);
    this.#startedMs = performance.now();
    this.#turnMs = this.#startedMs;
    this.#saidSinceStart = 0;
    for (const member of this.#members) member.heardMs = this.#startedMs;
    this.#timer = setInterval(() => this.#turn(), TURN_MS);
  }

  /**
   * Ends in the middle of the conversation, but not of a line, and waits until everybody has everything. The last word
   * of each client is a question: something that comes twice comes before its answer.
   */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const member of this.#members) this.#send(member, member.unsent.length);
    await this.settle();
    for (const member of this.#members) {
      this.#expect(member, { text: "/over\n", answer: [noCommand("over")] });
      this.#send(member, member.unsent.length);
    }
    await this.settle();
    this.check();
  }

  /**
   * Waits until everybody has heard everything that was said before, and has the answers to what it had asked.
   * @throws AssertionError where anything went wrong with any client
   */
  async settle(): Promise<void> {
    const said = this.#members.filter(({ isTalker }) => isTalker).map(({ name, said }) => ({ name, said }));
    const asked = this.#members.map((member) => ({ member, asked: member.asked }));
    // While they talk, some of what was said may still have to be sent: it is, in the next turns.
    await this.#until("what was said to be heard by somebody", () =>
      said.every(({ name, said }) => this.#order.lastOf(name) >= said),
    );
    const { lines } = this.#order;
    await this.#until("what was said to be heard by everybody", () => this.#order.everywhere >= lines);
    await this.#until("everybody to have their answers", () =>
      asked.every(({ member, asked }) => member.answered >= asked),
    );
    this.#order.trim();
  }

  /** @throws AssertionError where anything went wrong with any client so far */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Lines that anybody received. */
  get heardLines(): number {
    return this.#heardLines;
  }

  get saidLines(): number {
    return this.#members.reduce((sum, { said }) => sum + said, 0);
  }

  /** Silences are measured from here on. */
  listenForSilence(): void {
    const nowMs = performance.now();
    this.#longestStallMs = 0;
    for (const member of this.#members) {
      member.heardMs = nowMs;
      member.longestSilenceMs = 0;
    }
  }

  /** Of each client, the longest time between two chunks, in ms; what has not ended yet counts as well. */
  get silencesMs(): number[] {
    const nowMs = performance.now();
    return this.#members.map(({ longestSilenceMs, heardMs }) => Math.max(longestSilenceMs, nowMs - heardMs));
  }

  /** The longest time for which this process itself had something else to do, in ms: silences hold it. */
  get longestStallMs(): number {
    return this.#longestStallMs;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const { socket } of this.#members) {
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.destroy();
    }
  }

  /** What is answered is the same as long as nobody comes or goes. */
  async #learn(client: TestClient): Promise<void> {
    const asks = async (text: string, last: RegExp): Promise<string[]> => {
      const from = client.text.length;
      client.say(text);
      await until(`the answer to ${text}`, () => last.test(client.text.slice(from)));
      return client.text.slice(from).split("\n").slice(0, -1);
    };
    const who = await asks("/who", /^-- \d+ in #lobby: .*\n$/);
    const help = await asks("/help", /\/\/text says \/text\n$/);
    assert.ok(who.length === 1 && help.length > 10);
    this.#questions.push(
      () => ({ text: "/who\n", answer: who }),
      () => ({ text: "/help\n", answer: help }),
      (random) => {
        // More than one at a time: each of them, in their order.
        const names = Array.from({ length: random.between(1, 3) }, () => {
          this.#questionsAsked += 1;
          return `ask${this.#questionsAsked}`;
        });
        return {
          text: names.map((name) => `/${name}\n`).join(""),
          answer: names.map(noCommand),
        };
      },
    );
  }

  #listen(index: number, { socket }: TestClient): void {
    const member = this.#members[index]!;
    socket.removeAllListeners("data");
    const lost = (how: string): void => this.#fail(member, new Error(`the connection ${how}`));
    socket.on("data", (chunk: string) => this.#receive(member, chunk));
    socket.on("error", (error) => lost(`broke: ${error.message}`));
    socket.on("end", () => lost("was ended by the server"));
    socket.on("close", () => lost("was closed"));
  }

  #receive(member: Member, chunk: string): void {
    const nowMs = performance.now();
    member.longestSilenceMs = Math.max(member.longestSilenceMs, nowMs - member.heardMs);
    member.heardMs = nowMs;
    if (this.#failure !== undefined) return;
    member.recent.push(chunk);
    if (member.recent.length > RECENT_CHUNKS) member.recent.shift();
    const lines = (member.rest + chunk).split("\n");
    member.rest = lines.pop()!;
    this.#heardLines += lines.length;
    try {
      for (const line of lines) this.#hear(member, line);
    } catch (error) {
      this.#fail(member, error as Error);
    }
  }

  #hear(member: Member, line: string): void {
    if (line.startsWith("<")) return this.#order.hear(member.index, line);
    if (line === member.expected[0]) {
      member.expected.shift();
      if (member.expected.length === 0) member.answered += 1;
      return;
    }
    if (this.#options.allowed?.test(line) === true) return;
    const expected = member.expected.length === 0 ? "nothing" : JSON.stringify(member.expected[0]);
    assert.fail(`not said by anybody here: ${JSON.stringify(line)}; of the server, ${expected} is expected`);
  }

  #fail(member: Member, error: Error): void {
    this.#failure ??= new assert.AssertionError({
      message: [
        `${member.name}: ${error.message}`,
        `it received last: ${JSON.stringify(member.recent.join("").slice(-1500))}`,
        `its unfinished line: ${JSON.stringify(member.rest)}`,
        `it expects: ${JSON.stringify(member.expected.slice(0, 3))}; it has said ${member.said} lines`,
        this.#order.describe(member.index),
      ].join("\n"),
    });
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    try {
      await until(what, () => {
        this.check();
        return condition();
      });
    } catch (error) {
      this.check();
      throw new Error(`${(error as Error).message}\n${this.#describeMissing()}`, { cause: error });
    }
  }

  /** Who lacks what, for a report. */
  #describeMissing(): string {
    const { everywhere, lines } = this.#order;
    const unheard = this.#members
      .filter(({ isTalker, name, said }) => isTalker && this.#order.lastOf(name) < said)
      .map(({ name, said, socket }) => {
        const last = this.#order.lastOf(name);
        return `${name} has said ${said}, heard was ${last}, ${socket.writableLength} bytes are not sent`;
      });
    const behind = this.#members.filter(({ index }) => this.#order.isBehind(index));
    const unanswered = this.#members
      .filter(({ expected }) => expected.length > 0)
      .map(({ name, expected }) => `${name} waits for ${JSON.stringify(expected.slice(0, 2))}`);
    return [
      `everybody has heard ${everywhere} of ${lines} lines`,
      ...unheard,
      ...behind.slice(0, 3).map(({ index }) => this.#order.describe(index)),
      ...unanswered.slice(0, 5),
    ].join("\n");
  }

  #turn(): void {
    const nowMs = performance.now();
    this.#longestStallMs = Math.max(this.#longestStallMs, nowMs - this.#turnMs - TURN_MS);
    this.#turnMs = nowMs;
    this.#turns += 1;
    const random = this.#random;
    const { talkers, linesPerSecond } = this.#options;
    this.#say(this.#members[0]!);
    const due = ((nowMs - this.#startedMs) * linesPerSecond) / 1000 - this.#saidSinceStart;
    for (let i = 0; i < Math.min(due, LINES_PER_TURN_MAX); i += 1) {
      this.#say(this.#members[random.between(Math.min(1, talkers - 1), talkers - 1)]!);
    }
    if (this.#questions.length > 0 && this.#turns % TURNS_PER_QUESTION === 0) this.#ask();
    for (const member of this.#members) {
      const { length } = member.unsent;
      if (length > 0) this.#send(member, random.between(0, length + PIECE_BYTES_SPARE));
    }
  }

  #say(member: Member): void {
    member.said += 1;
    this.#saidSinceStart += 1;
    this.#queue(member, `${numberedLine(member.name, member.said)}\n`);
  }

  /** Answers from the order and such without a place in it may overtake each other: one question at a time. */
  #ask(): void {
    const member = this.#members[this.#random.between(0, this.#members.length - 1)]!;
    if (member.expected.length > 0) return;
    const question = this.#questions[this.#random.between(0, this.#questions.length - 1)]!;
    this.#expect(member, question(this.#random));
  }

  #expect(member: Member, { text, answer }: Question): void {
    member.asked += 1;
    member.expected.push(...answer);
    this.#queue(member, text);
  }

  #queue(member: Member, text: string): void {
    member.unsent = Buffer.concat([member.unsent, Buffer.from(text)]);
  }

  /** Each piece is a packet of its own: the sockets do not wait for more. */
  #send(member: Member, bytes: number): void {
    if (bytes === 0 || member.unsent.length === 0) return;
    member.socket.write(member.unsent.subarray(0, bytes));
    member.unsent = member.unsent.subarray(bytes);
  }
}

function nameOf(index: number, { talkers }: CrowdOptions): string {
  return `${index < talkers ? "talker" : "listener"}${index}`;
}

function noCommand(name: string): string {
  return `-- there is no command /${name}; /help lists them, and //text says /text`;
}
