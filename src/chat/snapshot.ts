import { ByteReader, ByteWriter, TruncatedError, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { PROTOCOLS } from "./protocols.ts";
import {
  type ChatState,
  LOBBY,
  type Membership,
  NO_ROOM,
  ROOM_ID_MAX,
  type Restriction,
  type Room,
  type Session,
  type StoreState,
  createEmptyState,
  isProcess,
  isSessionId,
  namesOf,
  putRoom,
  putSession,
} from "./state.ts";

const SNAPSHOT_VERSION = 2;

const STORE_STATES: readonly StoreState[] = ["none", "kept", "failed"];

/** A snapshot that this version cannot read. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

/** One part of the state as bytes: a session, a room, or the few numbers that belong to neither. */
export interface StatePiece {
  /** "session/7", "room/3", "root". */
  readonly key: string;
  readonly bytes: Uint8Array;
}

/** The whole state as bytes. Equal states give equal bytes. */
export function takeSnapshot(state: ChatState): Uint8Array {
  const writer = new ByteWriter(256 + state.sessions.size * 96 + state.rooms.size * 96);
  writeRoot(writer.uint8(SNAPSHOT_VERSION), state);
  writer.uint32(state.rooms.size);
  for (const room of state.rooms.values()) writeRoom(writer, room);
  writer.uint32(state.sessions.size);
  for (const session of state.sessions.values()) writeSession(writer, session);
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
    const sessions: Session[] = [];
    for (let left = reader.uint32(); left > 0; left -= 1) sessions.push(readSession(reader));
    checkEnd(reader);
    fill(state, rooms, sessions);
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

/**
 * The state whose pieces these are, in any order; of none, one without even a lobby.
 * @throws SnapshotError as `restoreSnapshot` does
 */
export function restorePieces(pieces: readonly StatePiece[]): ChatState {
  return guarded(() => {
    const state = createEmptyState();
    if (pieces.length === 0) return state;
    const rooms: Room[] = [];
    const sessions: Session[] = [];
    for (const { key, bytes } of pieces) {
      const reader = new ByteReader(bytes);
      checkVersion(reader);
      if (key === "root") readRoot(reader, state);
      else if (key.startsWith("room/")) rooms.push(readRoom(reader));
      else if (key.startsWith("session/")) sessions.push(readSession(reader));
      else throw new SnapshotError(`no part of a state is called ${key}`);
      checkEnd(reader);
    }
    fill(state, rooms, sessions);
    return state;
  });
}

/** Puts sessions in as they came, and into their rooms in the order in which each was entered. */
function fill(state: ChatState, rooms: readonly Room[], sessions: readonly Session[]): void {
  // Rooms are numbered in the order of their making.
  for (const room of rooms.toSorted((a, b) => a.id - b.id)) {
    check(room.id !== NO_ROOM && room.id < state.nextRoom, `room ${room.id} was never made`);
    check(!state.rooms.has(room.id), `room ${room.id} is there twice`);
    check(state.roomNames.isFree(room.name, room.id), `another room is called ${room.name}`);
    putRoom(state, room);
  }
  check(state.rooms.has(LOBBY), "there is no lobby");
  const entered: { session: Session; membership: Membership }[] = [];
  for (const session of sessions.toSorted((a, b) => a.since - b.since)) {
    const { id, process, rooms: memberships, focus } = session;
    check(isSessionId(id) && id < state.nextSession && isProcess(process), `session ${id} was never seated`);
    check(!state.sessions.has(id), `session ${id} is there twice`);
    for (const name of namesOf(session))
      check(state.names.isFree(name, id), `somebody else is called ${name}`);
    const areThere = [...memberships.keys()].every((room) => state.rooms.has(room));
    check(areThere, `session ${id} is in a room that is not there`);
    check(focus === NO_ROOM || memberships.has(focus), `session ${id} speaks in a room that it is not in`);
    putSession(state, session);
    for (const membership of session.rooms.values()) entered.push({ session, membership });
  }
  for (const members of state.members.values()) members.clear();
  for (const { session, membership } of entered.toSorted((a, b) => a.membership.since - b.membership.since))
    state.members.get(membership.room)!.add(session.id);
}

function writeRoot(writer: ByteWriter, state: ChatState): void {
  writer
    .uint53(state.nextGuest)
    .uint32(state.nextRoom)
    .uint53(state.nextSession)
    .uint16(state.historyProcess)
    .uint8(STORE_STATES.indexOf(state.store))
    .uint16(state.format);
}

function readRoot(reader: ByteReader, state: ChatState): void {
  state.nextGuest = safe(reader.uint53());
  state.nextRoom = reader.uint32();
  check(state.nextRoom <= ROOM_ID_MAX + 1, `room ${state.nextRoom} cannot be made`);
  state.nextSession = safe(reader.uint53());
  state.historyProcess = reader.uint16();
  state.store = pick(STORE_STATES, reader.uint8());
  state.format = reader.uint16();
}

function writeRoom(writer: ByteWriter, room: Room): void {
  writer
    .uint32(room.id)
    .sized(encodeUtf8(room.name))
    .uint8(flags(room.moderated, room.topicLocked, room.secret, room.topic !== undefined))
    .uint53(room.emptySince);
  if (room.topic !== undefined) {
    const { text, by, timeMs } = room.topic;
    writer.sized(encodeUtf8(text)).sized(encodeUtf8(by)).uint53(timeMs);
  }
  writer.uint16(room.restrictions.length);
  for (const { kind, nick, session, by, timeMs } of room.restrictions) {
    writer
      .uint8(kind === "ban" ? 0 : 1)
      .sized(encodeUtf8(nick))
      .uint53(session)
      .sized(encodeUtf8(by))
      .uint53(timeMs);
  }
}

function readRoom(reader: ByteReader): Room {
  const id = reader.uint32();
  const name = decodeUtf8(reader.sized());
  const bits = reader.uint8();
  const emptySince = safe(reader.uint53());
  const topic =
    (bits & 8) === 0
      ? undefined
      : {
          text: decodeUtf8(reader.sized()),
          by: decodeUtf8(reader.sized()),
          timeMs: safe(reader.uint53()),
        };
  const restrictions: Restriction[] = [];
  for (let left = reader.uint16(); left > 0; left -= 1) {
    restrictions.push({
      kind: reader.uint8() === 0 ? "ban" : "mute",
      nick: decodeUtf8(reader.sized()),
      session: safe(reader.uint53()),
      by: decodeUtf8(reader.sized()),
      timeMs: safe(reader.uint53()),
    });
  }
  return {
    id,
    name,
    topic,
    moderated: (bits & 1) !== 0,
    topicLocked: (bits & 2) !== 0,
    secret: (bits & 4) !== 0,
    restrictions,
    emptySince,
  };
}

function writeSession(writer: ByteWriter, session: Session): void {
  writer
    .uint53(session.id)
    .uint16(session.process)
    .uint8(PROTOCOLS.indexOf(session.protocol))
    .uint53(session.since)
    .sized(encodeUtf8(session.nick))
    .sized(encodeUtf8(session.displayName))
    .sized(encodeUtf8(session.away))
    .uint32(session.focus)
    .uint16(session.rooms.size);
  for (const { room, since, operator, voice } of session.rooms.values())
    writer.uint32(room).uint53(since).uint8(flags(operator, voice));
}

function readSession(reader: ByteReader): Session {
  const id = safe(reader.uint53());
  const process = reader.uint16();
  const protocol = pick(PROTOCOLS, reader.uint8());
  const since = safe(reader.uint53());
  const nick = decodeUtf8(reader.sized());
  const displayName = decodeUtf8(reader.sized());
  const away = decodeUtf8(reader.sized());
  const focus = reader.uint32();
  const rooms = new Map<number, Membership>();
  for (let left = reader.uint16(); left > 0; left -= 1) {
    const room = reader.uint32();
    const entered = safe(reader.uint53());
    const bits = reader.uint8();
    rooms.set(room, { room, since: entered, operator: (bits & 1) !== 0, voice: (bits & 2) !== 0 });
  }
  return { id, process, protocol, since, nick, displayName, away, focus, rooms };
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
