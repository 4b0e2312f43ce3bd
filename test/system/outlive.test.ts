/*
 * A client outlives the process that serves it: whatever that process was about to do when it died, the next one does,
 * once, and nobody sees anything of it. Processes that die again and again are in crashLoop.test.ts.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { median } from "../../bench/support/table.ts";
import { MiB } from "../../src/base/index.ts";
import {
  TestClient,
  TestServer,
  arrives,
  isAlive,
  kernelQueues,
  openEach,
  processesWith,
  segmentOf,
  since,
  until,
} from "../support/server.ts";
import { TURNS_PER_SECOND, TalkingCrowd } from "../support/talkingCrowd.ts";

async function kill(pid: number): Promise<void> {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It may just have ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
  await until("a killed process to be gone", () => !isAlive(pid));
}

for (const [where, read, unread] of [
  ["its process has read", "hel", ""],
  ["only the kernel has", "", "hel"],
  ["its process has read in part", "h", "el"],
] as const) {
  test(`half a line that ${where} is said as one line, by the same person in the same place`, async () => {
    await using server = await TestServer.start();
    const clients = await openEach(server, ["alice", "bob", "carol"]);
    const [alice, bob, carol] = [...clients.values()].map(({ client }) => client);
    using _each = { [Symbol.dispose]: () => clients.forEach(({ client }) => client[Symbol.dispose]()) };
    const { pid } = clients.get("alice")!;
    alice!.say("/join #dev");
    await alice!.sees("-- you are in #dev.");
    alice!.say("/away at lunch");
    await alice!.sees("-- you are marked as away\n");
    bob!.say("/join #dev");
    await alice!.sees("-- bob joined\n");
    await bob!.sees("-- you are in #dev. 1 other here: alice.\n");
    const [byAlice, byBob, byCarol] = [alice!, bob!, carol!].map(since);

    alice!.socket.write(read);
    await arrives(server, alice!);
    if (unread !== "") {
      process.kill(pid, "SIGSTOP");
      alice!.socket.write(unread);
      await arrives(server, alice!, false);
    }
    await kill(pid);
    alice!.socket.write("lo\n");
    await bob!.sees("<alice> hello\n");
    carol!.say("to all");
    await bob!.sees("[#lobby] <carol> to all\n");
    alice!.say("/who");
    await alice!.sees("-- 2 in #dev: ");
    alice!.say("/away");
    await alice!.sees("-- you are back\n");
    assert.equal(byBob!(), "<alice> hello\n[#lobby] <carol> to all\n");
    assert.equal(byCarol!(), "");
    assert.equal(
      byAlice!(),
      "[#lobby] <carol> to all\n-- 2 in #dev: @alice [away: at lunch], bob\n-- you are back\n",
    );
  });
}

test("a process that many share: each goes on in the middle of its line", async () => {
  await using server = await TestServer.start(["--max-processes", "1"]);
  const nicks = ["alice", "bob", "carol", "dave", "erin"];
  const clients: TestClient[] = [];
  using _each = { [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()) };
  for (const nick of nicks) clients.push(await TestClient.named(server.port, nick));
  for (const client of clients) await client.sees("now known as erin\n");
  const heard = clients.map(since);
  for (const [index, client] of clients.entries()) {
    client.socket.write(`half of ${nicks[index]}`);
    await arrives(server, client);
  }
  const [pid] = await server.busyWorkers();
  await kill(pid!);
  for (const client of clients) client.say(" and the other");
  for (const [index, nick] of nicks.entries()) {
    const others = nicks.filter((other) => other !== nick);
    for (const other of others) await clients[index]!.sees(`<${other}> half of ${other} and the other\n`);
    assert.deepEqual(
      heard[index]!().split("\n").toSorted(),
      ["", ...others.map((other) => `<${other}> half of ${other} and the other`)].toSorted(),
    );
  }
  assert.deepEqual(
    heard[0]!()
      .split("\n")
      .filter((line) => !line.startsWith("<bob>")),
    heard[1]!()
      .split("\n")
      .filter((line) => !line.startsWith("<alice>")),
    "one order",
  );
});

for (const [how, hangUp, says] of [
  [
    "after its last words",
    (alice: TestClient) => alice.socket.end("last words"),
    /^<alice> last words\n-- alice left\n$/,
  ],
  [
    "by a reset",
    (alice: TestClient) => alice.socket.resetAndDestroy(),
    /^-- alice left( \(connection lost\))?\n$/,
  ],
] as const) {
  test(`who hung up ${how} while nobody served them has left`, async () => {
    await using server = await TestServer.start();
    // Bob was here first, and runs the room: who leaves it does not concern him more than that.
    const clients = await openEach(server, ["bob", "alice"]);
    using alice = clients.get("alice")!.client;
    using bob = clients.get("bob")!.client;
    const { pid } = clients.get("alice")!;
    process.kill(pid, "SIGSTOP");
    const heard = since(bob);
    const isOut = how === "by a reset" ? once(alice.socket, "close") : once(alice.socket, "finish");
    hangUp(alice);
    await isOut;
    await kill(pid);
    await bob.sees("-- alice left");
    await until("her place to be free", async () => (await server.status()).clients === 1);
    bob.say("/who");
    await bob.sees("-- 1 in #lobby: ");
    assert.match(heard().replace(/-- 1 in #lobby: .*\n/, ""), says);
    await alice.ends();
  });
}

test("what waits for somebody who does not read comes once and whole, whoever brings it", async (t) => {
  await using server = await TestServer.start(["--history", "off", "--max-queue", "4MiB"]);
  const clients = await openEach(server, ["slow", "bob", "carol"]);
  using slow = clients.get("slow")!.client;
  using bob = clients.get("bob")!.client;
  using carol = clients.get("carol")!.client;
  const others = [clients.get("bob")!.pid, clients.get("carol")!.pid];
  const heard = since(slow);
  slow.socket.pause();
  const line = (number: number): string => `${number} ${"漢z".repeat(1000)}`;
  const lineBytes = Buffer.byteLength(`<bob> ${line(0)}\n`);
  // The kernel takes as much as it likes: until there is as much again that it did not take.
  let lines = 0;
  let held = 0;
  while (held < MiB) {
    assert.ok(lines < 10_000, "the kernel takes everything");
    for (let i = 0; i < 50; i += 1) bob.say(line(lines++));
    await carol.sees(`<bob> ${lines - 1} `);
    held = lines * lineBytes - slow.socket.bytesRead - kernelHolds(server, slow);
  }
  t.diagnostic(`${lines * lineBytes} bytes for it, of which ${held} wait in its process`);
  await kill(clients.get("slow")!.pid);
  bob.say("after the first death");
  await carol.sees("<bob> after the first death\n");
  slow.socket.resume();
  await until("some of it", () => heard().length > 200_000);
  slow.socket.pause();
  const next = (await server.busyWorkers()).filter((pid) => !others.includes(pid));
  assert.equal(next.length, 1);
  await kill(next[0]!);
  bob.say("after the second death");
  slow.socket.resume();
  await slow.sees("<bob> after the second death\n");
  const expected = Array.from({ length: lines }, (_, number) => `<bob> ${line(number)}\n`).join("");
  const end = "<bob> after the first death\n<bob> after the second death\n";
  const got = heard();
  assert.equal(got.length, expected.length + end.length);
  assert.ok(got === expected + end, "every byte once, in its place");
});

/** Bytes that stand in the kernel on their way from a server to its client. */
function kernelHolds(server: TestServer, { socket }: TestClient): number {
  const sent = kernelQueues(server.port, socket.localPort!);
  const received = kernelQueues(socket.localPort!, server.port);
  assert.ok(sent !== undefined && received !== undefined);
  return sent.unsent + received.unread;
}

