/* What rooms and their members are, or have: flags, settings, ranks. */
import { encodeUtf8 } from "../base/index.ts";
import { change, changeRoom, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { sessionCalled } from "./lookup.ts";
import {
  Level,
  asMember,
  hasOtherOperator,
  levelOf,
  mayTouch,
  powerIn,
  powerNeededFor,
  withPower,
} from "./ranks.ts";
import type { Mode, Wish } from "./record.ts";
import { type ChatState, RANKS, type Rank, type Room, type RoomId, type Session } from "./state.ts";

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

/** In bytes of UTF-8. */
export const KEY_BYTES_MAX = 32;
/** Without what separates words and lists in IRC. */
const KEY = /^[^\0- ,:\x7f][^\0- ,\x7f]*$/;
const LIMIT_MAX = 65_535;
/** A day. */
const SLOW_SECONDS_MAX = 86_400;

export function mode(state: ChatState, session: Session, wish: WishOf<"mode">): readonly Effect[] {
  const { mode, on, room: name } = wish;
  if (isRank(mode)) return asMember(state, session, name, (room) => rank(state, session, room, mode, wish));
  return withPower(state, session, name, Level.operator, (room) => {
    if (room[mode] === on) return refuse(session, "alreadySo", room.name);
    const changed = changeRoom(state, room, { [mode]: on });
    return [{ kind: "modeSet", session, room: changed, mode, on, target: undefined }];
  });
}

function isRank(mode: Mode): mode is Rank {
  return (RANKS as readonly Mode[]).includes(mode);
}

function rank(
  state: ChatState,
  session: Session,
  room: Room,
  rank: Rank,
  { on, target: targetName }: WishOf<"mode">,
): readonly Effect[] {
  const target = sessionCalled(state, targetName);
  // Everybody may give up what it has.
  const isOwn = target?.id === session.id && !on;
  if (!isOwn && powerIn(session, room.id) < powerNeededFor(rank))
    return refuse(session, "notOperator", room.name);
  if (target === undefined) return refuse(session, "noSuchName", targetName);
  const membership = target.rooms.get(room.id);
  if (membership === undefined) return refuse(session, "targetNotInRoom", target.displayName);
  if (!isOwn && !on && !mayTouch(session, target, room.id))
    return refuse(session, "outranked", target.displayName);
  if (membership[rank] === on) return refuse(session, "alreadySo", target.displayName);
  const isLastToRun =
    !on &&
    levelOf({ ...membership, [rank]: false }) < Level.operator &&
    levelOf(membership) >= Level.operator;
  if (isLastToRun && !hasOtherOperator(state, target, room.id))
    return refuse(session, "lastOperator", room.name);
  const ranked = setRank(state, target, room.id, rank, on);
  return [{ kind: "modeSet", session, room, mode: rank, on, target: ranked }];
}

export function setRank(state: ChatState, session: Session, room: RoomId, rank: Rank, on: boolean): Session {
  const membership = { ...session.rooms.get(room)!, [rank]: on };
  return change(state, session, { rooms: new Map(session.rooms).set(room, membership) });
}

export function set(
  state: ChatState,
  session: Session,
  { room: name, setting, value }: WishOf<"set">,
): readonly Effect[] {
  return withPower(state, session, name, Level.operator, (room) => {
    const wanted =
      setting === "key" ? keyOf(value) : numberOf(value, setting === "limit" ? LIMIT_MAX : SLOW_SECONDS_MAX);
    if (wanted === undefined) return refuse(session, "badValue", value);
    if (room[setting] === wanted) return refuse(session, "alreadySo", room.name);
    const changed = changeRoom(state, room, { [setting]: wanted });
    return [{ kind: "settingSet", session, room: changed, setting }];
  });
}

function keyOf(value: string): string | undefined {
  const isKey = KEY.test(value) && encodeUtf8(value).length <= KEY_BYTES_MAX;
  return value === "" || isKey ? value : undefined;
}

function numberOf(value: string, max: number): number | undefined {
  if (value === "") return 0;
  const number = /^\d{1,6}$/.test(value) ? Number(value) : 0;
  return number >= 1 && number <= max ? number : undefined;
}
