import { concatBytes, encodeUtf8, unreachable } from "../../base/index.ts";
import {
  type ChatState,
  type Effect,
  type EffectOf,
  type HistoryQuestion,
  NO_ROOM,
  type PersonId,
  RANKS,
  type Rank,
  type Role,
  type RoomId,
  type Session,
  type SessionId,
  policyText,
  principalOf,
} from "../../chat/index.ts";
import { type PastAnswer, renderAnswer } from "./past.ts";
import { refusalText, replyText, roomGreeting } from "./replies.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";
import { shownLines, shownText } from "./text.ts";
import { changeText, fullName, settingText, speakerName } from "./words.ts";

/** Where lines go. */
export interface Sink {
  append(bytes: Uint8Array): void;
}

/** Told to all who are in a room. */
export type RoomEffect = EffectOf<
  | "joined"
  | "parted"
  | "said"
  | "acted"
  | "noticed"
  | "topicSet"
  | "kicked"
  | "restricted"
  | "modeSet"
  | "settingSet"
  | "knocked"
>;
/** Told to all who share a room with somebody. */
export type NeighbourEffect = EffectOf<"renamed" | "left" | "described">;
/** Told to a room, or to both of a whisper. */
export type RedactedEffect = EffectOf<"redacted">;
/** Told to one alone. */
export type OwnEffect = Effect;

const LF = Uint8Array.of(0x0a);
const NOTHING = new Uint8Array(0);

export const tooManyUsers: Uint8Array = encodeUtf8(
  "-- too many users: this server is full, try again later\n",
);
export const tooLongNotice: Uint8Array = encodeUtf8(
  `-- that line is longer than ${LINE_BYTES_MAX} bytes and was not sent\n`,
);
export const stoppingNotice: Uint8Array = encodeUtf8("-- the server is stopping\n");
/** Above what somebody missed who could not keep up, or was not there, and below it. */
export const missedNotice: Uint8Array = encodeUtf8("-- what you missed:\n");
export const caughtUpNotice: Uint8Array = encodeUtf8("-- that is all; from here on it is live\n");

const ROLE_TEXTS: Readonly<Record<Role, string>> = {
  user: "you have no part in running this server",
  moderator: "you are a moderator of this server",
  operator: "you are an operator of this server",
};

type Prefixes = Readonly<Record<"said" | "acted" | "noticed", Uint8Array>>;

/**
 * Effects as lines. What people say begins with `<name> `, `* name `, `-name- ` or `*name* `, what the server says with
 * `-- `; what comes from another room than the one in focus has that in front: `[#dev] <alice> hi`. Nobody can say a
 * line that looks like the server's or another's.
 */
export class PlainRenderer {
  readonly #serverName: string;
  readonly #localTime: (timeMs: number) => string;
  /** The bytes before what somebody says. A session is another object whenever its name changes. */
  readonly #prefixes = new WeakMap<Session, Prefixes>();
  /** The bytes before lines from elsewhere, for the name that the room has. */
  readonly #asides = new Map<RoomId, { readonly name: string; readonly bytes: Uint8Array }>();

  /** @param localTime a point in time as people write it where the server is */
  constructor(serverName: string, localTime: (timeMs: number) => string) {
    this.#serverName = serverName;
    this.#localTime = localTime;
  }

