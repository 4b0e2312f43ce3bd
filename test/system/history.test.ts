/*
 * What people see of the past, and that all of it is there: exactly once, in order, whoever was killed meanwhile.
 */
import assert from "node:assert/strict";
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { NO_ORPHANS, TestClient, TestServer, runChorus, until } from "../support/server.ts";

/** "[2026-11-25 07:12] <alice> hi": the time in front tells the past from what is live. */
const PAST = /^\[\d{4}-\d\d-\d\d \d\d:\d\d(?: (#\S+))?\] (.*)$/;

/** The texts of all messages that the database holds, in their order. */
function stored(folder: string): string[] {
  const database = new DatabaseSync(join(folder, "history.sqlite"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT text FROM entry WHERE kind = 0 ORDER BY sequence").all();
    return rows.map((row) => String(row["text"]));
  } finally {
    database.close();
  }
}

/** The numbers in "<name> number 17 …", whether live or past. */
function numbers(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const number = /<\w+> number (\d+)/.exec(line)?.[1];
    return number === undefined ? [] : [Number(number)];
  });
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

/** Says numbered lines as fast as they are taken, until it is told to stop. */
class Talker {
  readonly #client: TestClient;
  readonly #rest: string;
  #isStopped = false;
  readonly #done: Promise<void>;
  said = 0;

  constructor(client: TestClient, rest = "") {
    this.#client = client;
    this.#rest = rest;
    this.#done = this.#talk();
  }

  /** Returns how many lines it has said. */
  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#done;
    return this.said;
  }

  async #talk(): Promise<void> {
    const { socket } = this.#client;
    while (!this.#isStopped && !this.#client.closed) {
      let lines = "";
      for (let i = 0; i < 50; i += 1) {
        lines += `number ${this.said} ${this.#rest}\n`;
        this.said += 1;
      }
      if (!socket.write(lines))
        await Promise.race([new Promise((resolve) => socket.once("drain", resolve)), delay(500)]);
      else await delay(0);
    }
  }
}

test("who comes while others talk at full speed misses nothing and sees nothing twice", async () => {
  await using server = await TestServer.start(["--max-processes", "4"]);
  using talker = await TestClient.named(server.port, "talker");
  const talk = new Talker(talker);
  for (let round = 0; round < 12; round += 1) {
    using newcomer = await TestClient.named(server.port, `newcomer${round}`);
    const isPast = (line: string): boolean => PAST.test(line);
    await until("something live and the past", () => {
      const live = newcomer.lines.filter((line) => !isPast(line));
      return newcomer.text.includes("-- now live\n") && numbers(live).length > 100;
    });
    const past = numbers(newcomer.lines.filter(isPast));
    const live = numbers(newcomer.lines.filter((line) => !isPast(line)));
    const [first] = past;
    assert.ok(round === 0 || past.length > 0, "there was a past");
    assert.deepEqual(
      [...past, ...live],
      upTo(past.length + live.length).map((number) => number + (first ?? live[0]!)),
      newcomer.lines.filter((line) => line.startsWith("-- ")).join("\n"),
    );
  }
  await talk.stop();
});

test("/history shows so many; /search finds words, phrases, Chinese, people, rooms and days", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  assert.deepEqual(await ask(bob, "/history"), ["-- nothing was said in #lobby yet"]);
  for (const line of ["the green Door", "a door, greener", "we meet at blue lake", "天氣很好，我們去公園"])
    alice.say(line);
  await bob.sees("公園\n");
  bob.say("the blue door");
  bob.say("/me knocks on wood");
  await alice.sees("knocks on wood\n");
  alice.say("/join #dev");
  await alice.sees("-- you are in #dev.");
  alice.say("the green ghost");
  assert.deepEqual(await ask(alice, "/history 5"), [
    "-- the last 1 message of #dev:",
    "<alice> the green ghost",
    "-- that was the past",
  ]);
  assert.deepEqual(await ask(bob, "/history 2"), [
    "-- the last 2 messages of #lobby:",
    "-- (there is more: /history 4 goes further back)",
    "<bob> the blue door",
    "* bob knocks on wood",
    "-- that was the past",
  ]);
  const today = new Date().toISOString().slice(0, 10);
  for (const [words, ...found] of [
    ["DOOR", "<alice> the green Door", "<alice> a door, greener", "<bob> the blue door"],
    ["green door", "<alice> the green Door"],
    ['"the green"', "<alice> the green Door", "#dev <alice> the green ghost"],
    ["door -blue", "<alice> the green Door", "<alice> a door, greener"],
    ["公園", "<alice> 天氣很好，我們去公園"],
    ["天氣", "<alice> 天氣很好，我們去公園"],
    ["from:bob", "<bob> the blue door", "* bob knocks on wood"],
    ["green in:#dev", "#dev <alice> the green ghost"],
    [`lake after:${today}`, "<alice> we meet at blue lake"],
    ["lake after:1h before:9999", "<alice> we meet at blue lake"],
    [`lake before:${today}`],
    ["lake before:1h"],
    ["elephant"],
  ] as const) {
    const expected =
      found.length === 0
        ? ["-- nothing found"]
        : [
            `-- ${found.length} found:`,
            ...found.map((line) => (line.startsWith("#") ? line : `#lobby ${line}`)),
            "-- that was the past",
          ];
    assert.deepEqual(await ask(bob, `/search ${words}`, true), expected, words);
  }
  assert.match((await ask(bob, '/search "open'))[0]!, /^-- there is no second quote after/);
  assert.match((await ask(bob, "/search lake after:soon"))[0]!, /^-- “soon” is no date/);
});

