import { assert } from "../base/index.ts";
import { NameIndex } from "./nameIndex.ts";
import type { Protocol } from "./protocols.ts";

/** Given by the supervisor, never used twice with the same data directory: 1 to 2^53 − 2, so that there is a next. */
export type SessionId = number;

/** Given in the order of their making, never used twice with the same data directory: 1 to 2^31 − 1. */
export type RoomId = number;

/** There is no room after this one. */
export const ROOM_ID_MAX: RoomId = 2 ** 31 - 1;

/** In place of a room: none. */
export const NO_ROOM: RoomId = 0;

/** Where everybody starts. */
export const LOBBY: RoomId = 1;
export const LOBBY_NAME = "#lobby";

/** One session's place in one room. */
export interface Membership {
  readonly room: RoomId;
  /** The sequence number at which it entered. */
  readonly since: number;
  /** May kick, ban, mute, set topic and modes. */
  readonly operator: boolean;
  /** May speak where only some may. */
  readonly voice: boolean;
}

/** Somebody in the conversation. */
export interface Session {
  readonly id: SessionId;
  /** The process that serves it: only from there are its wishes heard. */
  readonly process: number;
  readonly protocol: Protocol;
  /** The sequence number at which it was seated first. */
  readonly since: number;
  /** ASCII; the identity. Empty until it arrives. */
  readonly nick: string;
  /** In any script; what is shown. Equal to the nick where there is no other. */
  readonly displayName: string;
  /** Why it is not there; empty: it is. */
  readonly away: string;
  /** The room that it speaks in when it names none. */
  readonly focus: RoomId;
  readonly rooms: ReadonlyMap<RoomId, Membership>;
}

export interface Topic {
  readonly text: string;
  /** The nick of who set it. */
  readonly by: string;
  readonly timeMs: number;
}

/** Who may not come in (ban), or may not speak (mute). */
export interface Restriction {
  readonly kind: "ban" | "mute";
  /** The nick that it holds for. */
  readonly nick: string;
  /** Whoever had that nick when it was put on, whatever it is called since; 0: nobody had it. */
  readonly session: SessionId;
  readonly by: string;
  readonly timeMs: number;
}

export interface Room {
  readonly id: RoomId;
  /** As `cleanRoomName` spells it. */
  readonly name: string;
  readonly topic: Topic | undefined;
  /** Only those with a voice, and operators, may speak. */
  readonly moderated: boolean;
  /** Only operators may set the topic. */
  readonly topicLocked: boolean;
  /** Is not listed, and its history is for its members alone. */
  readonly secret: boolean;
  /** In the order in which they were put on. */
  readonly restrictions: readonly Restriction[];
  /** The sequence number at which the last one left; 0 while somebody is in. */
  readonly emptySince: number;
}

/** What becomes of what is said: kept nowhere, kept, or lost for the moment. */
export type StoreState = "none" | "kept" | "failed";

/** What every process knows, and knows alike. Changed by `apply` alone. */
export interface ChatState {
  /** In the order of their arrival. */
  readonly sessions: Map<SessionId, Session>;
  /** What nobody else may be called, and whose it is. */
  readonly names: NameIndex<SessionId>;
  readonly rooms: Map<RoomId, Room>;
  /** What no other room may be called. */
  readonly roomNames: NameIndex<RoomId>;
  /** Who is in a room, in the order in which they entered. Follows from the sessions' rooms. */
  readonly members: Map<RoomId, Set<SessionId>>;
  nextGuest: number;
  nextRoom: RoomId;
  /** Greater than that of every session there ever was. */
  nextSession: SessionId;
  /** The history process; 0: none. */
  historyProcess: number;
  store: StoreState;
  /** Records up to this format are understood by every process. */
  format: number;
  /** Goes up with every change. No part of what is equal in all processes: it tells whether there is news to store. */
  changes: number;
}

const NOBODY: ReadonlySet<SessionId> = new Set();

/** What does not fit the bytes of a snapshot must never get into the state. */
export function isSessionId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value < Number.MAX_SAFE_INTEGER;
}

/** Process 0 is the supervisor, which serves nobody. */
export function isProcess(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= 0xffff;
}

/** The first state: the lobby, and nobody in it. */
export function createState(): ChatState {
  const state = createEmptyState();
  putRoom(state, newRoom(LOBBY, LOBBY_NAME));
  state.nextRoom = LOBBY + 1;
  return state;
}

/** Not even a lobby: to be filled from what was kept. */
export function createEmptyState(): ChatState {
  return {
    sessions: new Map(),
    names: new NameIndex(),
    rooms: new Map(),
    roomNames: new NameIndex(),
    members: new Map(),
    nextGuest: 1,
    nextRoom: LOBBY,
    nextSession: 1,
    historyProcess: 0,
    store: "none",
    format: 1,
    changes: 0,
  };
}

export function newRoom(id: RoomId, name: string): Room {
  return {
    id,
    name,
    topic: undefined,
    moderated: false,
    topicLocked: true,
    secret: false,
    restrictions: [],
    emptySince: 0,
  };
}

/** Puts a session in, or in place of what it was. Its names must be free, or its own, and its rooms must be there. */
export function putSession(state: ChatState, session: Session): void {
  state.changes += 1;
  const previous = state.sessions.get(session.id);
  if (previous !== undefined && hasOtherNames(previous, session)) forgetNames(state, previous);
  if (previous === undefined || hasOtherNames(previous, session)) {
    for (const name of namesOf(session)) {
      const isTaken = state.names.take(name, session.id);
      assert(isTaken, `somebody else is called ${name}`);
    }
  }
  if (previous?.rooms !== session.rooms) {
    for (const room of previous?.rooms.keys() ?? []) {
      if (!session.rooms.has(room)) state.members.get(room)?.delete(session.id);
    }
    for (const room of session.rooms.keys()) {
      const members = state.members.get(room);
      assert(members !== undefined, `session ${session.id} is in room ${room}, which does not exist`);
      members.add(session.id);
    }
  }
  state.sessions.set(session.id, session);
}

export function removeSession(state: ChatState, session: Session): void {
  state.changes += 1;
  forgetNames(state, session);
  for (const room of session.rooms.keys()) state.members.get(room)?.delete(session.id);
  state.sessions.delete(session.id);
}

/** Puts a room in, or in place of what it was. A room keeps its name. */
export function putRoom(state: ChatState, room: Room): void {
  state.changes += 1;
  if (!state.rooms.has(room.id)) {
    state.members.set(room.id, new Set());
    const isTaken = state.roomNames.take(room.name, room.id);
    assert(isTaken, `another room is called ${room.name}`);
  }
  state.rooms.set(room.id, room);
}

/** Forgets a room in which nobody is. */
export function removeRoom(state: ChatState, room: Room): void {
  state.changes += 1;
  assert(membersOf(state, room.id).size === 0, `room ${room.id} is not empty`);
  state.roomNames.release(room.name, room.id);
  state.members.delete(room.id);
  state.rooms.delete(room.id);
}

export function membersOf(state: ChatState, room: RoomId): ReadonlySet<SessionId> {
  return state.members.get(room) ?? NOBODY;
}

/** What it is called; nothing before it has arrived. */
export function namesOf({ nick, displayName }: Session): readonly string[] {
  if (nick === "") return [];
  return nick === displayName ? [nick] : [nick, displayName];
}

function hasOtherNames(previous: Session, session: Session): boolean {
  return previous.nick !== session.nick || previous.displayName !== session.displayName;
}

function forgetNames(state: ChatState, session: Session): void {
  for (const name of namesOf(session)) state.names.release(name, session.id);
}
