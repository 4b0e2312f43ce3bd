/*
 * The faults of the teaching program that Chorus descends from (docs/architecture.md tells what became of its ideas),
 * each with a test that would fail on it. A test is called what its fault was.
 */
import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { TestClient, TestServer, isAlive, openEach, until } from "../support/server.ts";

const SOURCES = fileURLToPath(new URL("../../src/", import.meta.url));

/** What people say, the server's own lines left out. */
function said({ lines }: TestClient): string[] {
  return lines.filter((line) => line.startsWith("<"));
}

/** Waits for as many lines as are expected, and compares: none is lost, torn, repeated, or out of its place. */
async function hears(client: TestClient, expected: readonly string[]): Promise<void> {
  await until(`${expected.length} lines, ${said(client).length} came`, () => {
    assert.ok(!client.closed, "the connection was closed");
    return said(client).length >= expected.length;
  });
  assert.deepEqual(said(client), expected);
}

/** A client whose kernel takes very little, and which reads no more than it is told to. */
class SlowClient implements AsyncDisposable {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  #received: Buffer[] = [];

  constructor(port: number, nick: string) {
    const smallReceiveBuffer = ["-I", "2048"];
    this.#process = spawn("nc.openbsd", [...smallReceiveBuffer, "127.0.0.1", String(port)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#process.stdin.write(`/nick ${nick}\n`);
  }

