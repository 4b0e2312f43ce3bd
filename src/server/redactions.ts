import type { AccountRecord, EffectOf, Entry, HistoryQuestion, PersonId } from "../chat/index.ts";
import type { HistoryStore } from "../history/index.ts";

type Redaction = Extract<AccountRecord, { kind: "redacted" }>;
type RedactQuestion = Extract<HistoryQuestion, { kind: "redact" }>;

/** Why an entry is not deleted, for people, behind a code for programs. */
export interface RefusedRedaction {
  readonly refusal: string;
}

/**
 * What becomes of the wish to delete an entry, when everything before it is in the store: a record that says so, or a
 * refusal.
 *
 * Nothing is deleted here. The record is; when it comes back through the log, the entry goes, in the very transaction
 * that stores the record (see Recorder). So wherever a crash cuts in, nothing is half done: without the record nobody
 * has been told, and the question is asked again; with it, whoever stores the log from there on (a successor, or the
 * next start) deletes the entry. Had the entry gone first, a crash before the record would have left a message that is
 * gone from history and stays on every screen. Where two ask at once, two records may be said: the second finds nothing
 * to delete.
 */
export function decideRedaction(
  store: HistoryStore,
  { session, before }: EffectOf<"historyAsked">,
  question: RedactQuestion,
): Redaction | RefusedRedaction {
  const { room, message, text, isOperator } = question;
  const entry = message > 0 && message < before ? store.at(message) : undefined;
  if (entry === undefined || !isTold(entry) || !isOf(entry, room, session.person))
    return { refusal: "UNKNOWN_MSGID there is no such message" };
  if (entry.session !== session.person && !isOperator)
    return { refusal: "REDACT_FORBIDDEN it is somebody else's message" };
  const peer = room === 0 ? otherOf(entry, session.person) : 0;
  return { kind: "redacted", session: session.id, room, peer, message, text };
}

/** While nothing can be written, nothing can be deleted, and nobody is told that it was. */
export const UNWRITABLE: RefusedRedaction = {
  refusal: "REDACT_FORBIDDEN the history cannot be written at the moment",
};

const TOLD: ReadonlySet<Entry["kind"]> = new Set([
  "say",
  "act",
  "notice",
  "tag",
  "whisper",
  "whisperAct",
  "whisperNotice",
  "whisperTag",
]);

/** Somebody has told it others. What the server tells of them stays. */
function isTold({ kind }: Entry): boolean {
  return TOLD.has(kind);
}

/** Of no room: a whisper of the asker's, or to it. */
function isOf({ rooms, session, peer }: Entry, room: number, asker: PersonId): boolean {
  if (room !== 0) return rooms.includes(room);
  return rooms.length === 0 && (session === asker || peer?.session === asker);
}

function otherOf({ session, peer }: Entry, asker: PersonId): PersonId {
  return session === asker ? (peer?.session ?? asker) : session;
}
