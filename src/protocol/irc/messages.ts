/* What is said: to rooms, to people, in one line or in several, and what is taken back. */
import { encodeUtf8 } from "../../base/index.ts";
import { RANKS, type Speech, isServiceName } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { parseMessageId } from "./chathistory.ts";
import { asMiddle } from "./fault.ts";
import { TARGETS_MAX } from "./isupport.ts";
import type { IrcMessage } from "./message.ts";
import { RANK_PREFIXES } from "./modes.ts";
import { Numeric } from "./numerics.ts";
import { playback } from "./past.ts";
import { nickServ } from "./proving.ts";
import { clientOnlyTags } from "./tags.ts";

export const MESSAGE_COMMANDS: IrcCommands = {
  PRIVMSG: {
    usage: "<target>{,<target>} :<text>",
    summary: "says something to a channel or a person",
    paramsMin: 0,
    isPipelined: true,
    specification: "#privmsg-message",
    run: (client, message) => say(client, message, "say"),
  },
  NOTICE: {
    usage: "<target>{,<target>} :<text>",
    summary: "says something that no program answers",
    paramsMin: 0,
    isPipelined: true,
    specification: "#notice-message",
    run: (client, message) => say(client, message, "notice"),
  },
  TAGMSG: {
    usage: "<target>{,<target>}",
    summary: "sends tags alone, such as that you are typing",
    paramsMin: 0,
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/message-tags",
    run: tagMessage,
  },
  BATCH: {
    usage: "+<reference> draft/multiline <target> | -<reference>",
    summary: "says something that has several lines",
    paramsMin: 1,
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/multiline",
    run: batch,
  },
  REDACT: {
    usage: "<target> <msgid> [<reason>]",
    summary: "takes a message back",
    paramsMin: 2,
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/message-redaction",
    run: redact,
  },
};

const CTCP = "\u0001";
const ACTION = `${CTCP}ACTION `;
const NO_TEXT = new Uint8Array(0);
/** More than can be asked for at a time. */
const REDACTING_MAX = 16;

function say(client: IrcClient, message: IrcMessage, speech: "say" | "notice"): void {
  const [targets, text = ""] = message.params;
  // "the server MUST NOT send a reply" to a NOTICE: not even that it was wrong.
  const answers = speech === "say";
  if (targets === undefined || targets === "") {
    if (answers) client.numeric(Numeric.ERR_NORECIPIENT, `:No recipient given (${message.command})`);
    return;
  }
  if (text === "") {
    if (answers) client.numeric(Numeric.ERR_NOTEXTTOSEND, ":No text to send");
    return;
  }
  const tags = client.has("message-tags") ? clientOnlyTags(message.tags) : "";
  for (const target of targetsOf(client, targets, answers)) sayTo(client, target, text, speech, tags);
}

function targetsOf(client: IrcClient, list: string, answers: boolean): readonly string[] {
  const targets = [...new Set(list.split(",").filter((target) => target !== ""))];
  if (targets.length > TARGETS_MAX && answers)
    client.numeric(
      Numeric.ERR_TOOMANYTARGETS,
      `${asMiddle(targets[TARGETS_MAX]!)} :Too many targets: ${TARGETS_MAX} at a time`,
    );
  return targets.slice(0, TARGETS_MAX);
}

const STATUS_TARGET = new RegExp(`^([${Object.values(RANK_PREFIXES).join("")}]+)#`);

function sayTo(
  client: IrcClient,
  target: string,
  text: string,
  speech: "say" | "notice",
  tags: string,
): void {
  // Passwords are told to services: what is for them goes nowhere else, wherever it is said.
  if (isServiceName(target)) {
    if (speech === "say") nickServ(client, text);
    return;
  }
  if (target.toLowerCase() === "*playback") return playback(client, text);
  const isAction = text.startsWith(ACTION);
  const kind = isAction && speech === "say" ? "act" : speech;
  const said = kind === "act" ? text.slice(ACTION.length, text.endsWith(CTCP) ? -1 : undefined) : text;
  wishSpeech(client, target, kind, tags, encodeUtf8(said));
}

/** Marks of ranks in front of a channel are for those alone who have the lowest of them, or a higher one. */
function wishSpeech(client: IrcClient, target: string, speech: Speech, tags: string, text: Uint8Array): void {
  const marks = STATUS_TARGET.exec(target)?.[1] ?? "";
  const rank = RANKS.findLast((each) => marks.includes(RANK_PREFIXES[each]));
  const to = target.slice(marks.length);
  // "automatic replies must never be sent in response to a NOTICE message. This rule also applies to servers".
  const context = speech === "notice" ? { isUnanswered: true as const } : undefined;
  client.wish({ kind: "speak", speech, to, atLeast: rank, tags, text }, context);
}

function tagMessage(client: IrcClient, message: IrcMessage): void {
  const [targets] = message.params;
  if (!client.has("message-tags"))
    return client.numeric(Numeric.ERR_UNKNOWNCOMMAND, "TAGMSG :Unknown command");
  if (targets === undefined || targets === "")
    return client.numeric(Numeric.ERR_NORECIPIENT, ":No recipient given (TAGMSG)");
  const tags = clientOnlyTags(message.tags);
  // Without any there is nothing to send.
  if (tags === "") return;
  for (const target of targetsOf(client, targets, true))
    if (!isServiceName(target)) wishSpeech(client, target, "tag", tags, NO_TEXT);
}

function batch(client: IrcClient, message: IrcMessage): void {
  if (!client.has("draft/multiline"))
    return client.numeric(Numeric.ERR_UNKNOWNCOMMAND, "BATCH :Unknown command");
  const result = client.multiline.batch(message);
  client.changed();
  if (result === undefined) return;
  if ("fault" in result) return client.standard("FAIL", "BATCH", result);
  const speech = result.command === "NOTICE" ? "notice" : "say";
  const tags = clientOnlyTags(result.tags);
  sayTo(client, result.target, result.text, speech, tags);
}

/** A line that is part of a batch. False where it is none. */
export function addToBatch(client: IrcClient, message: IrcMessage): boolean {
  if (!message.tags.has("batch") || !client.has("draft/multiline")) return false;
  if (message.command !== "PRIVMSG" && message.command !== "NOTICE") return false;
  const fault = client.multiline.add(message);
  client.changed();
  if (fault !== undefined) client.standard("FAIL", "BATCH", fault);
  return true;
}

function redact(client: IrcClient, { params }: IrcMessage): void {
  const [target = "", id = "", text = ""] = params;
  if (!client.has("draft/message-redaction"))
    return client.numeric(Numeric.ERR_UNKNOWNCOMMAND, "REDACT :Unknown command");
  const message = parseMessageId(id);
  const context = [target, id];
  if (message === undefined)
    return client.fail("REDACT", "UNKNOWN_MSGID", context, "There is no such message");
  if (!client.port.mayAsk())
    return client.fail("REDACT", "REDACT_FORBIDDEN", context, "Wait for what you have asked before");
  client.redacting.set(message, target);
  for (const oldest of client.redacting.keys()) {
    if (client.redacting.size <= REDACTING_MAX) break;
    client.redacting.delete(oldest);
  }
  client.wish(
    { kind: "redact", target, message, text: encodeUtf8(text), before: 0 },
    { names: [target, id] },
  );
}
