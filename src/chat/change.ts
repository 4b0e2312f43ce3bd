import type { Effect, RefusalReason } from "./effect.ts";
import { type ChatState, type Room, type Session, putRoom, putSession } from "./state.ts";

/** Puts what a session has become in its place. */
export function change(state: ChatState, session: Session, what: Partial<Session>): Session {
  const changed = { ...session, ...what };
  putSession(state, changed);
  return changed;
}

/** Puts what a room has become in its place. */
export function changeRoom(state: ChatState, room: Room, what: Partial<Room>): Room {
  const changed = { ...room, ...what };
  putRoom(state, changed);
  return changed;
}

export function refuse(session: Session, reason: RefusalReason, about: string): readonly Effect[] {
  return [{ kind: "refused", session, reason, about }];
}
