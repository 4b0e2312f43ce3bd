import {
  type Mode,
  type Person,
  ROOM_SETTINGS,
  type RestrictionKind,
  type RoomSetting,
} from "../../chat/index.ts";

type Named = Pick<Person, "displayName" | "nick">;

/** What somebody is called, with the nick that can be typed where that is another. */
export function fullName({ displayName, nick }: Named): string {
  return displayName === nick ? nick : `${displayName} (${nick})`;
}

/** What could be taken for the end of a name in quotes. */
const QUOTE = /["\u201c-\u201f\u2033\uff02]/;

/**
 * What somebody is called in front of what is said, where no `<>` show where the name ends. A name with blanks stands
 * in quotes, as /msg takes it: else `bob é` could do what looks like the doing of `bob`, and `- bob é` give notices
 * that look like the server's. Where that would not help, the nick has to do.
 */
export function speakerName({ displayName, nick }: Named): string {
  if (QUOTE.test(displayName)) return nick;
  return /\s/.test(displayName) ? `"${displayName}"` : displayName;
}

/** What can be done to a room, or to somebody in it, and undone. */
export type Change = Mode | RestrictionKind;

const CHANGES: Readonly<Record<Change, readonly [on: string, off: string]>> = {
  moderated: [
    "made the room moderated: only those with a voice may speak",
    "ended the moderation: everybody may speak",
  ],
  topicLocked: [
    "locked the topic: only those who run the room may set it",
    "unlocked the topic: everybody may set it",
  ],
  secret: ["made the room secret: it is not listed", "made the room public: it is listed"],
  inviteOnly: ["made the room one for the invited: nobody else may enter", "lets everybody enter"],
  membersOnly: ["lets only those who are in the room speak", "lets those speak who are not in the room"],
  accountsOnly: ["lets only those enter who have an account", "lets those enter who have no account"],
  accountsSpeak: ["lets only those speak who have an account", "lets those speak who have no account"],
  noCtcp: ["lets nobody send requests to programs", "lets everybody send requests to programs"],
  founder: ["made NAME a founder of the room", "made NAME a founder no more"],
  admin: ["made NAME an administrator of the room", "made NAME an administrator no more"],
  halfOperator: ["lets NAME help to run the room", "does not let NAME help to run the room any more"],
  operator: ["lets NAME run the room, too", "does not let NAME run the room any more"],
  voice: ["gave NAME a voice", "took NAME's voice away"],
  ban: ["banned NAME", "unbanned NAME"],
  mute: ["muted NAME", "unmuted NAME"],
  exception: ["made an exception for NAME", "made an exception for NAME no more"],
  invitation: [
    "lets NAME enter without an invitation",
    "does not let NAME enter without an invitation any more",
  ],
};

export function isChange(word: string): word is Change {
  return Object.hasOwn(CHANGES, word);
}

/** @param name whom it concerns, where it concerns one */
export function changeText(by: string, change: Change, on: boolean, name: string): string {
  return `${by} ${CHANGES[change][on ? 0 : 1].replace("NAME", () => name)}`;
}

export function isSetting(word: string): word is RoomSetting {
  return (ROOM_SETTINGS as readonly string[]).includes(word);
}

/** @param value 0: none any more. Of a key it is told that there is one. */
export function settingText(by: string, setting: RoomSetting, value: number): string {
  switch (setting) {
    case "key":
      return value === 0 ? `${by} took the key off` : `${by} put a key on the room`;
    case "limit":
      return value === 0 ? `${by} ended the limit` : `${by} lets ${value} in at most`;
    case "slowSeconds":
      return value === 0
        ? `${by} ended the slow mode`
        : `${by} lets everybody speak once in ${count(value, "second")}`;
  }
}

/** "3 messages", "1 message". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