  /** Reads on in small bits until what it has received ends like this. */
  async readUntil(end: string): Promise<string> {
    const last = Buffer.from(end);
    await until(`"${end}" to arrive`, () => {
      for (let bit: Buffer | null; (bit = this.#process.stdout.read(100) as Buffer | null) !== null;) {
        this.#received.push(bit);
      }
      const rest = this.#process.stdout.read() as Buffer | null;
      if (rest !== null) this.#received.push(rest);
      return Buffer.concat(this.#received.slice(-last.length)).subarray(-last.length).equals(last);
    });
    return Buffer.concat(this.#received).toString();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.kill();
    await exit;
  }
}

suite("faults of the teaching program", { timeout: 300_000 }, () => {
  test("a slot overwritten before the others had read it", async () => {
    const lines = 400;
    // The smallest ring there is: what is said would fill it six times for each who talks.
    await using server = await TestServer.start(["--ring-bytes", "65536"]);
    const clients = await openEach(server, ["alice", "bob", "carol", "dave"]);
    const [alice, bob, carol, dave] = ["alice", "bob", "carol", "dave"].map((nick) => clients.get(nick)!);
    process.kill(alice!.pid, "SIGSTOP");
    const line = (nick: string, number: number): string => `${nick} ${number} ${nick[0]!.repeat(1000)}`;
    for (let i = 0; i < lines; i += 1) {
      bob!.client.say(line("bob", i));
      dave!.client.say(line("dave", i));
    }
    // They talk, and alice's process has read nothing of it.
    await carol!.client.sees("<bob> bob 20 ");
    await carol!.client.sees("<dave> dave 20 ");
    process.kill(alice!.pid, "SIGCONT");
    for (const { client } of [alice!, carol!]) {
      await until("all lines", () => said(client).length >= 2 * lines);
      assert.equal(said(client).length, 2 * lines);
      for (const nick of ["bob", "dave"]) {
        const own = said(client).filter((each) => each.startsWith(`<${nick}> `));
        assert.deepEqual(
          own,
          Array.from({ length: lines }, (_, i) => `<${nick}> ${line(nick, i)}`),
        );
      }
    }
    assert.deepEqual(said(alice!.client), said(carol!.client), "one order for both");
    for (const { client } of clients.values()) client[Symbol.dispose]();
  });

  test("always sending 1,024 bytes, zeros included", async () => {
    await using server = await TestServer.start();
    using alice = await TestClient.named(server.port, "alice");
    using bob = await TestClient.named(server.port, "bob");
    await alice.sees("now known as bob\n");
    const before = alice.text.length;
    const lines = [1, 1023, 1024, 1025, 2, 4096, 3].map((length) => "x".repeat(length));
    for (const line of lines) {
      bob.say(line);
      // One at a time, so that each is a message of its own on all of its way.
      await alice.sees(`<bob> ${line}\n`);
    }
    assert.equal(alice.text.slice(before), lines.map((line) => `<bob> ${line}\n`).join(""));
  });

  test("one recv for an edge-triggered event", async () => {
    await using server = await TestServer.start();
    using alice = await TestClient.named(server.port, "alice");
    // Far more than any buffer of one reading, at once, and then nothing that could wake anybody again. It arrives
    // while the connection is with the greeter still.
    const atOnce = Array.from({ length: 3000 }, (_, i) => `${i} ${"y".repeat(100)}`);
    using bob = await TestClient.open(server.port);
    bob.socket.write(`/nick bob\n${atOnce.join("\n")}\n`);
    await hears(
      alice,
      atOnce.map((line) => `<bob> ${line}`),
    );
    // And now in the hands of a worker that sleeps.
    const more = Array.from({ length: 3000 }, (_, i) => `again ${i} ${"z".repeat(100)}`);
    bob.socket.write(`${more.join("\n")}\n`);
    await hears(
      alice,
      [...atOnce, ...more].map((line) => `<bob> ${line}`),
    );
  });

  test("a child's number going stale when the last client is moved into a freed slot", async () => {
    await using server = await TestServer.start(["--max-processes", "3", "--max-clients", "3"]);
    using alice = await TestClient.named(server.port, "alice");
    using bob = await TestClient.named(server.port, "bob");
    using carol = await TestClient.named(server.port, "carol");
    // The first goes, so that the last one had to move; then another takes the place.
    alice.say("/quit");
    await alice.ends();
    await carol.sees("-- alice left");
    carol.say("alone with bob");
    await hears(bob, ["<carol> alone with bob"]);
    bob.say("alone with carol");
    await hears(carol, ["<bob> alone with carol"]);
    using dave = await TestClient.named(server.port, "dave");
    carol.say("I am carol");
    await hears(dave, ["<carol> I am carol"]);
    dave.say("I am dave");
    await hears(carol, ["<bob> alone with carol", "<dave> I am dave"]);
    await hears(bob, ["<carol> alone with bob", "<carol> I am carol", "<dave> I am dave"]);
    // The last one goes, and its place is the one that is taken.
    dave.say("/quit");
    await dave.ends();
    using erin = await TestClient.named(server.port, "erin");
    bob.say("who is new?");
    await hears(erin, ["<bob> who is new?"]);
    erin.say("I am erin");
    await bob.sees("<erin> I am erin\n");
    await carol.sees("<erin> I am erin\n");
    assert.deepEqual(said(dave), ["<carol> I am carol"], "who has left hears nothing any more");
  });

  test("blocking sends to a slow client holding everybody up", async () => {
    // Also those who share the slow one's process: one process serves them all.
    await using server = await TestServer.start(["--max-processes", "1", "--max-queue", "64MiB"]);
    using alice = await TestClient.named(server.port, "alice");
    using bob = await TestClient.named(server.port, "bob");
    await using slow = new SlowClient(server.port, "slow");
    await alice.sees("now known as slow\n");
    // Far more than the kernel and two pipes hold for a client that reads nothing.
    const lines = Array.from({ length: 3000 }, (_, i) => `${i} ${"w".repeat(4000)}`);
    bob.socket.write(lines.map((line) => `${line}\n`).join(""));
    await hears(
      alice,
      lines.map((line) => `<bob> ${line}`),
    );
    alice.say("thank you");
    await bob.sees("<alice> thank you\n");
    assert.ok(!alice.text.includes("slow left"), "there was no reason to end the slow one");
    assert.match(await slow.readUntil("<alice> thank you\n"), /<bob> 2999 w/);
  });

  test("partial sends dropped", async () => {
    await using server = await TestServer.start(["--max-queue", "16MiB"]);
    using alice = await TestClient.named(server.port, "alice");
    await using slow = new SlowClient(server.port, "slow");
    await alice.sees("now known as slow\n");
    // Sizes that fit no buffer, so that what the kernel takes ends in the middle of lines and of characters.
    const lines = Array.from({ length: 2000 }, (_, i) => `${i} ${"漢字é".repeat(1 + ((i * 7919) % 400))}`);
    alice.socket.write(lines.map((line) => `${line}\n`).join(""));
    alice.say("the end");
    const text = await slow.readUntil("<alice> the end\n");
    const received = text.split("\n").filter((line) => line.startsWith("<"));
    assert.deepEqual(
      received,
      [...lines, "the end"].map((line) => `<alice> ${line}`),
    );
  });

  test("calls with side effects inside assert", async (t) => {
    const files = globSync("**/*.ts", { cwd: SOURCES }).filter((file) => !file.endsWith(".test.ts"));
    const wrong: string[] = [];
    let conditions = 0;
    for (const file of files) {
      const text = readFileSync(`${SOURCES}${file}`, "utf8");
      if (/console\.assert|from "(node:)?assert/.test(text)) wrong.push(`${file}: another assert than ours`);
      for (const call of assertCalls(text)) {
        conditions += 1;
        const effect = sideEffect(call);
        if (effect !== undefined) wrong.push(`${file}: ${effect} in assert(${call})`);
      }
    }
    assert.deepEqual(wrong, []);
    assert.ok(conditions > 20, `only ${conditions} assertions were found`);

    await t.test("the check finds what it looks for", () => {
      const calls = assertCalls(
        'assert(next++ < 3, "a)"); assert(a === (b = 2), "");\n assert(\n read(")") > 0,\n `${x}`);',
      );
      assert.deepEqual(calls.map(sideEffect), ["++", "an assignment", "a call of read"]);
      assert.equal(sideEffect("a <= b && c >= d && e !== f && names.map((g) => g === h)"), "a call of map");
      assert.equal(sideEffect('(state.names.get(x) ?? y) === z, "a = b, c++"'), undefined);
    });

    await t.test("nothing takes our assertions out", () => {
      const source = `
        import { assert } from ${JSON.stringify(`${SOURCES}base/index.ts`)};
        let evaluated = 0;
        const condition = () => { evaluated += 1; return false; };
        try { assert(condition(), "broken"); } catch (error) { console.log(error.name, error.message, evaluated); }`;
      const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", source], {
        encoding: "utf8",
        env: { ...process.env, NODE_ENV: "production", NDEBUG: "1" },
      });
      assert.equal(stdout, "AssertionError broken 1\n", stderr);
    });
  });

  test("loop variables shared by nested loops", async () => {
    const rounds = 20;
    await using server = await TestServer.start(["--max-processes", "3"]);
    const clients: TestClient[] = [];
    for (let i = 0; i < 12; i += 1) clients.push(await TestClient.named(server.port, `c${i}`));
    const serving = (await server.status()).processes.filter((each) => each.clients > 0);
    assert.deepEqual(
      serving.map((each) => each.clients),
      [4, 4, 4],
    );
    // Everybody at once, several lines in one piece: many clients of many processes in each turn.
    const lines = (index: number): string[] =>
      Array.from({ length: rounds }, (_, round) => `${round} of c${index}`);
    for (const [index, client] of clients.entries())
      client.socket.write(
        lines(index)
          .map((line) => `${line}\n`)
          .join(""),
      );
    for (const [index, client] of clients.entries()) {
      await until("every line", () => said(client).length >= (clients.length - 1) * rounds);
      const expected = clients.flatMap((_, other) =>
        other === index ? [] : lines(other).map((line) => `<c${other}> ${line}`),
      );
      assert.deepEqual(
        said(client).toSorted(),
        expected.toSorted(),
        `c${index}: each line of each other once`,
      );
    }
    for (const client of clients) client[Symbol.dispose]();
  });

  test("wrong bookkeeping of a dead child's number", async () => {
    const limits = ["--max-processes", "5", "--max-clients", "5"];
    await using server = await TestServer.start(limits);
    const nicks = ["alice", "bob", "carol", "dave", "erin"];
    const clients = await openEach(server, nicks);
    const alice = clients.get("alice")!.client;
    const carol = clients.get("carol")!.client;
    let talked = 0;
    const talk = async (...others: TestClient[]): Promise<void> => {
      talked += 1;
      alice.say(`still there? ${talked}`);
      for (const other of others) await other.sees(`<alice> still there? ${talked}\n`);
      others[0]!.say(`yes ${talked}`);
      await alice.sees(`yes ${talked}\n`);
    };
    // One from the middle, then the last and one more at the same time.
    const everyone = [...clients.values()].map(({ client }) => client);
    for (const dying of [["dave"], ["erin", "bob"]]) {
      const pids = dying.map((nick) => clients.get(nick)!.pid);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until("them to be dead", () => !pids.some(isAlive));
      // Whoever had a dead one has another, and each hears all others, once.
      await talk(...everyone.filter((client) => client !== alice));
      for (const nick of dying) {
        clients.get(nick)!.client.say(`${nick} goes on`);
        for (const { client } of clients.values())
          if (client !== clients.get(nick)!.client) await client.sees(`<${nick}> ${nick} goes on\n`);
      }
    }
    const dead = ["bob", "dave", "erin"].map((nick) => clients.get(nick)!.pid);
    const isDead = ({ pid }: { pid: number }): boolean => dead.includes(pid);
    await until("the dead to be off the list", async () => !(await server.status()).log.some(isDead));
    const workers = await server.busyWorkers();
    assert.equal(new Set(workers).size, 5);
    for (const nick of ["bob", "dave", "erin"]) {
      clients.get(nick)!.client.say("/quit");
      await alice.sees(`-- ${nick} left\n`);
      await clients.get(nick)!.client.ends();
    }
    await until("their processes to be gone", async () => (await server.busyWorkers()).length === 2);
    assert.equal((await server.status()).clients, 2);
    // Their places and names are free, as many as there were; who comes now is nobody's successor.
    const late = await openEach(server, ["erin", "frank", "dave"]);
    const lateClients = [...late.values()].map(({ client }) => client);
    await talk(carol, ...lateClients);
    for (const [nick, { client }] of late) {
      client.say(`I am ${nick}`);
      for (const other of [alice, carol, ...lateClients])
        if (other !== client) await other.sees(`<${nick}> I am ${nick}\n`);
    }
    alice.say("/who");
    await alice.sees("-- 5 in #lobby: @alice, carol, erin, frank, dave\n");
    assert.equal(new Set(await server.busyWorkers()).size, 5);
    using sixth = await TestClient.open(server.port);
    sixth.say("hello?");
    await sixth.sees("-- too many users");
    await sixth.ends();
    // Nobody was told of a death.
    assert.doesNotMatch(carol.text, /died/);
    for (const { client } of [...clients.values(), ...late.values()]) client[Symbol.dispose]();
  });

  test("SIGTERM with no client connected, which never ends the server", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await using server = await TestServer.start();
      assert.equal(await server.end(signal), 0, signal);
      await using left = await TestServer.start();
      const client = await TestClient.named(left.port, "alice");
      client.say("/quit");
      await client.ends();
      assert.equal(await left.end(signal), 0, `${signal}, after somebody had been there`);
    }
  });

  test("no line framing", async () => {
    await using server = await TestServer.start();
    using alice = await TestClient.named(server.port, "alice");
    using bob = await TestClient.named(server.port, "bob");
    using carol = await TestClient.named(server.port, "carol");
    const line = "what one person types, 漢字 and all";
    const bytes = Buffer.from(`${line}\n`);
    // Byte by byte, and after each something whole from somebody else, which everybody has heard before the next.
    for (const [index, byte] of bytes.entries()) {
      if (index > 0) {
        carol.say(`between ${index}`);
        await alice.sees(`<carol> between ${index}\n`);
      }
      bob.socket.write(Buffer.of(byte));
    }
    const between = Array.from({ length: bytes.length - 1 }, (_, i) => `<carol> between ${i + 1}`);
    await hears(alice, [...between, `<bob> ${line}`]);
  });
});

