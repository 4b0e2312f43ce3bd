import { ByteReader, ByteWriter, TruncatedError, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { PROTOCOLS } from "./protocols.ts";
import { ROOM_FLAGS, USER_FLAGS } from "./record.ts";
import {
  type Account,
  type ChatState,
  type Departed,
  FIRST_ACCOUNT,
  LOBBY,
  type Membership,
  NO_ROOM,
  type Policy,
  RANKS,
  RESTRICTION_KINDS,
  ROLES,
  ROOM_ID_MAX,
  type Restriction,
  type Room,
  type Session,
  type StoreState,
  clientsOf,
  createEmptyState,
  isSessionId,
  namesOf,
  putAccount,
  putRoom,
  putSession,
} from "./state.ts";

const SNAPSHOT_VERSION = 3;

const STORE_STATES: readonly StoreState[] = ["none", "kept", "failed"];
const LINKS: readonly Policy["links"][] = ["everybody", "accounts", "nobody"];

/** A snapshot that this version cannot read. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** One part of the state as bytes: a session, a room, an account, or what belongs to none of them. */
export interface StatePiece {
  /** "session/7", "room/3", "account/4503599627370497", "root". */
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** The whole state as bytes. Equal states give equal bytes. */
export function takeSnapshot(state: ChatState): Uint8Array {
  const writer = new ByteWriter(256 + state.sessions.size * 160 + state.rooms.size * 128);
  writeRoot(writer.uint8(SNAPSHOT_VERSION), state);
  writer.uint32(state.rooms.size);
  for (const room of state.rooms.values()) writeRoom(writer, room);
  writer.uint32(state.accounts.size);
  for (const account of inOrder(state.accounts.values())) writeAccount(writer, account);
  writer.uint32(state.sessions.size);
  for (const session of state.sessions.values()) writeSession(writer, session);
  writer.uint32(state.spokeMs.size);
  for (const [session, timeMs] of state.spokeMs) writer.uint53(session).uint53(timeMs);
  return writer.finish();
}

/** @throws SnapshotError for another version, bytes too many or too few, and what no state can be */
export function restoreSnapshot(bytes: Uint8Array): ChatState {
  return guarded(() => {
    const reader = new ByteReader(bytes);
    checkVersion(reader);
    const state = createEmptyState();
    readRoot(reader, state);
    const rooms: Room[] = [];
    for (let left = reader.uint32(); left > 0; left -= 1) rooms.push(readRoom(reader));
    const accounts: Account[] = [];
    for (let left = reader.uint32(); left > 0; left -= 1) accounts.push(readAccount(reader));
    const sessions: Session[] = [];
    for (let left = reader.uint32(); left > 0; left -= 1) sessions.push(readSession(reader));
    for (let left = reader.uint32(); left > 0; left -= 1)
      state.spokeMs.set(safe(reader.uint53()), safe(reader.uint53()));
    checkEnd(reader);
    fill(state, rooms, accounts, sessions);
    return state;
  });
}

export function rootPiece(state: ChatState): StatePiece {
  const writer = new ByteWriter().uint8(SNAPSHOT_VERSION);
  writeRoot(writer, state);
  return { key: "root", bytes: writer.finish() };
}

export function roomPiece(room: Room): StatePiece {
  const writer = new ByteWriter(128).uint8(SNAPSHOT_VERSION);
  writeRoom(writer, room);
  return { key: `room/${room.id}`, bytes: writer.finish() };
}

export function sessionPiece(session: Session): StatePiece {
  const writer = new ByteWriter(128).uint8(SNAPSHOT_VERSION);
  writeSession(writer, session);
  return { key: `session/${session.id}`, bytes: writer.finish() };
}

export function accountPiece(account: Account): StatePiece {
  const writer = new ByteWriter(64).uint8(SNAPSHOT_VERSION);
  writeAccount(writer, account);
  return { key: `account/${account.person}`, bytes: writer.finish() };
}

/**
 * The state whose pieces these are, in any order; of none, one without even a lobby.
 * @throws SnapshotError as `restoreSnapshot` does
 */
export function restorePieces(pieces: readonly StatePiece[]): ChatState {
  return guarded(() => {
    const state = createEmptyState();
    if (pieces.length === 0) return state;
    const rooms: Room[] = [];
    const accounts: Account[] = [];
    const sessions: Session[] = [];
    for (const { key, bytes } of pieces) {
      const reader = new ByteReader(bytes);
      checkVersion(reader);
      if (key === "root") readRoot(reader, state);
      else if (key.startsWith("room/")) rooms.push(readRoom(reader));
      else if (key.startsWith("account/")) accounts.push(readAccount(reader));
      else if (key.startsWith("session/")) sessions.push(readSession(reader));
      else throw new SnapshotError(`no part of a state is called ${key}`);
      checkEnd(reader);
    }
    fill(state, rooms, accounts, sessions);
    return state;
  });
}

/** Puts sessions in as they came, and into their rooms in the order in which each was entered. */
function fill(
  state: ChatState,
  rooms: readonly Room[],
  accounts: readonly Account[],
  sessions: readonly Session[],
): void {
  // Rooms are numbered in the order of their making.
  for (const room of rooms.toSorted((a, b) => a.id - b.id)) {
    check(room.id !== NO_ROOM && room.id < state.nextRoom, `room ${room.id} was never made`);
    check(!state.rooms.has(room.id), `room ${room.id} is there twice`);
    check(state.roomNames.isFree(room.name, room.id), `another room is called ${room.name}`);
    putRoom(state, room);
  }
  check(state.rooms.has(LOBBY), "there is no lobby");
  for (const account of inOrder(accounts)) {
    check(account.person >= FIRST_ACCOUNT, `${account.person} is no account`);
    check(!state.accounts.has(account.person), `account ${account.person} is there twice`);
    check(state.names.isFree(account.name, account.person), `another account is called ${account.name}`);
    putAccount(state, account);
  }
  const entered: { session: Session; membership: Membership }[] = [];
  const byId = new Map(sessions.map((session) => [session.id, session]));
  for (const session of sessions.toSorted((a, b) => a.since - b.since)) {
    const { id, process, person, principal, account, rooms: memberships, focus } = session;
    check(isSessionId(id) && id < state.nextSession, `session ${id} was never seated`);
    check(!state.sessions.has(id), `session ${id} is there twice`);
    const isAttached = principal !== id;
    const owner = isAttached ? byId.get(principal) : session;
    const isClient =
      owner !== undefined && (!isAttached || (owner.principal === principal && owner.nick !== ""));
    check(isClient, `session ${id} is the client of nobody`);
    check(!isAttached || (session.nick === "" && process !== 0), `session ${id} is two`);
    check(session.nick !== "" || memberships.size === 0, `session ${id} is in a room, and has not arrived`);
    check(person === owner!.person, `session ${id} is somebody else than whose client it is`);
    check(
      account === "" ? person === principal : state.accounts.get(person)?.name === account,
      `session ${id} is logged in to no account`,
    );
    check(
      session.operPerson === 0 || (!isAttached && state.accounts.has(session.operPerson)),
      `session ${id} is no operator who is known`,
    );
    check(
      isAttached || account === "" || session.nick === "" || !state.loggedIn.has(person),
      `${account} is here twice`,
    );
    for (const name of namesOf(session))
      check(state.names.isFree(name, person), `somebody else is called ${name}`);
    const areThere = [...memberships.keys()].every((room) => state.rooms.has(room));
    check(areThere, `session ${id} is in a room that is not there`);
    check(focus === NO_ROOM || memberships.has(focus), `session ${id} speaks in a room that it is not in`);
    putSession(state, session);
    for (const membership of session.rooms.values()) entered.push({ session, membership });
  }
  for (const session of state.sessions.values()) {
    const stays = session.account !== "" && session.nick !== "";
    check(stays || clientsOf(state, session).length > 0, `session ${session.id} has no client`);
  }
  for (const id of state.spokeMs.keys())
    check(state.sessions.has(id), `session ${id} spoke, and is not there`);
  for (const members of state.members.values()) members.clear();
  for (const { session, membership } of entered.toSorted((a, b) => a.membership.since - b.membership.since))
    state.members.get(membership.room)!.add(session.id);
}

/** Whichever came first: nothing tells, and nothing goes by it. */
function inOrder(accounts: Iterable<Account>): Account[] {
  return [...accounts].toSorted((one, other) => one.person - other.person);
}

function writeRoot(writer: ByteWriter, state: ChatState): void {
  writer
    .uint53(state.nextGuest)
    .uint32(state.nextRoom)
    .uint53(state.nextSession)
    .uint16(state.historyProcess)
    .uint8(STORE_STATES.indexOf(state.store))
    .uint16(state.format);
  writePolicy(writer, state.policy);
  writer.uint8(state.departed.length);
  for (const { nick, user, host, realName, account, timeMs } of state.departed) {
    for (const text of [nick, user, host, realName, account]) name(writer, text);
    writer.uint53(timeMs);
  }
}

function readRoot(reader: ByteReader, state: ChatState): void {
  state.nextGuest = safe(reader.uint53());
  state.nextRoom = reader.uint32();
  check(state.nextRoom <= ROOM_ID_MAX + 1, `room ${state.nextRoom} cannot be made`);
  state.nextSession = safe(reader.uint53());
  state.historyProcess = reader.uint16();
  state.store = pick(STORE_STATES, reader.uint8());
  state.format = reader.uint16();
  state.policy = readPolicy(reader);
  const departed: Departed[] = [];
  for (let left = reader.uint8(); left > 0; left -= 1) {
    const [nick, user, host, realName] = [text(reader), text(reader), text(reader), text(reader)];
    departed.push({ nick, user, host, realName, account: text(reader), timeMs: safe(reader.uint53()) });
  }
  state.departed = departed;
}

function writePolicy(writer: ByteWriter, policy: Policy): void {
  writer
    .uint8(flags(policy.persistence))
    .uint8(LINKS.indexOf(policy.links))
    .uint53(policy.shieldSince)
    .uint16(policy.filters.length);
  for (const word of policy.filters) name(writer, word);
  writeRestrictions(writer, policy.silenced);
}

function readPolicy(reader: ByteReader): Policy {
  const persistence = (reader.uint8() & 1) !== 0;
  const links = pick(LINKS, reader.uint8());
  const shieldSince = safe(reader.uint53());
  const filters: string[] = [];
  for (let left = reader.uint16(); left > 0; left -= 1) filters.push(text(reader));
  return { persistence, links, shieldSince, filters, silenced: readRestrictions(reader) };
}

function writeAccount(writer: ByteWriter, account: Account): void {
  name(writer.uint53(account.person), account.name)
    .uint8(ROLES.indexOf(account.role))
    .uint16(account.markers.size);
  for (const [target, timeMs] of account.markers) name(writer, target).uint53(timeMs);
}

function readAccount(reader: ByteReader): Account {
  const person = safe(reader.uint53());
  const name = text(reader);
  const role = pick(ROLES, reader.uint8());
  const markers = new Map<string, number>();
  for (let left = reader.uint16(); left > 0; left -= 1) markers.set(text(reader), safe(reader.uint53()));
  return { person, name, role, markers };
}

function writeRoom(writer: ByteWriter, room: Room): void {
  name(writer.uint32(room.id), room.name)
    .uint16(flags(...ROOM_FLAGS.map((flag) => room[flag])))
    .uint8(flags(room.topic !== undefined))
    .uint53(room.emptySince)
    .uint53(room.madeMs);
  name(writer, room.key).uint16(room.limit).uint32(room.slowSeconds);
  if (room.topic !== undefined) {
    name(name(writer, room.topic.text), room.topic.by).uint53(room.topic.timeMs);
  }
  writer.uint8(room.invited.size);
  for (const person of room.invited) writer.uint53(person);
  writeRestrictions(writer, room.restrictions);
}

function readRoom(reader: ByteReader): Room {
  const id = reader.uint32();
  const roomName = text(reader);
  const bits = reader.uint16();
  const hasTopic = (reader.uint8() & 1) !== 0;
  const emptySince = safe(reader.uint53());
  const madeMs = safe(reader.uint53());
  const key = text(reader);
  const limit = reader.uint16();
  const slowSeconds = reader.uint32();
  const topic = hasTopic
    ? { text: text(reader), by: text(reader), timeMs: safe(reader.uint53()) }
    : undefined;
  const invited = new Set<number>();
  for (let left = reader.uint8(); left > 0; left -= 1) invited.add(safe(reader.uint53()));
  return {
    id,
    name: roomName,
    topic,
    ...unflagged(ROOM_FLAGS, bits),
    key,
    limit,
    slowSeconds,
    madeMs,
    invited,
    restrictions: readRestrictions(reader),
    emptySince,
  };
}

function writeRestrictions(writer: ByteWriter, restrictions: readonly Restriction[]): void {
  writer.uint16(restrictions.length);
  for (const { kind, mask, person, by, timeMs } of restrictions) {
    name(writer.uint8(RESTRICTION_KINDS.indexOf(kind)), mask).uint53(person);
    name(writer, by).uint53(timeMs);
  }
}

function readRestrictions(reader: ByteReader): Restriction[] {
  const restrictions: Restriction[] = [];
  for (let left = reader.uint16(); left > 0; left -= 1) {
    restrictions.push({
      kind: pick(RESTRICTION_KINDS, reader.uint8()),
      mask: text(reader),
      person: safe(reader.uint53()),
      by: text(reader),
      timeMs: safe(reader.uint53()),
    });
  }
  return restrictions;
}

function writeSession(writer: ByteWriter, session: Session): void {
  writer
    .uint53(session.id)
    .uint16(session.process)
    .uint8(PROTOCOLS.indexOf(session.protocol))
    .uint53(session.since)
    .uint53(session.principal)
    .uint53(session.person)
    .uint8(ROLES.indexOf(session.role))
    .uint53(session.operPerson)
    .uint8(flags(...USER_FLAGS.map((flag) => session[flag])))
    .uint53(session.arrivedMs)
    .uint53(session.absentSince);
  for (const each of textsOf(session)) name(writer, each);
  writer.uint32(session.focus).uint16(session.rooms.size);
  for (const membership of session.rooms.values()) {
    const { room, since, spokeMs } = membership;
    writer
      .uint32(room)
      .uint53(since)
      .uint8(flags(...RANKS.map((rank) => membership[rank])))
      .uint53(spokeMs);
  }
}

function textsOf({ account, user, realName, host, nick, displayName, away }: Session): readonly string[] {
  return [account, user, realName, host, nick, displayName, away];
}

function readSession(reader: ByteReader): Session {
  const id = safe(reader.uint53());
  const process = reader.uint16();
  const protocol = pick(PROTOCOLS, reader.uint8());
  const since = safe(reader.uint53());
  const principal = safe(reader.uint53());
  const person = safe(reader.uint53());
  const role = pick(ROLES, reader.uint8());
  const operPerson = safe(reader.uint53());
  const bits = reader.uint8();
  const arrivedMs = safe(reader.uint53());
  const absentSince = safe(reader.uint53());
  const [account, user, realName, host] = [text(reader), text(reader), text(reader), text(reader)];
  const [nick, displayName, away] = [text(reader), text(reader), text(reader)];
  const focus = reader.uint32();
  const rooms = new Map<number, Membership>();
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const room = reader.uint32();
    const entered = safe(reader.uint53());
    const ranks = unflagged(RANKS, reader.uint8());
    rooms.set(room, { room, since: entered, ...ranks, spokeMs: safe(reader.uint53()) });
  }
  return {
    id,
    process,
    protocol,
    since,
    principal,
    person,
    account,
    role,
    operPerson,
    user,
    realName,
    ...unflagged(USER_FLAGS, bits),
    host,
    arrivedMs,
    nick,
    displayName,
    away,
    absentSince,
    focus,
    rooms,
  };
}

function name(writer: ByteWriter, text: string): ByteWriter {
  return writer.sized(encodeUtf8(text));
}

function text(reader: ByteReader): string {
  return decodeUtf8(reader.sized());
}

/** What `flags` wrote, by the names of the bits. */
function unflagged<Name extends string>(names: readonly Name[], bits: number): Record<Name, boolean> {
  return Object.fromEntries(names.map((name, bit) => [name, (bits & (1 << bit)) !== 0])) as Record<
    Name,
    boolean
  >;
}

function flags(...bits: readonly boolean[]): number {
  return bits.reduce((sum, bit, at) => sum + (bit ? 1 << at : 0), 0);
}

/** Sixty-four bits hold more than a number does exactly. */
function safe(value: number): number {
  check(Number.isSafeInteger(value), `the snapshot has a number (${value}) that is too large`);
  return value;
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new SnapshotError(`the snapshot has a value (${index}) that is not known`);
  return value;
}

function check(condition: boolean, message: string): void {
  if (!condition) throw new SnapshotError(message);
}

function checkVersion(reader: ByteReader): void {
  const version = reader.uint8();
  if (version !== SNAPSHOT_VERSION)
    throw new SnapshotError(`the snapshot is of version ${version}, this program knows ${SNAPSHOT_VERSION}`);
}

function checkEnd(reader: ByteReader): void {
  if (reader.remaining > 0)
    throw new SnapshotError(`${reader.remaining} bytes follow the end of the snapshot`);
}

function guarded<T>(restore: () => T): T {
  try {
    return restore();
  } catch (error) {
    if (error instanceof TruncatedError)
      throw new SnapshotError(`the snapshot ends too early: ${error.message}`);
    throw error;
  }
}
