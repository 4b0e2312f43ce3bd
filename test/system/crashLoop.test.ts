/*
 * Workers that die again and again: of what one client says, which costs that client its connection and nobody else
 * anything, or of themselves, which the server and its clients sit out.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Harm } from "../support/faultyWorker.ts";
import { TestClient, TestServer, isAlive, since, until } from "../support/server.ts";

const FAULTY_WORKER = fileURLToPath(new URL("../support/faultyWorker.ts", import.meta.url));

/** For a server's environment: see faultyWorker.ts. */
function faultyWorkers(data: string, variables: Readonly<Record<string, string>>): Record<string, string> {
  return {
    NODE_OPTIONS: `--import=${FAULTY_WORKER}`,
    CHORUS_TEST_DEATHS: join(data, "deaths"),
    ...variables,
  };
}

/** When its processes came to harm, in ms since 1970. */
function deathsOf({ folder }: TestServer): number[] {
  const file = join(folder, "deaths");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1).map(Number) : [];
}

/** Bob runs the room; who else leaves it leaves nothing to be settled. */
const NICKS = ["bob", "alice", "carol", "dave"] as const;

/** They share two processes, so that who is not to blame sits beside who is. */
async function seatAll(server: TestServer): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  for (const nick of NICKS) clients.push(await TestClient.named(server.port, nick));
  for (const client of clients) await client.sees("now known as dave");
  await server.hasSpares(1);
  return clients;
}

/** How many workers are ready, and what they serve. */
async function workersOf(server: TestServer): Promise<{ ready: number; clients: number }> {
  const workers = (await server.status()).processes.filter(({ role, ready }) => ready && role === "worker");
  return { ready: workers.length, clients: workers.reduce((sum, { clients }) => sum + clients, 0) };
}

for (const harm of ["kill", "throw", "loop"] satisfies Harm[]) {
  test(`a line of which processes die (${harm}) is tried twice and costs its own client alone`, async () => {
    await using server = await TestServer.start(["--max-processes", "2"], undefined, {
      env: (data) => faultyWorkers(data, { CHORUS_TEST_POISON: harm }),
    });
    const clients = await seatAll(server);
    using _each = { [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()) };
    const [bob, alice, ...rest] = clients;
    const others = [bob!, ...rest];
    const before = await workersOf(server);
    const heard = others.map(since);
    const byAlice = since(alice!);
    alice!.socket.write("before\nPOISON for all\nafter\n");
    await alice!.ends();
    assert.match(byAlice(), /^-- .+\n$/, "one clear line");
    for (const other of others) await other.sees("-- alice left");
    for (const [index, other] of others.entries()) other.say(`still here ${index}`);
    for (const [index, other] of others.entries()) {
      for (const from of [0, 1, 2].filter((from) => from !== index))
        await other.sees(`<${["bob", "carol", "dave"][from]}> still here ${from}\n`);
      const lines = heard[index]!().split("\n").slice(0, -1);
      assert.equal(lines[0], "<alice> before", "what came before it was said, once");
      assert.match(lines[1]!, /^-- alice left/);
      assert.equal(lines.length, 4, lines.join("\n"));
    }
    assert.equal(deathsOf(server).length, 2, "it was not tried a third time");
    const kept = readdirSync(join(server.folder, "poison"));
    assert.equal(kept.length, 1);
    const poison = readFileSync(join(server.folder, "poison", kept[0]!), "latin1");
    assert.ok(poison.includes("POISON for all"), poison);
    await until("the processes to be as before", async () => {
      const { ready, clients } = await workersOf(server);
      return ready >= before.ready && clients === 3;
    });
    using again = await TestClient.named(server.port, "alice");
    await again.sees("<bob> still here 0\n");
  });
}

for (const [when, afterMs] of [
  ["before they are ready", 0],
  ["soon after they are ready", 600],
] as const) {
  test(`workers that all die ${when} are started ever more seldom, and nobody is dropped`, async (t) => {
    await using server = await TestServer.start(["--max-processes", "2"], undefined, {
      env: (data) =>
        faultyWorkers(data, {
          CHORUS_TEST_CRASH: join(data, "crash"),
          CHORUS_TEST_CRASH_MS: String(afterMs),
        }),
    });
    const crash = join(server.folder, "crash");
    const clients = await seatAll(server);
    using _each = { [Symbol.dispose]: () => clients.forEach((client) => client[Symbol.dispose]()) };
    const before = await workersOf(server);
    const heard = clients.map(since);
    const busy = await server.busyWorkers();
    writeFileSync(crash, "");
    for (const pid of busy) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await until("many to have died", () => deathsOf(server).length >= 8);
    const deaths = deathsOf(server);
    const tookMs = deaths[7]! - deaths[0]!;
    t.diagnostic(`eight workers died within ${tookMs} ms`);
    assert.ok(tookMs > 300, `${tookMs} ms: without a pause between them`);
    assert.equal((await server.status()).clients, 4);
    assert.match(server.stderr, /worker.* (in|for|wait) \d+ ms/, "the log says when it is tried again");
    const [bob, ...others] = clients;
    if (afterMs === 0) bob!.say("is anybody there?");
    for (const client of clients) assert.equal(client.closed, false);

    rmSync(crash);
    if (afterMs > 0) bob!.say("is anybody there?");
    for (const other of others) await other.sees("<bob> is anybody there?\n");
    for (const text of heard.slice(1)) assert.equal(text(), "<bob> is anybody there?\n");
    assert.equal(heard[0]!(), "");
    await until("the processes to be as before", async () => {
      const { ready, clients } = await workersOf(server);
      return ready >= before.ready && clients === 4;
    });
  });
}
