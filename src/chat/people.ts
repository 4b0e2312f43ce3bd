/* What becomes of the wishes that concern who somebody is: coming, going, names, and what one says of oneself. */
import { decodeUtf8 } from "../base/index.ts";
import { change, refuse } from "./change.ts";
import type { Effect, RefusalReason } from "./effect.ts";
import { sessionCalled } from "./lookup.ts";
import { isSameName } from "./nameIndex.ts";
import { NICK_CHARACTERS_MAX, cleanDisplayName, isNick, isServiceName } from "./names.ts";
import { shortReason } from "./reasons.ts";
import type { LeaveReason, Wish } from "./record.ts";
import { enter, vacate } from "./rooms.ts";
import { faultOfWords, lastWords, violationBy } from "./speech.ts";
import {
  type ChatState,
  type Departed,
  FIRST_ACCOUNT,
  LOBBY,
  type Session,
  clientsOf,
  newSession,
  principalOf,
  removeSession,
} from "./state.ts";
import { isAscii } from "./unicode/normalization.ts";

type WishOf<Kind extends Wish["kind"]> = Extract<Wish, { kind: Kind }>;

/** Longer reasons for being away are refused, in bytes. */
export const AWAY_BYTES_MAX = 200;
/** What it says of itself is cut there, in characters: for who comes, since it cannot be told yet. */
export const REAL_NAME_CHARACTERS_MAX = 150;
export const USER_CHARACTERS_MAX = 10;
/** So many who are gone are remembered. */
const DEPARTED_MAX = 32;
/** What may not stand in a user name: others know it by `nick!user@host`, and masks do. */
const NOT_OF_USERS = /[^A-Za-z0-9._~-]/g;
/** Why somebody is away who stays without a client. */
export const DISCONNECTED = "not connected";

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);
const NO_TEXT = new Uint8Array(0);

/** Gives a guest's name, or that of its account, and enters the lobby where that is allowed. */
export function arrive(
  state: ChatState,
  session: Session,
  { replay }: WishOf<"arrive">,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const principal = state.loggedIn.get(session.person);
  if (principal !== undefined) return attach(state, session, state.sessions.get(principal)!, timeMs);
  const nick = session.account === "" ? freeGuestNick(state, session) : session.account;
  const arrived = change(state, session, { nick, displayName: nick, user: "guest", arrivedMs: timeMs });
  const entered = enter(
    state,
    arrived,
    LOBBY,
    { timeMs, replay, key: "", keepsFocus: false },
    arrived,
    sequence,
  );
  return [{ kind: "arrived", session: arrived }, ...entered];
}

/** @param taken one more name that is not to be had */
export function freeGuestNick(state: ChatState, { person }: Session, taken: string = ""): string {
  let nick = `guest${state.nextGuest}`;
  while (!state.names.isFree(nick, person) || isSameName(nick, taken)) {
    state.nextGuest += 1;
    nick = `guest${state.nextGuest}`;
  }
  state.nextGuest += 1;
  return nick;
}

/** By the name that it asks for; or as one more client of whoever it is logged in as. */
export function register(
  state: ChatState,
  client: Session,
  wish: WishOf<"register">,
  timeMs: number,
): readonly Effect[] {
  const principal = state.loggedIn.get(client.person);
  if (principal !== undefined) return attach(state, client, state.sessions.get(principal)!, timeMs);
  if (!isNick(wish.nick)) return refuse(client, "nameMalformed", wish.nick);
  const isFree = (name: string): boolean => isFreeFor(state, client, name);
  const nick = wish.derived ? freeLike(wish.nick, isFree) : wish.nick;
  if (!isFree(nick)) return refuse(client, whyTaken(state, nick), nick);
  const displayName = shownName(state, client, wish.displayName) ?? nick;
  const realName = cut(wish.realName, REAL_NAME_CHARACTERS_MAX);
  // Nobody would understand why it cannot come in.
  const isFit = violationBy(state, client, realName) === undefined;
  const arrived = change(state, client, {
    nick,
    displayName,
    user: cut(wish.user.replace(NOT_OF_USERS, ""), USER_CHARACTERS_MAX) || "user",
    realName: isFit ? realName : "",
    arrivedMs: timeMs,
  });
  return [{ kind: "arrived", session: arrived }];
}

/** The name in another script that somebody asks to be shown by; undefined: it cannot have it. */
function shownName(state: ChatState, { person }: Session, wanted: string): string | undefined {
  const isName = !isAscii(wanted) && cleanDisplayName(wanted) === wanted;
  return isName && state.names.isFree(wanted, person) ? wanted : undefined;
}

