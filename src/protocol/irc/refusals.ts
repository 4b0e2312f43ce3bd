/* Wishes that were not granted, in the numbers that clients know for what was wished. */
import type { EffectOf, RefusalReason } from "../../chat/index.ts";
import { roomCalled } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import { asMiddle } from "./fault.ts";
import { Numeric } from "./numerics.ts";
import { nickRefused } from "./registration.ts";

/** @param wished the kind of the wish */
export function refused(client: IrcClient, { reason, about }: EffectOf<"refused">, wished: string): void {
  if (wished === "register" || (wished === "nick" && isOfName(reason)))
    return nickRefused(client, reason, about);
  const name = asMiddle(about);
  const { names = [], isUnanswered = false } = client.replies.context;
  const [room, ...rest] = names;
  const say = (code: string, rest: string): void => client.numeric(code, rest);
  switch (wished) {
    case "say":
    case "act":
    case "speak":
    case "whisper":
      if (isUnanswered) return;
      return notSent(client, reason, name);
    case "join":
      return notEntered(client, reason, name);
    case "redact":
    case "page":
    case "targets":
    case "search":
    case "recall":
      return historyRefused(client, wished, reason, room === undefined ? [name] : [room, ...rest]);
    case "mark":
      if (reason === "needsAccount")
        return client.fail("MARKREAD", "ACCOUNT_REQUIRED", [name], "Only who is logged in has read markers");
      return client.fail("MARKREAD", "INVALID_PARAMS", [name], "There is no such target");
    case "renameRoom":
      return renameRefused(client, reason, name, room === undefined ? [name] : [room, ...rest]);
    case "knock":
      return knockRefused(client, reason, name);
  }
  switch (reason) {
    case "noSuchName":
      return say(Numeric.ERR_NOSUCHNICK, `${name} :No such nick`);
    case "noSuchRoom":
    case "noRoom":
      return say(Numeric.ERR_NOSUCHCHANNEL, `${name} :No such channel`);
    case "notInRoom":
      return notInRoom(client, name);
    case "targetNotInRoom":
      return say(Numeric.ERR_USERNOTINCHANNEL, `${name} ${room ?? "*"} :They aren't on that channel`);
    case "alreadyInRoom":
      return say(Numeric.ERR_USERONCHANNEL, `${name} ${room ?? "*"} :is already on channel`);
    case "notOperator":
      return say(Numeric.ERR_CHANOPRIVSNEEDED, `${name} :You're not a channel operator`);
    case "outranked":
      return say(Numeric.ERR_CHANOPRIVSNEEDED, `${room ?? "*"} :${about} has a higher rank than you`);
    case "lastOperator":
      return say(
        Numeric.ERR_CHANOPRIVSNEEDED,
        `${name} :Somebody has to run the channel: make another operator first`,
      );
    case "tooManyRestrictions":
      return say(Numeric.ERR_BANLISTFULL, `${name} ${rest[0] ?? "b"} :Channel list is full`);
    case "notPrivileged":
      return say(Numeric.ERR_NOPRIVILEGES, ":Permission Denied- You're not an IRC operator");
    case "badValue":
      if (wished === "police") return client.notice(`That cannot be set: ${about}`);
      return say(
        Numeric.ERR_INVALIDMODEPARAM,
        `${room ?? "*"} ${rest[0] ?? "*"} ${rest[1] ?? name} :That cannot be set`,
      );
    case "tooLong":
      return say(Numeric.ERR_INPUTTOOLONG, `:That is too long: at most ${about}`);
    // What is so already needs no answer.
    case "alreadySo":
    case "notBanned":
    case "notMuted":
      return;
    default:
      return say(Numeric.ERR_UNKNOWNERROR, `${wished} ${name} :${reason}`);
  }
}

function isOfName(reason: RefusalReason): boolean {
  return reason === "nameTaken" || reason === "nameReserved" || reason === "nameMalformed";
}

/** Who is not in a room may not know whether there is one. */
function notInRoom(client: IrcClient, name: string): void {
  const room = roomCalled(client.port.state, name);
  if (room === undefined || room.secret)
    client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${name} :No such channel`);
  else client.numeric(Numeric.ERR_NOTONCHANNEL, `${name} :You're not on that channel`);
}

/** To whomever it is said. */
const NOT_SENT_TO_USER: Partial<Record<RefusalReason, string>> = {
  filtered: "That was not sent: a word or a link in it is not allowed here",
  silenced: "You may not speak on this server",
  shielded: "For the moment, who has no account can only read",
};

