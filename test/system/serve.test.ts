/*
 * What a person sees who runs a server, and what happens when its processes are killed, stopped or crowded. The faults
 * of the teaching program that Chorus descends from have their tests in teachingFaults.test.ts.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import {
  CHORUS,
  NO_ORPHANS,
  TestClient,
  TestServer,
  isAlive,
  runChorus,
  segmentFiles,
  until,
} from "../support/server.ts";

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
  await bob.sees("-- 2 in #lobby: @alice, 小明 (user)");
  bob.say("/dance");
  await bob.sees("-- there is no command /dance");
  bob.say("/help");
  await bob.sees("/quit [TEXT]");
  assert.ok(!bob.text.includes("* bob waves"), "nobody hears themselves");
  bob.say("/quit good night");
  await alice.sees("-- 小明 left: good night");
  await bob.ends();
});

test("who comes sees what was said before as the past, though its process has not read it yet", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  // Processes that wait for their first client are not woken for what others say; those that start read along.
  await server.hasSpares(2);
  for (let line = 0; line < 50; line += 1) alice.say(`before ${line}`);
  await bob.sees("<alice> before 49\n");
  using carol = await TestClient.named(server.port, "carol");
  const { lines } = carol;
  assert.match(lines[0]!, /^-- welcome to chorus, guest3\. /);
  assert.equal(lines[1], "-- you are in #lobby. 2 others here: alice, bob.");
  assert.equal(lines[2], "-- the last 20 messages of #lobby:");
  for (const [index, line] of lines.slice(3, 23).entries())
    assert.match(line, new RegExp(`^\\[\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d\\] <alice> before ${30 + index}$`));
  assert.deepEqual(lines.slice(23), ["-- now live", "-- guest3 is now known as carol"]);
});

test("lines: either end will do, long ones are refused, the last one counts without an end", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  bob.socket.write("as telnet ends it\r\nand\n");
  await alice.sees("<bob> as telnet ends it\n<bob> and\n");
  bob.socket.write(`${"x".repeat(70_000)}\nafter\n`);
  await bob.sees("-- that line is longer than 4096 bytes");
  await alice.sees("<bob> after\n");
  assert.ok(!alice.text.includes("xx"));
  bob.socket.write(`${"y".repeat(4096)}\n`);
  await alice.sees(`<bob> ${"y".repeat(4096)}\n`);
  bob.socket.write("last words");
  bob.socket.end();
  await alice.sees("<bob> last words\n-- bob left\n");
  await bob.ends();
});

test("telnet goes on after its Ctrl-C: what it asks is answered, and said by nobody", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  bob.socket.setEncoding("latin1");
  // Until the last of these is answered, telnet shows nothing: interrupt, DO TIMING-MARK.
  bob.socket.write(Buffer.from([0xff, 0xf4, 0xff, 0xfd, 0x06]));
  bob.say("hi");
  await bob.sees("\xff\xfc\x06");
  await alice.sees("<bob> hi\n");
});

test("too many users: the next is told, and a place that is freed is usable at once", async () => {
  await using server = await TestServer.start(["--max-clients", "2", "--max-processes", "2"]);
  using alice = await TestClient.named(server.port, "alice");
  let bob = await TestClient.named(server.port, "bob");
  using third = await TestClient.open(server.port);
  third.say("hello?");
  await third.sees("-- too many users");
  await third.ends();
  using fourth = await TestClient.open(server.port);
  // Says nothing at all, and is told all the same.
  fourth.socket.end();
  await fourth.sees("-- too many users");
  await fourth.ends();
  for (let round = 0; round < 15; round += 1) {
    const end = once(bob.socket, "end");
    bob.say("/quit");
    await end;
    // Not a moment later: the news that bob has left may still be on its way to the supervisor.
    bob = await TestClient.open(server.port);
    bob.say(`/nick bob${round}`);
    await bob.sees("\n");
    assert.match(bob.text, /^-- welcome/, `round ${round}`);
    await alice.sees(`now known as bob${round}\n`);
  }
  bob[Symbol.dispose]();
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

test("a killed process costs nobody anything: its client goes on in the middle of a line", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  const [alicesWorker] = await server.busyWorkers();
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  alice.say("/join #tea");
  await alice.sees("#tea");
  alice.socket.write("half a line");
  bob.say("before");
  await alice.sees("<bob> before\n");
  process.kill(alicesWorker!, "SIGKILL");
  bob.say("meanwhile");
  await until("the process to be dead", () => !isAlive(alicesWorker!));
  bob.say("afterwards");
  await carol.sees("<bob> afterwards\n");
  await alice.sees(["before", "meanwhile", "afterwards"].map((each) => `[#lobby] <bob> ${each}\n`).join(""));
  carol.say("/join #tea");
  await carol.sees("#tea");
  alice.socket.write(" and the other half\n");
  await carol.sees("<alice> half a line and the other half\n");
  bob.say("/who #lobby");
  await bob.sees("-- 3 in #lobby: @alice, bob, carol\n");
  for (const client of [alice, bob, carol]) {
    assert.doesNotMatch(client.text, /alice left|died|missed/);
    assert.equal(client.closed, false);
  }
  const workers = await server.busyWorkers();
  assert.equal(workers.length, 3);
  assert.ok(!workers.includes(alicesWorker!));
});

test("a process that hangs is found within five seconds and ended; its client goes on, like the others", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  const [alicesWorker] = await server.busyWorkers();
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  const stoppedMs = Date.now();
  process.kill(alicesWorker!, "SIGSTOP");
  bob.say("meanwhile");
  alice.say("can you hear me?");
  await carol.sees("<bob> meanwhile\n");
  assert.ok(!carol.text.includes("<alice>"));
  await carol.sees("<alice> can you hear me?\n");
  assert.ok(Date.now() - stoppedMs < 6000, `found after ${Date.now() - stoppedMs} ms`);
  await until("the process to be dead", () => !isAlive(alicesWorker!));
  await alice.sees("<bob> meanwhile\n");
  for (const client of [alice, bob, carol]) assert.doesNotMatch(client.text, /alice left|died/);
});

test("without a history a client that does not read is disconnected; nobody else is slowed", async () => {
  await using server = await TestServer.start(["--max-queue", "64KiB", "--history", "off"]);
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
  // Still with the greeter, who waits for its first words.
  using newcomer = await TestClient.open(server.port);
  await until("the newcomer to be accepted", async () => (await server.status()).clients === 3);
  bob.say("quick");
  await alice.sees("<bob> quick\n");
  assert.equal(await server.end("SIGTERM"), 0);
  await alice.sees("-- the server is stopping\n");
  await newcomer.sees("-- the server is stopping\n");
  await alice.ends();
  await newcomer.ends();
  await bob.ends();
  assert.deepEqual(pids.filter(isAlive), []);
});

test("a supervisor that is killed takes its processes along, and its segment is saved and removed", async () => {
  await using first = await TestServer.start(NO_ORPHANS);
  using alice = await TestClient.named(first.port, "alice");
  const pids = (await first.status()).log.map((each) => each.pid);
  alice.say("remember me");
  alice.say("/topic remembered");
  await alice.sees("remembered (set by alice)\n");
  const before = segmentFiles();
  const killedMs = Date.now();
  await first.end("SIGKILL");
  await until("every process to end", () => pids.filter(isAlive).length === 0);
  assert.ok(Date.now() - killedMs < 1500, `they ended after ${Date.now() - killedMs} ms`);
  await alice.ends();
  assert.deepEqual(segmentFiles(), before, "the segment outlives its server");
  await using second = await TestServer.start([], first.folder);
  await until("the warning", () => second.stderr.includes("that the server before this one left"));
  using bob = await TestClient.named(second.port, "bob");
  assert.match(bob.text, /\n\[[-0-9 :]+\] <alice> remember me\n/);
  assert.match(bob.text, / -- the topic is now: remembered \(set by alice\)\n-- now live\n/);
  assert.equal((await second.status()).clients, 1);
});

test("a data directory that is in use is a clear error", async () => {
  await using server = await TestServer.start();
  const second = await runChorus(["serve", "127.0.0.1", "0", "--data", server.folder]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /a server is running with the data directory/);
});

test("a folder that cannot be used is named, and why", async () => {
  await using server = await TestServer.start();
  const file = join(server.folder, "a file");
  const missing = join(server.folder, "missing");
  writeFileSync(file, "");
  const data = join(server.folder, "data");
  for (const [flags, reason] of [
    [["--data", file], `${file}: it is not a folder`],
    [["--data", data, "--shm-dir", missing], `${missing}: no such file or directory`],
  ] as const) {
    const result = await runChorus(["serve", "127.0.0.1", "0", ...flags]);
    assert.deepEqual(result, { code: 1, stdout: "", stderr: `chorus: cannot use ${reason}\n` });
  }
});

test("settings that need more open files than there may be are refused with how many", async () => {
  await using server = await TestServer.start();
  const data = join(server.folder, "data");
  const command = `ulimit -n 256; exec "$0" "$1" serve 127.0.0.1 0 --data "$2" --max-clients 500`;
  const child = spawn("sh", ["-c", command, process.execPath, CHORUS, data], { stdio: "pipe" });
  const [[code], stderr] = await Promise.all([
    once(child, "exit") as Promise<[number | null]>,
    text(child.stderr),
  ]);
  assert.equal(code, 1);
  assert.match(stderr, /^chorus: .* need up to \d+ open files, .* may have 256: .* lower --max-clients/);
});

test("a server goes on when nobody reads what it says, and ends when it is told to", async () => {
  await using server = await TestServer.start();
  server.child.stdout!.destroy();
  server.child.stderr!.destroy();
  using alice = await TestClient.named(server.port, "alice");
  const [alicesWorker] = await server.busyWorkers();
  using bob = await TestClient.named(server.port, "bob");
  // Something to log, more than once.
  server.child.kill("SIGHUP");
  process.kill(alicesWorker!, "SIGKILL");
  await until("the process to be dead", () => !isAlive(alicesWorker!));
  alice.say("still here");
  await bob.sees("<alice> still here\n");
  bob.say("/who");
  await bob.sees("-- 2 in #lobby: @alice, bob");
  assert.equal(await server.end("SIGTERM"), 0);
});

test("a server whose terminal was closed goes on, and can be stopped", async () => {
  const folder = mkdtempSync(join(tmpdir(), "chorus-terminal-"));
  const tmux = (...args: string[]): string =>
    spawnSync("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...args], { encoding: "utf8" }).stdout;
  const data = join(folder, "data");
  try {
    tmux("new-session", "-d", "--", process.execPath, CHORUS, "serve", "127.0.0.1", "0", "--data", data);
    const port = await until(
      "the server to listen",
      () => Number(/^listening on .*:(\d+)$/m.exec(tmux("capture-pane", "-p"))?.[1] ?? 0) || undefined,
    );
    tmux("kill-server");
    // It says so, and its words go nowhere.
    using alice = await TestClient.named(port, "alice");
    alice.say("/who");
    await alice.sees("-- 1 in #lobby: @alice");
    assert.deepEqual(await runChorus(["stop", "--data", data]), { code: 0, stdout: "", stderr: "" });
    await alice.ends();
  } finally {
    tmux("kill-server");
    rmSync(folder, { recursive: true });
  }
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
