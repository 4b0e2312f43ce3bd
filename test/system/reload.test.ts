/*
 * `chorus reload`: another version of the program takes over a server that runs, with all of its clients. The other
 * versions are made of a copy of this one.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { Build } from "../support/build.ts";
import {
  TestClient,
  TestServer,
  arrives,
  processesWith,
  runChorus,
  segmentOf,
  since,
  until,
} from "../support/server.ts";
import { TalkingCrowd } from "../support/talkingCrowd.ts";

const NEW_VERSION = "9.9.9-test";
const CROWD = { clients: 10, talkers: 4, linesPerSecond: 300 };

async function startCrowd(server: TestServer): Promise<TalkingCrowd> {
  const crowd = await TalkingCrowd.join(server.port, { ...CROWD, seed: Date.now() | 0, asking: true });
  crowd.talk();
  await crowd.settle();
  return crowd;
}

/** Waits until no process is on its way up or down. @returns the process ids */
async function restingPids(server: TestServer): Promise<number[]> {
  const segment = segmentOf(server.folder)!;
  return await until("the processes to come to rest", async () => {
    const { pid, processes, log } = await server.status();
    const pids = [pid, ...log.map((each) => each.pid)].toSorted((a, b) => a - b);
    const mapped = processesWith(segment).toSorted((a, b) => a - b);
    return processes.every(({ ready }) => ready) && pids.join() === mapped.join() && pids;
  });
}

/** Asks a server for its page, again and again: somebody always listens. */
class Asker implements Disposable {
  #isDone = false;
  #answers = 0;
  #failure: unknown;
  readonly #asking: Promise<void>;

  constructor({ port }: TestServer) {
    this.#asking = this.#ask(`http://127.0.0.1:${port}/`);
  }

