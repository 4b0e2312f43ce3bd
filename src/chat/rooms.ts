/* What becomes of the wishes that concern rooms: coming in, leaving, what they are about and what they are called. */
import { decodeUtf8 } from "../base/index.ts";
import { change, changeRoom, refuse } from "./change.ts";
import type { Effect, RefusalReason } from "./effect.ts";
import { RECALL_MAX } from "./history.ts";
import { banOn, mayRead, restrictionOn, roomCalled, roomMeant, sessionCalled } from "./lookup.ts";
import { cleanRoomName } from "./names.ts";
import { setRank } from "./modes.ts";
import {
  Level,
  asMember,
  hasOtherOperator,
  isOperator,
  isStaff,
  mayTouch,
  powerIn,
  withPower,
} from "./ranks.ts";
import { shortReason } from "./reasons.ts";
import { type Question, ROOM_FLAGS, ROOM_SETTINGS, type Wish } from "./record.ts";
import { faultOfWords, isShieldedOff, wordsInParting } from "./speech.ts";
import {
  type ChatState,
  LOBBY,
  type Membership,
  NO_ROOM,
  type PersonId,
  ROOM_ID_MAX,
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
/** So many invitations of a room are remembered, the latest. */
const INVITED_MAX = 100;
/** In bytes of UTF-8. */
export const TOPIC_BYTES_MAX = 400;

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

/** How somebody wants to come in. */
interface Entering {
  readonly timeMs: number;
  readonly replay: number;
  readonly key: string;
  /** Of a client that names its rooms: where somebody speaks who names none stays as it is. */
  readonly keepsFocus: boolean;
}

export function join(
  state: ChatState,
  session: Session,
  { room: name, replay, key = "" }: WishOf<"join">,
  client: Session,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const keepsFocus = client.protocol !== "plain" && session.focus !== NO_ROOM;
  const how: Entering = { timeMs, replay, key, keepsFocus };
  const known = roomCalled(state, name);
  if (known !== undefined && session.rooms.has(known.id)) {
    const focused = how.keepsFocus ? session : change(state, session, { focus: known.id });
    return [{ kind: "focused", session: focused, room: known }];
  }
  if (session.rooms.size >= ROOMS_OF_A_SESSION_MAX) return refuse(session, "tooManyRooms", name);
  if (known !== undefined) return enter(state, session, known.id, how, client, sequence);
  const clean = cleanRoomName(name);
  if (clean === undefined) return refuse(session, "roomNameMalformed", name);
  if (!state.roomNames.isFree(clean, state.nextRoom)) return refuse(session, "roomNameTaken", clean);
  if (isShieldedOff(state, session)) return refuse(session, "shielded", clean);
  if (state.nextRoom > ROOM_ID_MAX) return refuse(session, "tooManyRooms", clean);
  if (state.rooms.size >= ROOMS_MAX && !forgetOne(state)) return refuse(session, "tooManyRooms", clean);
  const { id } = makeRoom(state, clean, { emptySince: 0, madeMs: timeMs });
  return enter(state, session, id, how, client, sequence);
}

/**
 * Makes a room in which nobody is, unless `faultOfRooms` has something against it. No other room is forgotten for it:
 * what was imported may wait, those who are here come first.
 */
export function found(state: ChatState, name: string, sequence: number): void {
  if (faultOfRooms(state, [name]) === undefined)
    makeRoom(state, cleanRoomName(name)!, { emptySince: sequence, madeMs: 0 });
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

function makeRoom(state: ChatState, name: string, since: Pick<Room, "emptySince" | "madeMs">): Room {
  const room = { ...newRoom(state.nextRoom, name), ...since };
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

const FURNITURE = ["topic", ...ROOM_FLAGS, ...ROOM_SETTINGS] as const;

function isFurnished(room: Room): boolean {
  const bare = newRoom(room.id, room.name);
  return room.restrictions.length > 0 || FURNITURE.some((what) => room[what] !== bare[what]);
}

/**
 * Who comes into an empty room runs it: there is nobody else to do so. Who makes one and has an account is its founder,
 * for as long as it stays.
 */
export function enter(
  state: ChatState,
  session: Session,
  id: RoomId,
  { timeMs, replay, key, keepsFocus }: Entering,
  client: Session,
  sequence: number,
): readonly Effect[] {
  const room = state.rooms.get(id)!;
  const fault = faultOfEntering(state, session, room, key);
  if (fault !== undefined) return refuse(session, fault, room.name);
  const isFirst = membersOf(state, id).size === 0;
  const membership: Membership = {
    room: id,
    since: sequence,
    founder: isFirst && room.emptySince === 0 && id !== LOBBY && session.account !== "",
    admin: false,
    operator: isFirst,
    halfOperator: false,
    voice: false,
    // Whoever could come back at once, and speak, would not have to wait.
    spokeMs: room.slowSeconds > 0 ? timeMs : 0,
  };
  const joined = change(state, session, {
    focus: keepsFocus ? session.focus : id,
    rooms: new Map(session.rooms).set(id, membership),
  });
  const invited = withoutInvitation(room.invited, session.person);
  const isChanged = room.emptySince !== 0 || invited !== room.invited;
  const entered = isChanged ? changeRoom(state, room, { emptySince: 0, invited }) : room;
  const effect: Effect = { kind: "joined", session: joined, room: entered };
  const limit = Math.min(replay, RECALL_MAX);
  if (limit === 0 || state.store === "none") return [effect];
  return [
    effect,
    {
      kind: "historyAsked",
      session: joined,
      client: client.id,
      question: { kind: "replay", room: id, limit },
      before: sequence,
      rooms: [id],
    },
  ];
}

function faultOfEntering(
  state: ChatState,
  session: Session,
  room: Room,
  key: string,
): RefusalReason | undefined {
  if (isStaff(session)) return undefined;
  if (isShieldedOff(state, session)) return "shielded";
  if (banOn(room, session) !== undefined) return "banned";
  if (room.invited.has(session.person)) return undefined;
  const size = membersOf(state, room.id).size;
  // Where nobody is in, nobody could let anybody in.
  if (room.inviteOnly && size > 0 && restrictionOn(room.restrictions, session, "invitation") === undefined)
    return "inviteOnly";
  if (room.key !== "" && room.key !== key) return "wrongKey";
  if (room.limit > 0 && size >= room.limit) return "roomFull";
  return room.accountsOnly && session.account === "" ? "needsAccount" : undefined;
}

function withoutInvitation(invited: ReadonlySet<PersonId>, person: PersonId): ReadonlySet<PersonId> {
  if (!invited.has(person)) return invited;
  const others = new Set(invited);
  others.delete(person);
  return others;
}

export function part(
  state: ChatState,
  session: Session,
  { room: name, text }: WishOf<"part">,
  sequence: number,
): readonly Effect[] {
  return asMember(state, session, name, (room) => {
    // Who may not speak may not do so in leaving, either.
    const words = wordsInParting(state, session, room, shortReason(text));
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
export function removeFrom(
  state: ChatState,
  session: Session,
  id: RoomId,
  sequence: number,
): readonly Effect[] {
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
  const heir = setRank(state, state.sessions.get(longest)!, id, "operator", true);
  return [{ kind: "modeSet", session: undefined, room, mode: "operator", on: true, target: heir }];
}

export function topic(
  state: ChatState,
  session: Session,
  { room: name, text }: WishOf<"topic">,
  timeMs: number,
): readonly Effect[] {
  return asMember(state, session, name, (room) => {
    if (room.topicLocked && powerIn(session, room.id) < Level.halfOperator)
      return refuse(session, "notOperator", room.name);
    if (text.length > TOPIC_BYTES_MAX) return refuse(session, "tooLong", `${TOPIC_BYTES_MAX} bytes`);
    const words = decodeUtf8(text);
    const fault = faultOfWords(state, session, words);
    if (fault !== undefined) return refuse(session, fault, room.name);
    const changed = changeRoom(state, room, {
      topic: words === "" ? undefined : { text: words, by: session.nick, timeMs },
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
  return withPower(state, session, name, Level.halfOperator, (room) => {
    const target = sessionCalled(state, targetName);
    if (target === undefined) return refuse(session, "noSuchName", targetName);
    if (!target.rooms.has(room.id)) return refuse(session, "targetNotInRoom", target.displayName);
    if (!mayTouch(session, target, room.id)) return refuse(session, "outranked", target.displayName);
    const kicked: Effect = { kind: "kicked", session, target, room, text: shortReason(text) };
    return [kicked, ...removeFrom(state, target, room.id, sequence)];
  });
}

/**
 * So that somebody may come in whom something else would keep out. By a member who does not run the room it is a hint
 * alone: it opens nothing.
 */
export function invite(
  state: ChatState,
  session: Session,
  { room: name, target: targetName }: WishOf<"invite">,
): readonly Effect[] {
  return asMember(state, session, name, (room) => {
    const mayOpen = powerIn(session, room.id) >= Level.halfOperator;
    if (room.inviteOnly && !mayOpen) return refuse(session, "notOperator", room.name);
    const target = sessionCalled(state, targetName);
    if (target === undefined) return refuse(session, "noSuchName", targetName);
    if (target.rooms.has(room.id)) return refuse(session, "alreadyInRoom", target.displayName);
    const fault = faultOfWords(state, session, "");
    if (fault !== undefined) return refuse(session, fault, room.name);
    if (!mayOpen) return [{ kind: "invited", session, target, room }];
    const latest = [...room.invited].filter((person) => person !== target.person).slice(1 - INVITED_MAX);
    const changed = changeRoom(state, room, { invited: new Set([...latest, target.person]) });
    return [{ kind: "invited", session, target, room: changed }];
  });
}

export function knock(
  state: ChatState,
  session: Session,
  { room: name, text }: WishOf<"knock">,
): readonly Effect[] {
  const room = roomCalled(state, name);
  if (room !== undefined && session.rooms.has(room.id)) return refuse(session, "alreadyInRoom", room.name);
  if (room === undefined || room.secret) return refuse(session, "noSuchRoom", name);
  if (banOn(room, session) !== undefined) return refuse(session, "banned", room.name);
  if (!room.inviteOnly || membersOf(state, room.id).size === 0) return refuse(session, "roomOpen", room.name);
  const words = shortReason(text);
  const fault = faultOfWords(state, session, decodeUtf8(words));
  if (fault !== undefined) return refuse(session, fault, room.name);
  return [{ kind: "knocked", session, room, text: words }];
}

/** A room keeps its number, its members and its past. The lobby keeps its name: everybody has to find it. */
export function renameRoom(
  state: ChatState,
  session: Session,
  { room: name, to, text }: WishOf<"renameRoom">,
): readonly Effect[] {
  return withPower(state, session, name, Level.operator, (room) => {
    if (room.id === LOBBY) return refuse(session, "roomNameTaken", to);
    const clean = cleanRoomName(to);
    if (clean === undefined) return refuse(session, "roomNameMalformed", to);
    if (clean === room.name) return refuse(session, "alreadySo", clean);
    if (!state.roomNames.isFree(clean, room.id)) return refuse(session, "roomNameTaken", clean);
    const renamed = changeRoom(state, room, { name: clean });
    return [{ kind: "roomRenamed", session, room: renamed, previous: room, text: shortReason(text) }];
  });
}

export function ask(state: ChatState, session: Session, question: Question, name: string): readonly Effect[] {
  if (question === "rooms") return [{ kind: "replied", session, question, room: undefined }];
  const room = roomMeant(state, session, name);
  if (room === undefined) return refuse(session, name === "" ? "noRoom" : "noSuchRoom", name);
  if (!mayRead(session, room)) return refuse(session, "noSuchRoom", name);
  return [{ kind: "replied", session, question, room }];
}
