import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { until } from "../../test/support/server.ts";
import { SystemError, peerPid, pipe2, readMemfd } from "./libc.ts";
import { RunSocket, callRunSocket } from "./runSocket.ts";
import { type SeatBrokenError, SeatSocket } from "./seatSocket.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: Uint8Array): string => new TextDecoder().decode(message);
const descriptors = (): number => readdirSync("/proc/self/fd").length;

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
  path = join(directory, "3-1");
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** What the processes of these tests begin with: they answer each message, and write into the descriptors they get. */
const LISTENER = `
  import { closeSync, openSync, writeSync } from "node:fs";
  import { memfdOf, peerPid } from ${JSON.stringify(new URL("./libc.ts", import.meta.url))};
  import { RunSocket } from ${JSON.stringify(new URL("./runSocket.ts", import.meta.url))};
  import { SeatSocket } from ${JSON.stringify(new URL("./seatSocket.ts", import.meta.url))};
  new RunSocket(process.env.RUN_SOCKET, (fd) => {
    const seat = new SeatSocket(fd);
    seat.onMessage = (message, descriptors) => {
      for (const descriptor of descriptors) {
        writeSync(descriptor, "written over there");
        closeSync(descriptor);
      }
      const memfd = memfdOf("answer", Buffer.from("content of " + new TextDecoder().decode(message)));
      seat.send(Buffer.from(String(peerPid(fd))), [memfd]);
      closeSync(memfd);
    };
  });
`;

class Listener implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(child: ChildProcess) {
    this.child = child;
    this.#exited = once(child, "exit");
  }

  /** A process that listens at `path`, does what `more` says, and has said "ready". */
  static async start(more = "", options: { descriptorsMax?: number } = {}): Promise<Listener> {
    const { descriptorsMax = 1000 } = options;
    const source = `${LISTENER}; process.stdin.resume(); ${more}; console.log("ready");`;
    const command = `ulimit -n ${descriptorsMax}; exec "$0" --input-type=module -e "$1"`;
    const child = spawn("/bin/sh", ["-c", command, process.execPath, source], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, RUN_SOCKET: path },
    });
    const listener = new Listener(child);
    await once(child.stdout!, "data");
    return listener;
  }

  async end(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}

function called(): SeatSocket {
  const fd = callRunSocket(path);
  assert.ok(fd !== undefined, "nobody listens");
  return new SeatSocket(fd);
}

interface Answer {
  readonly message: string;
  readonly content: string;
}

/** What the other side says to this message, with the content of the memfd that comes along. */
function ask(seat: SeatSocket, question: string, descriptors: number[] = []): Promise<Answer> {
  return new Promise((resolve) => {
    seat.onMessage = (message, received) => {
      const contents = received.map((fd) => text(readMemfd(fd)));
      received.forEach((fd) => closeSync(fd));
      resolve({ message: text(message), content: contents.join() });
    };
    seat.send(bytes(question), descriptors);
  });
}

function closed(seat: SeatSocket): Promise<SeatBrokenError | undefined> {
  return new Promise((resolve) => {
    seat.onClose = resolve;
  });
}

