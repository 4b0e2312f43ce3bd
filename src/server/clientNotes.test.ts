import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { KiB, TruncatedError } from "../base/index.ts";
import type { HistoryQuestion } from "../chat/index.ts";
import { VAULT_TEXT_BYTES_MAX } from "../accounts/index.ts";
import { LINE_BYTES_MAX } from "../protocol/plain/index.ts";
import { NOTES_BYTES } from "./clientArea.ts";
import { type ClientNotes, decodeNotes, encodeNotes } from "./clientNotes.ts";
import { HOLD_BYTES_MAX } from "./clientOutput.ts";
import { HeldOutput } from "./heldOutput.ts";

/** Three texts, and what is around them. */
const VAULT_BYTES = 3 * VAULT_TEXT_BYTES_MAX + 50;
/** What its protocol may note, of texts that are not whole and answers that are gathered. */
const CONVERSATION_BYTES = 32 * KiB;
/** Of one client: so many may be open, but for those of rooms that it enters. */
const QUESTIONS_MAX = 4;

const place = fc.maxSafeNat();
const room = fc.nat(0xffff_ffff);
const limit = fc.nat(0xffff);
const pastPlace = fc.option(fc.record({ by: fc.constantFrom("sequence", "time"), value: place }), {
  nil: undefined,
});
const question: fc.Arbitrary<HistoryQuestion> = fc.oneof(
  fc.record({ kind: fc.constantFrom("replay", "recall"), room, limit }),
  fc.record({ kind: fc.constant("search"), text: fc.string({ unit: "grapheme", maxLength: 40 }) }),
  fc.record({ kind: fc.constant("range"), from: place }),
  fc.record({
    kind: fc.constant("page"),
    of: fc.oneof(
      fc.record({ room: room.filter((id) => id > 0) }),
      fc.record({ room: fc.constant(0 as const), person: place, nick: fc.string({ maxLength: 24 }) }),
    ),
    page: fc.record({
      after: pastPlace,
      before: pastPlace,
      take: fc.constantFrom("oldest", "newest", "around"),
      limit,
      events: fc.boolean(),
    }),
  }),
  fc.record({ kind: fc.constant("targets"), afterMs: place, beforeMs: place, limit }),
  fc.record({
    kind: fc.constant("redact"),
    room,
    message: place,
    text: fc.string({ unit: "grapheme", maxLength: 40 }),
    isOperator: fc.boolean(),
  }),
);
const item = fc.oneof(fc.record({ question: place }), fc.uint8Array({ maxLength: 100 }));
const notes: fc.Arbitrary<ClientNotes> = fc.record({
  left: fc.boolean(),
  isFresh: fc.boolean(),
  lag: fc.option(fc.record({ cursor: place, isTold: fc.boolean() }), { nil: undefined }),
  questions: fc.array(fc.record({ question, before: place }), { maxLength: 64 }),
  held: fc.array(item, { maxLength: 20 }),
  vault: fc.uint8Array({ maxLength: 100 }),
  conversation: fc.uint8Array({ maxLength: 100 }),
});
const NOTHING: ClientNotes = {
  left: false,
  isFresh: false,
  lag: undefined,
  questions: [],
  held: [],
  vault: new Uint8Array(0),
  conversation: new Uint8Array(0),
};

/** What fast-check makes has no prototype. */
function plain({ left, isFresh, lag, questions, held, vault, conversation }: ClientNotes): ClientNotes {
  return {
    vault,
    conversation,
    left,
    isFresh,
    lag: lag === undefined ? undefined : { ...lag },
    questions: questions.map(({ question, before }) => ({ question: structuredClone(question), before })),
    held: held.map((each) => ("question" in each ? { ...each } : each)),
  };
}

test("what was noted is read as it was written", () => {
  fc.assert(
    fc.property(notes, (notes) => {
      const bytes = encodeNotes(notes);
      const read = decodeNotes(bytes)!;
      assert.deepEqual(read, plain(notes));
      // The area may be written again while what was held is still held.
      bytes.fill(0xee);
      assert.deepEqual(read, plain(notes));
    }),
  );
});

test("nothing noted is nothing, notes of nothing are something", () => {
  assert.equal(decodeNotes(new Uint8Array(0)), undefined);
  assert.deepEqual(decodeNotes(encodeNotes(NOTHING)), NOTHING);
});

test("notes that are cut short, or name a question that nobody knows, are an error", () => {
  fc.assert(
    fc.property(notes, fc.nat(), (notes, cut) => {
      const bytes = encodeNotes(notes);
      const length = 1 + (cut % (bytes.length - 1));
      if (length < bytes.length) assert.throws(() => decodeNotes(bytes.subarray(0, length)), TruncatedError);
    }),
  );
  const one = { question: { kind: "range", from: 1 }, before: 2 } as const;
  const bytes = encodeNotes({ ...NOTHING, questions: [one] });
  // Behind the flags, the cursor and the number of questions.
  bytes[1 + 8 + 1] = 99;
  assert.throws(() => decodeNotes(bytes), RangeError);
});

test("of many questions the latest are noted", () => {
  const questions = Array.from({ length: 300 }, (_, i) => ({
    question: { kind: "replay", room: i, limit: 20 } as const,
    before: i,
  }));
  const read = decodeNotes(encodeNotes({ ...NOTHING, questions }))!;
  assert.deepEqual(read.questions, questions.slice(-64));
});

test("the most that may wait for a client has room in its area, in however small pieces", () => {
  const questions = Array.from({ length: 64 }, (_, i) => ({
    question:
      i < QUESTIONS_MAX
        ? ({
            kind: "redact",
            room: i,
            message: i,
            text: "x".repeat(LINE_BYTES_MAX),
            isOperator: true,
          } as const)
        : ({ kind: "replay", room: i, limit: 20 } as const),
    before: i,
  }));
  for (const size of [0, 1, 5, 30, 1000, 0xffff]) {
    const held = new HeldOutput();
    while (held.bytes <= HOLD_BYTES_MAX) {
      if (size < 30) held.reserve(1);
      held.push(new Uint8Array(size));
    }
    const bytes = encodeNotes({
      left: true,
      isFresh: true,
      lag: { cursor: 1, isTold: true },
      questions,
      held: held.items.slice(0, -1),
      vault: new Uint8Array(VAULT_BYTES),
      conversation: new Uint8Array(CONVERSATION_BYTES),
    });
    assert.ok(bytes.length <= NOTES_BYTES, `${bytes.length} bytes, in pieces of ${size}`);
    held.takeAll();
    assert.equal(held.bytes, 0);
  }
});
