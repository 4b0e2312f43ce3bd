/* Names that are somebody's for good, and who is logged in to them. What proves it is elsewhere, and never here. */
import { change, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { doClash } from "./nameIndex.ts";
import { cleanDisplayName, cleanRoomName, foldNick, isNick, isServiceName } from "./names.ts";
import { attach, depart, freeGuestNick, remember, renameTo } from "./people.ts";
import type { AccountRecord, Wish } from "./record.ts";
import { vacate } from "./rooms.ts";
import {
  type Account,
  type ChatState,
  FIRST_ACCOUNT,
  type PersonId,
  type Role,
  type Session,
  clientsOf,
  namesOf,
  principalOf,
  putAccount,
  removeAccount,
} from "./state.ts";

/** So many places are remembered for an account, up to which it has read; the latest. */
export const MARKERS_MAX = 500;

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);
const NO_TEXT = new Uint8Array(0);
const GUEST_NICK = /^guest\d+$/;

type RecordOf<Kind extends AccountRecord["kind"]> = Extract<AccountRecord, { kind: Kind }>;

export function account(
  state: ChatState,
  { person, name, role, session: id }: RecordOf<"account">,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  if (!Number.isSafeInteger(person) || person < FIRST_ACCOUNT) return NO_EFFECTS;
  const known = state.accounts.get(person);
  if (role === undefined) return known === undefined ? NO_EFFECTS : dropped(state, known, sequence, timeMs);
  if (known !== undefined) return ranked(state, known, role);
  const owner = state.names.ownerOf(name);
  const isAnothers = owner !== undefined && isNameOf(state.accounts.get(owner), name);
  if (!isNick(name) || isServiceName(name) || isAnothers) return NO_EFFECTS;
  const maker = id === undefined ? undefined : state.sessions.get(id);
  const isOwn = maker !== undefined && isGuestCalled(state, maker, name);
  const effects = makeFree(state, name, timeMs, isOwn ? maker : undefined);
  // What it is called already is the account's from now on, and its own with that.
  if (isOwn) change(state, maker, { nick: "", displayName: "" });
  const made: Account = { person, name, role, markers: new Map() };
  putAccount(state, made);
  return isOwn ? [...effects, ...begin(state, maker, made, timeMs)] : effects;
}

function isGuestCalled(state: ChatState, session: Session, name: string): boolean {
  const { id, process, person, principal } = session;
  const isGuest = process !== 0 && person === id && principal === id && !state.attached.has(id);
  return isGuest && namesOf(session).some((each) => doClash(each, name));
}

/** Whether nobody else can be called so because of that account. */
function isNameOf(account: Account | undefined, name: string): boolean {
  return account !== undefined && doClash(account.name, name);
}

/** Whoever has the name of a new account, or one that could be taken for it, gets another. */
function makeFree(
  state: ChatState,
  name: string,
  timeMs: number,
  except: Session | undefined,
): readonly Effect[] {
  const others = [...state.sessions.values()].filter(
    (session) => session !== except && namesOf(session).some((each) => doClash(each, name)),
  );
  return others.flatMap((session) => {
    const nick = doClash(session.nick, name) ? freeGuestNick(state, session, name) : session.nick;
    return renameTo(state, session, nick, nick, timeMs);
  });
}

function ranked(state: ChatState, account: Account, role: Role): readonly Effect[] {
  putAccount(state, { ...account, role });
  const own = withPerson(state, account.person).filter(({ operPerson }) => operPerson === 0);
  const effects = own.flatMap((session) => withRole(state, session, role, 0));
  return [
    ...effects,
    ...operatorsOf(state, account.person).flatMap((session) => reopered(state, session, role)),
  ];
}

function withRole(state: ChatState, session: Session, role: Role, operPerson: PersonId): readonly Effect[] {
  const changed = change(state, session, { role, operPerson });
  return namesOf(changed).length === 0 ? [] : [{ kind: "roleChanged", session: changed }];
}

/** Who has its role from another account: as long as that has one, and then what its own says. */
function reopered(state: ChatState, session: Session, role: Role): readonly Effect[] {
  return role === "user"
    ? withRole(state, session, state.accounts.get(session.person)?.role ?? "user", 0)
    : withRole(state, session, role, session.operPerson);
}

/** Whoever is logged in to it is a guest from now on, by the name that it has. */
function dropped(state: ChatState, account: Account, sequence: number, timeMs: number): readonly Effect[] {
  const principal = state.loggedIn.get(account.person);
  // First: what it was called is its own from now on, and not the account's.
  removeAccount(state, account);
  const effects = withPerson(state, account.person).flatMap((session): Effect[] => {
    const guest = change(state, session, {
      account: "",
      role: "user",
      operPerson: 0,
      person: session.principal,
    });
    if (session.principal !== session.id) return [];
    const changed: Effect = { kind: "accountChanged", session: guest };
    return session.role === "user" ? [changed] : [changed, { kind: "roleChanged", session: guest }];
  });
  for (const session of operatorsOf(state, account.person)) effects.push(...reopered(state, session, "user"));
  const session = principal === undefined ? undefined : state.sessions.get(principal);
  return session === undefined || clientsOf(state, session).length > 0
    ? effects
    : [...effects, ...depart(state, session, "connection lost", NO_TEXT, sequence, timeMs)];
}

