import { assert } from "../base/index.ts";
import { foldName } from "./names.ts";

/** Given by the supervisor, never used twice while a segment lives: 1 to 2^53 − 1. */
export type SessionId = number;

/** What a client speaks. */
export type Protocol = "plain";

/** Somebody in the conversation. */
export interface Session {
  readonly id: SessionId;
  /** The process that serves it: only from there are its wishes heard. */
  readonly process: number;
  readonly protocol: Protocol;
  /** ASCII; the identity. */
  readonly nick: string;
  /** In any script; what is shown. Equal to the nick where there is no other. */
  readonly displayName: string;
}

/** What every process knows, and knows alike. Changed by `apply` alone. */
export interface ChatState {
  /** In the order of their arrival. */
  readonly sessions: Map<SessionId, Session>;
  /** Folded nicks and display names, and whose they are. */
  readonly names: Map<string, SessionId>;
  nextGuest: number;
}

/** What does not fit the bytes of a snapshot must never get into the state. */
export function isSessionId(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** Process 0 is the supervisor, which serves nobody. */
export function isProcess(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= 0xffff;
}

export function createState(): ChatState {
  return { sessions: new Map(), names: new Map(), nextGuest: 1 };
}

/** Puts a session in, or in place of what it was. Its names must be free, or its own. */
export function putSession(state: ChatState, session: Session): void {
  const previous = state.sessions.get(session.id);
  if (previous !== undefined) forgetNames(state, previous);
  state.sessions.set(session.id, session);
  for (const name of [session.nick, session.displayName]) {
    const folded = foldName(name);
    assert((state.names.get(folded) ?? session.id) === session.id, `two sessions are called ${name}`);
    state.names.set(folded, session.id);
  }
}

export function removeSession(state: ChatState, session: Session): void {
  forgetNames(state, session);
  state.sessions.delete(session.id);
}

function forgetNames(state: ChatState, session: Session): void {
  state.names.delete(foldName(session.nick));
  state.names.delete(foldName(session.displayName));
}
