/* What one says of oneself, and what those may do who look after the whole server. */
import { encodeUtf8 } from "../../base/index.ts";
import { cleanDisplayName } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import type { IrcMessage } from "./message.ts";
import { Numeric } from "./numerics.ts";

export const PERSON_COMMANDS: IrcCommands = {
  SETNAME: {
    usage: ":<real name>",
    summary: "changes your real name; one in another script is what people see",
    paramsMin: 1,
    isPipelined: true,
    specification: "https://ircv3.net/specs/extensions/setname",
    run: setName,
  },
  QUIT: {
    usage: "[<reason>]",
    summary: "leaves",
    paramsMin: 0,
    when: "any",
    isPipelined: true,
    isFree: true,
    specification: "#quit-message",
    run: (client, { params }) => void client.port.leave("quit", encodeUtf8(params[0] ?? "")),
  },
  PING: {
    usage: "<token>",
    summary: "is answered with the token",
    paramsMin: 0,
    when: "any",
    isFree: true,
    specification: "#ping-message",
    run: ping,
  },
  PONG: {
    usage: "<token>",
    summary: "answers a PING",
    paramsMin: 0,
    when: "any",
    isPipelined: true,
    isFree: true,
    specification: "#pong-message",
    run: () => undefined,
  },
};

export const OPERATOR_COMMANDS: IrcCommands = {
  KILL: {
    usage: "<nick> <reason>",
    summary: "throws somebody out of the server (operators)",
    paramsMin: 1,
    isPipelined: true,
    specification: "#kill-message",
    run: (client, { params }) =>
      client.wish({ kind: "kill", target: params[0]!, text: encodeUtf8(params[1] ?? "") }),
  },
  WALLOPS: {
    usage: ":<text>",
    summary: "tells something to all who want to hear it (operators)",
    paramsMin: 1,
    isPipelined: true,
    specification: "#wallops-message",
    run: (client, { params }) => client.wish({ kind: "announce", text: encodeUtf8(params[0]!) }),
  },
  REHASH: {
    usage: "",
    summary: "has the server read its files anew (operators)",
    paramsMin: 0,
    specification: "#rehash-message",
    run: rehash,
  },
  FILTER: {
    usage: "ADD <word> | DEL <word> | LIST",
    summary: "says which words nobody may say (moderators)",
    paramsMin: 1,
    specification: "",
    run: filter,
  },
  LINKFILTER: {
    usage: "everybody | accounts | nobody",
    summary: "says who may send links (moderators)",
    paramsMin: 1,
    specification: "",
    run: (client, { params }) => {
      const value = params[0]!.toLowerCase();
      client.wish({ kind: "police", what: "links", on: value !== "everybody", value });
    },
  },
  SILENCE: {
    usage: "ADD <nick or mask> | DEL <nick or mask> | LIST",
    summary: "says who may speak nowhere (moderators)",
    paramsMin: 1,
    specification: "",
    run: silence,
  },
  SHIELD: {
    usage: "ON | OFF",
    summary: "lets newcomers without an account only read (moderators)",
    paramsMin: 1,
    specification: "",
    run: (client, { params }) =>
      client.wish({ kind: "police", what: "shield", on: params[0]!.toUpperCase() === "ON", value: "" }),
  },
};

function setName(client: IrcClient, { params }: IrcMessage): void {
  const realName = params[0]!.trim();
  if (realName === "" || Array.from(realName).length > 150)
    return client.fail("SETNAME", "INVALID_REALNAME", [], "Real names have 1 to 150 characters");
  const shown = /[^\0-\x7f]/.test(realName) ? (cleanDisplayName(realName) ?? "") : client.self.nick;
  client.wish({ kind: "describe", realName, displayName: shown });
}

function ping(client: IrcClient, { params }: IrcMessage): void {
  const [token] = params;
  if (token === undefined || token === "")
    return client.numeric(Numeric.ERR_NEEDMOREPARAMS, "PING :Not enough parameters");
  client.fromServer(`PONG ${client.server.name} :${token}`);
}

function rehash(client: IrcClient): void {
  if (client.self.role !== "operator") return denied(client);
  client.port.rehash();
  client.numeric(Numeric.RPL_REHASHING, "motd :Rehashing");
}

function denied(client: IrcClient): void {
  client.numeric(Numeric.ERR_NOPRIVILEGES, ":Permission Denied- You're not an IRC operator");
}

function filter(client: IrcClient, { params }: IrcMessage): void {
  const [verb = "", ...words] = params;
  const value = words.join(" ");
  switch (verb.toUpperCase()) {
    case "ADD":
    case "DEL":
      return client.wish({ kind: "police", what: "filter", on: verb.toUpperCase() === "ADD", value });
    case "LIST": {
      if (client.self.role === "user") return denied(client);
      const { filters } = client.port.state.policy;
      for (const word of filters) client.notice(`FILTER ${word}`);
      return client.notice(`FILTER: ${filters.length} in all`);
    }
    default:
      return client.fail("FILTER", "INVALID_PARAMS", [verb], "ADD, DEL or LIST");
  }
}

function silence(client: IrcClient, { params }: IrcMessage): void {
  const [verb = "", value = ""] = params;
  switch (verb.toUpperCase()) {
    case "ADD":
    case "DEL":
      return client.wish({ kind: "police", what: "silence", on: verb.toUpperCase() === "ADD", value });
    case "LIST": {
      if (client.self.role === "user") return denied(client);
      const { silenced } = client.port.state.policy;
      for (const { mask, by } of silenced) client.notice(`SILENCE ${mask} (by ${by})`);
      return client.notice(`SILENCE: ${silenced.length} in all`);
    }
    default:
      return client.fail("SILENCE", "INVALID_PARAMS", [verb], "ADD, DEL or LIST");
  }
}
