import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { BOB, ROOMS, TestHistory, batch, entry, whisper } from "../../test/support/history.ts";
import type { Database } from "../base/index.ts";
import { HistoryReader, HistoryStore, HistoryWriteError } from "./index.ts";
import type { Entry } from "../chat/index.ts";

test("a new history has dealt with nothing", () => {
  using history = new TestHistory();
  assert.equal(history.store.through, 0);
  assert.equal(history.store.throughTimeMs, 0);
  assert.deepEqual(history.store.loadState(), []);
});

test("entries come back as they were written", () => {
  const entries: Entry[] = [
    entry(10, { text: "\0 ' \" \u{1f600}", displayName: "Alice 小明" }),
    entry(11, { kind: "act" }),
    entry(12, { kind: "notice" }),
    entry(13, { kind: "topic", text: "" }),
    whisper(14),
    entry(15, { kind: "join", rooms: [2] }),
    entry(16, { kind: "part", rooms: [2] }),
    entry(17, { kind: "leave", rooms: [3, 1, 2] }),
    entry(18, { kind: "leave", rooms: [] }),
    entry(19, { kind: "nick", rooms: [1, 2], peer: BOB }),
    entry(20, { kind: "kick", peer: { session: 0, nick: "x", displayName: "x" } }),
    entry(21, { kind: "mode", text: "+m" }),
    entry(22, { kind: "tag", text: "", tags: "+draft/react=👍", account: "Alice", address: "al@home" }),
    whisper(23, { kind: "whisperAct" }),
    whisper(24, { kind: "whisperNotice" }),
    whisper(25, { kind: "whisperTag", text: "", tags: "+draft/reply=1" }),
    entry(26, { kind: "redact", text: "4711 spam" }),
    whisper(27, { kind: "redact", text: "4711" }),
    entry(Number.MAX_SAFE_INTEGER - 1, {
      rooms: [2 ** 32 - 1],
      session: Number.MAX_SAFE_INTEGER,
      timeMs: 1e14,
    }),
  ];
  using history = new TestHistory(entries);
  const names = new Map<number, string>(ROOMS.map(({ id, name }) => [id, name]));
  assert.deepEqual(
    history.everything(),
    entries.map((each) => ({ ...each, rooms: each.rooms.map((id) => names.get(id) ?? `#room-${id}`) })),
  );
  assert.equal(history.store.through, Number.MAX_SAFE_INTEGER - 1);
});

test("progress, rooms, state and gaps outlive the store", () => {
  using history = new TestHistory([entry(5)], { through: 9, throughTimeMs: 9500 });
  const [one, two] = [Uint8Array.of(1, 0, 255), new Uint8Array(0)];
  const gap = { from: 6, to: 8, fromTimeMs: 6000, toTimeMs: 8000 };
  const put = [
    { key: "b", bytes: two },
    { key: "a", bytes: two },
    { key: "c", bytes: one },
  ];
  history.store.write(batch([], { through: 9, state: { put, remove: [] }, gaps: [gap] }));
  const state = { put: [{ key: "a", bytes: one }], remove: ["b", "not there"] };
  history.store.write(
    batch([], { through: 10, throughTimeMs: 9600, state, rooms: [{ id: 2, name: "#Park" }] }),
  );
  const next = new HistoryStore(history.database);
  assert.equal(next.through, 10);
  assert.equal(next.throughTimeMs, 9600);
  assert.deepEqual(next.loadState(), [
    { key: "a", bytes: one },
    { key: "c", bytes: one },
  ]);
  assert.deepEqual(history.reader.last(1, 100, 10, "all").gaps, [gap]);
  assert.deepEqual(Array.from(history.reader.roomsNamed().values()), ["#lobby", "#Park", "#cellar"]);
  assert.equal(next.roomNamed("#PARK"), 2);
  assert.equal(next.roomNamed("#garden"), undefined);
});

test("a time that falls is raised to the one before, in a batch and between batches", () => {
  using history = new TestHistory([entry(1, { timeMs: 5000 }), entry(2, { timeMs: 3000 })], {
    throughTimeMs: 4000,
  });
  assert.equal(history.store.throughTimeMs, 5000);
  history.store.write(batch([entry(3, { timeMs: 100 }), entry(4, { timeMs: 6000 })]));
  assert.deepEqual(
    history.everything().map(({ timeMs }) => timeMs),
    [5000, 5000, 5000, 6000],
  );
});

test("a second writer ends whoever comes after it, and nothing of what that one has is written", () => {
  using history = new TestHistory([entry(5)]);
  const second = new HistoryStore(history.database);
  second.write(batch([entry(6)]));
  for (const late of [entry(6, { text: "late" }), entry(7, { text: "late" })]) {
    assert.throws(() => history.store.write(batch([late], { rooms: [{ id: 9, name: "#late" }] })), {
      name: "AssertionError",
      message: /somebody else writes this history/,
    });
  }
  second.write(batch([entry(7)]));
  assert.deepEqual(
    history.everything().map(({ sequence, text }) => [sequence, text]),
    [5, 6, 7].map((sequence) => [sequence, "hello"]),
  );
  assert.equal(second.roomNamed("#late"), undefined);
});

