import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { TestHistory, batch, entry } from "../../test/support/history.ts";
import { HistoryReader, HistoryStore, HistoryVersionError } from "./index.ts";
import { MIGRATIONS, migrate } from "./schema.ts";

/*
 * Version 1 as it was released, word for word: never to be changed. A history that it made has to be brought forward
 * by every later version.
 */
const RELEASED_VERSION_1 = `
CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  room INTEGER,
  more_rooms TEXT,
  session INTEGER NOT NULL,
  nick TEXT NOT NULL,
  display_name TEXT,
  peer_session INTEGER,
  peer_nick TEXT,
  peer_display_name TEXT,
  text TEXT NOT NULL
) STRICT;
CREATE VIRTUAL TABLE words USING fts5(
  word,
  content = '',
  columnsize = 0,
  tokenize = "ascii tokenchars '#+~@='"
);
INSERT INTO words (words, rank) VALUES ('automerge', 64), ('crisismerge', 256), ('hashsize', 16777216);
CREATE TABLE room (id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL) STRICT;
CREATE INDEX room_by_name ON room (folded_name);
CREATE TABLE gap (
  to_sequence INTEGER PRIMARY KEY,
  from_sequence INTEGER NOT NULL,
  from_time_ms INTEGER NOT NULL,
  to_time_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE state (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  through INTEGER NOT NULL,
  through_time_ms INTEGER NOT NULL,
  import_from INTEGER,
  import_to INTEGER
) STRICT;
INSERT INTO progress VALUES (1, 0, 0, NULL, NULL);
PRAGMA user_version = 1;
INSERT INTO entry VALUES (7, 7000, 0, 1, NULL, 5, 'alice', NULL, NULL, NULL, NULL, 'as it was');
INSERT INTO words (rowid, word) VALUES (7, 'as it was #1 @alice');
INSERT INTO room VALUES (1, '#lobby', '#lobby');
UPDATE progress SET through = 9, through_time_ms = 9000;
`;

/** What version 2 made of it. */
const RELEASED_VERSION_2 = `
ALTER TABLE entry ADD COLUMN tags TEXT;
ALTER TABLE entry ADD COLUMN account TEXT;
ALTER TABLE entry ADD COLUMN address TEXT;
PRAGMA user_version = 2;
`;

const NEXT = "ALTER TABLE entry ADD COLUMN mood TEXT; UPDATE entry SET mood = 'fine';";

function released(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  database.exec(RELEASED_VERSION_1);
  return database;
}

function versionOf(database: DatabaseSync): unknown {
  return database.prepare("PRAGMA user_version").get()!["user_version"];
}

function tablesOf(database: DatabaseSync): unknown[] {
  return database
    .prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")
    .all()
    .map(({ name, sql }) => [name, String(sql).replaceAll(/\s+/g, " ")]);
}

test("each version is what was released as that version", () => {
  using old = released();
  using fresh = new DatabaseSync(":memory:");
  const settingsOf = (database: DatabaseSync) =>
    database.prepare("SELECT * FROM words_config ORDER BY k").all();
  for (const version of [1, 2]) {
    if (version === 2) old.exec(RELEASED_VERSION_2);
    migrate(fresh, MIGRATIONS.slice(0, version));
    assert.deepEqual(tablesOf(fresh), tablesOf(old));
    assert.deepEqual(settingsOf(fresh), settingsOf(old));
    assert.equal(versionOf(fresh), version);
  }
});

test("a released history is brought forward with all that is in it", () => {
  using database = released();
  const store = new HistoryStore(database);
  assert.equal(store.through, 9);
  const next = entry(10, { text: "as it is", tags: "+draft/reply=7", account: "alice", address: "al@home" });
  store.write(batch([next]));
  const reader = new HistoryReader(database);
  assert.deepEqual(reader.last(1, 100, 10, "all").entries, [entry(7, { text: "as it was" }), next]);
  // The index still finds what the first version put into it, and lets it go.
  store.write(batch([], { through: 10, redacted: [7] }));
  assert.deepEqual(reader.last(1, 100, 10, "all").entries, [next]);
  const left = database.prepare("SELECT rowid FROM words WHERE words MATCH 'was'").all();
  assert.deepEqual(left, []);
});

test("each migration that is missing is made, once", () => {
  using database = released();
  migrate(database, [...MIGRATIONS, NEXT]);
  migrate(database, [...MIGRATIONS, NEXT]);
  assert.equal(versionOf(database), MIGRATIONS.length + 1);
  assert.equal(database.prepare("SELECT mood FROM entry WHERE sequence = 7").get()!["mood"], "fine");
});

test("a migration that fails in the middle leaves everything as it was", () => {
  using database = released();
  const before = tablesOf(database);
  assert.throws(() => migrate(database, [...MIGRATIONS, NEXT, "CREATE TABLE more (x); SELECT nonsense"]), {
    code: "ERR_SQLITE_ERROR",
  });
  assert.equal(versionOf(database), 1);
  assert.deepEqual(tablesOf(database), before);
  assert.equal(database.isTransaction, false);
  assert.equal(new HistoryStore(database).through, 9);
});

test("a newer history than is known is refused, with both numbers", () => {
  using database = released();
  database.exec("PRAGMA user_version = 99");
  const refusal = {
    name: "HistoryVersionError",
    found: 99,
    known: MIGRATIONS.length,
    message: /99.*newer.*2/,
  };
  assert.throws(() => new HistoryStore(database), refusal);
  assert.throws(() => new HistoryReader(database), refusal);
  assert.equal(database.isTransaction, false);
});

test("a reader does not migrate", () => {
  using database = new DatabaseSync(":memory:");
  assert.throws(() => new HistoryReader(database), HistoryVersionError);
  assert.deepEqual(tablesOf(database), []);
  using history = new TestHistory();
  assert.deepEqual(history.reader.last(1, 100, 10, "all"), { entries: [], gaps: [], more: false });
});
