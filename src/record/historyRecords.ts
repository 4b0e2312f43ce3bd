/*
 * What the history process answers, in one record or several:
 *
 *   session │ the question's place u53 │ flags u8 (1 first part, 2 last, 4 there is more, 8 refused) │ through u53 │
 *   gaps u16 × (from u53 │ to u53 │ from time u53 │ to time u53) │ entries u16 × entry
 *
 *   entry   sequence u53 │ time u53 │ kind u8 │ flags u8 (1 has a display name, 2 a peer, 4 tags, 8 an account,
 *           16 an address) │ rooms u16 × u32 │ person │ person, if there is a peer │ text name │
 *           tags, account and address, each a name, where there are any
 *   person  session │ nick name │ display name, where it differs for the first; always for the peer
 *
 * Of a refused question, the text that says why follows in place of gaps and entries.
 */
import { type ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { ENTRY_KINDS, type Entry, type Gap, type Person, type SessionId } from "../chat/index.ts";
import { readWhole } from "./readWhole.ts";

export interface Answer {
  readonly session: SessionId;
  /** Up to which place in the order was asked: what tells a session's questions apart. */
  readonly before: number;
  /** Everything before this and from the question's beginning on has been looked through. */
  readonly through: number;
  /** There is more than was asked for. */
  readonly more: boolean;
  readonly gaps: readonly Gap[];
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** Why there is no answer, for people; undefined where there is one. */
  readonly refusal: string | undefined;
}

export interface AnswerPart extends Answer {
  readonly first: boolean;
  readonly last: boolean;
}

const FIRST = 1;
const LAST = 2;
const MORE = 4;
const REFUSED = 8;
const HAS_DISPLAY_NAME = 1;
const HAS_PEER = 2;
/** Most entries have none of these: their flag is all that they cost there. */
const EXTRAS = [
  { flag: 4, field: "tags" },
  { flag: 8, field: "account" },
  { flag: 16, field: "address" },
] as const;
/** What stands before the gaps and entries of a part. */
const PART_HEADER_BYTES = 8 + 8 + 1 + 8 + 2 + 2;
const GAP_BYTES = 32;

/** An answer as payloads of at most `bytesMax` bytes each, which must be enough for the longest entry. */
export function encodeAnswer(answer: Answer, bytesMax: number): Uint8Array[] {
  const { session, before, through, more, refusal } = answer;
  const payloads: Uint8Array[] = [];
  const header = (last: boolean): ByteWriter =>
    new ByteWriter(1024)
      .uint53(session)
      .uint53(before)
      .uint8(
        (payloads.length === 0 ? FIRST : 0) |
          (last ? LAST : 0) |
          (more ? MORE : 0) |
          (refusal === undefined ? 0 : REFUSED),
      )
      .uint53(through);
  if (refusal !== undefined) return [header(true).raw(encodeUtf8(refusal)).finish()];
  let gaps: Gap[] = [];
  let entries: Uint8Array[] = [];
  let bytes = PART_HEADER_BYTES;
  const finish = (last: boolean): void => {
    const writer = header(last);
    writer.uint16(gaps.length);
    for (const gap of gaps)
      writer.uint53(gap.from).uint53(gap.to).uint53(gap.fromTimeMs).uint53(gap.toTimeMs);
    writer.uint16(entries.length);
    for (const entry of entries) writer.raw(entry);
    payloads.push(writer.finish());
    gaps = [];
    entries = [];
    bytes = PART_HEADER_BYTES;
  };
  const makePlace = (length: number): void => {
    if (bytes + length > bytesMax && bytes > PART_HEADER_BYTES) finish(false);
    bytes += length;
  };
  for (const gap of answer.gaps) {
    makePlace(GAP_BYTES);
    gaps.push(gap);
  }
  for (const entry of answer.entries) {
    const encoded = encodeEntry(entry);
    makePlace(encoded.length);
    entries.push(encoded);
  }
  finish(true);
  return payloads;
}

/** Undefined for bytes that are not a part of an answer. */
export function decodeAnswer(bytes: Uint8Array, start: number, length: number): AnswerPart | undefined {
  return readWhole(bytes, start, length, (reader) => {
    const session = reader.uint53();
    const before = reader.uint53();
    const flags = reader.uint8();
    const through = reader.uint53();
    const part = {
      session,
      before,
      through,
      first: (flags & FIRST) !== 0,
      last: (flags & LAST) !== 0,
      more: (flags & MORE) !== 0,
    };
    if ((flags & REFUSED) !== 0) {
      const refusal = decodeUtf8(reader.raw(reader.remaining));
      return { ...part, gaps: [], entries: [], refusal };
    }
    const gaps: Gap[] = [];
    for (let left = reader.uint16(); left > 0; left -= 1) {
      gaps.push({
        from: reader.uint53(),
        to: reader.uint53(),
        fromTimeMs: reader.uint53(),
        toTimeMs: reader.uint53(),
      });
    }
    const entries: Entry[] = [];
    for (let left = reader.uint16(); left > 0; left -= 1) {
      const entry = decodeEntry(reader);
      if (entry === undefined) return undefined;
      entries.push(entry);
    }
    return { ...part, gaps, entries, refusal: undefined };
  });
}

function encodeEntry(entry: Entry): Uint8Array {
  const { peer } = entry;
  const hasDisplayName = entry.displayName !== entry.nick;
  const extras = EXTRAS.filter(({ field }) => entry[field] !== "");
  let flags = (hasDisplayName ? HAS_DISPLAY_NAME : 0) | (peer === undefined ? 0 : HAS_PEER);
  for (const { flag } of extras) flags |= flag;
  const writer = new ByteWriter(96 + entry.text.length)
    .uint53(entry.sequence)
    .uint53(entry.timeMs)
    .uint8(ENTRY_KINDS.indexOf(entry.kind))
    .uint8(flags)
    .uint16(entry.rooms.length);
  for (const room of entry.rooms) writer.uint32(room);
  writer.uint53(entry.session).sized(encodeUtf8(entry.nick));
  if (hasDisplayName) writer.sized(encodeUtf8(entry.displayName));
  if (peer !== undefined)
    writer.uint53(peer.session).sized(encodeUtf8(peer.nick)).sized(encodeUtf8(peer.displayName));
  writer.sized(encodeUtf8(entry.text));
  for (const { field } of extras) writer.sized(encodeUtf8(entry[field]));
  return writer.finish();
}

function decodeEntry(reader: ByteReader): Entry | undefined {
  const sequence = reader.uint53();
  const timeMs = reader.uint53();
  const kind = ENTRY_KINDS[reader.uint8()];
  const flags = reader.uint8();
  const rooms: number[] = [];
  for (let left = reader.uint16(); left > 0; left -= 1) rooms.push(reader.uint32());
  const session = reader.uint53();
  const nick = decodeUtf8(reader.sized());
  const displayName = (flags & HAS_DISPLAY_NAME) === 0 ? nick : decodeUtf8(reader.sized());
  const peer: Person | undefined =
    (flags & HAS_PEER) === 0
      ? undefined
      : {
          session: reader.uint53(),
          nick: decodeUtf8(reader.sized()),
          displayName: decodeUtf8(reader.sized()),
        };
  const text = decodeUtf8(reader.sized());
  const [tags = "", account = "", address = ""] = EXTRAS.map(({ flag }) =>
    (flags & flag) === 0 ? "" : decodeUtf8(reader.sized()),
  );
  return kind === undefined
    ? undefined
    : { sequence, timeMs, kind, rooms, session, nick, displayName, peer, text, tags, account, address };
}