const NOT_SENT: Partial<Record<RefusalReason, string>> = {
  notInRoom: "Cannot send to channel (+n): you are not in it",
  muted: "Cannot send to channel (+b): you are muted",
  banned: "Cannot send to channel (+b): you are banned",
  moderated: "Cannot send to channel (+m): only those with a voice may speak",
  needsAccount: "Cannot send to channel (+M): only who has an account may speak",
  noCtcp: "Cannot send to channel (+C): it wants no CTCP",
  tooSoon: "Cannot send to channel (+S): wait a little before you speak again",
  ...NOT_SENT_TO_USER,
};

function notSent(client: IrcClient, reason: RefusalReason, name: string): void {
  if (reason === "noSuchName") return client.numeric(Numeric.ERR_NOSUCHNICK, `${name} :No such nick`);
  if (reason === "noSuchRoom" || reason === "noRoom")
    return client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${name} :No such channel`);
  if (!name.startsWith("#"))
    return client.numeric(
      Numeric.ERR_CANNOTSENDTOUSER,
      `${name} :${NOT_SENT_TO_USER[reason] ?? "Cannot send to user"}`,
    );
  client.numeric(Numeric.ERR_CANNOTSENDTOCHAN, `${name} :${NOT_SENT[reason] ?? "Cannot send to channel"}`);
}

function notEntered(client: IrcClient, reason: RefusalReason, name: string): void {
  switch (reason) {
    case "banned":
      return client.numeric(Numeric.ERR_BANNEDFROMCHAN, `${name} :Cannot join channel (+b)`);
    case "inviteOnly":
      return client.numeric(Numeric.ERR_INVITEONLYCHAN, `${name} :Cannot join channel (+i)`);
    case "wrongKey":
      return client.numeric(Numeric.ERR_BADCHANNELKEY, `${name} :Cannot join channel (+k)`);
    case "roomFull":
      return client.numeric(Numeric.ERR_CHANNELISFULL, `${name} :Cannot join channel (+l)`);
    case "needsAccount":
      return client.numeric(
        Numeric.ERR_NEEDREGGEDNICK,
        `${name} :Cannot join channel (+R): you need an account`,
      );
    case "shielded":
      return client.numeric(
        Numeric.ERR_NEEDREGGEDNICK,
        `${name} :Cannot join channel: for the moment you need an account`,
      );
    case "tooManyRooms":
      return client.numeric(Numeric.ERR_TOOMANYCHANNELS, `${name} :You have joined too many channels`);
    case "roomNameTaken":
      return client.numeric(Numeric.ERR_BADCHANMASK, `${name} :It looks like the name of another channel`);
    default:
      return client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${name} :No such channel`);
  }
}

const HISTORY_COMMANDS: Readonly<Record<string, string>> = {
  redact: "REDACT",
  page: "CHATHISTORY",
  targets: "CHATHISTORY",
  recall: "CHATHISTORY",
  search: "SEARCH",
};

function historyRefused(
  client: IrcClient,
  wished: string,
  reason: RefusalReason,
  context: readonly string[],
): void {
  const command = HISTORY_COMMANDS[wished]!;
  if (reason === "noHistory")
    return client.fail(
      command,
      "MESSAGE_ERROR",
      wished === "search" ? [] : context,
      "This server keeps no history",
    );
  if (command !== "REDACT") return client.fail(command, "INVALID_TARGET", context, "There is no such target");
  if (reason === "notInRoom")
    return client.fail(command, "REDACT_FORBIDDEN", context, "You are not on that channel");
  client.fail(command, "INVALID_TARGET", context.slice(0, 1), "There is no such target");
}

function renameRefused(
  client: IrcClient,
  reason: RefusalReason,
  name: string,
  context: readonly string[],
): void {
  if (reason === "roomNameTaken")
    return client.fail(
      "RENAME",
      "CHANNEL_NAME_IN_USE",
      context,
      "Another channel has that name, or one like it",
    );
  if (reason === "alreadySo")
    return client.fail("RENAME", "CANNOT_RENAME", context, "Channels have one spelling, and that is it");
  if (reason === "notOperator")
    return client.numeric(Numeric.ERR_CHANOPRIVSNEEDED, `${name} :You're not a channel operator`);
  if (reason === "notInRoom" || reason === "noRoom") return notInRoom(client, name);
  client.fail("RENAME", "CANNOT_RENAME", context, "That cannot be the name of a channel");
}

function knockRefused(client: IrcClient, reason: RefusalReason, name: string): void {
  switch (reason) {
    case "roomOpen":
      return client.numeric(Numeric.ERR_CHANOPEN, `${name} :Channel is open`);
    case "alreadyInRoom":
      return client.numeric(Numeric.ERR_KNOCKONCHAN, `${name} :You're already on that channel`);
    case "banned":
      return client.numeric(Numeric.ERR_CANNOTSENDTOCHAN, `${name} :You are banned`);
    default:
      return client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${name} :No such channel`);
  }
}
