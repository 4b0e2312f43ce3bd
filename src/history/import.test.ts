import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ALICE, ROOMS, TestHistory, batch, entry, whisper } from "../../test/support/history.ts";
import {
  FIRST_SEQUENCE,
  ImportError,
  type ImportOptions,
  type ImportProgress,
  type ImportResult,
  formatEntries,
  importEntries,
} from "./index.ts";
import { type Entry, type EntryKind, cleanDisplayName, isNick } from "../chat/index.ts";

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const NOW_MS = 1e13;

function exported(history: TestHistory): string[] {
  return Array.from(formatEntries(history.everything(), "json"));
}

function take(
  history: TestHistory,
  lines: Iterable<string>,
  options: Partial<ImportOptions> = {},
  onSlice: (progress: ImportProgress) => void = () => undefined,
): ImportResult {
  let nextRoom = 100;
  const roomId = (): number => (nextRoom += 1);
  const steps = importEntries(history.store, lines, { roomId, nowMs: NOW_MS, ...options });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    onSlice(step.value);
  }
}

function refused(history: TestHistory, lines: readonly string[], line: number, reason: RegExp): void {
  const before = [exported(history), history.counts()];
  assert.throws(
    () => take(history, lines),
    (error) => {
      assert.ok(error instanceof ImportError, String(error));
      assert.match(error.message, reason);
      assert.match(error.message, new RegExp(`^line ${line} .*; nothing has been imported$`));
      assert.equal(error.line, line);
      return true;
    },
  );
  assert.deepEqual([exported(history), history.counts()], before);
}

function linesOf(...entries: readonly Entry[]): string[] {
  using history = new TestHistory(entries);
  return exported(history);
}

const person = fc.record({
  session: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  nick: fc.string({ maxLength: 30 }).filter(isNick),
  displayName: fc.string({ unit: "grapheme", maxLength: 40 }).map(cleanDisplayName),
});
const named = person.map(({ displayName, ...who }) => ({ ...who, displayName: displayName ?? who.nick }));
/** As far as an entry of this kind can have it. */
function possible(kind: EntryKind, text: string): string {
  return text.replaceAll(["say", "act", "notice"].includes(kind) ? /[\0\r]/g : /[\0\r\n]/g, "");
}

const anyEntry = fc
  .record({
    who: named,
    peer: named,
    text: fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })),
    kind: fc.constantFrom(
      ...([
        "say",
        "act",
        "notice",
        "topic",
        "join",
        "part",
        "leave",
        "nick",
        "kick",
        "mode",
        "tag",
        "redact",
      ] as const),
    ),
    tags: fc.constantFrom("", "+draft/reply=4711;+draft/react=👍", "+typing"),
    account: fc.constantFrom("", "alice", "[x]"),
    address: fc.constantFrom("", "al@home.example", "@2001:db8::1", "al@"),
    rooms: fc.subarray([1, 2, 3]),
    sequenceStep: fc.integer({ min: 1, max: 5 }),
    stepMs: fc.constantFrom(0, 1, 777),
  })
  .map(({ who, peer, text, kind, rooms, sequenceStep, stepMs, ...extras }) => {
    const isInOne = ["say", "act", "notice", "topic", "tag", "redact"].includes(kind);
    const seen = isInOne ? [rooms[0] ?? 1] : rooms;
    const hasPeer = ["kick", "nick"].includes(kind);
    return {
      entry: {
        ...who,
        ...extras,
        kind,
        text: possible(kind, text),
        rooms: seen,
        peer: hasPeer ? peer : undefined,
      },
      sequenceStep,
      stepMs,
    };
  });

test("what is exported, imported and exported again is the same", (t) => {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  fc.assert(
    fc.property(fc.array(anyEntry, { maxLength: 40 }), fc.boolean(), (parts, isOld) => {
      let [sequence, timeMs] = [isOld ? 10 : FIRST_SEQUENCE, 1_700_000_000_000];
      const entries = parts.map(({ entry, sequenceStep, stepMs }): Entry => {
        sequence += sequenceStep;
        timeMs += stepMs;
        return { ...entry, sequence, timeMs };
      });
      using history = new TestHistory(entries, { through: sequence, throughTimeMs: timeMs });
      const lines = exported(history);
      using other = new TestHistory([], { rooms: [], through: sequence, throughTimeMs: timeMs });
      assert.deepEqual(take(other, lines), { stored: lines.length, skipped: 0, renumbered: false });
      assert.deepEqual(exported(other), lines);
      assert.deepEqual(take(other, lines), { stored: 0, skipped: lines.length, renumbered: false });
      assert.deepEqual(exported(other), lines);
    }),
    { numRuns: 200, seed },
  );
});

