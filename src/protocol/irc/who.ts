/*
 * WHO (https://modern.ircdocs.horse/#who-message), and WHOX (https://ircv3.net/specs/extensions/whox), by which a
 * client says what of each it wants to know. Clients ask for each room that they are in.
 */
import {
  type Room,
  type Session,
  isStaff,
  matchesMask,
  normaliseMask,
  sessionCalled,
  sessionsIn,
} from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { USER_MODE_LETTERS } from "./modes.ts";
import { prefixesOf } from "./names.ts";
import { Numeric } from "./numerics.ts";
import { addressOf, everybody, idleSeconds, isListedFor, roomsShown } from "./people.ts";
import { hostOf, realNameOf, userOf } from "./server.ts";

/** Masks are told back to the letter, and no nick, user and host together are longer. */
const MASK_UNITS_MAX = 200;

/** Somebody, and the room in which it was found: the one that was asked for, or any that the asker may know of. */
interface Found {
  readonly session: Session;
  readonly room: Room | undefined;
}

/** What is asked for beside the mask: `o%nuh,42`. */
interface Request {
  readonly staffOnly: boolean;
  /** Letters of fields; empty: the reply that every client understands. */
  readonly fields: string;
  readonly token: string;
}

export const WHO_COMMANDS: IrcCommands = {
  WHO: {
    usage: "[<mask> [o][%<fields>[,<token>]]]",
    summary: "tells of who is in a channel, has a nick or matches a mask; o: of server operators alone",
    paramsMin: 0,
    isFree: true,
    specification: "#who-message",
    run(client, { params }) {
      // Without a mask, and for 0, RFC 1459 (4.5.1) has all who are visible.
      const mask = params[0] === undefined || params[0] === "" ? "*" : params[0];
      const request = parseRequest(params[1] ?? "");
      for (const found of search(client, mask === "0" ? "*" : mask)) {
        if (request.staffOnly && !isStaff(found.session)) continue;
        if (request.fields === "") sendReply(client, found);
        else sendFields(client, found, request);
      }
      client.numeric(Numeric.RPL_ENDOFWHO, `${asMiddle(mask, MASK_UNITS_MAX)} :End of WHO list`);
    },
  },
};

function parseRequest(text: string): Request {
  const percent = text.indexOf("%");
  const flags = percent < 0 ? text : text.slice(0, percent);
  const [fields = "", token = ""] = percent < 0 ? [] : text.slice(percent + 1).split(",");
  return {
    staffOnly: flags.includes("o"),
    fields: Object.keys(FIELDS)
      .filter((letter) => fields.includes(letter))
      .join(""),
    token: /^\d{1,3}$/.test(token) ? token : "0",
  };
}

function* search(client: IrcClient, mask: string): Generator<Found> {
  const { self } = client;
  const { state } = client.port;
  if (mask.startsWith("#")) {
    const room = client.room(mask);
    if (room === undefined) return;
    for (const session of sessionsIn(state, room.id)) if (isListedFor(self, session)) yield { session, room };
    return;
  }
  const room = (session: Session): Room | undefined => roomsShown(state, self, session)[0];
  const called = sessionCalled(state, mask);
  if (called !== undefined) {
    yield { session: called, room: room(called) };
    return;
  }
  const address = /[!@]/.test(mask) ? normaliseMask(mask) : undefined;
  for (const session of everybody(state)) {
    const isMatch =
      address === undefined
        ? doesMatch(mask, session)
        : matchesMask(address, client.server.sourceOf(session));
    if (isMatch && isListedFor(self, session)) yield { session, room: room(session) };
  }
}

function doesMatch(mask: string, session: Session): boolean {
  const { nick, displayName } = session;
  return [nick, displayName, userOf(session), hostOf(session), realNameOf(session)].some((text) =>
    matchesMask(mask, text),
  );
}

function sendReply(client: IrcClient, found: Found): void {
  const { session, room } = found;
  const where = [room?.name ?? "*", userOf(session), hostOf(session), client.server.name];
  const what = [session.nick, flagsOf(client, found), `:0 ${realNameOf(session)}`];
  client.numeric(Numeric.RPL_WHOREPLY, [...where, ...what].join(" "));
}

function sendFields(client: IrcClient, found: Found, { fields, token }: Request): void {
  const values = Array.from(fields, (letter) => FIELDS[letter]!(client, found, token));
  client.numeric(Numeric.RPL_WHOSPCRPL, values.join(" "));
}

/** By their letters, in the order in which they are told whatever the order in which they are asked for. */
const FIELDS: Readonly<Record<string, (client: IrcClient, found: Found, token: string) => string>> = {
  t: (_client, _found, token) => token,
  c: (_client, { room }) => room?.name ?? "*",
  u: (_client, { session }) => userOf(session),
  i: (_client, { session }) => addressOf(session) ?? "255.255.255.255",
  h: (_client, { session }) => hostOf(session),
  s: (client) => client.server.name,
  n: (_client, { session }) => session.nick,
  f: flagsOf,
  d: () => "0",
  l: (client, { session }) => String(idleSeconds(client, session)),
  a: (_client, { session }) => (session.account === "" ? "0" : session.account),
  // Levels of channel operators: there are none.
  o: () => "n/a",
  r: (_client, { session }) => `:${realNameOf(session)}`,
};

/** Here or gone; an operator of the server; the ranks in that room; a bot. */
function flagsOf(client: IrcClient, { session, room }: Found): string {
  const membership = room === undefined ? undefined : session.rooms.get(room.id);
  return [
    session.away === "" ? "H" : "G",
    isStaff(session) ? "*" : "",
    membership === undefined ? "" : prefixesOf(membership, client.has("multi-prefix")),
    session.bot ? USER_MODE_LETTERS.bot : "",
  ].join("");
}
