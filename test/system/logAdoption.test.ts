/*
 * A log whose host is killed again and again under load: its members wait, another host adopts them, and goes on with
 * what is there, while members are killed, too. Everybody reads the same, without a gap, and all that was published.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Random, SECOND_MS, seededRandom } from "../../src/base/index.ts";
import { close } from "../../src/node/libc.ts";
import { SeatSocket } from "../../src/node/seatSocket.ts";
import { type FromHost, type MemberReport, type ToHost, decode, encode } from "../support/adoption.ts";
import { isAlive, until } from "../support/server.ts";

const HOST = fileURLToPath(new URL("../support/adoptingHost.ts", import.meta.url));
const HOSTS = 10;
const LOAD_MS_MAX = 150;
const RECORDS_BETWEEN = 500;
const FIRST_SEQUENCE = 2 ** 32 - 5000;

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);

class Succession implements AsyncDisposable {
  readonly path = `/dev/shm/chorus-adoption-${randomUUID()}`;
  readonly reports: MemberReport[] = [];
  /** Our own descriptors of the members' seat sockets: what the run sockets are on a real machine. */
  readonly #seats: number[] = [];
  readonly #killed = new Set<number>();
  #host: { child: ChildProcess; seat: SeatSocket; closed: Promise<void> } | undefined;
  sequence = 0;
  #isRunning = false;
  #failure: string | undefined;

  async start(adopt: boolean): Promise<void> {
    const [ours, theirs] = SeatSocket.pair();
    const child = spawn(process.execPath, [HOST, this.path, String(FIRST_SEQUENCE)], {
      stdio: ["ignore", "pipe", "inherit", theirs],
    });
    close(theirs);
    let rest = "";
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#hear(JSON.parse(line) as MemberReport);
    });
    const seat = new SeatSocket(ours);
    seat.onMessage = (bytes, descriptors) => {
      const message = decode(bytes) as FromHost;
      if (message.is === "seat") this.#seats.push(descriptors[0]!);
      else if (message.is === "running") this.#isRunning = true;
      else if (message.is === "ordered") this.sequence = message.sequence;
      else this.#failure ??= message.reason;
    };
    const closed = new Promise<void>((resolve) => (seat.onClose = () => resolve()));
    this.#host = { child, seat, closed };
    this.#isRunning = false;
    for (const descriptor of this.#seats) seat.send(encode({ is: "seat" }), [descriptor]);
    this.#tell({ is: "begin", adopt });
    await this.until("the host to run", () => this.#isRunning);
  }

  /** Kills the host in the middle of its work, and perhaps members just before, and while nobody is their host. */
  async killHost(random: Random): Promise<void> {
    const { child, closed } = this.#host!;
    if (random.between(1, 2) === 1) this.killMember(random);
    child.kill("SIGKILL");
    await once(child, "exit");
    // What it said before: a seat among others.
    await closed;
    if (random.between(1, 2) === 1) this.killMember(random);
  }

  killMember(random: Random): void {
    const living = this.living;
    const pid = living[random.between(0, living.length - 1)];
    if (pid === undefined) return;
    this.#killed.add(pid);
    process.kill(pid, "SIGKILL");
  }

  /** The members that are ready, not killed, and not at their end. */
  get living(): number[] {
    const ended = new Set(this.reports.flatMap((report) => (report.is === "end" ? [report.pid] : [])));
    return this.reports.flatMap((report) => {
      const isLiving = report.is === "ready" && !this.#killed.has(report.pid) && !ended.has(report.pid);
      return isLiving ? [report.pid] : [];
    });
  }

  get killed(): number {
    return this.#killed.size;
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await until(what, () => {
      assert.equal(this.#failure, undefined);
      return condition();
    });
  }

  /** All writers finish, and the last record is read by all. */
  async end(): Promise<void> {
    const { child } = this.#host!;
    const exited = once(child, "exit");
    this.#tell({ is: "stop" });
    await this.until("the writers to finish", () => {
      const written = new Set(
        this.reports.flatMap((report) => (report.is === "written" ? [report.pid] : [])),
      );
      return this.living.every((pid) => written.has(pid));
    });
    this.#tell({ is: "end" });
    await this.until("all to have read the last record", () => this.living.length === 0);
    assert.deepEqual(await exited, [0, null]);
    assert.ok(!existsSync(this.path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#host!.child.kill("SIGKILL");
    this.#host!.seat.close();
    // Without it, every member ends.
    for (const descriptor of this.#seats) close(descriptor);
    const pids = this.reports.flatMap((report) => (report.is === "ready" ? [report.pid] : []));
    await until("everybody to be dead", () => ![this.#host!.child.pid!, ...pids].some((pid) => isAlive(pid)));
    rmSync(this.path, { force: true });
  }

  #tell(message: ToHost): void {
    this.#host!.seat.send(encode(message));
  }

  #hear(report: MemberReport): void {
    if (report.is === "failed") this.#failure ??= report.reason;
    this.reports.push(report);
  }
}

/** All have read the same blocks, and of every writer what it had published. */
function compare(reports: readonly MemberReport[]): number {
  const blocks = new Map<number, number>();
  const published = new Map<number, number>();
  const ends = reports.filter((report) => report.is === "end");
  let compared = 0;
  for (const report of reports) {
    if (report.is === "block") {
      const known = blocks.get(report.block);
      if (known !== undefined) compared += 1;
      assert.equal(known ?? report.hash, report.hash, `block ${report.block} is not the same for all`);
      blocks.set(report.block, report.hash);
    } else if (report.is === "published") published.set(report.writer, report.count);
  }
  for (const { sequence, kinds } of ends) {
    assert.equal(sequence, ends[0]!.sequence, "two last records");
    const last = new Map(kinds);
    for (const report of reports) {
      if (report.is === "written" && report.count > 0)
        assert.equal(last.get(report.writer), report.count, `of writer ${report.writer}, the last record`);
    }
    // Who came after a writer's death has read nothing of it.
    for (const [writer, kind] of kinds)
      assert.ok(kind >= (published.get(writer) ?? 0), `writer ${writer} had published more than ${kind}`);
  }
  return compared;
}

suite("a host that dies, and another that adopts its members", { timeout: 120 * SECOND_MS }, () => {
  test(`${HOSTS} times under load`, async (t) => {
    t.diagnostic(`CHORUS_SEED=${seed}`);
    const random = seededRandom(seed);
    await using log = new Succession();
    await log.start(false);
    for (let hosts = 1; hosts < HOSTS; hosts += 1) {
      const wanted = Math.max(log.sequence, FIRST_SEQUENCE) + RECORDS_BETWEEN;
      await log.until("members to be heard", () => log.sequence >= wanted);
      await delay(random.between(0, LOAD_MS_MAX));
      if (random.between(1, 2) === 1) log.killMember(random);
      await log.killHost(random);
      await delay(random.between(0, LOAD_MS_MAX));
      await log.start(true);
    }
    await log.until("members to be ready", () => log.living.length === 5);
    await log.end();
    const compared = compare(log.reports);
    const orphaned = log.reports.filter(({ is }) => is === "orphaned").length;
    t.diagnostic(
      `${log.sequence - FIRST_SEQUENCE} records, ${log.killed} members killed, ${orphaned} times one was left, ` +
        `${compared} blocks compared`,
    );
    assert.ok(compared > 0 && orphaned > 0 && log.killed > 0);
  });
});
