/* What a conversation in IRC needs of whoever has the connection. */
import type { ChatState, ClientWish, LeaveReason, RoomId, SessionId } from "../../chat/index.ts";

/** What is asked of the accounts: see src/accounts/. Secrets go this way alone. */
export type AccountQuestion =
  | {
      readonly kind: "check";
      readonly account: string;
      readonly password: string;
      readonly as: "login" | "oper";
    }
  | { readonly kind: "register"; readonly account: string; readonly password: string }
  | {
      readonly kind: "changePassword";
      readonly account: string;
      readonly old: string;
      readonly password: string;
    }
  | { readonly kind: "drop"; readonly account: string; readonly password: string }
  | { readonly kind: "scramFirst"; readonly clientFirst: string }
  | {
      readonly kind: "scramFinal";
      readonly clientFirst: string;
      readonly serverFirst: string;
      readonly clientFinal: string;
    };

export type AccountOutcome =
  | { readonly kind: "done"; readonly text: string }
  | { readonly kind: "failed"; readonly code: string; readonly text: string };

export interface IrcPort {
  readonly session: SessionId;
  readonly state: ChatState;
  /** Nothing that it wished is still on its way. */
  readonly isSettled: boolean;
  /** Milliseconds since 1970. */
  now(): number;
  /** A point in time as people write it where the server is. */
  localTime(timeMs: number): string;
  nameOf(room: RoomId): string;
  send(bytes: Uint8Array): void;
  /** Whether what one line can bring fits into the log. */
  hasRoom(): boolean;
  wish(wish: ClientWish): boolean;
  say(kind: "say" | "act" | "notice", room: Uint8Array, text: Uint8Array): boolean;
  leave(reason: LeaveReason, text: Uint8Array): boolean;
  mayAsk(): boolean;
  askVault(question: AccountQuestion): boolean;
  /** What was asked is of no interest any more, and something else may be asked. */
  forgetVault(): void;
  /** Everything from this sequence number on is to be told once more, as what was missed. */
  catchUp(from: number): void;
  wakeIn(delayMs: number): void;
  rehash(): void;
}
