import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, BOB, TestHistory, entry, whisper } from "../../test/support/history.ts";
import type { HistoryQuery } from "./ports.ts";
import { answerQuery } from "./queries.ts";

function ask(history: TestHistory, question: HistoryQuery["question"], other: Partial<HistoryQuery> = {}) {
  const query = { session: ALICE.session, question, before: 100, rooms: [1, 2], ...other };
  const { entries, ...rest } = answerQuery(history.reader, query, 0);
  return { sequences: entries.map(({ sequence }) => sequence), ...rest };
}

test("a page and targets are answered from before the question, for whoever asks over time", () => {
  using history = new TestHistory([
    entry(1),
    whisper(2),
    entry(3, { kind: "join" }),
    entry(4, { rooms: [3] }),
    entry(5),
    entry(101),
  ]);
  const page = { after: undefined, before: undefined, take: "newest", limit: 1, events: false } as const;
  const whole = { through: 99, gaps: [], refusal: undefined };
  assert.deepEqual(ask(history, { kind: "page", of: { room: 1 }, page }), {
    ...whole,
    sequences: [5],
    more: true,
  });
  const all = { ...page, limit: 10, events: true };
  assert.deepEqual(ask(history, { kind: "page", of: { room: 1 }, page: all }).sequences, [1, 3, 5]);
  assert.deepEqual(
    ask(history, { kind: "page", of: { room: 3 }, page: all }).sequences,
    [],
    "may not be read",
  );
  const of = { room: 0, person: ALICE.session, nick: "alice" } as const;
  const asBob = { session: BOB.session, rooms: [] };
  assert.deepEqual(ask(history, { kind: "page", of, page: all }, asBob).sequences, [2]);
  const targets = { kind: "targets", afterMs: 0, beforeMs: 1e9, limit: 10 } as const;
  assert.deepEqual(ask(history, targets), { ...whole, sequences: [2, 5], more: false });
  assert.deepEqual(ask(history, { ...targets, limit: 1 }), { ...whole, sequences: [2], more: true });
  assert.deepEqual(ask(history, targets, asBob).sequences, [2]);
});
