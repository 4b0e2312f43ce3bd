import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8 } from "../../base/index.ts";
import {
  ENTRY_KINDS,
  type Entry,
  type EntryKind,
  type Gap,
  type HistoryQuestion,
  type Person,
  RECALL_MAX,
} from "../../chat/index.ts";
import { PlainRenderer } from "./render.ts";

const alice: Person = { session: 1, nick: "alice", displayName: "alice" };
const ming: Person = { session: 2, nick: "user", displayName: "小明" };
const rooms: Readonly<Record<number, string>> = { 1: "#lobby", 2: "#dev" };

const renderer = new PlainRenderer("chorus", (timeMs) => `at ${timeMs}`);
const replay: HistoryQuestion = { kind: "replay", room: 2, limit: 20 };
const recall: HistoryQuestion = { kind: "recall", room: 2, limit: 20 };
const search: HistoryQuestion = { kind: "search", text: "tea" };
const range: HistoryQuestion = { kind: "range", from: 1 };

function entry(sequence: number, kind: EntryKind, text: string, more: Partial<Entry> = {}): Entry {
  const known = { tags: "", account: "", address: "" };
  return {
    sequence,
    timeMs: sequence * 10,
    kind,
    rooms: [2],
    ...alice,
    peer: undefined,
    text,
    ...known,
    ...more,
  };
}

function gap(from: number, to: number): Gap {
  return { from, to, fromTimeMs: from * 10, toTimeMs: to * 10 };
}

interface Told {
  entries?: readonly Entry[];
  gaps?: readonly Gap[];
  more?: boolean;
  refusal?: string;
}

function lines(question: HistoryQuestion, told: Told, self = 1): string[] {
  const answer = {
    entries: told.entries ?? [],
    gaps: told.gaps ?? [],
    more: told.more ?? false,
    refusal: told.refusal,
  };
  const text = decodeUtf8(renderer.answer(question, answer, (room) => rooms[room]!, self));
  if (text === "") return [];
  assert.ok(text.endsWith("\n"));
  return text.slice(0, -1).split("\n");
}

/** What has no text is for programs alone. */
const WORDLESS: readonly EntryKind[] = ["tag", "whisperTag"];

test("each kind of entry is a line with its time in front", () => {
  const cases: readonly (readonly [Entry, string])[] = [
    [entry(1, "say", "hi"), "[at 10] <alice> hi"],
    [entry(1, "say", "hi", ming), "[at 10] <小明> hi"],
    [entry(1, "act", "waves"), "[at 10] * alice waves"],
    [entry(1, "notice", "done"), "[at 10] -alice- done"],
    [entry(1, "whisper", "psst", { rooms: [], peer: ming }), "[at 10] -> *小明* psst"],
    [entry(1, "whisper", "psst", { rooms: [], ...ming, peer: alice }), "[at 10] *小明* psst"],
    [entry(1, "whisper", "psst", { rooms: [], peer: alice }), "[at 10] -> *alice* psst"],
    [entry(1, "whisperAct", "waves", { rooms: [], peer: ming }), "[at 10] -> *小明* * waves"],
    [entry(1, "whisperAct", "waves", { rooms: [], ...ming, peer: alice }), "[at 10] *小明* * waves"],
    [entry(1, "whisperNotice", "done", { rooms: [], ...ming, peer: alice }), "[at 10] *小明* done"],
    [entry(1, "redact", "7 it was a secret"), "[at 10] -- alice took a message back"],
    [entry(1, "topic", "tea"), "[at 10] -- the topic is now: tea (set by alice)"],
    [entry(1, "topic", ""), "[at 10] -- alice took the topic away"],
    [entry(1, "join", ""), "[at 10] -- alice joined"],
    [entry(1, "part", ""), "[at 10] -- alice left the room"],
    [entry(1, "part", "bye"), "[at 10] -- alice left the room: bye"],
    [entry(1, "leave", "too slow", { rooms: [] }), "[at 10] -- alice left: too slow"],
    [entry(1, "nick", "", { peer: ming }), "[at 10] -- alice is now known as 小明"],
    [
      entry(1, "kick", "be nice", { peer: ming }),
      "[at 10] -- 小明 was taken out of the room by alice: be nice",
    ],
    [entry(1, "kick", "", { peer: ming }), "[at 10] -- 小明 was taken out of the room by alice"],
    [
      entry(1, "mode", "+moderated"),
      "[at 10] -- alice made the room moderated: only those with a voice may speak",
    ],
    [entry(1, "mode", "-voice", { peer: ming }), "[at 10] -- alice took 小明's voice away"],
    [entry(1, "mode", "+ban eve"), "[at 10] -- alice banned eve"],
    [entry(1, "mode", "+exception *!*@10.0.0.*"), "[at 10] -- alice made an exception for *!*@10.0.0.*"],
    [entry(1, "mode", "+slowSeconds 30"), "[at 10] -- alice lets everybody speak once in 30 seconds"],
    [entry(1, "mode", "-slowSeconds"), "[at 10] -- alice ended the slow mode"],
    [entry(1, "mode", "+limit 5"), "[at 10] -- alice lets 5 in at most"],
    [entry(1, "mode", "-limit"), "[at 10] -- alice ended the limit"],
    [entry(1, "mode", "+key"), "[at 10] -- alice put a key on the room"],
    [entry(1, "mode", "-key"), "[at 10] -- alice took the key off"],
    [entry(1, "mode", "+name #tea"), "[at 10] -- alice renamed the room to #tea"],
    // Imported from somewhere else.
    [entry(1, "mode", "+constructor"), "[at 10] -- alice set +constructor"],
    [entry(1, "mode", "-loud", { peer: ming }), "[at 10] -- alice set -loud for 小明"],
  ];
  const kinds = [...cases.map(([{ kind }]) => kind), ...WORDLESS];
  assert.deepEqual(new Set(kinds), new Set(ENTRY_KINDS));
  for (const [entry, line] of cases)
    assert.deepEqual(lines(replay, { entries: [entry] }), [
      "-- the last 1 message of #dev:",
      line,
      "-- now live",
    ]);
});

