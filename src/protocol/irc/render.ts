/*
 * What many are told, in the bytes that each of them wants: which those are follows from what it has negotiated, and
 * whoever has negotiated the same is told the same bytes.
 */
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import {
  type EffectOf,
  type LeaveReason,
  type Moment,
  type PublicEffect,
  RANKS,
  type Restriction,
  type Session,
  hasRank,
  normaliseMask,
} from "../../chat/index.ts";
import { CAP } from "./capabilities.ts";
import type { IrcClient } from "./client.ts";
import { FLAG_LETTERS, LIST_LETTERS, RANK_LETTERS, RANK_PREFIXES, SETTING_LETTERS } from "./modes.ts";
import { MULTILINE_BATCH } from "./multiline.ts";
import { Numeric } from "./numerics.ts";
import { type IrcServer, type Sink, lineBytes, oneLine, realNameOf } from "./server.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";
import { escapeTag } from "./tags.ts";
import { formatTime } from "./time.ts";

/** Which capabilities make a difference to any line. */
const TAG_CAPS = CAP["message-tags"] | CAP["server-time"] | CAP["account-tag"];
/** Keys of other protocols are small numbers. */
const IRC_KEY = 1 << 30;
const SPEECH_CAPS = TAG_CAPS | CAP.batch | CAP["draft/multiline"];

/** See `Conversation.publicKey` of the server. */
export function publicKey(client: IrcClient, effect: PublicEffect, isOrigin: boolean): number | undefined {
  if (!client.isWelcome) return undefined;
  const { enabled } = client.caps;
  const key = (caps: number): number => IRC_KEY | (enabled & caps);
  switch (effect.kind) {
    case "said":
    case "acted":
    case "noticed":
      return isToldSpeech(client, effect, isOrigin) ? key(SPEECH_CAPS) : undefined;
    case "tagged":
      return client.has("message-tags") && isToldSpeech(client, effect, isOrigin) ? key(TAG_CAPS) : undefined;
    case "joined":
      return key(TAG_CAPS | CAP["extended-join"] | CAP["away-notify"]);
    case "roomRenamed":
      // Who does not know of it sees everybody's parting and joining in its own conversation.
      return client.has("draft/channel-rename") ? key(TAG_CAPS) : undefined;
    case "invited":
      if (!client.has("invite-notify") || isOrigin || effect.target.id === client.session?.id)
        return undefined;
      return mayInvite(client, effect.room.id) ? key(TAG_CAPS) : undefined;
    case "knocked":
      return mayInvite(client, effect.room.id) ? key(TAG_CAPS) : undefined;
    case "redacted":
      return client.has("draft/message-redaction") ? key(TAG_CAPS) : undefined;
    case "renamed":
      // Of a name that is shown beside the nick, IRC has the real name alone to tell.
      return effect.session.nick === effect.previous.nick && !client.has("setname")
        ? undefined
        : key(TAG_CAPS);
    case "described":
      return client.has("setname") ? key(TAG_CAPS) : undefined;
    case "accountChanged":
      return client.has("account-notify") ? key(TAG_CAPS) : undefined;
    case "awaySet":
      return client.has("away-notify") ? key(TAG_CAPS) : undefined;
    default:
      return key(TAG_CAPS);
  }
}

/** Whoever said it wants an echo, or not; all others have the rank that it is for, or not. */
function isToldSpeech(
  client: IrcClient,
  { atLeast, room }: EffectOf<"said" | "acted" | "noticed"> | EffectOf<"tagged">,
  isOrigin: boolean,
): boolean {
  if (isOrigin) return client.has("echo-message");
  const { session } = client;
  if (atLeast === undefined) return true;
  const membership = session?.rooms.get(room.id);
  return (
    membership !== undefined && RANKS.slice(0, RANKS.indexOf(atLeast) + 1).some((rank) => membership[rank])
  );
}

function mayInvite({ session }: IrcClient, room: number): boolean {
  return session !== undefined && hasRank(session, room, "halfOperator");
}

