/* What becomes of what somebody says: to a room, or to one person. */
import { change, refuse } from "./change.ts";
import type { Effect, RefusalReason } from "./effect.ts";
import { banOn, muteOn, restrictionOn, roomCalled, roomMeant, sessionCalled } from "./lookup.ts";
import { violationOf } from "./policy.ts";
import { Level, isStaff, levelOf } from "./ranks.ts";
import type { Speech, Wish } from "./record.ts";
import { type ChatState, type Membership, type Rank, type Room, type Session } from "./state.ts";

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

const SPOKEN = { say: "said", act: "acted", notice: "noticed", tag: "tagged" } as const;
const NO_TAGS = "";
const NO_TEXT = new Uint8Array(0);
/** IRC's mark of what is for programs (https://modern.ircdocs.horse/ctcp). */
const CTCP = 0x01;

/** What is said, however it came. */
interface Words {
  readonly speech: Speech;
  readonly text: Uint8Array;
  readonly tags: string;
  readonly atLeast: Rank | undefined;
}

/** In the room that is named, or in the one in focus. */
export function say(
  state: ChatState,
  session: Session,
  { kind, room: name, text }: WishOf<"say" | "act" | "notice">,
  timeMs: number,
): readonly Effect[] {
  const room = roomMeant(state, session, name);
  if (room === undefined) return refuse(session, name === "" ? "noRoom" : "noSuchRoom", name);
  const words: Words = { speech: kind, text, tags: NO_TAGS, atLeast: undefined };
  return speakIn(state, session, room, name, words, timeMs);
}

export function whisper(
  state: ChatState,
  session: Session,
  { to, text }: WishOf<"whisper">,
  timeMs: number,
): readonly Effect[] {
  return speakTo(state, session, to, { speech: "say", text, tags: NO_TAGS, atLeast: undefined }, timeMs);
}

/** To a room or to a person, with all that can be said with it. */
export function speak(
  state: ChatState,
  session: Session,
  wish: WishOf<"speak">,
  timeMs: number,
): readonly Effect[] {
  if (!wish.to.startsWith("#")) return speakTo(state, session, wish.to, wish, timeMs);
  const room = roomCalled(state, wish.to);
  if (room === undefined) return refuse(session, "noSuchRoom", wish.to);
  return speakIn(state, session, room, wish.to, wish, timeMs);
}

/** @param name by which the room was meant */
function speakIn(
  state: ChatState,
  session: Session,
  room: Room,
  name: string,
  { speech, text, tags, atLeast }: Words,
  timeMs: number,
): readonly Effect[] {
  const membership = session.rooms.get(room.id);
  if (membership === undefined && !isHeardOutside(room, session))
    // That there is a secret room is a secret, too: it is told apart from none by nothing, not even a spelling.
    return room.secret ? refuse(session, "noSuchRoom", name) : refuse(session, "notInRoom", room.name);
  const silence =
    silenceOf(state, room, session, membership) ??
    faultInRoom(room, session, membership, text, timeMs) ??
    violationBy(state, session, text) ??
    violationBy(state, session, reactionIn(tags));
  if (silence !== undefined) return refuse(session, silence, room.name);
  if (speech !== "tag") heard(state, session, room, membership, timeMs);
  return [{ kind: SPOKEN[speech], session, room, text, tags, atLeast }];
}

/**
 * Of who is not a member: what keeps it from coming in keeps it from being heard, too. Nor is it where members have to
 * wait, because nobody knows when it has spoken last.
 */
function isHeardOutside(room: Room, session: Session): boolean {
  return !room.membersOnly && !room.secret && room.slowSeconds === 0 && banOn(room, session) === undefined;
}

function speakTo(
  state: ChatState,
  session: Session,
  name: string,
  { speech, text, tags }: Words,
  timeMs: number,
): readonly Effect[] {
  const to = sessionCalled(state, name);
  if (to === undefined) return refuse(session, "noSuchName", name);
  const silence =
    silencedEverywhere(state, session) ??
    violationBy(state, session, text) ??
    violationBy(state, session, reactionIn(tags));
  if (silence !== undefined && to.id !== session.id) return refuse(session, silence, to.nick);
  if (speech !== "tag") state.spokeMs.set(session.id, timeMs);
  return [{ kind: "whispered", session, to, speech, text, tags }];
}