test("what only a bug could write is not written", () => {
  using history = new TestHistory([entry(5)]);
  const wrong: readonly (readonly [Entry[], number])[] = [
    [[entry(5)], 5],
    [[entry(7), entry(6)], 7],
    [[entry(7)], 6],
    [[entry(7, { rooms: [] })], 7],
    [[entry(7, { rooms: [1, 2] })], 7],
    [[entry(7, { rooms: [0] })], 7],
    [[entry(7, { kind: "leave", rooms: [1, 1] })], 7],
    [[whisper(7, { rooms: [1] })], 7],
    [[whisper(7, { peer: undefined })], 7],
    [[entry(7, { kind: "kick" })], 7],
    [[entry(7, { kind: "tag", rooms: [1, 2] })], 7],
    [[whisper(7, { kind: "whisperTag", rooms: [1] })], 7],
    [[whisper(7, { kind: "whisperAct", peer: undefined })], 7],
    [[entry(7, { kind: "redact", rooms: [] })], 7],
    [[entry(7, { kind: "redact", rooms: [1, 2] })], 7],
    [[entry(7, { timeMs: Number.NaN })], 7],
    [[entry(7, { session: -1 })], 7],
    [[entry(2 ** 53)], 2 ** 53],
    [[], 4],
  ];
  for (const [entries, through] of wrong)
    assert.throws(() => history.store.write(batch(entries, { through })), { name: "AssertionError" });
  assert.equal(history.counts()["entry"], 1);
  assert.equal(history.store.through, 5);
});

/** A database of which one statement fails when it should. */
function failing(database: DatabaseSync, sql: RegExp, errcode: number): Database & { isBroken: boolean } {
  const fail = (text: string): void => {
    if (outer.isBroken && sql.test(text)) throw Object.assign(new Error("injected"), { errcode });
  };
  const outer = {
    isBroken: false,
    exec(text: string): void {
      fail(text);
      database.exec(text);
    },
    prepare(text: string) {
      const statement = database.prepare(text);
      const run: typeof statement.run = (...values: never[]) => {
        fail(text);
        return statement.run(...values);
      };
      return {
        run,
        get: statement.get.bind(statement),
        all: statement.all.bind(statement),
        iterate: statement.iterate.bind(statement),
      };
    },
    get isTransaction(): boolean {
      return database.isTransaction;
    },
  };
  return outer;
}

test("an error at any place of a batch takes all of it back, and the next write works", () => {
  const places = [
    /^BEGIN/,
    /INTO entry/,
    /INTO words/,
    /^DELETE FROM entry/,
    /INTO room/,
    /INTO state/,
    /INTO gap/,
    /UPDATE progress/,
    /^COMMIT/,
  ];
  const codes = [
    [13, "full", /disk is full/],
    [8 | (1 << 8), "readonly", /read-only/],
    [10 | (3 << 8), "io", /disk fails/],
    [14, "io", /disk fails/],
    [5, "other", /cannot be written \(injected\)/],
  ] as const;
  for (const [index, place] of places.entries()) {
    using database = new DatabaseSync(":memory:");
    const broken = failing(database, place, codes[index % codes.length]![0]);
    const store = new HistoryStore(broken);
    store.write(batch([entry(1)], { rooms: ROOMS }));
    const next = batch([entry(2), whisper(3)], {
      through: 4,
      rooms: [{ id: 9, name: "#new" }],
      state: { put: [{ key: "k", bytes: Uint8Array.of(1) }], remove: [] },
      gaps: [{ from: 4, to: 4, fromTimeMs: 1, toTimeMs: 2 }],
      redacted: [1],
    });
    broken.isBroken = true;
    for (let attempt = 0; attempt < 2; attempt += 1) {
      assert.throws(
        () => store.write(next),
        (error) => {
          assert.ok(error instanceof HistoryWriteError, String(error));
          assert.equal(error.code, codes[index % codes.length]![1]);
          assert.match(error.message, codes[index % codes.length]![2]);
          return true;
        },
      );
    }
    assert.equal(store.through, 1);
    assert.equal(database.isTransaction, false);
    const reader = new HistoryReader(database);
    assert.equal(reader.last(1, 100, 10, "all").entries.length, 1);
    assert.equal(reader.roomsNamed().has(9), false);
    assert.deepEqual(store.loadState(), []);
    broken.isBroken = false;
    store.write(next);
    assert.equal(store.through, 4);
    assert.deepEqual(
      reader.last(1, 100, 10, "all").entries.map(({ sequence }) => sequence),
      [2],
    );
    assert.equal(store.loadState().length, 1);
  }
});

