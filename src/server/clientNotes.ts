/*
 * What a process notes down of a client that is in the middle of something, for its successor, as bytes:
 *
 *   flags u8 (1 left, 2 is behind, 4 knows that it is) │ cursor u53 │
 *   questions u8 × (kind u8 │ before u53 │ …) │ items u16 × (1 │ question u53, or 2 │ length u32 │ bytes)
 */
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import type { HistoryQuestion } from "../chat/index.ts";

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
  /** It fell behind: the first sequence number that it lacks, and whether it has been told. */
  readonly lag: { readonly cursor: number; readonly isTold: boolean } | undefined;
  /** Not answered. */
  readonly questions: readonly AskedQuestion[];
  /** What waits for answers. */
  readonly held: readonly HeldItem[];
}

const LEFT = 1;
const BEHIND = 2;
const TOLD = 4;

const QUESTION_KINDS: readonly HistoryQuestion["kind"][] = ["replay", "recall", "search", "range"];
/** Earlier ones are not asked again by a successor: nobody has so many but who enters rooms by the hundred. */
const QUESTIONS_MAX = 64;

export function encodeNotes({ left, lag, questions, held }: ClientNotes): Uint8Array {
  const writer = new ByteWriter(256)
    .uint8((left ? LEFT : 0) | (lag === undefined ? 0 : BEHIND) | (lag?.isTold === true ? TOLD : 0))
    .uint53(lag?.cursor ?? 0);
  const latest = questions.slice(-QUESTIONS_MAX);
  writer.uint8(latest.length);
  for (const { question, before } of latest) {
    writer.uint8(QUESTION_KINDS.indexOf(question.kind)).uint53(before);
    if (question.kind === "search") writer.sized(encodeUtf8(question.text));
    else if (question.kind === "range") writer.uint53(question.from);
    else writer.uint32(question.room).uint16(question.limit);
  }
  writer.uint16(held.length);
  for (const item of held) {
    if ("question" in item) writer.uint8(1).uint53(item.question);
    else writer.uint8(2).uint32(item.length).raw(item);
  }
  return writer.finish();
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
  return {
    left: (flags & LEFT) !== 0,
    lag: (flags & BEHIND) === 0 ? undefined : { cursor, isTold: (flags & TOLD) !== 0 },
    questions,
    held,
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
  }
}
