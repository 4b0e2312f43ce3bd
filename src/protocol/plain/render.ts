import { concatBytes, encodeUtf8, unreachable } from "../../base/index.ts";
import {
  type ChatState,
  type Effect,
  type EffectOf,
  type HistoryQuestion,
  NO_ROOM,
  type RoomId,
  type Session,
  type SessionId,
} from "../../chat/index.ts";
import { type PastAnswer, renderAnswer } from "./past.ts";
import { refusalText, replyText, roomGreeting } from "./replies.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";
import { changeText, fullName, speakerName } from "./words.ts";

/** Where lines go. */
export interface Sink {
  append(bytes: Uint8Array): void;
}

/** Told to all who are in a room. */
export type RoomEffect = EffectOf<
  "joined" | "parted" | "said" | "acted" | "noticed" | "topicSet" | "kicked" | "restricted" | "modeSet"
>;
/** Told to all who share a room with somebody. */
export type NeighbourEffect = EffectOf<"renamed" | "left">;
/** Told to one alone. */
export type OwnEffect = EffectOf<
  | "arrived"
  | "joined"
  | "parted"
  | "kicked"
  | "whispered"
  | "focused"
  | "awaySet"
  | "refused"
  | "replied"
  | "storeChanged"
>;

const LF = Uint8Array.of(0x0a);

export const tooManyUsers: Uint8Array = encodeUtf8(
  "-- too many users: this server is full, try again later\n",
);
export const tooLongNotice: Uint8Array = encodeUtf8(
  `-- that line is longer than ${LINE_BYTES_MAX} bytes and was not sent\n`,
);
export const stoppingNotice: Uint8Array = encodeUtf8("-- the server is stopping\n");
/** Above what somebody missed who could not keep up, and below it. */
export const missedNotice: Uint8Array = encodeUtf8("-- you could not keep up; what you missed:\n");
export const caughtUpNotice: Uint8Array = encodeUtf8("-- that is all; from here on it is live\n");

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
  /** The bytes before lines from elsewhere. Room names do not change. */
  readonly #asides = new Map<RoomId, Uint8Array>();

  /** @param localTime a point in time as people write it where the server is */
  constructor(serverName: string, localTime: (timeMs: number) => string) {
    this.#serverName = serverName;
    this.#localTime = localTime;
  }

  /** A line for those in a room. @param isFocused whether they are to see it as of the room that they are in */
  line(sink: Sink, effect: RoomEffect, isFocused: boolean): void {
    if (!isFocused) sink.append(this.#aside(effect.room));
    switch (effect.kind) {
      case "said":
      case "acted":
      case "noticed":
        sink.append(this.#prefixOf(effect.session)[effect.kind]);
        sink.append(effect.text);
        sink.append(LF);
        return;
      case "joined":
        sink.append(this.notice(`${effect.session.displayName} joined`));
        return;
      case "parted":
        appendReason(sink, `${effect.session.displayName} left the room`, effect.text);
        return;
      case "kicked": {
        const { session, target, text } = effect;
        appendReason(sink, `${target.displayName} was taken out of the room by ${session.displayName}`, text);
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
        const { kind, nick } = restriction;
        sink.append(this.notice(changeText(session.displayName, kind, on, nick)));
        return;
      }
      case "modeSet":
        sink.append(this.notice(modeText(effect)));
        return;
      default:
        unreachable(effect);
    }
  }

  neighbourLine(sink: Sink, effect: NeighbourEffect): void {
    if (effect.kind === "renamed") {
      sink.append(this.notice(`${effect.previous.displayName} is now known as ${fullName(effect.session)}`));
      return;
    }
    const { session, reason, text } = effect;
    if (reason === "quit") appendReason(sink, `${session.displayName} left`, text);
    else {
      const why = reason === "hung up" ? "" : ` (${reason})`;
      sink.append(this.notice(`${session.displayName} left${why}`));
    }
  }

  /** What is for one alone. @param self whose line it is, where an effect concerns two */
  reply(effect: OwnEffect, state: ChatState, self: SessionId): Uint8Array {
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
        const head = encodeUtf8(`-- ${session.displayName} took you out of ${room.name}`);
        const reason = text.length === 0 ? [] : [encodeUtf8(": "), text];
        return concatBytes([head, ...reason, LF, this.notice(focusText(state, self))]);
      }
      case "whispered": {
        const { session, to, text } = effect;
        const isSender = session.id === self;
        const prefix = isSender ? `-> *${speakerName(to)}* ` : `*${speakerName(session)}* `;
        const away = isSender && to.away !== "" ? `-- ${to.displayName} is away: ${to.away}\n` : "";
        return concatBytes([encodeUtf8(prefix), text, LF, encodeUtf8(away)]);
      }
      case "awaySet":
        return this.notice(effect.session.away === "" ? "you are back" : "you are marked as away");
      case "refused":
        return this.notice(refusalText(effect.reason, effect.about));
      case "replied":
        return encodeUtf8(
          replyText(effect, state, this.#localTime)
            .map((line) => `-- ${line}\n`)
            .join(""),
        );
      case "storeChanged":
        return this.notice(this.#storeText(effect));
      default:
        return unreachable(effect);
    }
  }

  /** What history answers to a question, as one block. */
  answer(
    question: HistoryQuestion,
    answer: PastAnswer,
    nameOf: (room: RoomId) => string,
    self: SessionId,
  ): Uint8Array {
    return renderAnswer(question, answer, { nameOf, localTime: this.#localTime, self });
  }

  notice(text: string): Uint8Array {
    return encodeUtf8(`-- ${text}\n`);
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
    let aside = this.#asides.get(id);
    if (aside === undefined) this.#asides.set(id, (aside = encodeUtf8(`[${name}] `)));
    return aside;
  }
}

function appendReason(sink: Sink, text: string, reason: Uint8Array): void {
  if (reason.length === 0) {
    sink.append(encodeUtf8(`-- ${text}\n`));
    return;
  }
  sink.append(encodeUtf8(`-- ${text}: `));
  sink.append(reason);
  sink.append(LF);
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

/** What is shown to anybody. */
export type ShownEffect = Exclude<Effect, { kind: "seated" | "historyAsked" }>;