for (const [question, answer] of [
  // What is said meanwhile does not wait for it,
  ["/history 3", "-> *carol* that is all\nAFTER-- the last 3 messages of #dev:\nPAST-- that was the past\n"],
  // but on entering a room, the past comes first.
  [
    "/join #dev",
    "-- you are in #dev. 2 others here: alice, carol.\n-- the last 3 messages of #dev:\nPAST-- now live\nAFTER",
  ],
] as const) {
  test(`${question} is answered once, in its place, though the process that asked is dead`, async () => {
    await using server = await TestServer.start();
    const clients = await openEach(server, ["alice", "bob", "carol"]);
    using alice = clients.get("alice")!.client;
    using bob = clients.get("bob")!.client;
    using carol = clients.get("carol")!.client;
    const enters = async (client: TestClient): Promise<void> => {
      client.say("/join #dev");
      await client.sees("-- you are in #dev.");
    };
    for (const client of question === "/join #dev" ? [alice, carol] : [alice, carol, bob])
      await enters(client);
    const said = since(carol);
    for (const word of ["one", "two", "three"]) alice.say(word);
    await until("these words to be said", () => said().endsWith("<alice> three\n"));
    if (question !== "/join #dev") await bob.sees("<alice> three\n");
    const heard = since(bob);
    const [history] = await server.pidsOf(({ role }) => role === "history");
    const { pid } = clients.get("bob")!;
    process.kill(history!, "SIGSTOP");
    bob.say(question);
    // Carol's process has the order up to a place behind the question's.
    if (question === "/join #dev") await carol.sees("-- bob joined\n");
    else await orders(bob, carol);
    await kill(pid);
    alice.say("after it");
    await carol.sees("<alice> after it\n");
    process.kill(history!, "SIGCONT");
    await bob.sees("<alice> after it\n");
    await bob.sees(question === "/join #dev" ? "-- now live\n" : "-- that was the past\n");
    bob.say("/who");
    await bob.sees(" in #dev: ");
    const past = ["one", "two", "three"].map((word) => `[TIME] <alice> ${word}\n`).join("");
    assert.equal(
      heard().replaceAll(/^\[[-0-9]+ [:0-9]+\]/gm, "[TIME]"),
      `${answer.replace("PAST", past).replace("AFTER", "<alice> after it\n")}-- 3 in #dev: @alice, carol, bob\n`,
    );
  });
}

