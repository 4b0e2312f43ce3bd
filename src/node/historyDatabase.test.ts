import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, test } from "node:test";
import { batch, entry } from "../../test/support/history.ts";
import { HistoryReader, HistoryStore, HistoryWriteError } from "../history/index.ts";
import { backupHistory, historyPath, openHistory, openHistoryReadOnly } from "./historyDatabase.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const rooms = [{ id: 1, name: "#lobby" }];

function write(from: number, count: number): void {
  using database = openHistory(directory);
  const entries = Array.from({ length: count }, (_, index) => entry(from + index));
  new HistoryStore(database).write(batch(entries, { rooms }));
}

function read(database: DatabaseSync): number[] {
  return new HistoryReader(database).last(1, 1e9, 1e6, "all").entries.map(({ sequence }) => sequence);
}

test("the file and what stands beside it are for their owner alone", () => {
  using database = openHistory(directory);
  new HistoryStore(database).write(batch([entry(1)], { rooms }));
  const files = readdirSync(directory).toSorted();
  assert.deepEqual(files, ["history.sqlite", "history.sqlite-shm", "history.sqlite-wal"]);
  for (const file of files) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
  const pragma = (name: string): unknown => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
  assert.deepEqual([pragma("journal_mode"), pragma("synchronous"), pragma("busy_timeout")], ["wal", 1, 1000]);
  using full = openHistory(directory, "full");
  assert.equal(full.prepare("PRAGMA synchronous").get()!["synchronous"], 2);
});

test("a reader works while a server writes, after it has ended, and where nothing can be written", () => {
  using database = openHistory(directory);
  const store = new HistoryStore(database);
  store.write(batch([entry(1)], { rooms }));
  using reader = openHistoryReadOnly(directory);
  assert.deepEqual(read(reader), [1]);
  store.write(batch([entry(2)]));
  assert.deepEqual(read(reader), [1, 2]);
  assert.throws(() => reader.exec("DELETE FROM entry"), /readonly/);
  reader.close();
  database.close();
  assert.deepEqual(readdirSync(directory), ["history.sqlite"]);
  using later = openHistoryReadOnly(directory);
  assert.deepEqual(read(later), [1, 2]);
});

/** For root no file is read-only: there, it is done as somebody else. */
function asOther<T>(body: () => T): T {
  if (process.geteuid!() !== 0) return body();
  process.seteuid!(65_534);
  try {
    return body();
  } finally {
    process.seteuid!(0);
  }
}

test("a file that may not be written says so, and can still be read", () => {
  write(1, 3);
  chmodSync(historyPath(directory), 0o444);
  chmodSync(directory, 0o555);
  asOther(() => {
    using reader = openHistoryReadOnly(directory);
    assert.deepEqual(read(reader), [1, 2, 3]);
  });
  assert.deepEqual(readdirSync(directory), ["history.sqlite"]);
  chmodSync(directory, 0o755);
  using readOnly = new DatabaseSync(historyPath(directory), { readOnly: true });
  assert.throws(
    () => new HistoryStore(readOnly).write(batch([entry(4)])),
    (error) =>
      error instanceof HistoryWriteError && error.code === "readonly" && /read-only/.test(error.message),
  );
  assert.deepEqual(read(readOnly), [1, 2, 3]);
});

