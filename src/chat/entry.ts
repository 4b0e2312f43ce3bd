import { decodeUtf8 } from "../base/index.ts";
import type { Effect, EffectOf } from "./effect.ts";
import type { PersonId, Room, RoomId, Session } from "./state.ts";

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
  /** Tags without a text. */
  "tag",
  "whisperAct",
  "whisperNotice",
  "whisperTag",
  /** An entry was deleted: the text is its sequence number, and why. */
  "redact",
] as const;

export type EntryKind = (typeof ENTRY_KINDS)[number];

/** Whoever an entry is about, as it was called then. */
export interface Person {
  /** Who that is over time. */
  readonly session: PersonId;
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
  /** As clients sent them with it (`+draft/reply=4711`); empty: none. */
  readonly tags: string;
  /** The account of whoever did it; empty: a guest. */
  readonly account: string;
  /** `user@host` of whoever did it; empty: not known. */
  readonly address: string;
}

/** A range of sequence numbers, both ends included, that history lacks. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
}

const SPOKEN = { said: "say", acted: "act", noticed: "notice" } as const;
const WHISPERED = { say: "whisper", act: "whisperAct", notice: "whisperNotice", tag: "whisperTag" } as const;

const WHISPERS: readonly EntryKind[] = Object.values(WHISPERED);

/** Between two people, and in no room. */
export function isWhisper(kind: EntryKind): boolean {
  return WHISPERS.includes(kind);
}

/**
 * What history keeps of a record, or undefined. A record has one entry at most: of a ban that takes somebody out of
 * the room, that; of a process's end or the server's, nothing, because nobody did that; nor of who leaves without
 * ever having arrived; nor of what was for some of a room alone, because all of it reads its past.
 */
export function entryOf(effects: readonly Effect[], sequence: number, timeMs: number): Entry | undefined {
  for (const effect of effects) {
    const what = partsOf(effect);
    if (what === undefined) continue;
    const { kind, who, rooms, peer, text, tags } = what;
    return {
      sequence,
      timeMs,
      kind,
      rooms,
      ...personOf(who),
      peer,
      text,
      tags: tags ?? "",
      account: who.account,
      address: who.user === "" && who.host === "" ? "" : `${who.user}@${who.host}`,
    };
  }
  return undefined;
}

interface Parts {
  kind: EntryKind;
  who: Session;
  rooms: readonly RoomId[];
  peer?: Person | undefined;
  text: string;
  tags?: string;
}

function partsOf(effect: Effect): Parts | undefined {
  switch (effect.kind) {
    case "said":
    case "acted":
    case "noticed":
      if (effect.atLeast !== undefined) return undefined;
      return {
        kind: SPOKEN[effect.kind],
        who: effect.session,
        rooms: [effect.room.id],
        text: decodeUtf8(effect.text),
        tags: effect.tags,
      };
    case "tagged":
      if (effect.atLeast !== undefined || !isLasting(effect.tags)) return undefined;
      return {
        kind: "tag",
        who: effect.session,
        rooms: [effect.room.id],
        text: "",
        tags: effect.tags,
      };
    case "whispered":
      if (effect.speech === "tag" && !isLasting(effect.tags)) return undefined;
      return {
        kind: WHISPERED[effect.speech],
        who: effect.session,
        rooms: [],
        peer: personOf(effect.to),
        text: effect.speech === "tag" ? "" : decodeUtf8(effect.text),
        tags: effect.tags,
      };
    case "redacted":
      return redactionOf(effect);
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
        peer: personOf(effect.session),
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
        peer: personOf(effect.target),
        text: decodeUtf8(effect.text),
      };
    case "restricted": {
      const { kind, mask } = effect.restriction;
      return modeOf(effect.session, effect.room, `${effect.on ? "+" : "-"}${kind} ${mask}`);
    }
    case "modeSet": {
      const { session, room, mode, on, target } = effect;
      if (session === undefined) return undefined;
      const peer = target === undefined ? undefined : personOf(target);
      return { ...modeOf(session, room, `${on ? "+" : "-"}${mode}`), peer };
    }
    case "settingSet":
      return modeOf(effect.session, effect.room, settingText(effect));
    case "roomRenamed":
      return modeOf(effect.session, effect.room, `+name ${effect.room.name}`);
    default:
      return undefined;
  }
}

function modeOf(who: Session, room: Room, text: string): Parts {
  return { kind: "mode", who, rooms: [room.id], text };
}

/** What one has to know to come in is not for the past. */
function settingText({ room, setting }: EffectOf<"settingSet">): string {
  if (setting === "key") return room.key === "" ? "-key" : "+key";
  return room[setting] === 0 ? `-${setting}` : `+${setting} ${room[setting]}`;
}

/** Of a whisper's other side nothing is known any more but who it is. */
function redactionOf({ session, room, peer, message, text }: EffectOf<"redacted">): Parts | undefined {
  const what = {
    kind: "redact",
    who: session,
    text: text === "" ? `${message}` : `${message} ${text}`,
  } as const;
  if (room !== undefined) return { ...what, rooms: [room.id] };
  return peer === 0 ? undefined : { ...what, rooms: [], peer: { session: peer, nick: "", displayName: "" } };
}

/** Tags alone that still mean something later; with drafts' names and without. */
const LASTING: ReadonlySet<string> = new Set([
  "+draft/react",
  "+draft/unreact",
  "+draft/reply",
  "+react",
  "+unreact",
  "+reply",
]);
/** That somebody is writing is over when it is read. */
const PASSING: ReadonlySet<string> = new Set(["+typing", "+draft/typing"]);

function isLasting(tags: string): boolean {
  const names = tags.split(";").map((tag) => tag.split("=", 1)[0]!);
  return names.some((name) => LASTING.has(name)) && !names.some((name) => PASSING.has(name));
}

function personOf({ person, nick, displayName }: Session): Person {
  return { session: person, nick, displayName };
}
