/* What clients ask of the server itself: how many are here, what it is, and what it can do. */
import { isStaff, matchesMask, membersOf } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import { type IrcCommand, type IrcCommands, specificationOf } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { foldWords } from "./foldWords.ts";
import { asciiUpperCase } from "./message.ts";
import { Numeric } from "./numerics.ts";
import { everybody, sessionWithNick } from "./people.ts";
import { hostOf, userOf } from "./server.ts";
import { isElsewhere } from "./serverTarget.ts";
import { formatTime } from "./time.ts";

/** RFC 2812, 4.8. */
const USERHOST_NICKS_MAX = 5;
/** Commands that are named in one line of HELP. */
const HELP_UNITS_MAX = 60;

/** How many are here: part of the welcome, too. */
export function sendLusers(client: IrcClient): void {
  const { state } = client.port;
  const people = [...everybody(state)];
  const invisible = people.filter((session) => session.invisible).length;
  const operators = people.filter(isStaff).length;
  const sessions = [...state.sessions.values()].filter(({ process }) => process !== 0);
  const unknown = sessions.filter(({ id, principal, nick }) => principal === id && nick === "").length;
  let channels = 0;
  for (const room of state.rooms.keys()) if (membersOf(state, room).size > 0) channels += 1;
  const visible = people.length - invisible;
  client.numeric(
    Numeric.RPL_LUSERCLIENT,
    `:There are ${visible} users and ${invisible} invisible on 1 servers`,
  );
  client.numeric(Numeric.RPL_LUSEROP, `${operators} :operator(s) online`);
  client.numeric(Numeric.RPL_LUSERUNKNOWN, `${unknown} :unknown connection(s)`);
  client.numeric(Numeric.RPL_LUSERCHANNELS, `${channels} :channels formed`);
  client.numeric(Numeric.RPL_LUSERME, `:I have ${sessions.length - unknown} clients and 0 servers`);
  // How many there were at most is not remembered; both numbers may be left out.
  client.numeric(Numeric.RPL_LOCALUSERS, `:Current local users ${people.length}`);
  client.numeric(Numeric.RPL_GLOBALUSERS, `:Current global users ${people.length}`);
}

/** What the server has to say to everybody: part of the welcome, too. */
export function sendMotd(client: IrcClient): void {
  const { motd, name } = client.server;
  if (motd.trim() === "") {
    client.numeric(Numeric.ERR_NOMOTD, ":MOTD File is missing");
    return;
  }
  client.numeric(Numeric.RPL_MOTDSTART, `:- ${name} Message of the day - `);
  for (const line of motd.replace(/\s+$/, "").split(/\r\n|\r|\n/))
    client.numeric(Numeric.RPL_MOTD, `:- ${line}`);
  client.numeric(Numeric.RPL_ENDOFMOTD, ":End of /MOTD command.");
}

/** What it can do, for programs: part of the welcome, too. */
export function sendIsupport(client: IrcClient): void {
  const lines = client.server.isupport(client.port.state);
  const tell = (tokens: string, tag = ""): void =>
    client.fromServer(`${Numeric.RPL_ISUPPORT} ${client.nick} ${tokens} :are supported by this server`, tag);
  if (!client.has("batch") || !client.has("draft/extended-isupport"))
    return lines.forEach((line) => tell(line));
  const name = client.replies.batchName();
  client.fromServer(`BATCH +${name} draft/isupport`);
  for (const line of lines) tell(line, `@batch=${name} `);
  client.fromServer(`BATCH -${name}`);
}

/** A question that may name a server. */
function question(
  usage: string,
  summary: string,
  page: string,
  answer: (client: IrcClient, params: readonly string[]) => void,
  serverAt = 0,
): IrcCommand {
  return {
    usage,
    summary,
    paramsMin: 0,
    specification: page,
    run(client, { params }) {
      if (!isElsewhere(client, params[serverAt])) answer(client, params);
    },
  };
}

