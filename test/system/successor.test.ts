/*
 * The supervisor is killed, and another one is started in its place: it takes over the processes that have waited for
 * it, and their clients see no more of it than a pause. Where none comes, they end, and the next start recovers what
 * was said.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import {
  TestClient,
  TestServer,
  arrives,
  isAlive,
  openEach,
  processesWith,
  runChorus,
  segmentOf,
  since,
  until,
} from "../support/server.ts";
import { TalkingCrowd } from "../support/talkingCrowd.ts";

/** The segment, and what stands beside it. */
function filesOf(segment: string): string[] {
  return readdirSync(dirname(segment)).filter((name) => name.startsWith(basename(segment)));
}

async function replaceSupervisor(server: TestServer): Promise<void> {
  await server.end("SIGKILL");
  await server.startAgain();
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until("a killed process to be gone", () => !isAlive(pid));
}

/** The processes that serve somebody, and those that are there for all. */
async function lastingPids(server: TestServer): Promise<number[]> {
  await server.hasSpares(0);
  const pids = await server.pidsOf(({ role, clients }) => role !== "worker" || clients > 0);
  return pids.toSorted((a, b) => a - b);
}

for (const flags of [[], ["--history", "off"]]) {
  const how = flags.length === 0 ? "" : `, ${flags.join(" ")}`;
  test(`clients talk on with the successor of their supervisor, and with its successor${how}`, async (t) => {
    await using server = await TestServer.start(["--max-processes", "4", ...flags]);
    const segment = segmentOf(server.folder)!;
    {
      using crowd = await TalkingCrowd.join(server.port, {
        clients: 8,
        talkers: 3,
        linesPerSecond: 300,
        seed: Date.now() | 0,
        asking: true,
      });
      crowd.talk();
      await crowd.settle();
      const before = await lastingPids(server);
      for (let times = 0; times < 2; times += 1) {
        crowd.listenForSilence();
        await replaceSupervisor(server);
        await crowd.settle();
        t.diagnostic(`silence of ${Math.max(...crowd.silencesMs).toFixed(0)} ms`);
        const { pid, clients, processes } = await server.status();
        assert.equal(pid, server.child.pid);
        assert.equal(clients, 8);
        assert.equal(
          processes.reduce((sum, each) => sum + each.clients, 0),
          8,
        );
      }
      await crowd.finish();
      assert.deepEqual(await lastingPids(server), before, "they are the same processes");
    }
    await until("everybody to have left", async () => (await server.status()).clients === 0);
    const pids = processesWith(segment);
    assert.equal(await server.end("SIGTERM"), 0);
    await until("every process to end", () => !pids.some(isAlive));
    assert.deepEqual(filesOf(segment), []);
  });
}

