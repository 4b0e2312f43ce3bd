import { unreachable } from "../../base/index.ts";
import {
  type ChatState,
  type ClientWish,
  type EffectOf,
  type HistoryQuestion,
  type LeaveReason,
  type Moment,
  type Rank,
  type RoomId,
  type SessionId,
  hasRank,
  principalOf,
} from "../../chat/index.ts";
import { type Command, REPLAY_LINES, type Secret, parseLine } from "./commands.ts";
import type { PastAnswer } from "./past.ts";
import {
  type NeighbourEffect,
  type OwnEffect,
  type PlainRenderer,
  type RedactedEffect,
  type RoomEffect,
  type Sink,
  caughtUpNotice,
  missedNotice,
  tooLongNotice,
} from "./render.ts";
import { LineSplitter } from "./splitter.ts";
import { cleanText, refuseNegotiation } from "./text.ts";

/** What it does through whoever has the connection. */
export interface PlainPort {
  readonly session: SessionId;
  readonly state: ChatState;
  nameOf(room: RoomId): string;
  send(bytes: Uint8Array): void;
  wish(wish: ClientWish): boolean;
  say(kind: "say" | "act" | "notice", room: Uint8Array, text: Uint8Array): boolean;
  leave(reason: LeaveReason, text: Uint8Array): boolean;
  mayAsk(): boolean;
  askVault(question: Secret): boolean;
  /** Everything from this sequence number on is told to it once more, as what it missed. */
  catchUp(from: number): void;
}

type PublicEffect = RoomEffect | NeighbourEffect | RedactedEffect;

const NO_NOTES = new Uint8Array(0);
/** The room in focus. */
const HERE = new Uint8Array(0);

const GUEST_NICK = /^guest\d+$/;

/** The keys of its two spellings: for those who have the room in focus, and for those who are elsewhere. */
const FOCUSED = 1;
const ASIDE = 2;

/** One client's conversation in plain lines: lines become wishes, and what comes of them becomes lines. */
export class PlainConversation {
  readonly protocol = "plain";
  readonly splitter: LineSplitter = new LineSplitter();
  readonly speaksFirst: boolean = false;
  /** A successor needs to know nothing: all of it is in the state. */
  readonly version: number = 0;
  readonly isCollecting: boolean = false;
  readonly missed: Uint8Array = missedNotice;
  readonly caughtUp: Uint8Array = caughtUpNotice;
  readonly #port: PlainPort;
  readonly #renderer: PlainRenderer;

  constructor(port: PlainPort, renderer: PlainRenderer) {
    this.#port = port;
    this.#renderer = renderer;
  }

  notes(): Uint8Array {
    return NO_NOTES;
  }

  restore(): void {}

  /** What it has to say before anything else. */
  get greeting(): ClientWish {
    return { kind: "arrive", replay: REPLAY_LINES };
  }

  handle(bytes: Uint8Array, start: number, end: number): "done" | "full" {
    const text = cleanText(bytes, start, end);
    if (!this.#do(parseLine(text))) return "full";
    // A line that could stay as it was holds no negotiation.
    if (text.buffer !== bytes.buffer) {
      const refusal = refuseNegotiation(bytes, start, end);
      if (refusal !== undefined) this.#port.send(refusal);
    }
    return "done";
  }

  tooLong(): void {
    this.#port.send(tooLongNotice);
  }

  #do(command: Command): boolean {
    const port = this.#port;
    switch (command.kind) {
      case "nothing":
        return true;
      case "say":
      case "act":
        return port.say(command.kind, HERE, command.text);
      case "wish":
        return this.#wish(command.wish);
      case "quit":
        // Now or never: when the line is consumed, nobody remembers it.
        return port.leave("quit", command.text);
      case "help":
        port.send(command.text);
        return true;
      case "wrong":
        port.send(this.notice(command.reply));
        return true;
      case "secret":
        this.#prove(command.question);
        return true;
      default:
        return unreachable(command);
    }
  }