/** What history answers, without times; with rooms where they are told. */
async function ask(client: TestClient, line: string, withRooms = false): Promise<string[]> {
  const before = client.lines.length;
  client.say(line);
  const isLast = (each: string): boolean =>
    /^-- (that was the past|nothing |“|there is no second|this server keeps)/.test(each);
  await until(`an answer to ${line}`, () => client.lines.slice(before).some(isLast));
  return client.lines.slice(before).map((each) => {
    const [, room, what] = PAST.exec(each) ?? [];
    if (what === undefined) return each;
    return withRooms && room !== undefined ? `${room} ${what}` : what;
  });
}

test("who sends questions and its end in one piece still reads the answers", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  alice.say("a needle");
  await bob.sees("<alice> a needle\n");
  // More than once: whether the answer comes before the end is a matter of milliseconds.
  for (let round = 0; round < 5; round += 1) {
    using asker = await TestClient.open(server.port);
    asker.socket.end("/search needle\n/history 1\n");
    await asker.ends();
    const [found, last] = asker.lines.flatMap((line) => PAST.exec(line)?.[2] ?? []).slice(-2);
    assert.deepEqual([found, last], ["<alice> a needle", "<alice> a needle"], asker.text);
    assert.ok(asker.text.endsWith("-- that was the past\n"), asker.text);
  }
});

test("nobody finds what was said in secret rooms, or whispered between others", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  alice.say("/join #plot");
  alice.say("/mode +secret");
  alice.say("gunpowder in the cellar");
  alice.say("/msg bob gunpowder is dry");
  alice.say("/topic gunpowder");
  await bob.sees("*alice* gunpowder is dry\n");
  assert.deepEqual(await ask(carol, "/search gunpowder"), ["-- nothing found"]);
  assert.deepEqual(await ask(carol, "/search from:alice"), ["-- nothing found"]);
  assert.deepEqual(await ask(carol, "/search gunpowder in:#plot"), ["-- nothing found"]);
  assert.deepEqual(await ask(bob, "/search gunpowder"), [
    "-- 1 found:",
    "*alice* gunpowder is dry",
    "-- that was the past",
  ]);
  assert.deepEqual((await ask(alice, "/search gunpowder")).slice(1, -1), [
    "<alice> gunpowder in the cellar",
    "-> *bob* gunpowder is dry",
    "-- the topic is now: gunpowder (set by alice)",
  ]);
  // Another who takes the name does not take what was whispered to it.
  bob.say("/quit");
  await bob.ends();
  using other = await TestClient.named(server.port, "bob");
  assert.deepEqual(await ask(other, "/search gunpowder"), ["-- nothing found"]);
  // Who comes into the room may read what was said there before.
  carol.say("/join #plot");
  await carol.sees("-- now live\n");
  assert.deepEqual((await ask(carol, "/search cellar")).slice(1, -1), ["<alice> gunpowder in the cellar"]);
});

