import { assert } from "../base/index.ts";
import { NameIndex } from "./nameIndex.ts";
import { SERVICE_NAMES } from "./names.ts";
import type { Protocol } from "./protocols.ts";

/** Given by the supervisor, never used twice with the same data directory: 1 to 2^52 − 2, so that there is a next. */
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

/**
 * Who somebody is over time: for history, and for what holds for a person. A guest's is that of the session; that of
 * an account is `FIRST_ACCOUNT` or above, and the same whenever somebody is logged in to it.
 */
export type PersonId = number;

/** No session has such a number. */
export const FIRST_ACCOUNT: PersonId = 2 ** 52;

/** In place of a person: who is never here. */
export const NOBODY_AT_ALL: PersonId = 0;

/** What an account may do on the whole server. Its order is part of the records' bytes. */
export const ROLES = ["user", "moderator", "operator"] as const;
export type Role = (typeof ROLES)[number];

/** A name that is somebody's for good. Its secrets are elsewhere: see src/accounts/. */
export interface Account {
  readonly person: PersonId;
  readonly name: string;
  readonly role: Role;
  /** Up to when it has read, in milliseconds since 1970, by the folded name of the room or person. */
  readonly markers: ReadonlyMap<string, number>;
}

/** What one may do in a room, the highest first. IRC's letters for them are q, a, o, h and v. */
export const RANKS = ["founder", "admin", "operator", "halfOperator", "voice"] as const;
export type Rank = (typeof RANKS)[number];

/** One session's place in one room. */
export interface Membership {
  readonly room: RoomId;
  /** The sequence number at which it entered. */
  readonly since: number;
  /** Made the room, with an account: an operator whom operators cannot touch. */
  readonly founder: boolean;
  /** An operator whom other operators cannot touch. */
  readonly admin: boolean;
  /** May kick, ban, mute, set topic and modes. */
  readonly operator: boolean;
  /** May kick, ban and mute who is below, give voice, and set the topic. */
  readonly halfOperator: boolean;
  /** May speak where only some may. */
  readonly voice: boolean;
  /** When it spoke last, or entered, while the room had slow mode; 0: before it had. */
  readonly spokeMs: number;
}

/**
 * Somebody in the conversation; or one more client of somebody who is logged in with several: that has a *principal*,
 * whose name and rooms it shares, and none of its own.
 */
