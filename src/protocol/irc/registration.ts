/* How a client comes in: what it can do, who it is, and the welcome. */
import {
  NICK_CHARACTERS_MAX,
  type RefusalReason,
  cleanDisplayName,
  deriveNick,
  isNick,
  isServiceName,
} from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { endExchange } from "./login.ts";
import type { IrcMessage } from "./message.ts";
import {
  FIXED_USER_MODES,
  FLAG_LETTERS,
  LIST_LETTERS,
  RANK_LETTERS,
  SETTING_LETTERS,
  USER_MODE_LETTERS,
} from "./modes.ts";
import { Numeric } from "./numerics.ts";
import { setAway } from "./away.ts";
import { userModesOf } from "./people.ts";
import { sendIsupport, sendLusers, sendMotd } from "./serverQueries.ts";
import { formatTime } from "./time.ts";

export const REGISTRATION_COMMANDS: IrcCommands = {
  CAP: {
    usage: "LS [302] | LIST | REQ :<capability>{ <capability>} | END",
    summary: "tells what the server can do beside the usual, and asks for it",
    paramsMin: 1,
    when: "any",
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/capability-negotiation",
    run: cap,
  },
  PASS: {
    usage: "<password>",
    summary: "is not needed: who has an account logs in with SASL",
    paramsMin: 1,
    when: "before",
    specification: "#pass-message",
    // Some clients send one wherever they are told to: it opens nothing here.
    run: () => undefined,
  },
  NICK: {
    usage: "<nick>",
    summary: "says what you want to be called",
    paramsMin: 0,
    when: "any",
    specification: "#nick-message",
    run: nick,
  },
  USER: {
    usage: "<user> 0 * :<real name>",
    summary: "says who you are, on the way in",
    paramsMin: 4,
    when: "before",
    specification: "#user-message",
    run: user,
  },
};

function cap(client: IrcClient, { params }: IrcMessage): void {
  const { caps, server, port } = client;
  const answer = caps.answer(params, server.offer(port.state));
  client.changed();
  if (answer.unknown !== undefined)
    return client.numeric(Numeric.ERR_INVALIDCAPCMD, `${asMiddle(answer.unknown)} :Invalid CAP command`);
  for (const line of answer.lines) client.fromServer(`CAP ${client.nick} ${line}`);
  register(client);
}

function nick(client: IrcClient, { params }: IrcMessage): void {
  const wanted = params[0] ?? "";
  if (wanted === "") return client.numeric(Numeric.ERR_NONICKNAMEGIVEN, ":No nickname given");
  const displayName = isNick(wanted) ? wanted : cleanDisplayName(wanted);
  const isAscii = /^[\0-\x7f]*$/.test(wanted);
  // A name in another script is what is shown, and a nick is made of it.
  if (displayName === undefined || (isAscii && !isNick(wanted)) || isServiceName(wanted))
    return client.numeric(
      Numeric.ERR_ERRONEUSNICKNAME,
      `${asMiddle(wanted)} :Erroneous nickname: up to ${NICK_CHARACTERS_MAX} letters, digits and []\\\`_^{|}-`,
    );
  if (client.isWelcome) {
    const derived = !isNick(displayName);
    const nick = derived ? deriveNick(displayName) : displayName;
    return client.wish({ kind: "nick", nick, displayName, derived });
  }
  client.registration.nick = displayName;
  client.changed();
  register(client);
}

function user(client: IrcClient, { params }: IrcMessage): void {
  const [name = "", , , realName = ""] = params;
  const { registration } = client;
  registration.user = name.replace(/[^A-Za-z0-9._-]/g, "").replace(/^[^A-Za-z0-9]+/, "") || "user";
  registration.realName = realName.trim();
  client.changed();
  register(client);
}

/** Once it has said who it is, and what it can do, and is not in the middle of proving it. */
export function register(client: IrcClient): void {
  const { registration, caps, proof } = client;
  const isReady = registration.nick !== "" && registration.user !== "" && !caps.isOpen;
  if (!isReady || client.isWelcome || registration.isSent || proof !== undefined) return;
  endExchange(client);
  registration.isSent = true;
  client.changed();
  const { nick: name, user, realName } = registration;
  const derived = !isNick(name);
  const shown = derived ? name : (cleanDisplayName(realName) ?? name);
  client.wish({
    kind: "register",
    nick: derived ? deriveNick(name) : name,
    derived,
    // A real name in another script is a name to be shown; one of ASCII is none.
    displayName: /^[\0-\x7f]*$/.test(shown) ? name : shown,
    user,
    realName,
  });
}

export function nickRefused(client: IrcClient, reason: RefusalReason, name: string): void {
  const { registration } = client;
  if (!client.isWelcome) {
    registration.isSent = false;
    registration.nick = "";
    client.changed();
  }
  const word = asMiddle(name);
  if (reason === "nameMalformed")
    return client.numeric(Numeric.ERR_ERRONEUSNICKNAME, `${word} :Erroneous nickname`);
  const why =
    reason === "nameReserved"
      ? "Nickname is reserved for its account: log in to use it"
      : "Nickname is already in use";
  client.numeric(Numeric.ERR_NICKNAMEINUSE, `${word} :${why}`);
}

/** It has arrived: the lines by which clients know. */
export function welcome(client: IrcClient): void {
  const { server, registration } = client;
  const { options } = server;
  const session = client.self;
  client.isWelcome = true;
  registration.nick = session.nick;
  client.changed();
  client.numeric(Numeric.RPL_WELCOME, `:Welcome to ${options.networkName}, ${server.sourceOf(session)}`);
  client.numeric(
    Numeric.RPL_YOURHOST,
    `:Your host is ${server.name}, running version chorus-${options.version}`,
  );
  client.numeric(Numeric.RPL_CREATED, `:This server was started ${formatTime(options.startedMs)}`);
  client.numeric(
    Numeric.RPL_MYINFO,
    `${server.name} chorus-${options.version} ${userModes()} ${channelModes()} ${channelModesWithParameter()}`,
  );
  sendIsupport(client);
  sendLusers(client);
  const modes = userModesOf(session);
  if (modes !== "+") client.numeric(Numeric.RPL_UMODEIS, modes);
  sendMotd(client);
  if (session.displayName !== session.nick && isForeign(session.displayName))
    client.notice(`People see you as ${session.displayName}`);
  if (registration.away !== undefined) {
    setAway(client, registration.away);
    registration.away = undefined;
  }
}

function isForeign(text: string): boolean {
  return /[^\0-\x7f]/.test(text);
}

function userModes(): string {
  return [...Object.values(USER_MODE_LETTERS), ...FIXED_USER_MODES].toSorted().join("");
}

function channelModes(): string {
  return [...Object.values(FLAG_LETTERS), ...channelModesWithParameter()].toSorted().join("");
}

function channelModesWithParameter(): string {
  const letters = [
    ...Object.values(LIST_LETTERS),
    ...Object.values(SETTING_LETTERS),
    ...Object.values(RANK_LETTERS),
  ];
  return letters.toSorted().join("");
}