test("a history process that is killed under load catches up; nobody notices", async () => {
  await using server = await TestServer.start();
  using talker = await TestClient.named(server.port, "talker");
  using listener = await TestClient.named(server.port, "listener");
  const talk = new Talker(talker, "x".repeat(60));
  for (let round = 0; round < 4; round += 1) {
    const killed = await server.historyPid();
    const heard = numbers(listener.lines).length;
    await until("some more to be said", () => numbers(listener.lines).length > heard + 2000);
    process.kill(killed, "SIGKILL");
    await until("another to take over", async () => (await server.historyPid()) !== killed);
  }
  const count = await talk.stop();
  await until("all of it to be heard", () => numbers(listener.lines).length >= count);
  assert.deepEqual(numbers(listener.lines), upTo(count));
  assert.ok(!listener.closed && !talker.closed);
  assert.deepEqual(
    listener.lines.filter((line) => line.startsWith("-- ")).slice(-1),
    ["-- guest2 is now known as listener"],
    "nobody was told anything",
  );
  // What is asked while there is no history process is answered by the next.
  process.kill(await server.historyPid(), "SIGKILL");
  assert.deepEqual((await ask(listener, "/history 1")).slice(0, 1), ["-- the last 1 message of #lobby:"]);
  assert.equal(await server.end("SIGTERM"), 0);
  assert.deepEqual(numbers(stored(server.folder).map((text) => `<talker> ${text}`)), upTo(count));
});

for (const order of ["the supervisor first", "the children first"] as const) {
  test(`every process killed at once, ${order}: the next server has all that anybody saw`, async () => {
    await using first = await TestServer.start(NO_ORPHANS);
    using one = await TestClient.named(first.port, "one");
    using two = await TestClient.named(first.port, "two");
    using listener = await TestClient.named(first.port, "listener");
    const talks = [new Talker(one, "of one"), new Talker(two, "of two")];
    await until("some talk", () => listener.lines.length > 5000);
    const [supervisor, ...children] = await first.pids();
    await first.killAll(
      order === "the supervisor first" ? [supervisor!, ...children] : [...children, supervisor!],
    );
    await listener.ends();
    for (const talk of talks) await talk.stop();
    const heard = listener.lines
      .filter((line) => line.startsWith("<"))
      .map((line) => line.slice("<one> ".length));

    await using second = await TestServer.start([], first.folder);
    const kept = stored(first.folder);
    assert.ok(heard.length > 5000);
    assert.deepEqual(kept.slice(0, heard.length), heard, "what was heard is kept, once and in its order");
    for (const [name, client] of [
      ["one", two],
      ["two", one],
    ] as const) {
      const own = kept.filter((text) => text.endsWith(` of ${name}`));
      assert.deepEqual(
        own.map((text) => Number(text.split(" ")[1])),
        upTo(own.length),
        "no gap in what was published",
      );
      assert.ok(own.length >= numbers(client.lines).length);
    }
    using later = await TestClient.named(second.port, "later");
    const last = kept.slice(-20);
    assert.deepEqual(
      later.lines.flatMap((line) => PAST.exec(line)?.[2]?.replace(/^<\w+> /, "") ?? []),
      last,
    );
    await second.end("SIGTERM");
    assert.deepEqual(stored(first.folder), kept);
  });
}

