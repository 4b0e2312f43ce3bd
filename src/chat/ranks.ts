/* Who may do what in a room, and to whom. */
import { refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { roomMeant } from "./lookup.ts";
import {
  type ChatState,
  type Membership,
  RANKS,
  type Rank,
  type Room,
  type RoomId,
  type Session,
  membersOf,
} from "./state.ts";

/** How much one may do: each level is a rank's, and above all of them is who moderates the whole server. */
export const Level = {
  none: 0,
  voice: 1,
  halfOperator: 2,
  operator: 3,
  admin: 4,
  founder: 5,
  staff: 6,
} as const;

/** Of a member's highest rank. */
export function levelOf(membership: Membership): number {
  for (const rank of RANKS) if (membership[rank]) return Level[rank];
  return Level.none;
}

/** What a member may do, the server's moderators included. */
export function powerIn(session: Session, room: RoomId): number {
  const membership = session.rooms.get(room);
  if (membership === undefined) return Level.none;
  return isStaff(session) ? Level.staff : levelOf(membership);
}

/** May moderate the whole server. */
export function isStaff({ role }: Session): boolean {
  return role !== "user";
}

/** Whether somebody is in a room and has this rank there, or a higher one; staff of the server as any other member. */
export function hasRank(session: Session, room: RoomId, rank: Rank): boolean {
  const membership = session.rooms.get(room);
  return membership !== undefined && levelOf(membership) >= Level[rank];
}

/** Whether somebody runs a room. */
export function isOperator(session: Session, room: RoomId): boolean {
  return hasRank(session, room, "operator");
}

export function hasOtherOperator(state: ChatState, session: Session, room: RoomId): boolean {
  for (const member of membersOf(state, room))
    if (member !== session.id && isOperator(state.sessions.get(member)!, room)) return true;
  return false;
}

/** Whose ranks one may change, and which, goes by this: to make somebody an operator one has to be one. */
export function powerNeededFor(rank: Rank): number {
  switch (rank) {
    case "voice":
      return Level.halfOperator;
    case "halfOperator":
    case "operator":
      return Level.operator;
    case "admin":
    case "founder":
      return Level.founder;
  }
}

/** Whether one may do something to another member: to nobody of a higher rank, and half-operators not to each other. */
export function mayTouch(session: Session, target: Session, room: RoomId): boolean {
  if (session.id === target.id) return true;
  const membership = target.rooms.get(room);
  const level = membership === undefined ? Level.none : levelOf(membership);
  const power = powerIn(session, room);
  return power > level || (power === level && power >= Level.operator);
}

/** What only somebody who is in a room may do there. */
export function asMember(
  state: ChatState,
  session: Session,
  name: string,
  act: (room: Room) => readonly Effect[],
): readonly Effect[] {
  const room = roomMeant(state, session, name);
  if (room === undefined || !session.rooms.has(room.id))
    return refuse(session, name === "" ? "noRoom" : "notInRoom", name);
  return act(room);
}

/** What only who has so much power in a room may do there. */
export function withPower(
  state: ChatState,
  session: Session,
  name: string,
  power: number,
  act: (room: Room) => readonly Effect[],
): readonly Effect[] {
  return asMember(state, session, name, (room) =>
    powerIn(session, room.id) >= power ? act(room) : refuse(session, "notOperator", room.name),
  );
}
