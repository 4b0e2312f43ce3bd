import type { EffectOf, HistoryQuestion, RoomId, SessionId, Wish } from "../chat/index.ts";
import type { LogRecord } from "../log/index.ts";
import { type PlainRenderer, caughtUpNotice, missedNotice } from "../protocol/plain/index.ts";
import { type AnswerPart, decodeAnswer } from "../record/index.ts";
import { encodeUtf8 } from "../base/index.ts";
import type { Replica } from "./replica.ts";
import type { Client } from "./worker.ts";

/** A question of one of our clients that history has not answered yet. */
interface OpenQuestion {
  readonly client: Client;
  readonly question: HistoryQuestion;
  readonly before: number;
  parts: AnswerPart[];
}

/** What our clients have asked history, and what comes of it. */
export class Questions {
  readonly #replica: Replica;
  readonly #renderer: PlainRenderer;
  /** By session and place. */
  readonly #open = new Map<string, OpenQuestion>();

  constructor(replica: Replica, renderer: PlainRenderer) {
    this.#replica = replica;
    this.#renderer = renderer;
  }

  /** The question has its place in the order. */
  asked({ session, question, before }: EffectOf<"historyAsked">, client: Client, sequence: number): void {
    const key = keyOf(session.id, before);
    // Asked again, because nobody is left who heard it the first time; and perhaps it has been answered meanwhile.
    if (before !== sequence || this.#open.has(key)) return;
    if (question.kind === "range" && !client.output.asked(before)) return;
    // Who is behind gets the past of the room with all else that it missed.
    if (question.kind === "replay" && !client.output.hold(before)) return;
    this.#open.set(key, { client, question, before, parts: [] });
  }

  /** A record with an answer. Returns the client that may be read again by that. */
  answered(record: LogRecord, clients: ReadonlyMap<SessionId, Client>): Client | undefined {
    if (record.process !== this.#replica.state.historyProcess) return undefined;
    const part = decodeAnswer(record.bytes, record.start, record.length);
    if (part === undefined || !clients.has(part.session)) return undefined;
    const key = keyOf(part.session, part.before);
    const open = this.#open.get(key);
    if (open === undefined) return undefined;
    // Another one than the one that began to answer begins anew.
    if (part.first) open.parts = [];
    open.parts.push(part);
    if (!part.last) return undefined;
    this.#open.delete(key);
    return this.#deliver(open, part);
  }

  #deliver({ client, question, before, parts }: OpenQuestion, last: AnswerPart): Client | undefined {
    if (question.kind === "range" && last.refusal !== undefined) {
      client.output.askLater(before);
      return undefined;
    }
    const { state } = this.#replica;
    const answer = {
      entries: parts.flatMap((part) => part.entries),
      gaps: parts.flatMap((part) => part.gaps),
      more: last.more,
      refusal: last.refusal,
    };
    const nameOf = (room: RoomId): string => state.rooms.get(room)?.name ?? "#?";
    const bytes = this.#renderer.answer(question, answer, nameOf, client.session);
    if (question.kind !== "range") {
      client.output.answer(before, bytes);
      // It may have waited for this before it asks for what it missed.
      return client.output.isLagging ? client : undefined;
    }
    if (!client.output.isCatchingUp(before)) return undefined;
    client.output.caughtUp(bytes, last.through, missedNotice, caughtUpNotice);
    return client;
  }

  /** How many of a client's questions are not answered. */
  count(client: Client): number {
    let count = 0;
    for (const open of this.#open.values()) if (open.client === client) count += 1;
    return count;
  }

  /** All that is not answered, as wishes that ask for the same once more. */
  open(): { client: Client; wish: Wish }[] {
    const asked: { client: Client; wish: Wish }[] = [];
    for (const [key, { client, question, before }] of this.#open) {
      const wish = this.#wishFor(client.session, question, before);
      if (wish !== undefined) asked.push({ client, wish });
      else this.#open.delete(key);
    }
    return asked;
  }

  forget(client: Client): void {
    for (const [key, open] of this.#open) if (open.client === client) this.#open.delete(key);
  }

  /** Undefined for a room that is not there any more. */
  #wishFor(session: SessionId, question: HistoryQuestion, before: number): Wish | undefined {
    switch (question.kind) {
      case "replay":
      case "recall": {
        const room = this.#replica.state.rooms.get(question.room);
        if (room === undefined) return undefined;
        return { kind: "recall", session, room: room.name, limit: question.limit, before };
      }
      case "search":
        return { kind: "search", session, text: encodeUtf8(question.text), before };
      case "range":
        return { kind: "catchUp", session, from: question.from, before };
    }
  }
}

function keyOf(session: SessionId, before: number): string {
  return `${session}/${before}`;
}
