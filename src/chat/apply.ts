import { decodeUtf8 } from "../base/index.ts";
import { change, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { askHistory } from "./history.ts";
import { sessionCalled } from "./lookup.ts";
import { NICK_CHARACTERS_MAX, cleanDisplayName, isNick } from "./names.ts";
import type { ChatRecord, LeaveReason, ProcessRecord, StoreRecord, Wish } from "./record.ts";
import {
  ask,
  ban,
  enter,
  found,
  join,
  kick,
  maySpeakEverywhere,
  mode,
  part,
  restrict,
  speak,
  topic,
  vacate,
} from "./rooms.ts";
import {
  type ChatState,
  LOBBY,
  NO_ROOM,
  type Session,
  isProcess,
  isSessionId,
  putSession,
  removeSession,
} from "./state.ts";

/** Longer reasons for being away are refused, in bytes. */
export const AWAY_BYTES_MAX = 200;

const SUPERVISOR = 0;
const NO_EFFECTS: readonly Effect[] = Object.freeze([]);
const NO_TEXT = new Uint8Array(0);
const NO_ROOMS: Session["rooms"] = new Map();

/**
 * Applies one record to the state. The same records in the same order give the same state and effects in every
 * process: nothing else is looked at, no clock, no chance, no table of the machine. It validates, then changes;
 * whatever is not allowed changes nothing, and is answered with what is wrong, or not at all where nobody asked.
 *
 * @param fromProcess who wrote the record: a session's wishes are heard from the process where it is seated, and what
 * only the supervisor or the history process may say from these
 * @param sequence the record's place in the one order
 * @param timeMs when it was ordered
 */
export function apply(
  state: ChatState,
  record: ChatRecord,
  fromProcess: number,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  switch (record.kind) {
    case "seat":
    case "reseat":
    case "processDied":
    case "history":
    case "format":
    case "stop":
      return fromProcess === SUPERVISOR ? applyProcess(state, record, sequence) : NO_EFFECTS;
    case "store":
      // The supervisor speaks for a history process that does not even start.
      return fromProcess === state.historyProcess || fromProcess === SUPERVISOR
        ? applyStore(state, record)
        : NO_EFFECTS;
    case "found":
      if (fromProcess === state.historyProcess) found(state, record.room, sequence);
      return NO_EFFECTS;
    default:
      return applyWish(state, record, fromProcess, sequence, timeMs);
  }
}

function applyProcess(state: ChatState, record: ProcessRecord, sequence: number): readonly Effect[] {
  switch (record.kind) {
    case "seat":
      return seat(state, record, sequence);
    case "reseat":
      return reseat(state, record);
    case "processDied":
      return bury(state, record.process, sequence);
    case "history":
      state.changes += 1;
      state.historyProcess = record.process;
      if (record.process === 0) state.store = "none";
      else if (state.store === "none") state.store = "kept";
      return NO_EFFECTS;
    case "format":
      state.changes += 1;
      state.format = Math.max(state.format, record.format);
      return NO_EFFECTS;
    case "stop":
      endConversation(state, sequence);
      return [{ kind: "stopping" }];
  }
}

/** Nobody is left: of all that is known, only what concerns rooms outlives the processes. */
export function endConversation(state: ChatState, sequence: number): void {
  for (const session of state.sessions.values()) vacate(state, session, sequence);
  for (const session of state.sessions.values()) removeSession(state, session);
  state.changes += 1;
  state.historyProcess = 0;
  state.store = "none";
}

function applyStore(state: ChatState, record: StoreRecord): readonly Effect[] {
  const store = record.failed ? "failed" : "kept";
  if (state.store === store) return NO_EFFECTS;
  state.changes += 1;
  state.store = store;
  const { failed, from, to, text } = record;
  return [{ kind: "storeChanged", failed, from, to, text }];
}

function applyWish(
  state: ChatState,
  record: Wish,
  fromProcess: number,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  const session = state.sessions.get(record.session);
  if (session === undefined || session.process !== fromProcess) return NO_EFFECTS;
  // Before it has arrived, nothing is heard of it but that it arrives, or leaves.
  if (session.nick === "" && record.kind !== "arrive" && record.kind !== "leave") return NO_EFFECTS;
  switch (record.kind) {
    case "say":
    case "act":
    case "notice":
      return speak(state, session, record);
    case "arrive":
      return session.nick === "" ? arrive(state, session, record.replay, sequence) : NO_EFFECTS;
    case "whisper":
      return whisper(state, session, record.to, record.text);
    case "nick":
      return rename(state, session, record.nick, record.displayName, record.derived);
    case "join":
      return join(state, session, record.room, record.replay, sequence);
    case "part":
      return part(state, session, record, sequence);
    case "topic":
      return topic(state, session, record, timeMs);
    case "kick":
      return kick(state, session, record, sequence);
    case "ban":
      return ban(state, session, record, sequence, timeMs);
    case "mute":
      return restrict(state, session, record, timeMs);
    case "mode":
      return mode(state, session, record);
    case "away":
      return setAway(state, session, record.text);
    case "ask":
      return ask(state, session, record.question, record.room);
    case "recall":
    case "search":
    case "catchUp":
      return askHistory(state, session, record, sequence);
    case "leave":
      return leave(state, session, record.reason, record.text, sequence);
  }
}

function seat(
  state: ChatState,
  { session: id, process, protocol }: Extract<ProcessRecord, { kind: "seat" }>,
  sequence: number,
): readonly Effect[] {
  if (!isSessionId(id) || !isProcess(process)) return NO_EFFECTS;
  const seated = state.sessions.get(id);
  state.nextSession = Math.max(state.nextSession, id + 1);
  const session: Session =
    seated === undefined
      ? {
          id,
          process,
          protocol,
          since: sequence,
          nick: "",
          displayName: "",
          away: "",
          focus: NO_ROOM,
          rooms: NO_ROOMS,
        }
      : { ...seated, process };
  putSession(state, session);
  return [{ kind: "seated", session }];
}

/** Somebody who has left stays away, whatever its process did not live to say. */
function reseat(
  state: ChatState,
  { session: id, process }: Extract<ProcessRecord, { kind: "reseat" }>,
): readonly Effect[] {
  const session = state.sessions.get(id);
  if (!isProcess(process)) return NO_EFFECTS;
  if (session === undefined) return [{ kind: "seatLost", session: id, process }];
  return [{ kind: "seated", session: change(state, session, { process }) }];
}

/** Gives a guest's name, and enters the lobby where that is allowed. */
function arrive(state: ChatState, session: Session, replay: number, sequence: number): readonly Effect[] {
  let nick = `guest${state.nextGuest}`;
  while (!state.names.isFree(nick, session.id)) {
    state.nextGuest += 1;
    nick = `guest${state.nextGuest}`;
  }
  state.nextGuest += 1;
  const arrived = change(state, session, { nick, displayName: nick });
  return [{ kind: "arrived", session: arrived }, ...enter(state, arrived, LOBBY, replay, sequence)];
}

function leave(
  state: ChatState,
  session: Session,
  reason: LeaveReason,
  text: Uint8Array,
  sequence: number,
): readonly Effect[] {
  const words = maySpeakEverywhere(state, session) ? text : NO_TEXT;
  const succession = vacate(state, session, sequence);
  removeSession(state, state.sessions.get(session.id)!);
  return [{ kind: "left", session, reason, text: words }, ...succession];
}

function bury(state: ChatState, process: number, sequence: number): readonly Effect[] {
  if (process === state.historyProcess) {
    state.changes += 1;
    state.historyProcess = 0;
    // It served nobody: whoever is said to be there was with a process that had its number before, and has another
    // soon.
    return NO_EFFECTS;
  }
  const lost = [...state.sessions.values()].filter((session) => session.process === process);
  return lost.flatMap(({ id }) =>
    // As it is by now: those before it may have left it something to run.
    leave(state, state.sessions.get(id)!, "process died", NO_TEXT, sequence),
  );
}

function rename(
  state: ChatState,
  session: Session,
  nick: string,
  displayName: string,
  derived: boolean,
): readonly Effect[] {
  if (!isNick(nick)) return refuse(session, "nameMalformed", nick);
  if (displayName !== nick && cleanDisplayName(displayName) !== displayName)
    return refuse(session, "nameMalformed", displayName);
  const isFree = (name: string): boolean => state.names.isFree(name, session.id);
  if (!isFree(displayName)) return refuse(session, "nameTaken", displayName);
  let free = nick;
  if (derived) {
    for (let number = 2; !isFree(free); number += 1) {
      const suffix = String(number);
      free = nick.slice(0, NICK_CHARACTERS_MAX - suffix.length) + suffix;
    }
  } else if (!isFree(nick)) return refuse(session, "nameTaken", nick);
  if (free === session.nick && displayName === session.displayName) return NO_EFFECTS;
  const renamed = change(state, session, { nick: free, displayName });
  return [{ kind: "renamed", session: renamed, previous: session }];
}

function whisper(state: ChatState, session: Session, name: string, text: Uint8Array): readonly Effect[] {
  const to = sessionCalled(state, name);
  if (to === undefined) return refuse(session, "noSuchName", name);
  return [{ kind: "whispered", session, to, text }];
}

function setAway(state: ChatState, session: Session, text: Uint8Array): readonly Effect[] {
  if (text.length > AWAY_BYTES_MAX) return refuse(session, "tooLong", `${AWAY_BYTES_MAX} bytes`);
  return [{ kind: "awaySet", session: change(state, session, { away: decodeUtf8(text) }) }];
}
