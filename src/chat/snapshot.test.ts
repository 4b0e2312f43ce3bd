import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type ChatState,
  type Room,
  type Session,
  SnapshotError,
  type StatePiece,
  createState,
  restorePieces,
  restoreSnapshot,
  roomPiece,
  rootPiece,
  sessionPiece,
  takeSnapshot,
} from "./index.ts";
import { ROOM_ID_MAX, createEmptyState } from "./state.ts";
import { Story } from "../../test/support/story.ts";

/** With a value in every field. */
function fullState(): ChatState {
  const story = new Story("alice", "bob", "carol");
  for (const line of [
    "process 5 keeps history",
    "the store fails",
    "all know format 2",
    "bob nick bob 小明",
    "alice joins #tea",
    "bob joins #tea",
    "alice sets +moderated",
    "alice sets -topicLocked",
    "alice sets +secret",
    "alice sets +voice bob",
    "alice topic leaves",
    "alice bans nobody",
    "alice mutes carol",
    "carol away lunch",
    "dave is seated",
  ])
    story.apply(line);
  return story.state;
}

function piecesOf(state: ChatState): StatePiece[] {
  const rooms = Array.from(state.rooms.values(), roomPiece);
  return [rootPiece(state), ...rooms, ...Array.from(state.sessions.values(), sessionPiece)];
}

function withoutCount(state: ChatState): ChatState {
  return { ...state, changes: 0 };
}

/** The state, or undefined for what is refused as it should be. */
function restored(restore: () => ChatState): ChatState | undefined {
  try {
    return restore();
  } catch (error) {
    assert.ok(error instanceof SnapshotError, `${String(error)} is not for who restores`);
    return undefined;
  }
}

test("a state comes back whole, from a snapshot and from its pieces in any order", () => {
  for (const state of [createState(), fullState()]) {
    const expected = withoutCount(state);
    assert.deepEqual(withoutCount(restoreSnapshot(takeSnapshot(state))), expected);
    assert.deepEqual(withoutCount(restorePieces(piecesOf(state))), expected);
    assert.deepEqual(withoutCount(restorePieces(piecesOf(state).toReversed())), expected);
  }
});

test("pieces are named after what they hold, and none make a state without a lobby", () => {
  const keys = piecesOf(fullState()).map(({ key }) => key);
  assert.deepEqual(keys, ["root", "room/1", "room/2", "session/1", "session/2", "session/3", "session/4"]);
  assert.deepEqual(restorePieces([]), createEmptyState());
});

test("the largest numbers come back as they were", () => {
  const story = new Story("alice");
  story.sequence = 2 ** 53 - 3;
  story.state.nextRoom = ROOM_ID_MAX;
  story.state.nextGuest = 2 ** 53 - 2;
  story.applyRecord({ kind: "seat", session: 2 ** 53 - 2, process: 0xffff, protocol: "plain" }, 0);
  story.applyRecord({ kind: "join", session: 1, room: "#last", replay: 0 }, 11);
  const { state } = story;
  assert.equal(state.nextRoom, ROOM_ID_MAX + 1);
  assert.deepEqual(withoutCount(restoreSnapshot(takeSnapshot(state))), withoutCount(state));
  assert.deepEqual(withoutCount(restorePieces(piecesOf(state))), withoutCount(state));
});

test("another version is refused with both versions", () => {
  const isAboutVersion = (error: unknown): boolean =>
    error instanceof SnapshotError && /version 200.*knows \d/.test(error.message);
  const bytes = takeSnapshot(fullState());
  bytes[0] = 200;
  assert.throws(() => restoreSnapshot(bytes), isAboutVersion);
  for (const piece of piecesOf(fullState())) {
    piece.bytes[0] = 200;
    assert.throws(() => restorePieces([piece]), isAboutVersion);
  }
});

test("what is cut short or has too much is refused", () => {
  const bytes = takeSnapshot(fullState());
  for (let length = 0; length < bytes.length; length += 1)
    assert.throws(() => restoreSnapshot(bytes.subarray(0, length)), SnapshotError);
  assert.throws(() => restoreSnapshot(Uint8Array.of(...bytes, 0)), SnapshotError);
  const pieces = piecesOf(fullState());
  for (const [at, { key, bytes: whole }] of pieces.entries()) {
    const restoreWith = (changed: Uint8Array): ChatState =>
      restorePieces(pieces.with(at, { key, bytes: changed }));
    for (let length = 0; length < whole.length; length += 1)
      assert.throws(() => restoreWith(whole.subarray(0, length)), SnapshotError);
    assert.throws(() => restoreWith(Uint8Array.of(...whole, 0)), SnapshotError);
  }
});

