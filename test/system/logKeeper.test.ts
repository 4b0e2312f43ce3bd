/*
 * A log with a keeper, in real processes under load: keepers are killed and replaced, and then the owner is killed, and
 * with it everybody else. What the keepers had stored and what the recovery finds is everything, in one order.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Random, SECOND_MS, seededRandom } from "../../src/base/index.ts";
import {
  LogCorruptionError,
  type LogRecord,
  SegmentMismatchError,
  recoverSegment,
} from "../../src/log/index.ts";
import { LeftoverSegment } from "../../src/node/leftoverSegment.ts";
import {
  BLOCK_RECORDS,
  StressReader,
  type StressReport,
  describeRecord,
  hashRecord,
  kindOf,
} from "../support/logStress.ts";
import { isAlive, until } from "../support/server.ts";

const HOST = fileURLToPath(new URL("../support/keeperHost.ts", import.meta.url));
const LOAD_MS = 2000;
const KEEPER_LIFE_MS_MAX = 250;
const RECORDS_MIN = 5000;
const FIRST_SEQUENCE = 2 ** 32 - 3000;

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);

/** The owner of a log, its members, and what they have said. */
class Crew implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "chorus-keeper-"));
  readonly segment = `/dev/shm/chorus-keeper-${randomUUID()}`;
  readonly file: string = join(this.folder, "stored");
  readonly keepers: number[] = [];
  readonly members: number[] = [];
  readonly reports: StressReport[] = [];
  readonly #host: ChildProcess;
  /** Everybody has ended who could write to it: the owner and all keepers, those too of whom we were not told. */
  #isSilent = false;

  constructor(deliverAfterKeeper: boolean) {
    writeFileSync(this.file, "");
    const args = [HOST, this.segment, this.file, String(FIRST_SEQUENCE), String(deliverAfterKeeper)];
    this.#host = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    let rest = "";
    this.#host.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#hear(line);
    });
    this.#host.stdout!.on("close", () => (this.#isSilent = true));
  }

  get stored(): string[] {
    return readFileSync(this.file, "utf8").split("\n").slice(0, -1);
  }

  async killKeeper(): Promise<void> {
    const count = this.keepers.length;
    kill(this.keepers.at(-1)!);
    await until("the next keeper", () => this.keepers.length > count);
  }

  /** The keeper, so that much is in flight; then the owner, and the others while they go on as if nothing happened. */
  async killAll(random: Random): Promise<void> {
    for (const pid of this.keepers) kill(pid);
    await delay(random.between(10, 30));
    this.#host.kill("SIGKILL");
    await delay(random.between(0, 3));
    for (const pid of [...this.keepers, ...this.members]) kill(pid);
    await until("everybody to be dead", () => this.isDead);
  }

  get isDead(): boolean {
    return this.#isSilent && ![this.#host.pid!, ...this.keepers, ...this.members].some((pid) => isAlive(pid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killAll(seededRandom(0));
    rmSync(this.segment, { force: true });
    rmSync(this.folder, { recursive: true });
  }

  #hear(line: string): void {
    const [who, pid] = line.split(" ");
    if (who === "keeper") this.keepers.push(Number(pid));
    else if (who === "member") this.members.push(Number(pid));
    // Lines of one who was killed may be cut short, and go on with another's.
    else if (/^\{[^{}]*\}$/.test(line)) this.reports.push(JSON.parse(line) as StressReport);
  }
}

function kill(pid: number): void {
  if (isAlive(pid)) process.kill(pid, "SIGKILL");
}

class Interrupted extends Error {}

/** Recovers the segment into lines like those of the keepers; is interrupted after so many records, or never. */
function recover(path: string, after: number): { lines: string[]; next: number; lastTimeMs: number } {
  using leftover = LeftoverSegment.open(path);
  assert.ok(leftover !== undefined);
  const reader = new StressReader(leftover.segment.layout.payloadBytesMax, () => undefined);
  const lines: string[] = [];
  let committed = 0;
  const handler = (record: LogRecord): void => {
    if (lines.length >= after) throw new Interrupted();
    reader.read(record);
    lines.push(describeRecord(record));
  };
  const commit = (): void => {
    committed = lines.length;
  };
  try {
    const { nextSequence, lastTimeMs, records, violations } = recoverSegment(
      leftover.segment,
      handler,
      Date.now,
      commit,
    );
    assert.deepEqual(violations, []);
    assert.equal(records, lines.length);
    assert.equal(committed, lines.length);
    return { lines, next: nextSequence, lastTimeMs };
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return { lines: lines.slice(0, committed), next: 0, lastTimeMs: 0 };
  }
}

