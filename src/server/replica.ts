import { concatBytes } from "../base/index.ts";
import { type ChatState, type Effect, apply, restoreSnapshot, takeSnapshot } from "../chat/index.ts";
import { BACK_PRESSURED, type LogMember, type LogRecord } from "../log/index.ts";
import {
  GENESIS,
  RecordKind,
  decode,
  decodeSnapshot,
  decodeSnapshotWanted,
  encodeSnapshot,
} from "../record/index.ts";

/** Of a snapshot in one record; the rest of the record tells whose and which part. */
const SNAPSHOT_HEADER_BYTES = 64;

const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

interface HeldRecord {
  kind: number;
  process: number;
  sequence: number;
  timeMs: number;
  payload: Uint8Array;
}

/**
 * One process's copy of the chat's state, kept equal to everybody's by applying the same log.
 *
 * It starts empty-handed: from the record that asks for its snapshot on, it holds back what it reads; when another
 * replica's answer has come through the log, it restores that, applies what it held, and is ready. Answers to others
 * it gives in the same way: the state exactly at the record that asked.
 */
export class Replica {
  readonly #member: LogMember;
  readonly #warn: (text: string) => void;
  readonly #genesis: () => ChatState;
  #state: ChatState | undefined;
  #wantedAt: number | undefined;
  #parts: Uint8Array[] = [];
  #held: HeldRecord[] = [];
  /** Parts of snapshots for others that the ring had no room for yet. */
  #unsent: Uint8Array[] = [];
  #through = 0;

  /** @param genesis the first state, where nobody is there who could tell one */
  constructor(member: LogMember, warn: (text: string) => void, genesis: () => ChatState) {
    this.#member = member;
    this.#warn = warn;
    this.#genesis = genesis;
  }

  /** The last record that it knows of, or had no need to. */
  get through(): number {
    return this.#through;
  }

  /** Starts from a state that this process has from elsewhere, as it is after the record `through`. */
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
    if (record.sequence <= this.#through) return NO_EFFECTS;
    this.#through = record.sequence;
    switch (record.kind) {
      case RecordKind.snapshotWanted:
        this.#onWanted(record);
        return NO_EFFECTS;
      case RecordKind.snapshot:
        this.#onSnapshot(record);
        return NO_EFFECTS;
      case RecordKind.quiet:
      case RecordKind.answer:
        return NO_EFFECTS;
    }
    if (this.#state === undefined) {
      if (this.#wantedAt !== undefined) {
        this.#held.push({
          kind: record.kind,
          process: record.process,
          sequence: record.sequence,
          timeMs: record.timeMs,
          payload: record.bytes.slice(record.start, record.start + record.length),
        });
      }
      return NO_EFFECTS;
    }
    const decoded = decode(record.kind, record.bytes, record.start, record.length);
    if (decoded === undefined) {
      this.#warn(`record ${record.sequence} of kind ${record.kind} is not understood and was skipped`);
      return NO_EFFECTS;
    }
    return apply(this.#state, decoded, record.process, record.sequence, record.timeMs);
  }

  /** Sends what is left of snapshots. Once in each turn. */
  step(): void {
    while (this.#unsent.length > 0) {
      if (this.#member.append(RecordKind.snapshot, 0, this.#unsent[0]!) === BACK_PRESSURED) return;
      this.#unsent.shift();
    }
  }

  #onWanted(record: LogRecord): void {
    const wanted = decodeSnapshotWanted(record.bytes, record.start, record.length);
    if (wanted === undefined || record.process !== 0) return this.#warn("a malformed wish for a snapshot");
    if (wanted.fromProcess === this.#member.process && this.#state !== undefined) {
      this.#answer(wanted.forProcess, wanted.generation, record.sequence);
      return;
    }
    const isOurs =
      wanted.forProcess === this.#member.process && wanted.generation === this.#member.generation;
    if (!isOurs || this.#state !== undefined) return;
    this.#wantedAt = record.sequence;
    this.#parts = [];
    this.#held = [];
    if (wanted.fromProcess === GENESIS) this.#state = this.#genesis();
  }

  #answer(forProcess: number, generation: number, wantedSequence: number): void {
    const snapshot = takeSnapshot(this.state);
    const partBytes = this.#member.payloadBytesMax - SNAPSHOT_HEADER_BYTES;
    const parts = Math.max(1, Math.ceil(snapshot.length / partBytes));
    for (let part = 0; part < parts; part += 1) {
      const bytes = snapshot.subarray(part * partBytes, (part + 1) * partBytes);
      this.#unsent.push(encodeSnapshot({ forProcess, generation, wantedSequence, part, parts, bytes }));
    }
    this.step();
  }

  #onSnapshot(record: LogRecord): void {
    if (this.#state !== undefined || this.#wantedAt === undefined) return;
    const snapshot = decodeSnapshot(record.bytes, record.start, record.length);
    if (snapshot === undefined) return this.#warn("a malformed snapshot");
    const isOurs =
      snapshot.forProcess === this.#member.process &&
      snapshot.generation === this.#member.generation &&
      snapshot.wantedSequence === this.#wantedAt;
    if (!isOurs || snapshot.part !== this.#parts.length) return;
    this.#parts.push(snapshot.bytes.slice());
    if (this.#parts.length < snapshot.parts) return;
    const state = restoreSnapshot(concatBytes(this.#parts));
    for (const held of this.#held) {
      const decoded = decode(held.kind, held.payload, 0, held.payload.length);
      // None of these concern a client of this process: it gets the first one after it has said that it is ready.
      if (decoded !== undefined) apply(state, decoded, held.process, held.sequence, held.timeMs);
    }
    this.#parts = [];
    this.#held = [];
    this.#state = state;
  }
}