/** What stands between the parentheses of each call of `assert`: condition and message. */
function assertCalls(text: string): string[] {
  const calls: string[] = [];
  for (const { index } of text.matchAll(/(?<![\w.]|function )assert\(/g)) {
    const start = index + "assert(".length;
    let depth = 1;
    let at = start;
    for (; depth > 0 && at < text.length; at += 1) {
      const quoted = /^(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')/s.exec(text.slice(at, at + 500));
      if (quoted !== null) at += quoted[0].length - 1;
      else if (text[at] === "(") depth += 1;
      else if (text[at] === ")") depth -= 1;
    }
    calls.push(text.slice(start, at - 1));
  }
  return calls;
}

/** Calls that look and change nothing. */
const PURE_CALLS = new Set([
  "get",
  "load",
  "isSafeInteger",
  "isInteger",
  "isPowerOfTwo",
  "hasUnordered",
  "has",
  "some",
  "formatOf",
  "membersOf",
  "nameOf",
  "freeBytes",
  "formatBytes",
]);

/** The first thing in an assertion that may change something; what strings say does not count. */
function sideEffect(call: string): string | undefined {
  const code = call.replace(/"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'/gs, '""');
  const step = /\+\+|--/.exec(code);
  if (step !== null) return step[0];
  if (/(?<![=!<>])=(?![=>])|(?:<<|>>)=/.test(code)) return "an assignment";
  const word = /\b(?:await|yield|delete|new)\b/.exec(code);
  if (word !== null) return word[0];
  for (const [, name] of code.matchAll(/([\w$]+)\s*(?:\?\.)?\(/g))
    if (!PURE_CALLS.has(name!)) return `a call of ${name}`;
  return undefined;
}
