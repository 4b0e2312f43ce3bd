import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../base/index.ts";
import {
  type ChatRecord,
  ENTRY_KINDS,
  type Entry,
  POLICY_CHANGES,
  PROTOCOLS,
  RANKS,
  RESTRICTION_KINDS,
  ROLES,
  ROOM_FLAGS,
  ROOM_SETTINGS,
  SPEECHES,
  USER_FLAGS,
} from "../chat/index.ts";
import {
  type Answer,
  type AnswerPart,
  RECORD_FORMAT,
  RecordKind,
  decode,
  decodeAnswer,
  encode,
  encodeAnswer,
  formatOf,
  sayHeaderBytes,
  writeSayHeader,
} from "./index.ts";

const session = fc.maxSafeNat();
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const place = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 300 });
const name = fc.string({ unit: "grapheme", maxLength: 40 });
const flag = fc.boolean();
const where = fc.record({ by: fc.constantFrom("sequence", "time"), value: place });

/** Every kind of a chat's record, so that none is forgotten. */
const chatRecords: { [Kind in ChatRecord["kind"]]: fc.Arbitrary<object> } = {
  seat: fc.record({ session, process: uint16, protocol: fc.constantFrom(...PROTOCOLS), host: name }),
  reseat: fc.record({ session, process: uint16 }),
  processDied: fc.record({ process: uint16 }),
  stop: fc.record({}),
  history: fc.record({ process: uint16 }),
  format: fc.record({ format: uint16 }),
  store: fc.record({ failed: flag, from: place, to: place, text: name }),
  found: fc.record({ room: name }),
  settings: fc.record({ persistence: flag }),
  shield: fc.record({ on: flag }),
  account: fc.record({ person: place, name, role: fc.constantFrom(...ROLES, undefined) }),
  login: fc.record({ session, person: place }),
  oper: fc.record({ session, person: place }),
  redacted: fc.record({ session, room: uint32, peer: place, message: place, text: name }),
  say: fc.record({ session, room: name, text: bytes }),
  act: fc.record({ session, room: name, text: bytes }),
  notice: fc.record({ session, room: name, text: bytes }),
  nick: fc.record({ session, nick: name, displayName: name, derived: flag }),
  ask: fc.record({
    session,
    question: fc.constantFrom("who", "rooms", "topic", "bans", "mutes"),
    room: name,
  }),
  leave: fc.record({
    session,
    reason: fc.constantFrom(
      "quit",
      "hung up",
      "too slow",
      "connection lost",
      "process died",
      "harmful input",
      "killed",
    ),
    text: bytes,
  }),
  arrive: fc.record({ session, replay: uint16 }),
  register: fc.record({ session, derived: flag, nick: name, displayName: name, user: name, realName: name }),
  turn: fc.record({ session, protocol: fc.constantFrom(...PROTOCOLS) }),
  speak: fc.record({
    session,
    speech: fc.constantFrom(...SPEECHES),
    atLeast: fc.constantFrom(...RANKS, undefined),
    to: name,
    tags: name,
    text: bytes,
  }),
  whisper: fc.record({ session, to: name, text: bytes }),
  join: fc.record({ session, replay: uint16, room: name, key: name }),
  part: fc.record({ session, room: name, text: bytes }),
  topic: fc.record({ session, room: name, text: bytes }),
  kick: fc.record({ session, room: name, target: name, text: bytes }),
  ban: fc.record({ session, on: flag, room: name, target: name }),
  mute: fc.record({ session, on: flag, room: name, target: name }),
  mode: fc.record({
    session,
    mode: fc.constantFrom(...ROOM_FLAGS, ...RANKS),
    on: flag,
    room: name,
    target: name,
  }),
  mask: fc.record({
    session,
    list: fc.constantFrom(...RESTRICTION_KINDS),
    on: flag,
    room: name,
    mask: name,
  }),
  set: fc.record({ session, setting: fc.constantFrom(...ROOM_SETTINGS), room: name, value: name }),
  renameRoom: fc.record({ session, room: name, to: name, text: bytes }),
  invite: fc.record({ session, room: name, target: name }),
  knock: fc.record({ session, room: name, text: bytes }),
  describe: fc.record({ session, realName: name, displayName: name }),
  flag: fc.record({ session, flag: fc.constantFrom(...USER_FLAGS), on: flag }),
  mark: fc.record({ session, target: name, timeMs: place }),
  police: fc.record({ session, what: fc.constantFrom(...POLICY_CHANGES), on: flag, value: name }),
  kill: fc.record({ session, target: name, text: bytes }),
  announce: fc.record({ session, text: bytes }),
  away: fc.record({ session, text: bytes }),
  recall: fc.record({ session, before: place, limit: uint16, room: name }),
  search: fc.record({ session, before: place, text: bytes }),
  catchUp: fc.record({ session, before: place, from: place }),
  page: fc.record({
    session,
    before: place,
    target: name,
    page: fc.record({
      after: fc.option(where, { nil: undefined }),
      before: fc.option(where, { nil: undefined }),
      take: fc.constantFrom("oldest", "newest", "around"),
      limit: uint16,
      events: flag,
    }),
  }),
  targets: fc.record({ session, before: place, afterMs: place, beforeMs: place, limit: uint16 }),
  redact: fc.record({ session, before: place, target: name, message: place, text: bytes }),
};

