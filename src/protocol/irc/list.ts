/*
 * LIST (https://modern.ircdocs.horse/#list-message), with the conditions that ELIST=CMNTU tells of
 * (https://modern.ircdocs.horse/#elist-parameter): rooms by name and by mask, by how many are in, and by when they were
 * made and their topics set.
 */
import { type Room, cleanRoomName, matchesMask, membersOf, visibleRooms } from "../../chat/index.ts";
import type { IrcCommands } from "./command.ts";
import { Numeric } from "./numerics.ts";

const MINUTE_MS = 60_000;

/** What a room has to be like. */
interface Condition {
  /** Of these, one is enough; of all others each has to hold. */
  readonly isName: boolean;
  holds(room: Room, members: number, nowMs: number): boolean;
}

export const LIST_COMMANDS: IrcCommands = {
  LIST: {
    usage: "[<channel or mask>{,<channel or mask>}] [<condition>{,<condition>}]",
    summary:
      "lists channels: by mask, !<mask>, >3 or <9 people, minutes since made (C>9, C<9) or the topic was set (T>9)",
    paramsMin: 0,
    specification: "#list-message",
    run(client, { params }) {
      const { state } = client.port;
      const words = params.flatMap((param) => param.split(","));
      const conditions = words.filter((word) => word !== "").map(parseCondition);
      const nowMs = client.port.now();
      client.numeric(Numeric.RPL_LISTSTART, "Channel :Users  Name");
      for (const room of visibleRooms(state, client.self)) {
        const members = membersOf(state, room.id).size;
        // It is remembered, but there is nothing to be found in it.
        if (members === 0 && room.topic === undefined) continue;
        if (!isAsked(conditions, room, members, nowMs)) continue;
        client.numeric(Numeric.RPL_LIST, `${room.name} ${members} :${room.topic?.text ?? ""}`);
      }
      client.numeric(Numeric.RPL_LISTEND, ":End of /LIST");
    },
  },
};

function parseCondition(word: string): Condition {
  const number = /^([CT]?)([<>])(\d{1,9})$/i.exec(word);
  if (number !== null) return numberCondition(number[1]!.toUpperCase(), number[2] === ">", Number(number[3]));
  const isNegated = word.startsWith("!");
  const pattern = isNegated ? word.slice(1) : word;
  // A name may be spelled in many ways, a mask in one.
  const mask = /[*?]/.test(pattern) ? pattern : (cleanRoomName(pattern) ?? pattern);
  return { isName: !isNegated, holds: ({ name }) => matchesMask(mask, name) !== isNegated };
}

/** More or fewer members than that; or made, or its topic set, more or fewer minutes ago. */
function numberCondition(letter: string, isMore: boolean, limit: number): Condition {
  const compare = (value: number, limit: number): boolean => (isMore ? value > limit : value < limit);
  const holds: Condition["holds"] = (room, members, nowMs) => {
    if (letter === "") return compare(members, limit);
    const sinceMs = letter === "C" ? room.madeMs : room.topic?.timeMs;
    return sinceMs !== undefined && compare(nowMs - sinceMs, limit * MINUTE_MS);
  };
  return { isName: false, holds };
}

function isAsked(conditions: readonly Condition[], room: Room, members: number, nowMs: number): boolean {
  const holds = (condition: Condition): boolean => condition.holds(room, members, nowMs);
  const names = conditions.filter(({ isName }) => isName);
  return (names.length === 0 || names.some(holds)) && conditions.every((each) => each.isName || holds(each));
}