test("a successor serves who was there and who comes, and ends processes with their clients", async () => {
  await using server = await TestServer.start();
  const segment = segmentOf(server.folder)!;
  const clients = await openEach(server, ["bob", "alice"]);
  using bob = clients.get("bob")!.client;
  using alice = clients.get("alice")!.client;
  alice.say("/away at lunch");
  await alice.sees("-- you are marked as away\n");
  bob.say("/topic what lasts");
  await alice.sees("what lasts (set by bob)\n");
  alice.socket.write("half a ");
  await arrives(server, alice);
  const heard = since(bob);
  await replaceSupervisor(server);
  alice.say("line");
  await bob.sees("<alice> half a line\n");
  bob.say("/who");
  await bob.sees("-- 2 in #lobby: ");
  assert.equal(heard(), "<alice> half a line\n-- 2 in #lobby: @bob, alice [away: at lunch]\n");

  using carol = await TestClient.named(server.port, "carol");
  assert.match(carol.text, /^-- you are in #lobby\. It is about: what lasts\. 2 others here: bob, alice\.$/m);
  assert.match(carol.text, /^\[[-0-9 :]+\] <alice> half a line$/m);
  await bob.sees("now known as carol\n");
  assert.equal((await server.status()).clients, 3);

  alice.say("/quit");
  await alice.ends();
  await bob.sees("-- alice left\n");
  await until("her process to end", () => !isAlive(clients.get("alice")!.pid));
  assert.equal((await server.status()).clients, 2);
  carol.say("still here");
  await bob.sees("<carol> still here\n");

  const pids = processesWith(segment);
  assert.equal(await server.end("SIGTERM"), 0);
  for (const client of [bob, carol]) {
    await client.sees("-- the server is stopping\n");
    await client.ends();
  }
  await until("every process to end", () => !pids.some(isAlive));
  assert.deepEqual(filesOf(segment), []);
});

test("chorus stop ends processes that were adopted", async () => {
  await using server = await TestServer.start();
  const segment = segmentOf(server.folder)!;
  using alice = await TestClient.named(server.port, "alice");
  await replaceSupervisor(server);
  const pids = processesWith(segment);
  assert.deepEqual(await server.run("stop"), { code: 0, stdout: "", stderr: "" });
  await alice.sees("-- the server is stopping\n");
  await until("every process to end", () => !pids.some(isAlive));
  assert.deepEqual(filesOf(segment), []);
});

test("who comes while there is no supervisor is refused; a second server beside its successor is as well", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  await alice.sees("now known as bob\n");
  await server.end("SIGKILL");
  const socket = connect(server.port, "127.0.0.1");
  const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
  assert.equal(error.code, "ECONNREFUSED");
  await server.startAgain();
  const heard = since(bob);
  const second = await runChorus(["serve", "127.0.0.1", "0", "--data", server.folder]);
  assert.equal(second.code, 1);
  assert.match(second.stderr, /a server is running with the data directory/);
  alice.say("as before");
  await bob.sees("<alice> as before\n");
  assert.equal(heard(), "<alice> as before\n");
});

test("without a successor they end in time, and the next start puts all that was said into the history", async () => {
  await using server = await TestServer.start(["--orphan-ms", "500"]);
  const segment = segmentOf(server.folder)!;
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  alice.say("before");
  await bob.sees("<alice> before\n");
  const pids = processesWith(segment).filter((pid) => pid !== server.child.pid);
  const killedMs = Date.now();
  await server.end("SIGKILL");
  alice.say("in the gap");
  await arrives(server, alice);
  await until("every process to end", () => !pids.some(isAlive));
  const tookMs = Date.now() - killedMs;
  assert.ok(tookMs >= 400 && tookMs < 3000, `they ended after ${tookMs} ms`);
  await alice.ends();
  await bob.ends();
  assert.ok(existsSync(segment), "the segment is left for recovery");
  await server.startAgain();
  assert.equal((await server.status()).clients, 0);
  using carol = await TestClient.named(server.port, "carol");
  assert.match(carol.text, /\n\[[-0-9 :]+\] <alice> before\n\[[-0-9 :]+\] <alice> in the gap\n-- now live\n/);
  carol.say("/who");
  await carol.sees("-- 1 in #lobby: ");
});

