/* What concerns rooms, which IRC calls channels. */
import { encodeUtf8 } from "../../base/index.ts";
import {
  type ClientWish,
  type Room,
  type Session,
  hasRank,
  isStaff,
  roomCalled,
  sessionCalled,
} from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import type { IrcMessage } from "./message.ts";
import {
  FLAG_LETTERS,
  LIST_LETTERS,
  RANK_LETTERS,
  SETTING_LETTERS,
  type SetMode,
  USER_MODE_LETTERS,
  formatModes,
  parseChannelModes,
  parseUserModes,
  splitMute,
} from "./modes.ts";
import { Numeric } from "./numerics.ts";
import { userModesOf } from "./people.ts";
import { maskText } from "./render.ts";
import type { WishContext } from "./replies.ts";
import { sendTopic } from "./tell.ts";

/** On entering a room, a client that cannot ask for the past sees so many of the last messages. */
export const REPLAY_LINES = 20;
/** So many rooms, or people, in one line. */
const NAMES_MAX = 50;
const NO_TEXT = new Uint8Array(0);

export const CHANNEL_COMMANDS: IrcCommands = {
  JOIN: {
    usage: "<channel>{,<channel>} [<key>{,<key>}]",
    summary: "enters channels, new or old",
    paramsMin: 1,
    isPipelined: true,
    specification: "#join-message",
    run: join,
  },
  PART: {
    usage: "<channel>{,<channel>} [<reason>]",
    summary: "leaves channels",
    paramsMin: 1,
    isPipelined: true,
    specification: "#part-message",
    run: (client, { params }) => {
      const text = reason(params[1]);
      for (const room of namesIn(params[0]!)) wishIn(client, room, { kind: "part", room, text });
    },
  },
  TOPIC: {
    usage: "<channel> [<topic>]",
    summary: "tells what a channel is about, or says so",
    paramsMin: 1,
    specification: "#topic-message",
    run: topic,
  },
  KICK: {
    usage: "<channel>{,<channel>} <nick>{,<nick>} [<reason>]",
    summary: "takes somebody out of a channel",
    paramsMin: 2,
    isPipelined: true,
    specification: "#kick-message",
    run: (client, { params }) => {
      const rooms = params[0]!.split(",");
      const text = reason(params[2] ?? client.nick);
      // Many out of one, or each out of its own.
      for (const [index, target] of params[1]!.split(",").slice(0, NAMES_MAX).entries()) {
        const room = rooms.length > 1 ? rooms[index] : rooms[0];
        if (room !== undefined && target !== "")
          wishIn(client, room, { kind: "kick", room, target, text }, { names: [room] });
      }
    },
  },
  INVITE: {
    usage: "<nick> <channel>",
    summary: "asks somebody into a channel, and lets them in",
    paramsMin: 0,
    specification: "#invite-message",
    run: invite,
  },
  KNOCK: {
    usage: "<channel> [<text>]",
    summary: "asks to be invited to a channel",
    paramsMin: 1,
    isPipelined: true,
    specification: "https://defs.ircdocs.horse/defs/numerics",
    run: (client, { params }) =>
      wishIn(client, params[0]!, { kind: "knock", room: params[0]!, text: reason(params[1]) }),
  },
  RENAME: {
    usage: "<channel> <new name> [<reason>]",
    summary: "gives a channel another name; its past and its people stay",
    paramsMin: 2,
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/channel-rename",
    run: (client, { params }) => {
      const [room = "", to = ""] = params;
      wishIn(client, room, { kind: "renameRoom", room, to, text: reason(params[2]) }, { names: [room, to] });
    },
  },
  MODE: {
    usage: "<channel or nick> [<modes> {<parameter>}]",
    summary: "tells what a channel or you yourself are set to, or sets it",
    paramsMin: 1,
    specification: "#mode-message",
    run: mode,
  },
};

function namesIn(list: string): string[] {
  return list.split(",", NAMES_MAX).filter((name) => name !== "");
}

function reason(text: string | undefined): Uint8Array {
  // It is cut where it is too long: see src/chat/reasons.ts.
  return encodeUtf8(text ?? "");
}

