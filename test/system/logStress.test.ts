/*
 * The log under stress, with real processes: writers and readers on rings so small that they wrap thousands of times,
 * counters that begin just below their wrap, random sizes and pauses, and deaths at random moments. Everybody reads
 * the same, and of the dead what they had published, without a gap.
 *
 * CHORUS_STRESS_SECONDS makes it longer, CHORUS_SEED chooses for it.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { type TestContext, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Random, SECOND_MS, seededRandom } from "../../src/base/index.ts";
import type { LogRecord } from "../../src/log/index.ts";
import { RECORD_HEADER_BYTES } from "../../src/log/layout.ts";
import { LogHost, type LogHostOptions } from "../../src/node/logHost.ts";
import {
  END_KIND,
  StressReader,
  type StressReport,
  fillPayload,
  kindOf,
  payloadBytes,
} from "../support/logStress.ts";
import { isAlive, until } from "../support/server.ts";

const MEMBER = fileURLToPath(new URL("../support/logStressMember.ts", import.meta.url));
/** By slot; a process that dies is replaced by one of its kind. */
const ROLES = ["both", "writer", "reader", "both", "writer", "reader"] as const;
/** Process 0 writes, too. */
const OWN_WRITER = 0;
/** Long enough for a busy machine, short enough to see one who was stopped evicted: it takes four to five of them. */
const PROBE_MS = 500;
const CHAOS_PAUSE_MS_MAX = 120;
const STOP_MS_MAX = 200;
const WRAPS_MIN = 1000;

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const seconds = Number(process.env["CHORUS_STRESS_SECONDS"] ?? 24);

interface Round {
  ringBytes: number;
  orderEntries: number;
  firstSequence: number;
  startPosition: number;
}
const ROUNDS: readonly Round[] = [
  { ringBytes: 4096, orderEntries: 64, firstSequence: 2 ** 32 - 10_000, startPosition: 2 ** 31 - 2 ** 16 },
  { ringBytes: 512, orderEntries: 16, firstSequence: 2 ** 31 - 10_000, startPosition: 2 ** 32 - 2 ** 14 },
  { ringBytes: 1024, orderEntries: 1024, firstSequence: 2 ** 52 - 10_000, startPosition: 2 ** 31 - 2 ** 12 },
];

interface Member {
  readonly process: number;
  readonly writer: number;
  readonly role: (typeof ROLES)[number];
  readonly pid: number;
  readonly reports: StressReport[];
  readonly signal: (name: NodeJS.Signals) => void;
  isReady: boolean;
  isStopped: boolean;
  /** Somebody has ended it on purpose. */
  isDoomed: boolean;
  isEvicted: boolean;
  isSilent: boolean;
  /** The sequence number at which it was known to be dead, with all that it had published ordered. */
  goneAt: number | undefined;
}

/** What process 0 has read of a writer. */
interface Seen {
  count: number;
  lastSequence: number;
}

class Stress implements AsyncDisposable {
  readonly host: LogHost;
  readonly members: Member[] = [];
  readonly blocks = new Map<number, number>();
  readonly seen = new Map<number, Seen>();
  readonly path = `/dev/shm/chorus-stress-${randomUUID()}`;
  /** Bytes of records that process 0 has read of each slot. */
  readonly #bytes: number[] = Array.from({ length: ROLES.length + 1 }, () => 0);
  records = 0;
  /** What process 0 has written. */
  said = 0;
  endHash: number | undefined;
  isEnding = false;
  isAtEnd = false;
  readonly #random: Random;
  readonly #ringBytes: number;
  readonly #reader: StressReader;
  #failure: unknown;
  #toSay = 0;
  #isEndSaid = false;
  #writers = OWN_WRITER;

  constructor(round: Round, random: Random) {
    this.#random = random;
    this.#ringBytes = round.ringBytes;
    const { ringBytes, orderEntries, firstSequence, startPosition } = round;
    const options: LogHostOptions = {
      path: this.path,
      geometry: { processes: ROLES.length + 1, ringBytes, orderEntries, pageBytes: 4096 },
      firstSequence,
      startPosition,
      probeMs: PROBE_MS,
      onEvicted: (process, reason) => this.#onEvicted(process, reason),
      onGone: (process, code, signal) => this.#onGone(process, code, signal),
    };
    this.host = new LogHost(options);
    this.#reader = new StressReader(this.host.member.payloadBytesMax, (block, hash) =>
      this.blocks.set(block, hash),
    );
    this.host.onTurn(() => this.#turn());
    this.host.member.attach();
    for (const _ of ROLES) this.#spawn();
  }