const KINDS = Object.keys(chatRecords) as ChatRecord["kind"][];

function recordOf(kind: ChatRecord["kind"]): fc.Arbitrary<ChatRecord> {
  return chatRecords[kind].map((fields) => ({ kind, ...fields }) as ChatRecord);
}

/** Somewhere in other memory, as records are in a ring. */
function embed(payload: Uint8Array, before: number): Uint8Array {
  const memory = new Uint8Array(before + payload.length + 5).fill(0xaa);
  memory.set(payload, before);
  return memory;
}

for (const kind of KINDS) {
  test(`a record of kind ${kind} reads as it was written, wherever it stands, and not if it is cut or longer`, () => {
    fc.assert(
      fc.property(recordOf(kind), fc.nat(20), (record, before) => {
        const encoded = encode(record);
        const { length } = encoded.payload;
        assert.equal(encoded.kind, RecordKind[kind]);
        const read = decode(encoded.kind, embed(encoded.payload, before), before, length);
        assert.deepEqual(plainly(read), plainly(record));
        // A text ends where the record does: cut or longer, it is another text.
        const textBytes = "text" in record ? encodedLength(record.text) : undefined;
        for (let cut = 0; cut < length - (textBytes ?? 0); cut += 1)
          assert.equal(decode(encoded.kind, encoded.payload, 0, cut), undefined);
        const longer = decode(encoded.kind, embed(encoded.payload, 0), 0, length + 1);
        assert.equal(longer === undefined, textBytes === undefined);
      }),
    );
  });
}

/** What fast-check makes has no prototype. */
function plainly<T>(value: T): T {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plainly(each)])) as T;
}

function encodedLength(text: string | Uint8Array): number {
  return typeof text === "string" ? new TextEncoder().encode(text).length : text.length;
}

test("bytes that nobody wrote never throw, and what is read from them fits the numbers of a record", () => {
  const kind = fc.oneof(fc.constantFrom(...Object.values(RecordKind)), uint16);
  fc.assert(
    fc.property(kind, bytes, (kind, noise) => {
      const record = decode(kind, noise, 0, noise.length);
      for (const value of Object.values(record ?? {}))
        if (typeof value === "number") assert.ok(Number.isSafeInteger(value));
      decodeAnswer(noise, 0, noise.length);
    }),
    { numRuns: 2000 },
  );
});

test("a damaged record never throws, and is written again as it is read", () => {
  const any = fc.constantFrom(...KINDS).chain(recordOf);
  fc.assert(
    fc.property(any, fc.nat(), fc.nat(0xff), (record, at, byte) => {
      const { kind, payload } = encode(record);
      if (payload.length > 0) payload[at % payload.length] = byte;
      const read = decode(kind, payload, 0, payload.length);
      if (read === undefined) return;
      const again = encode(read);
      assert.deepEqual(decode(again.kind, again.payload, 0, again.payload.length), read);
    }),
    { numRuns: 2000 },
  );
});

