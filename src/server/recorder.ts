import {
  type Account,
  type ChatState,
  type Effect,
  type Entry,
  type Gap,
  type Room,
  type Session,
  type StatePiece,
  accountPiece,
  createEmptyState,
  createState,
  entryOf,
  restorePieces,
  roomPiece,
  rootPiece,
  sessionPiece,
} from "../chat/index.ts";
import { FIRST_SEQUENCE, type HistoryStore } from "../history/index.ts";

/**
 * Brings the conversation into the store: what was said, and the state that it led to, in one transaction, so that the
 * store always holds the state exactly as it was after the last record that it has.
 *
 * Sessions and rooms are never changed, only replaced: whatever is another object than the one stored last is written.
 */
export class Recorder {
  readonly #store: HistoryStore;
  readonly #sessions = new Map<number, Session>();
  readonly #rooms = new Map<number, Room>();
  readonly #accounts = new Map<number, Account>();
  #storedChanges = -1;
  #entries: Entry[] = [];
  /** Entries that are deleted. They do not get lost with what cannot be written. */
  #redacted: number[] = [];
  #gap: Gap | undefined;
  #through: number;
  #throughTimeMs: number;
  /** When the first of what was added since the last commit was ordered. */
  #sinceMs: number | undefined;

  /**
   * @param stored the state that the store holds
   * @param isCurrent whether what is added goes on from there; otherwise all of the state is written anew
   */
  constructor(store: HistoryStore, stored: ChatState, isCurrent: boolean) {
    this.#store = store;
    this.#through = store.through;
    this.#throughTimeMs = store.throughTimeMs;
    for (const session of stored.sessions.values()) this.#sessions.set(session.id, session);
    for (const room of stored.rooms.values()) this.#rooms.set(room.id, room);
    for (const account of stored.accounts.values()) this.#accounts.set(account.person, account);
    if (isCurrent) this.#storedChanges = stored.changes;
  }

  /** The last record that was given to it. */
  get through(): number {
    return this.#through;
  }

  /** Entries that wait for `commit`. */
  get pending(): number {
    return this.#entries.length;
  }

  /** A record and what came of it. */
  add(effects: readonly Effect[], sequence: number, timeMs: number): void {
    this.#through = sequence;
    this.#throughTimeMs = timeMs;
    this.#sinceMs ??= timeMs;
    if (effects.length === 0) return;
    const entry = entryOf(effects, sequence, timeMs);
    if (entry !== undefined) this.#entries.push(entry);
    for (const effect of effects) if (effect.kind === "redacted") this.#redacted.push(effect.message);
  }

  /** What was added since the last commit will be missing, up to the next one: from here on it is a gap. */
  drop(): void {
    this.#entries = [];
    this.#gap ??= {
      from: nextSequence(this.#store),
      to: this.#through,
      fromTimeMs:
        this.#store.through === 0 ? (this.#sinceMs ?? this.#throughTimeMs) : this.#store.throughTimeMs,
      toTimeMs: this.#throughTimeMs,
    };
    this.#gap = { ...this.#gap, to: this.#through, toTimeMs: this.#throughTimeMs };
  }

  /** What is missing and was not written down as missing yet. */
  get gap(): Gap | undefined {
    return this.#gap;
  }

  /**
   * Writes what is new. When it throws, nothing was written, and all of it is tried again with the next call.
   * @throws HistoryWriteError
   */
  commit(state: ChatState): void {
    if (this.#through === this.#store.through && this.#storedChanges === state.changes) return;
    const news = this.#storedChanges === state.changes ? NO_NEWS : this.#newsOf(state);
    this.#store.write({
      entries: this.#entries,
      through: this.#through,
      throughTimeMs: this.#throughTimeMs,
      rooms: news.namedRooms,
      state: news,
      gaps: this.#gap === undefined ? [] : [this.#gap],
      redacted: this.#redacted,
    });
    this.#entries = [];
    this.#redacted = [];
    this.#gap = undefined;
    this.#sinceMs = undefined;
    if (news === NO_NEWS) return;
    for (const session of news.sessions) this.#sessions.set(session.id, session);
    for (const room of news.rooms) this.#rooms.set(room.id, room);
    for (const account of news.accounts) this.#accounts.set(account.person, account);
    for (const id of news.lostSessions) this.#sessions.delete(id);
    for (const id of news.lostRooms) this.#rooms.delete(id);
    for (const id of news.lostAccounts) this.#accounts.delete(id);
    this.#storedChanges = state.changes;
  }

  #newsOf(state: ChatState): News {
    const sessions = [...state.sessions.values()].filter((each) => this.#sessions.get(each.id) !== each);
    const rooms = [...state.rooms.values()].filter((each) => this.#rooms.get(each.id) !== each);
    const accounts = [...state.accounts.values()].filter((each) => this.#accounts.get(each.person) !== each);
    const lostSessions = [...this.#sessions.keys()].filter((id) => !state.sessions.has(id));
    const lostRooms = [...this.#rooms.keys()].filter((id) => !state.rooms.has(id));
    const lostAccounts = [...this.#accounts.keys()].filter((id) => !state.accounts.has(id));
    return {
      sessions,
      rooms,
      accounts,
      lostSessions,
      lostRooms,
      lostAccounts,
      namedRooms: rooms
        .filter(({ id, name }) => this.#rooms.get(id)?.name !== name)
        .map(({ id, name }) => ({ id, name })),
      put: [
        rootPiece(state),
        ...rooms.map(roomPiece),
        ...accounts.map(accountPiece),
        ...sessions.map(sessionPiece),
      ],
      remove: [
        ...lostSessions.map((id) => `session/${id}`),
        ...lostRooms.map((id) => `room/${id}`),
        ...lostAccounts.map((id) => `account/${id}`),
      ],
    };
  }
}

interface News {
  readonly sessions: readonly Session[];
  readonly rooms: readonly Room[];
  readonly accounts: readonly Account[];
  readonly lostSessions: readonly number[];
  readonly lostRooms: readonly number[];
  readonly lostAccounts: readonly number[];
  /** New and renamed ones. */
  readonly namedRooms: readonly { readonly id: number; readonly name: string }[];
  readonly put: readonly StatePiece[];
  readonly remove: readonly string[];
}

const NO_NEWS: News = {
  sessions: [],
  rooms: [],
  accounts: [],
  lostSessions: [],
  lostRooms: [],
  lostAccounts: [],
  namedRooms: [],
  put: [],
  remove: [],
};

/** The first record that a store has not dealt with. */
export function nextSequence(store: HistoryStore): number {
  return Math.max(store.through + 1, FIRST_SEQUENCE);
}

export interface StoredState {
  /** The state that the store holds: none at all in a new one. */
  readonly stored: ChatState;
  /** What to go on from: the same, or in a new store the first state that there is. */
  readonly state: ChatState;
}

/** @throws SnapshotError */
export function storedState(store: HistoryStore): StoredState {
  const pieces = store.loadState();
  const stored = pieces.length === 0 ? createEmptyState() : restorePieces(pieces);
  return { stored, state: store.through === 0 ? createState() : stored };
}
