/* The past: what clients ask for, what they are told of it unasked, and up to where they have read. */
import { encodeUtf8 } from "../../base/index.ts";
import {
  type Entry,
  type HistoryQuestion,
  type Moment,
  PAGE_MAX,
  foldNick,
  isWhisper,
  matchesMask,
} from "../../chat/index.ts";
import { CAP } from "./capabilities.ts";
import { parseChathistory } from "./chathistory.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import type { IrcMessage } from "./message.ts";
import { FLAG_LETTERS, LIST_LETTERS, RANK_LETTERS, SETTING_LETTERS } from "./modes.ts";
import { Numeric } from "./numerics.ts";
import { parsePlayback } from "./playback.ts";
import { speech, tagMessage, tagsOf } from "./render.ts";
import { parseSearch } from "./searchRequest.ts";
import { lineBytes } from "./server.ts";
import { sendMarker } from "./tell.ts";
import { formatTime, parseTime } from "./time.ts";

export const HISTORY_COMMANDS: IrcCommands = {
  CHATHISTORY: {
    usage: "BEFORE | AFTER | LATEST | AROUND | BETWEEN | TARGETS …",
    summary: "shows what was said before",
    paramsMin: 1,
    isPipelined: true,
    isFree: true,
    specification: "https://ircv3.net/specs/extensions/chathistory",
    run: chathistory,
  },
  MARKREAD: {
    usage: "<target> [timestamp=<time>]",
    summary: "says up to where you have read, or asks for it",
    paramsMin: 0,
    isFree: true,
    specification: "https://ircv3.net/specs/extensions/read-marker",
    run: markRead,
  },
  SEARCH: {
    usage: "<attributes>",
    summary: "finds what was said",
    paramsMin: 1,
    isPipelined: true,
    specification: "https://git.sr.ht/~emersion/soju/tree/master/item/doc/ext/search.md",
    run: search,
  },
};

const RING_RETRY_MS = 50;
const TOO_MANY = "Wait for the answers to what you have asked";

function chathistory(client: IrcClient, { params }: IrcMessage): void {
  if (!client.has("draft/chathistory"))
    return client.fail("CHATHISTORY", "INVALID_PARAMS", [params[0]!], "Ask for draft/chathistory first");
  const request = parseChathistory(params, client.has("draft/event-playback"));
  if ("fault" in request) return client.standard("FAIL", "CHATHISTORY", request);
  const subcommand = params[0]!.toUpperCase();
  if (!client.port.mayAsk())
    return client.fail("CHATHISTORY", "MESSAGE_ERROR", [subcommand, params[1]!], TOO_MANY);
  if (request.kind === "page") {
    const { target, page } = request;
    return client.wish({ kind: "page", target, page, before: 0 }, { names: [subcommand, target] });
  }
  const { afterMs, beforeMs, limit } = request;
  client.wish({ kind: "targets", afterMs, beforeMs, limit, before: 0 }, { names: [subcommand] });
}

function markRead(client: IrcClient, { params }: IrcMessage): void {
  const [target, timestamp] = params;
  if (target === undefined || target === "")
    return client.fail("MARKREAD", "NEED_MORE_PARAMS", [], "Missing parameters");
  if (timestamp === undefined) return sendMarker(client, target);
  const timeMs = timestamp.startsWith("timestamp=") ? parseTime(timestamp.slice(10)) : undefined;
  if (timeMs === undefined)
    return client.fail("MARKREAD", "INVALID_PARAMS", [timestamp], "That is no timestamp");
  if (foldNick(target).length > 128)
    return client.fail("MARKREAD", "INVALID_PARAMS", [], "That is no target");
  client.wish({ kind: "mark", target, timeMs });
}