/** @param caps what the client has negotiated, as far as it makes a difference: the key */
export function publicLine(
  sink: Sink,
  server: IrcServer,
  effect: PublicEffect,
  moment: Moment,
  caps: number,
): void {
  switch (effect.kind) {
    case "said":
    case "acted":
    case "noticed": {
      const target = targetOf(effect);
      const source = server.sourceOf(effect.session);
      return speech(sink, SPEECH_OF[effect.kind], { ...effect, source, target }, moment, caps);
    }
    case "tagged":
      return tagMessage(
        sink,
        { ...effect, source: server.sourceOf(effect.session), target: targetOf(effect) },
        moment,
        caps,
      );
    default:
      sink.append(lineBytes(eventText(server, effect, caps), tagsOf(caps, moment, effect.session)));
      if (effect.kind === "joined" && effect.session.away !== "" && (caps & CAP["away-notify"]) !== 0)
        sink.append(lineBytes(awayText(server, effect.session), tagsOf(caps, moment, effect.session)));
  }
}

const SPEECH_OF = { said: "say", acted: "act", noticed: "notice" } as const;
const COMMAND_OF = { say: "PRIVMSG", act: "PRIVMSG", notice: "NOTICE" } as const;

function targetOf({
  room,
  atLeast,
}: {
  readonly room: { readonly name: string };
  readonly atLeast: keyof typeof RANK_PREFIXES | undefined;
}): string {
  return atLeast === undefined ? room.name : `${RANK_PREFIXES[atLeast]}${room.name}`;
}

/** What is said, to whom, by whom. */
export interface Speaking {
  /** `nick!user@host`. */
  readonly source: string;
  readonly session: Pick<Session, "account" | "bot">;
  readonly target: string;
  readonly text: Uint8Array;
  readonly tags: string;
}

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const CRLF = Uint8Array.of(0x0d, 0x0a);
const ACTION = encodeUtf8("\u0001ACTION ");
const ACTION_END = Uint8Array.of(0x01);

/**
 * A text, in one line or as many as it needs: because it has several, which who knows of that gets as one message, or
 * because it is longer than a line of IRC may be. Only the first of those has the message's number: there is one.
 */
export function speech(
  sink: Sink,
  kind: "say" | "act" | "notice",
  speaking: Speaking,
  moment: Moment,
  caps: number,
  batch?: string,
): void {
  const { source, session, target } = speaking;
  const text = withoutBreaks(speaking.text);
  const body = bodyOf(speaking, kind);
  const tags = tagsOf(caps, moment, session, speaking.tags, batch);
  const room = LINE_BYTES_MAX - 2 - body.length - (kind === "act" ? ACTION.length + 1 : 0);
  if (text.length <= room && text.indexOf(LF) < 0) {
    if (tags !== "") sink.append(encodeUtf8(tags));
    sink.append(body);
    appendText(sink, text, kind);
    return;
  }
  const pieces = piecesOf(text, Math.max(64, room));
  const isOneMessage = kind !== "act" && (caps & CAP.batch) !== 0 && (caps & CAP["draft/multiline"]) !== 0;
  if (isOneMessage) {
    const name = `m${moment.sequence}`;
    sink.append(lineBytes(`:${source} BATCH +${name} ${MULTILINE_BATCH} ${target}`, tags));
    for (const { bytes, isContinued } of pieces) {
      sink.append(encodeUtf8(`@batch=${name}${isContinued ? ";draft/multiline-concat" : ""} `));
      sink.append(body);
      appendText(sink, bytes, kind);
    }
    sink.append(lineBytes(`:${source} BATCH -${name}`));
    return;
  }
  const laterTags = tagsOf(caps & ~CAP["message-tags"], moment, session, "", batch);
  for (const [index, { bytes }] of pieces.filter(({ bytes }) => bytes.length > 0).entries()) {
    sink.append(encodeUtf8(index === 0 ? tags : laterTags));
    sink.append(body);
    appendText(sink, bytes, kind);
  }
}

