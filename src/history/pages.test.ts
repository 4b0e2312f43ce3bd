import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALICE, BOB, TestHistory, batch, entry, whisper } from "../../test/support/history.ts";
import type { Access, Page } from "./index.ts";
import type { Page as Asked, Entry, EntryKind, PageOf, Place } from "../chat/index.ts";

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const END = Number.MAX_SAFE_INTEGER;
const ALL: Access = { session: ALICE.session, rooms: [1, 2, 3] };
const CAROL = { session: 7, nick: "Carol[]", displayName: "Carol[]" } as const;
/** Is called as Bob was once. */
const OTHER_BOB = { session: 8, nick: "bob", displayName: "bob" } as const;

function numbers(page: Page): number[] {
  return page.entries.map(({ sequence }) => sequence);
}

function asked(other: Partial<Asked>): Asked {
  return { after: undefined, before: undefined, take: "newest", limit: 100, events: false, ...other };
}

function at(sequence: number): Place {
  return { by: "sequence", value: sequence };
}

function when(timeMs: number): Place {
  return { by: "time", value: timeMs };
}

const ROOM_KINDS: readonly EntryKind[] = ["say", "act", "notice", "topic", "join", "leave", "tag", "redact"];
const WHISPER_KINDS: readonly EntryKind[] = [
  "whisper",
  "whisperAct",
  "whisperNotice",
  "whisperTag",
  "redact",
];
const SPOKEN: readonly EntryKind[] = ["say", "act", "notice", "whisper", "whisperAct", "whisperNotice"];

const someone = fc.constantFrom(ALICE, BOB, CAROL, OTHER_BOB);
const anyEntry = fc
  .record({
    isWhisper: fc.boolean(),
    kind: fc.nat(),
    rooms: fc.subarray([1, 2, 3], { minLength: 1 }),
    who: someone,
    peer: someone,
    isDeleted: fc.constantFrom(false, false, false, true),
    step: fc.integer({ min: 1, max: 3 }),
    stepMs: fc.constantFrom(0, 0, 1, 1000),
  })
  .map(({ isWhisper, kind, rooms, who, peer, ...other }) => {
    if (isWhisper) {
      const whisperKind = WHISPER_KINDS[kind % WHISPER_KINDS.length]!;
      return { ...other, what: { ...who, kind: whisperKind, rooms: [], peer } };
    }
    const roomKind = ROOM_KINDS[kind % ROOM_KINDS.length]!;
    return { ...other, what: { ...who, kind: roomKind, rooms: roomKind === "leave" ? rooms : [rooms[0]!] } };
  });
/** Of what there may be, and a little beside it. */
const place = fc.option(
  fc.oneof(
    fc.record({ by: fc.constant("sequence"), value: fc.nat(60) }),
    fc.record({
      by: fc.constant("time"),
      value: fc.constantFrom(0, 1000, 1001, 2000, 3000, 3001, 5000, 9000),
    }),
  ),
  { nil: undefined },
);
const anyPage: fc.Arbitrary<Asked> = fc.record({
  after: place,
  before: place,
  take: fc.constantFrom("oldest", "newest", "around"),
  limit: fc.nat(6),
  events: fc.boolean(),
});
const anyOf: fc.Arbitrary<PageOf> = fc.oneof(
  fc.record({ room: fc.integer({ min: 1, max: 3 }) }),
  fc.record({
    room: fc.constant(0 as const),
    person: fc.constantFrom(0, 5, 6, 7, 8, 99),
    nick: fc.constantFrom("alice", "BOB", "carol{}", "nobody"),
  }),
);

