/*
 * What always holds, whatever records come: every replica is the same as every other, however it began.
 *
 * Few sessions, processes, rooms and names, so that records meet. Most come from where they may come; a part of them is
 * against every rule.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import {
  type ChatRecord,
  type ChatState,
  type Effect,
  FIRST_ACCOUNT,
  POLICY_CHANGES,
  PROTOCOLS,
  RANKS,
  RESTRICTION_KINDS,
  ROLES,
  ROOM_FLAGS,
  ROOM_SETTINGS,
  SPEECHES,
  type StatePiece,
  USER_FLAGS,
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
import { NameIndex } from "./nameIndex.ts";
import { namesOf } from "./state.ts";
import { assertConsistent } from "../../test/support/story.ts";

/** No session or room has this number. */
const NOBODY = 0;
/** In Cyrillic, of names that the records have. */
const LOOK_ALIKES = ["а", "А", "#tеа", "#lоbbу"];

const session = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: 1, max: 6 }) },
  fc.constantFrom(0, 99, FIRST_ACCOUNT - 2, FIRST_ACCOUNT - 1, 2 ** 53 - 1),
);
const person = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: FIRST_ACCOUNT, max: FIRST_ACCOUNT + 2 }) },
  fc.constantFrom(0, 1, FIRST_ACCOUNT - 1, 2 ** 53 - 1),
);
const process = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 1, max: 3 }) },
  fc.constantFrom(0, 0xffff),
);
const uint16 = fc.oneof(fc.constantFrom(0, 1, 20), fc.nat(0xffff));
const place = fc.oneof(fc.nat(100), fc.maxSafeNat());
const text = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 8 }) },
  fc.constantFrom(200, 201, 400, 401).map((length) => new Uint8Array(length).fill(0xff)),
);
/** With lone surrogates, too. */
const noise = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 3 })
  .map((codes) => String.fromCharCode(...codes));
/** What comes out of a record's bytes always is well-formed. */
const words = fc.oneof(
  fc.constantFrom("", "darn", "小明", "see http://a.example"),
  noise.map((each) => each.toWellFormed()),
);
const nick = fc.constantFrom(
  "a",
  "A",
  "b",
  "[",
  "{",
  "user",
  "user2",
  "guest1",
  "guest2",
  "guest3",
  "guest4",
);
const name = fc.oneof(
  { weight: 20, arbitrary: nick },
  { weight: 3, arbitrary: fc.constantFrom("小明", "ж", "Ж", "а", "x".repeat(24), "", "a b", "1a") },
  fc.string({ unit: "binary", maxLength: 40 }),
  noise,
);
const displayName = fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, name);
const room = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("", "", "#lobby", "#tea", "#TEA", "#den") },
  fc.constantFrom("tea", "#", "#a,b", `#${"x".repeat(60)}`, "#чай", "#tеа"),
  noise.map((rest) => `#${rest}`),
);
const flag = fc.boolean();
const target = fc.oneof({ weight: 3, arbitrary: room }, { weight: 2, arbitrary: name });
const mask = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.constantFrom("a", "A", "*!*@one", "*!*@*", "guest*!*@*", "?!*@two", "a b", "x".repeat(200)),
  },
  words,
);
const modes = [...ROOM_FLAGS, "inviteOnly", "inviteOnly", ...RANKS] as const;
const maybePlace = fc.option(fc.record({ by: fc.constantFrom("sequence", "time"), value: place }), {
  nil: undefined,
});
const page = fc.record({
  after: maybePlace,
  before: maybePlace,
  take: fc.constantFrom("oldest", "newest", "around"),
  limit: uint16,
  events: flag,
});
const names = { nick: name, displayName, derived: flag };

/** Where nothing else is asked to be shown, it is the nick. */
function withDisplayName<T extends { nick: string; displayName: string | undefined }>(wish: T): T {
  return { ...wish, displayName: wish.displayName ?? wish.nick };
}

