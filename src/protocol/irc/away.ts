/* AWAY (modern.ircdocs.horse/#away-message), also on the way in (https://ircv3.net/specs/extensions/pre-away). */
import { encodeUtf8 } from "../../base/index.ts";
import { clientsOf } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import type { IrcMessage } from "./message.ts";
import { Numeric } from "./numerics.ts";

/** A client that was started by no person says so: who it is for is not there, for no reason that it could tell. */
const UNSPECIFIED = "*";
/** What people are told of that. */
const NOT_HERE = "not here";

export const AWAY_COMMANDS: IrcCommands = {
  AWAY: {
    usage: "[<reason>]",
    summary: "says why you are not there; without a reason you are back",
    paramsMin: 0,
    when: "any",
    isPipelined: true,
    specification: "#away-message",
    run: away,
  },
};

function away(client: IrcClient, { params }: IrcMessage): void {
  const text = params[0] ?? "";
  if (client.isWelcome) return setAway(client, text);
  if (!client.has("draft/pre-away"))
    return client.numeric(Numeric.ERR_NOTREGISTERED, ":You have not registered");
  client.registration.away = text === "" ? undefined : text;
  client.changed();
  // As if it were here.
  acknowledge(client, text);
}

export function setAway(client: IrcClient, text: string): void {
  const isUnspecified = text === UNSPECIFIED && client.has("draft/pre-away");
  // "it should not supersede a human-readable AWAY message set by another connection": nor that one is there.
  if (isUnspecified && clientsOf(client.port.state, client.self).length > 1) return acknowledge(client, text);
  client.wish({ kind: "away", text: encodeUtf8(isUnspecified ? NOT_HERE : text) });
}

/** To all clients of who is away, or back. */
export function acknowledge(client: IrcClient, text: string): void {
  if (text === "") client.numeric(Numeric.RPL_UNAWAY, ":You are no longer marked as being away");
  else client.numeric(Numeric.RPL_NOWAWAY, ":You have been marked as being away");
}
