/*
 * What is done with a history from the command line: exports, imports and copies, beside a server that runs and
 * without one.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { CHORUS, TestClient, TestServer, runChorus, until } from "../support/server.ts";

interface Line {
  readonly sequence: number;
  readonly time: string;
  readonly kind: string;
  readonly rooms: readonly string[];
  readonly text: string;
}

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "chorus-test-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Alice speaks in two rooms, whispers, and has left; all of it is in the file. */
async function converse(server: TestServer): Promise<void> {
  using bob = await TestClient.named(server.port, "bob");
  {
    using alice = await TestClient.named(server.port, "alice");
    alice.say("hello lobby, 你好");
    alice.say('/join #garden\nroses, "red" ones\n/me digs\n/topic all that grows');
    alice.say("/msg bob between us");
    await bob.sees("between us");
    alice.say("/quit");
    await alice.ends();
  }
  await until(
    "alice's leave to be stored",
    async () => (await exported(server.folder)).at(-1)?.kind === "leave",
  );
}

async function succeed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runChorus(args);
  assert.equal(code, 0, `chorus ${args.join(" ")}: ${stderr}`);
  return stdout;
}

async function fail(reason: RegExp, ...args: string[]): Promise<void> {
  const { code, stderr } = await runChorus(args);
  assert.equal(code, 1, `chorus ${args.join(" ")} succeeded`);
  assert.match(stderr, reason);
}

