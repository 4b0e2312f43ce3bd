/*
 * Real servers under load, whose processes are killed at random moments, one or all of them, and started again on the
 * same data. Whatever any client had received has to be in the history, once, and in the order in which clients saw it.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { type Random, seededRandom } from "../../src/base/index.ts";
import { NO_ORPHANS, TestClient, TestServer, isAlive, until } from "../support/server.ts";

/** What befalls a server in a round: every process at once, one that serves somebody, or the one with the history. */
export type Fault = "all" | "worker" | "history";
const FAULTS: readonly Fault[] = ["all", "worker", "history"];

export interface CampaignOptions {
  rounds: number;
  seed: number;
  /** Which faults to choose from; default: all of them. */
  faults?: readonly Fault[];
  /** More flags for the server. */
  flags?: readonly string[];
  onRound?(round: number, text: string): void;
}

export interface CampaignResult {
  received: number;
  stored: number;
  faults: Record<Fault, number>;
}

const CLIENTS = 8;
/** Lines that a client sends at a time. */
const BURST_LINES = 20;
const MARK = /\br\d+\.c\d+\.\d+\b/g;

/** One round's client: says numbered lines without a pause, and notes what the others say. */
class Talker implements Disposable {
  readonly client: TestClient;
  readonly #name: string;
  #said = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(client: TestClient, name: string) {
    this.client = client;
    this.#name = name;
  }

  talk(): void {
    let lines = "";
    for (let i = 0; i < BURST_LINES; i += 1) {
      this.#said += 1;
      lines += `${this.#name}.${this.#said} 你好\n`;
    }
    this.client.socket.write(lines);
    this.#timer = setTimeout(() => this.talk(), 5);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** The live lines, in order: the past that was replayed on entering stands in brackets. */
  get received(): string[] {
    return this.client.lines.filter((line) => line.startsWith("<")).flatMap((line) => line.match(MARK) ?? []);
  }

  [Symbol.dispose](): void {
    this.stop();
    this.client[Symbol.dispose]();
  }
}

/** @throws AssertionError at the first thing that was lost, doubled or out of order */
export async function runCampaign(options: CampaignOptions): Promise<CampaignResult> {
  const random = seededRandom(options.seed);
  const folder = mkdtempSync(join(tmpdir(), "chorus-faults-"));
  const result: CampaignResult = { received: 0, stored: 0, faults: { all: 0, worker: 0, history: 0 } };
  try {
    let checkedTo = 0;
    for (let round = 1; round <= options.rounds; round += 1) {
      const fault = pick(random, options.faults ?? FAULTS);
      result.faults[fault] += 1;
      const seen = await runRound(round, fault, random, folder, options.flags ?? []);
      // The next start has finished what the killed server left before it listens.
      await using _server = await TestServer.start(options.flags, folder);
      const stored = readStored(folder, checkedTo);
      checkedTo = stored.through;
      check(seen, stored.places, `round ${round}, ${fault}`);
      result.stored += stored.places.size;
      const received = seen.reduce((sum, marks) => sum + marks.length, 0);
      result.received += received;
      options.onRound?.(round, `${fault}: ${received} received, ${stored.places.size} stored`);
    }
    return result;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Talks, kills, and ends: what each client had received by then. */
async function runRound(
  round: number,
  fault: Fault,
  random: Random,
  folder: string,
  flags: readonly string[],
): Promise<string[][]> {
  const server = await TestServer.start(["--max-processes", "4", ...flags, ...NO_ORPHANS], folder);
  await server.hasSpares(1);
  const talkers: Talker[] = [];
  try {
    for (let number = 1; number <= CLIENTS; number += 1) {
      const client = await TestClient.named(server.port, `c${number}`);
      talkers.push(new Talker(client, `r${round}.c${number}`));
    }
    for (const talker of talkers) talker.talk();
    const pids = await server.pids();
    const victims = fault === "history" ? [await server.historyPid()] : await server.busyWorkers();
    await delay(random.between(50, 600));
    if (fault !== "all") {
      process.kill(pick(random, victims), "SIGKILL");
      await delay(random.between(50, 600));
      if (fault === "history") await caughtUp(talkers, folder, server);
    }
    // In any order, with any pause: the supervisor may see some of its processes die, or none.
    const all = shuffle(random, pids);
    for (const pid of all) {
      if (isAlive(pid)) process.kill(pid, "SIGKILL");
      if (random.between(0, 4) === 0) await delay(random.between(0, 3));
    }
    await server.end("SIGKILL");
    // Whatever the supervisor started meanwhile ends by itself when it is gone.
    await until("every process to end", () => pids.every((pid) => !isAlive(pid)));
    for (const talker of talkers) talker.stop();
    await until("every connection to end", () => talkers.every(({ client }) => client.closed));
    return talkers.map((talker) => talker.received);
  } finally {
    for (const talker of talkers) talker[Symbol.dispose]();
    await server.end("SIGKILL");
  }
}

/** Nobody was disconnected, and everything that was said is in the history without anybody's doing. */
async function caughtUp(talkers: readonly Talker[], folder: string, server: TestServer): Promise<void> {
  for (const talker of talkers) {
    talker.stop();
    assert.equal(talker.client.closed, false, "a client was disconnected when the history process died");
    talker.client.say("/who");
  }
  await until("every client to have its answer", () =>
    talkers.every(({ client }) => /-- \d+ in #lobby/.test(client.text)),
  );
  await until("the history to have everything that was received", () => {
    const { places } = readStored(folder, 0);
    return talkers.every((talker) => talker.received.every((mark) => places.has(mark)));
  });
  assert.equal(server.child.exitCode, null);
}

interface Stored {
  /** Of each message: where it stands in the one order. */
  places: Map<string, number>;
  through: number;
}

const BUSY_MS = 5000;

function readStored(folder: string, after: number): Stored {
  // Whoever opens it after its writer was killed waits for who does so at the same time, and mends it.
  const database = new DatabaseSync(join(folder, "history.sqlite"), { readOnly: true, timeout: BUSY_MS });
  try {
    const places = new Map<string, number>();
    let through = after;
    const rows = database.prepare("SELECT sequence, text FROM entry WHERE sequence > ? ORDER BY sequence");
    for (const { sequence, text } of rows.iterate(after)) {
      through = sequence as number;
      for (const mark of (text as string).match(MARK) ?? []) {
        assert.ok(!places.has(mark), `${mark} is in the history twice`);
        places.set(mark, through);
      }
    }
    return { places, through };
  } finally {
    database.close();
  }
}

function check(seen: readonly string[][], places: ReadonlyMap<string, number>, where: string): void {
  seen.forEach((marks, client) => {
    let last = 0;
    for (const mark of marks) {
      const place = places.get(mark);
      assert.ok(
        place !== undefined,
        `${where}: client ${client + 1} received ${mark}, which is not in the history`,
      );
      assert.ok(place > last, `${where}: client ${client + 1} received ${mark} in another order`);
      last = place;
    }
  });
}

function pick<T>(random: Random, values: readonly T[]): T {
  return values[random.between(0, values.length - 1)]!;
}

function shuffle<T>(random: Random, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
