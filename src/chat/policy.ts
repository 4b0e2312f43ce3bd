/* What holds on the whole server, and who may change it: filters, links, who is silenced, the shield against raids. */
import { decodeUtf8, encodeUtf8, withoutCodes } from "../base/index.ts";
import { refuse } from "./change.ts";
import type { Effect, EffectOf, RefusalReason } from "./effect.ts";
import { cleanMask, isMask, sessionCalled } from "./lookup.ts";
import { foldNick, isNick } from "./names.ts";
import { isStaff } from "./ranks.ts";
import type { PolicyChange, Wish } from "./record.ts";
import { type ChatState, type Policy, type Restriction, type Session } from "./state.ts";
import { foldCompatibly } from "./unicode/normalization.ts";

/** Words that nobody says: so many, each so long in bytes of UTF-8 at most (see the record's field). */
export const FILTERS_MAX = 500;
const FILTER_CHARACTERS_MAX = 60;
export const SILENCED_MAX = 500;

/** A scheme with //, or what browsers and clients make a link of without one. */
const LINK = /(?:[a-z0-9]:\/\/|(?:^|[^a-z0-9])www\.)\S/i;

/** What is not seen between letters: joiners, selectors, fillers, tags, turns of direction. */
const UNSEEN = new RegExp(
  "[\\ufe00-\\ufe0f\\u034f\\u180b-\\u180f\\u17b4\\u17b5\\u{e0000}-\\u{e0fff}" +
    "\\u00ad\\u061c\\u115f\\u1160\\u3164\\uffa0\\ufeff\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f]",
  "gu",
);
/** Controls but TAB and line feed, which end words. */
const CONTROLS = /(?![\t\n])\p{Cc}/gu;

/** What people read there: a word with something in it that is not seen is that word. */
function readable(text: string | Uint8Array): string {
  const bytes = withoutCodes(typeof text === "string" ? encodeUtf8(text) : text);
  return decodeUtf8(bytes).replace(CONTROLS, "").replace(UNSEEN, "");
}

/** One spelling for what counts as the same word. */
function foldText(text: string): string {
  return foldNick(foldCompatibly(text));
}

/** Why a text is not let through; undefined: it is. */
export function violationOf(
  { filters, links }: Policy,
  written: string | Uint8Array,
  hasAccount: boolean,
): RefusalReason | undefined {
  const text = readable(written);
  const mayLink = links === "everybody" || (links === "accounts" && hasAccount);
  if (!mayLink && LINK.test(text)) return "filtered";
  if (filters.length === 0) return undefined;
  const folded = foldText(text);
  return filters.some((word) => hasWord(folded, word)) ? "filtered" : undefined;
}

/** Whether it stands there by itself: "ass" is not in "class". Scripts without blanks have no such ends. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (!isWithinWord(text, at) && !isWithinWord(text, at + word.length)) return true;
  }
  return false;
}

/** Whether letters or digits of ASCII stand on both sides of this place. */
function isWithinWord(text: string, at: number): boolean {
  return /^[a-z0-9]{2}$/.test(text.slice(Math.max(0, at - 1), at + 1));
}

/** A moderator's wish. */
export function police(
  state: ChatState,
  session: Session,
  { what, on, value }: Extract<Wish, { kind: "police" }>,
  sequence: number,
  timeMs: number,
): readonly Effect[] {
  if (!isStaff(session)) return refuse(session, "notPrivileged", "");
  switch (what) {
    case "filter":
      return filter(state, session, on, value);
    case "links":
      return setLinks(state, session, value);
    case "silence":
      return silence(state, session, on, value, timeMs);
    case "shield":
      return raiseShield(state, session, on, sequence);
  }
}

/** @param session undefined: whoever runs the machine */
export function raiseShield(
  state: ChatState,
  session: Session | undefined,
  on: boolean,
  sequence: number,
): readonly Effect[] {
  if (state.policy.shieldSince > 0 === on)
    return session === undefined ? [] : refuse(session, "alreadySo", "");
  return put(state, session, { shieldSince: on ? sequence : 0 }, "shield", on, "");
}

function filter(state: ChatState, session: Session, on: boolean, value: string): readonly Effect[] {
  const word = foldText(readable(value).trim());
  if (word === "" || Array.from(word).length > FILTER_CHARACTERS_MAX)
    return refuse(session, "badValue", value);
  const { filters } = state.policy;
  if (filters.includes(word) === on) return refuse(session, "alreadySo", word);
  if (on && filters.length >= FILTERS_MAX) return refuse(session, "tooManyRestrictions", "");
  const changed = on ? [...filters, word] : filters.filter((each) => each !== word);
  return put(state, session, { filters: changed }, "filter", on, word);
}

function setLinks(state: ChatState, session: Session, value: string): readonly Effect[] {
  if (value !== "everybody" && value !== "accounts" && value !== "nobody")
    return refuse(session, "badValue", value);
  if (state.policy.links === value) return refuse(session, "alreadySo", value);
  return put(state, session, { links: value }, "links", value !== "everybody", value);
}

function silence(
  state: ChatState,
  session: Session,
  on: boolean,
  value: string,
  timeMs: number,
): readonly Effect[] {
  const target = sessionCalled(state, value);
  const mask = target?.nick ?? (isMask(value) ? cleanMask(value) : value);
  if (mask === undefined) return refuse(session, "badValue", value);
  if (!isMask(mask) && !isNick(mask)) return refuse(session, "noSuchName", value);
  const { silenced } = state.policy;
  const isMeant = (each: Restriction): boolean =>
    foldNick(each.mask) === foldNick(mask) || (target !== undefined && each.person === target.person);
  const others = silenced.filter((each) => !isMeant(each));
  if (!on && others.length === silenced.length) return refuse(session, "notMuted", value);
  if (on && others.length >= SILENCED_MAX) return refuse(session, "tooManyRestrictions", "");
  const restriction: Restriction = {
    kind: "mute",
    mask,
    person: target?.person ?? 0,
    by: session.nick,
    timeMs,
  };
  return put(state, session, { silenced: on ? [...others, restriction] : others }, "silence", on, mask);
}

function put(
  state: ChatState,
  session: Session | undefined,
  changed: Partial<Policy>,
  what: PolicyChange,
  on: boolean,
  value: string,
): readonly Effect[] {
  state.policy = { ...state.policy, ...changed };
  state.changes += 1;
  return [{ kind: "policySet", session, what, on, value }];
}

/**
 * What moderators are told of a change.
 *
 * @param who changed it, as the protocol calls people; undefined: nobody who is in the chat
 */
export function policyText(
  { what, on, value }: EffectOf<"policySet">,
  who = "whoever runs this server",
): string {
  switch (what) {
    case "filter":
      return on ? `${who} lets nobody say "${value}"` : `${who} lets "${value}" be said again`;
    case "links":
      return `${who} lets ${value} send links`;
    case "silence":
      return on ? `${who} silenced ${value}` : `${who} lets ${value} speak again`;
    case "shield":
      return on
        ? `${who} raised the shield: whoever comes without an account can only read`
        : `${who} lowered the shield`;
  }
}
