/*
 * What the processes of every rival do alike: take orders from their parent, produce numbered messages, check them
 * where they are consumed, and report.
 *
 *   parent ──{"messages": n, "perSecond": r}──► member      one order a round; a consumer answers "listening" first
 *   parent ◄──────────── {"report": …} ──────── member      when it has produced or received all of the round
 */
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

export const MESSAGE_BYTES = 100;

export type Role = "producer" | "consumer";

/** Which of them a process is: handed over as its last argument. */
export interface Post {
  readonly role: Role;
  readonly index: number;
  readonly producers: number;
  /** Where the rival's server is, when it has one. */
  readonly path?: string;
}

export interface Round {
  /** Of all producers together. */
  readonly messages: number;
  /** Of all producers together; 0: as fast as it goes. */
  readonly perSecond: number;
}

export interface Report {
  readonly role: Role | "parent";
  readonly startedMs: number;
  readonly endedMs: number;
  readonly cpuUs: number;
  readonly received: number;
  /** Messages that came twice, not at all, damaged, or before an earlier one of the same producer. */
  readonly faults: number;
  /** Of the order in which the producers' messages came: equal where the order was. */
  readonly orderHash: number;
  readonly latenciesUs: readonly number[];
}

/** The member's end of the way to its parent, which is not what is measured. */
export interface ParentPort {
  onOrder(handler: (round: Round) => void): void;
  say(news: News): void;
}

export type News = { readonly state: "ready" | "listening" } | { readonly report: Report };

/** How a producer sends. It may be asked to wait; what it sends it need not keep. */
export interface Sender {
  /** The bytes are the same array each time. Undefined, or a promise to wait for before the next. */
  send(bytes: Uint8Array): Promise<void> | undefined;
  /** No more for a while: whatever was collected for a batch goes out. */
  flush(): Promise<void> | undefined;
}

/** A clock that all processes of the machine share, in milliseconds with a fraction. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Of who receives nothing: how long a round took until now, and what it cost. */
export function costReport(role: Report["role"], startedMs: number, cpuUs: number): Report {
  const nothing = { received: 0, faults: 0, orderHash: 0, latenciesUs: [] };
  return { role, startedMs, endedMs: nowMs(), cpuUs, ...nothing };
}

/** Numbered messages, in order, as fast as `sender` takes them or at the round's pace. */
export function runProducer(post: Post, parent: ParentPort, sender: Sender): void {
  const message = new Message(post.index);
  const produce = async ({ messages, perSecond }: Round): Promise<void> => {
    const startedMs = nowMs();
    const cpuBeforeUs = cpuUs();
    const share = messages / post.producers;
    if (perSecond === 0) await sendAll(share, message, sender);
    else await sendAtPace(share, perSecond / post.producers, message, sender);
    await sender.flush();
    parent.say({ report: costReport("producer", startedMs, cpuUs() - cpuBeforeUs) });
  };
  parent.onOrder((round) => void produce(round));
  parent.say({ state: "ready" });
}

/** One message, used again and again: producer, number, when it was sent, and filling. */
class Message {
  readonly bytes: Buffer = Buffer.alloc(MESSAGE_BYTES, 0x61);
  readonly #words: Uint32Array;
  readonly #times: Float64Array;

  constructor(producer: number) {
    this.#words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, 2);
    this.#times = new Float64Array(this.bytes.buffer, this.bytes.byteOffset + 8, 1);
    this.#words[0] = producer;
  }

  set number(number: number) {
    this.#words[1] = number;
  }

  set timeMs(timeMs: number) {
    this.#times[0] = timeMs;
  }
}

async function sendAll(count: number, message: Message, sender: Sender): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    message.number = number;
    const wait = sender.send(message.bytes);
    // No await where none is needed: it would be most of what is measured.
    if (wait !== undefined) await wait;
  }
}

