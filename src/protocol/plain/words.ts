import type { Mode, Person } from "../../chat/index.ts";

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
export type Change = Mode | "ban" | "mute";

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
  operator: ["lets NAME run the room, too", "does not let NAME run the room any more"],
  voice: ["gave NAME a voice", "took NAME's voice away"],
  ban: ["banned NAME", "unbanned NAME"],
  mute: ["muted NAME", "unmuted NAME"],
};

export function isChange(word: string): word is Change {
  return Object.hasOwn(CHANGES, word);
}

/** @param name whom it concerns, where it concerns one */
export function changeText(by: string, change: Change, on: boolean, name: string): string {
  return `${by} ${CHANGES[change][on ? 0 : 1].replace("NAME", () => name)}`;
}

/** "3 messages", "1 message". */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