test("a client that reads nothing for a while gets all of it later, in order and marked", async () => {
  await using server = await TestServer.start(["--max-queue", "64KiB"]);
  using talker = await TestClient.named(server.port, "talker");
  using listener = await TestClient.named(server.port, "listener");
  using slow = await TestClient.named(server.port, "slow");
  slow.socket.pause();
  const talk = new Talker(talker, "y".repeat(2000));
  // Many times what the kernel takes for it, and what may wait.
  await until("much to be said", () => listener.text.length > 30_000_000);
  listener.say("/msg slow psst");
  const count = await talk.stop();
  await until("all of it to be heard", () => listener.text.includes(`<talker> number ${count - 1} `));
  assert.ok(!listener.text.includes("slow left"), "there was no reason to end it");
  slow.socket.resume();
  await slow.sees("-- that is all; from here on it is live\n");
  talker.say("now it is live");
  await slow.sees("\n<talker> now it is live\n");
  assert.deepEqual(numbers(slow.lines), upTo(count));
  const { lines } = slow;
  assert.deepEqual(
    lines.flatMap((line) => (line.endsWith("psst") ? [PAST.exec(line)?.[2] ?? line] : [])),
    ["*listener* psst"],
    "what was whispered to it comes once, too",
  );
  const begin = lines.indexOf("-- what you missed:");
  const end = lines.indexOf("-- that is all; from here on it is live");
  assert.ok(begin > 0 && end > begin);
  assert.ok(numbers(lines.slice(begin, end)).length > count / 2, "most of it was missed");
  for (const line of lines.slice(begin + 1, end)) assert.ok(PAST.test(line), line.slice(0, 100));
  for (const line of [...lines.slice(0, begin), ...lines.slice(end)])
    assert.ok(!PAST.test(line), line.slice(0, 100));
});

test("a client that falls behind further than --max-lag is told and disconnected", async () => {
  await using server = await TestServer.start(["--max-queue", "64KiB", "--max-lag", "3000"]);
  using talker = await TestClient.named(server.port, "talker");
  using listener = await TestClient.named(server.port, "listener");
  using slow = await TestClient.named(server.port, "slow");
  slow.socket.pause();
  const talk = new Talker(talker, "z".repeat(2000));
  await listener.sees("-- slow left (too slow)\n");
  slow.socket.resume();
  await slow.ends();
  await talk.stop();
  assert.match(slow.text, /-- you are too far behind and are disconnected\n$/);
});

test("--history off: nothing is kept, and /history and /search say so", async () => {
  await using server = await TestServer.start(["--history", "off"]);
  assert.ok(!(await server.status()).processes.some(({ role }) => role === "history"));
  using alice = await TestClient.named(server.port, "alice");
  alice.say("hello");
  for (const line of ["/history", "/search hello"])
    assert.deepEqual(await ask(alice, line), ["-- this server keeps no history"]);
  using bob = await TestClient.named(server.port, "bob");
  assert.doesNotMatch(bob.text, /hello/);
  await server.end("SIGTERM");
  assert.throws(() => stored(server.folder), /unable to open/);
});

test("a server of another name finishes what the one before it has left", async () => {
  await using first = await TestServer.start(NO_ORPHANS);
  using alice = await TestClient.named(first.port, "alice");
  using bob = await TestClient.named(first.port, "bob");
  const history = await first.historyPid();
  const pids = await first.pids();
  // A stopped history process writes nothing more: what follows stands in the segment alone.
  process.kill(history, "SIGSTOP");
  for (let i = 1; i <= 5; i += 1) alice.say(`line ${i}`);
  await bob.sees("line 5\n");
  await first.killAll(pids);
  await using second = await TestServer.start(["--name", "after"], first.folder);
  using carol = await TestClient.named(second.port, "carol");
  await carol.sees("<alice> line 5\n");
  assert.deepEqual(
    stored(first.folder).filter((text) => text.startsWith("line")),
    ["line 1", "line 2", "line 3", "line 4", "line 5"],
  );
});

