/* Entries as rows of the table, and back. */
import { assert } from "../base/index.ts";
import type { Row, Value } from "../base/index.ts";
import { ENTRY_KINDS, type Entry, type Gap, type Person, isWhisper } from "../chat/index.ts";
import { isMessage, isPrivate, isSpoken } from "./entry.ts";
import { authorTag, eventTag, indexedWords, nameKey, roomTag, whisperTag } from "./words.ts";

/** In the order of `valuesOf`. */
export const ENTRY_COLUMNS: string = [
  "sequence",
  "time_ms",
  "kind",
  "room",
  "more_rooms",
  "session",
  "nick",
  "display_name",
  "peer_session",
  "peer_nick",
  "peer_display_name",
  "text",
  "tags",
  "account",
  "address",
]
  .map((column) => `entry.${column}`)
  .join(", ");

/** For `INSERT INTO entry VALUES`. A name that is as the nick is left out, and what is empty: most are. */
export function valuesOf(entry: Entry): Value[] {
  const { rooms, peer } = entry;
  return [
    entry.sequence,
    entry.timeMs,
    ENTRY_KINDS.indexOf(entry.kind),
    rooms[0] ?? null,
    rooms.length > 1 ? rooms.slice(1).join(" ") : null,
    entry.session,
    entry.nick,
    entry.displayName === entry.nick ? null : entry.displayName,
    peer?.session ?? null,
    peer?.nick ?? null,
    peer === undefined || peer.displayName === peer.nick ? null : peer.displayName,
    entry.text,
    entry.tags || null,
    entry.account || null,
    entry.address || null,
  ];
}

export function entryOf(row: Row): Entry {
  const rooms = row["room"] === null ? [] : [row["room"] as number];
  if (row["more_rooms"] !== null) rooms.push(...(row["more_rooms"] as string).split(" ").map(Number));
  const kind = ENTRY_KINDS[row["kind"] as number];
  assert(kind !== undefined, `entry ${row["sequence"] as number} is of no kind that is known`);
  const nick = row["nick"] as string;
  return {
    sequence: row["sequence"] as number,
    timeMs: row["time_ms"] as number,
    kind,
    rooms,
    session: row["session"] as number,
    nick,
    displayName: (row["display_name"] as string | null) ?? nick,
    peer: peerOf(row),
    text: row["text"] as string,
    tags: (row["tags"] as string | null) ?? "",
    account: (row["account"] as string | null) ?? "",
    address: (row["address"] as string | null) ?? "",
  };
}

function peerOf(row: Row): Person | undefined {
  const [session, nick] = [row["peer_session"] as number | null, row["peer_nick"] as string | null];
  if (session === null || nick === null) return undefined;
  return { session, nick, displayName: (row["peer_display_name"] as string | null) ?? nick };
}

/**
 * What finds it: the words of its text where people have written it to be read, and tags. What has once gone into the
 * index comes out by the same words alone: what this gives for an entry may never change without a migration that makes
 * the index anew.
 */
export function indexOf(entry: Entry): string {
  const { kind, rooms } = entry;
  if (isMessage(kind)) return `${indexedWords(entry.text)} ${roomTag(rooms[0]!)} ${authorTags(entry)}`;
  if (!isPrivate(entry)) return rooms.map(eventTag).join(" ");
  const whisperTags = Array.from(new Set([entry.session, entry.peer!.session]), whisperTag).join(" ");
  return isSpoken(kind) ? `${indexedWords(entry.text)} ${whisperTags} ${authorTags(entry)}` : whisperTags;
}

function authorTags({ nick, displayName }: Person): string {
  const nickTag = tagOf(nick);
  if (displayName === nick) return nickTag;
  const nameTag = tagOf(displayName);
  return nameTag === nickTag ? nickTag : `${nickTag} ${nameTag}`;
}

/** Few people say most of it: their tags are kept. Emptied when full, so that strangers cannot fill the memory. */
const TAGS_MAX = 4096;
const tags = new Map<string, string>();

function tagOf(name: string): string {
  let tag = tags.get(name);
  if (tag === undefined) {
    if (tags.size >= TAGS_MAX) tags.clear();
    tag = authorTag(nameKey(name));
    tags.set(name, tag);
  }
  return tag;
}

/** @returns what is wrong with its form, which no table would notice */
export function faultOf(entry: Entry): string | undefined {
  const { kind, rooms, peer } = entry;
  if (!isSequence(entry.sequence)) return `${entry.sequence} is no sequence number`;
  if (!Number.isSafeInteger(entry.timeMs) || entry.timeMs < 0) return `${entry.timeMs} is no time`;
  if (!isSession(entry.session) || (peer !== undefined && !isSession(peer.session)))
    return "a session is no number";
  if (!rooms.every(isRoom) || (rooms.length > 1 && new Set(rooms).size < rooms.length))
    return "its rooms are not different rooms";
  const isInOne = isMessage(kind) || kind === "tag" || (kind === "redact" && rooms.length > 0);
  if (isInOne && rooms.length !== 1) return `a ${kind} is in one room, not in ${rooms.length}`;
  if (isWhisper(kind) && rooms.length > 0) return `a ${kind} is in no room`;
  const needsPeer = isPrivate(entry) || kind === "kick" || kind === "nick";
  if (needsPeer && peer === undefined) return `a ${kind} needs somebody to whom it is done`;
  return undefined;
}

function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function isSession(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function isRoom(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value < 2 ** 32;
}

export function gapOf(row: Row): Gap {
  return {
    from: row["from_sequence"] as number,
    to: row["to_sequence"] as number,
    fromTimeMs: row["from_time_ms"] as number,
    toTimeMs: row["to_time_ms"] as number,
  };
}
