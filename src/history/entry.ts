export type EntryKind =
  | "say"
  | "act"
  | "notice"
  | "topic"
  | "whisper"
  | "join"
  | "part"
  | "leave"
  | "nick"
  | "kick"
  | "mode";

/** A kind's place here is its number in the database: new ones go to the end. */
export const ENTRY_KINDS: readonly EntryKind[] = [
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
];

/**
 * The first sequence number of a new server. What is imported from before its time gets the numbers below: four
 * thousand million of them.
 */
export const FIRST_SEQUENCE = 0x1_0000_0000;

/** Who says or does something, or to whom it is done: as it was at that time. */
export interface Person {
  readonly session: number;
  readonly nick: string;
  readonly displayName: string;
}

/** One record of the conversation as history keeps it. */
export interface Entry extends Person {
  /** The log's sequence number: its identity, 1 to 2^53 − 1. */
  readonly sequence: number;
  readonly timeMs: number;
  readonly kind: EntryKind;
  /**
   * The rooms in which it was seen, by their ids: one for messages, any number for events such as a leave, none for
   * a whisper. An entry that was read on somebody's behalf names only rooms that they may read.
   */
  readonly rooms: readonly number[];
  /** whisper: to whom; kick: who was kicked; nick: the new names. */
  readonly peer?: Person | undefined;
  /** What was said; the topic; the reason of a leave or kick. */
  readonly text: string;
}

/** A range of sequence numbers, both ends included, that history lacks. */
export interface Gap {
  readonly from: number;
  readonly to: number;
  readonly fromTimeMs: number;
  readonly toTimeMs: number;
}

export interface Room {
  readonly id: number;
  readonly name: string;
}

/** What somebody may read: these rooms, and the whispers that their session has sent or got. */
export interface Access {
  readonly session: number;
  readonly rooms: readonly number[];
}

export interface Page {
  /** Oldest first. */
  readonly entries: readonly Entry[];
  /** The gaps in the part of history that this page covers, oldest first: to be shown. */
  readonly gaps: readonly Gap[];
  /** There are more that way: older ones, or for `range` newer ones. */
  readonly more: boolean;
}

/** Seen in exactly one room, and given back wherever "messages" are asked for. */
export function isMessage(kind: EntryKind): boolean {
  return kind === "say" || kind === "act" || kind === "notice" || kind === "topic";
}

/** An entry with the names of its rooms, as they are now, in place of the ids: for people and for other servers. */
export interface NamedEntry extends Omit<Entry, "rooms"> {
  readonly rooms: readonly string[];
}