/** It has spoken: what is counted by that. */
function heard(
  state: ChatState,
  session: Session,
  room: Room,
  membership: Membership | undefined,
  timeMs: number,
): void {
  state.spokeMs.set(session.id, timeMs);
  if (room.slowSeconds === 0 || membership === undefined) return;
  const rooms = new Map(session.rooms).set(room.id, { ...membership, spokeMs: timeMs });
  change(state, session, { rooms });
}

/** Why somebody may not speak in a room; undefined: it may. */
function silenceOf(
  state: ChatState,
  room: Room,
  session: Session,
  membership: Membership | undefined,
): RefusalReason | undefined {
  const everywhere = silencedEverywhere(state, session);
  if (everywhere !== undefined) return everywhere;
  const level = membership === undefined ? Level.none : levelOf(membership);
  if (level >= Level.halfOperator || isStaff(session)) return undefined;
  if (muteOn(room, session) !== undefined) return "muted";
  if (level >= Level.voice) return undefined;
  // Who was banned and not thrown out.
  if (banOn(room, session) !== undefined) return "banned";
  if (room.moderated) return "moderated";
  return room.accountsSpeak && session.account === "" ? "needsAccount" : undefined;
}

function silencedEverywhere(state: ChatState, session: Session): RefusalReason | undefined {
  if (isStaff(session)) return undefined;
  if (isShieldedOff(state, session)) return "shielded";
  const { silenced } = state.policy;
  return restrictionOn(silenced, session, "mute") === undefined ? undefined : "silenced";
}

/** The shield is up, and it has come since, without an account. */
export function isShieldedOff({ policy }: ChatState, { since, account, role }: Session): boolean {
  return policy.shieldSince > 0 && account === "" && role === "user" && since > policy.shieldSince;
}

function faultInRoom(
  room: Room,
  session: Session,
  membership: Membership | undefined,
  text: Uint8Array,
  timeMs: number,
): RefusalReason | undefined {
  if (room.noCtcp && text[0] === CTCP) return "noCtcp";
  if (membership === undefined || room.slowSeconds === 0) return undefined;
  if (levelOf(membership) >= Level.voice || isStaff(session)) return undefined;
  const { spokeMs } = membership;
  return spokeMs > 0 && timeMs < spokeMs + room.slowSeconds * 1000 ? "tooSoon" : undefined;
}

/** Why somebody may not say that to anybody, in whatever way; undefined: it may. */
export function faultOfWords(state: ChatState, session: Session, text: string): RefusalReason | undefined {
  return silencedEverywhere(state, session) ?? violationBy(state, session, text);
}

/** Likewise, of the words alone. */
export function violationBy(
  { policy }: ChatState,
  session: Session,
  text: string | Uint8Array,
): RefusalReason | undefined {
  if ((policy.filters.length === 0 && policy.links === "everybody") || isStaff(session)) return undefined;
  return violationOf(policy, text, session.account !== "");
}

const REACTIONS: ReadonlySet<string> = new Set(["+draft/react", "+react"]);

/** What people read of tags, each in a line of its own. */
function reactionIn(tags: string): string {
  if (tags === "") return "";
  const reactions: string[] = [];
  for (const tag of tags.split(";")) {
    const equals = tag.indexOf("=");
    if (REACTIONS.has(tag.slice(0, equals))) reactions.push(unescaped(tag.slice(equals + 1)));
  }
  return reactions.join("\n");
}

/** As far as it matters for what is read (https://ircv3.net/specs/extensions/message-tags): every blank is one. */
function unescaped(value: string): string {
  return value.replaceAll(/\\(.?)/gs, (_, character: string) =>
    character === ":" ? ";" : "srn".includes(character) && character !== "" ? " " : character,
  );
}

/** What is heard of what somebody says in leaving: nothing, unless it may say so in every room that it is in. */
export function lastWords(state: ChatState, session: Session, text: Uint8Array): Uint8Array {
  const rooms = Array.from(session.rooms.keys(), (room) => state.rooms.get(room)!);
  return rooms.every((room) => wordsInParting(state, session, room, text) === text) ? text : NO_TEXT;
}

/** Likewise, of a room. */
export function wordsInParting(state: ChatState, session: Session, room: Room, text: Uint8Array): Uint8Array {
  if (text.length === 0) return text;
  const silence =
    silenceOf(state, room, session, session.rooms.get(room.id)) ?? violationBy(state, session, text);
  return silence === undefined ? text : NO_TEXT;
}
