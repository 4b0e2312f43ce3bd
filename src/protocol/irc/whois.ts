import { type Departed, type Session, foldNick, isStaff, sessionCalled } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { TARGETS_MAX } from "./isupport.ts";
import { prefixesOf } from "./names.ts";
import { Numeric } from "./numerics.ts";
import { addressOf, idleSeconds, roomsShown } from "./people.ts";
import { hostOf, realNameOf, userOf } from "./server.ts";
import { isElsewhere } from "./serverTarget.ts";
import { formatTime } from "./time.ts";

const NICKS_UNITS_MAX = 300;

export const WHOIS_COMMANDS: IrcCommands = {
  WHOIS: {
    usage: "[<server>] <nick>{,<nick>}",
    summary: "tells what is known of somebody",
    paramsMin: 0,
    specification: "#whois-message",
    run(client, { params }) {
      const names = params[1] ?? params[0] ?? "";
      if (params[1] !== undefined && isElsewhere(client, params[0])) return;
      const asked = names.split(",").filter((name) => name !== "");
      if (asked.length === 0) {
        sendNoNick(client);
        return;
      }
      for (const name of asked.slice(0, TARGETS_MAX)) {
        const session = sessionCalled(client.port.state, name);
        if (session === undefined)
          client.numeric(Numeric.ERR_NOSUCHNICK, `${asMiddle(name)} :No such nick/channel`);
        else sendWhois(client, session);
      }
      client.numeric(Numeric.RPL_ENDOFWHOIS, `${asMiddle(names, NICKS_UNITS_MAX)} :End of /WHOIS list`);
    },
  },
  WHOWAS: {
    usage: "<nick> [<count> [<server>]]",
    summary: "tells what is known of who had a nick, the latest first",
    paramsMin: 0,
    specification: "#whowas-message",
    run(client, { params }) {
      const nick = params[0] ?? "";
      if (isElsewhere(client, params[2])) return;
      if (nick === "") {
        sendNoNick(client);
        return;
      }
      const folded = foldNick(nick);
      const departed = client.port.state.departed.filter((each) => foldNick(each.nick) === folded);
      // "If given, <count> SHOULD be a positive number. Otherwise, a full search is done."
      const count = /^\d{1,9}$/.test(params[1] ?? "") ? Number(params[1]) : 0;
      const latest = departed.toReversed().slice(0, count > 0 ? count : departed.length);
      for (const each of latest) sendWhowas(client, each);
      if (latest.length === 0)
        client.numeric(Numeric.ERR_WASNOSUCHNICK, `${asMiddle(nick)} :There was no such nickname`);
      client.numeric(Numeric.RPL_ENDOFWHOWAS, `${asMiddle(nick)} :End of WHOWAS`);
    },
  },
};

function sendNoNick(client: IrcClient): void {
  client.numeric(Numeric.ERR_NONICKNAMEGIVEN, ":No nickname given");
}

function sendWhois(client: IrcClient, session: Session): void {
  const { server } = client;
  const { nick, away, account, arrivedMs, displayName } = session;
  const tell = (code: string, rest: string): void => client.numeric(code, `${nick} ${rest}`);
  tell(Numeric.RPL_WHOISUSER, `${userOf(session)} ${hostOf(session)} * :${realNameOf(session)}`);
  client.numericList(Numeric.RPL_WHOISCHANNELS, nick, channelsOf(client, session));
  tell(Numeric.RPL_WHOISSERVER, `${server.name} :${server.options.networkName}`);
  if (isStaff(session)) tell(Numeric.RPL_WHOISOPERATOR, `:is a server ${session.role}`);
  if (away !== "") tell(Numeric.RPL_AWAY, `:${away}`);
  if (account !== "") tell(Numeric.RPL_WHOISACCOUNT, `${account} :is logged in as`);
  if (session.bot) tell(Numeric.RPL_WHOISBOT, `:is a bot on ${server.options.networkName}`);
  const idle = `${idleSeconds(client, session)} ${Math.floor(arrivedMs / 1000)}`;
  tell(Numeric.RPL_WHOISIDLE, `${idle} :seconds idle, signon time`);
  if (session.id === client.self.id || isStaff(client.self))
    tell(Numeric.RPL_WHOISHOST, `:is connecting from ${originOf(session)}`);
  if (displayName !== nick) tell(Numeric.RPL_WHOISSPECIAL, `:is known as ${displayName}`);
}

function channelsOf(client: IrcClient, session: Session): string[] {
  const hasMultiPrefix = client.has("multi-prefix");
  return roomsShown(client.port.state, client.self, session).map(
    ({ id, name }) => prefixesOf(session.rooms.get(id)!, hasMultiPrefix) + name,
  );
}

function originOf(session: Session): string {
  const address = addressOf(session);
  const origin = `${userOf(session)}@${hostOf(session)}`;
  return address === undefined ? origin : `${origin} ${address}`;
}

function sendWhowas(client: IrcClient, departed: Departed): void {
  const { nick, account, timeMs } = departed;
  const realName = departed.realName === "" ? nick : departed.realName;
  const tell = (code: string, rest: string): void => client.numeric(code, `${nick} ${rest}`);
  tell(Numeric.RPL_WHOWASUSER, `${userOf(departed)} ${hostOf(departed)} * :${realName}`);
  tell(Numeric.RPL_WHOISSERVER, `${client.server.name} :${formatTime(timeMs)}`);
  if (account !== "") tell(Numeric.RPL_WHOISACCOUNT, `${account} :was logged in as`);
}
