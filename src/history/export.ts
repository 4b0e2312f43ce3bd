/*
 * Entries as text, JSON or CSV. docs/history.md describes the fields; JSON is what an import takes back.
 */
import { unreachable } from "../base/index.ts";
import type { Person } from "../chat/index.ts";
import { type NamedEntry, isPrivate } from "./entry.ts";
import { formatIso } from "./time.ts";

export type ExportFormat = "text" | "json" | "csv";

/** Each line with its end. */
export function* formatEntries(entries: Iterable<NamedEntry>, format: ExportFormat): Generator<string, void> {
  if (format === "csv") yield csvLine(CSV_COLUMNS);
  for (const entry of entries) yield formatEntry(entry, format);
}

function formatEntry(entry: NamedEntry, format: ExportFormat): string {
  switch (format) {
    case "text":
      return `${textLine(entry)}\n`;
    case "json":
      return `${jsonLine(entry)}\n`;
    case "csv":
      return csvLine(csvFields(entry));
    default:
      return unreachable(format);
  }
}

/** One object; the fields stand in this order, and only where there are any: `peer`, `tags`, `account`, `address`. */
export function jsonLine(entry: NamedEntry): string {
  const { sequence, kind, rooms, session, nick, displayName, peer, text } = entry;
  const time = formatIso(entry.timeMs);
  const other = peer && { session: peer.session, nick: peer.nick, displayName: peer.displayName };
  const fields = { sequence, time, kind, rooms, session, nick, displayName, peer: other, text };
  const [tags, account, address] = [entry.tags, entry.account, entry.address].map(
    (each) => each || undefined,
  );
  return JSON.stringify({ ...fields, tags, account, address });
}

/** What would break a line or steer a terminal. */
const CONTROLS = /[\p{Cc}\u2028\u2029]/gu;

/** For people: an entry is one line, whatever is in it. Times are in UTC, without their fractions. */
function textLine(entry: NamedEntry): string {
  const time = formatIso(entry.timeMs).slice(0, "2026-11-25T06:12:22".length).replace("T", " ");
  const where = isPrivate(entry) ? "(private)" : entry.rooms.join(",") || "(no room)";
  return `${time} ${where} ${sentence(entry)}`.replace(CONTROLS, " ");
}

function sentence(entry: NamedEntry): string {
  const { kind, displayName: who, text } = entry;
  const because = text === "" ? "" : `: ${text}`;
  switch (kind) {
    case "say":
      return `<${who}> ${text}`;
    case "act":
      return `* ${who} ${text}`;
    case "notice":
      return `-${who}- ${text}`;
    case "tag":
      return `-- ${who} reacted: ${entry.tags}`;
    case "whisper":
      return `<${who} to ${nameOf(entry.peer)}> ${text}`;
    case "whisperAct":
      return `* ${who} to ${nameOf(entry.peer)}: ${text}`;
    case "whisperNotice":
      return `-${who} to ${nameOf(entry.peer)}- ${text}`;
    case "whisperTag":
      return `-- ${who} reacted, to ${nameOf(entry.peer)}: ${entry.tags}`;
    case "topic":
      return text === "" ? `-- ${who} took the topic away` : `-- ${who} set the topic: ${text}`;
    case "join":
      return `-- ${who} joined`;
    case "part":
      return `-- ${who} left the room${because}`;
    case "leave":
      return `-- ${who} left${because}`;
    case "nick":
      return `-- ${who} is now called ${nameOf(entry.peer)}`;
    case "kick":
      return `-- ${who} kicked ${nameOf(entry.peer)}${because}`;
    case "mode":
      return `-- ${who} set mode ${text}`;
    case "redact": {
      const [message, ...reason] = text.split(" ");
      return `-- ${who} deleted entry ${message}${reason.length === 0 ? "" : `: ${reason.join(" ")}`}`;
    }
    default:
      return unreachable(kind);
  }
}

function nameOf(peer: Person | undefined): string {
  return peer?.displayName ?? "somebody";
}

const CSV_COLUMNS: readonly string[] = [
  "sequence",
  "time",
  "kind",
  "rooms",
  "session",
  "nick",
  "display_name",
  "peer_session",
  "peer_nick",
  "peer_display_name",
  "text",
  "tags",
  "account",
  "address",
];

function csvFields(entry: NamedEntry): string[] {
  const { peer } = entry;
  return [
    String(entry.sequence),
    formatIso(entry.timeMs),
    entry.kind,
    entry.rooms.join(" "),
    String(entry.session),
    entry.nick,
    entry.displayName,
    String(peer?.session ?? ""),
    peer?.nick ?? "",
    peer?.displayName ?? "",
    entry.text,
    entry.tags,
    entry.account,
    entry.address,
  ];
}

/**
 * RFC 4180. Text is what people have said, to the letter: one that begins with "=" is a formula for a spreadsheet, and
 * has to be imported there as text.
 */
function csvLine(fields: readonly string[]): string {
  const escaped = fields.map((field) =>
    /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field,
  );
  return `${escaped.join(",")}\r\n`;
}
