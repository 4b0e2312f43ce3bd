import { type Membership, RANKS, type Room, membersOf } from "../../chat/index.ts";
import type { IrcClient } from "./client.ts";
import type { IrcCommands } from "./command.ts";
import { asMiddle } from "./fault.ts";
import { RANK_PREFIXES } from "./modes.ts";
import { Numeric } from "./numerics.ts";

/** What stands in front of the nick of a member: the highest of its ranks, or all of them. */
export function prefixesOf(membership: Membership, hasMultiPrefix: boolean): string {
  let prefixes = "";
  for (const rank of RANKS) {
    if (!membership[rank]) continue;
    prefixes += RANK_PREFIXES[rank];
    if (!hasMultiPrefix) break;
  }
  return prefixes;
}

/** Who is in a room that the client may know of: also what it is told when it has come in. */
export function sendNames(client: IrcClient, room: Room): void {
  const { server, port } = client;
  const isMember = client.self.rooms.has(room.id);
  const hasMultiPrefix = client.has("multi-prefix");
  const hasAddress = client.has("userhost-in-names");
  const names: string[] = [];
  for (const id of membersOf(port.state, room.id)) {
    const session = port.state.sessions.get(id)!;
    if (session.invisible && !isMember) continue;
    const name = hasAddress ? server.sourceOf(session) : session.nick;
    names.push(prefixesOf(session.rooms.get(room.id)!, hasMultiPrefix) + name);
  }
  client.numericList(Numeric.RPL_NAMREPLY, `${room.secret ? "@" : "="} ${room.name}`, names);
  sendEnd(client, room.name);
}

function sendEnd(client: IrcClient, name: string): void {
  client.numeric(Numeric.RPL_ENDOFNAMES, `${asMiddle(name)} :End of /NAMES list`);
}

export const NAMES_COMMANDS: IrcCommands = {
  NAMES: {
    usage: "<channel>{,<channel>}",
    summary: "tells who is in a channel",
    paramsMin: 0,
    isFree: true,
    specification: "#names-message",
    run(client, { params }) {
      const names = (params[0] ?? "").split(",").filter((name) => name !== "");
      if (names.length === 0) sendEnd(client, "*");
      for (const name of new Set(names)) {
        const room = client.room(name);
        if (room === undefined) sendEnd(client, name);
        else sendNames(client, room);
      }
    },
  },
};