  /** How often the ring that wrapped most did so. */
  get wraps(): number {
    return Math.floor(Math.max(...this.#bytes) / this.#ringBytes);
  }

  /** Throws what went wrong where no caller stood. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Waits, and fails as soon as anything has. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await until(what, () => {
      this.check();
      return condition();
    });
  }

  get living(): Member[] {
    return this.members.filter((member) => member.goneAt === undefined);
  }

  say(count: number): void {
    this.#toSay += count;
    this.host.wake();
  }

  /** Does something bad to somebody, or only says something. */
  async harm(): Promise<void> {
    this.say(this.#random.between(0, 40));
    const victims = this.living.filter((member) => !member.isDoomed);
    const victim = victims[this.#random.between(0, victims.length - 1)];
    if (victim === undefined) return;
    const choice = this.#random.between(1, 4);
    if (choice === 1) {
      victim.isDoomed = true;
      victim.signal("SIGKILL");
    } else if (choice === 2) {
      victim.signal("SIGSTOP");
      await delay(this.#random.between(0, STOP_MS_MAX));
      victim.signal("SIGCONT");
    }
  }

  /** Stops one who reads for so long that it is ended for it. */
  async evictOne(): Promise<void> {
    const isVictim = (member: Member): boolean =>
      member.isReady && !member.isDoomed && member.role === "reader";
    await this.until("somebody to read", () => this.living.some(isVictim));
    const victim = this.living.find(isVictim)!;
    victim.isDoomed = true;
    victim.isStopped = true;
    victim.signal("SIGSTOP");
    await this.until(
      "the stopped reader to be evicted",
      () => victim.isEvicted && victim.goneAt !== undefined,
    );
  }

  /** Writers finish what they were saying, process 0 has the last word, and readers go when they have read it. */
  async end(): Promise<void> {
    await this.until("all to be ready", () =>
      this.living.every(({ isReady, isDoomed }) => isReady && !isDoomed),
    );
    this.isEnding = true;
    const writers = this.living.filter(({ role }) => role !== "reader");
    for (const writer of writers) writer.signal("SIGTERM");
    await this.until("the writers to finish", () =>
      writers.every((writer) => writtenBy(writer) !== undefined),
    );
    this.#isEndSaid = true;
    this.say(1);
    await this.until("the last record to be read", () => this.isAtEnd);
    await this.until("the members to end", () =>
      this.members.every(({ goneAt, isSilent }) => goneAt !== undefined && isSilent),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isEnding = true;
    for (const member of this.living) member.signal("SIGKILL");
    await until("the members to be gone", () => [...this.host.processes].length === 0);
    this.host[Symbol.dispose]();
    assert.ok(!existsSync(this.path));
    for (const { pid } of this.members) assert.ok(!isAlive(pid), `process ${pid} lives`);
  }

  #turn(): void {
    const { member } = this.host;
    try {
      member.poll((record) => this.#onRecord(record));
      while (this.#toSay > 0 && !member.isBlocked && this.#append()) this.#toSay -= 1;
    } catch (error) {
      // Kept for the test, which stands elsewhere.
      this.#failure ??= error;
    }
  }

  #append(): boolean {
    const { member } = this.host;
    const isEnd = this.#isEndSaid && this.#toSay === 1;
    const kind = isEnd ? END_KIND : kindOf(this.said);
    const bytes = new Uint8Array(payloadBytes(OWN_WRITER, kind, member.payloadBytesMax));
    if (!isEnd) fillPayload(bytes, OWN_WRITER, kind);
    if (member.append(kind, OWN_WRITER, bytes) < 0) return false;
    if (!isEnd) this.said += 1;
    return true;
  }

  #onRecord(record: LogRecord): void {
    this.#reader.read(record);
    const { sequence, process, kind, room: writer, length } = record;
    assert.ok(!this.isAtEnd, "a record after the last");
    this.records += 1;
    this.#bytes[process]! += RECORD_HEADER_BYTES + length;
    if (kind === END_KIND) {
      this.isAtEnd = true;
      this.endHash = this.#reader.hash;
      return;
    }
    const seen = this.seen.get(writer) ?? { count: 0, lastSequence: 0 };
    this.seen.set(writer, seen);
    assert.equal(kind, kindOf(seen.count), `writer ${writer} has a gap after ${seen.count} records`);
    seen.count += 1;
    seen.lastSequence = sequence;
  }

  #spawn(): void {
    this.#writers += 1;
    const writer = this.#writers;
    const free = ROLES.findIndex((_, i) => !this.living.some(({ process }) => process === i + 1));
    const role = ROLES[free]!;
    const memberSeed = String(this.#random.between(0, 2 ** 31));
    const { process, child } = this.host.spawn([MEMBER, String(writer), memberSeed, role], {
      stdout: "pipe",
    });
    assert.equal(process, free + 1);
    const member: Member = {
      process,
      writer,
      role,
      pid: child.pid!,
      reports: [],
      signal: (name) => child.kill(name),
      isReady: false,
      isStopped: false,
      isDoomed: false,
      isEvicted: false,
      isSilent: false,
      goneAt: undefined,
    };
    this.members.push(member);
    let rest = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      // What is not a whole line is the last word of one who was killed.
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const report = JSON.parse(line) as StressReport;
        if (report.is === "ready") member.isReady = true;
        else member.reports.push(report);
      }
    });
    child.stdout!.on("close", () => (member.isSilent = true));
  }

  #onEvicted(process: number, reason: string): void {
    const member = this.living.find((each) => each.process === process);
    if (member?.isStopped === true) member.isEvicted = true;
    else this.#failure ??= new Error(`process ${process} (${member?.role}) was evicted: ${reason}`);
  }

  #onGone(process: number, code: number | null, signal: NodeJS.Signals | null): void {
    const member = this.living.find((each) => each.process === process)!;
    member.goneAt = this.host.sequencer.sequence;
    if (!(this.isEnding && code === 0) && !(member.isDoomed && signal === "SIGKILL"))
      this.#failure ??= new Error(
        `process ${process} (${member.role}) has ended: code ${code}, signal ${signal}`,
      );
    if (!this.isEnding) this.#spawn();
  }
}

