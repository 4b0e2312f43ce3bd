/* What becomes of the wishes that concern rooms. */
import { decodeUtf8 } from "../base/index.ts";
import { change, changeRoom, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { RECALL_MAX } from "./history.ts";
import { isOperator, mayRead, restrictionOn, roomCalled, roomMeant, sessionCalled } from "./lookup.ts";
import { cleanRoomName, foldNick, isNick } from "./names.ts";
import type { Question, Wish } from "./record.ts";
import {
  type ChatState,
  LOBBY,
  type Membership,
  NO_ROOM,
  ROOM_ID_MAX,
  type Restriction,
  type Room,
  type RoomId,
  type Session,
  membersOf,
  newRoom,
  putRoom,
  removeRoom,
} from "./state.ts";

/**
 * So many rooms are remembered. For a new one the one is forgotten that has been empty longest, of those that nobody
 * has made anything of: a topic, a ban, a mode are kept.
 */
export const ROOMS_MAX = 4096;
/** So many rooms at once for one person. */
export const ROOMS_OF_A_SESSION_MAX = 50;
/** Bans and mutes of one room, together. */
export const RESTRICTIONS_MAX = 200;
/** In bytes of UTF-8. */
export const TOPIC_BYTES_MAX = 400;

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);
const NO_TEXT = new Uint8Array(0);

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

const SPOKEN = { say: "said", act: "acted", notice: "noticed" } as const;

export function speak(
  state: ChatState,
  session: Session,
  { kind, room: name, text }: WishOf<"say" | "act" | "notice">,
): readonly Effect[] {
  const room = roomMeant(state, session, name);
  if (room === undefined) return refuse(session, name === "" ? "noRoom" : "noSuchRoom", name);
  const membership = session.rooms.get(room.id);
  // That there is a secret room is a secret, too.
  if (membership === undefined) return refuse(session, room.secret ? "noSuchRoom" : "notInRoom", room.name);
  const silence = silenceOf(room, session, membership);
  if (silence !== undefined) return refuse(session, silence, room.name);
  return [{ kind: SPOKEN[kind], session, room, text }];
}

/** Why a member may not speak; undefined: it may. */
function silenceOf(room: Room, session: Session, membership: Membership): "muted" | "moderated" | undefined {
  if (membership.operator) return undefined;
  if (restrictionOn(room, session, "mute") !== undefined) return "muted";
  return room.moderated && !membership.voice ? "moderated" : undefined;
}

/** Whether its last words may be heard: in every room that it is in. */
export function maySpeakEverywhere(state: ChatState, session: Session): boolean {
  for (const membership of session.rooms.values())
    if (silenceOf(state.rooms.get(membership.room)!, session, membership) !== undefined) return false;
  return true;
}

export function join(
  state: ChatState,
  session: Session,
  name: string,
  replay: number,
  sequence: number,
): readonly Effect[] {
  const known = roomCalled(state, name);
  if (known !== undefined && session.rooms.has(known.id)) {
    const focused = change(state, session, { focus: known.id });
    return [{ kind: "focused", session: focused, room: known }];
  }
  if (session.rooms.size >= ROOMS_OF_A_SESSION_MAX) return refuse(session, "tooManyRooms", name);
  if (known !== undefined) return enter(state, session, known.id, replay, sequence);
  const clean = cleanRoomName(name);
  if (clean === undefined) return refuse(session, "roomNameMalformed", name);
  if (!state.roomNames.isFree(clean, state.nextRoom)) return refuse(session, "roomNameTaken", clean);
  if (state.nextRoom > ROOM_ID_MAX) return refuse(session, "tooManyRooms", clean);
  if (state.rooms.size >= ROOMS_MAX && !forgetOne(state)) return refuse(session, "tooManyRooms", clean);
  return enter(state, session, makeRoom(state, clean, 0).id, replay, sequence);
}

/**
 * Makes a room in which nobody is, unless `faultOfRooms` has something against it. No other room is forgotten for it:
 * what was imported may wait, those who are here come first.
 */
export function found(state: ChatState, name: string, sequence: number): void {
  if (faultOfRooms(state, [name]) === undefined) makeRoom(state, cleanRoomName(name)!, sequence);
}

/** Why `found` could not make rooms of these names, for people; undefined: it can. */
export function faultOfRooms(state: ChatState, names: readonly string[]): string | undefined {
  for (const name of names) {
    const clean = cleanRoomName(name);
    if (clean === undefined) return `${name} cannot be the name of a room`;
    if (!state.roomNames.isFree(clean, state.nextRoom))
      return `${name} is too much like the name of another room`;
  }
  const isRoom = state.rooms.size + names.length <= ROOMS_MAX && state.nextRoom + names.length <= ROOM_ID_MAX;
  return isRoom ? undefined : `there would be more than ${ROOMS_MAX} rooms`;
}

function makeRoom(state: ChatState, name: string, emptySince: number): Room {
  const room = { ...newRoom(state.nextRoom, name), emptySince };
  state.nextRoom += 1;
  putRoom(state, room);
  return room;
}