/** In one order, without a gap, and nothing twice but as itself. */
function inOrder(lines: readonly string[]): number[][] {
  const bySequence = new Map<number, string>();
  for (const line of lines) {
    const sequence = Number(line.slice(0, line.indexOf(" ")));
    assert.equal(bySequence.get(sequence) ?? line, line, "one number, two records");
    bySequence.set(sequence, line);
  }
  const records = [...bySequence.values()].map((line) => line.split(" ").map(Number));
  records.sort((one, two) => one[0]! - two[0]!);
  let timeMs = 0;
  const counts = new Map<number, number>();
  for (const [index, [sequence, , writer, kind, , time]] of records.entries()) {
    assert.equal(sequence, FIRST_SEQUENCE + index, "a gap");
    assert.ok(time! >= timeMs, "time goes back");
    timeMs = time!;
    const count = counts.get(writer!) ?? 0;
    assert.equal(kind, kindOf(count), `writer ${writer} has a gap after ${count} records`);
    counts.set(writer!, count + 1);
  }
  return records;
}

/** Every block that a reader has told of is one of those records. */
function compareBlocks(reports: readonly StressReport[], records: readonly number[][]): number {
  const hashes = new Map<number, number>();
  let hash = 0;
  for (const [index, record] of records.entries()) {
    const sequence = FIRST_SEQUENCE + index;
    if (sequence % BLOCK_RECORDS === 0) hash = 0;
    hash = hashRecord(hash, record.slice(0, 5));
    if ((sequence + 1) % BLOCK_RECORDS === 0) hashes.set(Math.floor(sequence / BLOCK_RECORDS), hash);
  }
  let compared = 0;
  for (const report of reports) {
    if (report.is !== "block") continue;
    assert.equal(report.hash, hashes.get(report.block), `a reader has read another block ${report.block}`);
    compared += 1;
  }
  return compared;
}

suite("a log with a keeper", { timeout: 120 * SECOND_MS }, () => {
  const random = seededRandom(seed);
  for (const deliverAfterKeeper of [false, true]) {
    test(deliverAfterKeeper ? "the others read what it has stored" : "the others read at once", async (t) => {
      t.diagnostic(`CHORUS_SEED=${seed}`);
      await using crew = new Crew(deliverAfterKeeper);
      await until("all to be there", () => crew.members.length === 3 && crew.keepers.length > 0);
      const started = performance.now();
      while (performance.now() - started < LOAD_MS || crew.stored.length < RECORDS_MIN) {
        await delay(random.between(0, KEEPER_LIFE_MS_MAX));
        await crew.killKeeper();
      }
      const count = crew.stored.length;
      await until("the last keeper to store something", () => crew.stored.length > count);
      await until("a reader to read a block", () => crew.reports.some(({ is }) => is === "block"));
      await crew.killAll(random);
      const { stored, reports } = crew;

      const interrupted = recover(crew.segment, random.between(0, 10));
      const { lines, next, lastTimeMs } = recover(crew.segment, Number.POSITIVE_INFINITY);
      const records = inOrder([...stored, ...interrupted.lines, ...lines]);
      assert.equal(next, FIRST_SEQUENCE + records.length);
      assert.ok(lastTimeMs >= records.at(-1)![5]!);
      const blocks = compareBlocks(reports, deliverAfterKeeper ? inOrder(stored) : records);
      assert.ok(blocks > 0);
      for (const report of reports) {
        if (report.is !== "published") continue;
        assert.ok(records.length >= report.count, "what was published is there");
      }
      const again = recover(crew.segment, Number.POSITIVE_INFINITY);
      assert.deepEqual(again, { lines: [], next, lastTimeMs });
      assert.ok(interrupted.lines.length + lines.length > 0, "something was in flight");
      t.diagnostic(
        `${records.length} records, ${lines.length} of them recovered, ${crew.keepers.length} keepers, ` +
          `${blocks} blocks compared`,
      );
    });
  }
});

suite("a leftover segment that cannot be recovered", () => {
  test("is refused for what it is", async () => {
    await using crew = new Crew(false);
    await until("something to be stored", () => crew.stored.length > 100);
    await crew.killAll(seededRandom(1));
    const open = (path: string): LeftoverSegment | undefined => LeftoverSegment.open(path);
    assert.equal(open(`${crew.segment}-of-nobody`), undefined);

    const link = join(crew.folder, "link");
    symlinkSync(crew.segment, link);
    assert.throws(() => open(link), { code: "ELOOP" });
    assert.throws(() => open(crew.folder), { code: "EISDIR" });

    const copy = join(crew.folder, "copy");
    const bytes = readFileSync(crew.segment);
    writeFileSync(copy, bytes);
    {
      using leftover = open(copy);
      const { words, layout } = leftover!.segment;
      words.set(layout.tail, words.get(layout.tail) + 1);
      const recovery = (): unknown =>
        recoverSegment(
          leftover!.segment,
          () => undefined,
          Date.now,
          () => undefined,
        );
      assert.throws(recovery, LogCorruptionError);
      leftover!.remove();
      assert.ok(!existsSync(copy));
    }
    for (const length of [0, 100, 4096, bytes.length - 4096, bytes.length + 4096]) {
      writeFileSync(copy, bytes);
      truncateSync(copy, length);
      assert.throws(() => open(copy), SegmentMismatchError, `${length} bytes`);
    }
  });
});
