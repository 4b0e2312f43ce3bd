import { NICK_CHARACTERS_MAX, foldName, isDisplayName, isNick } from "./names.ts";
import {
  type ChatState,
  type Protocol,
  type Session,
  type SessionId,
  isProcess,
  isSessionId,
  putSession,
  removeSession,
} from "./state.ts";

export type LeaveReason = "quit" | "hung up" | "too slow" | "connection lost" | "process died";

/** What clients wish and what happened: the chat's part of the log. */
export type ChatRecord =
  /** From the supervisor: this process serves the session from now on. The first one is its arrival. */
  | {
      readonly kind: "seat";
      readonly session: SessionId;
      readonly process: number;
      readonly protocol: Protocol;
    }
  /** From the supervisor: nothing comes from this process any more. */
  | { readonly kind: "processDied"; readonly process: number }
  /** From the supervisor: the server ends. */
  | { readonly kind: "stop" }
  | { readonly kind: "say" | "act"; readonly session: SessionId; readonly text: Uint8Array }
  | {
      readonly kind: "nick";
      readonly session: SessionId;
      readonly nick: string;
      readonly displayName: string;
      /** The nick was made from the display name: where it is taken, one like it will do. */
      readonly derived: boolean;
    }
  | { readonly kind: "who"; readonly session: SessionId }
  | {
      readonly kind: "leave";
      readonly session: SessionId;
      readonly reason: LeaveReason;
      readonly text: Uint8Array;
    };

/** Who is to be told what. Texts are views of the record: sure to stay until `apply`'s caller goes on. */
export type Effect =
  | { readonly kind: "arrived"; readonly session: Session }
  | { readonly kind: "said" | "acted"; readonly session: Session; readonly text: Uint8Array }
  | { readonly kind: "renamed"; readonly session: Session; readonly previous: Session }
  | {
      readonly kind: "nickRefused";
      readonly session: Session;
      readonly name: string;
      readonly reason: "taken" | "malformed";
    }
  | { readonly kind: "whoReply"; readonly session: Session; readonly sessions: readonly Session[] }
  | {
      readonly kind: "left";
      readonly session: Session;
      readonly reason: LeaveReason;
      readonly text: Uint8Array;
    }
  | { readonly kind: "stopping" };

const SUPERVISOR = 0;
const NO_EFFECTS: readonly Effect[] = Object.freeze([]);
const NO_TEXT = new Uint8Array(0);

/**
 * Applies one record to the state. The same records in the same order give the same state and effects in every
 * process: nothing else is looked at, no clock, no chance, no table of the machine. It validates, then changes;
 * whatever is not allowed changes nothing and has no effects.
 *
 * @param fromProcess who wrote the record: a session's wishes are heard from the process where it is seated, and what
 * only the supervisor may say from the supervisor
 */
export function apply(
  state: ChatState,
  record: ChatRecord,
  fromProcess: number,
  _sequence: number,
  _timeMs: number,
): readonly Effect[] {
  switch (record.kind) {
    case "seat":
      return fromProcess === SUPERVISOR
        ? seat(state, record.session, record.process, record.protocol)
        : NO_EFFECTS;
    case "processDied":
      return fromProcess === SUPERVISOR ? bury(state, record.process) : NO_EFFECTS;
    case "stop":
      return fromProcess === SUPERVISOR ? [{ kind: "stopping" }] : NO_EFFECTS;
    default:
      return applyWish(state, record, fromProcess);
  }
}

type Wish = Exclude<ChatRecord, { kind: "seat" | "processDied" | "stop" }>;

function applyWish(state: ChatState, record: Wish, fromProcess: number): readonly Effect[] {
  const session = state.sessions.get(record.session);
  if (session === undefined || session.process !== fromProcess) return NO_EFFECTS;
  switch (record.kind) {
    case "say":
      return [{ kind: "said", session, text: record.text }];
    case "act":
      return [{ kind: "acted", session, text: record.text }];
    case "nick":
      return rename(state, session, record.nick, record.displayName, record.derived);
    case "who":
      return [{ kind: "whoReply", session, sessions: [...state.sessions.values()] }];
    case "leave":
      removeSession(state, session);
      return [{ kind: "left", session, reason: record.reason, text: record.text }];
  }
}

function seat(state: ChatState, id: SessionId, process: number, protocol: Protocol): readonly Effect[] {
  if (!isSessionId(id) || !isProcess(process)) return NO_EFFECTS;
  const seated = state.sessions.get(id);
  if (seated !== undefined) {
    putSession(state, { ...seated, process });
    return NO_EFFECTS;
  }
  let nick = `guest${state.nextGuest}`;
  while (state.names.has(nick)) {
    state.nextGuest += 1;
    nick = `guest${state.nextGuest}`;
  }
  state.nextGuest += 1;
  const session: Session = { id, process, protocol, nick, displayName: nick };
  putSession(state, session);
  return [{ kind: "arrived", session }];
}

function bury(state: ChatState, process: number): readonly Effect[] {
  const lost = [...state.sessions.values()].filter((session) => session.process === process);
  for (const session of lost) removeSession(state, session);
  return lost.map((session) => ({ kind: "left", session, reason: "process died", text: NO_TEXT }));
}

function rename(
  state: ChatState,
  session: Session,
  nick: string,
  displayName: string,
  derived: boolean,
): readonly Effect[] {
  const refuse = (name: string, reason: "taken" | "malformed"): readonly Effect[] => [
    { kind: "nickRefused", session, name, reason },
  ];
  if (!isNick(nick)) return refuse(nick, "malformed");
  if (!isDisplayName(displayName)) return refuse(displayName, "malformed");
  const isFree = (name: string): boolean => (state.names.get(foldName(name)) ?? session.id) === session.id;
  if (!isFree(displayName)) return refuse(displayName, "taken");
  let free = nick;
  if (derived) {
    for (let number = 2; !isFree(free); number += 1) {
      const suffix = String(number);
      free = nick.slice(0, NICK_CHARACTERS_MAX - suffix.length) + suffix;
    }
  } else if (!isFree(nick)) return refuse(nick, "taken");
  if (free === session.nick && displayName === session.displayName) return NO_EFFECTS;
  const renamed: Session = { ...session, nick: free, displayName };
  putSession(state, renamed);
  return [{ kind: "renamed", session: renamed, previous: session }];
}
