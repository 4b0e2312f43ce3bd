/* A conversation for tests of the plain protocol: records, and what its renderer makes of what comes of them. */
import assert from "node:assert/strict";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../src/base/index.ts";
import {
  type ChatRecord,
  type ChatState,
  type Effect,
  type EffectOf,
  type Room,
  type Session,
  type Speech,
  apply,
  createState,
} from "../../src/chat/index.ts";
import {
  type NeighbourEffect,
  PlainRenderer,
  type RedactedEffect,
  type RoomEffect,
} from "../../src/protocol/plain/render.ts";

export const renderer = new PlainRenderer("chorus", (timeMs) => `time ${timeMs}`);
export const nothing = new Uint8Array(0);
export const hi = encodeUtf8("hi 👋");

/** The process that keeps the history. */
export const HISTORY = 99;
/** Where there is no reply at all. */
export const NOTHING = "(nothing)";

/** A conversation, one record after the other. */
export class PlainChat {
  readonly state: ChatState = createState();
  #sequence = 0;

  do(record: ChatRecord): readonly Effect[] {
    this.#sequence += 1;
    const isHistorys = ["account", "login", "oper", "redacted"].includes(record.kind);
    const own = "session" in record && record.kind !== "seat" ? (record.session ?? 0) : 0;
    const process = isHistorys ? HISTORY : own;
    return apply(this.state, record, process, this.#sequence, this.#sequence * 1000);
  }

  /** The first effect of that kind. */
  effect<Kind extends Effect["kind"]>(kind: Kind, record: ChatRecord): EffectOf<Kind> {
    const effects = this.do(record);
    const found = effects.find((effect): effect is EffectOf<Kind> => effect.kind === kind);
    assert.ok(found !== undefined, `${kind} is not among ${effects.map((effect) => effect.kind).join(", ")}`);
    return found;
  }

  enter(session: number, nick: string, displayName = nick): Session {
    this.do({ kind: "seat", session, process: session, protocol: "plain", host: "" });
    this.do({ kind: "arrive", session, replay: 0 });
    this.do({ kind: "nick", session, nick, displayName, derived: nick !== displayName });
    return this.session(session);
  }

  session(id: number): Session {
    return this.state.sessions.get(id)!;
  }

  reply(effect: Parameters<PlainRenderer["reply"]>[0], self: number): string {
    const bytes = renderer.reply(effect, this.state, self);
    return bytes === undefined ? NOTHING : decodeUtf8(bytes);
  }
}

/** Alice, who runs the lobby and #dev, 小明 and bob, who are in the lobby. */
export function conversation(): PlainChat {
  const chat = new PlainChat();
  chat.enter(1, "alice");
  chat.enter(2, "user", "小明");
  chat.enter(3, "bob");
  chat.do({ kind: "join", session: 1, room: "#dev", replay: 0 });
  return chat;
}

function collect(render: (sink: { append(bytes: Uint8Array): void }) => void): string {
  const parts: Uint8Array[] = [];
  render({ append: (bytes) => parts.push(bytes) });
  return decodeUtf8(concatBytes(parts));
}

export function line(effect: RoomEffect | NeighbourEffect | RedactedEffect, isFocused = true): string {
  return collect((sink) => renderer.line(sink, effect, isFocused));
}

export function spoken(
  kind: "said" | "acted" | "noticed",
  session: Session,
  room: Room,
  text: Uint8Array,
): RoomEffect {
  return { kind, session, room, text, tags: "", atLeast: undefined };
}

export function whispered(
  session: Session,
  to: Session,
  text: Uint8Array,
  speech: Speech = "say",
): EffectOf<"whispered"> {
  return { kind: "whispered", session, to, text, speech, tags: "" };
}
