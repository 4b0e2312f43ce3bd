import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALICE, BOB, TestHistory, batch, entry, whisper } from "../../test/support/history.ts";
import { type Access, type Page, type SearchPage, parseSearch } from "./index.ts";
import { foldText } from "./words.ts";
import type { Entry } from "../chat/index.ts";

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const ALL: Access = { session: 5, rooms: [1, 2, 3] };
const END = Number.MAX_SAFE_INTEGER;

function numbers(page: Page): number[] {
  return page.entries.map(({ sequence }) => sequence);
}

function search(history: TestHistory, text: string, access = ALL, before = END, limit = 100): SearchPage {
  const query = parseSearch(text, 0);
  assert.ok(!("error" in query), text);
  return history.reader.search(query, access, before, limit);
}

test("the last entries of a room, with events or without, page by page", () => {
  using history = new TestHistory([
    entry(1),
    entry(2, { rooms: [2] }),
    entry(3, { kind: "join" }),
    entry(4, { kind: "topic" }),
    whisper(5),
    entry(6, { kind: "leave", rooms: [2, 1] }),
    entry(7, { kind: "act" }),
    entry(8, { kind: "leave", rooms: [2, 3] }),
    entry(9, { kind: "notice" }),
  ]);
  const { reader } = history;
  assert.deepEqual(numbers(reader.last(1, END, 10, "messages")), [1, 4, 7, 9]);
  assert.deepEqual(numbers(reader.last(1, END, 10, "all")), [1, 3, 4, 6, 7, 9]);
  const page = reader.last(1, 9, 3, "all");
  assert.deepEqual([numbers(page), page.more], [[4, 6, 7], true]);
  assert.deepEqual(page.entries[1]!.rooms, [1], "no word of other rooms");
  const rest = reader.last(1, 4, 3, "all");
  assert.deepEqual([numbers(rest), rest.more], [[1, 3], false]);
  assert.deepEqual(reader.last(9, END, 10, "all"), { entries: [], gaps: [], more: false });
});

test("what somebody missed, in pieces by number and by size", () => {
  const { session } = BOB;
  using history = new TestHistory([
    entry(1),
    entry(2, { rooms: [2] }),
    whisper(3, { text: "to bob" }),
    whisper(4, { peer: ALICE, text: "to herself" }),
    whisper(5, { ...BOB, peer: ALICE, text: "from bob" }),
    entry(6, { kind: "leave", rooms: [2, 1] }),
    entry(7, { kind: "leave", rooms: [2] }),
    entry(8, { text: "x".repeat(1000) }),
    entry(9),
    whisper(10, { kind: "whisperTag", text: "", tags: "+react=x" }),
    whisper(11, { kind: "redact", peer: ALICE, text: "4" }),
    entry(12, { kind: "redact", text: "1 gone" }),
  ]);
  history.store.write(batch([], { through: 20 }));
  const { reader } = history;
  const access = { session, rooms: [1] };
  const all = reader.range(access, 1, 100, 100, 1e6);
  assert.deepEqual([numbers(all), all.more, all.through], [[1, 3, 5, 6, 8, 9, 10, 12], false, 20]);
  assert.deepEqual(all.entries[3]!.rooms, [1]);
  const few = reader.range(access, 2, 100, 2, 1e6);
  assert.deepEqual([numbers(few), few.more, few.through], [[3, 5], true, 5]);
  const small = reader.range(access, 6, 100, 100, 100);
  assert.deepEqual([numbers(small), small.more, small.through], [[6], true, 7]);
  const large = reader.range(access, 7, 100, 100, 100);
  assert.deepEqual([numbers(large), large.more, large.through], [[8], true, 8], "one at least");
  const end = reader.range(access, 9, 10, 100, 100);
  assert.deepEqual([numbers(end), end.more, end.through], [[9], false, 9]);
  const none = reader.range(access, 21, 100, 100, 100);
  assert.deepEqual([numbers(none), none.more, none.through], [[], false, 20]);
  const nobody = reader.range({ session: 99, rooms: [] }, 1, 10, 100, 100);
  assert.deepEqual([numbers(nobody), nobody.more, nobody.through], [[], false, 9]);
});