function linesOf(json: string): Line[] {
  return json
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

async function exported(data: string): Promise<Line[]> {
  return linesOf(await succeed("history", "--data", data, "--format", "json"));
}

/** Without its number, which an import may change. */
function unnumbered(lines: readonly Line[]): unknown[] {
  return lines.map((line) => ({ ...line, sequence: 0 }));
}

async function exportTo(file: string, data: string): Promise<Line[]> {
  const json = await succeed("history", "--data", data, "--format", "json");
  writeFileSync(file, json);
  return linesOf(json);
}

test("an export in three formats, while the server runs and after it", async () => {
  using folder = new Folder();
  const outputs: string[][] = [[], []];
  const command = ["history", "--data", folder.path, "--until", "9999"];
  {
    await using server = await TestServer.start([], folder.path);
    await converse(server);
    // Bob leaves, too, and is stored: from here on nothing changes.
    await until(
      "bob's leave",
      async () => (await exported(folder.path)).filter((each) => each.kind === "leave").length === 2,
    );
    for (const format of ["text", "json", "csv"])
      outputs[0]!.push(await succeed(...command, "--format", format));
  }
  for (const format of ["text", "json", "csv"])
    outputs[1]!.push(await succeed(...command, "--format", format));
  assert.deepEqual(outputs[1], outputs[0]);

  const [text, json, csv] = outputs[0]!;
  assert.match(text!, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d #lobby <alice> hello lobby, 你好$/m);
  assert.match(text!, /#garden \* alice digs$/m);
  assert.match(csv!, /,say,#garden,\d+,alice,alice,,,,"roses, ""red"" ones",,,guest@localhost\r$/m);
  const lines = linesOf(json!);
  assert.ok(lines.some(({ kind, rooms }) => kind === "topic" && rooms[0] === "#garden"));
  for (const each of [text!, json!, csv!]) assert.doesNotMatch(each, /between us/);
});

test("an export of one room and of one time", async () => {
  await using server = await TestServer.start();
  await converse(server);
  const data = ["history", "--data", server.folder];
  // The # begins a comment in a shell.
  for (const room of ["garden", "#GARDEN"]) {
    const text = await succeed(...data, "--room", room);
    assert.match(text, /roses/);
    assert.doesNotMatch(text, /hello lobby/);
  }
  assert.match(await succeed(...data, "--since", "1h"), /roses/);
  assert.equal(await succeed(...data, "--until", "1h"), "");
  assert.equal(await succeed(...data, "--since", "2970-01-01"), "");
  await fail(/there was never a room #attic/, ...data, "--room", "attic");
  await fail(/nothing lies between --since and --until/, ...data, "--since", "1h", "--until", "2h");
  await fail(/It must be a date .*or a time ago/, ...data, "--since", "yesterday");
  await fail(/Allowed choices are text, json, csv/, ...data, "--format", "xml");
});

test("without a history there is a sentence", async () => {
  using folder = new Folder();
  await fail(/^chorus: the history .* no server has kept one there$/m, "history", "--data", folder.path);
  await fail(/no server has kept one there/, "backup", folder.file("copy"), "--data", folder.path);
  assert.equal(existsSync(folder.file("copy")), false);
});

test("who stops reading an export is no failure", async () => {
  using folder = new Folder();
  const row = {
    kind: "say",
    rooms: ["#lobby"],
    session: 1,
    nick: "a",
    displayName: "a",
    text: "x".repeat(400),
  };
  const lines = Array.from({ length: 2000 }, (_, index) =>
    JSON.stringify({ sequence: index + 1, time: "2020-01-01T00:00:00.000Z", ...row }),
  );
  writeFileSync(folder.file("export"), lines.join("\n"));
  assert.match(
    await succeed("history", "import", folder.file("export"), "--data", folder.file("data")),
    /^2000 entries stored\n$/,
  );
  const child = spawn(process.execPath, [CHORUS, "history", "--data", folder.file("data")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (text) => (stderr += String(text)));
  await once(child.stdout, "readable");
  child.stdout.destroy();
  assert.deepEqual(await once(child, "close"), [0, null]);
  assert.equal(stderr, "");
});

test("what one server has exported, another takes, running or not", async () => {
  using folder = new Folder();
  const file = folder.file("export.json");
  let original: Line[];
  {
    await using server = await TestServer.start();
    await converse(server);
    original = await exportTo(file, server.folder);
    // What is there already is skipped.
    assert.equal(
      await succeed("history", "import", file, "--data", server.folder),
      `0 entries stored; ${original.length} skipped, which were there already\n`,
    );
  }

  // Into a server that has seen nobody, while it runs.
  {
    await using server = await TestServer.start();
    assert.equal(
      await succeed("history", "import", file, "--data", server.folder),
      `${original.length} entries stored; they are older than everything else here, and have got new numbers\n`,
    );
    assert.deepEqual(unnumbered(await exported(server.folder)), unnumbered(original));
    await hasTheRooms(server);
  }

  // Into a folder on which no server has run yet, by a path that is relative to where the command runs.
  const data = folder.file("data");
  await succeed("history", "import", file, "--data", data);
  const imported = await exported(data);
  assert.deepEqual(unnumbered(imported), unnumbered(original));
  {
    await using server = await TestServer.start([], data);
    await hasTheRooms(server);
    assert.deepEqual((await exported(data)).slice(0, imported.length), imported);
  }
  // Between two runs of a server, with lines of both times: what is there is skipped.
  const all = await exportTo(file, data);
  assert.match(
    await succeed("history", "import", file, "--data", data),
    new RegExp(`^0 entries stored; ${all.length} skipped`),
  );
  assert.deepEqual(await exported(data), all);
});

/** The imported room is there, with its past; and one that is made now is another. */
async function hasTheRooms(server: TestServer): Promise<void> {
  using carol = await TestClient.named(server.port, "carol");
  carol.say("/join #shed\nthe rake is here\n/join #garden");
  await carol.sees('roses, "red" ones');
  carol.say("/rooms");
  await carol.sees("#garden (1, you are in it)");
  carol.say("/history");
  await until("the past twice", () => carol.text.split("alice digs").length === 3);
  assert.doesNotMatch(carol.text, /the rake is here/);
  carol.say("/quit");
  await carol.ends();
}

/** The names of all rooms that a history knows. */
function roomsOf(data: string): unknown[] {
  using database = new DatabaseSync(join(data, "history.sqlite"), { readOnly: true });
  return database
    .prepare("SELECT name FROM room ORDER BY id")
    .all()
    .map(({ name }) => name);
}

test("an import in conflict changes nothing", async () => {
  await using server = await TestServer.start();
  await converse(server);
  using folder = new Folder();
  const file = folder.file("export.json");
  const before = await exportTo(file, server.folder);
  const rooms = roomsOf(server.folder);
  assert.deepEqual(rooms, ["#lobby", "#garden"]);
  const text = readFileSync(file, "utf8");
  const refused = async (changed: string, reason: RegExp): Promise<void> => {
    writeFileSync(file, changed);
    await fail(reason, "history", "import", file, "--data", server.folder);
  };
  await refused(
    text.replace("digs", "dug"),
    /^chorus: line \d+ has the number \d+, which is that of another entry; nothing/,
  );
  await refused(`${text}{"sequence":`, /line \d+ is no JSON; nothing has been imported/);
  const old = { ...before[0]!, time: "2020-01-01T00:00:00.000Z", sequence: 5 };
  await refused(
    `${JSON.stringify({ ...old, rooms: ["#new", "#a b"] })}\n`,
    /line 1 names the room #a b, which cannot be made/,
  );
  await refused("\u00ff\ud800", /is no JSON|is no UTF-8/);
  assert.deepEqual(await exported(server.folder), before);
  assert.deepEqual(roomsOf(server.folder), rooms);

  const data = ["--data", server.folder];
  await fail(/no such file/, "history", "import", folder.file("nothing"), ...data);
  await fail(/is not a regular file/, "history", "import", folder.path, ...data);
  await fail(/cannot read standard input: name a file/, "history", "import", "-", ...data);
  await fail(/--room cannot stand before import/, "history", "--room", "a", "import", file, ...data);
  await fail(
    /a server with another --name than other runs/,
    "history",
    "import",
    file,
    ...data,
    "--name",
    "other",
  );
});

test("a server that keeps no history takes none", async () => {
  await using server = await TestServer.start(["--history", "off"]);
  using folder = new Folder();
  writeFileSync(folder.file("export"), "");
  await fail(
    /this server keeps no history/,
    "history",
    "import",
    folder.file("export"),
    "--data",
    server.folder,
  );
  assert.match(await succeed("status", "--data", server.folder), /^history: not kept$/m);
});

test("people talk on while a large file is imported", async () => {
  await using server = await TestServer.start();
  using folder = new Folder();
  const row = { kind: "say", session: 1, nick: "old", displayName: "old" };
  const count = 30_000;
  const lines = Array.from({ length: count }, (_, index) => {
    const time = new Date(Date.UTC(2020, 0, 1) + index * 1000).toISOString();
    return JSON.stringify({
      sequence: index + 1,
      time,
      rooms: [`#old-${index % 300}`],
      ...row,
      text: `line ${index}`,
    });
  });
  writeFileSync(folder.file("export"), lines.join("\n"));
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  const importing = succeed("history", "import", folder.file("export"), "--data", server.folder);
  const over = new AbortController();
  void importing.finally(() => over.abort());
  let said = 0;
  let slowestMs = 0;
  while (!over.signal.aborted) {
    const startMs = performance.now();
    alice.say(`still here ${said}`);
    await bob.sees(`still here ${said}\n`);
    slowestMs = Math.max(slowestMs, performance.now() - startMs);
    said += 1;
  }
  assert.match(await importing, new RegExp(`^${count} entries stored`));
  assert.ok(said > 3, `only ${said} lines were said meanwhile`);
  assert.ok(slowestMs < 2000, `a line took ${slowestMs} ms`);
  await until("all to be stored", async () => (await exported(server.folder)).length >= count + said);
  assert.equal((await server.run("history", "--room", "old-7")).stdout.split("\n").length - 1, count / 300);
});

test("a copy of a running server's history is whole, and is a history", async () => {
  await using server = await TestServer.start();
  await converse(server);
  using folder = new Folder();
  const file = folder.file("history.sqlite");
  using alice = await TestClient.named(server.port, "alice");
  const chatting = setInterval(() => alice.say("still talking"), 2);
  try {
    assert.equal(await succeed("backup", file, "--data", server.folder), "");
  } finally {
    clearInterval(chatting);
  }
  assert.equal(statSync(file).mode & 0o777, 0o600);
  {
    using database = new DatabaseSync(file, { readOnly: true });
    assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
    assert.equal(
      database.prepare("SELECT count(*) AS n FROM entry WHERE text = 'between us'").get()!["n"],
      1,
    );
  }
  assert.match(await succeed("history", "--data", folder.path), /roses, "red" ones/);
  await fail(/cannot be copied to .*file already exists/, "backup", file, "--data", server.folder);
  // It is what a server goes on from.
  await using second = await TestServer.start([], folder.path);
  await hasTheRooms(second);
});

test("the status tells of the history, and counts from the start", async () => {
  await using server = await TestServer.start();
  await server.hasSpares(1);
  const text = await succeed("status", "--data", server.folder);
  assert.match(text, /^history: kept$/m);
  const ordered = Number(/^(\d+) records ordered since it started/m.exec(text)?.[1]);
  assert.ok(ordered > 0 && ordered < 1000, text);
});
