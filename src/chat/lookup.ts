import { cleanRoomName, foldNick } from "./names.ts";
import {
  type ChatState,
  LOBBY,
  type Restriction,
  type Room,
  type RoomId,
  type Session,
  membersOf,
} from "./state.ts";

/** Whoever is called so, by nick or display name. */
export function sessionCalled(state: ChatState, name: string): Session | undefined {
  const owner = state.names.ownerOf(name);
  return owner === undefined ? undefined : state.sessions.get(owner);
}

export function roomCalled(state: ChatState, name: string): Room | undefined {
  const clean = cleanRoomName(name);
  const room = clean === undefined ? undefined : state.roomNames.ownerOf(clean);
  return room === undefined ? undefined : state.rooms.get(room);
}

/** The room of that name; without one, the room that the session has in focus. */
export function roomMeant(state: ChatState, session: Session, name: string): Room | undefined {
  return name === "" ? state.rooms.get(session.focus) : roomCalled(state, name);
}

export function isOperator(session: Session, room: RoomId): boolean {
  return session.rooms.get(room)?.operator ?? false;
}

/** What keeps a session from entering a room, or from speaking in it. */
export function restrictionOn(
  room: Room,
  session: Session,
  kind: Restriction["kind"],
): Restriction | undefined {
  if (room.restrictions.length === 0) return undefined;
  const { id, nick } = session;
  const folded = foldNick(nick);
  return room.restrictions.find(
    (each) =>
      each.kind === kind &&
      (each.session === id || (each.nick.length === nick.length && foldNick(each.nick) === folded)),
  );
}

/** Whether a session may see what was said in a room: its members may, and all whom nothing keeps from entering. */
export function mayRead(session: Session, room: Room): boolean {
  if (session.rooms.has(room.id)) return true;
  return !room.secret && restrictionOn(room, session, "ban") === undefined;
}

export function readableRooms(state: ChatState, session: Session): RoomId[] {
  const readable: RoomId[] = [];
  for (const room of state.rooms.values()) if (mayRead(session, room)) readable.push(room.id);
  return readable;
}

/** Rooms that a session may know of: secret ones only if it is in them. */
export function visibleRooms(state: ChatState, session: Session): Room[] {
  return [...state.rooms.values()].filter(
    (room) => !room.secret || session.rooms.has(room.id) || room.id === LOBBY,
  );
}

export function sessionsIn(state: ChatState, room: RoomId): Session[] {
  return Array.from(membersOf(state, room), (id) => state.sessions.get(id)!);
}
