import { assert } from "../base/index.ts";
import {
  type Effect,
  type EffectOf,
  type Gap,
  type HistoryQuestion,
  endConversation,
  readableRooms,
  restoreSnapshot,
} from "../chat/index.ts";
import { type HistoryStore, HistoryWriteError } from "../history/index.ts";
import { BACK_PRESSURED, type LogMember, type LogRecord } from "../log/index.ts";
import { type Answer, RECORD_FORMAT, RecordKind, encode, encodeAnswer } from "../record/index.ts";
import { AccountDesk } from "./accountDesk.ts";
import { type Child, type Report, adoptedReport, createReplica } from "./child.ts";
import { Importer } from "./importer.ts";
import type { Handle, HistoryPorts, HistoryResult, Timer } from "./ports.ts";
import { UNWRITABLE, decideRedaction } from "./redactions.ts";
import { Recorder, type StoredState, nextSequence, storedState } from "./recorder.ts";
import type { Replica } from "./replica.ts";
import type { LogLevel, SeatMessage } from "./seatMessage.ts";
import { StateTeller } from "./stateTeller.ts";

export interface HistorianOptions {
  /** How long what was said is kept, in milliseconds; undefined: for ever. */
  keepMs: number | undefined;
  /** Whether delivery waits for the disk. Then it may not dawdle. */
  sync: boolean;
}

/** So many records in one transaction. */
const RECORDS_PER_TURN = 4096;
/** After a transaction it lets so much time pass, and writes what has come meanwhile in one. Questions wake it. */
const GATHER_MS = 100;
/** A store that failed is tried again after this. */
const RETRY_MS = 1000;
/** Where it is not full and may be written (somebody else has locked it, perhaps), so many failures are waited out. */
const FAILURES_MAX = 3;
/** Retention deletes so many at a time, rests so long between slices, and looks again after so long. */
const SLICE_ENTRIES = 500;
const SLICE_REST_MS = 50;
const RETENTION_MS = 60_000;
/**
 * After so long without a record the index is merged: so many pages at a time, which takes some 10 ms, with a rest
 * between. Where it fails, it is tried again after so long.
 */
const QUIET_MS = 2000;
const MERGE_PAGES = 64;
const MERGE_REST_MS = 50;
const MERGE_RETRY_MS = 60_000;
/** So many questions are looked up at a time, and only while no more records than these wait for room in the log. */
const OPEN_QUESTIONS_MAX = 64;
const UNSENT_MAX = 64;
/** Answers are addressed in their payload. */
const ANY_ROOM = 0;
/** Of one record with a part of an answer. */
const ANSWER_BYTES_MAX = 12 * 1024;

/**
 * Keeps the history: reads the log like everybody, brings it into the store, and answers questions by appending the
 * answers, addressed to who asked.
 *
 * It is the log's keeper: what it has not stored is not overwritten, also while it is dead. A successor goes on
 * exactly where the store stops, with the state that the store holds. Where the store cannot write, that is declared,
 * the log is let go on, and the range that is lost is written down as soon as writing works again.
 */
export class Historian implements Child {
  readonly replica: Replica;
  readonly #ports: HistoryPorts;
  readonly #member: LogMember;
  readonly #options: HistorianOptions;
  readonly #store: HistoryStore;
  readonly #initial: StoredState;
  readonly #importer: Importer;
  readonly #teller: StateTeller;
  readonly #desk: AccountDesk;
  #recorder: Recorder | undefined;
  /** Where what it reads begins. */
  #start: number | undefined;
  /** Asked, and not yet handed on: everything before them has to be in the store first. */
  readonly #asked: EffectOf<"historyAsked">[] = [];
  #openQuestions = 0;
  readonly #unsent: { kind: number; payload: Uint8Array }[] = [];
  /** How often writing has failed since it worked last. */
  #failures = 0;
  /** Declared: chat goes on without being kept. */
  #failing = false;
  /** What was said last about the store, by this process. */
  #announced: "kept" | "failed" | undefined;
  #retry = false;
  #stopAt: number | undefined;
  #gathering: Timer | undefined;
  #isAttentive = true;
  /** No record came since merging was thought of last. */
  #isQuiet = false;
  #saidReady = false;