export const SERVER_COMMANDS: IrcCommands = {
  ISUPPORT: {
    usage: "",
    summary: "tells what the server can do, for programs",
    paramsMin: 0,
    when: "any",
    specification: "https://ircv3.net/specs/extensions/extended-isupport",
    run(client) {
      if (client.isWelcome || client.has("draft/extended-isupport")) sendIsupport(client);
      else client.numeric(Numeric.ERR_NOTREGISTERED, ":You have not registered");
    },
  },
  LUSERS: question("[<mask> [<server>]]", "tells how many are here", "#lusers-message", sendLusers, 1),
  MOTD: question("[<server>]", "shows what the server has to say to everybody", "#motd-message", sendMotd),
  VERSION: question(
    "[<server>]",
    "tells what the server is, and what it can do",
    "#version-message",
    (client) => {
      const { name, options } = client.server;
      client.numeric(
        Numeric.RPL_VERSION,
        `chorus-${options.version} ${name} :https://modern.ircdocs.horse and https://ircv3.net`,
      );
      sendIsupport(client);
    },
  ),
  TIME: question("[<server>]", "tells the server's time", "#time-message", (client) => {
    const nowMs = client.port.now();
    const text = formatTime(nowMs)
      .replace("T", " ")
      .replace(/\.\d+Z$/, " UTC");
    client.numeric(Numeric.RPL_TIME, `${client.server.name} ${Math.floor(nowMs / 1000)} 0 :${text}`);
  }),
  ADMIN: question("[<server>]", "tells who runs the server", "#admin-message", (client) => {
    const { name, options } = client.server;
    if (options.admin === "") {
      client.numeric(Numeric.ERR_NOADMININFO, `${name} :No administrative info available`);
      return;
    }
    client.numeric(Numeric.RPL_ADMINME, `${name} :Administrative info`);
    client.numeric(Numeric.RPL_ADMINLOC1, `:${options.networkName}`);
    client.numeric(Numeric.RPL_ADMINLOC2, `:${name}`);
    client.numeric(Numeric.RPL_ADMINEMAIL, `:${options.admin}`);
  }),
  INFO: question("[<server>]", "tells about the program", "#info-message", (client) => {
    const { version, startedMs } = client.server.options;
    const lines = [
      `Chorus ${version}`,
      "A group-chat server: every client has a process of its own, over one log in shared memory.",
      `Running since ${formatTime(startedMs)}`,
    ];
    for (const line of lines) client.numeric(Numeric.RPL_INFO, `:${line}`);
    client.numeric(Numeric.RPL_ENDOFINFO, ":End of INFO list");
  }),
  STATS: {
    usage: "<letter> [<server>]",
    summary: "tells how long the server has been running (u), or who its operators are (o, for operators)",
    paramsMin: 1,
    specification: "#stats-message",
    run(client, { params }) {
      if (isElsewhere(client, params[1])) return;
      const letter = asMiddle(params[0]!, 1);
      if (letter === "u") sendUptime(client);
      if (letter === "o") sendOperators(client);
      client.numeric(Numeric.RPL_ENDOFSTATS, `${letter} :End of /STATS report`);
    },
  },
  LINKS: {
    usage: "[[<server>] <mask>]",
    summary: "lists the servers: this one",
    paramsMin: 0,
    specification: "#links-message",
    run(client, { params }) {
      const { name, options } = client.server;
      if (params[1] !== undefined && isElsewhere(client, params[0])) return;
      const mask = params[1] ?? params[0] ?? "*";
      if (matchesMask(mask, name)) client.numeric(Numeric.RPL_LINKS, `* ${name} :0 ${options.networkName}`);
      client.numeric(Numeric.RPL_ENDOFLINKS, `${asMiddle(mask)} :End of /LINKS list`);
    },
  },
  USERHOST: {
    usage: "<nick>{ <nick>}",
    summary: "tells from where people are here, and whether they are away",
    paramsMin: 1,
    specification: "#userhost-message",
    run(client, { params }) {
      const replies = params.slice(0, USERHOST_NICKS_MAX).flatMap((nick) => {
        const session = sessionWithNick(client.port.state, nick);
        if (session === undefined) return [];
        const operator = isStaff(session) ? "*" : "";
        const away = session.away === "" ? "+" : "-";
        return [`${session.nick}${operator}=${away}${userOf(session)}@${hostOf(session)}`];
      });
      client.numeric(Numeric.RPL_USERHOST, `:${replies.join(" ")}`);
    },
  },
  ISON: {
    usage: "<nick>{ <nick>}",
    summary: "tells who of these is here",
    paramsMin: 1,
    specification: "https://www.rfc-editor.org/rfc/rfc2812#section-4.9",
    run(client, { params }) {
      const nicks = params.flatMap((param) => param.split(" "));
      const here = nicks.flatMap((nick) => sessionWithNick(client.port.state, nick)?.nick ?? []);
      client.numeric(Numeric.RPL_ISON, `:${[...new Set(here)].join(" ")}`);
    },
  },
};

