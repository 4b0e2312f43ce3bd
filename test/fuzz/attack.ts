/*
 * One connection that misbehaves. What it sends, and how, follows from the seed of the run and its own number, so that
 * it can be sent again alone.
 */
import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { type Random, seededRandom } from "../../src/base/index.ts";
import { Grammar } from "./grammar.ts";
import { cut, mutate } from "./mutate.ts";

/** Between two pieces. */
const PAUSE_MS_MAX = 20;
const LINGER_MS_MAX = 400;
/** For a server that closes what was half-closed: others wait for their turn meanwhile. */
const HALF_CLOSED_MS = 1000;
const TAIL_BYTES = 4096;

const ENDINGS = ["stay", "close", "reset", "half-close"] as const;
type Ending = (typeof ENDINGS)[number];

export interface AttackPlan {
  readonly index: number;
  readonly pieces: readonly Buffer[];
  /** Whether it reads what it gets. */
  readonly reads: boolean;
  readonly ending: Ending;
}

export function planAttack(seed: number, index: number): AttackPlan {
  const random = seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  const grammar = new Grammar(random);
  const bytes = mutate(grammar.session(), random, () => grammar.session());
  return {
    index,
    pieces: cut(bytes, random),
    reads: random.next() < 0.9,
    ending: ENDINGS[random.between(0, ENDINGS.length - 1)]!,
  };
}

export class Attack implements Disposable {
  readonly plan: AttackPlan;
  readonly #socket: Socket;
  #tail = "";
  /** Of this process's clock; 0: nothing yet. */
  lastSentMs = 0;
  isOver = false;

  private constructor(plan: AttackPlan, socket: Socket) {
    this.plan = plan;
    this.#socket = socket;
    socket.setEncoding("latin1");
    // The server may end it whenever it wants to.
    socket.on("error", () => (this.isOver = true));
    socket.on("end", () => (this.isOver = true));
    socket.on("close", () => (this.isOver = true));
    if (plan.reads)
      socket.on("data", (chunk: string) => (this.#tail = (this.#tail + chunk).slice(-TAIL_BYTES)));
    else socket.pause();
  }

  static async connect(port: number, plan: AttackPlan): Promise<Attack> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new Attack(plan, socket);
  }

  /** What it has received, the last of it. */
  get tail(): string {
    return this.#tail;
  }

  /** Sends all that it has to, and ends as planned. Whoever stays is there afterwards. */
  async run(random: Random): Promise<void> {
    for (const piece of this.plan.pieces) {
      if (this.isOver) break;
      this.send(piece);
      if (random.next() < 0.7) await new Promise((resolve) => setImmediate(resolve));
      else await sleep(random.between(0, PAUSE_MS_MAX));
    }
    await sleep(random.between(0, LINGER_MS_MAX));
    switch (this.plan.ending) {
      case "stay":
        return;
      case "close":
        this.#socket.destroy();
        return;
      case "reset":
        this.#socket.resetAndDestroy();
        return;
      case "half-close":
        this.#socket.end();
        for (let waitedMs = 0; !this.isOver && waitedMs < HALF_CLOSED_MS; waitedMs += PAUSE_MS_MAX)
          await sleep(PAUSE_MS_MAX);
        this.#socket.destroy();
    }
  }

  send(bytes: Buffer | string): void {
    this.lastSentMs = performance.now();
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}