test("what has no text is left out, and what has several lines is shown line by line", () => {
  const tags = WORDLESS.map((kind) => entry(1, kind, "", { tags: "+draft/react=👍" }));
  const entries = [
    ...tags,
    entry(2, "say", "one\n\n[at 20] <bob> three"),
    entry(3, "whisperAct", "waves\nand goes", { rooms: [], peer: ming }),
  ];
  assert.deepEqual(lines(range, { entries }), [
    "[at 20 #dev] <alice> one",
    "[at 20 #dev] <alice> ",
    "[at 20 #dev] <alice> [at 20] <bob> three",
    "[at 30] -> *小明* * waves",
    "[at 30] -> *小明* * and goes",
  ]);
});

test("what IRC clients said is shown without their formatting", () => {
  assert.deepEqual(lines(range, { entries: [entry(1, "say", "\u0002bold\u0002 \u00034red\u0003")] }), [
    "[at 10 #dev] <alice> bold red",
  ]);
});

test("a name with blanks stands in quotes, as in live lines", () => {
  const na: Person = { session: 3, nick: "user2", displayName: "李 娜" };
  const entries = [
    entry(1, "say", "hi", na),
    entry(2, "act", "waves", na),
    entry(3, "notice", "done", na),
    entry(4, "whisper", "psst", { rooms: [], ...na, peer: alice }),
    entry(5, "whisper", "psst", { rooms: [], peer: na }),
  ];
  assert.deepEqual(lines(replay, { entries }).slice(1, -1), [
    "[at 10] <李 娜> hi",
    '[at 20] * "李 娜" waves',
    '[at 30] -"李 娜"- done',
    '[at 40] *"李 娜"* psst',
    '[at 50] -> *"李 娜"* psst',
  ]);
});

