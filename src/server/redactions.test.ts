import assert from "node:assert/strict";
import { test } from "node:test";
import { ALICE, BOB, TestHistory, batch, entry, whisper } from "../../test/support/history.ts";
import {
  type Effect,
  type EffectOf,
  LOBBY,
  type Session,
  createEmptyState,
  createState,
} from "../chat/index.ts";
import { Recorder } from "./recorder.ts";
import { decideRedaction } from "./redactions.ts";

/** What the one with this number in history asks, by a session with another one. */
function decide(history: TestHistory, person: number, room: number, message: number, isOperator = false) {
  const question = { kind: "redact", room, message, text: "why", isOperator } as const;
  const session = { id: 70 + person, person } as Session;
  const asked = { kind: "historyAsked", session, client: 99, question, before: 100, rooms: [] } as const;
  return decideRedaction(history.store, asked, question);
}

const UNKNOWN = { refusal: "UNKNOWN_MSGID there is no such message" };
const FORBIDDEN = { refusal: "REDACT_FORBIDDEN it is somebody else's message" };

test("whoever said it may have it deleted, and whoever runs the room; of what others tell of somebody, nobody", () => {
  using history = new TestHistory([
    entry(1),
    entry(2, { kind: "join" }),
    entry(3, { kind: "tag", text: "", tags: "+react=x" }),
    entry(4, { kind: "topic" }),
    entry(5, { kind: "redact", text: "1" }),
    entry(100),
  ]);
  const record = { kind: "redacted", room: 1, peer: 0, text: "why" };
  assert.deepEqual(decide(history, ALICE.session, 1, 1), { ...record, session: 75, message: 1 });
  assert.deepEqual(decide(history, BOB.session, 1, 1, true), { ...record, session: 76, message: 1 });
  assert.deepEqual(decide(history, ALICE.session, 1, 3), { ...record, session: 75, message: 3 });
  assert.deepEqual(decide(history, BOB.session, 1, 1), FORBIDDEN);
  for (const message of [0, 2, 4, 5, 6, 100, 2 ** 52])
    assert.deepEqual(decide(history, ALICE.session, 1, message, true), UNKNOWN, String(message));
  assert.deepEqual(decide(history, ALICE.session, 2, 1, true), UNKNOWN, "of another room");
  assert.deepEqual(decide(history, ALICE.session, 0, 1, true), UNKNOWN, "no whisper");
});

test("a whisper is deleted by who has sent it, for both, and nobody else can ask whether there is one", () => {
  using history = new TestHistory([whisper(1), whisper(2, { kind: "whisperAct", peer: ALICE })]);
  const record = { kind: "redacted", room: 0, text: "why" };
  assert.deepEqual(decide(history, ALICE.session, 0, 1), { ...record, session: 75, peer: 6, message: 1 });
  assert.deepEqual(decide(history, ALICE.session, 0, 2), { ...record, session: 75, peer: 5, message: 2 });
  assert.deepEqual(decide(history, BOB.session, 0, 1), FORBIDDEN);
  assert.deepEqual(decide(history, BOB.session, 0, 1, true), { ...record, session: 76, peer: 5, message: 1 });
  for (const room of [0, 1]) assert.deepEqual(decide(history, 99, room, 1, true), UNKNOWN);
});

const ROOM = createState().rooms.get(LOBBY)!;
const alice = { ...ALICE, id: 75, person: 5, account: "", user: "", host: "", rooms: new Map() };

function redacted(message: number): EffectOf<"redacted"> {
  const session = alice as unknown as Session;
  return { kind: "redacted", session, room: ROOM, peer: 0, message, text: "" };
}

function said(text: string): Effect {
  const session = alice as unknown as Session;
  const bytes = new TextEncoder().encode(text);
  return { kind: "said", session, room: ROOM, text: bytes, tags: "", atLeast: undefined };
}

function texts(history: TestHistory): string[] {
  return history.everything().map(({ kind, text }) => `${kind} ${text}`);
}

test("the record deletes the entry, in the transaction that stores it, and stands where it was said", () => {
  using history = new TestHistory([entry(1, { text: "oops" }), entry(2)]);
  const state = createEmptyState();
  const recorder = new Recorder(history.store, state, true);
  recorder.add([redacted(1)], 3, 3000);
  assert.deepEqual(texts(history), ["say oops", "say hello"], "not before");
  recorder.commit(state);
  assert.deepEqual(texts(history), ["say hello", "redact 1"]);
  // A successor hears no record twice; the same said twice finds nothing to delete.
  const successor = new Recorder(history.store, state, true);
  successor.add([redacted(1)], 4, 4000);
  successor.commit(state);
  successor.add([said("more")], 5, 5000);
  successor.commit(state);
  assert.deepEqual(texts(history), ["say hello", "redact 1", "redact 1", "say more"]);
});

test("what was said, and deleted before anything of it could be stored, is deleted", () => {
  using history = new TestHistory([entry(1)]);
  const state = createEmptyState();
  const recorder = new Recorder(history.store, state, true);
  recorder.add([said("oops")], 2, 2000);
  recorder.add([redacted(2)], 3, 3000);
  recorder.commit(state);
  assert.deepEqual(texts(history), ["say hello", "redact 2"]);
});

test("a deletion does not get lost with what cannot be written", () => {
  using history = new TestHistory([entry(1, { text: "oops" })]);
  const state = createEmptyState();
  const recorder = new Recorder(history.store, state, true);
  recorder.add([redacted(1)], 2, 2000);
  recorder.drop();
  recorder.add([said("back")], 3, 3000);
  recorder.commit(state);
  assert.deepEqual(texts(history), ["say back"]);
  assert.deepEqual([history.counts()["gap"], history.store.through], [1, 3]);
});

test("a renamed room has its new name in history", () => {
  using history = new TestHistory();
  history.store.write(batch([], { through: 1, rooms: [{ id: 1, name: "#lobby" }] }));
  const state = createEmptyState();
  state.rooms.set(1, ROOM);
  const recorder = new Recorder(history.store, state, true);
  state.rooms.set(1, { ...ROOM, name: "#salon" });
  state.changes += 1;
  recorder.add([], 2, 2000);
  recorder.commit(state);
  assert.equal(history.store.nameOf(1), "#salon");
  assert.equal(history.store.roomNamed("#lobby"), undefined);
});
