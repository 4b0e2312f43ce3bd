/* `chorus join` as people run it: a process of its own, in a pipe or on a terminal (tmux), against a server of ours. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, type Socket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const LAUNCHER = fileURLToPath(new URL("../../bin/chorus.js", import.meta.url));
const TIMEOUT_MS = 30_000;
const CTRL_C = "C-c";
const CTRL_D = "C-d";

/** A server that only holds connections: each test says what it sends. */
class FakeServer {
  readonly #server = createServer({ allowHalfOpen: true });
  readonly #sockets = new Set<Socket>();
  port = 0;

  static async start(): Promise<FakeServer> {
    const fake = new FakeServer();
    fake.#server.on("connection", (socket) => {
      fake.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => fake.#sockets.delete(socket));
    });
    fake.#server.listen(0, "127.0.0.1");
    await once(fake.#server, "listening");
    fake.port = (fake.#server.address() as AddressInfo).port;
    return fake;
  }

  async connection(): Promise<Socket> {
    const [socket] = (await once(this.#server, "connection")) as [Socket];
    return socket;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** `chorus join` with pipes, killed at the end of the test if it still runs. */
class PipedJoin {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;

  constructor(args: readonly string[], nodeArgs: readonly string[] = []) {
    this.child = spawn(process.execPath, [...nodeArgs, LAUNCHER, "join", ...args], { stdio: "pipe" });
    this.child.stdin.on("error", () => this.child.stdin.destroy());
    this.ended = this.#end();
  }

  async #end(): Promise<Ended> {
    const [[code, signal], stderr] = await Promise.all([
      once(this.child, "exit") as Promise<[number | null, NodeJS.Signals | null]>,
      text(this.child.stderr),
    ]);
    return { code, signal, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** Waits until the stream has given `expected`, and nothing else. */
async function receive(stream: NodeJS.ReadableStream, expected: string): Promise<void> {
  let received = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    received += decoder.decode(chunk as Buffer, { stream: true });
    if (received.length >= expected.length) break;
  }
  assert.equal(received, expected);
}

suite("chorus join in a pipe", { timeout: TIMEOUT_MS }, () => {
  test("says every line of its input and ends when the server closes", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port), "--name", "小明"]);
    const socket = await server.connection();
    socket.write("-- welcome\n");
    await receive(join.child.stdout, "-- welcome\n");
    join.child.stdin.end("hello\nlast line without its end");
    assert.equal(await text(socket), "/nick 小明\nhello\nlast line without its end");
    socket.end("<bob> bye\n");
    assert.equal(await text(join.child.stdout), "<bob> bye\n");
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
  });

  test("passes bytes on as they are, wherever they are cut", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    socket.setNoDelay(true);
    const said = Buffer.from("<bob> 你好 👋\r\n");
    for (const byte of said) {
      socket.write(Buffer.of(byte));
      await delay(1);
    }
    await receive(join.child.stdout, said.toString());
    for (const byte of said) {
      join.child.stdin.write(Buffer.of(byte));
      await delay(1);
    }
    await receive(socket, said.toString());
    socket.write(Buffer.of(0xff, 0x00, 0x1b));
    const [bytes] = (await once(join.child.stdout, "data")) as [Buffer];
    assert.deepEqual([...bytes], [0xff, 0x00, 0x1b]);
  });

  test("10 MB each way arrive whole, and neither side is read faster than the other takes it", async () => {
    const line = `${"0123456789".repeat(10)}\n`;
    const whole = line.repeat(100_000);
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();

    // The server reads nothing: the input stalls, long before all of it was taken.
    socket.pause();
    join.child.stdin.write(whole);
    await stalled(() => server, socket, join);
    assert.ok(join.child.stdin.writableLength > 0, "the input was taken whole though the server read nothing");
    join.child.stdin.end();
    assert.equal((await text(socket)).length, whole.length);

    // Nobody reads the output: the server's sending stalls.
    socket.end(whole);
    await stalledSending(socket);
    assert.ok(socket.bytesWritten - socket.writableLength < whole.length, "the output was taken though nobody read it");
    assert.equal(await text(join.child.stdout), whole);
    assert.equal((await join.ended).code, 0);
  });
});