function search(client: IrcClient, { params }: IrcMessage): void {
  if (!client.has("soju.im/search"))
    return client.numeric(Numeric.ERR_UNKNOWNCOMMAND, "SEARCH :Unknown command");
  const request = parseSearch(params);
  if ("fault" in request) return client.standard("FAIL", "SEARCH", request);
  if (!client.port.mayAsk()) return client.fail("SEARCH", "INTERNAL_ERROR", [], TOO_MANY);
  // As people would ask for it: see docs/history.md. Each word is one, whatever it looks like.
  const quoted = (text: string): string => `"${text.replaceAll(/["“”„]/g, " ")}"`;
  const words = (request.text ?? "").split(/\s+/).filter((word) => word !== "");
  const parts = [
    ...words.map(quoted),
    request.in === undefined ? "" : `in:${request.in}`,
    request.from === undefined ? "" : `from:${quoted(request.from)}`,
    request.afterMs === undefined ? "" : `after:${formatTime(request.afterMs)}`,
    request.beforeMs === undefined ? "" : `before:${formatTime(request.beforeMs + 1)}`,
    `limit:${request.limit}`,
  ];
  const text = parts.filter((part) => part !== "").join(" ");
  client.wish({ kind: "search", text: encodeUtf8(text), before: 0 }, { limit: request.limit });
}

