/* Small histories for tests. */
import { DatabaseSync } from "node:sqlite";
import { type Batch, type NamedEntry, HistoryReader, HistoryStore } from "../../src/history/index.ts";
import type { Entry } from "../../src/chat/index.ts";

export const ALICE = { session: 5, nick: "alice", displayName: "alice" } as const;
export const BOB = { session: 6, nick: "bob", displayName: "Bob B" } as const;
/** Of an entry of whoever sends no tags and says nothing of itself. */
export const NO_EXTRAS = { tags: "", account: "", address: "" } as const;
export const ROOMS = [
  { id: 1, name: "#lobby" },
  { id: 2, name: "#garden" },
  { id: 3, name: "#cellar" },
] as const;

/** Alice says "hello" in the first room, unless it is told otherwise. One second is between two sequence numbers. */
export function entry(sequence: number, other: Partial<Entry> = {}): Entry {
  const plain = { kind: "say", rooms: [1], ...ALICE, peer: undefined, text: "hello" } as const;
  return { sequence, timeMs: sequence * 1000, ...plain, ...NO_EXTRAS, ...other };
}

export function whisper(sequence: number, other: Partial<Entry> = {}): Entry {
  return entry(sequence, { kind: "whisper", rooms: [], peer: BOB, ...other });
}

export function batch(entries: readonly Entry[], other: Partial<Batch> = {}): Batch {
  const last = entries.at(-1) ?? { sequence: 0, timeMs: 0 };
  const nothing = { rooms: [], state: { put: [], remove: [] }, gaps: [], redacted: [] };
  return { entries, through: last.sequence, throughTimeMs: last.timeMs, ...nothing, ...other };
}

export class TestHistory implements Disposable {
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  readonly store: HistoryStore = new HistoryStore(this.database);
  readonly reader: HistoryReader = new HistoryReader(this.database);

  constructor(entries: readonly Entry[] = [], other: Partial<Batch> = {}) {
    if (entries.length > 0 || Object.keys(other).length > 0)
      this.store.write(batch(entries, { rooms: ROOMS, ...other }));
  }

  /** Rows of each table. */
  counts(): Record<string, number> {
    const tables = ["entry", "room", "gap", "state"];
    return Object.fromEntries(
      tables.map((table) => [
        table,
        this.database.prepare(`SELECT count(*) AS rows FROM ${table}`).get()!["rows"] as number,
      ]),
    );
  }

  /** With the whispers, which no export has. */
  everything(): NamedEntry[] {
    const names = this.reader.roomsNamed();
    const all: NamedEntry[] = [];
    for (let next = this.store.from(1); next !== undefined; next = this.store.from(next.sequence + 1))
      all.push({ ...next, rooms: next.rooms.map((id) => names.get(id) ?? `#room-${id}`) });
    return all;
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}