test("numbers of more than 53 bits and words that nobody knows are malformed", () => {
  const full = new Uint8Array(8).fill(0xff);
  const text = new Uint8Array(0);
  const somewhere = { by: "time", value: 1 } as const;
  const anyPage = {
    after: somewhere,
    before: somewhere,
    take: "oldest",
    limit: 1,
    events: false,
  } as const;
  for (const [record, at, damage] of [
    [{ kind: "away", session: 1, text }, 0, full],
    [{ kind: "seat", session: 1, process: 1, protocol: "plain", host: "" }, 10, [99]],
    [{ kind: "turn", session: 1, protocol: "plain" }, 8, [99]],
    [{ kind: "account", person: 1, name: "", role: "user" }, 0, full],
    [{ kind: "account", person: 1, name: "", role: "user" }, 8, [99]],
    [{ kind: "login", session: 1, person: 1 }, 8, full],
    [{ kind: "oper", session: 1, person: 1 }, 8, full],
    [{ kind: "redacted", session: 1, room: 0, peer: 1, message: 1, text: "" }, 12, full],
    [{ kind: "redacted", session: 1, room: 0, peer: 1, message: 1, text: "" }, 20, full],
    [{ kind: "speak", session: 1, speech: "say", atLeast: undefined, to: "", tags: "", text }, 8, [99]],
    [{ kind: "speak", session: 1, speech: "say", atLeast: undefined, to: "", tags: "", text }, 9, [99]],
    [{ kind: "mask", session: 1, list: "ban", on: true, room: "", mask: "" }, 8, [99]],
    [{ kind: "set", session: 1, setting: "key", room: "", value: "" }, 8, [99]],
    [{ kind: "flag", session: 1, flag: "bot", on: true }, 8, [99]],
    [{ kind: "police", session: 1, what: "links", on: true, value: "" }, 8, [99]],
    [{ kind: "mark", session: 1, target: "", timeMs: 1 }, 10, full],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 8, full],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 18, [99]],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 22, [99]],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 23, full],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 31, [99]],
    [{ kind: "page", session: 1, before: 1, target: "", page: anyPage }, 32, full],
    [{ kind: "targets", session: 1, before: 1, afterMs: 1, beforeMs: 1, limit: 1 }, 8, full],
    [{ kind: "targets", session: 1, before: 1, afterMs: 1, beforeMs: 1, limit: 1 }, 16, full],
    [{ kind: "targets", session: 1, before: 1, afterMs: 1, beforeMs: 1, limit: 1 }, 24, full],
    [{ kind: "redact", session: 1, before: 1, target: "", message: 1, text }, 8, full],
    [{ kind: "redact", session: 1, before: 1, target: "", message: 1, text }, 18, full],
    [{ kind: "leave", session: 1, reason: "quit", text }, 8, [99]],
    [{ kind: "ask", session: 1, question: "who", room: "" }, 8, [99]],
    [{ kind: "mode", session: 1, mode: "secret", on: true, room: "", target: "" }, 8, [99]],
    [{ kind: "store", failed: true, from: 1, to: 2, text: "" }, 1, full],
    [{ kind: "store", failed: true, from: 1, to: 2, text: "" }, 9, full],
    [{ kind: "recall", session: 1, before: 1, limit: 1, room: "" }, 8, full],
    [{ kind: "search", session: 1, before: 1, text }, 8, full],
    [{ kind: "catchUp", session: 1, before: 1, from: 1 }, 8, full],
    [{ kind: "catchUp", session: 1, before: 1, from: 1 }, 16, full],
  ] satisfies [ChatRecord, number, ArrayLike<number>][]) {
    const { kind, payload } = encode(record);
    assert.notEqual(decode(kind, payload, 0, payload.length), undefined);
    payload.set(damage, at);
    assert.equal(decode(kind, payload, 0, payload.length), undefined, `${record.kind} at ${at}`);
  }
});

test("kinds that are not the chat's are none of its records", () => {
  const others = ["quiet", "answer"] as const;
  for (const kind of others) assert.equal(decode(RecordKind[kind], new Uint8Array(64), 0, 64), undefined);
  assert.deepEqual(new Set([...KINDS, ...others]), new Set(Object.keys(RecordKind)));
});

test("what is written in place is what is encoded, and its text is read without a copy", () => {
  fc.assert(
    fc.property(session, fc.constantFrom("say", "act", "notice"), name, bytes, (id, kind, room, text) => {
      const encoded = encode({ kind, session: id, room, text });
      const roomBytes = encodeUtf8(room);
      const headerBytes = sayHeaderBytes(roomBytes.length);
      const memory = new Uint8Array(3 + headerBytes + text.length).fill(0xaa);
      writeSayHeader(memory, 3, id, roomBytes);
      memory.set(text, 3 + headerBytes);
      assert.deepEqual(memory.subarray(3), encoded.payload);
      const record = decode(encoded.kind, memory, 3, memory.length - 3);
      assert.ok(record?.kind === kind);
      assert.equal(record.text.buffer, memory.buffer);
    }),
  );
});