test("retention goes in slices, takes the index along, and leaves what is young enough", () => {
  const entries = Array.from({ length: 100 }, (_, index) => entry(index + 1, { text: `word${index + 1}` }));
  const old = { from: 10, to: 20, fromTimeMs: 10_000, toTimeMs: 20_000 };
  const late = { from: 55, to: 70, fromTimeMs: 55_000, toTimeMs: 70_000 };
  using history = new TestHistory(entries, { gaps: [old, late] });
  const slices: number[] = [];
  for (;;) {
    const count = history.store.deleteBefore(60_500, 25);
    slices.push(count);
    if (count < 25) break;
  }
  assert.deepEqual(slices, [25, 25, 10]);
  const found = (word: string) =>
    history.database.prepare("SELECT rowid FROM words WHERE words MATCH ?").all(word).length;
  const { entry: rows, gap } = history.counts();
  assert.deepEqual([rows, found('"#1"'), gap], [40, 40, 1]);
  assert.deepEqual([found("word60"), found("word61")], [0, 1]);
  assert.equal(history.reader.last(1, 1000, 1000, "messages").entries.length, 40);
  assert.equal(history.store.deleteBefore(1e15, 1000), 40);
  assert.equal(history.store.deleteBefore(1e15, 1000), 0);
  assert.equal(found("word61"), 0);
  assert.equal(history.store.through, 100);
  history.store.write(batch([entry(101)]));
  assert.equal(history.everything().length, 1);
});

test("every kind of entry goes from the index with all that it was found by", () => {
  using history = new TestHistory([entry(1, { text: "stays" })]);
  const { store, database } = history;
  database.exec("CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, words, row)");
  const indexed = () => database.prepare("SELECT term, doc FROM vocabulary").all();
  store.merge(1000);
  const before = indexed();
  store.write(
    batch([
      entry(2, { text: "Straße ＡＢＣ 用Docker部署 #1 @x \0 \u{1f600}", displayName: "Alice 小明" }),
      entry(3, { kind: "topic", text: "" }),
      whisper(4),
      whisper(5, { peer: { session: 5, nick: "alice", displayName: "alice" } }),
      entry(6, { kind: "leave", rooms: [3, 1, 2] }),
      entry(7, { kind: "leave", rooms: [] }),
      entry(8, { kind: "nick", rooms: [1, 2], peer: BOB }),
      entry(9, { text: "several\nlines of\n\ntext" }),
      entry(10, { kind: "tag", text: "", tags: "+draft/react=word" }),
      whisper(11, { kind: "whisperAct" }),
      whisper(12, { kind: "whisperNotice" }),
      whisper(13, { kind: "whisperTag", text: "" }),
      entry(14, { kind: "redact", text: "9 because" }),
      whisper(15, { kind: "redact", text: "4" }),
    ]),
  );
  assert.ok(indexed().length > before.length);
  store.putPast([], [], { from: 2, to: 15 });
  assert.equal(store.deleteUnfinished(7), false);
  assert.equal(store.deleteUnfinished(7), false);
  assert.equal(store.deleteUnfinished(7), true);
  assert.deepEqual(indexed(), before);
});

test("what is redacted is gone with all that it was found by, and what is gone already is no matter", () => {
  const secret = { text: "my password: swordfish\nand more", tags: "+draft/reply=1", ...BOB };
  using history = new TestHistory([entry(1), entry(2, secret), whisper(3, secret), entry(5)]);
  const { store, database } = history;
  const found = (word: string): number[] =>
    database
      .prepare("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid")
      .all(word)
      .map(({ rowid }) => rowid as number);
  assert.deepEqual(found("swordfish AND more"), [2, 3], "every line of a text is found");
  // One of them in the batch that brings it; 4 and 99 are nothing.
  store.write(batch([entry(6, secret), entry(7)], { redacted: [2, 6, 4, 99] }));
  assert.deepEqual(found("swordfish"), [3]);
  assert.deepEqual(found('"#1"'), [1, 5, 7]);
  assert.deepEqual(
    [2, 3, 6].map((sequence) => store.at(sequence)?.sequence),
    [undefined, 3, undefined],
  );
  store.write(batch([], { through: 8, redacted: [2, 3] }));
  assert.deepEqual(
    history.everything().map(({ sequence }) => sequence),
    [1, 5, 7],
  );
  store.write(batch([], { through: 9, redacted: [1, 5, 7] }));
  assert.deepEqual([found("hello"), store.through], [[], 9]);
});

test("merging comes to an end, in steps, and changes no answer", () => {
  using history = new TestHistory();
  const { store, database } = history;
  for (let sequence = 1; sequence <= 40; sequence += 1)
    store.write(batch([entry(sequence, { text: `word${sequence} ${"x".repeat(3000)}${sequence}` })]));
  const segments = () =>
    database.prepare("SELECT count(DISTINCT segid) AS count FROM words_idx").get()!["count"] as number;
  const [many, answer] = [segments(), history.everything()];
  assert.ok(many > 30, String(many));
  let steps = 1;
  while (store.merge(4)) steps += 1;
  assert.ok(steps > 3, String(steps));
  assert.ok(segments() < 5, String(segments()));
  assert.equal(store.merge(4), false);
  assert.deepEqual(history.everything(), answer);
  const found = (word: string) =>
    database.prepare("SELECT rowid FROM words WHERE words MATCH ?").all(word).length;
  assert.deepEqual([found("word1"), found("word40"), found('"@alice"')], [1, 1, 40]);
});