/** What does not even look like a channel is none: an empty name would mean another thing to the state. */
function wishIn(client: IrcClient, room: string, wish: ClientWish, context?: WishContext): void {
  if (room.startsWith("#")) client.wish(wish, context);
  else client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${asMiddle(room)} :No such channel`);
}

function join(client: IrcClient, { params }: IrcMessage): void {
  const [names = "", keys = ""] = params;
  if (names === "0") {
    // RFC 2812, 3.2.1: leaves everything.
    for (const id of client.self.rooms.keys())
      client.wish({ kind: "part", room: client.port.nameOf(id), text: NO_TEXT });
    return;
  }
  const keyOf = keys.split(",");
  for (const [index, room] of namesIn(names).entries())
    wishIn(client, room, { kind: "join", room, replay: replayLines(client), key: keyOf[index] ?? "" });
}

function replayLines(client: IrcClient): number {
  return client.asksForPast ? 0 : REPLAY_LINES;
}

/** The room, where somebody may know of it; otherwise it is told that there is none. */
function known(client: IrcClient, name: string): Room | undefined {
  const room = client.room(name);
  if (room === undefined) client.numeric(Numeric.ERR_NOSUCHCHANNEL, `${asMiddle(name)} :No such channel`);
  return room;
}

function topic(client: IrcClient, { params }: IrcMessage): void {
  const [name = "", text] = params;
  if (text !== undefined) return wishIn(client, name, { kind: "topic", room: name, text: encodeUtf8(text) });
  const room = known(client, name);
  if (room === undefined) return;
  if (room.topic === undefined) client.numeric(Numeric.RPL_NOTOPIC, `${room.name} :No topic is set`);
  else sendTopic(client, room);
}

function invite(client: IrcClient, { params }: IrcMessage): void {
  const [target, room = ""] = params;
  if (target === undefined) return invitations(client);
  if (room === "") return client.numeric(Numeric.ERR_NEEDMOREPARAMS, "INVITE :Not enough parameters");
  const found = roomCalled(client.port.state, room);
  const invited = sessionCalled(client.port.state, target);
  // With both names, as the number wants it.
  if (found !== undefined && invited?.rooms.has(found.id) === true && client.self.rooms.has(found.id))
    return client.numeric(Numeric.ERR_USERONCHANNEL, `${invited.nick} ${found.name} :is already on channel`);
  wishIn(client, room, { kind: "invite", room, target }, { names: [room] });
}

/** To where somebody has been invited. */
function invitations(client: IrcClient): void {
  const { person } = client.self;
  for (const room of client.port.state.rooms.values())
    if (room.invited.has(person)) client.numeric(Numeric.RPL_INVITELIST, room.name);
  client.numeric(Numeric.RPL_ENDOFINVITELIST, ":End of /INVITE list");
}

function mode(client: IrcClient, { params }: IrcMessage): void {
  const [target = "", ...changes] = params;
  if (!target.startsWith("#")) return userMode(client, target, changes);
  const room = known(client, target);
  if (room === undefined) return;
  if (changes.length === 0) return tellModes(client, room);
  for (const change of parseChannelModes(changes)) {
    if ("unknown" in change)
      client.numeric(Numeric.ERR_UNKNOWNMODE, `${change.letter} :is unknown mode char to me`);
    else if ("missingParam" in change)
      client.numeric(
        Numeric.ERR_INVALIDMODEPARAM,
        `${room.name} ${change.letter} * :You must specify a parameter for this mode`,
      );
    else if ("invalidParam" in change)
      client.numeric(
        Numeric.ERR_INVALIDMODEPARAM,
        `${room.name} ${change.letter} ${asMiddle(change.invalidParam)} :Invalid parameter`,
      );
    else changeMode(client, room, change);
  }
}

function changeMode(client: IrcClient, room: Room, change: SetMode): void {
  const { letter, on, param = "" } = change;
  const { name } = room;
  const list = keyOf(LIST_LETTERS, letter);
  if (list !== undefined) {
    if (change.param === undefined) return tellList(client, room, list);
    const { kind, mask } = list === "ban" ? splitMute(param) : { kind: list, mask: param };
    return client.wish({ kind: "mask", room: name, list: kind, mask, on }, { names: [name, letter, param] });
  }
  const setting = keyOf(SETTING_LETTERS, letter);
  if (setting !== undefined)
    return client.wish(
      { kind: "set", room: name, setting, value: on ? param : "" },
      { names: [name, letter, param] },
    );
  const mode = keyOf(FLAG_LETTERS, letter) ?? keyOf(RANK_LETTERS, letter)!;
  client.wish({ kind: "mode", room: name, mode, on, target: param }, { names: [name, letter, param] });
}

function keyOf<Key extends string>(letters: Readonly<Record<Key, string>>, letter: string): Key | undefined {
  return (Object.keys(letters) as Key[]).find((key) => letters[key] === letter);
}

function tellModes(client: IrcClient, room: Room): void {
  const isMember = client.self.rooms.has(room.id);
  const modes: SetMode[] = [];
  for (const [flag, letter] of Object.entries(FLAG_LETTERS))
    if (room[flag as keyof typeof FLAG_LETTERS]) modes.push({ letter, on: true, param: undefined });
  for (const [setting, letter] of Object.entries(SETTING_LETTERS)) {
    const value = room[setting as keyof typeof SETTING_LETTERS];
    if (value === "" || value === 0) continue;
    // That there is a key is no secret; but the key is.
    const param = setting === "key" && !isMember ? "*" : String(value);
    modes.push({ letter, on: true, param });
  }
  client.numeric(Numeric.RPL_CHANNELMODEIS, `${room.name} ${formatModes(modes)[0] ?? "+"}`);
  // The lobby has always been there.
  if (room.madeMs > 0)
    client.numeric(Numeric.RPL_CREATIONTIME, `${room.name} ${Math.floor(room.madeMs / 1000)}`);
}

const LIST_NUMERICS = {
  ban: [Numeric.RPL_BANLIST, Numeric.RPL_ENDOFBANLIST, "End of channel ban list"],
  exception: [Numeric.RPL_EXCEPTLIST, Numeric.RPL_ENDOFEXCEPTLIST, "End of channel exception list"],
  invitation: [Numeric.RPL_INVEXLIST, Numeric.RPL_ENDOFINVEXLIST, "End of channel invite exception list"],
} as const;

function tellList(client: IrcClient, room: Room, list: keyof typeof LIST_NUMERICS): void {
  const [code, end, text] = LIST_NUMERICS[list];
  if (list !== "ban" && !runs(client.self, room))
    return client.numeric(Numeric.ERR_CHANOPRIVSNEEDED, `${room.name} :You're not a channel operator`);
  for (const restriction of room.restrictions) {
    const { kind, by, timeMs } = restriction;
    if ((kind === "mute" ? "ban" : kind) !== list) continue;
    client.numeric(code, `${room.name} ${maskText(restriction)} ${by} ${Math.floor(timeMs / 1000)}`);
  }
  client.numeric(end, `${room.name} :${text}`);
}

function runs(session: Session, room: Room): boolean {
  return isStaff(session) || hasRank(session, room.id, "halfOperator");
}

function userMode(client: IrcClient, target: string, changes: readonly string[]): void {
  const session = sessionCalled(client.port.state, target);
  if (session === undefined)
    return client.numeric(Numeric.ERR_NOSUCHNICK, `${asMiddle(target)} :No such nick`);
  if (session.id !== client.self.id)
    return client.numeric(Numeric.ERR_USERSDONTMATCH, ":Cant change mode for other users");
  if (changes.length === 0) return client.numeric(Numeric.RPL_UMODEIS, userModesOf(session));
  for (const change of parseUserModes(changes)) {
    if ("unknown" in change) {
      client.numeric(Numeric.ERR_UMODEUNKNOWNFLAG, ":Unknown MODE flag");
      continue;
    }
    // They follow from something else, and no harm is done in asking.
    if ("fixed" in change) continue;
    const flag = keyOf(USER_MODE_LETTERS, change.letter)!;
    client.wish({ kind: "flag", flag, on: change.on });
  }
}
