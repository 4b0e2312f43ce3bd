import type { EffectOf, RoomId, Session, SessionId, Wish } from "../chat/index.ts";
import type { LogRecord } from "../log/index.ts";
import { type AnswerPart, decodeAnswer } from "../record/index.ts";
import { encodeUtf8 } from "../base/index.ts";
import type { AskedQuestion } from "./clientNotes.ts";
import type { Replica } from "./replica.ts";
import type { Client } from "./client.ts";

/** A question that history has not answered yet. */
interface OpenQuestion extends AskedQuestion {
  /** What has come of the answer; undefined: not even its first part. */
  parts: AnswerPart[] | undefined;
}

/** For what is in no room: the entry says whom it was whispered to. */
const NO_ROOM_NAME = "";

const NONE: ReadonlyMap<number, OpenQuestion> = new Map();

/** What our clients have asked history, and what comes of it. */
export class Questions {
  readonly #replica: Replica;
  /** Of each client, by place. */
  readonly #open = new Map<Client, Map<number, OpenQuestion>>();

  constructor(replica: Replica) {
    this.#replica = replica;
  }

  /** The question has its place in the order. */
  asked({ question, before }: EffectOf<"historyAsked">, client: Client, sequence: number): void {
    // Asked again, because nobody is left who heard it the first time; and perhaps it has been answered meanwhile.
    if (before !== sequence || this.#open.get(client)?.has(before) === true) return;
    if (question.kind === "range" && !client.output.asked(question.from, before)) return;
    // Who is behind gets the past of the room with all else that it missed.
    if (question.kind === "replay" && !client.output.hold(before)) return;
    // Of what is deleted, everybody hears.
    if (question.kind !== "range" && question.kind !== "redact") client.conversation.asked(before);
    this.#add(client, { question, before });
  }

  #add(client: Client, { question, before }: AskedQuestion): void {
    const open = this.#open.get(client) ?? new Map<number, OpenQuestion>();
    this.#open.set(client, open);
    open.set(before, { question, before, parts: undefined });
  }

  /**
   * A client's questions that a predecessor had not seen the whole answers of. Returns what asks for them once more:
   * but for what was missed, which is asked for from where the client stands.
   */
  restore(client: Client, questions: readonly AskedQuestion[]): Wish[] {
    for (const asked of questions) if (asked.question.kind !== "range") this.#add(client, asked);
    return this.#wishesOf(client);
  }

  /** A record with an answer. Returns the client that may be read again by that. */
  answered(record: LogRecord, clients: ReadonlyMap<SessionId, Client>): Client | undefined {
    if (record.process !== this.#replica.state.historyProcess) return undefined;
    const part = decodeAnswer(record.bytes, record.start, record.length);
    const client = part === undefined ? undefined : clients.get(part.session);
    if (part === undefined || client === undefined) return undefined;
    const open = this.#open.get(client)?.get(part.before);
    if (open === undefined) return undefined;
    // Another one than the one that began to answer begins anew.
    if (part.first) open.parts = [];
    // The beginning went to a predecessor of ours: the whole answer comes once more.
    if (open.parts === undefined) return undefined;
    open.parts.push(part);
    if (!part.last) return undefined;
    this.#close(client, part.before);
    return this.#deliver(client, open, open.parts, part);
  }

  #close(client: Client, before: number): void {
    const open = this.#open.get(client);
    open?.delete(before);
    if (open?.size === 0) this.#open.delete(client);
  }

  #deliver(
    client: Client,
    { question, before }: AskedQuestion,
    parts: readonly AnswerPart[],
    last: AnswerPart,
  ): Client | undefined {
    if (question.kind === "range" && last.refusal !== undefined) {
      client.output.askLater(before);
      return undefined;
    }
    const answer = {
      entries: parts.flatMap((part) => part.entries),
      gaps: parts.flatMap((part) => part.gaps),
      more: last.more,
      refusal: last.refusal,
    };
    const { conversation } = client;
    const bytes = conversation.answer(question, before, answer);
    if (question.kind !== "range") {
      client.output.answer(before, bytes);
      // It may have waited for this before it asks for what it missed.
      return client.output.isLagging ? client : undefined;
    }
    if (!client.output.isCatchingUp(before)) return undefined;
    client.output.caughtUp(bytes, last.through, conversation.missed, conversation.caughtUp);
    return client;
  }

  /** That an entry is deleted is the answer for whoever asked for it. */
  redacted({ session, message }: EffectOf<"redacted">): void {
    for (const [client, open] of this.#open) {
      if (this.#principalOf(client)?.id !== session.id) continue;
      for (const { question, before } of open.values())
        if (question.kind === "redact" && question.message === message) this.#close(client, before);
    }
  }

  /** Who that is whose client it is: several may be one person's. */
  #principalOf({ session }: Client): Session | undefined {
    const { sessions } = this.#replica.state;
    const own = sessions.get(session);
    return own === undefined ? undefined : sessions.get(own.principal);
  }

  /** How many of a client's questions are not answered. */
  count(client: Client): number {
    return this.#of(client).size;
  }

  /** For a successor. */
  notesOf(client: Client): AskedQuestion[] {
    return [...this.#of(client).values()].map(({ question, before }) => ({ question, before }));
  }

  /** All that is not answered, as wishes that ask for the same once more. */
  open(): { client: Client; wish: Wish }[] {
    return [...this.#open.keys()].flatMap((client) =>
      this.#wishesOf(client).map((wish) => ({ client, wish })),
    );
  }

  #wishesOf(client: Client): Wish[] {
    const wishes: Wish[] = [];
    for (const asked of this.#of(client).values()) {
      const wish = this.#wishFor(client.session, asked);
      if (wish !== undefined) wishes.push(wish);
      else this.#close(client, asked.before);
    }
    return wishes;
  }

  forget(client: Client): void {
    this.#open.delete(client);
  }

  #of(client: Client): ReadonlyMap<number, OpenQuestion> {
    return this.#open.get(client) ?? NONE;
  }

  /** Undefined for a room that is not there any more. */
  #wishFor(session: SessionId, { question, before }: AskedQuestion): Wish | undefined {
    switch (question.kind) {
      case "replay":
      case "recall": {
        const room = this.#roomName(question.room);
        if (room === undefined) return undefined;
        return { kind: "recall", session, room, limit: question.limit, before };
      }
      case "page": {
        const { of, page } = question;
        const target = "nick" in of ? of.nick : this.#roomName(of.room);
        return target === undefined ? undefined : { kind: "page", session, target, page, before };
      }
      case "targets": {
        const { afterMs, beforeMs, limit } = question;
        return { kind: "targets", session, afterMs, beforeMs, limit, before };
      }
      case "redact": {
        const { room, message } = question;
        const target = room === 0 ? NO_ROOM_NAME : this.#roomName(room);
        if (target === undefined) return undefined;
        return { kind: "redact", session, target, message, text: encodeUtf8(question.text), before };
      }
      case "search":
        return { kind: "search", session, text: encodeUtf8(question.text), before };
      case "range":
        return { kind: "catchUp", session, from: question.from, before };
    }
  }
  #roomName(room: RoomId): string | undefined {
    return this.#replica.state.rooms.get(room)?.name;
  }
}
