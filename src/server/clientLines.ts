import { assert, unreachable } from "../base/index.ts";
import type { ChatRecord, Wish } from "../chat/index.ts";
import type { LogMember } from "../log/index.ts";
import {
  type PlainRenderer,
  type Taken,
  cleanText,
  parseLine,
  refuseNegotiation,
  tooLongNotice,
} from "../protocol/plain/index.ts";
import { RecordKind, encode, formatOf, sayHeaderBytes, writeSayHeader } from "../record/index.ts";
import type { Client } from "./client.ts";
import type { Questions } from "./questions.ts";
import type { Replica } from "./replica.ts";

/** So many questions to history may be open at a time for one client. */
const QUESTIONS_MAX = 4;
/** For what names no room; whoever is woken for what is not told by this. */
const ANY_ROOM = 0;

/** What clients type, as records in the process's ring. */
export class ClientLines {
  readonly #member: LogMember;
  readonly #replica: Replica;
  readonly #renderer: PlainRenderer;
  readonly #questions: Questions;

  constructor(member: LogMember, replica: Replica, renderer: PlainRenderer, questions: Questions) {
    this.#member = member;
    this.#replica = replica;
    this.#renderer = renderer;
    this.#questions = questions;
  }

  /** Does what the next line says, if there is one. Undefined where the ring has no room for it. */
  take(client: Client): Taken | undefined {
    const { connection, splitter, output } = client;
    const pending = connection.pending();
    const taken = splitter.take(pending, connection.inputEnded);
    if (taken.kind === "line") {
      const text = cleanText(pending, taken.start, taken.end);
      if (!this.#handle(client, text)) return undefined;
      // A line that could stay as it was holds no negotiation.
      if (text.buffer !== pending.buffer) {
        const refusal = refuseNegotiation(pending, taken.start, taken.end);
        if (refusal !== undefined) output.share.append(refusal);
      }
    } else if (taken.kind === "tooLong") output.share.append(tooLongNotice);
    return taken;
  }

  /** @throws AssertionError for a kind that not every process understands yet */
  append(record: ChatRecord): boolean {
    const { kind, payload } = encode(record);
    assert(formatOf(kind) <= this.#replica.state.format, `records of kind ${kind} may not be written yet`);
    return this.#member.append(kind, ANY_ROOM, payload) >= 0;
  }

  /** Does what a line says. False where the ring has no room: the line stays where it is. */
  #handle(client: Client, text: Uint8Array): boolean {
    const command = parseLine(text);
    switch (command.kind) {
      case "nothing":
        return true;
      case "say":
        return this.#say(RecordKind.say, client, command.text);
      case "act":
        return this.#say(RecordKind.act, client, command.text);
      case "wish":
        return this.#wish(client, { ...command.wish, session: client.session } as Wish);
      case "quit":
        // Now or never: when the line is consumed, nobody remembers it.
        if (!this.append({ kind: "leave", session: client.session, reason: "quit", text: command.text }))
          return false;
        client.leaving = true;
        return true;
      case "help":
        client.output.share.append(command.text);
        return true;
      case "wrong":
        client.output.share.append(this.#renderer.notice(command.reply));
        return true;
      default:
        return unreachable(command);
    }
  }

  #wish(client: Client, wish: Wish): boolean {
    const isQuestion = wish.kind === "recall" || wish.kind === "search";
    if (isQuestion && client.unplaced + this.#questions.count(client) >= QUESTIONS_MAX) {
      client.output.share.append(this.#renderer.notice("wait for the answers to what you have asked"));
      return true;
    }
    if (!this.append(wish)) return false;
    if (isQuestion) client.unplaced += 1;
    return true;
  }

  /** Straight into the ring: the bytes of what people say are copied once here. */
  #say(kind: number, client: Client, text: Uint8Array): boolean {
    const offset = this.#member.claim(sayHeaderBytes + text.length);
    if (offset < 0) return false;
    const { bytes } = this.#member.segment.words;
    writeSayHeader(bytes, offset, client.session);
    bytes.set(text, offset + sayHeaderBytes);
    this.#member.commit(kind, ANY_ROOM);
    return true;
  }
}
