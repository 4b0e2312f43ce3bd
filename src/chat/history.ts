/* What becomes of questions to the history process: whether they may be asked, and what the asker may read. */
import { decodeUtf8 } from "../base/index.ts";
import { refuse } from "./change.ts";
import type { Effect, HistoryQuestion, PageOf } from "./effect.ts";
import { mayRead, roomCalled, roomMeant } from "./lookup.ts";
import { isOperator } from "./ranks.ts";
import { shortReason } from "./reasons.ts";
import type { Wish } from "./record.ts";
import type { ChatState, RoomId, Session, SessionId } from "./state.ts";

/** So many messages can be asked for at once. */
export const RECALL_MAX = 500;
/** And so many of one page, or rooms and people. */
export const PAGE_MAX = 500;

type HistoryWish = Extract<Wish, { kind: "recall" | "search" | "catchUp" | "page" | "targets" | "redact" }>;

/** @param client which of the clients of whoever asks */
export function askHistory(
  state: ChatState,
  session: Session,
  wish: HistoryWish,
  sequence: number,
  client: SessionId,
): readonly Effect[] {
  if (state.store === "none") return refuse(session, "noHistory", "");
  const asked = (question: HistoryQuestion, rooms: readonly RoomId[]): readonly Effect[] => [
    { kind: "historyAsked", session, client, question, before: placeOf(wish, sequence), rooms },
  ];
  switch (wish.kind) {
    case "recall": {
      const { room: name, limit } = wish;
      const room = roomMeant(state, session, name);
      if (room === undefined) return refuse(session, name === "" ? "noRoom" : "noSuchRoom", name);
      if (!mayRead(session, room)) return refuse(session, "noSuchRoom", name);
      return asked({ kind: "recall", room: room.id, limit: Math.min(limit, RECALL_MAX) }, [room.id]);
    }
    case "search":
      // Who answers works out what may be read: with many rooms that is too much for every process to do.
      return asked({ kind: "search", text: decodeUtf8(wish.text) }, []);
    case "catchUp":
      return asked({ kind: "range", from: wish.from }, [...session.rooms.keys()]);
    case "page": {
      const of = pastMeant(state, session, wish.target);
      if (of === undefined) return refuse(session, "noSuchRoom", wish.target);
      const page = { ...wish.page, limit: Math.min(wish.page.limit, PAGE_MAX) };
      return asked({ kind: "page", of, page }, of.room === 0 ? [] : [of.room]);
    }
    case "targets": {
      const { afterMs, beforeMs, limit } = wish;
      const question = { kind: "targets", afterMs, beforeMs, limit: Math.min(limit, PAGE_MAX) } as const;
      return asked(question, [...session.rooms.keys()]);
    }
    case "redact": {
      const { target, message, text } = wish;
      const isModerator = session.role !== "user";
      const question = { kind: "redact", message, text: decodeUtf8(shortReason(text)) } as const;
      // Whom it was whispered to, the entry says.
      if (!isRoomName(target)) return asked({ ...question, room: 0, isOperator: isModerator }, []);
      const room = roomCalled(state, target);
      if (room === undefined || !mayRead(session, room)) return refuse(session, "noSuchRoom", target);
      if (!session.rooms.has(room.id)) return refuse(session, "notInRoom", room.name);
      const runs = isModerator || isOperator(session, room.id);
      return asked({ ...question, room: room.id, isOperator: runs }, [room.id]);
    }
  }
}

/** No nick begins so. */
function isRoomName(target: string): boolean {
  return target.startsWith("#");
}

/** Undefined for a room whose past is not for the asker. */
function pastMeant(state: ChatState, session: Session, target: string): PageOf | undefined {
  if (!isRoomName(target)) return { room: 0, person: state.names.ownerOf(target) ?? 0, nick: target };
  const room = roomCalled(state, target);
  return room === undefined || !mayRead(session, room) ? undefined : { room: room.id };
}

/** Nobody asks for what comes after the question. */
function placeOf({ before }: HistoryWish, sequence: number): number {
  return before > 0 && before < sequence ? before : sequence;
}
