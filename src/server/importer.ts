import { type ChatState, faultOfRooms, found, roomCalled } from "../chat/index.ts";
import {
  FIRST_SEQUENCE,
  type HistoryStore,
  HistoryWriteError,
  ImportError,
  type ImportProgress,
  type ImportResult,
  type UnknownRoom,
  importEntries,
} from "../history/index.ts";
import type { HistoryPorts, ImportLines } from "./ports.ts";
import { Recorder, storedState } from "./recorder.ts";
import type { ImportReport } from "./seatMessage.ts";

/** The file of an import cannot be read, or was changed meanwhile; the message is a sentence for who imports it. */
export class ImportFileError extends Error {
  override readonly name = "ImportFileError";
}

/** Who imports is told so often how far it is. */
const PROGRESS_MS = 200;

/**
 * Imports into a history that no server is keeping now. Rooms of which it knows nothing get their ids from the chat's
 * state that is stored with it, as if somebody had been there, so that the next server goes on from them.
 *
 * @throws ImportError, ImportFileError, HistoryWriteError, SnapshotError
 */
export function* importDirectly(
  store: HistoryStore,
  lines: ImportLines,
  nowMs: number,
): Generator<ImportProgress, ImportResult> {
  const { stored, state } = storedState(store);
  const recorder = new Recorder(store, stored, state === stored);
  const roomsReady = (rooms: readonly UnknownRoom[]): boolean => {
    if (rooms.length === 0) return true;
    const missing = missingFrom(state, rooms);
    checkRooms(state, missing);
    // A server that starts goes on from the state only where something has been dealt with before it.
    if (store.through === 0) recorder.add([], FIRST_SEQUENCE - 1, nowMs);
    for (const { name } of missing) found(state, name, recorder.through);
    checkMade(state, missing);
    recorder.commit(state);
    return true;
  };
  return yield* importEntries(store, lines, { nowMs, roomsReady, roomId: (room) => idOf(state, room) });
}

/** The rooms of an import are made through the log, by records of the history process, and are in its state then. */
interface Rooms {
  readonly state: () => ChatState;
  /** Appends a record `found`. */
  readonly find: (name: string) => void;
}

/** An import that is under way. */
interface Running {
  readonly id: number;
  readonly lines: ImportLines;
  readonly steps: Generator<ImportProgress, ImportResult>;
  /** So many records `found` were appended and have not come back through the log; undefined: none was needed yet. */
  unheard: number | undefined;
  toldMs: number;
}

/** Imports files into the history of a running server, one at a time and a slice in each turn. */
export class Importer {
  readonly #ports: HistoryPorts;
  readonly #rooms: Rooms;
  #running: Running | undefined;

  constructor(ports: HistoryPorts, rooms: Rooms) {
    this.#ports = ports;
    this.#rooms = rooms;
  }

  begin(id: number, path: string): void {
    if (this.#running !== undefined) return this.#fail(id, "another import is under way; try again later");
    try {
      const lines = this.#ports.openLines(path);
      const steps = importEntries(this.#ports.store, lines, {
        nowMs: this.#ports.now(),
        roomsReady: (rooms) => this.#areReady(rooms),
        roomId: (room) => idOf(this.#rooms.state(), room),
      });
      this.#running = { id, lines, steps, unheard: undefined, toldMs: this.#ports.now() };
    } catch (error) {
      if (!(error instanceof ImportFileError)) throw error;
      this.#fail(id, error.message);
    }
  }

  /** A record `found` has come back through the log, and what came of it is in the state. */
  heard(): void {
    if (this.#running?.unheard !== undefined) this.#running.unheard -= 1;
  }

  /** One slice, in a turn in which everything that the state has is stored. */
  step(): void {
    const running = this.#running;
    // For its rooms it waits asleep: the log wakes us.
    if (running === undefined || (running.unheard ?? 0) > 0) return;
    try {
      const { done, value } = running.steps.next();
      if (done !== true) {
        this.#tell(running, value);
        // What it waits for from now on, the log brings.
        if ((running.unheard ?? 0) === 0) this.#ports.wake();
        return;
      }
      this.#end(running, { type: "imported", id: running.id, ...value });
    } catch (error) {
      if (![ImportError, ImportFileError, HistoryWriteError].some((kind) => error instanceof kind))
        throw error;
      this.stop((error as Error).message);
    }
  }

  /** Ends what is under way. What it has stored so far stays until the file is imported again. */
  stop(reason: string): void {
    const running = this.#running;
    if (running !== undefined) this.#end(running, { type: "importFailed", id: running.id, text: reason });
  }

  #areReady(rooms: readonly UnknownRoom[]): boolean {
    const running = this.#running!;
    const state = this.#rooms.state();
    if (running.unheard !== undefined) checkMade(state, rooms);
    const missing = missingFrom(state, rooms);
    if (missing.length === 0) return true;
    checkRooms(state, missing);
    running.unheard = missing.length;
    for (const { name } of missing) this.#rooms.find(name);
    return false;
  }

  #tell(running: Running, { phase, lines }: ImportProgress): void {
    const nowMs = this.#ports.now();
    if (nowMs - running.toldMs < PROGRESS_MS) return;
    running.toldMs = nowMs;
    this.#ports.send({ type: "importing", id: running.id, phase, lines });
  }

  #end(running: Running, report: ImportReport): void {
    this.#running = undefined;
    running.lines.close();
    this.#ports.send(report);
  }

  #fail(id: number, text: string): void {
    this.#ports.send({ type: "importFailed", id, text });
  }
}

function missingFrom(state: ChatState, rooms: readonly UnknownRoom[]): UnknownRoom[] {
  return rooms.filter(({ name }) => roomCalled(state, name) === undefined);
}

/** @throws ImportError for the first room that cannot be made, while none has been made */
function checkRooms(state: ChatState, rooms: readonly UnknownRoom[]): void {
  for (const room of rooms) {
    const fault = faultOfRooms(state, [room.name]);
    if (fault !== undefined) throw unmakeable(room, fault);
  }
  const fault = faultOfRooms(
    state,
    rooms.map(({ name }) => name),
  );
  if (fault !== undefined) throw unmakeable(rooms[0]!, fault);
}

/**
 * What has been found may not be there: others took the places, one of these rooms is too much like another, or it was
 * forgotten again at once. @throws ImportError for the first room that is missing
 */
function checkMade(state: ChatState, rooms: readonly UnknownRoom[]): void {
  for (const room of missingFrom(state, rooms)) throw unmakeable(room, reasonAgainst(state, room));
}

function reasonAgainst(state: ChatState, { name }: UnknownRoom): string {
  return faultOfRooms(state, [name]) ?? "it was forgotten again at once";
}

function unmakeable({ name, line }: UnknownRoom, why: string): ImportError {
  return new ImportError(line, `names the room ${name}, which cannot be made: ${why}`);
}

/** @throws ImportError */
function idOf(state: ChatState, room: UnknownRoom): number {
  const id = roomCalled(state, room.name)?.id;
  if (id === undefined) throw unmakeable(room, reasonAgainst(state, room));
  return id;
}