test("lines fill the holes that they left", () => {
  const entries = Array.from({ length: 20 }, (_, index) => entry(index + 1));
  using history = new TestHistory(
    entries.filter(({ sequence }) => sequence % 3 === 0),
    { through: 30, throughTimeMs: 30_000 },
  );
  assert.deepEqual(take(history, linesOf(...entries)), { stored: 14, skipped: 6, renumbered: false });
  assert.deepEqual(exported(history), linesOf(...entries));
  assert.equal(history.reader.last(1, 100, 100, "messages").entries.length, 20);
});

test("a history from elsewhere is put in front of everything, with new numbers", () => {
  const old = [
    entry(FIRST_SEQUENCE + 50, { timeMs: 1000, text: "old" }),
    entry(FIRST_SEQUENCE + 60, { timeMs: 2000 }),
  ];
  const mine = [entry(FIRST_SEQUENCE, { timeMs: 3000 }), entry(FIRST_SEQUENCE + 50, { timeMs: 4000 })];
  using history = new TestHistory(mine);
  assert.deepEqual(take(history, linesOf(...old)), { stored: 2, skipped: 0, renumbered: true });
  assert.deepEqual(
    history.everything().map(({ sequence, timeMs }) => [sequence - FIRST_SEQUENCE, timeMs]),
    [
      [-2, 1000],
      [-1, 2000],
      [0, 3000],
      [50, 4000],
    ],
  );
  assert.equal(history.store.through, FIRST_SEQUENCE + 50);
  // A second time they are neither the same nor older.
  refused(history, linesOf(...old), 1, /number \d+, which is that of another entry/);
});

test("a new history takes what another one has", () => {
  using history = new TestHistory();
  const lines = linesOf(entry(FIRST_SEQUENCE + 7), entry(FIRST_SEQUENCE + 8));
  assert.deepEqual(take(history, lines), { stored: 2, skipped: 0, renumbered: true });
  assert.deepEqual(
    history.everything().map(({ sequence }) => sequence - FIRST_SEQUENCE),
    [-2, -1],
  );
  using late = new TestHistory();
  assert.throws(() => take(late, lines, { nowMs: 1000 }), /line 1 .*still to be given/);
});

test("rooms are found by their names, and made where there are none", () => {
  using history = new TestHistory([], { rooms: [{ id: 7, name: "#Garden" }] });
  const asked: string[] = [];
  const lines = linesOf(
    entry(1, { rooms: [2] }),
    entry(2, { kind: "leave", rooms: [3, 2, 1] }),
    entry(3, { rooms: [3] }),
  );
  take(history, lines, {
    roomId: ({ name, line }) => {
      asked.push(`${name} in line ${line}`);
      return 20 + asked.length;
    },
  });
  assert.deepEqual(asked, ["#cellar in line 2", "#lobby in line 2"]);
  assert.deepEqual(Array.from(history.reader.roomsNamed()), [
    [7, "#Garden"],
    [21, "#cellar"],
    [22, "#lobby"],
  ]);
  assert.deepEqual(history.reader.last(7, 100, 100, "all").entries.length, 2);
});

test("a room has one spelling, whatever the file has", () => {
  using history = new TestHistory([], {
    rooms: [{ id: 7, name: "#strasse" }],
    through: 10,
    throughTimeMs: 10_000,
  });
  const line = JSON.parse(linesOf(entry(1))[0]!) as object;
  const names = ["#strasse", "#Straße", "#ＡＢＣ[]", "#abc{}"];
  const lines = names.map((name, index) => JSON.stringify({ ...line, sequence: index + 1, rooms: [name] }));
  assert.equal(take(history, lines).stored, 4);
  assert.deepEqual(Array.from(history.reader.roomsNamed().values()), ["#strasse", "#abc{}"]);
  assert.equal(history.reader.last(7, 100, 100, "all").entries.length, 2);
  assert.equal(take(history, lines).skipped, 4);
  const twice = JSON.stringify({ ...line, sequence: 5, kind: "leave", rooms: ["#straße", "#STRASSE"] });
  refused(history, [twice], 1, /no rooms that is different rooms/);
});