export interface Session {
  readonly id: SessionId;
  /** The process that serves it: only from there are its wishes heard. 0: its own connection has ended. */
  readonly process: number;
  readonly protocol: Protocol;
  /** The sequence number at which it was seated first. */
  readonly since: number;
  /** Whose client it is; its own id for most. */
  readonly principal: SessionId;
  readonly person: PersonId;
  /** The name of the account that it is logged in to; empty: a guest. */
  readonly account: string;
  readonly role: Role;
  /** The account that it has its role from, where it has proved to be that operator, too; 0: its own. */
  readonly operPerson: PersonId;
  /** What it says of itself: IRC's user name, real name, and that it is a program. */
  readonly user: string;
  readonly realName: string;
  readonly bot: boolean;
  /** Where it comes from, as others may see it. */
  readonly host: string;
  /** Wants to be left out of lists, by who shares no room with it. */
  readonly invisible: boolean;
  /** Wants to hear what operators tell all who do. */
  readonly wallops: boolean;
  readonly arrivedMs: number;
  /** ASCII; the identity. Empty until it arrives. */
  readonly nick: string;
  /** In any script; what is shown. Equal to the nick where there is no other. */
  readonly displayName: string;
  /** Why it is not there; empty: it is. */
  readonly away: string;
  /** Since when it has been without a client, as a sequence number; 0: it has one. */
  readonly absentSince: number;
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

/**
 * Who may not come in (ban), may not speak (mute), may do both all the same (exception), or needs no invitation
 * (invitation). Their order is part of the records' bytes.
 */
export const RESTRICTION_KINDS = ["ban", "mute", "exception", "invitation"] as const;
export type RestrictionKind = (typeof RESTRICTION_KINDS)[number];

export interface Restriction {
  readonly kind: RestrictionKind;
  /** The nick that it holds for; or a mask `nick!user@host`, in which `*` and `?` stand for anything. */
  readonly mask: string;
  /** Whoever had that nick when it was put on, whatever it is called since; 0: nobody had it, or it is a mask. */
  readonly person: PersonId;
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
  /** Only who was invited may come in. */
  readonly inviteOnly: boolean;
  /** Only members may speak. */
  readonly membersOnly: boolean;
  /** Only who is logged in to an account may come in. */
  readonly accountsOnly: boolean;
  /** Only who is logged in to an account, or has a voice, may speak. */
  readonly accountsSpeak: boolean;
  /** No CTCP but what somebody does ("/me"). */
  readonly noCtcp: boolean;
  /** What one has to know to come in; empty: nothing. */
  readonly key: string;
  /** So many members at most; 0: any number. */
  readonly limit: number;
  /** So many seconds between two messages of one member; 0: no slow mode. */
  readonly slowSeconds: number;
  /** When it was made; 0: with the server, or by an import. */
  readonly madeMs: number;
  /** Who may come in once, in the order of the invitations. */
  readonly invited: ReadonlySet<PersonId>;
  /** In the order in which they were put on. */
  readonly restrictions: readonly Restriction[];
  /** The sequence number at which the last one left; 0 while somebody is in. */
  readonly emptySince: number;
}

/** What holds on the whole server. */
export interface Policy {
  /** Who logs in stays in its rooms without a connection. */
  readonly persistence: boolean;
  /** Nobody says these words: folded. In the order in which they were put on. */
  readonly filters: readonly string[];
  /** Who may say what looks like a link. */
  readonly links: "everybody" | "accounts" | "nobody";
  /** Who may not speak anywhere, by nick or mask. */
  readonly silenced: readonly Restriction[];
  /** Whoever has come since this sequence number without an account can only read; 0: the shield is down. */
  readonly shieldSince: number;
}

/** Somebody who is not here any more, or not by that name: for WHOWAS. */
export interface Departed {
  readonly nick: string;
  readonly user: string;
  readonly host: string;
  readonly realName: string;
  readonly account: string;
  readonly timeMs: number;
}

/** What becomes of what is said: kept nowhere, kept, or lost for the moment. */
export type StoreState = "none" | "kept" | "failed";

/** What every process knows, and knows alike. Changed by `apply` alone. */
export interface ChatState {
  /** In the order of their arrival. */
  readonly sessions: Map<SessionId, Session>;
  /**
   * What nobody else may be called, and whose it is. An account's name is its own also while nobody uses it; those of
   * services are `NOBODY_AT_ALL`'s.
   */
  readonly names: NameIndex<PersonId>;
  readonly accounts: Map<PersonId, Account>;
  /** Who is logged in: the principal. Follows from the sessions. */
  readonly loggedIn: Map<PersonId, SessionId>;
  /** The clients of a principal that has others than itself, by their numbers. Follows from the sessions. */
  readonly attached: Map<SessionId, Set<SessionId>>;
  policy: Policy;
  /** The latest last. */
  departed: readonly Departed[];
  readonly rooms: Map<RoomId, Room>;
  /** What no other room may be called. */
  readonly roomNames: NameIndex<RoomId>;
  /** The same by their names to the letter, which need not be folded: what is said most names its room like that. */
  readonly roomIds: Map<string, RoomId>;
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
  /**
   * When each has spoken last, in milliseconds since 1970, for who asks. Apart from the sessions, which are stored as
   * they change; so it is not stored, and nothing is decided by it.
   */
  readonly spokeMs: Map<SessionId, number>;
  /** Goes up with every change. No part of what is equal in all processes: it tells whether there is news to store. */
  changes: number;
}

const NOBODY: ReadonlySet<SessionId> = new Set();
const NO_ROOMS: Session["rooms"] = new Map();

/** What does not fit the bytes of a snapshot must never get into the state. */
export function isSessionId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value < FIRST_ACCOUNT - 1;
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
  const names = new NameIndex<PersonId>();
  // In capitals, too: those look like others than small letters do.
  for (const name of SERVICE_NAMES.flatMap((each) => [each, each.toUpperCase()]))
    names.take(name, NOBODY_AT_ALL);
  return {
    sessions: new Map(),
    names,
    accounts: new Map(),
    loggedIn: new Map(),
    attached: new Map(),
    policy: { persistence: false, filters: [], links: "everybody", silenced: [], shieldSince: 0 },
    departed: [],
    rooms: new Map(),
    roomNames: new NameIndex(),
    roomIds: new Map(),
    members: new Map(),
    nextGuest: 1,
    nextRoom: LOBBY,
    nextSession: 1,
    historyProcess: 0,
    store: "none",
    format: 1,
    spokeMs: new Map(),
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
    inviteOnly: false,
    membersOnly: true,
    accountsOnly: false,
    accountsSpeak: false,
    noCtcp: false,
    key: "",
    limit: 0,
    slowSeconds: 0,
    madeMs: 0,
    invited: new Set(),
    restrictions: [],
    emptySince: 0,
  };
}

/** Somebody who has just been seated: nobody yet. */
export function newSession(seat: Pick<Session, "id" | "process" | "protocol" | "host" | "since">): Session {
  return {
    ...seat,
    principal: seat.id,
    person: seat.id,
    account: "",
    role: "user",
    operPerson: 0,
    user: "",
    realName: "",
    bot: false,
    invisible: false,
    wallops: false,
    arrivedMs: 0,
    nick: "",
    displayName: "",
    away: "",
    absentSince: 0,
    focus: NO_ROOM,
    rooms: NO_ROOMS,
  };
}

