import {
  type ByteReader,
  ByteWriter,
  UINT32_SPAN,
  copyBytes,
  decodeUtf8,
  encodeUtf8,
} from "../base/index.ts";
import {
  type ChatRecord,
  type LeaveReason,
  type Mode,
  PROTOCOLS,
  type Page,
  type Place,
  POLICY_CHANGES,
  type Question,
  RANKS,
  RESTRICTION_KINDS,
  ROLES,
  ROOM_FLAGS,
  ROOM_SETTINGS,
  SPEECHES,
  USER_FLAGS,
} from "../chat/index.ts";
import { RecordKind } from "./kinds.ts";
import { readWhole } from "./readWhole.ts";

const REASONS: readonly LeaveReason[] = [
  "quit",
  "hung up",
  "too slow",
  "connection lost",
  "process died",
  "harmful input",
  "killed",
];
const QUESTIONS: readonly Question[] = ["who", "rooms", "topic", "bans", "mutes"];
const MODES: readonly Mode[] = [...ROOM_FLAGS, ...RANKS];
const TAKES: readonly Page["take"][] = ["oldest", "newest", "around"];
const PLACES: readonly Place["by"][] = ["sequence", "time"];
/** In place of a rank or a role. */
const NONE = 255;
/** In place of a session. */
const NOBODYS = 0;

/** What stands before the text of `say`, `act` and `notice`, where the room's name has so many bytes. */
export function sayHeaderBytes(roomBytes: number): number {
  return 10 + roomBytes;
}

/** Writes that into memory of the caller's, for who writes a record in place. */
export function writeSayHeader(bytes: Uint8Array, at: number, session: number, room: Uint8Array): void {
  writeUint32(bytes, at, session % UINT32_SPAN);
  writeUint32(bytes, at + 4, Math.floor(session / UINT32_SPAN));
  bytes[at + 8] = room.length & 0xff;
  bytes[at + 9] = room.length >>> 8;
  copyBytes(bytes, at + 10, room, 0, room.length);
}

/** The session that a record of a wish begins with. For each record in each process: without a reader. */
export function readSession(bytes: Uint8Array, start: number): number {
  return readUint32(bytes, start) + readUint32(bytes, start + 4) * UINT32_SPAN;
}

function readUint32(bytes: Uint8Array, at: number): number {
  const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
  return (low | (bytes[at + 3]! << 24)) >>> 0;
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
  if ("session" in record && record.kind !== "account") writer.uint53(record.session);
  encodeInto(writer, record);
  return { kind: RecordKind[record.kind], payload: writer.finish() };
}

