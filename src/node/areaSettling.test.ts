import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { bareConnection } from "../../test/support/bareConnection.ts";
import { answerTo, lineOf } from "../../test/support/clientLines.ts";
import { KiB, type Random, UINT32_SPAN, seededRandom } from "../base/index.ts";
import { ArrayWords } from "../log/index.ts";
import { ClientArea } from "../server/index.ts";
import { AreaMapping } from "./areaMapping.ts";
import { keepPoison, settle } from "./areaSettling.ts";
import {
  close,
  dropView,
  dupCloexec,
  mapShared,
  memfdCreate,
  munmap,
  pageBytes,
  socketpair,
  viewMemory,
} from "./libc.ts";

const CHILD = fileURLToPath(new URL("../../test/support/clientChild.ts", import.meta.url));
const ROUNDS = 30;
const OUTPUT_BYTES = 256 * KiB;
/** In each round so much is said at the most, and after so long at the most its process is killed. */
const LINES_MAX = 3000;
const LIFE_MS_MAX = 25;

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const descriptors = (): number => readdirSync("/proc/self/fd").length;

/** A process that serves the client when it is told to. */
class Server {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown[]>;
  readonly #page: number;
  readonly #address: bigint;
  readonly #view: ArrayBuffer;
  readonly #words: ArrayWords;

  /** @param published where its ring of the log is published up to when it begins */
  constructor(socket: number, area: number, published: number) {
    this.#page = memfdCreate("chorus test", pageBytes());
    this.#address = mapShared(this.#page, pageBytes(), { writable: true });
    this.#view = viewMemory(this.#address, pageBytes());
    this.#words = new ArrayWords(this.#view);
    this.#words.store(0, published);
    this.#child = spawn(process.execPath, [CHILD], {
      stdio: ["pipe", "pipe", "inherit", socket, area, this.#page],
    });
    this.#child.stdin!.on("error", () => {});
    this.#exited = once(this.#child, "exit");
  }

  async ready(): Promise<void> {
    await once(this.#child.stdout!, "data");
  }

  begin(): void {
    this.#child.stdin!.write("begin\n");
  }

  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    assert.deepEqual(await this.#exited, [null, "SIGKILL"], "it ended by itself");
  }

  async ended(): Promise<void> {
    assert.deepEqual(await this.#exited, [0, null]);
  }

  get published(): number {
    return this.#words.load(0);
  }

  close(): void {
    dropView(this.#view);
    munmap(this.#address, pageBytes());
    close(this.#page);
  }
}

/** Says one line after the other, and compares what it is answered. */
class Talker {
  said = 0;
  answered = 0;
  #rest = "";
  readonly #client: Socket;

  constructor(client: Socket) {
    this.#client = client;
    client.on("data", (chunk: Buffer) => this.#hear(chunk.toString("latin1")));
  }

  #hear(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      const expected = Buffer.from(answerTo(lineOf(this.answered))).toString();
      if (`${line}\n` !== expected) assert.equal(`${line}\n`, expected);
      this.answered += 1;
    }
  }

  say(lines: number): void {
    let text = "";
    for (let i = 0; i < lines; i += 1) text += lineOf(this.said + i);
    this.said += lines;
    this.#client.write(text);
  }

  /** Says nothing more, and hears all that is still to come. */
  async finish(): Promise<void> {
    const ended = once(this.#client, "end");
    this.#client.end();
    await ended;
    assert.equal(this.#rest, "");
    assert.equal(this.answered, this.said);
  }
}

/** Of a server's ring: just below the wrap, or anywhere. */
function startOf(random: Random): number {
  return random.between(0, 1) === 0 ? -random.between(0, 5000) : random.between(-(2 ** 31), 2 ** 31 - 1);
}

test("a client whose process is killed again and again misses nothing and sees nothing twice", async (t) => {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  const random = seededRandom(seed);
  const before = descriptors();
  const { client, fd } = await bareConnection();
  const area = AreaMapping.create(OUTPUT_BYTES, { input: UINT32_SPAN - 5000, output: UINT32_SPAN - 50_000 });
  const talker = new Talker(client);
  let server = new Server(fd, area, startOf(random));
  await server.ready();
  server.begin();
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = new Server(fd, area, startOf(random));
    await next.ready();
    talker.say(random.between(1, LINES_MAX));
    const isFull = random.between(0, 2) === 0;
    if (isFull) client.pause();
    await delay(random.between(0, LIFE_MS_MAX));
    await server.kill();
    assert.equal(settle(fd, area, server.published), false);
    server.close();
    if (isFull) client.resume();
    server = next;
    server.begin();
  }
  await talker.finish();
  await server.ended();
  server.close();
  client.destroy();
  if (!client.closed) await once(client, "close");
  close(area);
  close(fd);
  assert.equal(descriptors(), before, "descriptors leak");
});

test("a line at which two processes have died is kept where only its owner can read it", async () => {
  const before = descriptors();
  const data = mkdtempSync(join(tmpdir(), "chorus-"));
  const sockets = socketpair();
  const fd = AreaMapping.create(OUTPUT_BYTES);
  const mapping = AreaMapping.adopt(dupCloexec(fd));
  const area = new ClientArea(mapping.memory);
  area.space().set(Buffer.from("/deadly \xff\nnext\n", "latin1"));
  area.received(15);
  // A socket pair's counts are not known: what was read is what the area says.
  for (const isPoisoned of [false, true]) {
    assert.ok(area.beginTrial());
    assert.equal(settle(sockets[0], fd, 0), isPoisoned);
  }
  assert.ok(!area.beginTrial());
  const path = await keepPoison(data, 42, fd);
  assert.equal(readFileSync(path, "latin1"), "/deadly \xff\n");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(data, "poison")).mode & 0o777, 0o700);
  assert.match(path, /poison\/[^/]+-session-42$/);
  mapping.close();
  for (const each of [...sockets, fd]) close(each);
  rmSync(data, { recursive: true });
  assert.equal(descriptors(), before, "descriptors leak");
});