test("nothing is taken that could not be shown again", () => {
  using history = new TestHistory([], { rooms: ROOMS, through: 10, throughTimeMs: 10_000 });
  // What a line of 4,096 bytes that are no text becomes.
  const longest = "\ufffd".repeat(4096);
  const rooms = Array.from({ length: 100 }, (_, index) => `#room-${index}`);
  const name = "\u{20000}".repeat(32);
  const line = JSON.parse(linesOf(entry(5, { kind: "leave" }))[0]!) as object;
  const peer = { session: 2 ** 53 - 1, nick: "n".repeat(24), displayName: name };
  assert.equal(take(history, [JSON.stringify({ ...line, ...peer, peer, rooms, text: longest })]).stored, 1);
  const stored = history.everything()[0]!;
  assert.deepEqual([stored.text, stored.displayName, stored.rooms.length], [longest, name, 100]);
  refused(history, [JSON.stringify({ ...line, text: `${longest}x` })], 1, /no text that is at most 12288/);
});

test("private messages are not taken: somebody else has that session's number here", () => {
  using history = new TestHistory([], { through: 10, throughTimeMs: 10_000 });
  for (const kind of ["whisper", "whisperAct", "whisperNotice", "whisperTag", "redact"] as const)
    refused(history, linesOf(entry(1), whisper(2, { kind })), 2, /is a private message, which no export has/);
});

test("what is in conflict is refused, by the first line that is", () => {
  const history = new TestHistory([entry(10), entry(20), entry(30)], { through: 40, throughTimeMs: 40_000 });
  const late = { timeMs: 15_000 };
  const cases: readonly (readonly [string[], number, RegExp])[] = [
    [linesOf(entry(5), entry(10, { text: "other" })), 2, /number 10, which is that of another entry/],
    [linesOf(entry(10, { rooms: [2] })), 1, /that of another entry/],
    [
      linesOf(entry(12), entry(41, { timeMs: 40_000 }), entry(42, { timeMs: 40_000 })),
      2,
      /number 41, which is still/,
    ],
    [linesOf(entry(12), entry(FIRST_SEQUENCE)), 2, /number 4294967296, which is still/],
    [linesOf(entry(12, { timeMs: 20_001 })), 1, /number 12, and is later/],
    [linesOf(entry(12, { timeMs: 9_999 }), entry(13, late)), 1, /number 12, and is earlier/],
    [linesOf(entry(35, { timeMs: 40_001 })), 1, /number 35, and is later/],
    [[...linesOf(entry(12, late)), "", ...linesOf(entry(11, late))], 3, /number 11, after 12/],
    [
      [...linesOf(entry(12, late)), ...linesOf(entry(13, { timeMs: 14_999 }))],
      2,
      /earlier than the line before/,
    ],
    [[...linesOf(entry(12, late)), "{"], 2, /is no JSON/],
    [["[]"], 1, /is no JSON object/],
    [["{}"], 1, /has no kind/],
  ];
  for (const [lines, line, reason] of cases) refused(history, lines, line, reason);
  history.database.close();
});