test("who is in many rooms gets the same, and gets to the end of what is not theirs", () => {
  const entries = Array.from({ length: 12_000 }, (_, index) =>
    entry(index + 1, { rooms: [index < 11_990 ? 999 : 5] }),
  );
  entries[3] = whisper(4);
  entries[4] = whisper(5, { peer: BOB, session: 77 });
  entries[5] = entry(6, { kind: "leave", rooms: [999, 7] });
  entries[6] = entry(7, { kind: "leave", rooms: [] });
  using history = new TestHistory(entries);
  const many = Array.from({ length: 50 }, (_, index) => index + 1);
  for (const rooms of [many, [5, 7]]) {
    const seen: number[] = [];
    let from = 1;
    for (let pages = 1; ; pages += 1) {
      const page = history.reader.range({ session: 5, rooms }, from, END, 4, 1e6);
      assert.ok(page.through >= from && pages < 10);
      for (const each of page.entries) assert.ok(each.rooms.every((room) => room === 5 || room === 7));
      seen.push(...numbers(page));
      from = page.through + 1;
      if (!page.more) break;
    }
    assert.deepEqual(seen, [4, 6, ...Array.from({ length: 10 }, (_, index) => 11_991 + index)]);
  }
});

test("gaps are told where a page passes them", () => {
  const gap = (from: number, to: number) => ({ from, to, fromTimeMs: from * 1000, toTimeMs: to * 1000 });
  const gaps = [gap(11, 14), gap(21, 24), gap(31, 34)];
  using history = new TestHistory([entry(10), entry(20), entry(30), entry(40)], { gaps, through: 50 });
  const { reader } = history;
  assert.deepEqual(reader.last(1, END, 2, "all").gaps, [gaps[2]]);
  assert.deepEqual(reader.last(1, 30, 5, "all").gaps, gaps.slice(0, 2));
  assert.deepEqual(reader.range(ALL, 13, 25, 10, 1e6).gaps, gaps.slice(0, 2));
  assert.deepEqual(reader.range(ALL, 15, 100, 1, 1e6).gaps, [gaps[1]]);
  assert.deepEqual(search(history, "hello", ALL, 33, 1).gaps, [gaps[2]]);
});

test("questions and what they find", () => {
  using history = new TestHistory([
    entry(1, { text: "The deploy is done" }),
    entry(2, { text: "用Docker部署", ...BOB }),
    entry(3, { rooms: [2], text: "deploy the garden" }),
    whisper(4, { text: "deploy in secret" }),
    entry(5, { kind: "join", text: "deploy" }),
    entry(6, { kind: "topic", rooms: [2], text: "deployments: the deploy, the rollback" }),
    entry(7, { kind: "leave", rooms: [1], text: "deploy" }),
    entry(8, { text: "alice bob from in", nick: "carol", displayName: "Căról [x]", session: 7 }),
    whisper(9, { kind: "whisperAct", text: "nods twice", nick: "erin", displayName: "erin" }),
    whisper(10, { kind: "whisperTag", text: "", tags: "+react=twice", nick: "dave", displayName: "dave" }),
    entry(11, { kind: "tag", text: "", tags: "+react=twice", nick: "dave", displayName: "dave" }),
    entry(12, { kind: "redact", text: "5 twice" }),
    entry(13, { rooms: [3], text: "first\nthird twice", nick: "erin", displayName: "erin" }),
  ]);
  const cases: readonly (readonly [string, number[]])[] = [
    ["deploy", [1, 3, 4, 6]],
    ["twice", [9, 13]],
    ["from:dave", []],
    ["the deploy", [1, 3, 6]],
    ['"the deploy"', [1, 6]],
    ["deploy -done", [3, 4, 6]],
    ['deploy -"the deploy"', [3, 4]],
    ["部", [2]],
    ["docker部", [2]],
    ["docker署", []],
    ["docker -docker署", [2]],
    ["docker -docker部", []],
    ["from:alice", [1, 3, 4, 6]],
    ['from:"bob b"', [2]],
    ["from:bob from:carol", [2, 8]],
    ['from:"carol {X}"', [8]],
    ["deploy -from:alice", []],
    ["alice", [8]],
    ["in:#GARDEN", [3, 6]],
    ["in:#garden in:#lobby", [1, 2, 3, 6, 8]],
    ["in:#nowhere deploy", []],
    ["deploy -in:#garden", [1, 4]],
    ["deploy after:1970-01-01T00:00:03Z", [3, 4, 6]],
    ["deploy before:1970-01-01T00:00:03Z", [1]],
    ["deploy after:1970-01-01T00:00:02Z before:1970-01-01T00:00:06Z", [3, 4]],
    ["deploy after:2000", []],
    ["deploy before:1970-01-01T00:00:01Z", []],
    ["#1", []],
  ];
  for (const [text, expected] of cases) {
    const page = search(history, text);
    assert.deepEqual([numbers(page), page.more], [expected, false], text);
  }
  assert.deepEqual(numbers(search(history, "deploy", { session: 9, rooms: [1] })), [1]);
  assert.deepEqual(numbers(search(history, "deploy", { session: 6, rooms: [] })), [4]);
  assert.deepEqual(numbers(search(history, "in:#garden deploy", { session: 9, rooms: [1] })), []);
});

