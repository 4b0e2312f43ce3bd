import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  type Account,
  type ChatState,
  FIRST_ACCOUNT,
  type Room,
  type Session,
  SnapshotError,
  type StatePiece,
  accountPiece,
  apply,
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
    "alice chooses limit 9",
    "alice chooses slowSeconds 9",
    "alice chooses key secret",
    "alice sets +inviteOnly",
    "alice sets +halfOperator bob",
    "alice invites carol",
    "alice masks mute *!*@evil",
    "account Alice is operator",
    "account Bella is user",
    "alice proves Alice",
    "alicesPhone is seated as irc",
    "alicesPhone proves Alice",
    "alicesPhone registers alice",
    "bobsPhone is seated as irc",
    "bobsPhone proves Bella",
    "erin is seated as irc",
    "erin registers erin 小红 Erin of the Lobby",
    "erin flags +bot",
    "erin joins #den",
    "erin says hi",
    "alice marks #tea 7",
    "alice polices +filter darn",
    "alice polices +links accounts",
    "alice polices +silence *!*@evil",
    "persistence on",
    "the shield is up",
    "frank is seated",
    "frank proves Bella",
    "frank arrives",
    "frank says hi",
    "frank leaves",
  ])
    assert.notEqual(story.apply(line)[0]?.kind, "refused", line);
  return story.state;
}

function piecesOf(state: ChatState): StatePiece[] {
  return [
    rootPiece(state),
    ...Array.from(state.rooms.values(), roomPiece),
    ...Array.from(state.accounts.values(), accountPiece),
    ...Array.from(state.sessions.values(), sessionPiece),
  ];
}

/** When each has spoken last is in no piece. */
function fromPieces(state: ChatState): ChatState {
  return { ...withoutCount(state), spokeMs: new Map() };
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
    assert.deepEqual(withoutCount(restorePieces(piecesOf(state))), fromPieces(state));
    assert.deepEqual(withoutCount(restorePieces(piecesOf(state).toReversed())), fromPieces(state));
  }
});

test("pieces are named after what they hold, and none make a state without a lobby", () => {
  const keys = piecesOf(fullState()).map(({ key }) => key);
  assert.deepEqual(keys, [
    "root",
    ...[1, 2, 3].map((room) => `room/${room}`),
    ...[FIRST_ACCOUNT, FIRST_ACCOUNT + 1].map((person) => `account/${person}`),
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((session) => `session/${session}`),
  ]);
  assert.deepEqual(restorePieces([]), createEmptyState());
});

test("the largest numbers come back as they were", () => {
  const story = new Story("alice");
  story.sequence = 2 ** 53 - 3;
  story.state.nextRoom = ROOM_ID_MAX;
  story.state.nextGuest = 2 ** 53 - 2;
  story.applyRecord(
    { kind: "seat", session: FIRST_ACCOUNT - 2, process: 0xffff, protocol: "plain", host: "" },
    0,
  );
  const { state, sequence } = story;
  apply(state, { kind: "join", session: 1, room: "#last", replay: 0 }, 11, sequence, 2 ** 53 - 1);
  apply(
    state,
    { kind: "say", session: 1, room: "#last", text: Uint8Array.of(104) },
    11,
    sequence,
    2 ** 53 - 1,
  );
  const account = { kind: "account", person: 2 ** 53 - 1, name: "Bob", role: "operator" } as const;
  apply(state, account, 0, sequence, 2 ** 53 - 1);
  assert.equal(state.accounts.size, 1);
  assert.equal(state.nextRoom, ROOM_ID_MAX + 1);
  assert.deepEqual(withoutCount(restoreSnapshot(takeSnapshot(state))), withoutCount(state));
  assert.deepEqual(withoutCount(restorePieces(piecesOf(state))), fromPieces(state));
});