function encodeInto(writer: ByteWriter, record: ChatRecord): void {
  const name = (text: string): ByteWriter => writer.sized(encodeUtf8(text));
  switch (record.kind) {
    case "seat":
      writer.uint16(record.process).uint8(PROTOCOLS.indexOf(record.protocol));
      name(record.host);
      return;
    case "reseat":
    case "processDied":
    case "history":
      writer.uint16(record.process);
      return;
    case "format":
      writer.uint16(record.format);
      return;
    case "settings":
      writer.uint8(record.persistence ? 1 : 0);
      return;
    case "shield":
      writer.uint8(record.on ? 1 : 0);
      return;
    case "stop":
      return;
    case "account":
      writer.uint53(record.person).uint8(record.role === undefined ? NONE : ROLES.indexOf(record.role));
      name(record.name);
      writer.uint53(record.session ?? NOBODYS);
      return;
    case "login":
    case "oper":
      writer.uint53(record.person);
      return;
    case "redacted":
      writer.uint32(record.room).uint53(record.peer).uint53(record.message).raw(encodeUtf8(record.text));
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
    case "knock":
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
    case "register":
      writer.uint8(record.derived ? 1 : 0);
      for (const text of [record.nick, record.displayName, record.user, record.realName]) name(text);
      return;
    case "turn":
      writer.uint8(PROTOCOLS.indexOf(record.protocol));
      return;
    case "speak":
      writer
        .uint8(SPEECHES.indexOf(record.speech))
        .uint8(record.atLeast === undefined ? NONE : RANKS.indexOf(record.atLeast));
      name(record.to);
      name(record.tags).raw(record.text);
      return;
    case "whisper":
      name(record.to).raw(record.text);
      return;
    case "join":
      writer.uint16(record.replay);
      name(record.room);
      name(record.key ?? "");
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
    case "announce":
      writer.raw(record.text);
      return;
    case "mask":
      writer.uint8(RESTRICTION_KINDS.indexOf(record.list)).uint8(record.on ? 1 : 0);
      name(record.room);
      name(record.mask);
      return;
    case "set":
      writer.uint8(ROOM_SETTINGS.indexOf(record.setting));
      name(record.room);
      name(record.value);
      return;
    case "renameRoom":
      name(record.room);
      name(record.to).raw(record.text);
      return;
    case "invite":
      name(record.room);
      name(record.target);
      return;
    case "describe":
      name(record.realName);
      name(record.displayName);
      return;
    case "flag":
      writer.uint8(USER_FLAGS.indexOf(record.flag)).uint8(record.on ? 1 : 0);
      return;
    case "mark":
      name(record.target).uint53(record.timeMs);
      return;
    case "police":
      writer.uint8(POLICY_CHANGES.indexOf(record.what)).uint8(record.on ? 1 : 0);
      name(record.value);
      return;
    case "kill":
      name(record.target).raw(record.text);
      return;
    case "page":
      sizedName(writer.uint53(record.before), record.target)
        .uint8(TAKES.indexOf(record.page.take))
        .uint16(record.page.limit)
        .uint8(record.page.events ? 1 : 0);
      writePlace(writer, record.page.after);
      writePlace(writer, record.page.before);
      return;
    case "targets":
      writer.uint53(record.before).uint53(record.afterMs).uint53(record.beforeMs).uint16(record.limit);
      return;
    case "redact":
      sizedName(writer.uint53(record.before), record.target).uint53(record.message).raw(record.text);
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

function sizedName(writer: ByteWriter, text: string): ByteWriter {
  return writer.sized(encodeUtf8(text));
}

function writePlace(writer: ByteWriter, place: Place | undefined): void {
  writer.uint8(place === undefined ? 0 : 1 + PLACES.indexOf(place.by)).uint53(place?.value ?? 0);
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
    case "page":
      return [record.before, record.page.after?.value ?? 0, record.page.before?.value ?? 0].every(
        Number.isSafeInteger,
      );
    case "targets":
      return [record.before, record.afterMs, record.beforeMs].every(Number.isSafeInteger);
    case "redact":
      return [record.before, record.message].every(Number.isSafeInteger);
    case "redacted":
      return [record.peer, record.message].every(Number.isSafeInteger);
    case "account":
    case "login":
    case "oper":
      return Number.isSafeInteger(record.person) && Number.isSafeInteger(record.session ?? NOBODYS);
    case "mark":
      return Number.isSafeInteger(record.timeMs);
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
    case RecordKind.settings:
      return { kind: "settings", persistence: reader.uint8() === 1 };
    case RecordKind.shield:
      return { kind: "shield", on: reader.uint8() === 1 };
    case RecordKind.account: {
      const person = reader.uint53();
      const index = reader.uint8();
      const role = ROLES[index];
      if (role === undefined && index !== NONE) return undefined;
      const name = decodeUtf8(reader.sized());
      const session = reader.uint53();
      const account = { kind: "account", person, name, role } as const;
      return session === NOBODYS ? account : { ...account, session };
    }
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
      const host = name();
      return protocol === undefined ? undefined : { kind: "seat", session, process, protocol, host };
    }
    case RecordKind.login:
    case RecordKind.oper:
      return { kind: kind === RecordKind.login ? "login" : "oper", session, person: reader.uint53() };
    case RecordKind.redacted: {
      const room = reader.uint32();
      const peer = reader.uint53();
      const message = reader.uint53();
      return { kind: "redacted", session, room, peer, message, text: decodeUtf8(rest(reader)) };
    }
    case RecordKind.register: {
      const derived = reader.uint8() === 1;
      const [nick, displayName, user, realName] = [name(), name(), name(), name()];
      return { kind: "register", session, derived, nick, displayName, user, realName };
    }
    case RecordKind.turn: {
      const protocol = PROTOCOLS[reader.uint8()];
      return protocol === undefined ? undefined : { kind: "turn", session, protocol };
    }
    case RecordKind.speak: {
      const speech = SPEECHES[reader.uint8()];
      const rank = reader.uint8();
      const atLeast = RANKS[rank];
      if (speech === undefined || (atLeast === undefined && rank !== NONE)) return undefined;
      const [to, tags] = [name(), name()];
      return { kind: "speak", session, speech, atLeast, to, tags, text: rest(reader) };
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
      return { kind: "join", session, replay, room: name(), key: name() };
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
      return decodeLaterWish(kind, session, reader);
  }
}

/** What IRC brought. */
function decodeLaterWish(kind: number, session: number, reader: ByteReader): ChatRecord | undefined {
  const name = (): string => decodeUtf8(reader.sized());
  switch (kind) {
    case RecordKind.knock:
      return { kind: "knock", session, room: name(), text: rest(reader) };
    case RecordKind.announce:
      return { kind: "announce", session, text: rest(reader) };
    case RecordKind.kill:
      return { kind: "kill", session, target: name(), text: rest(reader) };
    case RecordKind.mask: {
      const list = RESTRICTION_KINDS[reader.uint8()];
      const on = reader.uint8() === 1;
      const [room, mask] = [name(), name()];
      return list === undefined ? undefined : { kind: "mask", session, list, on, room, mask };
    }
    case RecordKind.set: {
      const setting = ROOM_SETTINGS[reader.uint8()];
      const [room, value] = [name(), name()];
      return setting === undefined ? undefined : { kind: "set", session, setting, room, value };
    }
    case RecordKind.renameRoom:
      return { kind: "renameRoom", session, room: name(), to: name(), text: rest(reader) };
    case RecordKind.invite:
      return { kind: "invite", session, room: name(), target: name() };
    case RecordKind.describe:
      return { kind: "describe", session, realName: name(), displayName: name() };
    case RecordKind.flag: {
      const flag = USER_FLAGS[reader.uint8()];
      const on = reader.uint8() === 1;
      return flag === undefined ? undefined : { kind: "flag", session, flag, on };
    }
    case RecordKind.mark:
      return { kind: "mark", session, target: name(), timeMs: reader.uint53() };
    case RecordKind.police: {
      const what = POLICY_CHANGES[reader.uint8()];
      const on = reader.uint8() === 1;
      const value = name();
      return what === undefined ? undefined : { kind: "police", session, what, on, value };
    }
    case RecordKind.page: {
      const before = reader.uint53();
      const target = name();
      const take = TAKES[reader.uint8()];
      const limit = reader.uint16();
      const events = reader.uint8() === 1;
      const [after, until] = [readPlace(reader), readPlace(reader)];
      if (take === undefined || after === null || until === null) return undefined;
      return { kind: "page", session, before, target, page: { after, before: until, take, limit, events } };
    }
    case RecordKind.targets: {
      const before = reader.uint53();
      const [afterMs, beforeMs] = [reader.uint53(), reader.uint53()];
      return { kind: "targets", session, before, afterMs, beforeMs, limit: reader.uint16() };
    }
    case RecordKind.redact: {
      const before = reader.uint53();
      const target = name();
      return { kind: "redact", session, before, target, message: reader.uint53(), text: rest(reader) };
    }
    default:
      return undefined;
  }
}

/** Undefined: none is named; null: bytes that name none. */
function readPlace(reader: ByteReader): Place | undefined | null {
  const index = reader.uint8();
  const value = reader.uint53();
  if (index === 0) return undefined;
  const by = PLACES[index - 1];
  return by === undefined ? null : { by, value };
}

function rest(reader: ByteReader): Uint8Array {
  return reader.raw(reader.remaining);
}