const person = fc.record({ session, nick: name, displayName: name });
const entry: fc.Arbitrary<Entry> = fc
  .record({
    sequence: place,
    timeMs: place,
    kind: fc.constantFrom(...ENTRY_KINDS),
    rooms: fc.array(uint32, { maxLength: 50 }),
    session,
    nick: name,
    displayName: fc.option(name, { nil: undefined }),
    peer: fc.option(person, { nil: undefined }),
    text: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 300 }),
      fc.nat(4096).map((length) => "x".repeat(length)),
    ),
    tags: fc.constantFrom("", "+draft/reply=4711;+draft/react=👍"),
    account: fc.constantFrom("", "alice"),
    address: fc.constantFrom("", "al@home.example"),
  })
  .map((each) => ({ ...each, displayName: each.displayName ?? each.nick }));
const gap = fc.record({ from: place, to: place, fromTimeMs: place, toTimeMs: place });
const answer: fc.Arbitrary<Answer> = fc.record({
  session,
  before: place,
  through: place,
  more: flag,
  gaps: fc.oneof(fc.array(gap, { maxLength: 3 }), fc.array(gap, { minLength: 60, maxLength: 101 })),
  entries: fc.array(entry, { maxLength: 40 }),
  refusal: fc.constant(undefined),
});

function partsOf(payloads: readonly Uint8Array[]): AnswerPart[] {
  return payloads.map((payload) => {
    const part = decodeAnswer(embed(payload, 7), 7, payload.length);
    assert.ok(part !== undefined);
    return part;
  });
}

test("an answer reads as it was written, in parts of which none is longer than it may be", () => {
  fc.assert(
    fc.property(answer, fc.constantFrom(0, 1, 500, 12 * 1024, 2 ** 20), (answer, spare) => {
      // As little as is promised to be enough: the longest entry, alone in its part.
      const alone = answer.entries.map((each) => {
        const [payload] = encodeAnswer({ ...answer, gaps: [], entries: [each] }, 2 ** 20);
        return payload!.length;
      });
      const bytesMax = Math.max(64, ...alone) + spare;
      const payloads = encodeAnswer(answer, bytesMax);
      for (const { length } of payloads) assert.ok(length <= bytesMax, `${length} of ${bytesMax} bytes`);
      const parts = partsOf(payloads);
      const { gaps, entries, ...rest } = answer;
      assert.deepEqual(
        parts.flatMap((part) => part.gaps.map((each) => ({ ...each }))),
        gaps.map((each) => ({ ...each })),
      );
      assert.deepEqual(
        parts.flatMap((part) => part.entries.map(plain)),
        entries.map(plain),
      );
      for (const [index, part] of parts.entries()) {
        const { gaps: _gaps, entries: _entries, first, last, ...told } = part;
        assert.deepEqual(told, { ...rest });
        assert.deepEqual([first, last], [index === 0, index === parts.length - 1]);
        assert.ok(parts.length === 1 || part.gaps.length + part.entries.length > 0, "an empty part");
      }
    }),
  );
});

/** What fast-check makes has no prototype. */
function plain(entry: Entry): Entry {
  return {
    ...entry,
    rooms: [...entry.rooms],
    peer: entry.peer === undefined ? undefined : { ...entry.peer },
  };
}

test("an entry as long as the parts may be stands alone in its part, beside neither gaps nor others", () => {
  const one: Entry = {
    sequence: 7,
    timeMs: 7000,
    kind: "say",
    rooms: [1],
    session: 1,
    nick: "alice",
    displayName: "alice",
    peer: undefined,
    text: "x".repeat(4096),
    tags: "",
    account: "",
    address: "",
  };
  const gaps = [{ from: 1, to: 2, fromTimeMs: 1000, toTimeMs: 2000 }];
  const whole = { session: 1, before: 9, through: 8, more: false, gaps: [], refusal: undefined };
  const [alone] = encodeAnswer({ ...whole, entries: [one] }, 2 ** 20);
  assert.ok(alone !== undefined);
  const payloads = encodeAnswer({ ...whole, gaps, entries: [one, one] }, alone.length);
  assert.deepEqual(
    partsOf(payloads).map((part) => [part.first, part.last, part.gaps.length, part.entries.length]),
    [
      [true, false, 1, 0],
      [false, false, 0, 1],
      [false, true, 0, 1],
    ],
  );
  assert.deepEqual(payloads.at(-1)?.length, alone.length);
  assert.equal(encodeAnswer({ ...whole, entries: [one, one] }, 2 * alone.length).length, 1);
});