  constructor(ports: HistoryPorts, member: LogMember, options: HistorianOptions) {
    this.#ports = ports;
    this.#member = member;
    this.#options = options;
    this.#store = ports.store;
    this.#initial = storedState(this.#store);
    this.replica = createReplica(ports);
    this.#teller = new StateTeller(ports, this.replica);
    this.#importer = new Importer(ports, {
      state: () => this.replica.state,
      find: (room) => void this.#unsent.push(encode({ kind: "found", room })),
    });
    this.#desk = new AccountDesk(ports, {
      process: member.process,
      state: () => (this.replica.isReady ? this.replica.state : undefined),
      append: (record) => void this.#unsent.push(record),
    });
    if (options.keepMs !== undefined) this.#retain(options.keepMs);
    this.#merge();
  }

  receive(message: SeatMessage, handles: readonly Handle[]): void {
    if (message.type === "import") this.#importer.begin(message.id, message.path);
    else if (message.type === "tell") this.#teller.ask(message);
    else if (message.type === "state") this.#bridge(message.through, handles);
    else if (message.type === "vault" || message.type === "userCommand") this.#desk.receive(message);
  }

  report(): readonly Report[] {
    // While no supervisor lived, the accounts were anybody's who runs the server.
    this.#desk.reconcileAgain();
    return [
      adoptedReport(this.#ports, this.replica, 0),
      { message: { type: "store", failed: this.#failing }, handles: [] },
    ];
  }

  /** What it has not stored, the next start finds in the log. */
  abandon(): void {
    this.#ports.exit();
  }

  step(member: LogMember): void {
    if (this.#start === undefined) this.#begin();
    // Let in where the log was kept from, it holds it there until it knows what to apply that to.
    if (!this.replica.isReady) return;
    const count = member.poll(this.#onRecord, RECORDS_PER_TURN);
    if (count > 0) this.#isQuiet = false;
    this.#teller.step();
    if (this.#recorder === undefined) {
      // All of this is missing anyway.
      member.consume(member.sequence!);
      if (this.#stopAt !== undefined) this.#ports.exit();
    } else {
      if (this.#commit(this.#recorder)) this.#handOn();
      if (this.#failing)
        this.#importer.stop("the history cannot be written at the moment; import it again later");
      else this.#importer.step();
    }
    this.#desk.step(this.replica.state);
    this.#send();
    if (!this.#saidReady) {
      this.#saidReady = true;
      this.#ports.send({ type: "store", failed: this.#failing });
      this.#ports.send({ type: "ready", format: RECORD_FORMAT, version: this.#ports.version });
    }
    this.#rest(count);
    if (this.#stopAt !== undefined && (this.#failing || this.#store.through >= this.#stopAt))
      this.#ports.exit();
  }

  /** Goes on from what is stored, as soon as it has been let in as a reader, and if that is where the log goes on. */
  #begin(): void {
    this.#member.poll(this.#onRecord, 0);
    this.#start = this.#member.sequence;
    if (this.#start === undefined || nextSequence(this.#store) < this.#start) return;
    const { stored, state } = this.#initial;
    this.replica.resume(state, nextSequence(this.#store) - 1);
    this.#recorder = new Recorder(this.#store, stored, state === stored);
  }

  readonly #onRecord = (record: LogRecord): void => {
    const { sequence, timeMs } = record;
    if (this.#recorder === undefined) {
      if (sequence <= this.replica.through) return;
      this.#recorder = this.#recorderAfterGap(timeMs);
    }
    if (sequence <= this.#recorder.through) return;
    const effects = this.replica.apply(record);
    this.#recorder.add(effects, sequence, timeMs);
    if (record.kind === RecordKind.found && record.process === this.#member.process) this.#importer.heard();
    if (record.kind === RecordKind.stop && record.process === 0) {
      this.#stopAt = sequence;
      this.#retry = true;
    }
    this.#keepQuestions(effects);
  };

  /**
   * The store lacks what came before: the state comes from another replica, and everything up to it is a gap. Without
   * one, nobody is left who knows better than the store.
   */
  #bridge(through: number, [memory]: readonly Handle[]): void {
    if (this.#start === undefined) this.#begin();
    if (this.replica.isReady) {
      if (memory !== undefined) this.#ports.close(memory);
      return;
    }
    if (memory === undefined) endConversation(this.#initial.state, this.#store.through);
    const state =
      memory === undefined ? this.#initial.state : restoreSnapshot(this.#ports.takeShared(memory));
    this.replica.resume(state, through);
  }

  /** @param timeMs when the first record after the gap was ordered */
  #recorderAfterGap(timeMs: number): Recorder {
    // As the store holds it: the first state may have been made of what was read of it at the start.
    const recorder = new Recorder(this.#store, storedState(this.#store).stored, false);
    recorder.add([], this.replica.through, timeMs);
    recorder.drop();
    return recorder;
  }

  #keepQuestions(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind !== "historyAsked") continue;
      const { session, question } = effect;
      // Only here is it needed, and the state is the one at the question's place.
      const rooms = question.kind === "search" ? readableRooms(this.replica.state, session) : effect.rooms;
      this.#asked.push({ ...effect, rooms });
    }
  }

  /** False where what came before is neither in the store nor lost yet: no question about it can be answered. */
  #commit(recorder: Recorder): boolean {
    const isWaiting = this.#failures > 0 && !this.#retry;
    if (isWaiting && !this.#failing) return false;
    if (isWaiting) recorder.drop();
    else {
      this.#retry = false;
      const { gap } = recorder;
      try {
        recorder.commit(this.replica.state);
        this.#failures = 0;
        this.#written(gap);
      } catch (error) {
        if (!(error instanceof HistoryWriteError)) throw error;
        this.#failed(error);
        // It may be over soon, and until then the log keeps what was said.
        if (!this.#failing) return false;
        recorder.drop();
      }
    }
    // At the end it claims nothing that it could not write: the next server finds it, and writes down what is missing.
    if (this.#failing && this.#stopAt !== undefined) return false;
    this.#member.consume(this.#member.sequence!);
    return true;
  }

  /** Writing works, perhaps again: also where it was a predecessor that could not. */
  #written(gap: Gap | undefined): void {
    if (!this.#failing && (this.replica.state.store !== "failed" || this.#announced === "kept")) return;
    this.#failing = false;
    this.#announce("kept", gap?.from ?? 0, gap?.to ?? 0, "");
    const missing = gap === undefined ? "" : `; records ${gap.from} to ${gap.to} are missing`;
    this.#log("info", `the history is written again${missing}`);
  }

  /** Chat goes on, and what is said is not kept until it can be. */
  #failed(error: HistoryWriteError): void {
    this.#failures += 1;
    const isLasting = error.code === "full" || error.code === "readonly" || this.#stopAt !== undefined;
    if (!this.#failing && (isLasting || this.#failures >= FAILURES_MAX)) {
      this.#failing = true;
      this.#announce("failed", 0, 0, error.message);
      this.#log("error", error.message);
    }
    this.#ports.clock.setTimer(RETRY_MS, () => {
      this.#retry = true;
      this.#ports.wake();
    });
  }

  #announce(store: "kept" | "failed", from: number, to: number, text: string): void {
    this.#announced = store;
    this.#ports.send({ type: "store", failed: store === "failed" });
    this.#unsent.push(encode({ kind: "store", failed: store === "failed", from, to, text }));
  }

  /** Questions whose past is in the store by now. */
  #handOn(): void {
    while (this.#asked.length > 0 && this.#openQuestions < OPEN_QUESTIONS_MAX) {
      // Answers that nobody has taken yet are enough to do.
      if (this.#unsent.length > UNSENT_MAX) return;
      const asked = this.#asked.shift()!;
      const { session, client, question, before, rooms } = asked;
      if (question.kind === "redact") {
        this.#redact(asked, question);
        continue;
      }
      this.#openQuestions += 1;
      this.#ports.query({ session: session.person, question, before, rooms }, (result) => {
        this.#openQuestions -= 1;
        this.#answer({ session: client, before, ...this.#completed(result, question, before) });
        this.#ports.wake();
      });
    }
  }

  /** The record answers for itself: only a refusal is an answer. */
  #redact(asked: EffectOf<"historyAsked">, question: Extract<HistoryQuestion, { kind: "redact" }>): void {
    const { client, before } = asked;
    const decided = this.#failing ? UNWRITABLE : decideRedaction(this.#store, asked, question);
    if ("kind" in decided) this.#unsent.push(encode(decided));
    else
      this.#answer({ session: client, before, through: 0, more: false, gaps: [], entries: [], ...decided });
  }

  /** What is missing since writing fails is in no store yet: it is a gap, and has been looked through. */
  #completed(result: HistoryResult, question: HistoryQuestion, before: number): HistoryResult {
    const gap = this.#recorder?.gap;
    if (gap === undefined || !reachesNow(question) || result.refusal !== undefined) return result;
    const through = question.kind === "range" && !result.more ? before - 1 : result.through;
    return { ...result, through, gaps: [...result.gaps, gap] };
  }

  #answer(answer: Answer): void {
    const bytesMax = Math.min(ANSWER_BYTES_MAX, this.#member.payloadBytesMax);
    for (const payload of encodeAnswer(answer, bytesMax))
      this.#unsent.push({ kind: RecordKind.answer, payload });
  }

  /** Before the log says whose word counts about the history, nobody would listen. */
  #send(): void {
    if (!this.replica.isReady || this.replica.state.historyProcess !== this.#member.process) return;
    while (this.#unsent.length > 0) {
      const { kind, payload } = this.#unsent[0]!;
      const position = this.#member.append(kind, ANY_ROOM, payload);
      if (position === BACK_PRESSURED) return;
      assert(position >= 0, `a record of ${payload.length} bytes cannot be appended`);
      this.#unsent.shift();
    }
  }

  /**
   * Under load it lets a moment pass between transactions, asleep and not to be woken for each record; when nothing
   * came, it wants to be woken for the next.
   */
  #rest(count: number): void {
    if (this.#options.sync || this.#recorder === undefined) return;
    if (count > 0 && this.#gathering === undefined) {
      this.#setAttentive(false);
      this.#gathering = this.#ports.clock.setTimer(GATHER_MS, () => {
        this.#gathering = undefined;
        this.#ports.wake();
      });
    } else if (count === 0 && this.#gathering === undefined) this.#setAttentive(true);
  }

  #setAttentive(attentive: boolean): void {
    if (this.#isAttentive === attentive) return;
    this.#isAttentive = attentive;
    this.#member.setAttentive(attentive);
  }

  /** Deletes what is too old, a little at a time. */
  #retain(keepMs: number): void {
    let deleted = 0;
    try {
      if (!this.#failing) deleted = this.#store.deleteBefore(this.#ports.now() - keepMs, SLICE_ENTRIES);
    } catch (error) {
      if (!(error instanceof HistoryWriteError)) throw error;
      this.#log("warn", `old history cannot be deleted: ${error.message}`);
    }
    this.#ports.clock.setTimer(deleted === SLICE_ENTRIES ? SLICE_REST_MS : RETENTION_MS, () =>
      this.#retain(keepMs),
    );
  }

  /** Makes questions cheaper while nobody has anything to say, a little at a time. */
  #merge(): void {
    let restMs = QUIET_MS;
    try {
      if (this.#isQuiet && !this.#failing && this.#store.merge(MERGE_PAGES)) restMs = MERGE_REST_MS;
    } catch (error) {
      if (!(error instanceof HistoryWriteError)) throw error;
      this.#log("warn", `the index of the history cannot be merged: ${error.message}`);
      restMs = MERGE_RETRY_MS;
    }
    this.#isQuiet = true;
    this.#ports.clock.setTimer(restMs, () => this.#merge());
  }

  #log(level: LogLevel, text: string): void {
    this.#ports.send({ type: "log", level, text });
  }
}

/** Whether what has just been said belongs to the answer. */
function reachesNow(question: HistoryQuestion): boolean {
  if (question.kind === "page") return question.page.take === "newest" && question.page.before === undefined;
  return question.kind !== "search" && question.kind !== "targets";
}