/** What was imported, or came another way than IRC, may have in it what no line has. */
function withoutBreaks(text: Uint8Array): Uint8Array {
  const isClean = text.indexOf(CR) < 0 && text.indexOf(NUL) < 0;
  return isClean ? text : text.filter((byte) => byte !== CR && byte !== NUL);
}

/** What stands before the text, as it was for what the same session said last: most go on where they are. */
const bodies = new WeakMap<object, { readonly key: string; readonly bytes: Uint8Array }>();

function bodyOf({ source, session, target }: Speaking, kind: "say" | "act" | "notice"): Uint8Array {
  const key = kind === "notice" ? `-${target}` : target;
  const known = bodies.get(session);
  if (known?.key === key) return known.bytes;
  const bytes = encodeUtf8(`:${source} ${COMMAND_OF[kind]} ${target} :`);
  bodies.set(session, { key, bytes });
  return bytes;
}

function appendText(sink: Sink, text: Uint8Array, kind: "say" | "act" | "notice"): void {
  if (kind === "act") sink.append(ACTION);
  sink.append(text);
  if (kind === "act") sink.append(ACTION_END);
  sink.append(CRLF);
}

interface Piece {
  readonly bytes: Uint8Array;
  /** It goes on where the one before it had to end. */
  readonly isContinued: boolean;
}

/** The lines of a text, none longer than so many bytes, and no character torn. */
function piecesOf(text: Uint8Array, bytesMax: number): Piece[] {
  const pieces: Piece[] = [];
  for (let from = 0; from <= text.length;) {
    const lf = text.indexOf(LF, from);
    const lineEnd = lf < 0 ? text.length : lf;
    let isContinued = false;
    do {
      let to = Math.min(lineEnd, from + bytesMax);
      // A byte 10xxxxxx is not where a character begins.
      while (to < lineEnd && to > from && (text[to]! & 0xc0) === 0x80) to -= 1;
      pieces.push({ bytes: text.subarray(from, to), isContinued });
      isContinued = true;
      from = to;
    } while (from < lineEnd);
    from = lineEnd + 1;
    if (lf < 0) break;
  }
  return pieces;
}

export function tagMessage(
  sink: Sink,
  { source, session, target, tags }: Omit<Speaking, "text">,
  moment: Moment,
  caps: number,
  batch?: string,
): void {
  sink.append(lineBytes(`:${source} TAGMSG ${target}`, tagsOf(caps, moment, session, tags, batch)));
}

/** `@time=…;msgid=… `, or nothing: what this client wants to know of whatever it is told. */
export function tagsOf(
  caps: number,
  { sequence, timeMs }: Moment,
  session: Pick<Session, "account" | "bot"> | undefined,
  clientTags = "",
  batch?: string,
): string {
  let tags = batch === undefined ? "" : `;batch=${batch}`;
  if ((caps & CAP["server-time"]) !== 0) tags += `;time=${formatTime(timeMs)}`;
  if ((caps & CAP["message-tags"]) !== 0) {
    if (sequence > 0) tags += `;msgid=${sequence}`;
    if (session?.bot === true) tags += ";bot";
    if (clientTags !== "") tags += `;${clientTags}`;
  }
  if ((caps & CAP["account-tag"]) !== 0 && session !== undefined && session.account !== "")
    tags += `;account=${escapeTag(session.account)}`;
  return tags === "" ? "" : `@${tags.slice(1)} `;
}

type Event = Exclude<PublicEffect, { kind: "said" | "acted" | "noticed" | "tagged" }>;