/** Makes a session one more client of another. What it was in the conversation itself, it is no more. */
export function attach(
  state: ChatState,
  client: Session,
  principal: Session,
  timeMs: number,
): readonly Effect[] {
  const before = clientsOf(state, principal).length;
  remember(state, client, timeMs);
  state.spokeMs.delete(client.id);
  change(state, client, {
    principal: principal.id,
    person: principal.person,
    account: principal.account,
    role: principal.role,
    operPerson: 0,
    nick: "",
    displayName: "",
    away: "",
  });
  const isBack = before === 0 && principal.away === DISCONNECTED;
  const { absentSince } = principal;
  const away = isBack ? "" : principal.away;
  const session = before === 0 ? change(state, principal, { away, absentSince: 0 }) : principal;
  const missedFrom = absentSince === 0 ? undefined : absentSince + 1;
  const effect: Effect = { kind: "attached", client: client.id, session, missedFrom };
  return isBack ? [effect, { kind: "awaySet", session }] : [effect];
}

/** As it was before anything: for who turns out to speak another protocol than it seemed. */
export function turn(
  state: ChatState,
  session: Session,
  { protocol }: WishOf<"turn">,
  sequence: number,
): readonly Effect[] {
  const isAlone = session.principal === session.id && !state.attached.has(session.id);
  if (!isAlone || session.account !== "") return NO_EFFECTS;
  const parted: Effect[] = Array.from(session.rooms.keys(), (id) => ({
    kind: "parted",
    session,
    room: state.rooms.get(id)!,
    text: NO_TEXT,
  }));
  const succession = vacate(state, session, sequence);
  state.spokeMs.delete(session.id);
  const turned = change(state, session, newSession({ ...session, protocol }));
  return [{ kind: "turned", session: turned }, ...parted, ...succession];
}

/**
 * A client goes. Whoever has others goes on with those; and where the server says so, whoever is logged in stays
 * without any.
 */
export function leave(
  state: ChatState,
  client: Session,
  reason: LeaveReason,
  text: Uint8Array,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const session = principalOf(state, client);
  const isOwn = client.id === session.id;
  const isLast = clientsOf(state, session).every((id) => id === client.id);
  if (!isOwn) removeSession(state, client);
  if (isLast && !staysWithout(state, session)) {
    const words = lastWords(state, session, shortReason(text));
    const left = depart(state, session, reason, words, sequence, timeMs);
    // Of who has one client alone, the first goes without saying.
    return isOwn ? left : [{ kind: "detached", client: client.id, session, reason }, ...left];
  }
  const absentSince = isLast ? sequence : 0;
  const rest =
    isOwn || isLast ? change(state, session, { process: isOwn ? 0 : session.process, absentSince }) : session;
  const detached: Effect = { kind: "detached", client: client.id, session: rest, reason };
  if (!isLast || rest.away !== "") return [detached];
  return [detached, { kind: "awaySet", session: change(state, rest, { away: DISCONNECTED }) }];
}

/** Whether it stays in its rooms without a client. */
function staysWithout({ policy }: ChatState, { account, nick }: Session): boolean {
  return policy.persistence && account !== "" && nick !== "";
}

/** Somebody goes, with all that it is: it has no client any more. */
export function depart(
  state: ChatState,
  session: Session,
  reason: LeaveReason,
  text: Uint8Array,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  remember(state, session, timeMs);
  const succession = vacate(state, session, sequence);
  removeSession(state, state.sessions.get(session.id)!);
  return [{ kind: "left", session, reason, text }, ...succession];
}

/** By the name that it has now, and is going to have no more. */
export function remember(state: ChatState, session: Session, timeMs: number): void {
  const { nick, user, host, realName, account } = session;
  if (nick === "") return;
  const departed: Departed = { nick, user, host, realName, account, timeMs };
  state.departed = [...state.departed, departed].slice(-DEPARTED_MAX);
}

/** By an operator: with all of its clients, and without staying. */
export function kill(
  state: ChatState,
  session: Session,
  { target: name, text }: WishOf<"kill">,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  if (session.role !== "operator") return refuse(session, "notPrivileged", "");
  const target = sessionCalled(state, name);
  if (target === undefined) return refuse(session, "noSuchName", name);
  const detached: Effect[] = [];
  for (const id of state.attached.get(target.id) ?? []) {
    removeSession(state, state.sessions.get(id)!);
    detached.push({ kind: "detached", client: id, session: target, reason: "killed" });
  }
  const words = shortReason(text);
  const left = depart(state, target, "killed", words, sequence, timeMs);
  return [{ kind: "killed", session: target, by: session, text: words }, ...left, ...detached];
}

export function rename(
  state: ChatState,
  session: Session,
  { nick, displayName, derived }: WishOf<"nick">,
  timeMs: number,
): readonly Effect[] {
  if (!isNick(nick)) return refuse(session, "nameMalformed", nick);
  if (displayName !== nick && cleanDisplayName(displayName) !== displayName)
    return refuse(session, "nameMalformed", displayName);
  const isFree = (name: string): boolean => isFreeFor(state, session, name);
  if (!isFree(displayName)) return refuse(session, whyTaken(state, displayName), displayName);
  const free = derived ? freeLike(nick, isFree) : nick;
  if (!isFree(free)) return refuse(session, whyTaken(state, nick), nick);
  return renameTo(state, session, free, displayName, timeMs);
}