test("equal states give equal bytes, in whatever order the accounts were made", () => {
  const state = (lines: readonly string[]): Uint8Array => {
    const story = new Story();
    story.account("Alice");
    for (const line of ["process 5 keeps history", ...lines]) story.apply(line);
    return takeSnapshot(story.state);
  };
  const [one, other] = ["account Alice is user", "account Bob is operator"] as const;
  assert.deepEqual(state([one, other]), state([other, one]));
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
  const pieceOf = (key: string): StatePiece => pieces.find((each) => each.key === key)!;
  const [root, lobby, tea, alice, account, client] = [
    "root",
    "room/1",
    "room/2",
    "session/1",
    `account/${FIRST_ACCOUNT}`,
    "session/5",
  ].map(pieceOf) as [StatePiece, StatePiece, StatePiece, StatePiece, StatePiece, StatePiece];
  const withRoom = (what: Partial<Room>): StatePiece[] =>
    pieces.map((each) => (each === tea ? roomPiece({ ...state.rooms.get(2)!, ...what }) : each));
  const withSession = (what: Partial<Session>): StatePiece[] =>
    pieces.map((each) => (each === alice ? sessionPiece({ ...state.sessions.get(1)!, ...what }) : each));
  const withClient = (what: Partial<Session>): StatePiece[] =>
    pieces.map((each) => (each === client ? sessionPiece({ ...state.sessions.get(5)!, ...what }) : each));
  const withoutClients = (what: Partial<Session>): StatePiece[] => [
    ...pieces.filter(({ key }) => key !== "session/3"),
    sessionPiece({ ...state.sessions.get(3)!, ...what }),
  ];
  const withAccount = (what: Partial<Account>): StatePiece[] =>
    pieces.map((each) =>
      each === account ? accountPiece({ ...state.accounts.get(FIRST_ACCOUNT)!, ...what }) : each,
    );
  const mayStay = state.sessions.get(8)!;
  for (const [wrong, reason] of [
    [pieces.filter((each) => each !== root), /never made/],
    [pieces.filter((each) => each !== lobby), /no lobby/],
    [pieces.filter((each) => each !== tea), /room that is not there/],
    [[...pieces, tea], /room 2 is there twice/],
    [[...pieces, alice], /session 1 is there twice/],
    [[...pieces, { ...tea, key: "rom/2" }], /rom\/2/],
    [withRoom({ id: 0 }), /room 0 was never made/],
    [withRoom({ id: 4 }), /room 4 was never made/],
    [withRoom({ name: "#lobby" }), /another room is called #lobby/],
    [withSession({ id: 0 }), /session 0 was never seated/],
    [withSession({ id: 99 }), /session 99 was never seated/],
    [withoutClients({ process: 0 }), /session 3 has no client/],
    [withoutClients({ process: 0, account: "Alice", person: FIRST_ACCOUNT }), /Alice is here twice/],
    [withSession({ nick: "BOB" }), /somebody else is called/],
    [withSession({ nick: "", displayName: "", rooms: new Map(), focus: 0 }), /client of nobody/],
    [withClient({ principal: 6 }), /client of nobody/],
    [withClient({ principal: 77 }), /client of nobody/],
    [withClient({ process: 0 }), /session 5 is two/],
    [withClient({ nick: "other", displayName: "other" }), /session 5 is two/],
    [withClient({ rooms: state.sessions.get(1)!.rooms }), /session 5 is in a room, and has not arrived/],
    [withClient({ person: 5, account: "" }), /session 5 is somebody else/],
    [withClient({ account: "Bella" }), /session 5 is logged in to no account/],
    [pieces.filter((each) => each !== account), /session 1 is logged in to no account/],
    [[...pieces, account], /account \d+ is there twice/],
    [withAccount({ person: FIRST_ACCOUNT - 1 }), /is no account/],
    [withAccount({ name: "BELLA" }), /another account is called Bella/],
    [
      [...pieces, accountPiece({ ...state.accounts.get(FIRST_ACCOUNT)!, person: 2 ** 53 - 1, name: "ERIN" })],
      /somebody else is called erin/,
    ],
    [
      [...pieces, sessionPiece({ ...mayStay, id: 7, since: 999, nick: "x", displayName: "x" })],
      /session 7 is there twice/,
    ],
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
    const unspoken = { ...state, spokeMs: new Map() };
    assert.deepEqual(takeSnapshot(restorePieces(piecesOf(state))), takeSnapshot(unspoken));
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
