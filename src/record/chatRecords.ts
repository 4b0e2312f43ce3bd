import { ByteReader, ByteWriter, UINT32_SPAN, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { type ChatRecord, type LeaveReason, type Mode, PROTOCOLS, type Question } from "../chat/index.ts";
import { RecordKind } from "./kinds.ts";
import { readWhole } from "./readWhole.ts";

const REASONS: readonly LeaveReason[] = [
  "quit",
  "hung up",
  "too slow",
  "connection lost",
  "process died",
  "harmful input",
];
const QUESTIONS: readonly Question[] = ["who", "rooms", "topic", "bans", "mutes"];
const MODES: readonly Mode[] = ["moderated", "topicLocked", "secret", "operator", "voice"];

/** What stands before the text of `say` and `act` that names no room. */
export const sayHeaderBytes = 10;

/** Writes that into memory of the caller's, for who writes a record in place. */
export function writeSayHeader(bytes: Uint8Array, at: number, session: number): void {
  writeUint32(bytes, at, session % UINT32_SPAN);
  writeUint32(bytes, at + 4, Math.floor(session / UINT32_SPAN));
  bytes[at + 8] = 0;
  bytes[at + 9] = 0;
}

/** The session that a record of a wish begins with. */
export function readSession(bytes: Uint8Array, start: number): number {
  return new ByteReader(bytes, start, start + 8).uint53();
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

/** @throws AssertionError for names and numbers that do not fit their fields: whoever makes a record bounds them */
export function encode(record: ChatRecord): { kind: number; payload: Uint8Array } {
  const writer = new ByteWriter();
  if ("session" in record) writer.uint53(record.session);
  encodeInto(writer, record);
  return { kind: RecordKind[record.kind], payload: writer.finish() };
}

function encodeInto(writer: ByteWriter, record: ChatRecord): void {
  const name = (text: string): ByteWriter => writer.sized(encodeUtf8(text));
  switch (record.kind) {
    case "seat":
      writer.uint16(record.process).uint8(PROTOCOLS.indexOf(record.protocol));
      return;
    case "reseat":
    case "processDied":
    case "history":
      writer.uint16(record.process);
      return;
    case "format":
      writer.uint16(record.format);
      return;
    case "stop":
      return;
    case "store":
      writer
        .uint8(record.failed ? 1 : 0)
        .uint53(record.from)
        .uint53(record.to)
        .raw(encodeUtf8(record.text));
      return;
    case "found":
      name(record.room);
      return;
    case "say":
    case "act":
    case "notice":
    case "part":
    case "topic":
      name(record.room).raw(record.text);
      return;
    case "nick":
      writer.uint8(record.derived ? 1 : 0);
      name(record.nick);
      name(record.displayName);
      return;
    case "ask":
      writer.uint8(QUESTIONS.indexOf(record.question));
      name(record.room);
      return;
    case "leave":
      writer.uint8(REASONS.indexOf(record.reason)).raw(record.text);
      return;
    case "arrive":
      writer.uint16(record.replay);
      return;
    case "whisper":
      name(record.to).raw(record.text);
      return;
    case "join":
      writer.uint16(record.replay);
      name(record.room);
      return;
    case "kick":
      name(record.room);
      name(record.target).raw(record.text);
      return;
    case "ban":
    case "mute":
      writer.uint8(record.on ? 1 : 0);
      name(record.room);
      name(record.target);
      return;
    case "mode":
      writer.uint8(MODES.indexOf(record.mode)).uint8(record.on ? 1 : 0);
      name(record.room);
      name(record.target);
      return;
    case "away":
      writer.raw(record.text);
      return;
    case "recall":
      writer.uint53(record.before).uint16(record.limit);
      name(record.room);
      return;
    case "search":
      writer.uint53(record.before).raw(record.text);
      return;
    case "catchUp":
      writer.uint53(record.before).uint53(record.from);
  }
}

/** Undefined for a kind that is not the chat's, or bytes that are not a record of it. Texts are views, not copies. */
export function decode(
  kind: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): ChatRecord | undefined {
  const record = readWhole(bytes, start, length, (reader) => decodeFrom(kind, reader));
  return record === undefined || hasSafeNumbers(record) ? record : undefined;
}

/** Sixty-four bits hold more than a number does exactly. */
function hasSafeNumbers(record: ChatRecord): boolean {
  switch (record.kind) {
    case "store":
    case "catchUp":
      return (
        Number.isSafeInteger(record.from) && Number.isSafeInteger("to" in record ? record.to : record.before)
      );
    case "recall":
    case "search":
      return Number.isSafeInteger(record.before);
    default:
      return true;
  }
}

function decodeFrom(kind: number, reader: ByteReader): ChatRecord | undefined {
  switch (kind) {
    case RecordKind.processDied:
      return { kind: "processDied", process: reader.uint16() };
    case RecordKind.stop:
      return { kind: "stop" };
    case RecordKind.history:
      return { kind: "history", process: reader.uint16() };
    case RecordKind.format:
      return { kind: "format", format: reader.uint16() };
    case RecordKind.store: {
      const failed = reader.uint8() === 1;
      const from = reader.uint53();
      const to = reader.uint53();
      return { kind: "store", failed, from, to, text: decodeUtf8(rest(reader)) };
    }
    case RecordKind.found:
      return { kind: "found", room: decodeUtf8(reader.sized()) };
    default:
      return decodeWish(kind, reader);
  }
}

function decodeWish(kind: number, reader: ByteReader): ChatRecord | undefined {
  const name = (): string => decodeUtf8(reader.sized());
  // All of these begin so. Whatever begins otherwise is not known below, either.
  const session = reader.uint53();
  if (!Number.isSafeInteger(session)) return undefined;
  switch (kind) {
    case RecordKind.say:
      return { kind: "say", session, room: name(), text: rest(reader) };
    case RecordKind.act:
      return { kind: "act", session, room: name(), text: rest(reader) };
    case RecordKind.notice:
      return { kind: "notice", session, room: name(), text: rest(reader) };
    case RecordKind.part:
      return { kind: "part", session, room: name(), text: rest(reader) };
    case RecordKind.topic:
      return { kind: "topic", session, room: name(), text: rest(reader) };
    case RecordKind.seat: {
      const process = reader.uint16();
      const protocol = PROTOCOLS[reader.uint8()];
      return protocol === undefined ? undefined : { kind: "seat", session, process, protocol };
    }
    case RecordKind.reseat:
      return { kind: "reseat", session, process: reader.uint16() };
    case RecordKind.nick: {
      const derived = reader.uint8() === 1;
      return { kind: "nick", session, nick: name(), displayName: name(), derived };
    }
    case RecordKind.ask: {
      const question = QUESTIONS[reader.uint8()];
      return question === undefined ? undefined : { kind: "ask", session, question, room: name() };
    }
    case RecordKind.leave: {
      const reason = REASONS[reader.uint8()];
      return reason === undefined ? undefined : { kind: "leave", session, reason, text: rest(reader) };
    }
    case RecordKind.arrive:
      return { kind: "arrive", session, replay: reader.uint16() };
    case RecordKind.whisper:
      return { kind: "whisper", session, to: name(), text: rest(reader) };
    case RecordKind.join: {
      const replay = reader.uint16();
      return { kind: "join", session, replay, room: name() };
    }
    case RecordKind.kick:
      return { kind: "kick", session, room: name(), target: name(), text: rest(reader) };
    case RecordKind.ban:
    case RecordKind.mute: {
      const on = reader.uint8() === 1;
      const what = kind === RecordKind.ban ? "ban" : "mute";
      return { kind: what, session, on, room: name(), target: name() };
    }
    case RecordKind.mode: {
      const mode = MODES[reader.uint8()];
      const on = reader.uint8() === 1;
      const room = name();
      const target = name();
      return mode === undefined ? undefined : { kind: "mode", session, mode, on, room, target };
    }
    case RecordKind.away:
      return { kind: "away", session, text: rest(reader) };
    case RecordKind.recall: {
      const before = reader.uint53();
      const limit = reader.uint16();
      return { kind: "recall", session, before, limit, room: name() };
    }
    case RecordKind.search: {
      const before = reader.uint53();
      return { kind: "search", session, before, text: rest(reader) };
    }
    case RecordKind.catchUp: {
      const before = reader.uint53();
      return { kind: "catchUp", session, before, from: reader.uint53() };
    }
    default:
      return undefined;
  }
}

function rest(reader: ByteReader): Uint8Array {
  return reader.raw(reader.remaining);
}