test("--history-keep deletes what is older, and only that", async () => {
  await using first = await TestServer.start();
  using alice = await TestClient.named(first.port, "alice");
  for (let i = 0; i < 1300; i += 1) alice.say(`old ${i}`);
  for (let i = 0; i < 10; i += 1) alice.say(`new ${i}`);
  assert.equal((await ask(alice, "/history 1")).at(-2), "<alice> new 9");
  await first.end("SIGTERM");
  const database = new DatabaseSync(join(first.folder, "history.sqlite"));
  database.exec(`UPDATE entry SET time_ms = time_ms - ${3 * 3_600_000} WHERE text LIKE 'old %'`);
  database.close();
  await using second = await TestServer.start(["--history-keep", "1h"], first.folder);
  await until("the old to be deleted", () => stored(first.folder).length === 10);
  using bob = await TestClient.named(second.port, "bob");
  assert.deepEqual(
    bob.lines.flatMap((line) => PAST.exec(line)?.[2] ?? []),
    Array.from({ length: 10 }, (_, i) => `<alice> new ${i}`),
  );
  assert.deepEqual(await ask(bob, "/search old"), ["-- nothing found"]);
});

test("--history-sync full: whatever anybody has seen is in the database already", async () => {
  await using server = await TestServer.start(["--history-sync", "full", ...NO_ORPHANS]);
  using talker = await TestClient.named(server.port, "talker");
  using listener = await TestClient.named(server.port, "listener");
  const talk = new Talker(talker);
  await until("some talk", () => numbers(listener.lines).length > 2000);
  const [supervisor, ...children] = await server.pids();
  await server.killAll([supervisor!, ...children]);
  await listener.ends();
  await talk.stop();
  const heard = numbers(listener.lines);
  assert.deepEqual(heard, upTo(heard.length));
  // Read as it is, before any server has recovered anything.
  const kept = numbers(stored(server.folder).map((text) => `<talker> ${text}`));
  assert.ok(kept.length >= heard.length, `${heard.length} heard, ${kept.length} in the database`);
  assert.deepEqual(kept, upTo(kept.length));
  // What nobody had seen yet is saved, too.
  await using next = await TestServer.start([], server.folder);
  assert.equal(await next.end("SIGTERM"), 0);
  const saved = numbers(stored(server.folder).map((text) => `<talker> ${text}`));
  assert.ok(saved.length >= kept.length);
  assert.deepEqual(saved, upTo(saved.length));
});

test("a history that cannot be written for a while: chat goes on, operators are told, the gap is marked", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  bob.say("before it");
  await alice.sees("<bob> before it\n");
  assert.equal((await ask(alice, "/history 1"))[1], "<bob> before it");
  const database = new DatabaseSync(join(server.folder, "history.sqlite"));
  database.exec("BEGIN IMMEDIATE");
  bob.say("said while it fails");
  await alice.sees("<bob> said while it fails\n");
  await alice.sees("; chat goes on, but what is said is not kept until that is mended\n");
  assert.match(alice.text, /\n-- history cannot be written \(database is locked\); chat goes on/);
  // Far more than the log holds: it is not held back.
  const lines = Array.from({ length: 2000 }, (_, i) => `${i} ${"w".repeat(1000)}`);
  for (const line of lines) bob.say(line);
  await alice.sees("<bob> 1999 w");
  assert.deepEqual((await ask(alice, "/history 1"))[1], "<bob> before it");
  database.exec("ROLLBACK");
  database.close();
  await until("writing to work again", () =>
    /\n-- history is written again; \d+ records are missing\n/.test(alice.text),
  );
  bob.say("after it");
  await alice.sees("<bob> after it\n");
  const [, before, gap, ...rest] = await ask(alice, "/history 5");
  assert.equal(before, "<bob> before it");
  assert.match(gap!, /^-- \(what was said (?:about .*|between .* and .*) was not kept\)$/);
  assert.deepEqual(rest.slice(-2), ["<bob> after it", "-- that was the past"]);
  assert.doesNotMatch(bob.text, /history/, "only those who run a room are told");
});

