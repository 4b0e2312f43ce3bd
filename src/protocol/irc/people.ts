/* What one client may know of who is here. */
import {
  type ChatState,
  type Room,
  type RoomId,
  type Session,
  foldNick,
  isStaff,
  sessionCalled,
} from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import { USER_MODE_LETTERS } from "./modes.ts";
import { hostOf } from "./server.ts";

/** `+iow`: those that it has set, and those that follow from who it is. */
export function userModesOf(session: Session): string {
  const letters = (Object.keys(USER_MODE_LETTERS) as (keyof typeof USER_MODE_LETTERS)[])
    .filter((flag) => session[flag])
    .map((flag) => USER_MODE_LETTERS[flag]);
  if (isStaff(session)) letters.push("o");
  if (session.account !== "") letters.push("r");
  return `+${letters.join("")}`;
}

/** All who have arrived, each once, however many clients they have. */
export function* everybody(state: ChatState): Generator<Session> {
  for (const session of state.sessions.values()) if (session.nick !== "") yield session;
}

/** Whoever has that nick: what is shown beside it counts for nothing. */
export function sessionWithNick(state: ChatState, nick: string): Session | undefined {
  const session = sessionCalled(state, nick);
  return session !== undefined && foldNick(session.nick) === foldNick(nick) ? session : undefined;
}

/** Whether it is found by who does not ask for it by name. */
export function isListedFor(asker: Session, session: Session): boolean {
  return !session.invisible || session.id === asker.id || sharesRoom(asker.rooms, session.rooms);
}

function sharesRoom(one: ReadonlyMap<RoomId, unknown>, other: ReadonlyMap<RoomId, unknown>): boolean {
  if (one.size > other.size) return sharesRoom(other, one);
  for (const room of one.keys()) if (other.has(room)) return true;
  return false;
}

/** The rooms that somebody is in, as far as another may know: those of who is invisible are its own affair. */
export function roomsShown(state: ChatState, asker: Session, session: Session): Room[] {
  const rooms = Array.from(session.rooms.keys(), (id) => state.rooms.get(id)!);
  return rooms.filter((room) => asker.rooms.has(room.id) || (!room.secret && !session.invisible));
}

/** How long it has said nothing. */
export function idleSeconds({ port }: IrcClient, { id, arrivedMs }: Session): number {
  const spokeMs = port.state.spokeMs.get(id) ?? arrivedMs;
  return Math.max(0, Math.floor((port.now() - spokeMs) / 1000));
}

/** The address that it comes from, where that is what others see of it. */
export function addressOf(session: Session): string | undefined {
  const host = hostOf(session);
  return /^[\d.]+$|:/.test(host) ? host : undefined;
}
