import type { Entry, EntryKind, Gap } from "../chat/index.ts";

/**
 * The first sequence number of a new server. What is imported from before its time gets the numbers below: four
 * thousand million of them.
 */
export const FIRST_SEQUENCE = 0x1_0000_0000;

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