/**
 * Puts a session in, or in place of what it was. Its names must be free, or its own, and its rooms and its principal
 * must be there.
 */
export function putSession(state: ChatState, session: Session): void {
  state.changes += 1;
  const previous = state.sessions.get(session.id);
  putNames(state, previous, session);
  putRooms(state, previous, session);
  if (previous === undefined || !hasSameIdentity(previous, session)) {
    if (previous !== undefined) forgetIdentity(state, previous);
    rememberIdentity(state, session);
  }
  state.sessions.set(session.id, session);
}

function putNames(state: ChatState, previous: Session | undefined, session: Session): void {
  if (previous !== undefined && !hasOtherNames(previous, session)) return;
  if (previous !== undefined) forgetNames(state, previous);
  for (const name of namesOf(session)) {
    const isTaken = state.names.take(name, session.person);
    assert(isTaken, `somebody else is called ${name}`);
  }
}

function putRooms(state: ChatState, previous: Session | undefined, session: Session): void {
  if (previous?.rooms === session.rooms) return;
  for (const room of previous?.rooms.keys() ?? []) {
    if (!session.rooms.has(room)) state.members.get(room)?.delete(session.id);
  }
  for (const room of session.rooms.keys()) {
    const members = state.members.get(room);
    assert(members !== undefined, `session ${session.id} is in room ${room}, which does not exist`);
    members.add(session.id);
  }
}

/** Of one that has other clients, those have to go first. */
export function removeSession(state: ChatState, session: Session): void {
  assert(!state.attached.has(session.id), `session ${session.id} has other clients`);
  state.changes += 1;
  forgetNames(state, session);
  for (const room of session.rooms.keys()) state.members.get(room)?.delete(session.id);
  forgetIdentity(state, session);
  state.spokeMs.delete(session.id);
  state.sessions.delete(session.id);
}

function hasSameIdentity(previous: Session, session: Session): boolean {
  const isAs = previous.person === session.person && previous.principal === session.principal;
  return isAs && (previous.nick === "") === (session.nick === "");
}

/** Who is logged in and here, and whose client is whose. */
function rememberIdentity(state: ChatState, { id, principal, person, nick }: Session): void {
  if (principal !== id) {
    const others = state.attached.get(principal) ?? [];
    state.attached.set(principal, new Set([...others, id].toSorted((one, other) => one - other)));
  } else if (person !== id && nick !== "") state.loggedIn.set(person, id);
}

function forgetIdentity(state: ChatState, { id, principal, person }: Session): void {
  const clients = state.attached.get(principal);
  if (principal !== id && clients?.delete(id) === true && clients.size === 0)
    state.attached.delete(principal);
  if (state.loggedIn.get(person) === id) state.loggedIn.delete(person);
}

/** The session whose name and rooms a client has: its own, for most. */
export function principalOf(state: ChatState, client: Session): Session {
  return client.principal === client.id ? client : state.sessions.get(client.principal)!;
}

/** The sessions by which somebody is connected: its own, and those that are attached to it. */
export function clientsOf(state: ChatState, session: Session): readonly SessionId[] {
  const attached = state.attached.get(session.id);
  const own = session.process === 0 ? [] : [session.id];
  return attached === undefined ? own : [...own, ...attached];
}

/** Puts an account in, or in place of what it was. Its name must be free, or its own. It keeps its name. */
export function putAccount(state: ChatState, account: Account): void {
  state.changes += 1;
  if (!state.accounts.has(account.person)) {
    const isTaken = state.names.take(account.name, account.person);
    assert(isTaken, `somebody else is called ${account.name}`);
  }
  state.accounts.set(account.person, account);
}

export function removeAccount(state: ChatState, account: Account): void {
  state.changes += 1;
  state.names.release(account.name, account.person);
  state.accounts.delete(account.person);
}

/** Puts a room in, or in place of what it was. Its name must be free, or its own. */
export function putRoom(state: ChatState, room: Room): void {
  state.changes += 1;
  const previous = state.rooms.get(room.id);
  if (previous === undefined) state.members.set(room.id, new Set());
  if (previous?.name !== room.name) {
    if (previous !== undefined) {
      state.roomNames.release(previous.name, room.id);
      state.roomIds.delete(previous.name);
    }
    state.roomIds.set(room.name, room.id);
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
  state.roomIds.delete(room.name);
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
  return (
    previous.nick !== session.nick ||
    previous.displayName !== session.displayName ||
    previous.person !== session.person
  );
}

function forgetNames(state: ChatState, session: Session): void {
  for (const name of namesOf(session)) state.names.release(name, session.person);
}