/** Waits until what somebody has sent so far has its place in the order. */
async function orders(from: TestClient, to: TestClient): Promise<void> {
  from.say("/msg carol that is all");
  await to.sees("*bob* that is all\n");
}

test("who said /quit leaves with these words, and is let go, also when that is the last its process did", async () => {
  await using server = await TestServer.start();
  using bob = await TestClient.named(server.port, "bob");
  const bobs = await server.busyWorkers();
  for (const afterMs of ["unread", 0, 1, 2, 4, 8] as const) {
    using alice = await TestClient.named(server.port, "alice");
    const pid = (await server.busyWorkers()).find((each) => !bobs.includes(each));
    await bob.sees("now known as alice\n");
    const heard = since(bob);
    if (afterMs === "unread") process.kill(pid!, "SIGSTOP");
    alice.say("/quit good night");
    // Somewhere in the middle of it, or after it: each of these is a moment of its own.
    if (afterMs !== "unread") await delay(afterMs);
    await kill(pid!);
    await alice.ends();
    await bob.sees("-- alice left");
    await until("her place to be free", async () => (await server.status()).clients === 1);
    bob.say("/who");
    await until("the answer", () => heard().includes("-- 1 in #lobby"));
    assert.equal(heard(), "-- alice left: good night\n-- 1 in #lobby: @bob\n", String(afterMs));
    bob.text = "";
  }
});

