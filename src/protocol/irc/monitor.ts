/*
 * MONITOR (https://ircv3.net/specs/extensions/monitor): a client names people, and is told whenever one of them comes
 * or goes; with `extended-monitor` also what neighbours are told of each other, though they share no room.
 */
import {
  type ChatState,
  type Effect,
  type EffectOf,
  type Moment,
  type Session,
  foldNick,
  isNick,
} from "../../chat/index.ts";
import type { Capability } from "./capabilities.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { foldWords } from "./foldWords.ts";
import { MONITOR_MAX } from "./isupport.ts";
import { asciiUpperCase } from "./message.ts";
import { Numeric } from "./numerics.ts";
import { sessionWithNick } from "./people.ts";
import { realNameOf } from "./server.ts";
import { formatTags } from "./tags.ts";
import { formatTime } from "./time.ts";

/** Of those who do not fit into the list any more, in one reply. */
const REFUSED_BYTES_MAX = 300;

export const MONITOR_COMMANDS: IrcCommands = {
  MONITOR: {
    usage: "+|- <nick>{,<nick>} | C | L | S",
    summary: "watches people: + and - change the list, C clears it, L shows it, S tells who of them is here",
    paramsMin: 1,
    specification: "https://ircv3.net/specs/extensions/monitor",
    run(client, { params }) {
      const subcommand = asciiUpperCase(params[0]!);
      const nicks = (params[1] ?? "").split(",").filter((nick) => nick !== "");
      switch (subcommand) {
        case "+":
        case "-":
          if (nicks.length === 0)
            client.numeric(Numeric.ERR_NEEDMOREPARAMS, "MONITOR :Not enough parameters");
          else if (subcommand === "+") watch(client, nicks);
          else unwatch(client, nicks);
          return;
        case "C":
          unwatch(client, [...client.monitored.values()]);
          return;
        case "L":
          client.numericList(Numeric.RPL_MONLIST, "", [...client.monitored.values()], ",");
          client.numeric(Numeric.RPL_ENDOFMONLIST, ":End of MONITOR list");
          return;
        case "S":
          sendPresence(client, [...client.monitored.values()]);
          return;
        default:
          client.numeric(Numeric.ERR_UNKNOWNERROR, `MONITOR ${asMiddle(params[0]!)} :Unknown subcommand`);
      }
    },
  },
};

/** What is no nick is passed over: nobody will ever come by it. */
function watch(client: IrcClient, nicks: readonly string[]): void {
  const { monitored } = client;
  const fresh = new Map<string, string>();
  for (const nick of nicks) if (isNick(nick) && !client.isMonitoring(nick)) fresh.set(foldNick(nick), nick);
  const added = [...fresh].slice(0, MONITOR_MAX - monitored.size);
  for (const [folded, nick] of added) monitored.set(folded, nick);
  if (added.length > 0) client.changed();
  sendPresence(
    client,
    added.map(([, nick]) => nick),
  );
  const refused = [...fresh.values()].slice(added.length);
  if (refused.length === 0) return;
  for (const line of foldWords(refused, REFUSED_BYTES_MAX, Infinity)) {
    const targets = line.replaceAll(" ", ",");
    client.numeric(Numeric.ERR_MONLISTFULL, `${MONITOR_MAX} ${targets} :Monitor list is full.`);
  }
}

function unwatch(client: IrcClient, nicks: readonly string[]): void {
  const removed = nicks.filter((nick) => client.monitored.delete(foldNick(nick)));
  if (removed.length > 0) client.changed();
}

function sendPresence(client: IrcClient, nicks: readonly string[]): void {
  const { state } = client.port;
  client.numericList(Numeric.RPL_MONONLINE, "", sourcesOf(client, state, nicks), ",");
  const absent = nicks.filter((nick) => sessionWithNick(state, nick) === undefined);
  client.numericList(Numeric.RPL_MONOFFLINE, "", absent, ",");
}

function sourcesOf(client: IrcClient, state: ChatState, nicks: readonly string[]): string[] {
  return nicks.flatMap((nick) => {
    const session = sessionWithNick(state, nick);
    return session === undefined ? [] : [client.server.sourceOf(session)];
  });
}

type Change = EffectOf<"described" | "accountChanged" | "awaySet">;

/** Tells a client what has happened to those whom it watches. @param isNeighbour they share a room */
export function tellPresence(client: IrcClient, effect: Effect, moment: Moment, isNeighbour: boolean): void {
  if (client.monitored.size === 0) return;
  switch (effect.kind) {
    case "arrived":
      tellOnline(client, effect.session);
      return;
    case "renamed":
      if (foldNick(effect.previous.nick) === foldNick(effect.session.nick)) return;
      tellOffline(client, effect.previous);
      tellOnline(client, effect.session);
      return;
    case "left":
      tellOffline(client, effect.session);
      return;
    case "described":
    case "accountChanged":
    case "awaySet":
      // Neighbours are told in any case, and everybody of itself.
      if (isNeighbour || effect.session.id === client.session?.id) return;
      if (client.has("extended-monitor") && client.has(CAPABILITY_FOR[effect.kind]))
        tellChange(client, effect, moment);
  }
}

function tellOnline(client: IrcClient, session: Session): void {
  if (client.isMonitoring(session.nick))
    client.numeric(Numeric.RPL_MONONLINE, `:${client.server.sourceOf(session)}`);
}

function tellOffline(client: IrcClient, { nick }: Session): void {
  if (client.isMonitoring(nick)) client.numeric(Numeric.RPL_MONOFFLINE, `:${nick}`);
}

const CAPABILITY_FOR: Readonly<Record<Change["kind"], Capability>> = {
  described: "setname",
  accountChanged: "account-notify",
  awaySet: "away-notify",
};

function tellChange(client: IrcClient, effect: Change, { timeMs }: Moment): void {
  const { session } = effect;
  if (!client.isMonitoring(session.nick)) return;
  const tags = client.has("server-time") ? formatTags([["time", formatTime(timeMs)]]) : "";
  client.line(`:${client.server.sourceOf(session)} ${wordsOf(effect)}`, tags);
}

function wordsOf({ kind, session }: Change): string {
  switch (kind) {
    case "described":
      return `SETNAME :${realNameOf(session)}`;
    case "accountChanged":
      return `ACCOUNT ${session.account === "" ? "*" : session.account}`;
    case "awaySet":
      return session.away === "" ? "AWAY" : `AWAY :${session.away}`;
  }
}
