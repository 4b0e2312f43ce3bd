import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TruncatedError } from "../base/index.ts";
import {
  type ChatRecord,
  type ChatState,
  SnapshotError,
  apply,
  createState,
  foldName,
  restoreSnapshot,
  takeSnapshot,
} from "./index.ts";

/** Few of each, so that records meet. */
const session = fc.integer({ min: 0, max: 6 });
const process = fc.integer({ min: 0, max: 4 });
const text = fc.uint8Array({ maxLength: 8 });
const name = fc.oneof(
  fc.constantFrom(
    "a",
    "A",
    "[",
    "{",
    "guest1",
    "guest2",
    "user",
    "user2",
    "小明",
    "ж",
    "",
    "a b",
    "x".repeat(24),
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  // With lone surrogates, too.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 3 })
    .map((codes) => String.fromCharCode(...codes)),
);

const record: fc.Arbitrary<ChatRecord> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("seat"), session, process, protocol: fc.constant("plain") }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("nick"),
      session,
      nick: name,
      displayName: name,
      derived: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant("processDied"), process }),
  fc.record({ kind: fc.constantFrom("say", "act"), session, text }),
  fc.record({ kind: fc.constant("who"), session }),
  fc.record({ kind: fc.constant("leave"), session, reason: fc.constantFrom("quit", "too slow"), text }),
  fc.record({ kind: fc.constant("stop") }),
) as fc.Arbitrary<ChatRecord>;

/** Most records come from where they may come. */
const entry = fc.record({ record, stranger: fc.option(process, { freq: 6 }) });

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

function applyEntry(state: ChatState, { record: wish, stranger }: Entry, sequence: number) {
  const own =
    "session" in wish && wish.kind !== "seat" ? (state.sessions.get(wish.session)?.process ?? 0) : 0;
  return apply(state, wish, stranger ?? own, sequence, 0);
}

function assertNamesAreUnique(state: ChatState): void {
  const owners = new Map<string, number>();
  for (const { id, nick, displayName } of state.sessions.values()) {
    for (const each of [nick, displayName]) {
      assert.equal(owners.get(foldName(each)) ?? id, id, `two sessions are called ${each}`);
      owners.set(foldName(each), id);
    }
  }
  assert.deepEqual(Object.fromEntries(state.names), Object.fromEntries(owners));
}

test("a replica that starts from a snapshot anywhere goes on as all the others do", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), fc.nat(60), (entries, cut) => {
      const state = createState();
      let restored: ChatState | undefined;
      for (const [index, each] of entries.entries()) {
        if (index === cut) restored = restoreSnapshot(takeSnapshot(state));
        const theirs = restored === undefined ? undefined : applyEntry(restored, each, index);
        const ours = applyEntry(state, each, index);
        if (theirs !== undefined) assert.deepEqual(theirs, ours);
        assertNamesAreUnique(state);
      }
      if (restored !== undefined) assert.deepEqual(takeSnapshot(restored), takeSnapshot(state));
      assert.deepEqual(restoreSnapshot(takeSnapshot(state)), state);
    }),
    { numRuns: 500 },
  );
});

test("a snapshot of another version is refused with both versions", () => {
  const bytes = takeSnapshot(createState());
  bytes[0] = 200;
  assert.throws(
    () => restoreSnapshot(bytes),
    (error) => error instanceof SnapshotError && /200/.test(error.message),
  );
});

test("a snapshot that is cut short or has too much is refused", () => {
  const state = createState();
  apply(state, { kind: "seat", session: 2 ** 53 - 1, process: 0xffff, protocol: "plain" }, 0, 1, 0);
  const bytes = takeSnapshot(state);
  assert.deepEqual(restoreSnapshot(bytes), state);
  for (let length = 0; length < bytes.length; length += 1)
    assert.throws(() => restoreSnapshot(bytes.subarray(0, length)), TruncatedError);
  assert.throws(() => restoreSnapshot(Uint8Array.of(...bytes, 0)), SnapshotError);
});