test("who has not said yet what it speaks outlives the greeter", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  await server.hasSpares(2);
  using page = await TestClient.open(server.port);
  using plain = await TestClient.open(server.port);
  using silent = await TestClient.open(server.port);
  await until("all to be accepted", async () => (await server.status()).clients === 4);
  // Both may still become a request, so that the greeter keeps them.
  page.socket.write("GET / HTT");
  plain.socket.write("GET the sa");
  for (const client of [page, plain]) await arrives(server, client);
  const [greeter] = await server.pidsOf(({ role }) => role === "greeter");
  await kill(greeter!);
  page.socket.write("P/1.1\r\nHost: localhost\r\n\r\n");
  plain.say("lt");
  await page.sees("HTTP/1.1 200 OK\r\n");
  await page.ends();
  await plain.sees("-- welcome to chorus");
  await silent.sees("-- welcome to chorus");
  await until("its line", () => /^<guest\d> GET the salt\n/m.test(alice.text));
});

test("after takeovers there are as many processes as before, and the supervisor has as much open", async () => {
  await using server = await TestServer.start(["--max-processes", "3"]);
  const clients: TestClient[] = [];
  using _each = { [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()) };
  for (const nick of ["alice", "bob", "carol", "dave"])
    clients.push(await TestClient.named(server.port, nick));
  const segment = segmentOf(server.folder)!;
  const open = (): number => readdirSync(`/proc/${server.child.pid!}/fd`).length;
  const rested = async (): Promise<boolean> => {
    const { processes } = await server.status();
    return processes.every(({ ready }) => ready);
  };
  await until("everything to have started", rested);
  const before = { processes: processesWith(segment).length, open: open() };
  for (let round = 0; round < 3; round += 1) {
    for (const pid of await server.busyWorkers()) await kill(pid);
    for (const client of clients) {
      const answers = since(client);
      client.say("/who");
      await until("an answer", () => /^-- 4 in #lobby: .*\n$/.test(answers()));
    }
  }
  await until("as many processes as before", async () => {
    return (await rested()) && processesWith(segment).length === before.processes;
  });
  await until(`${before.open} open files, ${open()} are`, () => open() === before.open);
  const { clients: served, processes } = await server.status();
  assert.equal(served, 4);
  assert.equal(
    processes.reduce((sum, each) => sum + each.clients, 0),
    4,
  );
  for (const client of clients) client[Symbol.dispose]();
  await until("spare processes again", async () => {
    const { processes } = await server.status();
    const spares = processes.filter(({ role, clients }) => role === "worker" && clients === 0);
    return processes.every((each) => each.clients === 0) && spares.length === 2;
  });
});

test("how long it takes, from the last line to the next", async (t) => {
  // Two who talk: nobody hears their own lines.
  const talkers = 2;
  const clients = 7;
  await using server = await TestServer.start();
  await server.hasSpares(2);
  const options = { clients, talkers, linesPerSecond: talkers * TURNS_PER_SECOND, seed: 1 };
  using crowd = await TalkingCrowd.join(server.port, options);
  const theirs = (await server.busyWorkers()).slice(0, talkers);
  crowd.talk();
  const silences: number[] = [];
  for (let round = 0; round < 2 * (clients - talkers); round += 1) {
    // Not those who talk, whose silence would be everybody's; and nobody twice in a row, who would be suspected.
    const pids = await until("all to be served", async () => {
      const pids = (await server.busyWorkers()).filter((pid) => !theirs.includes(pid));
      return pids.length === clients - talkers && pids;
    });
    await crowd.settle();
    crowd.listenForSilence();
    await kill(pids[0]!);
    // Until its client has heard something that was said later.
    const { saidLines } = crowd;
    await until("more to be said", () => crowd.saidLines > saidLines + 100);
    await crowd.settle();
    silences.push(Math.max(...crowd.silencesMs));
  }
  await crowd.finish();
  const [p50, max] = [median(silences), Math.max(...silences)];
  t.diagnostic(`a killed worker: silence of p50 ${p50.toFixed(0)} ms, max ${max.toFixed(0)} ms`);
});
