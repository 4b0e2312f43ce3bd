/* `chorus join` as people run it: a process of its own, in a pipe or on a terminal (tmux), against a server of ours. */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const LAUNCHER = fileURLToPath(new URL("../../bin/chorus.js", import.meta.url));
const TIMEOUT_MS = 60_000;
/** Between two looks at what only looking tells. */
const LOOK_MS = 25;
/** What has not changed for so long has come to rest. */
const REST_MS = 500;
/** How long a screen may take to become what is expected. */
const SCREEN_LIMIT_MS = 10_000;

/** More than the system's buffers on the way hold, by far: 32 MB. */
const FLOOD = `${"0123456789".repeat(10)}\n`.repeat(330_000);
const PIECE_BYTES = 65_536;

const run = promisify(execFile);

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

  constructor(args: readonly string[]) {
    this.child = spawn(process.execPath, [LAUNCHER, "join", ...args], { stdio: "pipe" });
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

/** A server with room for no more connections: it listens, and takes none of those that wait. */
class DeafServer {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Socket[] = [];
  port = 0;

  private constructor() {
    const source = `
      const server = require("node:net").createServer();
      server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
        require("node:fs").writeSync(1, String(server.address().port));
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      });`;
    this.#process = spawn(process.execPath, ["-e", source], { stdio: "pipe" });
  }

  static async start(): Promise<DeafServer> {
    const deaf = new DeafServer();
    const [told] = (await once(deaf.#process.stdout, "data")) as [Buffer];
    deaf.port = Number(told.toString());
    // The system takes one more than the backlog says.
    for (let i = 0; i < 2; i += 1) {
      const socket = connect(deaf.port, "127.0.0.1");
      deaf.#waiting.push(socket);
      await once(socket, "connect");
      socket.on("error", () => socket.destroy());
    }
    return deaf;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#waiting) socket.destroy();
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }
}

interface Screen {
  /** Without those below the last one with text. */
  rows: string[];
  cursor: [column: number, row: number];
}

/** A program on a terminal of its own: a tmux server with one pane. */
class Terminal {
  static readonly columns = 60;
  static readonly rows = 16;
  /** Holds the tmux server's socket: tmux leaves it there when it ends. */
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async join(port: number, ...args: readonly string[]): Promise<Terminal> {
    return await Terminal.start(process.execPath, LAUNCHER, "join", "127.0.0.1", String(port), ...args);
  }

  static async start(...command: readonly string[]): Promise<Terminal> {
    const terminal = new Terminal(await mkdtemp(joinPath(tmpdir(), "chorus-join-")));
    const size = ["-x", String(Terminal.columns), "-y", String(Terminal.rows)];
    // The exit code is said on the screen: tmux itself sometimes misses it. Then `cat` keeps the screen there.
    const thenTell = ["sh", "-c", '"$@"; echo "exit code $?"; exec cat', "sh", ...command];
    // No status line, which would take a row.
    const options = ["set", "-g", "status", "off"];
    await terminal.#tmux(
      "start-server",
      ";",
      ...options,
      ";",
      "new-session",
      "-d",
      ...size,
      "--",
      ...thenTell,
    );
    return terminal;
  }

  async #tmux(...args: readonly string[]): Promise<string> {
    return (await run("tmux", ["-S", joinPath(this.#directory, "tmux"), "-f", "/dev/null", "-u", ...args]))
      .stdout;
  }

  async type(characters: string): Promise<void> {
    await this.#tmux("send-keys", "-l", characters);
  }

  /** Keys by tmux's names for them: Enter, Left, C-c. */
  async press(...keys: readonly string[]): Promise<void> {
    await this.#tmux("send-keys", ...keys);
  }

  async screen(): Promise<Screen> {
    const shown = await this.#tmux(
      "display-message",
      "-p",
      "#{cursor_x},#{cursor_y}",
      ";",
      "capture-pane",
      "-p",
    );
    const [cursor, ...rows] = shown.split("\n");
    const [column, row] = cursor!.split(",").map(Number);
    return { rows: withoutEmptyEnd(rows), cursor: [column!, row!] };
  }

  /** All rows there ever were, those that scrolled off above included. */
  async everything(): Promise<string[]> {
    return withoutEmptyEnd((await this.#tmux("capture-pane", "-p", "-S", "-")).split("\n"));
  }

  /** The screen once it is as expected; fails with what is there instead if that never comes. */
  async until(expected: (screen: Screen) => boolean): Promise<Screen> {
    for (const deadlineMs = performance.now() + SCREEN_LIMIT_MS; ; await delay(LOOK_MS)) {
      const screen = await this.screen();
      if (expected(screen)) return screen;
      if (performance.now() > deadlineMs)
        assert.fail(`the screen never became\n${expected.toString()}\nbut is\n${screen.rows.join("\n")}`);
    }
  }

  async exitCode(): Promise<number> {
    const { rows } = await this.until((screen) => screen.rows.at(-1)?.startsWith("exit code ") === true);
    return Number(rows.at(-1)!.split(" ").at(-1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tmux("kill-server");
    await rm(this.#directory, { recursive: true });
  }
}

function withoutEmptyEnd(rows: readonly string[]): string[] {
  const kept = rows.map((row) => row.trimEnd());
  while (kept.at(-1) === "") kept.pop();
  return kept;
}

/** Waits until the stream has given `expected`, and nothing else. The stream goes on. */
async function receive(stream: Readable, expected: string): Promise<void> {
  const decoder = new TextDecoder();
  let received = "";
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    received += decoder.decode(chunk as Buffer, { stream: true });
    if (received.length >= expected.length) break;
  }
  assert.equal(received, expected);
}

/** The value that `measure` gives once it has stopped changing. */
async function atRest(measure: () => number): Promise<number> {
  let value = measure();
  for (let sinceMs = Date.now(); Date.now() - sinceMs < REST_MS; await delay(LOOK_MS)) {
    const now = measure();
    if (now === value) continue;
    value = now;
    sinceMs = Date.now();
  }
  return value;
}

/** Pours `FLOOD` into a stream, as fast as it is taken. */
class Pouring {
  takenBytes = 0;
  readonly done: Promise<void>;

  constructor(stream: Writable) {
    this.done = this.#pour(stream);
  }

  async #pour(stream: Writable): Promise<void> {
    for (let at = 0; at < FLOOD.length; at += PIECE_BYTES) {
      const piece = FLOOD.slice(at, at + PIECE_BYTES);
      await new Promise<void>((resolve, reject) => {
        stream.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      this.takenBytes += piece.length;
    }
  }
}

suite("chorus join in a pipe", { timeout: TIMEOUT_MS }, () => {
  test("says its input, shows what arrives, and ends when the server closes after it", async () => {
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
    const received = [receive(join.child.stdout, said.toString()), receive(socket, said.toString())];
    for (const byte of said) {
      socket.write(Buffer.of(byte));
      join.child.stdin.write(Buffer.of(byte));
      await delay(1);
    }
    await Promise.all(received);
    socket.write(Buffer.of(0xff, 0x00, 0x1b));
    await once(join.child.stdout, "readable");
    assert.deepEqual(join.child.stdout.read(), Buffer.of(0xff, 0x00, 0x1b));
  });

  test("holds its input back while the server does not read, and loses nothing of 32 MB", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    const pouring = new Pouring(join.child.stdin);
    const takenBytes = await atRest(() => pouring.takenBytes);
    assert.ok(takenBytes < FLOOD.length / 2, `took ${takenBytes} bytes, though the server read nothing`);
    const heard = text(socket);
    await pouring.done;
    join.child.stdin.end();
    // Not `equal`: it would print both.
    assert.ok((await heard) === FLOOD);
    socket.end();
    assert.equal(await text(join.child.stdout), "");
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
  });

  test("holds the server back while nobody reads its output, and loses nothing of 32 MB", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    const pouring = new Pouring(socket);
    const takenBytes = await atRest(() => pouring.takenBytes);
    assert.ok(takenBytes < FLOOD.length / 2, `took ${takenBytes} bytes, though nobody read the output`);
    join.child.stdin.end();
    const output = text(join.child.stdout);
    await pouring.done;
    socket.end();
    assert.ok((await output) === FLOOD);
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
  });

  test("ends by itself when the server falls silent after the input's end, and waits while it speaks", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    join.child.stdin.end("hello\n");
    assert.equal(await text(socket), "hello\n");
    const startMs = performance.now();
    for (let i = 0; i < 3; i += 1) {
      await delay(1000);
      socket.write(`<bob> ${i}\n`);
    }
    assert.equal(await text(join.child.stdout), "<bob> 0\n<bob> 1\n<bob> 2\n");
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
    const tookMs = performance.now() - startMs;
    assert.ok(
      tookMs > 4500 && tookMs < 8000,
      `took ${tookMs} ms; three lines a second apart, and 2 s of silence`,
    );
  });

  test("says that the server closed the connection, when its input was not at its end", async () => {
    for (const close of [
      (socket: Socket) => socket.end("-- bye\n"),
      (socket: Socket) => socket.resetAndDestroy(),
    ]) {
      await using server = await FakeServer.start();
      await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
      close(await server.connection());
      await text(join.child.stdout);
      const stderr = "chorus: the server closed the connection\n";
      assert.deepEqual(await join.ended, { code: 1, signal: null, stderr });
    }
  });

  test("a server that closes after /quit was asked to: no complaint, though the input goes on", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    join.child.stdin.write("/quit\n");
    const [asked] = (await once(socket, "data")) as [Buffer];
    assert.equal(String(asked), "/quit\n");
    socket.end("-- bye\n");
    assert.equal(await text(join.child.stdout), "-- bye\n");
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
  });

  test("ends without a word when nobody reads its output any more", async () => {
    await using server = await FakeServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(server.port)]);
    const socket = await server.connection();
    join.child.stdout.destroy();
    await once(join.child.stdout, "close");
    socket.write("<bob> is anybody there?\n");
    assert.deepEqual(await join.ended, { code: 0, signal: null, stderr: "" });
  });

  test("says in plain words why there is no connection", async () => {
    let port = 0;
    {
      await using server = await FakeServer.start();
      port = server.port;
    }
    await using refused = new PipedJoin(["127.0.0.1", String(port)]);
    await using refusedByName = new PipedJoin(["localhost", String(port)]);
    await using unknown = new PipedJoin(["no-such-host.invalid", "4000"]);
    for (const join of [refused, refusedByName]) {
      const { code, stderr } = await join.ended;
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^chorus: connection refused: no server listens on \S+ \(start one with `chorus serve`\)\n$/,
      );
    }
    const { code, stderr } = await unknown.ended;
    assert.equal(code, 1);
    assert.match(stderr, /^chorus: unknown host: no-such-host\.invalid\b.*\n$/);
  });

  test("does not wait for ever for a server that does not answer", async () => {
    await using deaf = await DeafServer.start();
    await using join = new PipedJoin(["127.0.0.1", String(deaf.port), "--connect-timeout", "1"]);
    const stderr = `chorus: no answer from 127.0.0.1:${deaf.port} within 1 s\n`;
    assert.deepEqual(await join.ended, { code: 1, signal: null, stderr });
  });
});

suite("chorus join on a terminal", { timeout: TIMEOUT_MS }, () => {
  before(() => {
    const { error } = spawnSync("tmux", ["-V"]);
    assert.ok(
      !error,
      `these tests need tmux, a terminal without a screen (Debian's package tmux): ${error?.message}`,
    );
  });

  test("arriving lines leave what is being typed alone", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.join(server.port);
    const socket = await server.connection();
    socket.write("-- welcome\n");
    await terminal.until(({ rows }) => rows[0] === "-- welcome" && rows[1] === ">");

    await terminal.type("half a li");
    await terminal.until(({ rows }) => rows.at(-1) === "> half a li");
    const lines = Array.from({ length: 50 }, (_, i) => `<bob> line ${i} of 50, which goes on`);
    for (const line of lines) {
      socket.write(`${line}\n`);
      // So that some arrive alone and some together.
      if (Math.random() < 0.5) await delay(1);
    }
    const screen = await terminal.until(({ rows }) => rows.at(-2) === lines.at(-1));
    assert.deepEqual(screen.rows, [...lines.slice(1 - Terminal.rows), "> half a li"]);
    assert.deepEqual(screen.cursor, ["> half a li".length, Terminal.rows - 1]);
    assert.deepEqual(await terminal.everything(), ["-- welcome", ...lines, "> half a li"]);

    await terminal.press("Left", "Left");
    await terminal.type("XY");
    socket.write("<eve> one more\n");
    await terminal.until(({ rows }) => rows.at(-2) === "<eve> one more" && rows.at(-1) === "> half a XYli");
    await terminal.press("Enter");
    await receive(socket, "half a XYli\n");
    const after = await terminal.until(({ rows }) => rows.at(-1) === ">");
    assert.deepEqual(after.rows.slice(-3), ["<eve> one more", "> half a XYli", ">"]);
  });

  test("wide characters and lines of several rows stay whole", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.join(server.port);
    const socket = await server.connection();
    const typed = "一二三四五六七八九十".repeat(4);
    await terminal.type(typed);
    // 60 columns: the prompt and 29 wide characters, then the others.
    const rows = [`> ${typed.slice(0, 29)}`, typed.slice(29)];
    await terminal.until((screen) => screen.rows.join("|") === rows.join("|"));
    await terminal.press("Home");
    socket.write("<小明> 早上好\n<bob> 👋 hi\n");
    const screen = await terminal.until((now) => now.rows.length === 4 && now.cursor[1] === 2);
    assert.deepEqual(screen, { rows: ["<小明> 早上好", "<bob> 👋 hi", ...rows], cursor: [2, 2] });
    await terminal.press("Enter");
    await receive(socket, `${typed}\n`);
  });

  test("nothing that the server sends moves the cursor or changes the terminal", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.join(server.port);
    const socket = await server.connection();
    socket.write("<eve> \x1b[2J\x1b[H\x07\x9b\u202edna\rX\r\n");
    await terminal.until(({ rows }) => rows[0] === "<eve> ?[2J?[H???dna?X".replaceAll("?", "\ufffd"));
  });

  test("the arrow keys bring back what was said; empty lines are not said", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.join(server.port, "--name", "bob");
    const socket = await server.connection();
    await terminal.until(({ rows }) => rows[0] === ">");
    await terminal.type("first");
    await terminal.press("Enter", "Enter");
    await terminal.type("second");
    await terminal.press("Enter", "Up", "Up", "Enter");
    await receive(socket, "/nick bob\nfirst\nsecond\nfirst\n");
  });

  test("Ctrl-C, Ctrl-D and /quit leave with 0, and what was said before still arrives", async () => {
    for (const leave of [["C-c"], ["C-d"], ["/quit", "Enter"]]) {
      await using server = await FakeServer.start();
      await using terminal = await Terminal.join(server.port);
      const socket = await server.connection();
      await terminal.until(({ rows }) => rows[0] === ">");
      await terminal.type("bye");
      await terminal.press("Enter", ...leave);
      if (leave[0] === "/quit") {
        await receive(socket, "bye\n/quit\n");
        socket.end();
      } else {
        assert.equal(await text(socket), "bye\n");
      }
      assert.equal(await terminal.exitCode(), 0, leave.join(" "));
    }
  });

  test("says that the server closed the connection, below what was being typed", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.join(server.port);
    const socket = await server.connection();
    await terminal.type("half a li");
    await terminal.until(({ rows }) => rows[0] === "> half a li");
    socket.end("-- the server is ending\n");
    assert.equal(await terminal.exitCode(), 1);
    const { rows } = await terminal.screen();
    assert.deepEqual(rows.slice(0, -1), [
      "-- the server is ending",
      "> half a li",
      "chorus: the server closed the connection",
    ]);
  });

  test("what comes from a pipe is said, and what arrives is shown on the terminal without harm", async () => {
    await using server = await FakeServer.start();
    await using terminal = await Terminal.start(
      "sh",
      "-c",
      'echo hi | "$0" "$1" join 127.0.0.1 "$2"',
      process.execPath,
      LAUNCHER,
      String(server.port),
    );
    const socket = await server.connection();
    assert.equal(await text(socket), "hi\n");
    socket.end("<eve> \x1b[2Jclear\n");
    assert.equal(await terminal.exitCode(), 0);
    assert.equal((await terminal.screen()).rows[0], "<eve> \ufffd[2Jclear");
  });
});
