/* What becomes of questions to the history process: whether they may be asked, and what the asker may read. */
import { decodeUtf8 } from "../base/index.ts";
import { refuse } from "./change.ts";
import type { Effect, HistoryQuestion } from "./effect.ts";
import { mayRead, roomMeant } from "./lookup.ts";
import type { Wish } from "./record.ts";
import type { ChatState, RoomId, Session } from "./state.ts";

/** So many messages can be asked for at once. */
export const RECALL_MAX = 500;

type HistoryWish = Extract<Wish, { kind: "recall" | "search" | "catchUp" }>;

export function askHistory(
  state: ChatState,
  session: Session,
  wish: HistoryWish,
  sequence: number,
): readonly Effect[] {
  if (state.store === "none") return refuse(session, "noHistory", "");
  const asked = (question: HistoryQuestion, rooms: readonly RoomId[]): readonly Effect[] => [
    { kind: "historyAsked", session, question, before: placeOf(wish, sequence), rooms },
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
  }
}

/** Nobody asks for what comes after the question. */
function placeOf({ before }: HistoryWish, sequence: number): number {
  return before > 0 && before < sequence ? before : sequence;
}