/** One line, without its tags and its end. */
function eventText(server: IrcServer, effect: Event, caps: number): string {
  const source = effect.session === undefined ? server.name : server.sourceOf(effect.session);
  switch (effect.kind) {
    case "joined":
      return joinText(server, effect.session, effect.room.name, caps);
    case "parted":
      return `:${source} PART ${effect.room.name}${reasonOf(effect.text)}`;
    case "kicked":
      return `:${source} KICK ${effect.room.name} ${effect.target.nick}${reasonOf(effect.text)}`;
    case "topicSet":
      return `:${source} TOPIC ${effect.room.name} :${effect.room.topic?.text ?? ""}`;
    case "restricted":
      return `:${source} MODE ${effect.room.name} ${effect.on ? "+" : "-"}${restrictionText(effect.restriction)}`;
    case "modeSet":
      return `:${source} MODE ${effect.room.name} ${modeText(effect)}`;
    case "settingSet":
      return `:${source} MODE ${effect.room.name} ${settingText(effect)}`;
    case "roomRenamed":
      return `:${source} RENAME ${effect.previous.name} ${effect.room.name} :${textOf(effect.text)}`;
    case "invited":
      return `:${source} INVITE ${effect.target.nick} ${effect.room.name}`;
    case "knocked":
      return `:${server.name} ${Numeric.RPL_KNOCK} * ${effect.room.name} ${source} :has asked for an invite`;
    case "redacted":
      return `:${source} REDACT ${effect.room?.name ?? "*"} ${effect.message}${reasonOf(encodeUtf8(effect.text))}`;
    case "renamed":
      return effect.session.nick === effect.previous.nick
        ? `:${source} SETNAME :${realNameOf(effect.session)}`
        : `:${server.sourceOf(effect.previous)} NICK ${effect.session.nick}`;
    case "described":
      return `:${source} SETNAME :${realNameOf(effect.session)}`;
    case "accountChanged":
      return `:${source} ACCOUNT ${effect.session.account || "*"}`;
    case "awaySet":
      return awayText(server, effect.session);
    case "left":
      return `:${source} QUIT :${quitText(effect.reason, effect.text)}`;
  }
}

export function joinText(server: IrcServer, session: Session, room: string, caps: number): string {
  const source = server.sourceOf(session);
  if ((caps & CAP["extended-join"]) === 0) return `:${source} JOIN ${room}`;
  return `:${source} JOIN ${room} ${session.account || "*"} :${realNameOf(session)}`;
}

export function awayText(server: IrcServer, session: Session): string {
  return `:${server.sourceOf(session)} AWAY${session.away === "" ? "" : ` :${session.away}`}`;
}

/** A mask as MODE names it: a mute is a ban of its own kind. */
export function maskText({ kind, mask }: Restriction): string {
  return kind === "mute" ? `m:${normaliseMask(mask)}` : normaliseMask(mask);
}

function restrictionText(restriction: Restriction): string {
  const { kind } = restriction;
  return `${LIST_LETTERS[kind === "mute" ? "ban" : kind]} ${maskText(restriction)}`;
}

function modeText({ mode, on, target }: EffectOf<"modeSet">): string {
  const letters: Readonly<Record<string, string>> = { ...FLAG_LETTERS, ...RANK_LETTERS };
  return `${on ? "+" : "-"}${letters[mode]!}${target === undefined ? "" : ` ${target.nick}`}`;
}

function settingText({ room, setting }: EffectOf<"settingSet">): string {
  const letter = SETTING_LETTERS[setting];
  const value = room[setting];
  if (value === "" || value === 0) return setting === "key" ? `-${letter} *` : `-${letter}`;
  return `+${letter} ${value}`;
}

export function quitText(reason: LeaveReason, text: Uint8Array): string {
  if (reason === "quit") return `Quit: ${textOf(text)}`;
  if (reason === "killed") return text.length === 0 ? "Killed" : `Killed: ${textOf(text)}`;
  return reason;
}

/** What may stand at the end of a line. */
export function textOf(text: Uint8Array): string {
  return oneLine(decodeUtf8(text));
}

function reasonOf(text: Uint8Array): string {
  return text.length === 0 ? "" : ` :${textOf(text)}`;
}