/** What a page is of, without any index. */
function naive(all: readonly Entry[], { session, rooms }: Access, of: PageOf, page: Asked, before: number) {
  const isOf = (each: Entry): boolean => {
    if (!("person" in of)) return rooms.includes(of.room) && each.rooms.includes(of.room);
    if (each.rooms.length > 0) return false;
    const other = [
      [each, each.peer!],
      [each.peer!, each],
    ].find(([self]) => self!.session === session)?.[1];
    if (other === undefined) return false;
    return of.person === 0
      ? other.nick.toLowerCase().replace("[]", "{}") === of.nick.toLowerCase()
      : other.session === of.person;
  };
  const past = all.filter(
    (each) => isOf(each) && (page.events || SPOKEN.includes(each.kind)) && each.sequence < before,
  );
  const valueOf = (each: Entry, { by }: Place): number => (by === "sequence" ? each.sequence : each.timeMs);
  const { after, before: end, limit } = page;
  const early = past.filter((each) => end === undefined || valueOf(each, end) < end.value);
  if (page.take === "around") {
    const isOlder = (each: Entry): boolean => after === undefined || valueOf(each, after) < after.value;
    const older = early.filter(isOlder);
    const newer = early.filter((each) => !isOlder(each));
    let count = Math.min(older.length, Math.floor(limit / 2));
    const rest = newer.slice(0, limit - count);
    count = Math.min(older.length, limit - rest.length);
    return { all: early, given: [...older.slice(older.length - count), ...rest] };
  }
  const between = early.filter((each) => after === undefined || valueOf(each, after) > after.value);
  const given = page.take === "oldest" ? between.slice(0, limit) : between.slice(-limit || between.length);
  return { all: between, given };
}

test("a page is what going through everything would give", (t) => {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  const before = fc.constantFrom(END, 1, 20, 40);
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 40 }),
      fc.array(fc.tuple(anyOf, anyPage, before, fc.subarray([1, 2, 3])), { minLength: 1, maxLength: 10 }),
      (parts, questions) => {
        let [sequence, timeMs] = [0, 1000];
        const entries = parts.map(({ what, step, stepMs }): Entry => {
          sequence += step;
          timeMs += stepMs;
          return entry(sequence, { ...what, timeMs });
        });
        using history = new TestHistory(entries);
        const isDeleted = (_: Entry, index: number): boolean => parts[index]!.isDeleted;
        const redacted = entries.filter(isDeleted).map((each) => each.sequence);
        history.store.write(batch([], { through: sequence, redacted }));
        const left = entries.filter((each) => !redacted.includes(each.sequence));
        for (const [of, page, end, rooms] of questions) {
          const access = { session: ALICE.session, rooms };
          const { all, given } = naive(left, access, of, page, end);
          const answer = history.reader.page(access, of, page, end);
          const shown = given.map((each) => ({ ...each, rooms: each.rooms.length === 0 ? [] : [of.room] }));
          assert.deepEqual(answer.entries, shown);
          assert.equal(answer.more, all.length > given.length);
        }
      },
    ),
    { numRuns: 500, seed },
  );
});

test("pages in a row give everything once, forth and back, with events and without", () => {
  const entries = Array.from({ length: 400 }, (_, index) =>
    entry(index + 1, { timeMs: 1000 * Math.floor(index / 7), kind: index % 5 === 0 ? "topic" : "say" }),
  );
  using history = new TestHistory(entries);
  const said = entries.filter(({ kind }) => kind === "say").map(({ sequence }) => sequence);
  const page = (other: Partial<Asked>): number[] =>
    numbers(history.reader.page(ALL, { room: 1 }, asked({ limit: 30, ...other }), END));
  const forth: number[] = [];
  for (let after: Place | undefined; ; after = at(forth.at(-1)!)) {
    const got = page({ after, take: "oldest" });
    forth.push(...got);
    if (got.length < 30) break;
  }
  const back: number[] = [];
  for (let before: Place | undefined; ; before = at(back[0]!)) {
    const got = page({ before });
    back.unshift(...got);
    if (got.length < 30) break;
  }
  assert.deepEqual([forth, back], [said, said]);
});

test("times are exclusive, however many entries a millisecond has, and what is gone still is a place", () => {
  const entries = [1, 2, 3, 4, 5, 6].map((sequence) =>
    entry(sequence, { timeMs: sequence < 3 ? 1000 : sequence < 5 ? 1001 : 1002 }),
  );
  using history = new TestHistory(entries);
  history.store.write(batch([], { through: 6, redacted: [4] }));
  const page = (other: Partial<Asked>): number[] =>
    numbers(history.reader.page(ALL, { room: 1 }, asked(other), END));
  assert.deepEqual(page({ after: when(1000) }), [3, 5, 6]);
  assert.deepEqual(page({ before: when(1001) }), [1, 2]);
  assert.deepEqual(page({ after: when(1000), before: when(1002) }), [3]);
  assert.deepEqual(page({ after: when(1002) }), []);
  assert.deepEqual(page({ after: when(5), before: when(99_999) }), [1, 2, 3, 5, 6]);
  assert.deepEqual(page({ after: at(4) }), [5, 6]);
  assert.deepEqual(page({ before: at(4) }), [1, 2, 3]);
  assert.deepEqual(page({ after: at(4), take: "around", limit: 2 }), [3, 5]);
  assert.deepEqual(page({ after: at(1), take: "around", limit: 1 }), [1]);
  assert.deepEqual(page({ after: at(6), take: "around", limit: 4 }), [2, 3, 5, 6], "short on one side");
});