test("what an entry has no tags, account and address for takes no byte", () => {
  const lengthOf = (extras: Pick<Entry, "tags" | "account" | "address">): number => {
    const who = { session: 1, nick: "alice", displayName: "alice" };
    const one: Entry = { sequence: 7, timeMs: 7, kind: "say", rooms: [1], ...who, text: "hi", ...extras };
    const whole = { session: 1, before: 9, through: 8, more: false, gaps: [], refusal: undefined };
    return encodeAnswer({ ...whole, entries: [one] }, 1024)[0]!.length;
  };
  const plain = lengthOf({ tags: "", account: "", address: "" });
  // As before there was any of them: the answer's own fields, and sequence, time, kind, flags, rooms, person, text.
  assert.equal(plain, 29 + 8 + 8 + 1 + 1 + 2 + 4 + 8 + 2 + 5 + 2 + 2);
  assert.equal(lengthOf({ tags: "+react=x", account: "", address: "" }), plain + 2 + 8);
  assert.equal(lengthOf({ tags: "", account: "al", address: "al@home" }), plain + 2 + 2 + 2 + 7);
});

test("the longest text that a record's field can hold comes back", () => {
  fc.assert(
    fc.property(entry, (short) => {
      const long = { ...short, text: "x".repeat(0xffff) };
      const [payload] = encodeAnswer(
        { session: 1, before: 2, through: 1, more: true, gaps: [], entries: [long], refusal: undefined },
        2 ** 20,
      );
      assert.deepEqual(plain(partsOf([payload!])[0]!.entries[0]!), plain(long));
    }),
    { numRuns: 5 },
  );
});

test("an empty answer and a refused question are told in one part", () => {
  const empty: Answer = {
    session: 2 ** 53 - 1,
    before: 2,
    through: 1,
    more: true,
    gaps: [],
    entries: [],
    refusal: undefined,
  };
  for (const refusal of [undefined, "", "history is busy, ask again later"]) {
    const parts = partsOf(encodeAnswer({ ...empty, refusal }, 1024));
    assert.deepEqual(parts, [{ ...empty, refusal, first: true, last: true }]);
  }
});

test("an answer that is cut short, has too much or an entry of an unknown kind is none", () => {
  fc.assert(
    fc.property(answer, (answer) => {
      for (const payload of encodeAnswer(answer, 12 * 1024).slice(0, 2)) {
        for (let length = 0; length < payload.length; length += 1 + Math.floor(length / 50))
          assert.equal(decodeAnswer(payload, 0, length), undefined);
        assert.equal(decodeAnswer(payload, 0, payload.length - 1), undefined);
        assert.equal(decodeAnswer(embed(payload, 0), 0, payload.length + 1), undefined);
      }
    }),
    { numRuns: 30 },
  );
  const one = {
    sequence: 1,
    timeMs: 1,
    kind: "say",
    rooms: [],
    session: 1,
    nick: "a",
    displayName: "a",
  } as const;
  const [payload] = encodeAnswer(
    {
      session: 1,
      before: 2,
      through: 1,
      more: false,
      gaps: [],
      entries: [{ ...one, peer: undefined, text: "", tags: "", account: "", address: "" }],
      refusal: undefined,
    },
    1024,
  );
  // Behind the head of the part, and the entry's sequence number and time.
  const at = 8 + 8 + 1 + 8 + 2 + 2 + 8 + 8;
  assert.equal(payload![at], ENTRY_KINDS.indexOf("say"));
  payload![at] = 99;
  assert.equal(decodeAnswer(payload!, 0, payload!.length), undefined);
});

test("kinds differ, fit the record's header, and belong to a format that this program understands", () => {
  const kinds = Object.values(RecordKind);
  assert.equal(new Set(kinds).size, kinds.length);
  // Kind 0 is the ring's own padding.
  assert.ok(kinds.every((kind) => kind > 0 && kind <= 0xffff));
  assert.ok(kinds.every((kind) => formatOf(kind) >= 1 && formatOf(kind) <= RECORD_FORMAT));
});