test("messages and descriptors go both ways, and each side knows who the other is", async () => {
  await using listener = await Listener.start();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const seat = called();
  assert.equal(peerPid(seat.fd), listener.child.pid);
  const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${seat.fd}`, "utf8"))![1]!;
  assert.equal(Number.parseInt(flags, 8) & 0o2004000, 0o2004000, "not inherited, and does not block");
  const pipe = pipe2();
  const answer = await ask(seat, "a question", [pipe.write]);
  assert.deepEqual(answer, { message: String(process.pid), content: "content of a question" });
  const through = Buffer.alloc(100);
  assert.equal(through.toString("utf8", 0, readSync(pipe.read, through)), "written over there");
  // Another caller has a connection of its own.
  const other = called();
  assert.equal((await ask(other, "another")).content, "content of another");
  assert.equal((await ask(seat, "one more")).content, "content of one more");
  for (const each of [seat, other]) each.close();
  for (const fd of [pipe.read, pipe.write]) closeSync(fd);
});

test("a stopped process can be called, and answers once it goes on", async () => {
  await using listener = await Listener.start();
  listener.child.kill("SIGSTOP");
  const pid = listener.child.pid!;
  await until("it is stopped", () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") T "));
  const seats = Array.from({ length: 10 }, called);
  assert.equal(peerPid(seats[0]!.fd), pid);
  const answers = seats.map((seat, i) => ask(seat, `call ${i}`));
  listener.child.kill("SIGCONT");
  assert.deepEqual(
    (await Promise.all(answers)).map(({ content }) => content),
    seats.map((_, i) => `content of call ${i}`),
  );
  for (const seat of seats) seat.close();
});

test("when a process is killed its connections end, nobody listens there, and its name is free", async () => {
  const before = descriptors();
  assert.equal(callRunSocket(path), undefined);
  await using listener = await Listener.start();
  const accepted = called();
  await ask(accepted, "accepted");
  listener.child.kill("SIGSTOP");
  const waiting = called();
  waiting.send(bytes("never read"));
  const ends = [closed(accepted), closed(waiting)];
  await listener.end();
  assert.deepEqual(await Promise.all(ends), [undefined, undefined]);
  assert.ok(existsSync(path));
  assert.equal(callRunSocket(path), undefined);

  const next = new RunSocket(path, closeSync);
  const seat = called();
  assert.equal(peerPid(seat.fd), process.pid);
  assert.equal(await closed(seat), undefined);
  next.close();
  next.close();
  assert.ok(!existsSync(path));
  assert.equal(callRunSocket(path), undefined);
  // The pipes to the child are Node's to close.
  listener.child.stdin!.destroy();
  await until("no descriptors left", () => descriptors() === before);
});

test("what was accepted outlives the listening, and what was not ends with it", async () => {
  const before = descriptors();
  let seat: SeatSocket | undefined;
  const run = new RunSocket(path, (fd) => {
    seat = new SeatSocket(fd);
    seat.onMessage = (message) => seat!.send(message);
  });
  const accepted = called();
  assert.deepEqual(await ask(accepted, "one"), { message: "one", content: "" });
  const late = called();
  run.close();
  assert.equal(await closed(late), undefined);
  assert.deepEqual(await ask(accepted, "two"), { message: "two", content: "" });
  accepted.close();
  seat!.close();
  assert.equal(descriptors(), before);
});

test("paths that cannot be are refused, and what is no socket stays", () => {
  const before = descriptors();
  const long = join(directory, "é".repeat(60));
  assert.throws(() => new RunSocket(long, closeSync), { code: "ENAMETOOLONG", syscall: "bind" });
  assert.throws(() => callRunSocket(long), { code: "ENAMETOOLONG", syscall: "connect" });
  const longest = join(directory, "x".repeat(107 - directory.length - 1));
  const run = new RunSocket(longest, closeSync);
  closeSync(callRunSocket(longest)!);
  run.close();
  assert.throws(() => new RunSocket(join(directory, "missing", "1-1"), closeSync), { code: "ENOENT" });
  writeFileSync(path, "precious");
  assert.throws(() => new RunSocket(path, closeSync), { code: "EADDRINUSE", syscall: "bind" });
  assert.equal(readFileSync(path, "utf8"), "precious");
  assert.equal(callRunSocket(path), undefined);
  assert.equal(descriptors(), before);
});

test("more callers than the backlog holds are told so", () => {
  const run = new RunSocket(path, closeSync);
  const calls: number[] = [];
  assert.throws(
    () => {
      for (;;) calls.push(callRunSocket(path)!);
    },
    (error) => error instanceof SystemError && error.code === "EAGAIN",
  );
  assert.ok(calls.length >= 16);
  calls.forEach((fd) => closeSync(fd));
  run.close();
});

test("a process that only listens ends", async () => {
  const child = spawn(process.execPath, ["--input-type=module", "-e", LISTENER], {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, RUN_SOCKET: path },
  });
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("a process without a descriptor left keeps its callers waiting until there is one", async () => {
  const exhaust = `
    const taken = [];
    try {
      for (;;) taken.push(openSync("/dev/null"));
    } catch (error) {
      if (error.code !== "EMFILE") throw error;
    }
    process.stdin.once("data", () => taken.forEach((fd) => closeSync(fd)));
  `;
  await using listener = await Listener.start(exhaust, { descriptorsMax: 64 });
  const seat = called();
  const answer = ask(seat, "patience");
  const cpu = (): number => {
    const fields = readFileSync(`/proc/${listener.child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const spent = cpu();
  const early = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 500, "none"))]);
  assert.equal(early, "none");
  // In hundredths of a second: it does not ask all the time.
  assert.ok(cpu() - spent < 20, `${cpu() - spent} ticks`);
  listener.child.stdin!.write("go on");
  assert.equal((await answer).content, "content of patience");
  seat.close();
});
