/*
 * What the worker and a protocol are to each other. Each client has a conversation, which turns its lines into wishes
 * and what comes of them into bytes for it; all that it does it does through the port that the worker gives it.
 *
 * Protocols declare what they need of a port themselves, and do not know this file.
 */
import type { VaultOutcome, VaultQuestion } from "../accounts/index.ts";
import type {
  ChatState,
  ClientWish,
  EffectOf,
  Entry,
  Gap,
  HistoryQuestion,
  LeaveReason,
  Moment,
  OwnEffect,
  Protocol,
  PublicEffect,
  RoomId,
  SessionId,
} from "../chat/index.ts";

/** What is at the front of the bytes. `consumed` of them may be forgotten once it is dealt with. */
export type Taken =
  | { readonly kind: "line"; readonly start: number; readonly end: number; readonly consumed: number }
  | { readonly kind: "tooLong"; readonly consumed: number }
  | { readonly kind: "more"; readonly consumed: number };

/** Finds lines, however the bytes are split on their way. */
export interface Splitter {
  /** The rest of a line that was too long is being dropped. */
  discarding: boolean;
  take(bytes: Uint8Array, atEnd: boolean): Taken;
}

/** Where bytes go. */
export interface Sink {
  append(bytes: Uint8Array): void;
}

/**
 * What came of a line: it is done with; or nothing is, because the log has no room; or because it has to wait, for what
 * was said before to come about, or for its turn.
 */
export type Handled = "done" | "full" | "later";

/** What history answers to one question. */
export interface PastAnswer {
  readonly entries: readonly Entry[];
  readonly gaps: readonly Gap[];
  readonly more: boolean;
  readonly refusal: string | undefined;
}

export interface Conversation {
  readonly protocol: Protocol;
  readonly splitter: Splitter;
  /** Whether lines are read from who has not arrived. */
  readonly speaksFirst: boolean;
  /** Goes up whenever `notes` would give something else; 0: there has never been anything to note. */
  readonly version: number;
  /** What a successor has to know, beside what stands in the state. */
  notes(): Uint8Array;
  restore(notes: Uint8Array): void;
  /** What it wishes as soon as it is seated, before any of its lines is read. */
  readonly greeting: ClientWish | undefined;

  /** Its lines are about to be looked at, for whatever reason; there may be none. */
  woken?(): void;
  handle(bytes: Uint8Array, start: number, end: number): Handled;
  tooLong(): void;

  /** The worker has wished something for it, which counts among its wishes: the next question of what it missed. */
  wished?(): void;
  /** A wish of this client has its place, and what comes of it is told next; until `applied`. @param wished its kind */
  applying(wished: string): void;
  applied(): void;

  /**
   * Which of the ways to tell something this client is told it in: those with the same key are told the same bytes.
   * Undefined: it is not told. @param isOrigin it is what this very client did
   */
  publicKey(effect: PublicEffect, isOrigin: boolean): number | undefined;
  publicLine(sink: Sink, effect: PublicEffect, moment: Moment, key: number): void;
  /** What is answered to this client alone goes together: it may be told nothing in bytes that others are told, too. */
  readonly isCollecting: boolean;
  tell(effect: OwnEffect, moment: Moment, isOrigin: boolean): void;
  /** Somebody came, went or changed, whom it may watch. @param isNeighbour it is told anyway */
  seen(effect: PublicEffect | EffectOf<"arrived">, moment: Moment, isNeighbour: boolean): void;

  /** The history process came or went, or can keep what is said, or cannot any more. */
  storeChanged?(): void;

  /** What the history process answers. */
  answer(question: HistoryQuestion, before: number, answer: PastAnswer): Uint8Array;
  /** It asked, and the answer comes later. */
  asked(before: number): void;
  /** What the vault answers. */
  vaultAnswered(outcome: VaultOutcome, question: VaultQuestion): void;

  /** From the server, for this client alone. */
  notice(text: string): Uint8Array;
  /** The last words, of a server that lets go of it. */
  farewell(text: string): Uint8Array;
  /** And to who leaves by itself, or is thrown out; undefined: none. */
  goodbye(reason: LeaveReason): Uint8Array | undefined;
  /** Around what it missed because it could not keep up. */
  readonly missed: Uint8Array;
  readonly caughtUp: Uint8Array;
}

/** What a conversation does through the worker. */
export interface ConversationPort {
  readonly session: SessionId;
  readonly state: ChatState;
  /** Nothing that it wished is still on its way: what is in the state is up to date with it. */
  readonly isSettled: boolean;
  now(): number;
  localTime(timeMs: number): string;
  nameOf(room: RoomId): string;
  /** To the client, in its place among all that is for it. */
  send(bytes: Uint8Array): void;
  /** Whether what one line can bring fits into the log; if not, it waits until it does. */
  hasRoom(): boolean;
  /** False where the log has no room: nothing was wished. */
  wish(wish: ClientWish): boolean;
  /** The same without a detour for what is said most often. `room`: its name; empty: the one in focus. */
  say(kind: "say" | "act" | "notice", room: Uint8Array, text: Uint8Array): boolean;
  /** The client leaves: nothing of it is read any more. False where the log has no room. */
  leave(reason: LeaveReason, text: Uint8Array): boolean;
  /** Whether one more question may be asked, of those that history has to answer. */
  mayAsk(): boolean;
  /** Of the vault; false: one is open already, or it is too long for any account. */
  askVault(question: VaultQuestion): boolean;
  /** What was asked of the vault is of no interest any more, and something else may be asked. */
  forgetVault(): void;
  /**
   * What was said from this sequence number on is told to it, as what it missed; where that is far back, from as far
   * back as is reasonable.
   */
  catchUp(from: number): void;
  /** Looks at its lines again after so long. */
  wakeIn(delayMs: number): void;
  /** Of an operator: the server's files are read anew. */
  rehash(): void;
}
