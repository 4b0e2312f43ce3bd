import { KiB, assert } from "../base/index.ts";
import type { VaultQuestion } from "../accounts/index.ts";
import type {
  ChatRecord,
  ChatState,
  ClientWish,
  LeaveReason,
  RoomId,
  SessionId,
  Wish,
} from "../chat/index.ts";
import type { LogMember } from "../log/index.ts";
import { RecordKind, encode, formatOf, sayHeaderBytes, writeSayHeader } from "../record/index.ts";
import type { Client } from "./client.ts";
import type { ConversationPort } from "./conversation.ts";
import type { ChildPorts, Timer } from "./ports.ts";
import type { Questions } from "./questions.ts";
import type { Replica } from "./replica.ts";
import type { VaultLine } from "./vaultLine.ts";

/** So many questions to history may be open at a time for one client. */
const QUESTIONS_MAX = 4;
/** That are answered by history to who asked. */
export const QUESTION_KINDS: ReadonlySet<number> = new Set([
  RecordKind.recall,
  RecordKind.search,
  RecordKind.page,
  RecordKind.targets,
  RecordKind.redact,
]);
/** For what names no room; whoever is woken for what is not told by this. */
const ANY_ROOM = 0;
/** Who comes back is told what it missed among so many of the server's last records: nobody reads a month in one go. */
const MISSED_MAX = 20_000;
/** All that one line brings into the log, at the most. */
const LINE_RECORD_BYTES: number = 24 * KiB;

export interface PortOptions {
  readonly ports: ChildPorts;
  readonly member: LogMember;
  readonly replica: Replica;
  readonly questions: Questions;
  readonly vault: VaultLine;
  /** Its lines are to be looked at. */
  onInput(): void;
}

/** What one client's conversation does through its worker: wishes become records in the process's ring. */
export class ClientPort implements ConversationPort {
  readonly #client: Client;
  readonly #options: PortOptions;
  #waking: { readonly timer: Timer; readonly dueMs: number } | undefined;

  constructor(client: Client, options: PortOptions) {
    this.#client = client;
    this.#options = options;
  }

  get session(): SessionId {
    return this.#client.session;
  }

  get state(): ChatState {
    return this.#options.replica.state;
  }

  get isSettled(): boolean {
    return this.#client.inFlight === 0 && this.#client.unsaid.length === 0;
  }

  now(): number {
    return this.#options.ports.clock.now();
  }

  localTime(timeMs: number): string {
    return this.#options.ports.clock.localTime(timeMs);
  }

  readonly nameOf = (room: RoomId): string => this.state.rooms.get(room)?.name ?? "#?";

  send(bytes: Uint8Array): void {
    this.#client.output.share.append(bytes);
  }

  hasRoom(): boolean {
    return this.#options.member.hasRoom(LINE_RECORD_BYTES);
  }

  wish(wish: ClientWish): boolean {
    const record = { ...wish, session: this.session } as Wish;
    if (!appendRecord(this.#options.member, this.state.format, record)) return false;
    this.#client.inFlight += 1;
    if (QUESTION_KINDS.has(RecordKind[wish.kind])) this.#client.unplaced += 1;
    return true;
  }

  /** Straight into the ring: the bytes of what people say are copied once here. */
  say(kind: "say" | "act" | "notice", room: Uint8Array, text: Uint8Array): boolean {
    const { member } = this.#options;
    const headerBytes = sayHeaderBytes(room.length);
    const offset = member.claim(headerBytes + text.length);
    if (offset < 0) return false;
    const { bytes } = member.segment.words;
    writeSayHeader(bytes, offset, this.session, room);
    bytes.set(text, offset + headerBytes);
    member.commit(RecordKind[kind], ANY_ROOM);
    this.#client.inFlight += 1;
    return true;
  }

  leave(reason: LeaveReason, text: Uint8Array): boolean {
    if (!this.wish({ kind: "leave", reason, text })) return false;
    this.#client.leaving = true;
    return true;
  }

  mayAsk(): boolean {
    return this.#client.unplaced + this.#options.questions.count(this.#client) < QUESTIONS_MAX;
  }

  askVault(question: VaultQuestion): boolean {
    return this.#options.vault.ask(this.#client, question);
  }

  forgetVault(): void {
    this.#options.vault.forget(this.#client);
  }

  catchUp(from: number): void {
    this.#client.output.fallBehind(Math.max(from, this.#options.replica.through - MISSED_MAX));
    this.#options.onInput();
  }

  /** One timer: whoever is woken looks at everything that it waits for. */
  wakeIn(delayMs: number): void {
    const { clock } = this.#options.ports;
    const dueMs = clock.now() + delayMs;
    if (this.#waking !== undefined && this.#waking.dueMs <= dueMs) return;
    this.#waking?.timer.cancel();
    const timer = clock.setTimer(delayMs, () => {
      this.#waking = undefined;
      this.#options.onInput();
    });
    this.#waking = { timer, dueMs };
  }

  rehash(): void {
    this.#options.ports.send({ type: "rehash" });
  }
}

/**
 * False where the ring has no room: nothing was appended.
 * @throws AssertionError for a kind that not every process understands yet
 */
export function appendRecord(member: LogMember, format: number, record: ChatRecord): boolean {
  const { kind, payload } = encode(record);
  assert(formatOf(kind) <= format, `records of kind ${kind} may not be written yet`);
  return member.append(kind, ANY_ROOM, payload) >= 0;
}
