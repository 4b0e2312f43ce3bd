import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ChatRecord } from "../chat/index.ts";
import {
  GENESIS,
  RecordKind,
  decode,
  decodeSnapshot,
  decodeSnapshotWanted,
  encode,
  encodeSnapshot,
  encodeSnapshotWanted,
  sayHeaderBytes,
  writeSession,
} from "./index.ts";

const session = fc.maxSafeNat();
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffff_ffff);
const bytes = fc.uint8Array({ maxLength: 300 });
const name = fc.string({ unit: "grapheme", maxLength: 40 });
const reason = fc.constantFrom("quit", "hung up", "too slow", "connection lost", "process died");

const chatRecord = fc.oneof(
  fc.record({ kind: fc.constant("seat"), session, process: uint16, protocol: fc.constant("plain") }),
  fc.record({ kind: fc.constant("processDied"), process: uint16 }),
  fc.record({ kind: fc.constant("stop") }),
  fc.record({ kind: fc.constantFrom("say", "act"), session, text: bytes }),
  fc.record({ kind: fc.constant("nick"), session, nick: name, displayName: name, derived: fc.boolean() }),
  fc.record({ kind: fc.constant("who"), session }),
  fc.record({ kind: fc.constant("leave"), session, reason, text: bytes }),
) as fc.Arbitrary<ChatRecord>;

/** Somewhere in other memory, as records are in a ring. */
function embed(payload: Uint8Array, before: number): Uint8Array {
  const memory = new Uint8Array(before + payload.length + 5).fill(0xaa);
  memory.set(payload, before);
  return memory;
}

test("a record of the chat reads as it was written, wherever it stands", () => {
  fc.assert(
    fc.property(chatRecord, fc.nat(20), (record, before) => {
      const { kind, payload } = encode(record);
      assert.equal(kind, RecordKind[record.kind]);
      assert.deepEqual({ ...decode(kind, embed(payload, before), before, payload.length) }, { ...record });
    }),
  );
});

test("a record that is cut short, or has too much, is none", () => {
  fc.assert(
    fc.property(chatRecord, (record) => {
      const { kind, payload } = encode(record);
      const endsWithText = "text" in record;
      const least =
        record.kind === "leave" ? sayHeaderBytes + 1 : endsWithText ? sayHeaderBytes : payload.length;
      for (let length = 0; length < least; length += 1)
        assert.equal(decode(kind, payload, 0, length), undefined);
      if (!endsWithText) assert.equal(decode(kind, embed(payload, 0), 0, payload.length + 1), undefined);
    }),
  );
});

test("bytes that nobody wrote never throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...Object.values(RecordKind)), uint16), bytes, (kind, noise) => {
      const record = decode(kind, noise, 0, noise.length);
      if (record !== undefined && "session" in record) assert.ok(Number.isSafeInteger(record.session));
      decodeSnapshot(noise, 0, noise.length);
      decodeSnapshotWanted(noise, 0, noise.length);
    }),
    { numRuns: 1000 },
  );
});

test("a session of more than 53 bits, an unknown protocol and an unknown reason are malformed", () => {
  assert.equal(decode(RecordKind.who, new Uint8Array(8).fill(0xff), 0, 8), undefined);
  const seat = encode({ kind: "seat", session: 1, process: 1, protocol: "plain" }).payload;
  seat[10] = 99;
  assert.equal(decode(RecordKind.seat, seat, 0, seat.length), undefined);
  const leave = encode({ kind: "leave", session: 1, reason: "quit", text: new Uint8Array(0) }).payload;
  leave[8] = 99;
  assert.equal(decode(RecordKind.leave, leave, 0, leave.length), undefined);
});

test("what is written in place is what is encoded, and its text is read without a copy", () => {
  fc.assert(
    fc.property(session, bytes, (id, text) => {
      const { kind, payload } = encode({ kind: "say", session: id, text });
      const memory = new Uint8Array(3 + sayHeaderBytes + text.length);
      writeSession(memory, 3, id);
      memory.set(text, 3 + sayHeaderBytes);
      assert.deepEqual(memory.subarray(3), payload);
      const record = decode(kind, memory, 3, memory.length - 3);
      assert.ok(record?.kind === "say");
      assert.equal(record.text.buffer, memory.buffer);
    }),
  );
});

test("the wish for a snapshot and its parts read as they were written", () => {
  const wanted = fc.record({ forProcess: uint16, generation: uint32, fromProcess: uint16 });
  fc.assert(
    fc.property(wanted, fc.nat(20), (record, before) => {
      const payload = encodeSnapshotWanted(record);
      assert.deepEqual(
        { ...decodeSnapshotWanted(embed(payload, before), before, payload.length) },
        { ...record },
      );
      assert.equal(decodeSnapshotWanted(payload, 0, payload.length - 1), undefined);
      assert.equal(decodeSnapshotWanted(embed(payload, 0), 0, payload.length + 1), undefined);
    }),
  );
  const part = fc.record({
    forProcess: uint16,
    generation: uint32,
    wantedSequence: session,
    part: uint16,
    parts: uint16,
    bytes,
  });
  fc.assert(
    fc.property(part, fc.nat(20), (record, before) => {
      const payload = encodeSnapshot(record);
      assert.deepEqual({ ...decodeSnapshot(embed(payload, before), before, payload.length) }, { ...record });
      assert.equal(decodeSnapshot(payload, 0, payload.length - record.bytes.length - 1), undefined);
    }),
  );
});

test("kinds differ, fit the record's header, and the first state has no process", () => {
  const kinds = Object.values(RecordKind);
  assert.equal(new Set(kinds).size, kinds.length);
  // Kind 0 is the ring's own padding.
  assert.ok(kinds.every((kind) => kind > 0 && kind <= 0xffff));
  assert.equal(GENESIS, 0xffff);
});