test("pieces that make no whole are refused", () => {
  const state = fullState();
  const pieces = piecesOf(state);
  const [root, lobby, tea, alice] = pieces as [StatePiece, StatePiece, StatePiece, StatePiece];
  const withRoom = (what: Partial<Room>): StatePiece[] =>
    pieces.map((each) => (each === tea ? roomPiece({ ...state.rooms.get(2)!, ...what }) : each));
  const withSession = (what: Partial<Session>): StatePiece[] =>
    pieces.map((each) => (each === alice ? sessionPiece({ ...state.sessions.get(1)!, ...what }) : each));
  for (const [wrong, reason] of [
    [pieces.filter((each) => each !== root), /never made/],
    [pieces.filter((each) => each !== lobby), /no lobby/],
    [pieces.filter((each) => each !== tea), /room that is not there/],
    [[...pieces, tea], /room 2 is there twice/],
    [[...pieces, alice], /session 1 is there twice/],
    [[...pieces, { ...tea, key: "rom/2" }], /rom\/2/],
    [withRoom({ id: 0 }), /room 0 was never made/],
    [withRoom({ id: 3 }), /room 3 was never made/],
    [withRoom({ name: "#lobby" }), /another room is called #lobby/],
    [withSession({ id: 0 }), /session 0 was never seated/],
    [withSession({ id: 99 }), /session 99 was never seated/],
    [withSession({ process: 0 }), /session 1 was never seated/],
    [withSession({ nick: "BOB" }), /somebody else is called/],
    [withSession({ displayName: "小明" }), /somebody else is called/],
    [withSession({ rooms: new Map() }), /session 1 speaks in a room that it is not in/],
  ] as const)
    assert.throws(
      () => restorePieces(wrong),
      (error) => error instanceof SnapshotError && reason.test(error.message),
    );
});

test("of damaged bytes comes an error of their own kind, or a state that can be stored again", () => {
  const bytes = takeSnapshot(fullState());
  const pieces = piecesOf(fullState());
  const check = (restore: () => ChatState): void => {
    const state = restored(restore);
    if (state === undefined) return;
    const again = restoreSnapshot(takeSnapshot(state));
    assert.deepEqual(takeSnapshot(again), takeSnapshot(state));
    assert.deepEqual(takeSnapshot(restorePieces(piecesOf(state))), takeSnapshot(state));
  };
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    for (const damage of [0x01, 0x20, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[at]! ^= damage;
      check(() => restoreSnapshot(damaged));
      if (restored(() => restoreSnapshot(damaged)) === undefined) refused += 1;
    }
  }
  assert.ok(refused > bytes.length, `only ${refused} were noticed`);
  const place = fc.record({ at: fc.nat(bytes.length - 1), byte: fc.nat(0xff) });
  fc.assert(
    fc.property(fc.array(place, { minLength: 1, maxLength: 6 }), fc.nat(20), (damages, which) => {
      const damaged = bytes.slice();
      for (const { at, byte } of damages) damaged[at] = byte;
      check(() => restoreSnapshot(damaged));
      const piece = pieces[which % pieces.length]!;
      const part = piece.bytes.slice();
      for (const { at, byte } of damages) part[at % part.length] = byte;
      check(() => restorePieces(pieces.map((each) => (each === piece ? { ...each, bytes: part } : each))));
    }),
    { numRuns: 2000 },
  );
});

test("bytes that nobody wrote are refused", () => {
  const version = takeSnapshot(createState())[0]!;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      restored(() => restoreSnapshot(noise));
      restored(() => restoreSnapshot(Uint8Array.of(version, ...noise)));
      for (const key of ["root", "room/1", "session/1", "other"])
        restored(() => restorePieces([{ key, bytes: Uint8Array.of(version, ...noise) }]));
    }),
    { numRuns: 500 },
  );
});