test("the newest hits come first to hand, and the rest page by page", () => {
  using history = new TestHistory(Array.from({ length: 100 }, (_, index) => entry(index + 1)));
  const found: number[] = [];
  let before = END;
  for (;;) {
    const page = search(history, "hello", ALL, before, 30);
    found.unshift(...numbers(page));
    before = page.from;
    if (!page.more) break;
  }
  assert.deepEqual(
    found,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
});

test("hits in rooms that may not be read are passed over, however many they are", () => {
  const entries = Array.from({ length: 3000 }, (_, index) =>
    entry(index + 1, { rooms: [index % 1000 === 0 ? 50 : 1] }),
  );
  using history = new TestHistory(entries);
  // So many rooms that the index is first asked without them.
  const access = { session: 9, rooms: Array.from({ length: 500 }, (_, index) => index + 40) };
  const page = search(history, "hello", access, END, 2);
  assert.deepEqual([numbers(page), page.more], [[1001, 2001], true]);
  const rest = search(history, "hello", access, page.from, 2);
  assert.deepEqual([numbers(rest), rest.more], [[1], false]);
});

test("an answer that takes long comes in parts, and nothing is left out between them", () => {
  // Only the text can tell whether the last character follows: every entry has to be looked at.
  const entries = Array.from({ length: 60_000 }, (_, index) =>
    entry(index + 1, { text: index === 5 ? "docker部" : "部 docker" }),
  );
  using history = new TestHistory(entries);
  const first = search(history, "docker部");
  assert.deepEqual([numbers(first), first.more], [[], true]);
  const second = search(history, "docker部", ALL, first.from);
  assert.deepEqual([numbers(second), second.more], [[6], false]);
});

test("an export has all but whispers, or one room, or a time", () => {
  const many = Array.from({ length: 2500 }, (_, index) => entry(index + 10, { rooms: [1 + (index % 2)] }));
  using history = new TestHistory([
    entry(1),
    whisper(2),
    entry(3, { kind: "leave", rooms: [3, 2] }),
    ...many,
  ]);
  const exported = (filter: Parameters<typeof history.reader.export>[0]): number[] =>
    Array.from(history.reader.export(filter), ({ sequence }) => sequence);
  assert.equal(exported({}).length, 2502);
  assert.equal(exported({ room: "#GARDEN" }).length, 1251);
  assert.deepEqual(exported({ room: "#cellar" }), [3]);
  assert.deepEqual(exported({ room: "#nowhere" }), []);
  assert.deepEqual(exported({ sinceMs: 3000, untilMs: 11_000 }), [3, 10]);
  assert.deepEqual(Array.from(history.reader.export({ untilMs: 4000 }))[1]!.rooms, ["#cellar", "#garden"]);
});

test("search agrees with going through everything", (t) => {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  const words = ["the", "The", "deploy", "Straße", "strasse", "中文", "文字", "ガ", "café", "🚀"];
  const text = fc
    .array(fc.constantFrom(...words, " ", ", "), { minLength: 1, maxLength: 8 })
    .map((all) => all.join(""));
  const message = fc.record({
    text,
    room: fc.integer({ min: 1, max: 3 }),
    kind: fc.constantFrom("say", "topic", "whisper", "leave"),
    author: fc.constantFrom(ALICE, BOB),
    stepMs: fc.constantFrom(0, 1000),
  });
  const question = fc.record({
    word: fc.constantFrom("the", "deploy", "STRASSE", "cafe", "🚀"),
    without: fc.constantFrom("", " -deploy", " -the"),
    from: fc.constantFrom("", " from:alice", ' from:"Bob B"'),
    in: fc.constantFrom("", " in:#lobby"),
    sinceMs: fc.constantFrom(0, 3000),
  });
  const spaced = (text: string): string[] => foldText(text).match(/[a-z]+|🚀/gu) ?? [];
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 30 }),
      question,
      fc.subarray([1, 2, 3]),
      (messages, asked, rooms) => {
        let timeMs = 0;
        const entries = messages.map(({ text, room, kind, author, stepMs }, index): Entry => {
          timeMs += stepMs;
          const other = { text, timeMs, ...author };
          if (kind === "whisper") return whisper(index + 1, { ...other, peer: { ...ALICE, session: 8 } });
          return entry(index + 1, { ...other, kind, rooms: [room] });
        });
        using history = new TestHistory(entries);
        const after = asked.sinceMs === 0 ? "" : " after:1970-01-01T00:00:03Z";
        const page = search(history, `${asked.word}${asked.without}${asked.from}${asked.in}${after}`, {
          session: 5,
          rooms,
        });
        const expected = entries.filter((each) => {
          const has = spaced(each.text);
          return (
            each.kind !== "leave" &&
            has.includes(foldText(asked.word)) &&
            (asked.without === "" || !has.includes(asked.without.slice(2))) &&
            (asked.from === "" || each.session === (asked.from === " from:alice" ? 5 : 6)) &&
            (asked.in === "" || each.rooms[0] === 1) &&
            each.timeMs >= asked.sinceMs &&
            (each.kind === "whisper" ? each.session === 5 : rooms.includes(each.rooms[0]!))
          );
        });
        assert.deepEqual(
          numbers(page),
          expected.map(({ sequence }) => sequence),
        );
      },
    ),
    { numRuns: 300, seed },
  );
});

test("no statement of the readers goes through a whole table", () => {
  using history = new TestHistory([entry(1)]);
  const statements: string[] = [];
  const { database } = history;
  const prepare = database.prepare.bind(database);
  database.prepare = (sql: string) => {
    statements.push(sql);
    return prepare(sql);
  };
  Reflect.construct(history.reader.constructor, [database]);
  Reflect.construct(history.store.constructor, [database]);
  const explained = statements.filter((sql) => /^(SELECT|DELETE|UPDATE)/.test(sql));
  assert.ok(explained.length > 15);
  for (const sql of explained) {
    for (const { detail } of database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()) {
      // In the order of the key and with a limit, a scan is a look at the end of a table. Some tables stay small.
      const isFine = /^SCAN (entry$|CONSTANT ROW|words VIRTUAL TABLE INDEX \d+:[=M]|progress|room|gap)/.test(
        String(detail),
      );
      assert.ok(isFine || String(detail).startsWith("SEARCH"), `${sql}: ${String(detail)}`);
      if (detail === "SCAN entry") assert.match(sql, /ORDER BY sequence( DESC)? LIMIT 1$/);
    }
  }
});