const arbitraries: readonly (readonly [weight: number, fc.Arbitrary<unknown>])[] = [
  [
    12,
    fc.record({
      kind: fc.constant("seat"),
      session,
      process,
      protocol: fc.constantFrom(...PROTOCOLS),
      host: fc.constantFrom("one", "two"),
    }),
  ],
  [2, fc.record({ kind: fc.constant("reseat"), session, process })],
  [10, fc.record({ kind: fc.constant("arrive"), session, replay: uint16 })],
  [
    10,
    fc
      .record({ kind: fc.constant("register"), session, ...names, user: words, realName: words })
      .map(withDisplayName),
  ],
  [0.5, fc.record({ kind: fc.constant("turn"), session, protocol: fc.constantFrom(...PROTOCOLS) })],
  [
    20,
    fc.record({
      kind: fc.constant("join"),
      session,
      room,
      replay: uint16,
      key: fc.constantFrom(undefined, "", "key"),
    }),
  ],
  [6, fc.record({ kind: fc.constant("part"), session, room, text })],
  [8, fc.record({ kind: fc.constantFrom("say", "act", "notice"), session, room, text })],
  [2, fc.record({ kind: fc.constant("whisper"), session, to: name, text })],
  [
    6,
    fc.record({
      kind: fc.constant("speak"),
      session,
      speech: fc.constantFrom(...SPEECHES),
      to: target,
      atLeast: fc.constantFrom(undefined, ...RANKS),
      tags: fc.constantFrom("", "+react=x"),
      text,
    }),
  ],
  [8, fc.record({ kind: fc.constant("nick"), session, ...names }).map(withDisplayName)],
  [4, fc.record({ kind: fc.constant("topic"), session, room, text })],
  [6, fc.record({ kind: fc.constant("kick"), session, room, target: name, text })],
  [8, fc.record({ kind: fc.constantFrom("ban", "mute"), session, room, target: name, on: flag })],
  [
    16,
    fc.record({
      kind: fc.constant("mode"),
      session,
      room,
      mode: fc.constantFrom(...modes),
      on: flag,
      target: name,
    }),
  ],
  [
    4,
    fc.record({
      kind: fc.constant("mask"),
      session,
      room,
      list: fc.constantFrom(...RESTRICTION_KINDS),
      mask,
      on: flag,
    }),
  ],
  [
    4,
    fc.record({
      kind: fc.constant("set"),
      session,
      room,
      setting: fc.constantFrom(...ROOM_SETTINGS),
      value: fc.oneof(fc.constantFrom("", "0", "1", "2", "60", "65536", "key", "a b"), words),
    }),
  ],
  [
    3,
    fc.record({
      kind: fc.constant("renameRoom"),
      session,
      room,
      to: fc.oneof(fc.constantFrom("#cup", "#pot"), room),
      text,
    }),
  ],
  [3, fc.record({ kind: fc.constant("invite"), session, room, target: name })],
  [
    6,
    fc.record({
      kind: fc.constant("knock"),
      session,
      room: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("#tea", "#den") }, room),
      text,
    }),
  ],
  [2, fc.record({ kind: fc.constant("describe"), session, realName: words, displayName: name })],
  [2, fc.record({ kind: fc.constant("flag"), session, flag: fc.constantFrom(...USER_FLAGS), on: flag })],
  [2, fc.record({ kind: fc.constant("mark"), session, target, timeMs: place })],
  [
    4,
    fc.record({
      kind: fc.constant("police"),
      session,
      what: fc.constantFrom(...POLICY_CHANGES),
      on: flag,
      value: fc.oneof(mask, fc.constantFrom("everybody", "accounts", "nobody")),
    }),
  ],
  [4, fc.record({ kind: fc.constant("kill"), session, target: name, text })],
  [1, fc.record({ kind: fc.constant("announce"), session, text })],
  [1, fc.record({ kind: fc.constant("page"), session, target, page, before: place })],
  [
    1,
    fc.record({
      kind: fc.constant("targets"),
      session,
      afterMs: place,
      beforeMs: place,
      limit: uint16,
      before: place,
    }),
  ],
  [1, fc.record({ kind: fc.constant("redact"), session, target, message: place, text, before: place })],
  [
    6,
    fc.record({
      kind: fc.constant("account"),
      person,
      name: fc.oneof({ weight: 5, arbitrary: nick }, name),
      role: fc.oneof({ weight: 8, arbitrary: fc.constantFrom("operator", ...ROLES) }, fc.constant(undefined)),
    }),
  ],
  [14, fc.record({ kind: fc.constant("login"), session, person })],
  [4, fc.record({ kind: fc.constant("oper"), session, person })],
  [
    1,
    fc.record({
      kind: fc.constant("redacted"),
      session,
      room: fc.nat(4),
      peer: fc.nat(4),
      message: place,
      text: words,
    }),
  ],
  [1, fc.record({ kind: fc.constant("found"), room })],
  [1.5, fc.record({ kind: fc.constant("settings"), persistence: flag })],
  [0.5, fc.record({ kind: fc.constant("shield"), on: flag })],
  [2, fc.record({ kind: fc.constant("away"), session, text })],
  [
    2,
    fc.record({
      kind: fc.constant("ask"),
      session,
      question: fc.constantFrom("who", "rooms", "topic", "bans", "mutes"),
      room,
    }),
  ],
  [2, fc.record({ kind: fc.constant("recall"), session, room, limit: uint16, before: place })],
  [1, fc.record({ kind: fc.constant("search"), session, text, before: place })],
  [1, fc.record({ kind: fc.constant("catchUp"), session, from: place, before: place })],
  [4, fc.record({ kind: fc.constant("leave"), session, reason: fc.constantFrom("quit", "too slow"), text })],
  [0.4, fc.record({ kind: fc.constant("processDied"), process })],
  [0.5, fc.record({ kind: fc.constant("history"), process })],
  [1, fc.record({ kind: fc.constant("format"), format: uint16 })],
  [1, fc.record({ kind: fc.constant("store"), failed: flag, from: place, to: place, text: name })],
  [0.1, fc.record({ kind: fc.constant("stop") })],
];

