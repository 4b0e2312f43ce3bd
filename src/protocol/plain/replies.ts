import {
  type ChatState,
  type EffectOf,
  type Membership,
  RANKS,
  type RefusalReason,
  type Room,
  type RoomId,
  type Session,
  type SessionId,
  membersOf,
  sessionsIn,
  visibleRooms,
} from "../../chat/index.ts";
import { count, fullName } from "./words.ts";

/** More names are not listed on entering a room. */
const GREETING_NAMES_MAX = 20;
/** More people are not listed in one answer, */
const WHO_MAX = 200;
/** nor more rooms. */
const ROOMS_LISTED_MAX = 200;

/** What is wrong, and what would be right. */
export function refusalText(reason: RefusalReason, about: string): string {
  switch (reason) {
    case "nameTaken":
      return `the name ${about} is taken, or looks like one that is`;
    case "nameMalformed":
      return `${about} cannot be a name`;
    case "roomNameTaken":
      return `${about} looks like the name of another room; /rooms lists them`;
    case "roomNameMalformed":
      return `${about} cannot be a room: # and up to 50 letters, digits and -_.+ of any script`;
    case "noSuchName":
      return `nobody here is called ${about}; /who tells who is here`;
    case "noSuchRoom":
      return `there is no room ${about}; /rooms lists them, and /join makes a new one`;
    case "noRoom":
      return "you are in no room; /join #lobby";
    case "notInRoom":
      return `you are not in ${about}; /join ${about}`;
    case "targetNotInRoom":
      return `${about} is not in this room`;
    case "notOperator":
      return `only those who run ${about} may do that; /who shows them with @`;
    case "lastOperator":
      return `somebody has to run ${about}: /op another first`;
    case "banned":
      return `you are banned from ${about}`;
    case "muted":
      return `you are muted in ${about}`;
    case "moderated":
      return `${about} is moderated: only those with a voice may speak`;
    case "tooManyRooms":
      return "there are too many rooms; /part one first";
    case "tooManyRestrictions":
      return about === ""
        ? "there are too many of those already"
        : `${about} has too many bans and mutes; /unban or /unmute somebody first`;
    case "tooLong":
      return `that is too long: at most ${about}`;
    case "notBanned":
      return `${about} is not banned here; /ban alone lists who is`;
    case "notMuted":
      return `${about} is not muted here; /mute alone lists who is`;
    case "alreadySo":
      return `nothing to change: it is so already${about === "" ? "" : ` for ${about}`}`;
    case "noHistory":
      return "this server keeps no history";
    case "nameReserved":
      return `the name ${about} is somebody's account; /identify ${about} PASSWORD if it is yours`;
    case "inviteOnly":
      return `only who was invited may enter ${about}`;
    case "needsAccount":
      return `${about} is for those who have an account: /register PASSWORD makes one of your name`;
    case "wrongKey":
      return `${about} needs a key: /join ${about} KEY`;
    case "roomFull":
      return `${about} is full`;
    case "alreadyInRoom":
      return `${about} is in the room already`;
    case "roomOpen":
      return `anybody may enter ${about}; /join ${about}`;
    case "tooSoon":
      return `${about} is in slow mode: wait a little before you speak again`;
    case "filtered":
      return "that was not sent: a word or a link in it is not allowed here";
    case "silenced":
      return "you may not speak on this server";
    case "shielded":
      return "for the moment, who has no account can only read; /register PASSWORD makes one of your name";
    case "noCtcp":
      return `${about} wants no requests to programs`;
    case "notPrivileged":
      return "only those who moderate this server may do that";
    case "outranked":
      return `${about} has a higher rank than you`;
    case "badValue":
      return `${about} cannot be set`;
  }
}

/** Where somebody is, what it is about, and who else is there. */
export function roomGreeting(head: string, state: ChatState, room: Room, self: SessionId): string {
  const others = sessionsIn(state, room.id).filter((session) => session.id !== self);
  const names = others.slice(0, GREETING_NAMES_MAX).map((session) => session.displayName);
  const more = others.length > names.length ? `, and ${others.length - names.length} more` : "";
  const company =
    others.length === 0
      ? "Nobody else is here."
      : `${count(others.length, "other")} here: ${names.join(", ")}${more}.`;
  const topic = room.topic === undefined ? "" : ` It is about: ${room.topic.text}.`;
  const runs = state.sessions.get(self)?.rooms.get(room.id)?.operator === true ? " You run it." : "";
  return `${head} ${room.name}.${topic} ${company}${runs}`;
}

/** An answer as lines, without what stands before each. */
export function replyText(
  { session, question, room }: EffectOf<"replied">,
  state: ChatState,
  localTime: (timeMs: number) => string,
): readonly string[] {
  if (room === undefined) return roomsText(state, session);
  switch (question) {
    case "topic": {
      const { topic } = room;
      return topic === undefined
        ? [`${room.name} has no topic`]
        : [`the topic of ${room.name}: ${topic.text} (set by ${topic.by}, ${localTime(topic.timeMs)})`];
    }
    case "bans":
      return restrictionsText(room, "ban", `banned from ${room.name}`, localTime);
    case "mutes":
      return restrictionsText(room, "mute", `muted in ${room.name}`, localTime);
    default: {
      const sessions = sessionsIn(state, room.id);
      const listed = sessions.slice(0, WHO_MAX).map((each) => whoText(each, room.id));
      const more = sessions.length > listed.length ? `, and ${sessions.length - listed.length} more` : "";
      return [`${sessions.length} in ${room.name}: ${listed.join(", ")}${more}`];
    }
  }
}

function whoText(session: Session, room: RoomId): string {
  const membership = session.rooms.get(room);
  const mark = membership === undefined ? "" : markOf(membership);
  const away = session.away === "" ? "" : ` [away: ${session.away}]`;
  return `${mark}${fullName(session)}${away}`;
}

const MARKS = { founder: "@", admin: "@", operator: "@", halfOperator: "%", voice: "+" } as const;

function markOf(membership: Membership): string {
  const rank = RANKS.find((rank) => membership[rank]);
  return rank === undefined ? "" : MARKS[rank];
}

function roomsText(state: ChatState, session: Session): readonly string[] {
  const rooms = visibleRooms(state, session)
    .map((room) => ({ room, size: membersOf(state, room.id).size }))
    .filter(({ room, size }) => size > 0 || room.topic !== undefined)
    .toSorted((a, b) => b.size - a.size);
  const lines = rooms.slice(0, ROOMS_LISTED_MAX).map(({ room, size }) => {
    const topic = room.topic === undefined ? "" : `: ${room.topic.text}`;
    return `${room.name} (${size}${session.rooms.has(room.id) ? ", you are in it" : ""})${topic}`;
  });
  const more = rooms.length - lines.length;
  return more > 0
    ? [...lines, `and ${more} more`]
    : lines.length > 0
      ? lines
      : ["there are no rooms with anybody in"];
}

function restrictionsText(
  room: Room,
  kind: "ban" | "mute",
  what: string,
  localTime: (timeMs: number) => string,
): readonly string[] {
  const restrictions = room.restrictions.filter((each) => each.kind === kind);
  if (restrictions.length === 0) return [`nobody is ${what}`];
  const lines = restrictions.map(({ mask, by, timeMs }) => `${mask} (by ${by}, ${localTime(timeMs)})`);
  return [`${restrictions.length} ${what}:`, ...lines];
}
