/*
 * What history answers, as lines. The past looks like the past: its time stands in front, `[2026-11-25 07:12] <alice>
 * hi`, which nobody's live line has.
 */
import { concatBytes, encodeUtf8 } from "../../base/index.ts";
import {
  type Entry,
  type EntryKind,
  type Gap,
  type HistoryQuestion,
  type PersonId,
  RECALL_MAX,
  type RoomId,
} from "../../chat/index.ts";
import { shownText } from "./text.ts";
import { changeText, count, isChange, isSetting, settingText, speakerName } from "./words.ts";

export interface PastAnswer {
  readonly entries: readonly Entry[];
  readonly gaps: readonly Gap[];
  readonly more: boolean;
  readonly refusal: string | undefined;
}

const LF = Uint8Array.of(0x0a);

const SPOKEN: ReadonlySet<EntryKind> = new Set([
  "say",
  "act",
  "notice",
  "whisper",
  "whisperAct",
  "whisperNotice",
]);

interface Context {
  readonly nameOf: (room: RoomId) => string;
  readonly localTime: (timeMs: number) => string;
  /** Who asked. */
  readonly self: PersonId;
}

/** A block of lines; nothing where there was nothing to replay. A range is one page of several: it has no frame. */
export function renderAnswer(question: HistoryQuestion, answer: PastAnswer, context: Context): Uint8Array {
  const { entries, gaps, refusal } = answer;
  const lines: string[] = [];
  if (refusal !== undefined) lines.push(`-- ${refusal}`);
  else if (entries.length > 0 || gaps.length > 0) {
    if (question.kind !== "range") lines.push(`-- ${heading(question, answer, context)}`);
    if (answer.more && question.kind === "recall") lines.push(`-- (${furtherBack(question.limit)})`);
    const needsRoom = question.kind === "search" || question.kind === "range";
    let gap = 0;
    for (const entry of entries) {
      for (; gap < gaps.length && gaps[gap]!.from < entry.sequence; gap += 1)
        lines.push(gapLine(gaps[gap]!, context));
      lines.push(...entryLines(entry, needsRoom, context));
    }
    for (; gap < gaps.length; gap += 1) lines.push(gapLine(gaps[gap]!, context));
    if (question.kind !== "range")
      lines.push(question.kind === "replay" ? "-- now live" : "-- that was the past");
  } else if (question.kind === "search") lines.push("-- nothing found");
  else if (question.kind === "recall")
    lines.push(`-- nothing was said in ${context.nameOf(question.room)} yet`);
  return concatBytes(lines.flatMap((line) => [shownText(encodeUtf8(line)), LF]));
}

function furtherBack(limit: number): string {
  return limit < RECALL_MAX
    ? `there is more: /history ${Math.min(2 * limit, RECALL_MAX)} goes further back`
    : "there is more: /search finds what is older";
}

function heading(question: HistoryQuestion, { entries, more }: PastAnswer, { nameOf }: Context): string {
  switch (question.kind) {
    case "replay":
    case "recall":
      return `the last ${count(entries.length, "message")} of ${nameOf(question.room)}:`;
    case "search":
      return more
        ? `the last ${entries.length} of those found; before:DATE finds earlier ones:`
        : `${entries.length} found:`;
    default:
      return `${count(entries.length, "message")}:`;
  }
}

function gapLine({ fromTimeMs, toTimeMs }: Gap, { localTime }: Context): string {
  const [from, to] = [localTime(fromTimeMs), localTime(toTimeMs)];
  return `-- (what was said ${from === to ? `about ${from}` : `between ${from} and ${to}`} was not kept)`;
}

/** Of what is said alone there can be several lines: each is shown as said. */
function entryLines(entry: Entry, needsRoom: boolean, context: Context): readonly string[] {
  const texts = SPOKEN.has(entry.kind) ? entry.text.split("\n") : [entry.text];
  return texts.flatMap((text) => entryLine({ ...entry, text }, needsRoom, context) ?? []);
}

function entryLine(
  entry: Entry,
  needsRoom: boolean,
  { nameOf, localTime, self }: Context,
): string | undefined {
  const [room] = entry.rooms;
  const place = needsRoom && room !== undefined ? ` ${nameOf(room)}` : "";
  const text = what(entry, self);
  return text === undefined ? undefined : `[${localTime(entry.timeMs)}${place}] ${text}`;
}

/** Undefined for what has no text. @param self the person who asked */
function what(entry: Entry, self: PersonId): string | undefined {
  const { displayName: name, text } = entry;
  const peer = entry.peer?.displayName ?? "somebody";
  const speaker = speakerName(entry);
  const reason = text === "" ? "" : `: ${text}`;
  switch (entry.kind) {
    case "say":
      return `<${name}> ${text}`;
    case "act":
      return `* ${speaker} ${text}`;
    case "notice":
      return `-${speaker}- ${text}`;
    case "whisper":
    case "whisperNotice":
    case "whisperAct": {
      const said = entry.kind === "whisperAct" ? `* ${text}` : text;
      if (entry.session !== self) return `*${speaker}* ${said}`;
      return `-> *${entry.peer === undefined ? peer : speakerName(entry.peer)}* ${said}`;
    }
    case "topic":
      return text === "" ? `-- ${name} took the topic away` : `-- the topic is now: ${text} (set by ${name})`;
    case "join":
      return `-- ${name} joined`;
    case "part":
      return `-- ${name} left the room${reason}`;
    case "leave":
      return `-- ${name} left${reason}`;
    case "nick":
      return `-- ${name} is now known as ${peer}`;
    case "kick":
      return `-- ${peer} was taken out of the room by ${name}${reason}`;
    case "mode":
      return `-- ${modeText(name, text, entry.peer?.displayName)}`;
    case "redact":
      return `-- ${name} took a message back`;
    case "tag":
    case "whisperTag":
      return undefined;
  }
}

/** As `+moderated`, `-voice` of a peer, `+ban nick`, `+limit 5`, `+name #room`. What was imported may be anything. */
const MODE = /^([+-])(\w+)(?: (.+))?$/su;

function modeText(by: string, text: string, peer: string | undefined): string {
  const [, sign, change = "", value = ""] = MODE.exec(text) ?? [];
  if (isChange(change)) return changeText(by, change, sign === "+", peer ?? value);
  if (isSetting(change)) return settingText(by, change, sign === "-" ? 0 : Number(value) || 1);
  if (text === `+name ${value}`) return `${by} renamed the room to ${value}`;
  return `${by} set ${text}${peer === undefined ? "" : ` for ${peer}`}`;
}