const record = fc.oneof(
  ...arbitraries.map(([weight, arbitrary]) => ({ weight: weight * 10, arbitrary })),
) as fc.Arbitrary<ChatRecord>;

const entry = fc.record({
  record,
  stranger: fc.oneof({ weight: 12, arbitrary: fc.constant(undefined) }, process),
});

type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never;

/** Somebody with whom a story begins. */
const somebody = fc.record({
  process: fc.integer({ min: 1, max: 3 }),
  protocol: fc.constantFrom(...PROTOCOLS),
  nick,
  /** None of these: a guest. */
  account: fc.integer({ min: 0, max: 5 }),
  rooms: fc.subarray(["#lobby", "#tea", "#den"], { minLength: 1 }),
});

/** So that there is something to happen: accounts, and people who are here, some of them with several clients. */
const beginning = fc.array(somebody, { minLength: 4, maxLength: 6 }).map((people): Entry[] => {
  const accounts = ["a", "b", "user"].map((name, index): ChatRecord => ({
    kind: "account",
    person: FIRST_ACCOUNT + index,
    name,
    role: index === 0 ? "operator" : "user",
  }));
  const records = people.flatMap(({ process, protocol, nick, account, rooms }, index): ChatRecord[] => {
    const session = index + 1;
    const login: ChatRecord = { kind: "login", session, person: FIRST_ACCOUNT + account };
    return [
      { kind: "seat", session, process, protocol, host: "one" },
      ...(account < accounts.length ? [login] : []),
      protocol === "plain"
        ? { kind: "arrive", session, replay: 0 }
        : { kind: "register", session, nick, displayName: nick, derived: true, user: "u", realName: "" },
      ...rooms.map((room): ChatRecord => ({ kind: "join", session, room, replay: 0 })),
    ];
  });
  const history: ChatRecord = { kind: "history", process: 9 };
  return [history, ...accounts, ...records].map((record) => ({ record, stranger: undefined }));
});

function applyEntry(state: ChatState, { record, stranger }: Entry, sequence: number): readonly Effect[] {
  return apply(state, record, stranger ?? writerOf(state, record), sequence, sequence * 1000);
}

/** From where it is heard. */
function writerOf(state: ChatState, record: ChatRecord): number {
  switch (record.kind) {
    case "seat":
    case "reseat":
      return 0;
    case "account":
    case "login":
    case "oper":
    case "redacted":
    case "found":
      return state.historyProcess;
    default:
      return "session" in record ? (state.sessions.get(record.session)?.process ?? 0) : 0;
  }
}

/** What is equal in all replicas, with the order of everything that has one. */
function orderedOf(state: ChatState): unknown {
  return {
    ...state,
    // Counts since this replica began.
    changes: 0,
    // Cannot be looked into: see `assertNamesFollow`.
    names: undefined,
    roomNames: undefined,
    // In no piece: nothing may go by it.
    spokeMs: undefined,
    sessions: Array.from(state.sessions, ([id, each]) => [id, { ...each, rooms: [...each.rooms] }]),
    // These have no order.
    accounts: new Map(
      Array.from(state.accounts, ([id, each]) => [id, { ...each, markers: [...each.markers] }]),
    ),
    attached: new Map(Array.from(state.attached, ([id, clients]) => [id, [...clients]])),
    rooms: Array.from(state.rooms, ([id, each]) => [id, { ...each, invited: [...each.invited] }]),
    members: Array.from(state.members, ([id, members]) => [id, [...members]]),
  };
}