  #wish(wish: ClientWish): boolean {
    if ((wish.kind === "recall" || wish.kind === "search") && !this.#port.mayAsk()) {
      this.#port.send(this.notice("wait for the answers to what you have asked"));
      return true;
    }
    return this.#port.wish(wish);
  }

  /** Its own name is what somebody registers, and proves, who names none. */
  #prove(secret: Secret): void {
    const { nick, account } = this.#self;
    const name = secret.account === "" ? account || nick : secret.account;
    // Whoever comes next as a guest may be given such a name.
    if (secret.kind === "register" && GUEST_NICK.test(name))
      return this.#port.send(this.notice("choose a name first: /nick NAME"));
    if (!this.#port.askVault({ ...secret, account: name }))
      this.#port.send(this.notice("wait for the answer to what you have asked"));
  }

  get #self(): { readonly nick: string; readonly account: string } {
    const { state, session } = this.#port;
    const client = state.sessions.get(session);
    const principal = client === undefined ? undefined : state.sessions.get(client.principal);
    return principal ?? { nick: "", account: "" };
  }

  applying(): void {}

  applied(): void {}

  publicKey(effect: { readonly kind: string }, isOrigin: boolean): number | undefined {
    const told = effect as PublicEffect;
    switch (told.kind) {
      case "said":
      case "acted":
      case "noticed":
        // What it typed stands there already.
        return isOrigin || !this.#isMeant(told) ? undefined : this.#aside(told.room.id);
      case "joined":
      case "parted":
      case "kicked":
      case "topicSet":
      case "restricted":
      case "modeSet":
      case "settingSet":
        return this.#aside(told.room.id);
      case "knocked":
        return this.#hasRank(told.room.id, "halfOperator") ? this.#aside(told.room.id) : undefined;
      case "redacted":
        return told.room === undefined ? FOCUSED : this.#aside(told.room.id);
      case "renamed":
      case "left":
        return FOCUSED;
      case "described":
        return told.session.displayName === told.previous.displayName ? undefined : FOCUSED;
      default:
        return undefined;
    }
  }

  /** Whether it has the rank that what is said is for. */
  #isMeant({ atLeast, room }: EffectOf<"said" | "acted" | "noticed">): boolean {
    return atLeast === undefined || this.#hasRank(room.id, atLeast);
  }

  #hasRank(room: RoomId, rank: Rank): boolean {
    const { state, session } = this.#port;
    const client = state.sessions.get(session);
    return client !== undefined && hasRank(principalOf(state, client), room, rank);
  }

  #aside(room: RoomId): number {
    const { state, session } = this.#port;
    const client = state.sessions.get(session);
    const focus =
      client?.principal === session ? client.focus : state.sessions.get(client?.principal ?? 0)?.focus;
    return focus === room ? FOCUSED : ASIDE;
  }

  publicLine(sink: Sink, effect: { readonly kind: string }, _moment: Moment, key: number): void {
    this.#renderer.line(sink, effect as PublicEffect, key === FOCUSED);
  }

  tell(effect: { readonly kind: string }): void {
    const { state, session } = this.#port;
    const told = effect as OwnEffect;
    const bytes =
      told.kind === "roomRenamed"
        ? this.#renderer.renamedLine(told, this.#aside(told.room.id) === FOCUSED)
        : this.#renderer.reply(told, state, session);
    if (bytes !== undefined) this.#port.send(bytes);
    if (told.kind === "attached" && told.missedFrom !== undefined && state.store !== "none")
      this.#port.catchUp(told.missedFrom);
  }

  seen(): void {}

  asked(): void {}

  answer(question: HistoryQuestion, _before: number, answer: PastAnswer): Uint8Array {
    const { state, session, nameOf } = this.#port;
    const self = state.sessions.get(session)?.person ?? session;
    return this.#renderer.answer(question, answer, nameOf, self);
  }

  vaultAnswered(
    outcome: { readonly kind: "done" } | { readonly kind: "failed"; readonly text: string },
    question: { readonly kind: string; readonly account?: string },
  ): void {
    // Asked a second time, because nobody is left who heard the answer, it may have been done before.
    const isDoneBefore = question.kind === "register" && question.account === this.#self.account;
    if (outcome.kind === "failed" && isDoneBefore) return;
    if (outcome.kind === "failed") this.#port.send(this.notice(outcome.text));
    else if (question.kind === "changePassword")
      this.#port.send(this.notice("your password is another one now"));
    else if (question.kind === "drop") this.#port.send(this.notice("the account is gone"));
  }

  notice(text: string): Uint8Array {
    return this.#renderer.notice(text);
  }

  farewell(text: string): Uint8Array {
    return this.#renderer.notice(text);
  }

  goodbye(): undefined {}
}
