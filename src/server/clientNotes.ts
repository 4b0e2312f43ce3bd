/*
 * What a process notes down of a client that is in the middle of something, for its successor, as bytes:
 *
 *   flags u8 (1 left, 2 is behind, 4 knows that it is, 8 fresh) │ cursor u53 │
 *   questions u8 × (kind u8 │ before u53 │ …) │ items u16 × (1 │ question u53, or 2 │ length u32 │ bytes) │
 *   what it has asked the vault: length u16 │ bytes │ what its conversation notes: length u32 │ bytes
 */
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import type { HistoryQuestion, Page, PageOf, Place } from "../chat/index.ts";

/** Bytes for a client, or the place that is kept for the answer to the question with this place in the order. */
export type HeldItem = Uint8Array | { readonly question: number };

export interface AskedQuestion {
  readonly question: HistoryQuestion;
  /** What was ordered before this is asked for. */
  readonly before: number;
}

export interface ClientNotes {
  /** It has left, and only takes its last words. */
  readonly left: boolean;
  /** What it seems to speak is a guess, because it has said nothing yet. */
  readonly isFresh: boolean;
  /** It fell behind: the first sequence number that it lacks, and whether it has been told. */
  readonly lag: { readonly cursor: number; readonly isTold: boolean } | undefined;
  /** Not answered. */
  readonly questions: readonly AskedQuestion[];
  /** What waits for answers. */
  readonly held: readonly HeldItem[];
  /** What it has asked the vault, which has not answered; empty: nothing. */
  readonly vault: Uint8Array;
  /** Of its protocol; empty: nothing. */
  readonly conversation: Uint8Array;
}

const LEFT = 1;
const BEHIND = 2;
const TOLD = 4;
const FRESH = 8;

/** Their order, and that of `TAKES`, is part of the notes' bytes. */
const QUESTION_KINDS: readonly HistoryQuestion["kind"][] = [
  "replay",
  "recall",
  "search",
  "range",
  "page",
  "targets",
  "redact",
];
const TAKES: readonly Page["take"][] = ["oldest", "newest", "around"];
const EVENTS = 1;
/** What a place in the past is written behind. */
const NO_PLACE = 0;
const BY_SEQUENCE = 1;
const BY_TIME = 2;
/** Earlier ones are not asked again by a successor: nobody has so many but who enters rooms by the hundred. */
const QUESTIONS_MAX = 64;

export function encodeNotes(notes: ClientNotes): Uint8Array {
  const { lag, questions, held, vault, conversation } = notes;
  const writer = new ByteWriter(256).uint8(flagsOf(notes)).uint53(lag?.cursor ?? 0);
  const latest = questions.slice(-QUESTIONS_MAX);
  writer.uint8(latest.length);
  for (const { question, before } of latest) {
    writer.uint8(QUESTION_KINDS.indexOf(question.kind)).uint53(before);
    writeQuestion(writer, question);
  }
  writer.uint16(held.length);
  for (const item of held) {
    if ("question" in item) writer.uint8(1).uint53(item.question);
    else writer.uint8(2).uint32(item.length).raw(item);
  }
  return writer.sized(vault).uint32(conversation.length).raw(conversation).finish();
}

function flagsOf({ left, lag, isFresh }: ClientNotes): number {
  const behind = lag === undefined ? 0 : lag.isTold ? BEHIND | TOLD : BEHIND;
  return (left ? LEFT : 0) | behind | (isFresh ? FRESH : 0);
}

function writeQuestion(writer: ByteWriter, question: HistoryQuestion): void {
  switch (question.kind) {
    case "search":
      writer.sized(encodeUtf8(question.text));
      return;
    case "range":
      writer.uint53(question.from);
      return;
    case "replay":
    case "recall":
      writer.uint32(question.room).uint16(question.limit);
      return;
    case "page":
      writePageOf(writer, question.of);
      writePage(writer, question.page);
      return;
    case "targets":
      writer.uint53(question.afterMs).uint53(question.beforeMs).uint16(question.limit);
      return;
    case "redact":
      writer
        .uint32(question.room)
        .uint53(question.message)
        .uint8(question.isOperator ? 1 : 0)
        .sized(encodeUtf8(question.text));
  }
}