function sendUptime(client: IrcClient): void {
  const seconds = Math.max(0, Math.floor((client.port.now() - client.server.options.startedMs) / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  const clock = [two(Math.floor(seconds / 3600) % 24), two(Math.floor(seconds / 60) % 60), two(seconds % 60)];
  client.numeric(
    Numeric.RPL_STATSUPTIME,
    `:Server Up ${Math.floor(seconds / 86_400)} days ${clock.join(":")}`,
  );
}

/** Their accounts, whether they are here or not. */
function sendOperators(client: IrcClient): void {
  if (!isStaff(client.self)) {
    client.numeric(Numeric.ERR_NOPRIVILEGES, ":Permission Denied- You're not an IRC operator");
    return;
  }
  for (const { name, role } of client.port.state.accounts.values())
    if (role !== "user") client.numeric(Numeric.RPL_STATSOLINE, `O * * ${name} :${role}`);
}

/** @param commands all there are, itself among them */
export function helpCommand(commands: () => IrcCommands): IrcCommand {
  return {
    usage: "[<command>]",
    summary: "lists the commands, or tells what one of them does",
    paramsMin: 0,
    specification: "#help-message",
    run(client, { params }) {
      const subject = asciiUpperCase(params[0] ?? "");
      const table = commands();
      const command = Object.hasOwn(table, subject) ? table[subject] : undefined;
      if (command !== undefined) sendHelp(client, subject, helpOn(subject, command));
      else if (subject === "") sendHelp(client, "*", overview(table));
      else client.numeric(Numeric.ERR_HELPNOTFOUND, `${asMiddle(params[0]!)} :I know nothing about this`);
    },
  };
}

/** A title, then an empty line, as clients are used to; and the last line says that it is the last. */
function sendHelp(client: IrcClient, subject: string, [title, ...lines]: readonly string[]): void {
  const last = lines.pop() ?? "";
  client.numeric(Numeric.RPL_HELPSTART, `${subject} :${title}`);
  for (const line of ["", ...lines]) client.numeric(Numeric.RPL_HELPTXT, `${subject} :${line}`);
  client.numeric(Numeric.RPL_ENDOFHELP, `${subject} :${last}`);
}

function overview(commands: IrcCommands): string[] {
  const names = Object.keys(commands).toSorted();
  return [
    "The commands of this server",
    ...foldWords(names, HELP_UNITS_MAX, Infinity),
    "HELP <command> tells more.",
  ];
}

function helpOn(name: string, command: IrcCommand): string[] {
  const { usage, summary } = command;
  const page = specificationOf(command) ?? "the documentation of this server";
  return [`${name} ${usage}`.trim(), `${summary[0]!.toUpperCase()}${summary.slice(1)}.`, `See ${page}`];
}