async function sendAtPace(count: number, perSecond: number, message: Message, sender: Sender): Promise<void> {
  const startedMs = nowMs();
  for (let number = 0; number < count; number += 1) {
    const waitMs = startedMs + (number * 1000) / perSecond - nowMs();
    if (waitMs > 0) await sleep(waitMs);
    message.number = number;
    message.timeMs = nowMs();
    await sender.send(message.bytes);
    await sender.flush();
  }
}

/** Checks that each producer's messages come in order and complete. */
export class Consumer {
  readonly #parent: ParentPort;
  readonly #next = new Int32Array(64);
  #isPaced = false;
  #expected = 0;
  #received = 0;
  #faults = 0;
  #orderHash = 0;
  #latenciesUs: number[] = [];
  #startedMs = 0;
  #cpuBeforeUs = 0;

  constructor(parent: ParentPort) {
    this.#parent = parent;
    parent.onOrder((round) => this.#begin(round));
  }

  /** Messages can reach it from now on. */
  ready(): void {
    this.#parent.say({ state: "ready" });
  }

  /** Whether `check` looks at its third argument: when messages were sent is only of interest at a given pace. */
  get isPaced(): boolean {
    return this.#isPaced;
  }

  /** @param sentMs by `nowMs` of the producer; anything where the round has no pace */
  check(producer: number, number: number, sentMs: number): void {
    if (number !== this.#next[producer]) this.#faults += 1;
    this.#next[producer] = number + 1;
    this.#orderHash = (Math.imul(this.#orderHash, 31) + producer + 1) | 0;
    if (this.#isPaced) this.#latenciesUs.push((nowMs() - sentMs) * 1000);
    this.#received += 1;
    if (this.#received === this.#expected) this.#end();
  }

  #begin(round: Round): void {
    this.#isPaced = round.perSecond > 0;
    this.#expected = round.messages;
    this.#received = 0;
    this.#faults = 0;
    this.#orderHash = 0;
    this.#latenciesUs = [];
    this.#next.fill(0);
    this.#startedMs = nowMs();
    this.#cpuBeforeUs = cpuUs();
    this.#parent.say({ state: "listening" });
  }

  #end(): void {
    const report: Report = {
      role: "consumer",
      startedMs: this.#startedMs,
      endedMs: nowMs(),
      cpuUs: cpuUs() - this.#cpuBeforeUs,
      received: this.#received,
      faults: this.#faults,
      orderHash: this.#orderHash,
      latenciesUs: this.#latenciesUs,
    };
    this.#parent.say({ report });
  }
}

/** Reads messages that stand one after the other, each of `MESSAGE_BYTES` behind `headerBytes`, in any pieces. */
export class MessageStream {
  readonly #consumer: Consumer;
  readonly #headerBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(consumer: Consumer, headerBytes: number) {
    this.#consumer = consumer;
    this.#headerBytes = headerBytes;
  }

  push(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frameBytes = this.#headerBytes + MESSAGE_BYTES;
    let at = 0;
    for (; at + frameBytes <= bytes.length; at += frameBytes)
      checkBytes(this.#consumer, bytes, at + this.#headerBytes);
    this.#rest = bytes.subarray(at);
  }
}

/** Checks the message that stands at `at`. */
export function checkBytes(consumer: Consumer, bytes: Buffer, at: number): void {
  const sentMs = consumer.isPaced ? bytes.readDoubleLE(at + 8) : 0;
  consumer.check(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), sentMs);
}

/** Calls `handler` with each line that comes, read as JSON. */
export function onJsonLines(stream: Readable, handler: (value: unknown) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) handler(JSON.parse(line));
  });
}

/** Orders come as lines on standard input, news go as lines to standard output. */
export function standardPort(): ParentPort {
  return {
    onOrder: (handler) => onJsonLines(process.stdin, (order) => handler(order as Round)),
    say: (news) => void process.stdout.write(`${JSON.stringify(news)}\n`),
  };
}