function writePageOf(writer: ByteWriter, of: PageOf): void {
  writer.uint32(of.room);
  if ("person" in of) writer.uint53(of.person).sized(encodeUtf8(of.nick));
}

function writePage(writer: ByteWriter, { after, before, take, limit, events }: Page): void {
  writer
    .uint8(TAKES.indexOf(take))
    .uint16(limit)
    .uint8(events ? EVENTS : 0);
  for (const place of [after, before]) {
    if (place === undefined) writer.uint8(NO_PLACE);
    else writer.uint8(place.by === "sequence" ? BY_SEQUENCE : BY_TIME).uint53(place.value);
  }
}

/** Undefined where nothing was noted. @throws TruncatedError or RangeError for what no process of ours noted */
export function decodeNotes(bytes: Uint8Array): ClientNotes | undefined {
  if (bytes.length === 0) return undefined;
  const reader = new ByteReader(bytes);
  const flags = reader.uint8();
  const cursor = reader.uint53();
  const questions: AskedQuestion[] = [];
  for (let left = reader.uint8(); left > 0; left -= 1) questions.push(readQuestion(reader));
  const held: HeldItem[] = [];
  for (let left = reader.uint16(); left > 0; left -= 1)
    held.push(reader.uint8() === 1 ? { question: reader.uint53() } : reader.raw(reader.uint32()).slice());
  const vault = reader.sized().slice();
  const conversation = reader.raw(reader.uint32()).slice();
  return {
    left: (flags & LEFT) !== 0,
    isFresh: (flags & FRESH) !== 0,
    lag: (flags & BEHIND) === 0 ? undefined : { cursor, isTold: (flags & TOLD) !== 0 },
    questions,
    held,
    vault,
    conversation,
  };
}

function readQuestion(reader: ByteReader): AskedQuestion {
  const kind = QUESTION_KINDS[reader.uint8()];
  const before = reader.uint53();
  if (kind === undefined) throw new RangeError("the notes of a client hold a question that is not known");
  switch (kind) {
    case "search":
      return { question: { kind, text: decodeUtf8(reader.sized()) }, before };
    case "range":
      return { question: { kind, from: reader.uint53() }, before };
    case "replay":
    case "recall":
      return { question: { kind, room: reader.uint32(), limit: reader.uint16() }, before };
    case "page":
      return { question: { kind, of: readPageOf(reader), page: readPage(reader) }, before };
    case "targets": {
      const [afterMs, beforeMs] = [reader.uint53(), reader.uint53()];
      return { question: { kind, afterMs, beforeMs, limit: reader.uint16() }, before };
    }
    case "redact": {
      const [room, message] = [reader.uint32(), reader.uint53()];
      const isOperator = reader.uint8() !== 0;
      return { question: { kind, room, message, text: decodeUtf8(reader.sized()), isOperator }, before };
    }
  }
}

function readPageOf(reader: ByteReader): PageOf {
  const room = reader.uint32();
  return room === 0 ? { room, person: reader.uint53(), nick: decodeUtf8(reader.sized()) } : { room };
}

function readPage(reader: ByteReader): Page {
  const take = TAKES[reader.uint8()];
  if (take === undefined) throw new RangeError("the notes of a client hold a page that is not known");
  const limit = reader.uint16();
  const events = (reader.uint8() & EVENTS) !== 0;
  return { take, limit, events, after: readPlace(reader), before: readPlace(reader) };
}

function readPlace(reader: ByteReader): Place | undefined {
  const by = reader.uint8();
  if (by === NO_PLACE) return undefined;
  return { by: by === BY_SEQUENCE ? "sequence" : "time", value: reader.uint53() };
}
