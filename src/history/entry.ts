import { type Entry, type EntryKind, type Gap, type PersonId, isWhisper } from "../chat/index.ts";

/**
 * The first sequence number of a new server. What is imported from before its time gets the numbers below: four
 * thousand million of them.
 */
export const FIRST_SEQUENCE = 0x1_0000_0000;

export interface Room {
  readonly id: number;
  readonly name: string;
}

/** What somebody may read: these rooms, and the whispers that they have sent or got. */
export interface Access {
  /** Who that is over time. */
  readonly session: PersonId;
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

/** Between two people: nobody else gets it, and no export has it. */
export function isPrivate({
  kind,
  rooms,
}: {
  readonly kind: EntryKind;
  readonly rooms: readonly unknown[];
}): boolean {
  return isWhisper(kind) || (kind === "redact" && rooms.length === 0);
}

/** What somebody has said, in a room or to somebody. */
export function isSpoken(kind: EntryKind): boolean {
  return SPOKEN.includes(kind);
}

const SPOKEN: readonly EntryKind[] = ["say", "act", "notice", "whisper", "whisperAct", "whisperNotice"];

/** An entry with the names of its rooms, as they are now, in place of the ids: for people and for other servers. */
export interface NamedEntry extends Omit<Entry, "rooms"> {
  readonly rooms: readonly string[];
}