  /** A line for those in a room. @param isFocused whether they are to see it as of the room that they are in */
  line(sink: Sink, effect: RoomEffect | NeighbourEffect | RedactedEffect, isFocused: boolean): void {
    switch (effect.kind) {
      case "renamed":
      case "left":
      case "described":
        this.#neighbourLine(sink, effect);
        return;
      case "redacted":
        if (!isFocused && effect.room !== undefined) sink.append(this.#aside(effect.room));
        sink.append(this.#redactedLine(effect));
        return;
      case "said":
      case "acted":
      case "noticed":
        this.#spoken(sink, effect, isFocused);
        return;
      default:
        if (!isFocused) sink.append(this.#aside(effect.room));
        this.#roomLine(sink, effect);
    }
  }

  /** Each line of what is said begins alike: nothing that one line says can look like another's. */
  #spoken(
    sink: Sink,
    { kind, session, room, text }: EffectOf<"said" | "acted" | "noticed">,
    isFocused: boolean,
  ): void {
    const prefix = this.#prefixOf(session)[kind];
    for (const line of shownLines(text)) {
      if (!isFocused) sink.append(this.#aside(room));
      sink.append(prefix);
      sink.append(line);
      sink.append(LF);
    }
  }

  #roomLine(sink: Sink, effect: Exclude<RoomEffect, { kind: "said" | "acted" | "noticed" }>): void {
    switch (effect.kind) {
      case "joined":
        sink.append(this.notice(`${effect.session.displayName} joined`));
        return;
      case "parted":
        sink.append(withReason(`${effect.session.displayName} left the room`, effect.text));
        return;
      case "kicked": {
        const { session, target, text } = effect;
        sink.append(
          withReason(`${target.displayName} was taken out of the room by ${session.displayName}`, text),
        );
        return;
      }
      case "topicSet": {
        const { text } = effect.room.topic ?? { text: undefined };
        const who = effect.session.displayName;
        sink.append(
          this.notice(
            text === undefined ? `${who} took the topic away` : `the topic is now: ${text} (set by ${who})`,
          ),
        );
        return;
      }
      case "restricted": {
        const { session, restriction, on } = effect;
        const { kind, mask } = restriction;
        sink.append(this.notice(changeText(session.displayName, kind, on, mask)));
        return;
      }
      case "settingSet":
        sink.append(this.notice(changedSetting(effect)));
        return;
      case "knocked":
        sink.append(withReason(`${effect.session.displayName} asks to be invited (/invite)`, effect.text));
        return;
      case "modeSet":
        sink.append(this.notice(modeText(effect)));
        return;
      default:
        unreachable(effect);
    }
  }

  #neighbourLine(sink: Sink, effect: NeighbourEffect): void {
    if (effect.kind === "renamed" || effect.kind === "described") {
      sink.append(this.notice(`${effect.previous.displayName} is now known as ${fullName(effect.session)}`));
      return;
    }
    const { session, reason, text } = effect;
    if (reason === "quit") sink.append(withReason(`${session.displayName} left`, text));
    else {
      const why = reason === "hung up" ? "" : ` (${reason})`;
      sink.append(this.notice(`${session.displayName} left${why}`));
    }
  }

  /** Told to each of a room by itself, as programs want it. */
  renamedLine({ session, room, previous, text }: EffectOf<"roomRenamed">, isFocused: boolean): Uint8Array {
    const told = withReason(`${session.displayName} renamed ${previous.name} to ${room.name}`, text);
    return isFocused ? told : concatBytes([this.#aside(room), told]);
  }

  #redactedLine({ session }: RedactedEffect): Uint8Array {
    return this.notice(`${session.displayName} took a message back`);
  }

  /** What is for one alone; undefined: nothing. @param client whose line it is, where an effect concerns two */
  reply(effect: OwnEffect, state: ChatState, client: SessionId): Uint8Array | undefined {
    const seated = state.sessions.get(client);
    const self = seated === undefined ? client : principalOf(state, seated).id;
    switch (effect.kind) {
      case "arrived":
        return this.notice(
          `welcome to ${this.#serverName}, ${effect.session.displayName}. /help lists the commands.`,
        );
      case "joined":
        return this.notice(roomGreeting("you are in", state, effect.room, self));
      case "focused":
        return this.notice(roomGreeting("you are back in", state, effect.room, self));
      case "parted":
        return this.notice(`you left ${effect.room.name}; ${focusText(state, self)}`);
      case "kicked": {
        const { session, room, text } = effect;
        const head = `${session.displayName} took you out of ${room.name}`;
        return concatBytes([withReason(head, text), this.notice(focusText(state, self))]);
      }
      case "whispered": {
        const { session, to, text, speech } = effect;
        if (speech === "tag") return undefined;
        const isSender = session.id === self;
        const name = isSender ? `-> *${speakerName(to)}* ` : `*${speakerName(session)}* `;
        const prefix = encodeUtf8(speech === "act" ? `${name}* ` : name);
        const said = shownLines(text).flatMap((line) => [prefix, line, LF]);
        const away =
          isSender && to.away !== "" ? this.notice(`${to.displayName} is away: ${to.away}`) : NOTHING;
        return concatBytes([...said, away]);
      }
      case "attached":
        return this.notice(attachedText(effect.session, state));
      case "accountChanged": {
        const { account } = effect.session;
        return this.notice(account === "" ? "you are logged in no more" : `you are logged in as ${account}`);
      }
      case "roleChanged":
        return this.notice(ROLE_TEXTS[effect.session.role]);
      case "renamed":
      case "described": {
        if (effect.session.displayName === effect.previous.displayName && effect.kind === "described")
          return undefined;
        return this.notice(`${effect.previous.displayName} is now known as ${fullName(effect.session)}`);
      }
      case "invited": {
        const { session, target, room } = effect;
        if (target.id !== self) return this.notice(`you invited ${target.displayName} to ${room.name}`);
        return this.notice(`${session.displayName} invites you to ${room.name}; /join ${room.name}`);
      }
      case "knocked":
        return this.notice(`those who run ${effect.room.name} know that you want to come in`);
      case "policySet":
        return this.notice(policyText(effect, effect.session?.displayName));
      case "announced":
        return withReason(`${effect.session.displayName} to all`, effect.text);
      case "killed":
        return withReason(`${effect.by.displayName} threw you out`, effect.text);
      case "redacted":
        return this.#redactedLine(effect);
      case "awaySet":
        return this.notice(effect.session.away === "" ? "you are back" : "you are marked as away");
      case "refused":
        return this.notice(refusalText(effect.reason, effect.about));
      case "replied":
        return concatBytes(replyText(effect, state, this.#localTime).map((line) => this.notice(line)));
      case "storeChanged":
        return this.notice(this.#storeText(effect));
      default:
        // What it has done itself, and sees as everybody does.
        return undefined;
    }
  }

  /** Whether somebody's client may hear what is for those of a rank or a higher one. */
  hasRank(state: ChatState, client: SessionId, room: RoomId, atLeast: Rank): boolean {
    const seated = state.sessions.get(client);
    const membership = seated === undefined ? undefined : principalOf(state, seated).rooms.get(room);
    if (membership === undefined) return false;
    return RANKS.slice(0, RANKS.indexOf(atLeast) + 1).some((rank) => membership[rank]);
  }

  /** What history answers to a question, as one block. */
  answer(
    question: HistoryQuestion,
    answer: PastAnswer,
    nameOf: (room: RoomId) => string,
    self: PersonId,
  ): Uint8Array {
    return renderAnswer(question, answer, { nameOf, localTime: this.#localTime, self });
  }

  notice(text: string): Uint8Array {
    return concatBytes([shownText(encodeUtf8(`-- ${text}`)), LF]);
  }

  #storeText({ failed, text, from, to }: EffectOf<"storeChanged">): string {
    if (failed) return `${text}; chat goes on, but what is said is not kept until that is mended`;
    const missing = to < from || to === 0 ? "" : `; ${to - from + 1} records are missing`;
    return `history is written again${missing}`;
  }

  #prefixOf(session: Session): Prefixes {
    let prefixes = this.#prefixes.get(session);
    if (prefixes === undefined) {
      const name = speakerName(session);
      prefixes = {
        said: encodeUtf8(`<${session.displayName}> `),
        acted: encodeUtf8(`* ${name} `),
        noticed: encodeUtf8(`-${name}- `),
      };
      this.#prefixes.set(session, prefixes);
    }
    return prefixes;
  }

  #aside({ id, name }: { readonly id: RoomId; readonly name: string }): Uint8Array {
    const known = this.#asides.get(id);
    if (known?.name === name) return known.bytes;
    const bytes = encodeUtf8(`[${name}] `);
    this.#asides.set(id, { name, bytes });
    return bytes;
  }
}

/** From the server, with what somebody said about it. */
function withReason(text: string, reason: Uint8Array): Uint8Array {
  const head = encodeUtf8(`-- ${text}`);
  return concatBytes(reason.length === 0 ? [head, LF] : [head, encodeUtf8(": "), shownText(reason), LF]);
}

function changedSetting({ session, room, setting }: EffectOf<"settingSet">): string {
  const value = setting === "key" ? room.key.length : room[setting];
  return settingText(session.displayName, setting, value);
}

function modeText({ session, mode, on, target }: EffectOf<"modeSet">): string {
  const name = target?.displayName ?? "";
  if (session === undefined) return `${name} runs this room now`;
  return changeText(session.displayName, mode, on, name);
}

/** Where somebody is after a room was left. */
function focusText(state: ChatState, self: SessionId): string {
  const focus = state.sessions.get(self)?.focus ?? NO_ROOM;
  const room = state.rooms.get(focus);
  return room === undefined ? "you are in no room now; /join #lobby" : `you are in ${room.name} now`;
}

/** One more client of somebody who is here already. */
function attachedText({ displayName, rooms }: Session, state: ChatState): string {
  const names = Array.from(rooms.keys(), (room) => state.rooms.get(room)?.name ?? "");
  const where = names.length === 0 ? "in no room" : `in ${names.join(", ")}`;
  return `you are logged in as ${displayName}, who is ${where}`;
}
