/*
 * What the supervisor and its children say to each other on their seat sockets: who serves which client, how the
 * history is doing, and what is asked of the accounts; never what anybody says in the chat. A message is a type byte,
 * numbers, and text; descriptors travel beside it.
 */
import { type UserCommand, decodeUserCommand, encodeUserCommand } from "../accounts/index.ts";
import { ByteReader, ByteWriter, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { PROTOCOLS, type Protocol, type SessionId } from "../chat/index.ts";
import { IMPORT_PHASES, type ImportProgress, type ImportResult } from "../history/index.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Where the log says that a session is: with the process that has its connection, with another, or nowhere. */
export type SeatOfHeld = "here" | "elsewhere" | "nowhere";
const SEATS: readonly SeatOfHeld[] = ["here", "elsewhere", "nowhere"];

const NO_PROTOCOL = 255;
const FULL = 1;
const LEAVING = 2;

/** A process, and which of those that have had its number. */
interface Addressee {
  readonly process: number;
  readonly generation: number;
}

export type SeatMessage =
  /** To the greeter, with a connection: find out what it speaks. `full`: it cannot stay, tell it so. */
  | { readonly type: "greet"; readonly session: SessionId; readonly full: boolean }
  /** To a worker, with a connection: serve it as this session, once the log says so. */
  | { readonly type: "seat"; readonly session: SessionId; readonly protocol: Protocol }
  /**
   * To a worker, with a connection: go on with it where its process stopped, which had read the log up to
   * `servedThrough` and is dead. `more`: so many of the same process follow, and nothing is read before they are
   * here.
   */
  | {
      readonly type: "take";
      readonly session: SessionId;
      readonly protocol: Protocol;
      readonly servedThrough: number;
      readonly more: number;
    }
  /** To any, with two bells, from a supervisor that takes the place of its dead predecessor: tell me what you have. */
  | { readonly type: "adopt" }
  /** The answer; one "held" for each of `clients` follows. `nextSession`: greater than any session that it knows. */
  | {
      readonly type: "adopted";
      readonly ready: boolean;
      readonly format: number;
      readonly clients: number;
      readonly nextSession: SessionId;
      readonly version: string;
    }
  /**
   * From who has been adopted, with a connection and its area: this client is mine. Without a protocol: it is being
   * greeted. `seat`: whether the log says so, too.
   */
  | {
      readonly type: "held";
      readonly session: SessionId;
      readonly protocol: Protocol | undefined;
      readonly full: boolean;
      readonly leaving: boolean;
      readonly seat: SeatOfHeld;
    }
  /** To any: another supervisor comes soon, wait for it. And the greeter's answer, which hands nobody on until then. */
  | { readonly type: "hold" }
  /** To any, after "hold": no other supervisor comes after all. */
  | { readonly type: "carryOn" }
  | { readonly type: "holding" }
  /** From a worker: the log says that the client that it took is its own. */
  | { readonly type: "taken"; readonly session: SessionId }
  /** To a replica: tell this process the state, as soon as you have applied all that comes before `from`. */
  | ({ readonly type: "tell"; readonly from: number } & Addressee)
  /**
   * From a replica, with memory that holds a snapshot; and on to the process that waits for it: the state after the
   * record `through`. Without memory: it is the first state that there is.
   */
  | ({ readonly type: "state"; readonly through: number } & Addressee)
  /** To any: there is news in the log that concerns you. */
  | { readonly type: "nudge" }
  /** To a worker or a greeter: nobody comes to you any more. */
  | { readonly type: "end" }
  /** From the greeter, which has let go of the connection: it speaks this. */
  | { readonly type: "verdict"; readonly session: SessionId; readonly protocol: Protocol }
  /** From a worker: this client has left, its place is free; the connection still takes its last words. */
  | { readonly type: "left"; readonly session: SessionId }
  /** From greeter or worker: this connection is shut down; drop what you hold of it. */
  | { readonly type: "done"; readonly session: SessionId }
  /** From any: my state is complete. `format`: of the records that it understands. `version`: of its program. */
  | { readonly type: "ready"; readonly format: number; readonly version: string }
  /** From any: a line for the server's log. */
  | { readonly type: "log"; readonly level: LogLevel; readonly text: string }
  /** From the history process: whether the store can be written; before it is ready, and when that changes. */
  | { readonly type: "store"; readonly failed: boolean }
  /** To the history process: import this file. `id` tells its reports from those of other imports. */
  | { readonly type: "import"; readonly id: number; readonly path: string }
  /**
   * From a worker, on to the history process: a request to the vault, see src/accounts/vaultMessages.ts. And the same
   * way back, its reply. The supervisor says which worker it is; what that says itself does not count.
   */
  | ({ readonly type: "vault"; readonly session: SessionId; readonly bytes: Uint8Array } & Addressee)
  /** To the history process: somebody who runs the server wants this done. `id`: to tell the answers apart. */
  | { readonly type: "userCommand"; readonly id: number; readonly command: UserCommand }
  /** From the history process: why it was not done; empty: it was. */
  | { readonly type: "userAnswer"; readonly id: number; readonly text: string }
  /** From a worker, one of whose clients is an operator: read what is read from files anew. */
  | { readonly type: "rehash" }
  /** To a worker: the message of the day is this from now on. */
  | { readonly type: "motd"; readonly text: string }
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
  "take",
  "taken",
  "tell",
  "state",
  "adopt",
  "adopted",
  "held",
  "hold",
  "holding",
  "carryOn",
  "vault",
  "userCommand",
  "userAnswer",
  "rehash",
  "motd",
] as const;
const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/** Longer lines of the server's log, and longer reasons, are cut. */
const TEXT_BYTES_MAX = 2000;
/** A longer message of the day is cut. */
export const MOTD_BYTES_MAX = 3500;
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
    case "take":
      return writer
        .uint53(message.session)
        .uint8(PROTOCOLS.indexOf(message.protocol))
        .uint53(message.servedThrough)
        .uint32(message.more)
        .finish();
    case "left":
    case "done":
    case "taken":
      return writer.uint53(message.session).finish();
    case "tell":
      return writer.uint16(message.process).uint32(message.generation).uint53(message.from).finish();
    case "state":
      return writer.uint16(message.process).uint32(message.generation).uint53(message.through).finish();
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
    case "userAnswer":
      return writer.uint53(message.id).raw(encodeUtf8(message.text).subarray(0, TEXT_BYTES_MAX)).finish();
    case "vault":
      return writer
        .uint16(message.process)
        .uint32(message.generation)
        .uint53(message.session)
        .raw(message.bytes)
        .finish();
    case "userCommand":
      return writer.uint53(message.id).raw(encodeUserCommand(message.command)).finish();
    case "ready":
      return writer.uint16(message.format).raw(encodeUtf8(message.version)).finish();
    case "adopted":
      return writer
        .uint8(message.ready ? 1 : 0)
        .uint16(message.format)
        .uint32(message.clients)
        .uint53(message.nextSession)
        .raw(encodeUtf8(message.version))
        .finish();
    case "held":
      return writer
        .uint53(message.session)
        .uint8(message.protocol === undefined ? NO_PROTOCOL : PROTOCOLS.indexOf(message.protocol))
        .uint8((message.full ? FULL : 0) | (message.leaving ? LEAVING : 0))
        .uint8(SEATS.indexOf(message.seat))
        .finish();
    case "motd":
      return writer.raw(encodeUtf8(message.text).subarray(0, MOTD_BYTES_MAX)).finish();
    case "rehash":
    case "nudge":
    case "end":
    case "adopt":
    case "hold":
    case "holding":
    case "carryOn":
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
    case "take":
      return {
        type,
        session: reader.uint53(),
        protocol: pick(PROTOCOLS, reader.uint8()),
        servedThrough: reader.uint53(),
        more: reader.uint32(),
      };
    case "left":
    case "done":
    case "taken":
      return { type, session: reader.uint53() };
    case "tell":
      return { type, process: reader.uint16(), generation: reader.uint32(), from: reader.uint53() };
    case "state":
      return { type, process: reader.uint16(), generation: reader.uint32(), through: reader.uint53() };
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
    case "userAnswer":
      return { type, id: reader.uint53(), text: rest(reader) };
    case "vault":
      return {
        type,
        process: reader.uint16(),
        generation: reader.uint32(),
        session: reader.uint53(),
        bytes: reader.raw(reader.remaining),
      };
    case "userCommand": {
      const id = reader.uint53();
      const command = decodeUserCommand(reader.raw(reader.remaining));
      if (command === undefined) throw new RangeError("no such command");
      return { type, id, command };
    }
    case "ready":
      return { type, format: reader.uint16(), version: rest(reader) };
    case "adopted":
      return {
        type,
        ready: reader.uint8() === 1,
        format: reader.uint16(),
        clients: reader.uint32(),
        nextSession: reader.uint53(),
        version: rest(reader),
      };
    case "held": {
      const session = reader.uint53();
      const protocol = reader.uint8();
      const flags = reader.uint8();
      return {
        type,
        session,
        protocol: protocol === NO_PROTOCOL ? undefined : pick(PROTOCOLS, protocol),
        full: (flags & FULL) !== 0,
        leaving: (flags & LEAVING) !== 0,
        seat: pick(SEATS, reader.uint8()),
      };
    }
    case "motd":
      return { type, text: rest(reader) };
    case "rehash":
    case "nudge":
    case "end":
    case "adopt":
    case "hold":
    case "holding":
    case "carryOn":
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