export function renameTo(
  state: ChatState,
  session: Session,
  nick: string,
  displayName: string,
  timeMs: number,
): readonly Effect[] {
  if (nick === session.nick && displayName === session.displayName) return NO_EFFECTS;
  if (nick !== session.nick) remember(state, session, timeMs);
  const renamed = change(state, session, { nick, displayName });
  return [{ kind: "renamed", session: renamed, previous: session }];
}

/** Nobody else has it, nor may anybody take who has it for a service. */
function isFreeFor(state: ChatState, { person }: Session, name: string): boolean {
  return !isServiceName(name) && state.names.isFree(name, person);
}

/** This nick, or one with a number behind it. */
function freeLike(nick: string, isFree: (name: string) => boolean): string {
  let free = nick;
  for (let number = 2; !isFree(free); number += 1) {
    const suffix = String(number);
    free = nick.slice(0, NICK_CHARACTERS_MAX - suffix.length) + suffix;
  }
  return free;
}

function whyTaken(state: ChatState, name: string): RefusalReason {
  const owner = state.names.ownerOf(name);
  return owner !== undefined && owner >= FIRST_ACCOUNT ? "nameReserved" : "nameTaken";
}

/** What it says of itself; where that is a name in another script, and nobody else's, it is what is shown, too. */
export function describe(
  state: ChatState,
  session: Session,
  { realName, displayName: wanted }: WishOf<"describe">,
): readonly Effect[] {
  if (Array.from(realName).length > REAL_NAME_CHARACTERS_MAX)
    return refuse(session, "tooLong", `${REAL_NAME_CHARACTERS_MAX} characters`);
  const fault = faultOfWords(state, session, realName);
  if (fault !== undefined) return refuse(session, fault, "");
  const shown = wanted === session.nick ? wanted : shownName(state, session, wanted);
  const displayName = shown ?? session.displayName;
  const described = change(state, session, { realName, displayName });
  return [{ kind: "described", session: described, previous: session }];
}

export function flag(state: ChatState, session: Session, { flag, on }: WishOf<"flag">): readonly Effect[] {
  if (session[flag] === on) return NO_EFFECTS;
  return [{ kind: "flagSet", session: change(state, session, { [flag]: on }), flag, on }];
}

export function setAway(state: ChatState, session: Session, text: Uint8Array): readonly Effect[] {
  if (text.length > AWAY_BYTES_MAX) return refuse(session, "tooLong", `${AWAY_BYTES_MAX} bytes`);
  const away = decodeUtf8(text);
  const fault = away === "" ? undefined : faultOfWords(state, session, away);
  if (fault !== undefined) return refuse(session, fault, "");
  return [{ kind: "awaySet", session: change(state, session, { away }) }];
}

/** All whom a dead process served, but for those who have been given to another meanwhile. */
export function bury(state: ChatState, process: number, sequence: number, timeMs: number): readonly Effect[] {
  if (process === state.historyProcess) {
    state.changes += 1;
    state.historyProcess = 0;
    // It served nobody: whoever is said to be there was with a process that had its number before, and has another
    // soon.
    return NO_EFFECTS;
  }
  const lost = [...state.sessions.values()].filter((session) => session.process === process);
  return lost.flatMap(({ id }) =>
    // As it is by now: those before it may have left it something to run.
    leave(state, state.sessions.get(id)!, "process died", NO_TEXT, sequence, timeMs),
  );
}

/**
 * Nobody is connected any more: of all that is known, what outlives the processes is what concerns rooms, and whoever
 * stays without a connection.
 */
export function endConversation(state: ChatState, sequence: number): void {
  for (const session of state.sessions.values())
    if (session.principal !== session.id) removeSession(state, session);
  for (const { id } of state.sessions.values()) {
    // As it is by now: those before it may have left it something to run.
    const session = state.sessions.get(id)!;
    if (staysWithout(state, session)) {
      const absentSince = session.absentSince || sequence;
      change(state, session, { process: 0, away: session.away || DISCONNECTED, absentSince });
    } else {
      vacate(state, session, sequence);
      removeSession(state, state.sessions.get(id)!);
    }
  }
  state.changes += 1;
  state.historyProcess = 0;
  state.store = "none";
}

/** From now on nobody stays, or whoever is logged in does. */
export function setPersistence(
  state: ChatState,
  persistence: boolean,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  if (state.policy.persistence === persistence) return NO_EFFECTS;
  state.policy = { ...state.policy, persistence };
  state.changes += 1;
  if (persistence) return NO_EFFECTS;
  const alone = [...state.sessions.values()].filter(
    (session) => session.process === 0 && clientsOf(state, session).length === 0,
  );
  return alone.flatMap(({ id }) =>
    depart(state, state.sessions.get(id)!, "connection lost", NO_TEXT, sequence, timeMs),
  );
}

function cut(text: string, characters: number): string {
  const all = Array.from(text);
  return all.length <= characters ? text : all.slice(0, characters).join("");
}
