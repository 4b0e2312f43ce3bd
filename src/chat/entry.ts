import { decodeUtf8 } from "../base/index.ts";
import type { Effect } from "./effect.ts";
import type { RoomId, Session, SessionId } from "./state.ts";

/** A kind's place here is its number in records and in the database: new ones go to the end. */
export const ENTRY_KINDS = [
  "say",
  "act",
  "notice",
  "topic",
  "whisper",
  "join",
  "part",
  "leave",
  "nick",
  "kick",
  "mode",
] as const;

export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Whoever an entry is about, as it was called then. */
export interface Person {
  readonly session: SessionId;
  readonly nick: string;
  readonly displayName: string;
}

/** One record of the conversation as history keeps it. */
export interface Entry extends Person {
  /** Of the record in the log: the entry's identity. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly kind: EntryKind;
  /** Where it was seen: one room for messages, several or none for `nick` and `leave`, none for a whisper. */
  readonly rooms: readonly RoomId[];
  /** Whom it was whispered to, who was kicked or ranked; for `nick` what it is called since. */
  readonly peer?: Person | undefined;
  /** What was said, the topic, the reason, the mode. */
  readonly text: string;
}

/** A range of sequence numbers, both ends included, that history lacks. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
}

const SPOKEN = { said: "say", acted: "act", noticed: "notice" } as const;

/**
 * What history keeps of a record, or undefined. A record has one entry at most: of a ban that takes somebody out of
 * the room, that; of a process's end or the server's, nothing, because nobody did that; nor of who leaves without
 * ever having arrived.
 */
export function entryOf(effects: readonly Effect[], sequence: number, timeMs: number): Entry | undefined {
  for (const effect of effects) {
    const what = partsOf(effect);
    if (what === undefined) continue;
    const { kind, who, rooms, peer, text } = what;
    return {
      sequence,
      timeMs,
      kind,
      rooms,
      ...personOf(who),
      peer: peer === undefined ? undefined : personOf(peer),
      text,
    };
  }
  return undefined;
}

interface Parts {
  kind: EntryKind;
  who: Session;
  rooms: readonly RoomId[];
  peer?: Session | undefined;
  text: string;
}

function partsOf(effect: Effect): Parts | undefined {
  switch (effect.kind) {
    case "said":
    case "acted":
    case "noticed":
      return {
        kind: SPOKEN[effect.kind],
        who: effect.session,
        rooms: [effect.room.id],
        text: decodeUtf8(effect.text),
      };
    case "whispered":
      return {
        kind: "whisper",
        who: effect.session,
        rooms: [],
        peer: effect.to,
        text: decodeUtf8(effect.text),
      };
    case "joined":
      return { kind: "join", who: effect.session, rooms: [effect.room.id], text: "" };
    case "parted":
      return { kind: "part", who: effect.session, rooms: [effect.room.id], text: decodeUtf8(effect.text) };
    case "left":
      if (effect.reason === "process died" || effect.session.nick === "") return undefined;
      return {
        kind: "leave",
        who: effect.session,
        rooms: [...effect.session.rooms.keys()],
        text: effect.reason === "quit" ? decodeUtf8(effect.text) : effect.reason,
      };
    case "renamed":
      return {
        kind: "nick",
        who: effect.previous,
        rooms: [...effect.session.rooms.keys()],
        peer: effect.session,
        text: "",
      };
    case "topicSet":
      return {
        kind: "topic",
        who: effect.session,
        rooms: [effect.room.id],
        text: effect.room.topic?.text ?? "",
      };
    case "kicked":
      return {
        kind: "kick",
        who: effect.session,
        rooms: [effect.room.id],
        peer: effect.target,
        text: decodeUtf8(effect.text),
      };
    case "restricted": {
      const { kind, nick } = effect.restriction;
      return {
        kind: "mode",
        who: effect.session,
        rooms: [effect.room.id],
        text: `${effect.on ? "+" : "-"}${kind} ${nick}`,
      };
    }
    case "modeSet":
      if (effect.session === undefined) return undefined;
      return {
        kind: "mode",
        who: effect.session,
        rooms: [effect.room.id],
        peer: effect.target,
        text: `${effect.on ? "+" : "-"}${effect.mode}`,
      };
    default:
      return undefined;
  }
}

function personOf({ id, nick, displayName }: Session): Person {
  return { session: id, nick, displayName };
}
