import { matchesMask, normaliseMask } from "./mask.ts";
import { isSameName } from "./nameIndex.ts";
import { cleanRoomName, foldNick } from "./names.ts";
import {
  type ChatState,
  FIRST_ACCOUNT,
  LOBBY,
  type Restriction,
  type Room,
  type RoomId,
  type Session,
  membersOf,
} from "./state.ts";

/** Whoever is called so, by nick or display name. An account's name alone calls nobody. */
export function sessionCalled(state: ChatState, name: string): Session | undefined {
  const owner = state.names.ownerOf(name);
  if (owner === undefined) return undefined;
  if (owner < FIRST_ACCOUNT) return state.sessions.get(owner);
  const id = state.loggedIn.get(owner);
  const session = id === undefined ? undefined : state.sessions.get(id);
  const isCalled = (each: string): boolean => isSameName(each, name);
  return session !== undefined && (isCalled(session.nick) || isCalled(session.displayName))
    ? session
    : undefined;
}

export function roomCalled(state: ChatState, name: string): Room | undefined {
  const known = state.roomIds.get(name);
  if (known !== undefined) return state.rooms.get(known);
  const clean = cleanRoomName(name);
  const room = clean === undefined ? undefined : state.roomNames.ownerOf(clean);
  return room === undefined ? undefined : state.rooms.get(room);
}

/** The room of that name; without one, the room that the session has in focus. */
export function roomMeant(state: ChatState, session: Session, name: string): Room | undefined {
  return name === "" ? state.rooms.get(session.focus) : roomCalled(state, name);
}

/**
 * What lists a session is on, for a room or for the whole server: by what it is called, whoever it was when it was put
 * there, or a mask of `nick!user@host`.
 */
export function restrictionOn(
  restrictions: readonly Restriction[],
  session: Session,
  kind: Restriction["kind"],
): Restriction | undefined {
  if (restrictions.length === 0) return undefined;
  const { person, nick, user, host } = session;
  const folded = foldNick(nick);
  let address: string | undefined;
  return restrictions.find((each) => {
    if (each.kind !== kind) return false;
    if (each.person !== 0 && each.person === person) return true;
    if (isMask(each.mask)) return matchesMask(each.mask, (address ??= `${nick}!${user}@${host}`));
    return each.mask.length === nick.length && foldNick(each.mask) === folded;
  });
}

/** In characters. */
const MASK_CHARACTERS_MAX = 128;
/** What a list of IRC could not show. */
const NOT_OF_MASKS = /[\0- ,\x7f]/;

/** The whole mask that somebody means; undefined for what can be none. */
export function cleanMask(text: string): string | undefined {
  const mask = normaliseMask(text);
  const isFine = text !== "" && mask.length <= MASK_CHARACTERS_MAX && !NOT_OF_MASKS.test(mask);
  return isFine ? mask : undefined;
}

/** A nick alone is none. */
export function isMask(text: string): boolean {
  return /[!@*?]/.test(text);
}

/** What keeps a session out of a room. */
export function banOn(room: Room, session: Session): Restriction | undefined {
  const ban = restrictionOn(room.restrictions, session, "ban");
  return ban === undefined || isExcepted(room, session) ? undefined : ban;
}

/** What keeps a session from speaking in a room. */
export function muteOn(room: Room, session: Session): Restriction | undefined {
  const mute = restrictionOn(room.restrictions, session, "mute");
  return mute === undefined || isExcepted(room, session) ? undefined : mute;
}

function isExcepted(room: Room, session: Session): boolean {
  return restrictionOn(room.restrictions, session, "exception") !== undefined;
}

/** Whether a session may see what was said in a room: its members may, and all whom nothing keeps from entering. */
export function mayRead(session: Session, room: Room): boolean {
  if (session.rooms.has(room.id)) return true;
  if (room.secret || room.inviteOnly || room.key !== "") return false;
  if (room.accountsOnly && session.account === "") return false;
  return banOn(room, session) === undefined;
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