test("a page passes over what is not asked for, however much that is", () => {
  const others = Array.from({ length: 3000 }, (_, index) =>
    whisper(index + 2, { peer: { session: 9, nick: `n${index % 50}`, displayName: "n" } }),
  );
  using history = new TestHistory([whisper(1, { text: "first" }), ...others, entry(4000, { kind: "topic" })]);
  const { reader } = history;
  const byNick = { room: 0, person: 0, nick: "Bob" } as const;
  assert.deepEqual(numbers(reader.page(ALL, byNick, asked({ limit: 1 }), END)), [1]);
  const byPerson = { room: 0, person: BOB.session, nick: "anything" } as const;
  assert.deepEqual(numbers(reader.page(ALL, byPerson, asked({ limit: 1 }), END)), [1]);
  assert.deepEqual(numbers(reader.page({ session: 77, rooms: [1] }, byPerson, asked({}), END)), []);
  assert.deepEqual(numbers(reader.page(ALL, { room: 1 }, asked({ events: true }), END)), [4000]);
});

test("gaps are told where a page passes them", () => {
  const gap = (from: number, to: number) => ({ from, to, fromTimeMs: from * 1000, toTimeMs: to * 1000 });
  const gaps = [gap(11, 14), gap(21, 24), gap(31, 34)];
  using history = new TestHistory([entry(10), entry(20), entry(30), entry(40)], { gaps, through: 50 });
  const page = (other: Partial<Asked>) => history.reader.page(ALL, { room: 1 }, asked(other), 50).gaps;
  assert.deepEqual(page({}), gaps);
  assert.deepEqual(page({ limit: 2 }), [gaps[2]]);
  assert.deepEqual(page({ limit: 2, take: "oldest" }), [gaps[0]]);
  assert.deepEqual(page({ after: at(20), before: at(30) }), [gaps[1]]);
  assert.deepEqual(page({ after: at(30), take: "around", limit: 2 }), [gaps[1]]);
  assert.deepEqual(page({ limit: 0 }), []);
});

test("targets: the latest message of each room and person in between, oldest first", () => {
  using history = new TestHistory([
    entry(1, { rooms: [3] }),
    whisper(2, { text: "older" }),
    whisper(3, { ...CAROL, peer: ALICE }),
    entry(4, { rooms: [1] }),
    whisper(5, { kind: "whisperAct" }),
    entry(6, { rooms: [2] }),
    whisper(7, { kind: "whisperTag" }),
    entry(8, { rooms: [1], kind: "topic" }),
    entry(9, { rooms: [1], kind: "join" }),
    whisper(10, { ...CAROL, peer: BOB }),
    whisper(11, { ...OTHER_BOB, peer: ALICE }),
    entry(12, { rooms: [2] }),
  ]);
  const targets = (afterMs: number, beforeMs: number, limit = 100, before = END, access = ALL) => {
    const page = history.reader.targets(access, afterMs, beforeMs, limit, before);
    return [numbers(page), page.more];
  };
  assert.deepEqual(targets(0, 99_000), [[1, 3, 4, 11, 12], false], "one of both who were called bob");
  assert.deepEqual(targets(0, 11_000), [[1, 3, 4, 5, 6], false]);
  assert.deepEqual(targets(1000, 12_000), [[3, 4, 6, 11], false]);
  assert.deepEqual(targets(0, 99_000, 2), [[1, 3], true]);
  assert.deepEqual(targets(0, 99_000, 100, 4), [[1, 2, 3], false], "nothing of what came after the question");
  assert.deepEqual(targets(0, 99_000, 100, END, { session: 99, rooms: [2] }), [[12], false]);
  assert.deepEqual(targets(12_000, 99_000), [[], false]);
});
