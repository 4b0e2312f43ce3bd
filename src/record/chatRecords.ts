import { type ByteReader, ByteWriter, UINT32_SPAN, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import type { ChatRecord, LeaveReason, Protocol } from "../chat/index.ts";
import { RecordKind } from "./kinds.ts";
import { readWhole } from "./readWhole.ts";

const PROTOCOLS: readonly Protocol[] = ["plain"];
const REASONS: readonly LeaveReason[] = ["quit", "hung up", "too slow", "connection lost", "process died"];

/** What stands before the text of `say` and `act`. */
export const sayHeaderBytes = 8;

/** Writes a session into memory of the caller's, for who writes a record in place. */
export function writeSession(bytes: Uint8Array, at: number, session: number): void {
  writeUint32(bytes, at, session % UINT32_SPAN);
  writeUint32(bytes, at + 4, Math.floor(session / UINT32_SPAN));
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}

export function encode(record: ChatRecord): { kind: number; payload: Uint8Array } {
  const kind = RecordKind[record.kind];
  const writer = new ByteWriter();
  switch (record.kind) {
    case "seat":
      writer.uint53(record.session).uint16(record.process).uint8(PROTOCOLS.indexOf(record.protocol));
      break;
    case "processDied":
      writer.uint16(record.process);
      break;
    case "stop":
      break;
    case "say":
    case "act":
      writer.uint53(record.session).raw(record.text);
      break;
    case "nick":
      writer
        .uint53(record.session)
        .uint8(record.derived ? 1 : 0)
        .sized(encodeUtf8(record.nick))
        .sized(encodeUtf8(record.displayName));
      break;
    case "who":
      writer.uint53(record.session);
      break;
    case "leave":
      writer.uint53(record.session).uint8(REASONS.indexOf(record.reason)).raw(record.text);
      break;
  }
  return { kind, payload: writer.finish() };
}

/** Undefined for a kind that is not the chat's, or bytes that are not a record of it. Texts are views, not copies. */
export function decode(
  kind: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): ChatRecord | undefined {
  const record = readWhole(bytes, start, length, (reader) => decodeFrom(kind, reader));
  if (record !== undefined && "session" in record && !Number.isSafeInteger(record.session)) return undefined;
  return record;
}

function decodeFrom(kind: number, reader: ByteReader): ChatRecord | undefined {
  switch (kind) {
    case RecordKind.say:
      return { kind: "say", session: reader.uint53(), text: reader.raw(reader.remaining) };
    case RecordKind.act:
      return { kind: "act", session: reader.uint53(), text: reader.raw(reader.remaining) };
    case RecordKind.seat: {
      const session = reader.uint53();
      const process = reader.uint16();
      const protocol = PROTOCOLS[reader.uint8()];
      return protocol === undefined ? undefined : { kind: "seat", session, process, protocol };
    }
    case RecordKind.processDied:
      return { kind: "processDied", process: reader.uint16() };
    case RecordKind.stop:
      return { kind: "stop" };
    case RecordKind.nick: {
      const session = reader.uint53();
      const derived = reader.uint8() === 1;
      const nick = decodeUtf8(reader.sized());
      return { kind: "nick", session, nick, displayName: decodeUtf8(reader.sized()), derived };
    }
    case RecordKind.who:
      return { kind: "who", session: reader.uint53() };
    case RecordKind.leave: {
      const session = reader.uint53();
      const reason = REASONS[reader.uint8()];
      return reason === undefined
        ? undefined
        : { kind: "leave", session, reason, text: reader.raw(reader.remaining) };
    }
    default:
      return undefined;
  }
}