test("whose process dies while there is no supervisor has left; the others go on", async () => {
  await using server = await TestServer.start();
  const clients = await openEach(server, ["bob", "alice", "carol"]);
  using bob = clients.get("bob")!.client;
  using alice = clients.get("alice")!.client;
  using carol = clients.get("carol")!.client;
  const heard = since(bob);
  await server.end("SIGKILL");
  await kill(clients.get("alice")!.pid);
  await alice.ends();
  await server.startAgain();
  await bob.sees("-- alice left");
  carol.say("still here");
  await bob.sees("<carol> still here\n");
  bob.say("/who");
  await bob.sees("-- 2 in #lobby: ");
  assert.match(heard(), /^-- alice left.*\n<carol> still here\n-- 2 in #lobby: @bob, carol\n$/);
  assert.equal((await server.status()).clients, 2);
  using again = await TestClient.named(server.port, "alice");
  again.say("back");
  await bob.sees("<alice> back\n");
});

for (const role of ["history", "greeter"]) {
  test(`a ${role} process that dies while there is no supervisor is replaced by the next one`, async () => {
    await using server = await TestServer.start();
    using alice = await TestClient.named(server.port, "alice");
    using bob = await TestClient.named(server.port, "bob");
    await alice.sees("now known as bob\n");
    await server.historyPid();
    alice.say("before");
    await bob.sees("<alice> before\n");
    const [victim] = await server.pidsOf((each) => each.role === role);
    const heard = since(bob);
    await server.end("SIGKILL");
    await kill(victim!);
    alice.say("in the gap");
    await server.startAgain();
    alice.say("after");
    await bob.sees("<alice> after\n");
    assert.equal(heard(), "<alice> in the gap\n<alice> after\n");
    using carol = await TestClient.named(server.port, "carol");
    const past = ["before", "in the gap", "after"].map((word) => `\\[[-0-9 :]+\\] <alice> ${word}\n`);
    assert.match(carol.text, new RegExp(past.join("")));
  });
}

test("a process that is stopped when the successor comes holds up nobody but its client", async (t) => {
  await using server = await TestServer.start();
  const clients = await openEach(server, ["bob", "alice", "carol"]);
  using bob = clients.get("bob")!.client;
  using alice = clients.get("alice")!.client;
  using carol = clients.get("carol")!.client;
  const { pid } = clients.get("alice")!;
  process.kill(pid, "SIGSTOP");
  const heard = since(bob);
  const byAlice = since(alice);
  await replaceSupervisor(server);
  carol.say("is anybody there?");
  await bob.sees("<carol> is anybody there?\n");
  await until("the process to be ended", () => !isAlive(pid));
  // Its client is dropped, or somebody else serves it: but it is either the one or the other.
  await until("what becomes of its client", () => alice.closed || byAlice().includes("<carol>"));
  t.diagnostic(alice.closed ? "its client was dropped" : "its client was served by another");
  const goes = alice.closed ? "-- alice left" : "<alice> yes";
  if (!alice.closed) alice.say("yes");
  await bob.sees(goes);
  assert.match(heard(), new RegExp(`^<carol> is anybody there\\?\n${goes}.*\n$`));
  assert.equal((await server.status()).clients, alice.closed ? 2 : 3);
});

test("a successor that is killed while it takes over is succeeded in its turn", async () => {
  await using server = await TestServer.start(["--max-processes", "3"]);
  using crowd = await TalkingCrowd.join(server.port, {
    clients: 6,
    talkers: 2,
    linesPerSecond: 200,
    seed: Date.now() | 0,
    asking: true,
  });
  crowd.talk();
  await crowd.settle();
  for (const afterMs of [100, 150, 200, 250, 300]) {
    await server.end("SIGKILL");
    const attempt = server.startAgain();
    // Somewhere before it listens, or soon after.
    await delay(afterMs);
    await server.end("SIGKILL");
    await Promise.allSettled([attempt]);
    await server.startAgain();
    await crowd.settle();
  }
  await crowd.finish();
  assert.equal((await server.status()).clients, 6);
});

test("processes that were about to start when the supervisor died do no harm to its successor", async () => {
  await using server = await TestServer.start(["--spare-processes", "2"]);
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  await alice.sees("now known as bob\n");
  const heard = since(bob);
  const times = [0, 20, 40, 60, 80, 120];
  for (const afterMs of times) {
    await server.hasSpares(2);
    // Each is replaced at once: after so long, its successor has come so far as it has.
    for (const pid of await server.pidsOf(({ role, clients }) => role === "worker" && clients === 0))
      process.kill(pid, "SIGKILL");
    await delay(afterMs);
    await replaceSupervisor(server);
    alice.say(`after ${afterMs}`);
    await bob.sees(`<alice> after ${afterMs}\n`);
  }
  await server.hasSpares(2);
  assert.equal(heard(), times.map((afterMs) => `<alice> after ${afterMs}\n`).join(""));
});