function writtenBy(member: Member): number | undefined {
  for (const report of member.reports) if (report.is === "written") return report.count;
  return undefined;
}

/** What the members told of themselves agrees with what process 0 has read. */
function compare(stress: Stress, sequenceAtEnd: number): { blocks: number; killed: number } {
  assert.equal(stress.seen.get(OWN_WRITER)?.count, stress.said);
  let blocks = 0;
  let killed = 0;
  for (const member of stress.members) {
    const { count, lastSequence } = stress.seen.get(member.writer) ?? { count: 0, lastSequence: 0 };
    const who = `writer ${member.writer} in slot ${member.process}`;
    const written = writtenBy(member);
    assert.ok(lastSequence < member.goneAt!, `${who} was heard after its end`);
    if (written !== undefined) assert.equal(count, written, `${who} was heard to its end`);
    if (member.isDoomed) killed += 1;
    else if (member.role !== "writer")
      assert.ok(
        member.reports.some(({ is }) => is === "end"),
        `${who} has not read the end`,
      );
    for (const report of member.reports) {
      if (report.is === "published")
        assert.ok(count >= report.count, `${who} published ${report.count}, not ${count}`);
      else if (report.is === "block") {
        blocks += 1;
        assert.equal(
          report.hash,
          stress.blocks.get(report.block),
          `${who} has read another block ${report.block}`,
        );
      } else if (report.is === "end") {
        assert.equal(report.sequence, sequenceAtEnd);
        if (report.hash !== undefined)
          assert.equal(report.hash, stress.endHash, `${who} has read another end`);
      }
    }
  }
  return { blocks, killed };
}

async function run(t: TestContext, round: Round, random: Random): Promise<void> {
  await using stress = new Stress(round, random);
  const started = performance.now();
  const passed = (): number => (performance.now() - started) / ((seconds * SECOND_MS) / ROUNDS.length);
  while (passed() < 0.4) {
    stress.check();
    await stress.harm();
    await delay(random.between(0, CHAOS_PAUSE_MS_MAX));
  }
  await stress.evictOne();
  // A slow machine takes longer.
  while (passed() < 1 || stress.wraps < WRAPS_MIN) {
    stress.check();
    await stress.harm();
    await delay(random.between(0, CHAOS_PAUSE_MS_MAX));
  }
  await stress.end();
  const { blocks, killed } = compare(stress, stress.host.sequencer.sequence - 1);
  t.diagnostic(
    `${stress.records} records, ${stress.wraps} wraps, ${stress.members.length} members, ${killed} of them killed, ` +
      `${blocks} blocks of records compared`,
  );
  assert.ok(blocks > 0 && killed > 1);
}

suite(
  "writers and readers that are killed at random moments",
  { timeout: (seconds + 120) * SECOND_MS },
  () => {
    const random = seededRandom(seed);
    for (const round of ROUNDS) {
      test(`rings of ${round.ringBytes} bytes, ${round.orderEntries} entries`, (t) => {
        t.diagnostic(`CHORUS_SEED=${seed}`);
        return run(t, round, random);
      });
    }
  },
);