test("a full disk takes back the batch; with room again, the next one is written", () => {
  using database = openHistory(directory);
  const store = new HistoryStore(database);
  store.write(batch([entry(1)], { rooms }));
  const { page_count: pages } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${pages + 40}`);
  const large = (from: number) =>
    batch(
      Array.from({ length: 100 }, (_, index) =>
        entry(from + index, { text: `word${from + index} `.repeat(50) }),
      ),
    );
  let written = 1;
  assert.throws(
    () => {
      for (;;) {
        store.write(large(written + 1));
        written += 100;
      }
    },
    (error) =>
      error instanceof HistoryWriteError && error.code === "full" && /disk is full/.test(error.message),
  );
  assert.equal(store.through, written);
  assert.equal(read(database).length, written);
  assert.throws(() => store.write(large(written + 1)), HistoryWriteError);
  database.exec("PRAGMA max_page_count = 1000000");
  store.write(large(written + 1));
  assert.equal(read(database).length, written + 100);
  assert.deepEqual(database.prepare("PRAGMA integrity_check").get(), {
    __proto__: null,
    integrity_check: "ok",
  });
});

test("a writer that is killed in the middle leaves whole batches", async () => {
  const source = `
    import { openHistory } from ${JSON.stringify(new URL("./historyDatabase.ts", import.meta.url))};
    import { HistoryStore } from ${JSON.stringify(new URL("../history/index.ts", import.meta.url))};
    import { batch, entry } from ${JSON.stringify(new URL("../../test/support/history.ts", import.meta.url))};
    const store = new HistoryStore(openHistory(process.env.DIRECTORY));
    for (let from = store.through + 1; ; from += 250) {
      const entries = Array.from({ length: 250 }, (_, index) => entry(from + index, { text: "word" + from }));
      store.write(batch(entries, { rooms: [{ id: 1, name: "#lobby" }] }));
      if (from % 1000 === 1) process.stdout.write(store.through + "\\n");
    }
  `;
  let least = 0;
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, DIRECTORY: directory },
    });
    let said = "";
    child.stdout.on("data", (bytes: Buffer) => (said += bytes.toString()));
    while (said.split("\n").length < 5 + round) await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    least = Number(said.trimEnd().split("\n").at(-1));
    // What is unfinished in the write-ahead log is for the next who opens it, reader or writer.
    using reader = openHistoryReadOnly(directory);
    const sequences = read(reader);
    using database = openHistory(directory);
    const { through } = new HistoryStore(database);
    assert.ok(through >= least, `${through}, after ${least} was said to be written`);
    assert.equal(through % 250, 0);
    assert.deepEqual(
      sequences,
      Array.from({ length: through }, (_, index) => index + 1),
    );
    database.exec("INSERT INTO words (words) VALUES ('integrity-check')");
    assert.equal(database.prepare("PRAGMA integrity_check").get()!["integrity_check"], "ok");
  }
});

test("a copy is whole while the writer goes on, and for its owner alone", async () => {
  using database = openHistory(directory);
  const store = new HistoryStore(database);
  for (let from = 1; from <= 30_001; from += 5000)
    store.write(
      batch(
        Array.from({ length: 5000 }, (_, index) =>
          entry(from + index, { text: `some words of ${from + index} `.repeat(10) }),
        ),
        { rooms },
      ),
    );
  const file = join(directory, "copy.sqlite");
  const progress: number[] = [];
  await backupHistory(database, file, (done, total) => {
    progress.push(done / total);
    if (progress.length === 1) store.write(batch([entry(40_000)]));
  });
  assert.ok(progress.length > 1, "it was copied in pieces");
  assert.ok(progress.every((share) => share >= 0 && share <= 1));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  using copy = new DatabaseSync(file);
  assert.deepEqual(read(copy), read(database));
  await assert.rejects(backupHistory(database, file), /cannot be copied to .*EEXIST/);
  await assert.rejects(backupHistory(database, join(directory, "no", "copy")), /cannot be copied .*ENOENT/);
});

test("what cannot be opened is said in a sentence", () => {
  const refused = (open: () => unknown, reason: RegExp): void => {
    assert.throws(open, (error) => {
      assert.ok(error instanceof Error);
      assert.equal(error.name, "HistoryFileError");
      assert.match(error.message, /^the history .*history\.sqlite cannot be opened: /);
      assert.match(error.message, reason);
      return true;
    });
  };
  const path = historyPath(directory);
  const before = readdirSync("/proc/self/fd").length;
  refused(() => openHistoryReadOnly(directory), /no server has kept one there/);
  assert.equal(existsSync(path), false);
  refused(() => openHistory(join(directory, "missing")), /ENOENT/);
  symlinkSync("/etc/passwd", path);
  refused(() => openHistory(directory), /not a regular file/);
  refused(() => openHistoryReadOnly(directory), /not a regular file/);
  rmSync(path);
  writeFileSync(path, "not a database, but long enough to be taken for one".repeat(20));
  refused(() => openHistory(directory), /not a database/);
  refused(() => openHistoryReadOnly(directory), /not a database/);
  assert.equal(readdirSync("/proc/self/fd").length, before);
});
