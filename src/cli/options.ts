import { InvalidArgumentError } from "commander";
import { KiB, MiB } from "../base/index.ts";
import { A_DATE, parseMoment } from "../history/index.ts";
import { isPowerOfTwo } from "../log/index.ts";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What `chorus serve` was asked for; checked, defaults filled in. */
export interface ServeOptions {
  /** A name or an address of this machine. */
  host: string;
  /** 0: any free one. */
  port: number;
  maxClients: number;
  /** How many workers may run at once; then clients share them. */
  maxProcesses: number;
  /** How many workers without a client are kept ready. */
  spareProcesses: number;
  /** Of each process; a power of two. */
  ringBytes: number;
  /** A power of two. */
  orderEntries: number;
  /** The folder for the segment; must be on a file system in memory. */
  shmDir: string;
  /** The folder for what outlives the server; made where it does not exist. */
  data: string;
  /** What to call this server: with `data`, what tells its segment from those of others. */
  name: string;
  /** How long workers wait for a successor of a dead supervisor. */
  orphanMs: number;
  /** How much may wait for a client that does not read. */
  maxQueueBytes: number;
  /** How far a client may fall behind, in records, before it is let go. */
  maxLagRecords: number;
  /** What it calls itself in IRC: a host's name. */
  serverName: string;
  /** What it is called by people. */
  networkName: string;
  /** A file with the message of the day; undefined: none. */
  motdFile: string | undefined;
  /** Whom to turn to; empty: nobody is named. */
  admin: string;
  /** So many lines a second of one IRC client; 0: as many as it likes. */
  floodLines: number;
  /** Whether whoever is logged in stays in its rooms without a connection. */
  persistence: boolean;
  /** How the conversation is kept; undefined: not at all. */
  history: { keepMs: number | undefined; sync: boolean } | undefined;
  logLevel: LogLevel;
}

/** Which running server `chorus stop` and `chorus status` mean. */
export interface ControlOptions {
  data: string;
  name: string;
  shmDir: string;
  /** Print JSON instead of text for people. */
  json: boolean;
}

/** What `chorus join` was asked for. */
export interface JoinOptions {
  host: string;
  port: number;
  /** The name to ask for; null keeps the one that the server gives. */
  name: string | null;
  connectTimeoutMs: number;
}

/** What turns an argument's text into its value, or throws `InvalidArgumentError` with a reason for people. */
export type Parser<Value> = (text: string) => Value;

/** Whole decimal numbers from `low` to `high`, both included. */
export function integer(low: number, high: number = Number.MAX_SAFE_INTEGER): Parser<number> {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (!Number.isSafeInteger(value) || value < low || value > high) {
      const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

const SIZE_PATTERN = /^(\d{1,15})\s*(k|kib|m|mib|g|gib)?$/i;

/** Sizes in bytes, "262144", or with a unit: "256k", "256 KiB", "1MiB", "1g"; all units are powers of 1,024. */
export function byteSize(low: number, high: number = Number.MAX_SAFE_INTEGER): Parser<number> {
  const check = integer(low, high);
  return (text) => {
    const [, digits, unit = ""] = SIZE_PATTERN.exec(text.trim()) ?? [];
    if (digits === undefined) {
      throw new InvalidArgumentError("It must be a number of bytes, such as 262144, 256KiB or 1MiB.");
    }
    const factors: Record<string, number> = { k: KiB, m: MiB, g: KiB * MiB };
    return check(String(Number(digits) * (factors[unit.slice(0, 1).toLowerCase()] ?? 1)));
  };
}

const SPAN_PATTERN = /^(\d{1,6})\s*(h|d|w|y)$/i;
const HOUR_MS = 3_600_000;

/** Spans of time in milliseconds: "12h", "90d", "4w", "2y" (of 365 days). */
export const timeSpan: Parser<number> = (text) => {
  const [, digits, unit = ""] = SPAN_PATTERN.exec(text.trim()) ?? [];
  const hours: Record<string, number> = { h: 1, d: 24, w: 7 * 24, y: 365 * 24 };
  const value = Number(digits ?? 0) * (hours[unit.toLowerCase()] ?? 0) * HOUR_MS;
  if (value === 0) throw new InvalidArgumentError("It must be a span of time, such as 12h, 90d, 4w or 2y.");
  return value;
};

export function powerOfTwo(parse: Parser<number>): Parser<number> {
  return (text) => {
    const value = parse(text);
    if (!isPowerOfTwo(value)) {
      const below = 2 ** Math.floor(Math.log2(value));
      throw new InvalidArgumentError(`It must be a power of two: ${below} or ${below * 2}, for example.`);
    }
    return value;
  };
}

/** A host's name or address. Digits alone are an address to the system, but a port to the person who wrote them. */
export const hostName: Parser<string> = (text) => {
  if (/^\d+$/.test(text)) throw new InvalidArgumentError(`The host comes before the port: 127.0.0.1 ${text}`);
  if (!/^[^\s/]+$/.test(text)) throw new InvalidArgumentError("It must be a host's name or address.");
  return text;
};

/** What a server is called: goes into file names. */
export const serverName: Parser<string> = (text) => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text)) {
    throw new InvalidArgumentError("It must be 1 to 64 letters, digits, dots, dashes and underscores.");
  }
  return text;
};

/** A server's name in IRC: like that of a host, which is known by its dots. */
export const ircServerName: Parser<string> = (text) => {
  if (!/^(?=.{1,63}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text))
    throw new InvalidArgumentError("It must look like a host's name, with a dot: irc.example.org.");
  return text;
};

/** What ISUPPORT can tell in one word. */
export const networkName: Parser<string> = (text) => {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(text))
    throw new InvalidArgumentError("It must be 1 to 32 letters, digits, dots, dashes and underscores.");
  return text;
};

/** One line of text for people. */
export const oneLine: Parser<string> = (text) => {
  if (/\p{Cc}/u.test(text) || text.length > 200)
    throw new InvalidArgumentError("It must be one line of up to 200 characters.");
  return text;
};

/** A person's name, in any script. Whether it is allowed and free is the server's to say; here it must be one line. */
export const personName: Parser<string> = (text) => {
  const name = text.trim();
  if (name === "" || /\p{Cc}/u.test(name)) {
    throw new InvalidArgumentError("It must be a name on one line, without control characters.");
  }
  return name;
};

/** A point in time, in milliseconds since 1970: a date, or a span of time ago. */
export const moment: Parser<number> = (text) => {
  const timeMs = parseMoment(text.trim(), Date.now());
  if (timeMs === undefined) throw new InvalidArgumentError(`It must be ${A_DATE}.`);
  return timeMs;
};

/** A room's name, which begins with the # that begins a comment in a shell: it may be left out. */
export const roomName: Parser<string> = (text) => {
  if (text === "" || text === "#") throw new InvalidArgumentError("It must be the name of a room.");
  return text.startsWith("#") ? text : `#${text}`;
};

export const importableFile: Parser<string> = (text) => {
  if (text === "-")
    throw new InvalidArgumentError(
      "An import reads its file twice, and cannot read standard input: name a file.",
    );
  return newFile(text);
};

export const newFile: Parser<string> = (text) => {
  if (text === "" || text.includes("\0")) throw new InvalidArgumentError("It must be a file's path.");
  return text;
};

export const directory: Parser<string> = (text) => {
  if (text === "" || text.includes("\0")) throw new InvalidArgumentError("It must be a folder's path.");
  return text;
};