test("a field that is wrong is named", () => {
  using history = new TestHistory([], { through: 10, throughTimeMs: 10_000 });
  const good = JSON.parse(linesOf(entry(5, { kind: "kick", peer: ALICE }))[0]!) as Record<string, unknown>;
  const cases: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ sequence: 0 }, /is no entry: 0 is no sequence number/],
    [{ sequence: "5" }, /no sequence that is a number/],
    [{ time: "yesterday" }, /no time that is a date/],
    [{ kind: "shout" }, /no kind that is one of say, /],
    [{ rooms: "#lobby" }, /no rooms that is names/],
    [{ rooms: [5] }, /no rooms that is names/],
    [{ rooms: [""] }, /names the room , which cannot be made/],
    [{ rooms: ["lobby"] }, /names the room lobby, which cannot be made/],
    [{ rooms: [`#${"a".repeat(1000)}`] }, /names the room #a{79}…, which cannot be made/],
    [{ rooms: Array.from({ length: 101 }, (_, index) => `#a${index}`) }, /no rooms that is at most 100/],
    [{ kind: "leave", rooms: ["#a", "#A"] }, /no rooms that is different rooms/],
    [{ kind: "say", rooms: [] }, /a say is in one room, not in 0/],
    [{ nick: null }, /no nick that is a string/],
    [{ nick: "" }, /no nick that is a nick/],
    [{ nick: "n".repeat(25) }, /no nick that is a nick/],
    [{ displayName: "小".repeat(33) }, /no displayName that is a name/],
    [{ displayName: "小\u202e明" }, /no displayName that is a name/],
    [{ displayName: "Bob B" }, /no displayName that is a name/],
    [{ tags: 5 }, /no tags that is a string/],
    [{ tags: "+a;msgid=1" }, /no tags that is tags of clients/],
    [{ tags: "+a=1\r\nQUIT" }, /no tags that is tags of clients/],
    [{ tags: `+${"a".repeat(3 * 4096)}` }, /no tags that is at most 12288 bytes/],
    [{ account: "a b" }, /no account that is the name of an account/],
    [{ account: "小明" }, /no account that is the name of an account/],
    [{ account: "alice\nQUIT" }, /no account that is/],
    [{ text: "out\r\nQUIT" }, /no text that is what a kick can have/],
    [{ text: "out\nQUIT" }, /no text that is what a kick can have/],
    [{ kind: "say", rooms: ["#lobby"], text: "hi\rQUIT" }, /no text that is what a say can have/],
    [{ kind: "act", rooms: ["#lobby"], text: "hi\0" }, /no text that is what a act can have/],
    [{ kind: "topic", rooms: ["#lobby"], text: "tea\nQUIT" }, /no text that is what a topic can have/],
    [{ nick: "alice\n" }, /no nick that is a nick/],
    [{ displayName: "小明\rQUIT" }, /no displayName that is a name/],
    [{ peer: { ...ALICE, nick: "a\nQUIT" } }, /no peer.nick that is a nick/],
    [{ address: "a@b\r\nQUIT" }, /no address that is a user and where from/],
    [{ tags: "+=1" }, /no tags that is tags of clients/],
    [{ address: "nowhere" }, /no address that is a user and where from/],
    [{ address: "a b@c" }, /no address that is a user and where from/],
    [{ address: `a@${"b".repeat(254)}` }, /no address that is a user and where from/],
    [{ kind: "redact", rooms: ["#a", "#b"] }, /a redact is in one room, not in 2/],
    [{ peer: undefined }, /a kick needs somebody/],
    [{ peer: 5 }, /has a peer that is no object/],
    [{ peer: { ...ALICE, nick: 5 } }, /no peer.nick that is a string/],
    [{ peer: { ...ALICE, displayName: "<alice>" } }, /no peer.displayName that is a name/],
    [{ session: 1.5 }, /a session is no number/],
    [{ text: "x".repeat(1_000_001) }, /more than 1000000 characters/],
  ];
  for (const [other, reason] of cases) refused(history, [JSON.stringify({ ...good, ...other })], 1, reason);
  assert.equal(take(history, [JSON.stringify({ ...good, unknown: true })]).stored, 1);
});

test("live messages are stored between the slices", () => {
  using history = new TestHistory([entry(FIRST_SEQUENCE, { timeMs: 1e9 })]);
  const lines = linesOf(...Array.from({ length: 2100 }, (_, index) => entry(index + 1)));
  const phases: string[] = [];
  let live = FIRST_SEQUENCE;
  const result = take(history, lines, {}, ({ phase, lines }) => {
    phases.push(`${phase} ${lines}`);
    live += 1;
    history.store.write(batch([entry(live, { timeMs: 1e9 + live })]));
  });
  const counts = [500, 1000, 1500, 2000];
  assert.deepEqual(phases, [
    ...counts.map((count) => `checking ${count}`),
    ...counts.map((count) => `storing ${count}`),
  ]);
  assert.deepEqual(result, { stored: 2100, skipped: 0, renumbered: false });
  assert.equal(history.everything().length, 2100 + 9);
});

test("an import that ended halfway is taken back by the next one, or goes on", () => {
  const front = linesOf(
    ...Array.from({ length: 1200 }, (_, index) => entry(FIRST_SEQUENCE + index, { timeMs: 1000 })),
  );
  const mine = [entry(FIRST_SEQUENCE, { timeMs: 3000 })];
  const options = { roomId: () => 77, nowMs: NOW_MS };
  for (const [lines, leftover, again] of [
    [front, 500, { stored: 1200, skipped: 0, renumbered: true }],
    [
      linesOf(...Array.from({ length: 1200 }, (_, index) => entry(index + 1, { timeMs: 1000 }))),
      500,
      { stored: 700, skipped: 500, renumbered: false },
    ],
  ] as const) {
    using history = new TestHistory(mine);
    const steps = importEntries(history.store, lines, options);
    while ((steps.next().value as ImportProgress).phase !== "storing");
    assert.equal(history.everything().length, 1 + leftover);
    steps.return({ stored: 0, skipped: 0, renumbered: false });
    const phases = new Set<string>();
    assert.deepEqual(
      take(history, lines, {}, ({ phase }) => phases.add(phase)),
      again,
    );
    assert.equal(phases.has("cleaning"), again.renumbered);
    assert.equal(history.everything().length, 1201);
    assert.equal(history.store.deleteUnfinished(10), true);
  }
});

test("lines that can be gone through only once are a mistake of the caller", () => {
  using history = new TestHistory([], { rooms: ROOMS });
  const once = linesOf(entry(1)).values();
  assert.throws(() => take(history, once), { name: "AssertionError" });
});
