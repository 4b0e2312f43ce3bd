import type { Database, Statement } from "../base/index.ts";

/**
 * Where a time lies among the sequence numbers. Times never fall as sequence numbers rise, so it is found by halving,
 * and needs no index of its own: some thirty looks into the table.
 */
export class Timeline {
  readonly #first: Statement;
  readonly #last: Statement;
  readonly #next: Statement;

  constructor(database: Database) {
    this.#first = database.prepare("SELECT sequence, time_ms FROM entry ORDER BY sequence LIMIT 1");
    this.#last = database.prepare("SELECT sequence, time_ms FROM entry ORDER BY sequence DESC LIMIT 1");
    this.#next = database.prepare(
      "SELECT sequence, time_ms FROM entry WHERE sequence >= ? ORDER BY sequence LIMIT 1",
    );
  }

  /** The oldest entry, undefined where there is none. */
  get first(): Moment | undefined {
    return momentOf(this.#first.get());
  }

  /** All entries from this sequence number on, and none before it, have this time or a later one. */
  sequenceAt(timeMs: number): number {
    const last = momentOf(this.#last.get());
    if (last === undefined) return 1;
    if (last.timeMs < timeMs) return last.sequence + 1;
    let low = this.first!.sequence;
    let high = last.sequence;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const moment = momentOf(this.#next.get(middle))!;
      if (moment.timeMs >= timeMs) high = middle;
      else low = moment.sequence + 1;
    }
    return low;
  }
}

export interface Moment {
  readonly sequence: number;
  readonly timeMs: number;
}

export function momentOf(row: Record<string, unknown> | undefined): Moment | undefined {
  if (row === undefined) return undefined;
  return { sequence: row["sequence"] as number, timeMs: row["time_ms"] as number };
}