function withPerson(state: ChatState, person: PersonId): Session[] {
  return [...state.sessions.values()].filter((session) => session.person === person);
}

function operatorsOf(state: ChatState, person: PersonId): Session[] {
  return [...state.sessions.values()].filter((session) => session.operPerson === person);
}

/**
 * A client is whose account it says. Where that person is here already, it becomes one more client of it, and what it
 * was before leaves.
 */
export function login(
  state: ChatState,
  { session: id, person }: RecordOf<"login">,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const client = state.sessions.get(id);
  const found = state.accounts.get(person);
  // Who has no connection any more cannot have meant what it stays as.
  if (client === undefined || client.process === 0 || found === undefined || client.person === person)
    return NO_EFFECTS;
  // One of several clients of somebody else, or whoever has several itself, would take the others along.
  if (client.principal !== client.id || state.attached.has(client.id))
    return refuse(client, "alreadySo", client.account);
  const principal = state.loggedIn.get(person);
  if (client.nick !== "" && principal !== undefined)
    return merge(state, client, state.sessions.get(principal)!, sequence, timeMs);
  return begin(state, client, found, timeMs);
}

/** Whoever has a guest's name, or that of another account that it leaves, goes by its account's name from now on. */
function begin(state: ChatState, client: Session, account: Account, timeMs: number): readonly Effect[] {
  const left = state.accounts.get(client.person);
  const { name, person, role } = account;
  const loggedIn = { ...client, account: name, person, role, operPerson: 0 };
  const keepsNick = client.nick === "" || !(GUEST_NICK.test(client.nick) || isNameOf(left, client.nick));
  const nick = keepsNick ? client.nick : account.name;
  const keepsDisplayName = client.displayName !== client.nick && !isNameOf(left, client.displayName);
  const displayName = keepsDisplayName ? client.displayName : nick;
  const session = change(state, loggedIn, { nick, displayName });
  const effects: Effect[] = [{ kind: "accountChanged", session: loggedIn }];
  if (client.nick !== "" && client.role !== account.role)
    effects.push({ kind: "roleChanged", session: loggedIn });
  if (nick !== client.nick) remember(state, client, timeMs);
  if (nick !== client.nick || displayName !== client.displayName)
    effects.push({ kind: "renamed", session, previous: loggedIn });
  return effects;
}

function merge(
  state: ChatState,
  client: Session,
  principal: Session,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const parted: Effect[] = Array.from(client.rooms.keys(), (room) => ({
    kind: "parted",
    session: client,
    room: state.rooms.get(room)!,
    text: NO_TEXT,
  }));
  const succession = vacate(state, client, sequence);
  // As it is by now: it may have got something of what the client has left to run.
  const heir = state.sessions.get(principal.id)!;
  const attached = attach(state, state.sessions.get(client.id)!, heir, timeMs);
  return [...parted, ...attached, ...succession];
}

/** An operator may be somebody else than who it is logged in as. */
export function oper(state: ChatState, { session: id, person }: RecordOf<"oper">): readonly Effect[] {
  const client = state.sessions.get(id);
  const found = state.accounts.get(person);
  if (client === undefined || client.process === 0 || found === undefined || found.role === "user")
    return NO_EFFECTS;
  const session = change(state, principalOf(state, client), { role: found.role, operPerson: person });
  return session.nick === "" ? NO_EFFECTS : [{ kind: "roleChanged", session }];
}

/** How far somebody has read, on whichever of its clients: never back. */
export function mark(
  state: ChatState,
  session: Session,
  { target, timeMs }: Extract<Wish, { kind: "mark" }>,
): readonly Effect[] {
  const found = state.accounts.get(session.person);
  if (found === undefined) return refuse(session, "needsAccount", target);
  const key = markerKey(target);
  if (key === undefined) return refuse(session, target.startsWith("#") ? "noSuchRoom" : "noSuchName", target);
  const before = found.markers.get(key) ?? 0;
  if (!Number.isSafeInteger(timeMs) || timeMs <= before)
    return [{ kind: "marked", session, target, timeMs: before }];
  const markers = new Map(found.markers);
  markers.delete(key);
  markers.set(key, timeMs);
  for (const oldest of markers.keys()) {
    if (markers.size <= MARKERS_MAX) break;
    markers.delete(oldest);
  }
  putAccount(state, { ...found, markers });
  return [{ kind: "marked", session, target, timeMs }];
}

/** What a place is called in an account's markers; undefined: nothing is called so. */
export function markerKey(target: string): string | undefined {
  if (target.startsWith("#")) return cleanRoomName(target);
  const name = cleanDisplayName(target);
  return name === undefined ? undefined : foldNick(name);
}