/** An empty room that nobody has made anything of makes place; false where there is none. The lobby stays. */
function forgetOne(state: ChatState): boolean {
  let oldest: Room | undefined;
  for (const room of state.rooms.values()) {
    if (room.id === LOBBY || membersOf(state, room.id).size > 0 || isFurnished(room)) continue;
    if (oldest === undefined || room.emptySince < oldest.emptySince) oldest = room;
  }
  if (oldest === undefined) return false;
  removeRoom(state, oldest);
  return true;
}

function isFurnished({ topic, restrictions, moderated, topicLocked, secret }: Room): boolean {
  return topic !== undefined || restrictions.length > 0 || moderated || secret || !topicLocked;
}

/** Who comes into an empty room runs it: there is nobody else to do so. */
export function enter(
  state: ChatState,
  session: Session,
  id: RoomId,
  replay: number,
  sequence: number,
): readonly Effect[] {
  const room = state.rooms.get(id)!;
  if (restrictionOn(room, session, "ban") !== undefined) return refuse(session, "banned", room.name);
  const isFirst = membersOf(state, id).size === 0;
  const membership: Membership = { room: id, since: sequence, operator: isFirst, voice: false };
  const joined = change(state, session, {
    focus: id,
    rooms: new Map(session.rooms).set(id, membership),
  });
  const entered = room.emptySince === 0 ? room : changeRoom(state, room, { emptySince: 0 });
  const effect: Effect = { kind: "joined", session: joined, room: entered };
  const limit = Math.min(replay, RECALL_MAX);
  if (limit === 0 || state.store === "none") return [effect];
  return [
    effect,
    {
      kind: "historyAsked",
      session: joined,
      question: { kind: "replay", room: id, limit },
      before: sequence,
      rooms: [id],
    },
  ];
}

export function part(
  state: ChatState,
  session: Session,
  { room: name, text }: WishOf<"part">,
  sequence: number,
): readonly Effect[] {
  return asMember(state, session, name, (room) => {
    // Who may not speak may not do so in leaving, either.
    const isSilent = silenceOf(room, session, session.rooms.get(room.id)!) !== undefined;
    const words = isSilent ? NO_TEXT : text;
    return [{ kind: "parted", session, room, text: words }, ...removeFrom(state, session, room.id, sequence)];
  });
}

/** Leaves all rooms, and leaves none without somebody to run it. */
export function vacate(state: ChatState, session: Session, sequence: number): readonly Effect[] {
  return [...session.rooms.keys()].flatMap((room) =>
    removeFrom(state, state.sessions.get(session.id)!, room, sequence),
  );
}

/** Takes a session out of a room. Where it was the last to run it, whoever has been there longest does from now on. */
function removeFrom(state: ChatState, session: Session, id: RoomId, sequence: number): readonly Effect[] {
  const rooms = new Map(session.rooms);
  rooms.delete(id);
  const focus = session.focus === id ? ([...rooms.keys()].at(-1) ?? NO_ROOM) : session.focus;
  change(state, session, { rooms, focus });
  const room = state.rooms.get(id)!;
  const members = membersOf(state, id);
  const [longest] = members;
  if (longest === undefined) {
    changeRoom(state, room, { emptySince: sequence });
    return NO_EFFECTS;
  }
  if (!isOperator(session, id) || hasOtherOperator(state, session, id)) return NO_EFFECTS;
  const heir = setRank(state, state.sessions.get(longest)!, id, { operator: true });
  return [{ kind: "modeSet", session: undefined, room, mode: "operator", on: true, target: heir }];
}

export function topic(
  state: ChatState,
  session: Session,
  { room: name, text }: WishOf<"topic">,
  timeMs: number,
): readonly Effect[] {
  return asMember(state, session, name, (room) => {
    if (room.topicLocked && !isOperator(session, room.id)) return refuse(session, "notOperator", room.name);
    if (text.length > TOPIC_BYTES_MAX) return refuse(session, "tooLong", `${TOPIC_BYTES_MAX} bytes`);
    const changed = changeRoom(state, room, {
      topic: text.length === 0 ? undefined : { text: decodeUtf8(text), by: session.nick, timeMs },
    });
    return [{ kind: "topicSet", session, room: changed }];
  });
}

export function kick(
  state: ChatState,
  session: Session,
  { room: name, target: targetName, text }: WishOf<"kick">,
  sequence: number,
): readonly Effect[] {
  return asOperator(state, session, name, (room) => {
    const target = sessionCalled(state, targetName);
    if (target === undefined) return refuse(session, "noSuchName", targetName);
    if (!target.rooms.has(room.id)) return refuse(session, "targetNotInRoom", target.displayName);
    return [{ kind: "kicked", session, target, room, text }, ...removeFrom(state, target, room.id, sequence)];
  });
}