/** Whatever could be asked of who is called how is answered by the sessions and rooms that are there, and no others. */
function assertNamesFollow(state: ChatState, probes: Iterable<string>): void {
  const names = new NameIndex<number>();
  for (const { person, name } of state.accounts.values())
    assert.ok(names.take(name, person), `two accounts are called ${name}`);
  for (const session of state.sessions.values())
    for (const name of namesOf(session))
      assert.ok(names.take(name, session.person), `two are called ${name}`);
  const roomNames = new NameIndex<number>();
  for (const { id, name } of state.rooms.values())
    assert.ok(roomNames.take(name, id), `two are called ${name}`);
  for (const probe of probes) {
    for (const [actual, expected] of [
      [state.names, names],
      [state.roomNames, roomNames],
    ] as const) {
      assert.equal(actual.ownerOf(probe), expected.ownerOf(probe), probe);
      for (const owner of [1, 2, FIRST_ACCOUNT, NOBODY])
        assert.equal(actual.isFree(probe, owner), expected.isFree(probe, owner));
    }
  }
}

/** Every name that the records have. */
function namesIn(entries: readonly Entry[]): Set<string> {
  const texts = entries.flatMap(({ record }) =>
    Object.values(record).filter((each) => typeof each === "string"),
  );
  return new Set(texts);
}

function piecesOf(state: ChatState): StatePiece[] {
  return [
    rootPiece(state),
    ...Array.from(state.rooms.values(), roomPiece),
    ...Array.from(state.accounts.values(), accountPiece),
    ...Array.from(state.sessions.values(), sessionPiece),
  ];
}

/** All of it that is stored. */
function storedBytes(state: ChatState): Uint8Array {
  return takeSnapshot({ ...state, spokeMs: new Map() });
}

/** The same pieces in an order that follows from the numbers. */
function shuffled(pieces: readonly StatePiece[], numbers: readonly number[]): StatePiece[] {
  return pieces
    .map((piece, index) => ({ piece, key: numbers[index % numbers.length]! }))
    .toSorted((one, other) => one.key - other.key)
    .map(({ piece }) => piece);
}

test("a replica that starts from a snapshot or from pieces, anywhere, goes on as all the others do", () => {
  const told: Record<Effect["kind"], number> = {
    seated: 0,
    seatLost: 0,
    arrived: 0,
    attached: 0,
    detached: 0,
    turned: 0,
    accountChanged: 0,
    roleChanged: 0,
    joined: 0,
    parted: 0,
    said: 0,
    acted: 0,
    noticed: 0,
    tagged: 0,
    whispered: 0,
    focused: 0,
    renamed: 0,
    left: 0,
    topicSet: 0,
    kicked: 0,
    restricted: 0,
    modeSet: 0,
    settingSet: 0,
    roomRenamed: 0,
    invited: 0,
    knocked: 0,
    redacted: 0,
    described: 0,
    flagSet: 0,
    marked: 0,
    policySet: 0,
    announced: 0,
    killed: 0,
    awaySet: 0,
    refused: 0,
    replied: 0,
    historyAsked: 0,
    storeChanged: 0,
    stopping: 0,
  };
  fc.assert(
    fc.property(
      fc.oneof({ weight: 9, arbitrary: beginning }, fc.constant([])),
      fc.array(entry, { minLength: 100, maxLength: 150 }),
      fc.nat(149),
      fc.array(fc.nat(1000), { minLength: 3, maxLength: 12 }),
      (first, others, cut, numbers) => {
        const entries = [...first, ...others];
        const state = createState();
        const replicas = [createState()];
        let stored = storedBytes(state);
        for (const [index, each] of entries.entries()) {
          if (index === cut % entries.length) {
            replicas.push(
              restoreSnapshot(takeSnapshot(state)),
              restorePieces(shuffled(piecesOf(state), numbers)),
            );
            assert.deepEqual(replicas.at(-2)!.spokeMs, state.spokeMs);
          }
          const { changes } = state;
          const ours = applyEntry(state, each, index + 1);
          for (const { kind } of ours) told[kind] += 1;
          assertConsistent(state);
          const before = stored;
          stored = storedBytes(state);
          if (!isDeepStrictEqual(before, stored)) assert.ok(state.changes > changes, "a change is counted");
          const ordered = orderedOf(state);
          for (const replica of replicas) {
            assert.deepEqual(applyEntry(replica, each, index + 1), ours);
            assert.deepEqual(orderedOf(replica), ordered);
            assert.deepEqual(storedBytes(replica), stored);
          }
        }
        replicas.push(restoreSnapshot(takeSnapshot(state)));
        assert.deepEqual(orderedOf(replicas.at(-1)!), orderedOf(state));
        const probes = [...namesIn(entries), ...LOOK_ALIKES];
        for (const each of [state, ...replicas]) assertNamesFollow(each, probes);
      },
    ),
    { numRuns: 200 },
  );
  const untold = Object.entries(told).filter(([, count]) => count === 0);
  assert.deepEqual(untold, [], "the records are such that everything happens");
});
