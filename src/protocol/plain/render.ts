import { encodeUtf8 } from "../../base/index.ts";
import type { ChatState, Effect, Session, SessionId } from "../../chat/index.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";

/** Where lines go. */
export interface Sink {
  append(bytes: Uint8Array): void;
}

type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;

/** More names are not listed in the greeting. */
const GREETING_NAMES_MAX = 20;

const LF = Uint8Array.of(0x0a);
const NOTHING = "";

export const tooManyUsers: Uint8Array = encodeUtf8(
  "-- too many users: this server is full, try again later\n",
);
export const tooLongNotice: Uint8Array = encodeUtf8(
  `-- that line is longer than ${LINE_BYTES_MAX} bytes and was not sent\n`,
);
export const stoppingNotice: Uint8Array = encodeUtf8("-- the server is stopping\n");

/**
 * Effects as lines. What people say begins with `<name> ` or `* name `, what the server says with `-- `: nobody can
 * say a line that looks like the server's.
 */
export class PlainRenderer {
  readonly #serverName: string;
  /** The bytes before what somebody says. A session is another object whenever its name changes. */
  readonly #prefixes = new WeakMap<Session, { said: Uint8Array; acted: Uint8Array }>();

  constructor(serverName: string) {
    this.#serverName = serverName;
  }

  said(sink: Sink, { kind, session, text }: EffectOf<"said" | "acted">): void {
    let prefix = this.#prefixes.get(session);
    if (prefix === undefined) {
      prefix = {
        said: encodeUtf8(`<${session.displayName}> `),
        acted: encodeUtf8(`* ${session.displayName} `),
      };
      this.#prefixes.set(session, prefix);
    }
    sink.append(prefix[kind]);
    sink.append(text);
    sink.append(LF);
  }

  arrived(sink: Sink, { session }: EffectOf<"arrived">): void {
    sink.append(this.notice(`${session.displayName} joined`));
  }

  renamed(sink: Sink, { session, previous }: EffectOf<"renamed">): void {
    sink.append(this.notice(`${previous.displayName} is now known as ${fullName(session)}`));
  }

  left(sink: Sink, { session, reason, text }: EffectOf<"left">): void {
    if (reason !== "quit" || text.length === 0) {
      const why = reason === "quit" || reason === "hung up" ? NOTHING : ` (${reason})`;
      sink.append(this.notice(`${session.displayName} left${why}`));
      return;
    }
    sink.append(encodeUtf8(`-- ${session.displayName} left: `));
    sink.append(text);
    sink.append(LF);
  }

  stopping(sink: Sink): void {
    sink.append(stoppingNotice);
  }

  /** To a newcomer, whoever is there already. */
  welcome(state: ChatState, session: SessionId): Uint8Array {
    const self = state.sessions.get(session)?.displayName ?? NOTHING;
    const others: string[] = [];
    for (const other of state.sessions.values()) {
      if (other.id !== session && others.length < GREETING_NAMES_MAX) others.push(other.displayName);
    }
    const count = state.sessions.size - (state.sessions.has(session) ? 1 : 0);
    const more = count > others.length ? `, and ${count - others.length} more` : NOTHING;
    const company =
      count === 0
        ? "Nobody else is here."
        : `${count} other${count === 1 ? "" : "s"} here: ${others.join(", ")}${more}.`;
    return this.notice(`welcome to ${this.#serverName}, ${self}. ${company} /help lists the commands.`);
  }

  /** To the one who asked. */
  reply(effect: EffectOf<"nickRefused" | "whoReply">): Uint8Array {
    if (effect.kind === "whoReply")
      return this.notice(`${effect.sessions.length} here: ${effect.sessions.map(fullName).join(", ")}`);
    return this.notice(
      effect.reason === "taken" ? `the name ${effect.name} is taken` : `${effect.name} cannot be a name`,
    );
  }

  notice(text: string): Uint8Array {
    return encodeUtf8(`-- ${text}\n`);
  }
}

function fullName({ displayName, nick }: Session): string {
  return displayName === nick ? nick : `${displayName} (${nick})`;
}