/** What is told to ZNC's module of that name (https://wiki.znc.in/Playback). */
export function playback(client: IrcClient, text: string): void {
  const command = parsePlayback(text);
  const source = "*playback!playback@playback";
  if (command === undefined)
    return client.line(`:${source} NOTICE ${client.nick} :PLAY <targets> [from] [to] | LIST | CLEAR`);
  const rooms = Array.from(client.self.rooms.keys(), (id) => client.port.nameOf(id));
  const meant = rooms.filter((room) => command.targets.some((mask) => matchesMask(mask, room)));
  if (command.kind === "list") {
    for (const room of meant) client.line(`:${source} NOTICE ${client.nick} :${room}`);
    return;
  }
  // Nothing is kept for one client that could be taken away without the others losing it.
  if (command.kind === "clear") return;
  if (client.playback !== undefined) return client.line(`:${source} NOTICE ${client.nick} :${TOO_MANY}`);
  const people = command.targets.filter((target) => !/[*?#]/.test(target));
  const { afterMs, beforeMs } = command;
  client.playback = { targets: [...meant, ...people], afterMs, beforeMs };
  client.changed();
  playOn(client);
}

/** Asks for as much of the past as may be asked for at a time; each answer leads to the next question. */
export function playOn(client: IrcClient): void {
  const { playback, port } = client;
  if (playback === undefined) return;
  const { targets, afterMs, beforeMs } = playback;
  let asked = 0;
  while (asked < targets.length && port.mayAsk() && port.hasRoom()) {
    // Each answer is a batch of its own, whatever else comes of the line.
    client.replies.wishedApart();
    port.wish({
      kind: "page",
      target: targets[asked]!,
      before: 0,
      page: {
        after: { by: "time", value: afterMs },
        before: beforeMs === undefined ? undefined : { by: "time", value: beforeMs },
        take: "newest",
        limit: PAGE_MAX,
        events: false,
      },
    });
    asked += 1;
  }
  const left = targets.slice(asked);
  client.playback = left.length === 0 ? undefined : { targets: left, afterMs, beforeMs };
  if (asked > 0 || left.length === 0) client.changed();
  // Whoever reads the ring makes room soon, and nothing else would lead back here.
  if (left.length > 0 && port.mayAsk()) port.wakeIn(RING_RETRY_MS);
}

export interface PastAnswer {
  readonly entries: readonly Entry[];
  readonly more: boolean;
  readonly refusal: string | undefined;
}

/** What history answers, as lines. */
export function answerBytes(
  client: IrcClient,
  question: HistoryQuestion,
  before: number,
  answer: PastAnswer,
): Uint8Array {
  const past = new Past(client);
  const { entries, refusal } = answer;
  if (refusal !== undefined) {
    past.refuse(question, refusal);
    return past.bytes();
  }
  switch (question.kind) {
    case "replay":
    case "recall": {
      const said = entries.filter(({ kind }) => kind !== "topic");
      if (said.length > 0) past.batch("chathistory", client.port.nameOf(question.room), said);
      return past.bytes();
    }
    case "page": {
      const target = "person" in question.of ? question.of.nick : client.port.nameOf(question.of.room);
      past.batch("chathistory", target, entries);
      return past.bytes();
    }
    case "targets":
      past.targets(entries);
      return past.bytes();
    case "search": {
      const { limit = entries.length } = client.replies.contextOf(before);
      const said = entries.filter(({ kind }) => Object.hasOwn(SPEECH_OF, kind));
      past.batch("soju.im/search", "", said.slice(Math.max(0, said.length - limit)));
      return past.bytes();
    }
    case "range":
      for (const entry of entries) if (isMissed(client, entry)) past.entry(entry, undefined);
      return past.bytes();
    case "redact":
      return past.bytes();
  }
}

/** Who came back knows who is there: of what came before that, it is told what was said, and topics. */
function isMissed({ cameBackAt }: IrcClient, { sequence, kind }: Entry): boolean {
  return sequence >= cameBackAt || kind === "topic" || isWhisper(kind) || SAID.has(kind);
}

const SAID: ReadonlySet<Entry["kind"]> = new Set(["say", "act", "notice", "tag", "redact"]);

class Past {
  readonly #client: IrcClient;
  readonly #pieces: Uint8Array[] = [];

  constructor(client: IrcClient) {
    this.#client = client;
  }

  append(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
  }

  bytes(): Uint8Array {
    let length = 0;
    for (const piece of this.#pieces) length += piece.length;
    const whole = new Uint8Array(length);
    let at = 0;
    for (const piece of this.#pieces) {
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  #line(text: string, tags = ""): void {
    this.append(lineBytes(text, tags));
  }

  batch(type: string, target: string, entries: readonly Entry[]): void {
    const client = this.#client;
    if (!client.has("batch")) {
      for (const entry of entries) this.entry(entry, undefined);
      return;
    }
    const name = client.replies.batchName();
    this.#line(`:${client.server.name} BATCH +${name} ${type}${target === "" ? "" : ` ${target}`}`);
    for (const entry of entries) this.entry(entry, name);
    this.#line(`:${client.server.name} BATCH -${name}`);
  }

  targets(entries: readonly Entry[]): void {
    const client = this.#client;
    const name = client.replies.batchName();
    const { server } = client;
    const hasBatch = client.has("batch");
    if (hasBatch) this.#line(`:${server.name} BATCH +${name} draft/chathistory-targets`);
    for (const entry of entries) {
      const target = this.#targetOf(entry, true);
      const tag = hasBatch ? `@batch=${name} ` : "";
      this.#line(`:${server.name} CHATHISTORY TARGETS ${target} ${formatTime(entry.timeMs)}`, tag);
    }
    if (hasBatch) this.#line(`:${server.name} BATCH -${name}`);
  }

  /** Whom it was said to; of a whisper, for a list, the other one. */
  #targetOf(entry: Entry, isList: boolean): string {
    const [room] = entry.rooms;
    if (room !== undefined) return this.#client.port.nameOf(room);
    const isOwn = entry.session === this.#client.session?.person;
    return asMiddle(isList && !isOwn ? entry.nick : (entry.peer?.nick ?? ""));
  }

  /** One entry, as if it happened now; but for its time. */
  entry(entry: Entry, batch: string | undefined): void {
    const client = this.#client;
    const caps = client.caps.enabled;
    const moment: Moment = { sequence: entry.sequence, timeMs: entry.timeMs };
    const source = sourceOf(entry);
    const session = { account: entry.account.replaceAll("\0", ""), bot: false };
    const target = this.#targetOf(entry, false);
    const { tags } = entry;
    switch (entry.kind) {
      case "say":
      case "act":
      case "notice":
      case "whisper":
      case "whisperAct":
      case "whisperNotice": {
        const text = encodeUtf8(`${this.#stamp(entry.timeMs)}${entry.text}`);
        const kind = SPEECH_OF[entry.kind];
        return speech(this, kind, { source, session, target, text, tags }, moment, caps, batch);
      }
      case "tag":
      case "whisperTag":
        if (client.has("message-tags"))
          tagMessage(this, { source, session, target, tags }, moment, caps, batch);
        return;
      default: {
        const text = eventOf(entry, source, target, caps);
        if (text !== undefined) this.#line(text, tagsOf(caps, moment, session, "", batch));
      }
    }
  }

  /** Who is not told the time by a tag is told it in the text: the past looks like the past. */
  #stamp(timeMs: number): string {
    return this.#client.has("server-time") ? "" : `[${this.#client.port.localTime(timeMs)}] `;
  }

  #contextOf(question: HistoryQuestion): string {
    const client = this.#client;
    if (question.kind !== "redact") return "";
    const { room, message } = question;
    const target = room === 0 ? asMiddle(client.redacting.get(message) ?? "") : client.port.nameOf(room);
    return ` ${target} ${message}`;
  }

  refuse(question: HistoryQuestion, refusal: string): void {
    const client = this.#client;
    const [code = "", ...words] = refusal.split(" ");
    const isCoded = /^[A-Z_]+$/.test(code);
    const command =
      question.kind === "redact" ? "REDACT" : question.kind === "search" ? "SEARCH" : "CHATHISTORY";
    const fault = isCoded ? code : command === "SEARCH" ? "INVALID_PARAMS" : "MESSAGE_ERROR";
    const text = isCoded ? words.join(" ") : refusal;
    const context = this.#contextOf(question);
    if (client.has("standard-replies"))
      this.#line(`:${client.server.name} FAIL ${command} ${fault}${context} :${text}`);
    else this.#line(`:${client.server.name} NOTICE ${client.nick} :${command}: ${text}`);
  }
}

const SPEECH_OF = {
  say: "say",
  act: "act",
  notice: "notice",
  whisper: "say",
  whisperAct: "act",
  whisperNotice: "notice",
} as const;

function sourceOf({ nick, address }: Entry): string {
  const name = asMiddle(nick);
  return address === "" ? `${name}!${name}@history` : `${name}!${asMiddle(address, Infinity)}`;
}

function eventOf(entry: Entry, source: string, target: string, caps: number): string | undefined {
  const reason = entry.text === "" ? "" : ` :${entry.text}`;
  const peer = asMiddle(entry.peer?.nick ?? "");
  switch (entry.kind) {
    case "topic":
      return `:${source} TOPIC ${target} :${entry.text}`;
    case "join":
      return (caps & CAP["extended-join"]) === 0
        ? `:${source} JOIN ${target}`
        : `:${source} JOIN ${target} ${asMiddle(entry.account)} :${entry.displayName}`;
    case "part":
      return `:${source} PART ${target}${reason}`;
    case "kick":
      return `:${source} KICK ${target} ${peer}${reason}`;
    case "leave":
      return `:${source} QUIT${reason}`;
    case "nick":
      return `:${source} NICK ${peer}`;
    case "mode":
      return modeOf(entry, source, target);
    case "redact": {
      const [message = "", ...words] = entry.text.split(" ");
      if ((caps & CAP["draft/message-redaction"]) === 0) return undefined;
      return `:${source} REDACT ${target} ${asMiddle(message)} :${words.join(" ")}`;
    }
    default:
      return undefined;
  }
}

const LETTERS: Readonly<Record<string, string>> = {
  ...FLAG_LETTERS,
  ...RANK_LETTERS,
  ...SETTING_LETTERS,
  ...LIST_LETTERS,
};

/** `+operator` of a peer, `-ban mask`, `+limit 5`; a mute is a ban of its own kind. */
function modeOf({ text, peer }: Entry, source: string, target: string): string | undefined {
  const [, sign = "", what = "", value = ""] = /^([+-])(\w+)(?: (.*))?$/su.exec(text) ?? [];
  const isMute = what === "mute";
  const letter = isMute ? LIST_LETTERS.ban : LETTERS[what];
  if (letter === undefined) return undefined;
  const param = peer?.nick ?? (isMute ? `m:${value}` : value);
  return `:${source} MODE ${target} ${sign}${letter}${param === "" ? "" : ` ${asMiddle(param, Infinity)}`}`;
}