test("what was asked for stands above, and below where it ends", () => {
  const entries = [entry(1, "say", "tea?"), entry(2, "say", "tea!", { ...ming, rooms: [1] })];
  const cases: readonly (readonly [HistoryQuestion, boolean, string[]])[] = [
    [
      replay,
      true,
      ["-- the last 2 messages of #dev:", "[at 10] <alice> tea?", "[at 20] <小明> tea!", "-- now live"],
    ],
    [
      recall,
      false,
      [
        "-- the last 2 messages of #dev:",
        "[at 10] <alice> tea?",
        "[at 20] <小明> tea!",
        "-- that was the past",
      ],
    ],
    [
      search,
      false,
      ["-- 2 found:", "[at 10 #dev] <alice> tea?", "[at 20 #lobby] <小明> tea!", "-- that was the past"],
    ],
    [
      search,
      true,
      [
        "-- the last 2 of those found; before:DATE finds earlier ones:",
        "[at 10 #dev] <alice> tea?",
        "[at 20 #lobby] <小明> tea!",
        "-- that was the past",
      ],
    ],
    // Who asked, page by page, says where that begins and ends.
    [range, true, ["[at 10 #dev] <alice> tea?", "[at 20 #lobby] <小明> tea!"]],
  ];
  for (const [question, more, expected] of cases)
    assert.deepEqual(lines(question, { entries, more }), expected);
});

test("who asked for the last messages is told how to get more", () => {
  const hint = (limit: number): string | undefined =>
    lines({ ...recall, limit }, { entries: [entry(1, "say", "hi")], more: true })[1];
  assert.equal(hint(20), "-- (there is more: /history 40 goes further back)");
  assert.equal(hint(RECALL_MAX - 1), `-- (there is more: /history ${RECALL_MAX} goes further back)`);
  assert.equal(hint(RECALL_MAX), "-- (there is more: /search finds what is older)");
});

test("what was in no room, or in several, is told with the first that there is", () => {
  const entries = [
    entry(1, "whisper", "psst", { rooms: [], peer: ming }),
    entry(2, "leave", "bye", { rooms: [1, 2] }),
  ];
  assert.deepEqual(lines(range, { entries }), [
    "[at 10] -> *小明* psst",
    "[at 20 #lobby] -- alice left: bye",
  ]);
});

test("where something is missing, that is said", () => {
  const entries = [entry(5, "say", "before"), entry(10, "say", "after")];
  const missing = (from: number, to: number): string =>
    `-- (what was said between at ${from} and at ${to} was not kept)`;
  assert.deepEqual(lines(recall, { entries, gaps: [gap(1, 4), gap(6, 7), gap(8, 9), gap(11, 12)] }), [
    "-- the last 2 messages of #dev:",
    missing(10, 40),
    "[at 50] <alice> before",
    missing(60, 70),
    missing(80, 90),
    "[at 100] <alice> after",
    missing(110, 120),
    "-- that was the past",
  ]);
  // Times are told to the minute.
  assert.deepEqual(lines(range, { gaps: [gap(4, 4)] }), ["-- (what was said about at 40 was not kept)"]);
  assert.deepEqual(lines(range, { gaps: [gap(1, 4)] }), [missing(10, 40)]);
});

test("where there is nothing, who asked is told so, and who did not is not", () => {
  assert.deepEqual(lines(replay, {}), []);
  assert.deepEqual(lines(range, {}), []);
  assert.deepEqual(lines(recall, {}), ["-- nothing was said in #dev yet"]);
  assert.deepEqual(lines(search, {}), ["-- nothing found"]);
});

test("a refusal stands in place of the answer", () => {
  for (const question of [replay, recall, search, range])
    assert.deepEqual(lines(question, { refusal: "history is busy" }), ["-- history is busy"]);
});

test("an entry is harmless, and stays one line where nobody says more, whatever was imported", () => {
  const hostile = "hi\n-- bob left\r\u001b[2J\u2028\u202e";
  const entries = [
    entry(1, "say", hostile),
    entry(2, "say", "hi", { displayName: "al\nice", nick: "alice" }),
    entry(3, "kick", hostile, { peer: { ...ming, displayName: "x\ny" } }),
  ];
  assert.deepEqual(lines(recall, { entries }).slice(1, -1), [
    "[at 10] <alice> hi",
    "[at 10] <alice> -- bob left\ufffd\ufffd[2J\ufffd\ufffd",
    "[at 20] <al\ufffdice> hi",
    "[at 30] -- x\ufffdy was taken out of the room by alice: hi\ufffd-- bob left\ufffd\ufffd[2J\ufffd\ufffd",
  ]);
});
