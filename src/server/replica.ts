import { type ChatState, type Effect, apply } from "../chat/index.ts";
import type { LogRecord } from "../log/index.ts";
import { RecordKind, decode } from "../record/index.ts";

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

/**
 * One process's copy of the chat's state, kept equal to everybody's by applying the same log. It starts from a state
 * that another replica has told, as it was after some record, and goes on with the record after that.
 */
export class Replica {
  readonly #warn: (text: string) => void;
  #state: ChatState | undefined;
  #through = 0;

  constructor(warn: (text: string) => void) {
    this.#warn = warn;
  }

  /** The last record that is part of the state, or had no need to be. */
  get through(): number {
    return this.#through;
  }

  /** Starts from this state, as it is after the record `through`. */
  resume(state: ChatState, through: number): void {
    this.#state = state;
    this.#through = through;
  }

  get isReady(): boolean {
    return this.#state !== undefined;
  }

  get state(): ChatState {
    if (this.#state === undefined) throw new Error("the replica has no state yet");
    return this.#state;
  }

  /** Applies one record. What it returns is for those of its clients that this process serves. */
  apply(record: LogRecord): readonly Effect[] {
    const { kind, sequence } = record;
    if (sequence <= this.#through) return NO_EFFECTS;
    this.#through = sequence;
    if (kind === RecordKind.quiet || kind === RecordKind.answer) return NO_EFFECTS;
    const decoded = decode(kind, record.bytes, record.start, record.length);
    if (decoded === undefined) {
      this.#warn(`record ${sequence} of kind ${kind} is not understood and was skipped`);
      return NO_EFFECTS;
    }
    const { process, timeMs } = record;
    try {
      return apply(this.state, decoded, process, sequence, timeMs);
    } catch (error) {
      // A bug of ours, which every replica meets at the same record and in the same way: they stay equal.
      this.#warn(
        `record ${sequence} of kind ${kind} could not be applied: ${String((error as Error).stack)}`,
      );
      return NO_EFFECTS;
    }
  }
}
