/*
 * Message tags (https://ircv3.net/specs/extensions/message-tags): what stands between the `@` in front of a line and
 * the first blank. Keys are opaque; values are escaped, so that a line can be split at blanks and semicolons.
 */
import { utf8Length } from "../../base/index.ts";

/** "Clients MUST NOT send messages with tag data exceeding 4094 bytes": without the `@` and the blank around it. */
export const TAG_BYTES_MAX = 4094;

/** What stands behind a backslash, for what may not stand in a value. */
const ESCAPES: Readonly<Record<string, string>> = {
  ";": "\\:",
  " ": "\\s",
  "\\": "\\\\",
  "\r": "\\r",
  "\n": "\\n",
};
const ESCAPED: Readonly<Record<string, string>> = { ":": ";", s: " ", r: "\r", n: "\n" };

export function escapeTag(value: string): string {
  return value.replace(/[; \\\r\n]/g, (character) => ESCAPES[character]!);
}

/** A backslash in front of nothing, or of what needs none, is dropped. */
export function unescapeTag(value: string): string {
  if (!value.includes("\\")) return value;
  return value.replace(/\\(.?)/gs, (_, character: string) => ESCAPED[character] ?? character);
}

/** `@a=b;c `, to stand in front of a line; empty where there are no tags. An empty value is written as none. */
export function formatTags(pairs: readonly (readonly [key: string, value: string])[]): string {
  if (pairs.length === 0) return "";
  let text = "@";
  for (const [key, value] of pairs) {
    if (text.length > 1) text += ";";
    text += value === "" ? key : `${key}=${escapeTag(value)}`;
  }
  return `${text} `;
}

/** The tags of `a=b;c`. Of those with the same key the last counts; a key without a value has an empty one. */
export function parseTagString(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const tag of text.split(";")) {
    const equals = tag.indexOf("=");
    const key = equals < 0 ? tag : tag.slice(0, equals);
    if (key !== "") tags.set(key, equals < 0 ? "" : unescapeTag(tag.slice(equals + 1)));
  }
  return tags;
}

/**
 * Those tags that are passed on to others, as they would be written: `+draft/reply=4711;+typing=active`; empty: none.
 * What would go beyond the limit for all of them is left out: what came in one line never does.
 */
export function clientOnlyTags(tags: ReadonlyMap<string, string>): string {
  if (tags.size === 0) return "";
  let text = "";
  let bytes = 0;
  for (const [key, value] of tags) {
    if (!key.startsWith("+") || key.length === 1) continue;
    const tag = value === "" ? key : `${key}=${escapeTag(value)}`;
    const tagBytes = utf8Length(tag) + (text === "" ? 0 : 1);
    if (bytes + tagBytes > TAG_BYTES_MAX) continue;
    bytes += tagBytes;
    text += text === "" ? tag : `;${tag}`;
  }
  return text;
}