  /** @returns how many answers there were; all that were asked for */
  async stop(): Promise<number> {
    this.#isDone = true;
    await this.#asking;
    if (this.#failure !== undefined)
      throw new Error(`no page after ${this.#answers}`, { cause: this.#failure });
    return this.#answers;
  }

  [Symbol.dispose](): void {
    this.#isDone = true;
  }

  async #ask(url: string): Promise<void> {
    try {
      while (!this.#isDone) {
        const response = await fetch(url);
        assert.equal(response.status, 200);
        await response.text();
        this.#answers += 1;
      }
    } catch (error) {
      this.#failure = error;
    }
  }
}

/**
 * The supervisor and all who serve somebody run in the version that is expected, and nobody has lost anything.
 * @param isReloaded whether all others do, too: what is started after a version was refused is started from its files
 */
async function checkVersion(server: TestServer, version: string, isReloaded = true): Promise<void> {
  const status = await until(`everything to be of version ${version}`, async () => {
    const status = await server.status();
    const those = status.processes.filter(({ clients }) => isReloaded || clients > 0);
    const isNew = those.every((each) => each.version === version && each.ready);
    return status.version === version && isNew && status.greeting === 0 && status;
  });
  assert.equal(status.clients, CROWD.clients);
  const served = status.processes.reduce((sum, { clients }) => sum + clients, 0);
  assert.equal(served, CROWD.clients);
}

for (const flags of [
  ["--max-processes", "4"],
  ["--max-processes", "16", "--history", "off"],
]) {
  test(`another version takes over under load, with every client (${flags.join(" ")})`, async (t) => {
    using build = new Build();
    await using server = await TestServer.start(flags, undefined, { chorus: build.chorus });
    using crowd = await startCrowd(server);
    const old = await restingPids(server);
    using asker = new Asker(server);
    build.version = NEW_VERSION;
    crowd.listenForSilence();
    const { code, stdout, stderr } = await server.run("reload");
    assert.equal(code, 0, stderr);
    assert.match(stdout, new RegExp(NEW_VERSION.replaceAll(".", "\\.")), "it says what it did");
    await crowd.settle();
    t.diagnostic(`silence of ${Math.max(...crowd.silencesMs).toFixed(0)} ms`);
    t.diagnostic(`${await asker.stop()} pages were answered meanwhile`);
    await checkVersion(server, NEW_VERSION);
    const { pid } = await server.status();
    assert.equal(pid, server.child.pid, "the supervisor is the same process");
    assert.equal(server.hasEnded, false);
    const now = await restingPids(server);
    assert.deepEqual(
      now.filter((pid) => old.includes(pid)),
      [pid],
      "all others are new ones",
    );
    await crowd.finish();
  });
}

test("a reload with half a line under way, then one more, then the end", async () => {
  using build = new Build();
  await using server = await TestServer.start([], undefined, { chorus: build.chorus });
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  await alice.sees("now known as bob\n");
  bob.say("/join #dev");
  await bob.sees("-- you are in #dev.");
  const openFiles: number[] = [];
  const heard = since(alice);
  for (const version of ["9.9.1", "9.9.2"]) {
    bob.socket.write("/msg alice half ");
    await arrives(server, bob);
    build.version = version;
    assert.equal((await server.run("reload")).code, 0);
    bob.say(`a line ${version}`);
    await alice.sees(`*bob* half a line ${version}\n`);
    await restingPids(server);
    openFiles.push(readdirSync(`/proc/${server.child.pid!}/fd`).length);
  }
  assert.equal(heard(), "*bob* half a line 9.9.1\n*bob* half a line 9.9.2\n");
  assert.equal(openFiles[0], openFiles[1], "descriptors that nobody knows any more");
  // Signals and the way out are those of the new image as well.
  assert.equal(await server.end("SIGTERM"), 0);
  for (const client of [alice, bob]) {
    await client.sees("-- the server is stopping\n");
    await client.ends();
  }
  await until("every process to end", () => processesWith(segmentOf(server.folder)!).length === 0);
});

// The last one says whether clients were given to that version: then they come back to a process that stood by.
for (const [what, path, from, to, why, isTried] of [
  [
    "that does not parse",
    "src/server/worker.ts",
    /^/,
    "this is not a program;\n",
    /SyntaxError|Expected|worker/i,
    false,
  ],
  [
    "whose processes die of their first client",
    "src/protocol/plain/splitter.ts",
    /discarding = false;/,
    'discarding = ((): boolean => { throw new Error("it serves nobody"); })();',
    /serves nobody|died|ended|exit/i,
    true,
  ],
  [
    "whose memory is laid out in another way",
    "src/log/layout.ts",
    /LAYOUT_VERSION = (\d+)/,
    "LAYOUT_VERSION = 1$1",
    /layout|memory|segment/i,
    false,
  ],
] as const) {
  test(`a version ${what} is refused, and everything stays as it was`, async () => {
    using build = new Build();
    await using server = await TestServer.start(["--max-processes", "4"], undefined, {
      chorus: build.chorus,
    });
    const { version } = await server.status();
    using crowd = await startCrowd(server);
    const before = await restingPids(server);
    const undo = build.edit(path, from, to);
    build.version = NEW_VERSION;
    const { code, stdout, stderr } = await server.run("reload");
    assert.equal(code, 1, stdout);
    const reason = stderr.trimEnd();
    assert.match(reason, /^chorus: .+$/, "a line that says why");
    assert.match(reason, why);
    await crowd.settle();
    const after = await restingPids(server);
    const kept = before.filter((pid) => after.includes(pid));
    assert.equal(after.length, before.length);
    assert.ok(
      kept.length >= before.length - (isTried ? 2 : 0),
      `${kept.join()} of ${before.join()} are left`,
    );
    await checkVersion(server, version, false);

    undo();
    build.version = NEW_VERSION;
    const again = await server.run("reload");
    assert.equal(again.code, 0, again.stderr);
    await crowd.settle();
    await checkVersion(server, NEW_VERSION);
    await crowd.finish();
  });
}

test("a version that writes records in a later format takes over as well", async () => {
  using build = new Build();
  await using server = await TestServer.start(["--max-processes", "4"], undefined, { chorus: build.chorus });
  using crowd = await startCrowd(server);
  build.edit("src/record/kinds.ts", /RECORD_FORMAT = (\d+)/, "RECORD_FORMAT = 1$1");
  build.version = NEW_VERSION;
  const { code, stderr } = await server.run("reload");
  assert.equal(code, 0, stderr);
  await crowd.settle();
  await checkVersion(server, NEW_VERSION);
  await crowd.finish();
});

test("two reloads at a time do no harm; without a server there is nothing to reload", async () => {
  using build = new Build();
  await using server = await TestServer.start(["--max-processes", "4"], undefined, { chorus: build.chorus });
  using crowd = await startCrowd(server);
  build.version = NEW_VERSION;
  const results = await Promise.all([server.run("reload"), server.run("reload")]);
  assert.ok(
    results.some(({ code }) => code === 0),
    results.map(({ stderr }) => stderr).join(""),
  );
  for (const { code, stderr } of results) if (code !== 0) assert.match(stderr, /^chorus: .+\n$/);
  await crowd.settle();
  await checkVersion(server, NEW_VERSION);
  await crowd.finish();
  const missing = await runChorus(["reload", "--data", server.folder, "--name", "another"]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /no server called "another" runs/);
});
