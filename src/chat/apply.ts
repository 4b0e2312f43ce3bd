import { account, login, mark, oper } from "./accounts.ts";
import { change, refuse } from "./change.ts";
import type { Effect } from "./effect.ts";
import { askHistory } from "./history.ts";
import { mode, set } from "./modes.ts";
import {
  arrive,
  bury,
  describe,
  endConversation,
  flag,
  kill,
  leave,
  register,
  rename,
  setAway,
  setPersistence,
  turn,
} from "./people.ts";
import { police, raiseShield } from "./policy.ts";
import type { AccountRecord, ChatRecord, ProcessRecord, StoreRecord, Wish } from "./record.ts";
import { ban, mask, restrict } from "./restrictions.ts";
import { ask, found, invite, join, kick, knock, part, renameRoom, topic } from "./rooms.ts";
import { say, speak, whisper } from "./speech.ts";
import {
  type ChatState,
  type Session,
  isProcess,
  isSessionId,
  newSession,
  principalOf,
  putSession,
} from "./state.ts";

const SUPERVISOR = 0;
const NO_EFFECTS: readonly Effect[] = Object.freeze([]);

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
    case "settings":
    case "shield":
    case "format":
    case "stop":
      return fromProcess === SUPERVISOR ? applyProcess(state, record, sequence, timeMs) : NO_EFFECTS;
    case "store":
      // The supervisor speaks for a history process that does not even start.
      return fromProcess === state.historyProcess || fromProcess === SUPERVISOR
        ? applyStore(state, record)
        : NO_EFFECTS;
    case "found":
      if (fromProcess === state.historyProcess) found(state, record.room, sequence);
      return NO_EFFECTS;
    case "account":
    case "login":
    case "oper":
    case "redacted":
      return fromProcess === state.historyProcess
        ? applyAccount(state, record, sequence, timeMs)
        : NO_EFFECTS;
    default:
      return applyWish(state, record, fromProcess, sequence, timeMs);
  }
}

function applyProcess(
  state: ChatState,
  record: ProcessRecord,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  switch (record.kind) {
    case "seat":
      return seat(state, record, sequence);
    case "reseat":
      return reseat(state, record);
    case "processDied":
      return isProcess(record.process) ? bury(state, record.process, sequence, timeMs) : NO_EFFECTS;
    case "history":
      state.changes += 1;
      state.historyProcess = record.process;
      if (record.process === 0) state.store = "none";
      else if (state.store === "none") state.store = "kept";
      return NO_EFFECTS;
    case "settings":
      return setPersistence(state, record.persistence, sequence, timeMs);
    case "shield":
      return raiseShield(state, undefined, record.on, sequence);
    case "format":
      state.changes += 1;
      state.format = Math.max(state.format, record.format);
      return NO_EFFECTS;
    case "stop":
      endConversation(state, sequence);
      return [{ kind: "stopping" }];
  }
}

/** What the history process says of accounts, and of what it keeps. */
function applyAccount(
  state: ChatState,
  record: AccountRecord,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  switch (record.kind) {
    case "account":
      return account(state, record, sequence, timeMs);
    case "login":
      return login(state, record, sequence, timeMs);
    case "oper":
      return oper(state, record);
    case "redacted": {
      const client = state.sessions.get(record.session);
      if (client === undefined) return NO_EFFECTS;
      const { peer, message, text } = record;
      const room = state.rooms.get(record.room);
      return [{ kind: "redacted", session: principalOf(state, client), room, peer, message, text }];
    }
  }
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
  const client = state.sessions.get(record.session);
  if (client === undefined || client.process !== fromProcess || !isProcess(fromProcess)) return NO_EFFECTS;
  if (record.kind === "leave") return leave(state, client, record.reason, record.text, sequence, timeMs);
  if (record.kind === "turn") return turn(state, client, record, sequence);
  const session = principalOf(state, client);
  const isHere = session.nick !== "";
  // Before it has arrived, nothing is heard of it but how it arrives, or that it leaves.
  if (record.kind === "arrive") return isHere ? NO_EFFECTS : arrive(state, session, record, sequence, timeMs);
  if (record.kind === "register") return isHere ? NO_EFFECTS : register(state, session, record, timeMs);
  return isHere ? applyOwn(state, record, session, client, sequence, timeMs) : NO_EFFECTS;
}

/** @param client that of the person's clients (`session`) by which it was wished */
function applyOwn(
  state: ChatState,
  record: Exclude<Wish, { kind: "leave" | "turn" | "arrive" | "register" }>,
  session: Session,
  client: Session,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  switch (record.kind) {
    case "say":
    case "act":
    case "notice":
      return say(state, session, record, timeMs);
    case "speak":
      return speak(state, session, record, timeMs);
    case "whisper":
      return whisper(state, session, record, timeMs);
    case "nick":
      return rename(state, session, record, timeMs);
    case "join":
      return join(state, session, record, client, sequence, timeMs);
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
    case "mask":
      return mask(state, session, record, timeMs);
    case "mode":
      return mode(state, session, record);
    case "set":
      return set(state, session, record);
    case "renameRoom":
      return renameRoom(state, session, record);
    case "invite":
      return invite(state, session, record);
    case "knock":
      return knock(state, session, record);
    case "describe":
      return describe(state, session, record);
    case "flag":
      return flag(state, session, record);
    case "away":
      return setAway(state, session, record.text);
    case "mark":
      return mark(state, session, record);
    case "police":
      return police(state, session, record, sequence, timeMs);
    case "kill":
      return kill(state, session, record, sequence, timeMs);
    case "announce":
      if (session.role !== "operator") return refuse(session, "notPrivileged", "");
      return [{ kind: "announced", session, text: record.text }];
    case "ask":
      return ask(state, session, record.question, record.room);
    case "recall":
    case "search":
    case "page":
    case "targets":
    case "redact":
    case "catchUp":
      return askHistory(state, session, record, sequence, client.id);
  }
}

function seat(
  state: ChatState,
  { session: id, process, protocol, host }: Extract<ProcessRecord, { kind: "seat" }>,
  sequence: number,
): readonly Effect[] {
  if (!isSessionId(id) || !isProcess(process)) return NO_EFFECTS;
  const seated = state.sessions.get(id);
  // Its connection has ended, and it is here without one.
  if (seated?.process === 0) return [{ kind: "seatLost", session: id, process }];
  state.nextSession = Math.max(state.nextSession, id + 1);
  const session: Session =
    seated === undefined
      ? newSession({ id, process, protocol, host, since: sequence })
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
  if (session === undefined || session.process === 0) return [{ kind: "seatLost", session: id, process }];
  return [{ kind: "seated", session: change(state, session, { process }) }];
}
