import { utf8Length } from "../../base/index.ts";
import {
  KEY_BYTES_MAX,
  type Rank,
  type RestrictionKind,
  type RoomFlag,
  type RoomSetting,
  type UserFlag,
} from "../../chat/index.ts";

/** A command changes no more than this; what is beyond it is not looked at. */
export const MODES_MAX = 20;

/** So much of names and masks goes into one line, beside who did it and where. */
const PARAM_BYTES_MAX = 250;

/** Lists of masks: asked for where no mask is given. Mutes are in the list of bans, as `m:mask`. */
export const LIST_LETTERS: Readonly<Record<Exclude<RestrictionKind, "mute">, string>> = {
  ban: "b",
  exception: "e",
  invitation: "I",
};

/** What has a value. A key is named to take it off, too. */
export const SETTING_LETTERS: Readonly<Record<RoomSetting, string>> = {
  key: "k",
  limit: "l",
  slowSeconds: "S",
};

export const FLAG_LETTERS: Readonly<Record<RoomFlag, string>> = {
  noCtcp: "C",
  accountsSpeak: "M",
  accountsOnly: "R",
  inviteOnly: "i",
  moderated: "m",
  membersOnly: "n",
  secret: "s",
  topicLocked: "t",
};

/** The highest first, each with what stands in front of a nick that has it. */
export const RANK_LETTERS: Readonly<Record<Rank, string>> = {
  founder: "q",
  admin: "a",
  operator: "o",
  halfOperator: "h",
  voice: "v",
};
export const RANK_PREFIXES: Readonly<Record<Rank, string>> = {
  founder: "~",
  admin: "&",
  operator: "@",
  halfOperator: "%",
  voice: "+",
};

export const USER_MODE_LETTERS: Readonly<Record<UserFlag, string>> = {
  bot: "B",
  invisible: "i",
  wallops: "w",
};
/** They follow from something else: the role, being logged in, TLS. */
export const FIXED_USER_MODES = "orZ";

const LISTS: ReadonlySet<string> = new Set(Object.values(LIST_LETTERS));
const FLAGS: ReadonlySet<string> = new Set(Object.values(FLAG_LETTERS));
const RANKS: ReadonlySet<string> = new Set(Object.values(RANK_LETTERS));
const NUMBERS: ReadonlySet<string> = new Set([SETTING_LETTERS.limit, SETTING_LETTERS.slowSeconds]);

/** A mode as it is changed, and told: without a parameter where it has none, and where a list is asked for. */
export interface SetMode {
  readonly letter: string;
  readonly on: boolean;
  readonly param: string | undefined;
}

export type ModeChange =
  | SetMode
  | { readonly letter: string; readonly unknown: true }
  | { readonly letter: string; readonly missingParam: true }
  /** Not a number, or not a key. */
  | { readonly letter: string; readonly invalidParam: string };

/**
 * What a MODE asks for a room: `+ov-b alice bob *!*@host`, and as RFC 2812 (3.2.3) has it, once more behind that.
 * A number is given back without zeros in front.
 */
export function parseChannelModes(params: readonly string[]): readonly ModeChange[] {
  const changes: ModeChange[] = [];
  let next = 0;
  while (next < params.length) {
    const letters = params[next]!;
    // A parameter that nothing has taken is none.
    if (next > 0 && !/^[-+]/.test(letters)) break;
    next += 1;
    let on = true;
    for (const letter of letters) {
      if (letter === "+" || letter === "-") {
        on = letter === "+";
        continue;
      }
      if (changes.length === MODES_MAX) return changes;
      const param = takesParam(letter, on) ? params[next] : undefined;
      if (param !== undefined) next += 1;
      changes.push(channelMode(letter, on, param === "" ? undefined : param));
    }
  }
  return changes;
}

function takesParam(letter: string, on: boolean): boolean {
  if (LISTS.has(letter) || RANKS.has(letter) || letter === SETTING_LETTERS.key) return true;
  return on && NUMBERS.has(letter);
}

function channelMode(letter: string, on: boolean, param: string | undefined): ModeChange {
  if (FLAGS.has(letter) || LISTS.has(letter)) return { letter, on, param };
  if (RANKS.has(letter)) return param === undefined ? { letter, missingParam: true } : { letter, on, param };
  if (letter !== SETTING_LETTERS.key && !NUMBERS.has(letter)) return { letter, unknown: true };
  // The right key opens the room, but who runs it may take any key off.
  if (!on) return { letter, on, param: undefined };
  if (param === undefined) return { letter, missingParam: true };
  if (letter === SETTING_LETTERS.key)
    return isKey(param) ? { letter, on, param } : { letter, invalidParam: param };
  return /^0*[1-9]\d{0,8}$/.test(param)
    ? { letter, on, param: param.replace(/^0+/, "") }
    : { letter, invalidParam: param };
}

/** What JOIN can name: no blank, no comma, no colon in front; nothing that is not seen. */
function isKey(text: string): boolean {
  return utf8Length(text) <= KEY_BYTES_MAX && !/[\s,\p{Cc}]|^:/u.test(text);
}

/** A ban that begins with `m:` is a mute: who matches may come in, but not speak. */
export function splitMute(mask: string): { readonly kind: "ban" | "mute"; readonly mask: string } {
  return /^m:./s.test(mask) ? { kind: "mute", mask: mask.slice(2) } : { kind: "ban", mask };
}

export type UserModeChange =
  | { readonly letter: string; readonly on: boolean }
  | { readonly letter: string; readonly unknown: true }
  /** There is such a mode, but nobody sets it. */
  | { readonly letter: string; readonly fixed: true };

/** What a MODE asks for oneself: `+iw-B`. */
export function parseUserModes(params: readonly string[]): readonly UserModeChange[] {
  const changes: UserModeChange[] = [];
  let on = true;
  for (const letter of params[0] ?? "") {
    if (letter === "+" || letter === "-") on = letter === "+";
    else if (changes.length === MODES_MAX) break;
    else if (Object.values(USER_MODE_LETTERS).includes(letter)) changes.push({ letter, on });
    else
      changes.push(FIXED_USER_MODES.includes(letter) ? { letter, fixed: true } : { letter, unknown: true });
  }
  return changes;
}

/**
 * `+ov-b alice bob *!*@host`: the changes in their order, in as many lines as are needed so that each is one command
 * that a client could have sent, and fits.
 */
export function formatModes(changes: readonly SetMode[]): readonly string[] {
  const lines: string[] = [];
  let [letters, params, count] = ["", "", 0];
  let on: boolean | undefined;
  for (const change of changes) {
    const param = change.param === undefined ? "" : ` ${change.param}`;
    const isFull = count === MODES_MAX || params.length + param.length > PARAM_BYTES_MAX;
    if (count > 0 && isFull) {
      lines.push(letters + params);
      [letters, params, count] = ["", "", 0];
      on = undefined;
    }
    if (change.on !== on) letters += change.on ? "+" : "-";
    on = change.on;
    letters += change.letter;
    params += param;
    count += 1;
  }
  if (count > 0) lines.push(letters + params);
  return lines;
}
