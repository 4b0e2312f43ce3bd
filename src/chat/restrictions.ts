/* A room's lists: who may not come in, who may not speak, for whom neither holds, and who needs no invitation. */
import { changeRoom, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { cleanMask, sessionCalled } from "./lookup.ts";
import { foldNick, isNick } from "./names.ts";
import { Level, mayTouch, withPower } from "./ranks.ts";
import type { Wish } from "./record.ts";
import { removeFrom } from "./rooms.ts";
import { type ChatState, type Restriction, type RestrictionKind, type Room, type Session } from "./state.ts";

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

/** All lists of one room together. */
export const RESTRICTIONS_MAX = 200;
const NO_TEXT = new Uint8Array(0);

/** Of somebody who is called by name: a ban takes who is in out of the room, too. */
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
  const target = sessionCalled(state, first.restriction.mask);
  if (target?.person !== first.restriction.person || !target.rooms.has(first.room.id)) return effects;
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
  return withPower(state, session, wish.room, Level.halfOperator, (room) =>
    restrictIn(state, session, room, wish, timeMs),
  );
}

function restrictIn(
  state: ChatState,
  session: Session,
  room: Room,
  { kind, target: targetName, on }: WishOf<"ban" | "mute">,
  timeMs: number,
): readonly Effect[] {
  const target = sessionCalled(state, targetName);
  const mask = target?.nick ?? targetName;
  const person = target?.person ?? 0;
  const hasMask = (each: Restriction): boolean => foldNick(each.mask) === foldNick(mask);
  if (!on) {
    const isMeant = (each: Restriction): boolean =>
      each.kind === kind && (hasMask(each) || (person !== 0 && each.person === person));
    return lift(state, session, room, isMeant) ?? refuse(session, notThere(kind), targetName);
  }
  // Whoever is not here can be named by nick alone.
  if (!isNick(mask)) return refuse(session, "noSuchName", targetName);
  if (target !== undefined && !mayTouch(session, target, room.id))
    return refuse(session, "outranked", target.displayName);
  // Whoever else it holds for, because of a nick given up since, stays restricted.
  const isSame = (each: Restriction): boolean =>
    each.kind === kind && hasMask(each) && (each.person === person || each.person === 0);
  return putOn(state, session, room, { kind, mask, person, by: session.nick, timeMs }, isSame);
}

/** Of whoever a mask fits. Nobody is taken out of the room by that. */
export function mask(
  state: ChatState,
  session: Session,
  { room: name, list: kind, mask: text, on }: WishOf<"mask">,
  timeMs: number,
): readonly Effect[] {
  return withPower(state, session, name, Level.halfOperator, (room) => {
    const mask = cleanMask(text);
    if (mask === undefined) return refuse(session, "badValue", text);
    const isSame = (each: Restriction): boolean =>
      each.kind === kind && [mask, text].some((one) => foldNick(each.mask) === foldNick(one));
    if (!on) return lift(state, session, room, isSame) ?? refuse(session, notThere(kind), mask);
    if (room.restrictions.some(isSame)) return refuse(session, "alreadySo", mask);
    return putOn(state, session, room, { kind, mask, person: 0, by: session.nick, timeMs }, () => false);
  });
}

function notThere(kind: RestrictionKind): "notBanned" | "notMuted" {
  return kind === "mute" ? "notMuted" : "notBanned";
}

function lift(
  state: ChatState,
  session: Session,
  room: Room,
  isMeant: (each: Restriction) => boolean,
): readonly Effect[] | undefined {
  const lifted = room.restrictions.filter(isMeant);
  if (lifted.length === 0) return undefined;
  const restrictions = room.restrictions.filter((each) => !isMeant(each));
  const changed = changeRoom(state, room, { restrictions });
  return lifted.map((restriction) => ({
    kind: "restricted",
    session,
    room: changed,
    restriction,
    on: false,
  }));
}

function putOn(
  state: ChatState,
  session: Session,
  room: Room,
  restriction: Restriction,
  isReplaced: (each: Restriction) => boolean,
): readonly Effect[] {
  const others = room.restrictions.filter((each) => !isReplaced(each));
  if (others.length >= RESTRICTIONS_MAX) return refuse(session, "tooManyRestrictions", room.name);
  const changed = changeRoom(state, room, { restrictions: [...others, restriction] });
  return [{ kind: "restricted", session, room: changed, restriction, on: true }];
}
