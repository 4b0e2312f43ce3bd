/*
 * What the supervisor and its children say to each other on their seat sockets: who serves which client, never what
 * anybody says in the chat. A message is a type byte, a number of 53 bits, and text; descriptors travel beside it.
 */
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import type { Protocol, SessionId } from "../chat/index.ts";

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
  /** From any: my state is complete. */
  | { readonly type: "ready" }
  /** From any: a line for the server's log. */
  | { readonly type: "log"; readonly level: LogLevel; readonly text: string };

const TYPES = ["greet", "seat", "nudge", "end", "verdict", "done", "ready", "log", "left"] as const;
const PROTOCOLS: readonly Protocol[] = ["plain"];
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Longer lines of the server's log are cut. */
const LOG_TEXT_BYTES_MAX = 2000;

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
        .raw(encodeUtf8(message.text).subarray(0, LOG_TEXT_BYTES_MAX))
        .finish();
    case "nudge":
    case "end":
    case "ready":
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
        text: decodeUtf8(reader.raw(reader.remaining)),
      };
    case "nudge":
    case "end":
    case "ready":
      return { type };
  }
}

function pick<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no such value: ${index}`);
  return value;
}
