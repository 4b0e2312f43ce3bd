import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import type { ChatState, Session } from "../../chat/index.ts";
import type { CapabilityOffer } from "./capabilities.ts";
import { isupportLines, isupportTokens } from "./isupport.ts";
import { TEXT_BYTES_MAX } from "./splitter.ts";

export interface IrcOptions {
  /** What it calls itself in front of what it says: a host's name. */
  serverName: string;
  networkName: string;
  version: string;
  startedMs: number;
  /** For people; empty: none. */
  motd: string;
  /** Whom to turn to, for ADMIN; empty: nobody is named. */
  admin: string;
  /** So many lines a second of one client, in the long run; 0: as many as it likes. */
  floodLines: number;
}

/** What all conversations in IRC of one process share. */
export class IrcServer {
  readonly options: IrcOptions;
  motd: string;
  /** A session is another object whenever anything of it changes. */
  readonly #sources = new WeakMap<Session, string>();
  #isupport: { readonly history: boolean; readonly lines: readonly string[] } | undefined;

  constructor(options: IrcOptions) {
    this.options = options;
    this.motd = options.motd;
  }

  get name(): string {
    return this.options.serverName;
  }

  /** `nick!user@host` of who does something. */
  sourceOf(session: Session): string {
    let source = this.#sources.get(session);
    if (source === undefined) {
      source = `${session.nick}!${userOf(session)}@${hostOf(session)}`;
      this.#sources.set(session, source);
    }
    return source;
  }

  isupport(state: ChatState): readonly string[] {
    const { networkName } = this.options;
    const history = state.store !== "none";
    if (this.#isupport?.history !== history)
      this.#isupport = { history, lines: isupportLines(isupportTokens({ networkName, history })) };
    return this.#isupport.lines;
  }

  offer(state: ChatState): CapabilityOffer {
    // Whoever keeps the past keeps the accounts. Where that process has died, what it is asked waits for the next one.
    const isKept = state.store !== "none";
    return {
      saslMechanisms: isKept ? ["PLAIN", "SCRAM-SHA-256"] : [],
      registration: isKept,
      history: isKept,
    };
  }
}

/** What stands for it in addresses: of who has said nothing of itself, something all the same. */
export function userOf({ user }: Pick<Session, "user">): string {
  return user === "" ? "user" : user;
}

export function hostOf({ host }: Pick<Session, "host">): string {
  return host === "" ? "localhost" : host;
}

/** What people see of it beside its nick. */
export function realNameOf({ realName, displayName }: Session): string {
  return realName === "" ? displayName : realName;
}

const CRLF = "\r\n";

/** As much of a text as a line may have, its end left out; no character is cut in two, and it is one line. */
function fitting(text: string): string {
  const line = oneLine(text);
  // A unit has three bytes at most.
  if (line.length * 3 <= TEXT_BYTES_MAX) return line;
  const bytes = encodeUtf8(line);
  if (bytes.length <= TEXT_BYTES_MAX) return line;
  let end = TEXT_BYTES_MAX;
  while ((bytes[end]! & 0xc0) === 0x80) end -= 1;
  return decodeUtf8(bytes.subarray(0, end));
}

/** Without what no line has in it: what was imported, or came another way than IRC, may. */
export function oneLine(text: string): string {
  return /[\r\n\0]/.test(text) ? text.replace(/[\r\n\0]+/g, " ") : text;
}

/** A line; what does not fit is cut off. @param tags with the `@`, and a blank behind them */
export function lineBytes(text: string, tags = ""): Uint8Array {
  return encodeUtf8(tags + fitting(text) + CRLF);
}

/** To whom there is no room for. */
export const ircTooManyUsers: Uint8Array = lineBytes(
  "ERROR :Too many users: this server is full, try again later",
);

/** Where lines go. */
export interface Sink {
  append(bytes: Uint8Array): void;
}