test("a history of a newer version is refused with what is wrong", async () => {
  await using server = await TestServer.start();
  await server.end("SIGTERM");
  const database = new DatabaseSync(join(server.folder, "history.sqlite"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  const { code, stdout, stderr } = await runChorus(["serve", "127.0.0.1", "0", "--data", server.folder]);
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(
    stderr,
    /^chorus: the history is of version 99, made by a newer chorus; this one knows versions up to \d+\n$/,
  );
});

test("a damaged history is no reason for --history off not to start: what was in memory is kept aside", async () => {
  await using first = await TestServer.start(NO_ORPHANS);
  await first.killAll(await first.pids());
  const path = join(first.folder, "history.sqlite");
  for (const each of ["-wal", "-shm"]) rmSync(`${path}${each}`, { force: true });
  writeFileSync(path, "no database".repeat(1000));
  const refused = await runChorus(["serve", "127.0.0.1", "0", "--data", first.folder]);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /^chorus: the history .* file is not a database; .*"chorus backup".*\n$/);
  await using second = await TestServer.start(["--history", "off"], first.folder);
  await until("the warning", () => second.stderr.includes("what was in memory is kept as"));
  const aside = /is kept as (\/dev\/shm\/chorus-[\w.-]+\.aside-\d+)/.exec(second.stderr)?.[1];
  assert.ok(aside !== undefined && existsSync(aside), second.stderr);
  rmSync(aside);
});

test("a history process that hangs holds nobody up for long: live lines go first, the past follows", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  alice.say("before it hangs");
  assert.equal((await ask(alice, "/history 1"))[1], "<alice> before it hangs");
  const hanging = await server.historyPid();
  process.kill(hanging, "SIGSTOP");
  using bob = await TestClient.named(server.port, "bob");
  alice.say("while it hangs");
  await bob.sees("\n<alice> while it hangs\n");
  assert.doesNotMatch(bob.text, /before it hangs/);
  // It is found, ended and replaced, and whoever asked it gets an answer.
  await bob.sees("-- now live\n");
  const past = bob.lines.flatMap((line) => PAST.exec(line)?.[2] ?? []);
  assert.deepEqual(past, ["<alice> before it hangs"]);
  assert.notEqual(await server.historyPid(), hanging);
  assert.equal(await server.end("SIGTERM"), 0);
  assert.deepEqual(stored(server.folder), ["before it hangs", "while it hangs"]);
});

test("a history that fails when the server is stopped or killed: the next one marks what is missing", async () => {
  for (const how of ["stopped", "killed"] as const) {
    await using first = await TestServer.start(NO_ORPHANS);
    using alice = await TestClient.named(first.port, "alice");
    alice.say("before it");
    assert.equal((await ask(alice, "/history 1"))[1], "<alice> before it", how);
    const database = new DatabaseSync(join(first.folder, "history.sqlite"));
    database.exec("BEGIN IMMEDIATE");
    alice.say("while it fails");
    await alice.sees("-- history cannot be written");
    alice.say("still failing");
    if (how === "stopped") assert.equal(await first.end("SIGTERM"), 0);
    else await first.killAll(await first.pids());
    database.exec("ROLLBACK");
    database.close();
    await using second = await TestServer.start([], first.folder);
    using bob = await TestClient.named(second.port, "bob");
    bob.say("/history");
    await bob.sees("-- that was the past\n");
    assert.match(bob.text, /<alice> before it\n/, how);
    if (!stored(first.folder).includes("still failing"))
      assert.match(bob.text, /-- \(what was said (?:about|between) .* was not kept\)\n/, how);
  }
});
