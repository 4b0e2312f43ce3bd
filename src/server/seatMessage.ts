/*
 * What the supervisor and its children say to each other on their seat sockets: who serves which client, and how the
 * history is doing, never what anybody says in the chat. A message is a type byte, numbers, and text; descriptors
 * travel beside it.
 */
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { PROTOCOLS, type Protocol, type SessionId } from "../chat/index.ts";
import { IMPORT_PHASES, type ImportProgress, type ImportResult } from "../history/index.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export type SeatMessage =
  /** To the greeter, with a connection: find out what it speaks. `full`: it cannot stay, tell it so. */
  | { readonly type: "greet"; readonly session: SessionId; readonly full: boolean }
  /** To a worker, with a connection: serve it as this session, once the log says so. */
  | { readonly type: "seat"; readonly session: SessionId; readonly protocol: Protocol }
  /** To any: there is news in the log that concerns you. */
  | { readonly type: "nudge" }
  /** To a worker: you will get no client any more. */
  | { readonly type: "end" }
  /** From the greeter, which has let go of the connection: it speaks this. */
  | { readonly type: "verdict"; readonly session: SessionId; readonly protocol: Protocol }
  /** From a worker: this client has left, its place is free; the connection still takes its last words. */
  | { readonly type: "left"; readonly session: SessionId }
  /** From greeter or worker: this connection is shut down; drop what you hold of it. */
  | { readonly type: "done"; readonly session: SessionId }
  /** From any: my state is complete, and I understand records up to this format. */
  | { readonly type: "ready"; readonly format: number }
  /** From any: a line for the server's log. */
  | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
  /** From the history process: whether the store can be written; before it is ready, and when that changes. */
  | { readonly type: "store"; readonly failed: boolean }
  /** To the history process: import this file. `id` tells its reports from those of other imports. */
  | { readonly type: "import"; readonly id: number; readonly path: string }
  | ImportReport;

/** From the history process, how an import goes: how far it is, now and then; what came of it, once and at last. */
export type ImportReport =
  | ({ readonly type: "importing"; readonly id: number } & ImportProgress)
  | ({ readonly type: "imported"; readonly id: number } & ImportResult)
  /** `text`: why, for people. */
  | { readonly type: "importFailed"; readonly id: number; readonly text: string };

const TYPES = [
  "greet",
  "seat",
  "nudge",
  "end",
  "verdict",
  "done",
  "ready",
  "log",
  "left",
  "store",
  "import",
  "importing",
  "imported",
  "importFailed",
] as const;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Longer lines of the server's log, and longer reasons, are cut. */
const TEXT_BYTES_MAX = 2000;
/** Longer paths do not fit, in bytes. The system allows 4,096. */
export const PATH_BYTES_MAX = 4000;

export function encodeSeatMessage(message: SeatMessage): Uint8Array {
  const writer = new ByteWriter().uint8(TYPES.indexOf(message.type));
  switch (message.type) {
    case "greet":
      return writer
        .uint53(message.session)
        .uint8(message.full ? 1 : 0)
        .finish();
    case "seat":
    case "verdict":
      return writer.uint53(message.session).uint8(PROTOCOLS.indexOf(message.protocol)).finish();
    case "left":
    case "done":
      return writer.uint53(message.session).finish();
    case "log":
      return writer
        .uint8(LEVELS.indexOf(message.level))
        .raw(encodeUtf8(message.text).subarray(0, TEXT_BYTES_MAX))
        .finish();
    case "store":
      return writer.uint8(message.failed ? 1 : 0).finish();
    case "import":
      return writer.uint53(message.id).raw(encodeUtf8(message.path)).finish();
    case "importing":
      return writer
        .uint53(message.id)
        .uint8(IMPORT_PHASES.indexOf(message.phase))
        .uint53(message.lines)
        .finish();
    case "imported":
      return writer
        .uint53(message.id)
        .uint53(message.stored)
        .uint53(message.skipped)
        .uint8(message.renumbered ? 1 : 0)
        .finish();
    case "importFailed":
      return writer.uint53(message.id).raw(encodeUtf8(message.text).subarray(0, TEXT_BYTES_MAX)).finish();
    case "ready":
      return writer.uint16(message.format).finish();
    case "nudge":
    case "end":
      return writer.finish();
  }
}

/** @throws TruncatedError or RangeError for what no Chorus process sends: the sender is broken and has to be ended */
export function decodeSeatMessage(bytes: Uint8Array): SeatMessage {
  const reader = new ByteReader(bytes);
  const type = pick(TYPES, reader.uint8());
  switch (type) {
    case "greet":
      return { type, session: reader.uint53(), full: reader.uint8() === 1 };
    case "seat":
    case "verdict":
      return { type, session: reader.uint53(), protocol: pick(PROTOCOLS, reader.uint8()) };
    case "left":
    case "done":
      return { type, session: reader.uint53() };
    case "log":
      return {
        type,
        level: pick(LEVELS, reader.uint8()),
        text: rest(reader),
      };
    case "store":
      return { type, failed: reader.uint8() === 1 };
    case "import":
      return { type, id: reader.uint53(), path: rest(reader) };
    case "importing":
      return {
        type,
        id: reader.uint53(),
        phase: pick(IMPORT_PHASES, reader.uint8()),
        lines: reader.uint53(),
      };
    case "imported":
      return {
        type,
        id: reader.uint53(),
        stored: reader.uint53(),
        skipped: reader.uint53(),
        renumbered: reader.uint8() === 1,
      };
    case "importFailed":
      return { type, id: reader.uint53(), text: rest(reader) };
    case "ready":
      return { type, format: reader.uint16() };
    case "nudge":
    case "end":
      return { type };
  }
}

function rest(reader: ByteReader): string {
  return decodeUtf8(reader.raw(reader.remaining));
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no such value: ${index}`);
  return value;
}