/** A ban takes who is in out of the room, too. */
export function ban(
  state: ChatState,
  session: Session,
  wish: WishOf<"ban" | "mute">,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const effects = restrict(state, session, wish, timeMs);
  const [first] = effects;
  if (first?.kind !== "restricted" || !wish.on) return effects;
  const target = state.sessions.get(first.restriction.session);
  if (target === undefined || !target.rooms.has(first.room.id)) return effects;
  return [
    { kind: "kicked", session, target, room: first.room, text: NO_TEXT },
    ...effects,
    ...removeFrom(state, target, first.room.id, sequence),
  ];
}

export function restrict(
  state: ChatState,
  session: Session,
  wish: WishOf<"ban" | "mute">,
  timeMs: number,
): readonly Effect[] {
  return asOperator(state, session, wish.room, (room) => restrictIn(state, session, room, wish, timeMs));
}

function restrictIn(
  state: ChatState,
  session: Session,
  room: Room,
  { kind, target: targetName, on }: WishOf<"ban" | "mute">,
  timeMs: number,
): readonly Effect[] {
  const target = sessionCalled(state, targetName);
  const nick = target?.nick ?? targetName;
  const id = target?.id ?? 0;
  const hasNick = (each: Restriction): boolean => foldNick(each.nick) === foldNick(nick);
  if (!on) {
    const isMeant = (each: Restriction): boolean =>
      each.kind === kind && (hasNick(each) || (id !== 0 && each.session === id));
    const lifted = room.restrictions.filter(isMeant);
    if (lifted.length === 0) return refuse(session, kind === "ban" ? "notBanned" : "notMuted", targetName);
    const left = room.restrictions.filter((each) => !isMeant(each));
    const changed = changeRoom(state, room, { restrictions: left });
    return lifted.map((restriction) => ({ kind: "restricted", session, room: changed, restriction, on }));
  }
  // Whoever is not here can be named by nick alone.
  if (!isNick(nick)) return refuse(session, "noSuchName", targetName);
  // Whoever else it holds for, because of a nick given up since, stays restricted.
  const isSame = (each: Restriction): boolean =>
    each.kind === kind && hasNick(each) && (each.session === id || each.session === 0);
  const others = room.restrictions.filter((each) => !isSame(each));
  if (others.length >= RESTRICTIONS_MAX) return refuse(session, "tooManyRestrictions", room.name);
  const restriction: Restriction = { kind, nick, session: id, by: session.nick, timeMs };
  const changed = changeRoom(state, room, { restrictions: [...others, restriction] });
  return [{ kind: "restricted", session, room: changed, restriction, on }];
}

export function mode(state: ChatState, session: Session, wish: WishOf<"mode">): readonly Effect[] {
  return asOperator(state, session, wish.room, (room) => setMode(state, session, room, wish));
}

function setMode(
  state: ChatState,
  session: Session,
  room: Room,
  { mode, on, target: targetName }: WishOf<"mode">,
): readonly Effect[] {
  if (mode !== "operator" && mode !== "voice") {
    if (room[mode] === on) return refuse(session, "alreadySo", room.name);
    const changed = changeRoom(state, room, { [mode]: on });
    return [{ kind: "modeSet", session, room: changed, mode, on, target: undefined }];
  }
  const target = sessionCalled(state, targetName);
  if (target === undefined) return refuse(session, "noSuchName", targetName);
  const membership = target.rooms.get(room.id);
  if (membership === undefined) return refuse(session, "targetNotInRoom", target.displayName);
  if (membership[mode] === on) return refuse(session, "alreadySo", target.displayName);
  if (mode === "operator" && !on && !hasOtherOperator(state, target, room.id))
    return refuse(session, "lastOperator", room.name);
  const ranked = setRank(state, target, room.id, { [mode]: on });
  return [{ kind: "modeSet", session, room, mode, on, target: ranked }];
}

export function ask(state: ChatState, session: Session, question: Question, name: string): readonly Effect[] {
  if (question === "rooms") return [{ kind: "replied", session, question, room: undefined }];
  const room = roomMeant(state, session, name);
  if (room === undefined) return refuse(session, name === "" ? "noRoom" : "noSuchRoom", name);
  if (!mayRead(session, room)) return refuse(session, "noSuchRoom", name);
  return [{ kind: "replied", session, question, room }];
}

function hasOtherOperator(state: ChatState, session: Session, room: RoomId): boolean {
  for (const member of membersOf(state, room))
    if (member !== session.id && isOperator(state.sessions.get(member)!, room)) return true;
  return false;
}

/** What only somebody who is in a room may do there. */
function asMember(
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

/** What only who runs a room may do there. */
function asOperator(
  state: ChatState,
  session: Session,
  name: string,
  act: (room: Room) => readonly Effect[],
): readonly Effect[] {
  return asMember(state, session, name, (room) =>
    isOperator(session, room.id) ? act(room) : refuse(session, "notOperator", room.name),
  );
}

function setRank(
  state: ChatState,
  session: Session,
  room: RoomId,
  rank: Partial<Pick<Membership, "operator" | "voice">>,
): Session {
  const membership = { ...session.rooms.get(room)!, ...rank };
  return change(state, session, { rooms: new Map(session.rooms).set(room, membership) });
}
