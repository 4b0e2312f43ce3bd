/*
 * What a person sees who runs a server, and what happens when its processes are killed, stopped or crowded. The faults
 * of the teaching program that Chorus descends from (docs/architecture.md) are named where a test would find them.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { TestClient, TestServer, isAlive, runChorus, segmentFiles, until } from "../support/server.ts";

test("people talk: names, actions, who is here, leaving", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  await alice.sees("-- guest2 joined");
  await alice.sees("-- guest2 is now known as bob");
  bob.say("hello \u001b[31mred\u001b[0m 你好");
  await alice.sees("<bob> hello \ufffd[31mred\ufffd[0m 你好\n");
  bob.say("/me waves");
  await alice.sees("* bob waves\n");
  bob.say("/nick Alice");
  await bob.sees("-- the name Alice is taken");
  bob.say("/nick 小明");
  await alice.sees("-- bob is now known as 小明 (user)");
  bob.say("/who");
  await bob.sees("-- 2 here: alice, 小明 (user)");
  bob.say("/dance");
  await bob.sees("-- there is no command /dance");
  bob.say("/help");
  await bob.sees("/quit [TEXT]");
  assert.ok(!bob.text.includes("* bob waves"), "nobody hears themselves");
  bob.say("/quit good night");
  await alice.sees("-- 小明 left: good night");
  await bob.ends();
});

test("lines: partial ones wait, long ones are refused, the last one counts without an end", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  bob.socket.write("one ");
  alice.say("between");
  await bob.sees("<alice> between");
  bob.socket.write("whole line\r\nand\n");
  await alice.sees("<bob> one whole line\n<bob> and\n");
  bob.socket.write(`${"x".repeat(70_000)}\nafter\n`);
  await bob.sees("-- that line is longer than 4096 bytes");
  await alice.sees("<bob> after\n");
  assert.ok(!alice.text.includes("xx"));
  bob.socket.write(`${"y".repeat(4096)}\n`);
  await alice.sees(`<bob> ${"y".repeat(4096)}\n`);
  // The teaching program sent 1,024 bytes whatever was said, zeros included.
  assert.ok(!alice.text.includes("\0"));
  bob.socket.write("last words");
  bob.socket.end();
  await alice.sees("<bob> last words\n-- bob left\n");
  await bob.ends();
});

test("too many users: the next is told, and a place that is freed is usable at once", async () => {
  await using server = await TestServer.start(["--max-clients", "2", "--max-processes", "2"]);
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  using third = await TestClient.open(server.port);
  third.say("hello?");
  await third.sees("-- too many users");
  await third.ends();
  bob.say("/quit");
  await bob.ends();
  using carol = await TestClient.named(server.port, "carol");
  await alice.sees("now known as carol");
  // A child's number went stale in the teaching program when a slot was used again: who speaks now is carol.
  carol.say("it is me");
  await alice.sees("<carol> it is me\n");
  alice.say("welcome");
  await carol.sees("<alice> welcome\n");
});

test("past --max-processes clients share the processes there are", async () => {
  await using server = await TestServer.start(["--max-processes", "2"]);
  const clients: TestClient[] = [];
  for (let i = 0; i < 6; i += 1) clients.push(await TestClient.named(server.port, `c${i}`));
  const workers = (await server.status()).processes.filter(
    (each) => each.role === "worker" && each.clients > 0,
  );
  assert.deepEqual(
    workers.map((each) => each.clients),
    [3, 3],
  );
  clients[0]!.say("to all");
  await Promise.all(clients.slice(1).map((client) => client.sees("<c0> to all\n")));
  assert.ok(!clients[0]!.text.includes("to all"));
  for (const client of clients) client[Symbol.dispose]();
});

test("a killed process costs its own client alone", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  const [alicesWorker] = await server.busyWorkers();
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  process.kill(alicesWorker!, "SIGKILL");
  await bob.sees("-- alice left (process died)");
  await alice.ends();
  bob.say("still here");
  await carol.sees("<bob> still here\n");
  using again = await TestClient.named(server.port, "alice");
  again.say("back");
  await bob.sees("<alice> back\n");
});

test("a process that hangs is found within five seconds and ended; the others go on", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  const [alicesWorker] = await server.busyWorkers();
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  const stoppedMs = Date.now();
  process.kill(alicesWorker!, "SIGSTOP");
  bob.say("meanwhile");
  await carol.sees("<bob> meanwhile\n");
  await bob.sees("-- alice left (process died)");
  assert.ok(Date.now() - stoppedMs < 6000, `found after ${Date.now() - stoppedMs} ms`);
  await until("the process to be dead", () => !isAlive(alicesWorker!));
  await alice.ends();
});

test("a client that does not read is disconnected; nobody else is slowed", async () => {
  await using server = await TestServer.start(["--max-queue", "64KiB"]);
  using slow = await TestClient.named(server.port, "slow");
  slow.socket.pause();
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  const line = "z".repeat(4000);
  let sent = 0;
  while (!carol.text.includes("-- slow left (too slow)")) {
    bob.say(`${sent} ${line}`);
    sent += 1;
    assert.ok(sent < 10_000, "a client that does not read was never disconnected");
    if (sent % 10 === 0) await carol.sees(`<bob> ${sent - 1} z`);
    if (carol.text.length > 1_000_000 && !carol.text.includes("slow left"))
      carol.text = carol.text.slice(-10_000);
  }
  bob.say("the end");
  await carol.sees("<bob> the end\n");
});

test("SIGTERM: what was said arrives, everyone is told, every process ends, nothing is left", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  const pids = (await server.status()).log.map((each) => each.pid);
  bob.say("quick");
  await alice.sees("<bob> quick\n");
  assert.equal(await server.end("SIGTERM"), 0);
  await alice.sees("-- the server is stopping\n");
  await alice.ends();
  await bob.ends();
  assert.deepEqual(pids.filter(isAlive), []);
});

test("SIGINT with no client connected ends the server, too", async () => {
  await using server = await TestServer.start();
  assert.equal(await server.end("SIGINT"), 0);
});

test("a supervisor that is killed takes its processes along, and its segment is found and removed", async () => {
  await using first = await TestServer.start();
  using alice = await TestClient.named(first.port, "alice");
  const pids = (await first.status()).log.map((each) => each.pid);
  const before = segmentFiles();
  const killedMs = Date.now();
  await first.end("SIGKILL");
  await until("every process to end", () => pids.filter(isAlive).length === 0);
  assert.ok(Date.now() - killedMs < 1500, `they ended after ${Date.now() - killedMs} ms`);
  await alice.ends();
  assert.deepEqual(segmentFiles(), before, "the segment outlives its server");
  await using second = await TestServer.start([], first.folder);
  await until("the warning", () => second.stderr.includes("of a server that was killed"));
  using bob = await TestClient.named(second.port, "bob");
  bob.say("anybody?");
  assert.equal((await second.status()).clients, 1);
});

test("a data directory that is in use is a clear error", async () => {
  await using server = await TestServer.start();
  const second = await runChorus(["serve", "127.0.0.1", "0", "--data", server.folder]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /a server is running with the data directory/);
});

test("settings that memory has no room for are refused with what is needed", async () => {
  const result = await runChorus([
    "serve",
    "127.0.0.1",
    "0",
    "--data",
    "/tmp",
    "--shm-dir",
    "/dev/shm",
    "--ring-bytes",
    "1g",
    "--max-processes",
    "512",
  ]);
  assert.equal(result.code, 1);
  assert.match(
    result.stderr,
    /\/dev\/shm has .* free, and these settings need .*--max-processes or --ring-bytes/,
  );
});

test("stop and status", async () => {
  await using server = await TestServer.start();
  const status = await server.run("status");
  assert.match(status.stdout, /chorus on 127\.0\.0\.1:\d+/);
  assert.equal((await server.run("stop")).code, 0);
  await until("the exit", () => server.child.exitCode !== null);
  const missing = await server.run("status");
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no server called "chorus" runs/);
});

test("a browser gets a page that says how to join; GET the salt is said", async () => {
  await using server = await TestServer.start();
  const page = await fetch(`http://127.0.0.1:${server.port}/`);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /nc 127\.0\.0\.1 \d+/);
  assert.equal((await fetch(`http://127.0.0.1:${server.port}/nothing`)).status, 404);
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.open(server.port);
  bob.say("GET the salt");
  await alice.sees("> GET the salt\n");
});

test("a greeter that is killed is replaced, and those it had go on", async () => {
  await using server = await TestServer.start();
  using waiting = await TestClient.open(server.port);
  const { processes, log } = await server.status();
  const greeter = processes.find((each) => each.role === "greeter")!;
  process.kill(log.find((each) => each.process === greeter.process)!.pid, "SIGKILL");
  await waiting.sees("-- welcome to chorus");
  const other = await TestClient.named(server.port, "other");
  await waiting.sees("now known as other");
  const end = once(other.socket, "close");
  other[Symbol.dispose]();
  await end;
  await waiting.sees("-- other left");
});
