/*
 * The language of the chat's tests. A story is a table of lines, `who does what → what is told`, and each line is a
 * record: it is applied, and the table is compared with what came of it. After each, whatever must always hold is
 * checked.
 *
 *   alice says #tea: hi      → alice in #tea: hi
 *   bob kicks #tea alice     → bob refused: notOperator #tea
 *   who #tea                 → @alice bob
 *
 * A person of a story is a session, whatever it is called meanwhile. Each is served by a process of its own: the first
 * by process 11, the second by process 12. Whoever writes what it may not is named in front: `from 12: alice says hi`.
 */
import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../src/base/index.ts";
import {
  type ChatRecord,
  type ChatState,
  type Effect,
  LOBBY,
  type LeaveReason,
  type Mode,
  NO_ROOM,
  type Question,
  type Session,
  apply,
  createState,
  membersOf,
  sessionsIn,
  readableRooms,
} from "../../src/chat/index.ts";
import { roomCalled } from "../../src/chat/lookup.ts";
import { namesOf } from "../../src/chat/state.ts";

const SUPERVISOR = 0;
const PROCESS_OF_THE_FIRST = 11;

export class Story {
  readonly state: ChatState = createState();
  /** Of the next record. */
  sequence = 1;
  readonly #people: string[] = [];

  /** These have arrived and are called so. The first of them runs the lobby. */
  constructor(...people: readonly string[]) {
    for (const person of people) {
      this.apply(`${person} is seated`);
      this.apply(`${person} arrives`);
      this.apply(`${person} nick ${person}`);
    }
  }

  /** Plays the table. */
  tell(table: string): void {
    const lines = table.split("\n").filter((line) => line.trim() !== "");
    const expected: string[] = [];
    const actual: string[] = [];
    for (const line of lines) {
      const [what, outcome] = line.split("→") as [string, string];
      expected.push(`${what.trim()} → ${outcome.trim()}`);
      actual.push(`${what.trim()} → ${this.#outcome(what.trim())}`);
    }
    assert.deepEqual(actual, expected);
  }

  /** One line's record. */
  apply(what: string): readonly Effect[] {
    const forged = /^from (\d+): (.*)$/.exec(what);
    const wish = forged?.[2] ?? what;
    const record = this.#recordOf(wish);
    const own =
      "session" in record && record.kind !== "seat" && record.kind !== "reseat"
        ? (this.state.sessions.get(record.session)?.process ?? SUPERVISOR)
        : SUPERVISOR;
    const effects = this.applyRecord(record, forged === null ? own : Number(forged[1]));
    assertConsistent(this.state);
    return effects;
  }

  /** Without a look at the whole state afterwards, for who applies thousands. */
  applyRecord(record: ChatRecord, fromProcess: number): readonly Effect[] {
    const sequence = this.sequence;
    this.sequence += 1;
    return apply(this.state, record, fromProcess, sequence, sequence * 1000);
  }

  session(person: string): Session {
    return this.state.sessions.get(this.#idOf(person))!;
  }

  #idOf(person: string): number {
    if (!this.#people.includes(person)) this.#people.push(person);
    return this.#people.indexOf(person) + 1;
  }

  #outcome(what: string): string {
    const [verb, subject] = what.split(" ") as [string, string];
    if (verb === "who") return this.#members(subject) || "nobody";
    if (verb === "where") {
      const { rooms, focus } = this.session(subject);
      return [...rooms.keys()].map((id) => this.#roomName(id, focus)).join(" ") || "nowhere";
    }
    if (verb === "rooms") return Array.from(this.state.rooms.values(), ({ name }) => name).join(" ");
    const sequence = this.sequence;
    return (
      this.apply(what)
        .map((effect) => this.#wordsOf(effect, sequence))
        .join("; ") || "nothing"
    );
  }

  #members(name: string): string {
    const id = roomCalled(this.state, name)?.id ?? NO_ROOM;
    return sessionsIn(this.state, id)
      .map((session) => {
        const { operator, voice } = session.rooms.get(id)!;
        return (operator ? "@" : "") + (voice ? "+" : "") + session.nick;
      })
      .join(" ");
  }

  /** In brackets where it is in focus. */
  #roomName(id: number, focus: number): string {
    const { name } = this.state.rooms.get(id)!;
    return id === focus ? `[${name}]` : name;
  }

  #recordOf(what: string): ChatRecord {
    const process = /^process (\d+) (dies|keeps history)$/.exec(what);
    if (process !== null) {
      const kind = process[2] === "dies" ? "processDied" : "history";
      return { kind, process: Number(process[1]) };
    }
    const store = /^the store (fails|works)(?: lacking (\d+) to (\d+))?$/.exec(what);
    if (store !== null) {
      const [, verb, from = "0", to = "0"] = store;
      const failed = verb === "fails";
      return { kind: "store", failed, from: Number(from), to: Number(to), text: failed ? "disk full" : "" };
    }
    const format = /^all know format (\d+)$/.exec(what);
    if (format !== null) return { kind: "format", format: Number(format[1]) };
    if (what === "the server stops") return { kind: "stop" };
    return this.#wishOf(what);
  }

  #wishOf(what: string): ChatRecord {
    const [person, verb, ...rest] = what.split(" ") as [string, string, ...string[]];
    const session = this.#idOf(person);
    const first = rest[0] ?? "";
    /** The room, where one is named, and what follows. */
    const room = first.startsWith("#") ? first.replace(/:$/, "") : "";
    const words = room === "" ? rest : rest.slice(1);
    const text = encodeUtf8(words.join(" "));
    const target = words[0] ?? "";
    const on = !verb.startsWith("un");
    switch (verb) {
      case "is": {
        const process = Number(/seated in (\d+)/.exec(what)?.[1] ?? PROCESS_OF_THE_FIRST + session - 1);
        return { kind: "seat", session, process, protocol: "plain" };
      }
      case "moves": {
        const process = Number(/moves to (\d+)/.exec(what)![1]);
        return { kind: "reseat", session, process };
      }
      case "arrives":
        return { kind: "arrive", session, replay: Number(rest[1] ?? 0) };
      case "nick":
        return { kind: "nick", session, nick: first, displayName: rest[1] ?? first, derived: false };
      case "derives":
        return { kind: "nick", session, nick: first, displayName: rest[1] ?? first, derived: true };
      case "says":
        return { kind: "say", session, room, text };
      case "acts":
        return { kind: "act", session, room, text };
      case "notices":
        return { kind: "notice", session, room, text };
      case "whispers":
        return { kind: "whisper", session, to: target, text: encodeUtf8(rest.slice(1).join(" ")) };
      case "joins":
        return { kind: "join", session, room: first, replay: Number(rest[2] ?? 0) };
      case "parts":
        return { kind: "part", session, room, text };
      case "topic":
        return { kind: "topic", session, room, text };
      case "kicks":
        return { kind: "kick", session, room, target, text: encodeUtf8(words.slice(1).join(" ")) };
      case "bans":
      case "unbans":
        return { kind: "ban", session, room, target, on };
      case "mutes":
      case "unmutes":
        return { kind: "mute", session, room, target, on };
      case "sets":
        return {
          kind: "mode",
          session,
          room,
          mode: target.slice(1) as Mode,
          on: target.startsWith("+"),
          target: words[1] ?? "",
        };
      case "away":
        return { kind: "away", session, text };
      case "asks":
        return { kind: "ask", session, question: first as Question, room: rest[1] ?? "" };
      case "recalls":
        return { kind: "recall", session, room, limit: Number(target), before: Number(words[2] ?? 0) };
      case "searches":
        return { kind: "search", session, text: encodeUtf8(first), before: Number(rest[2] ?? 0) };
      case "missed":
        return { kind: "catchUp", session, from: Number(first), before: Number(rest[2] ?? 0) };
      case "leaves": {
        const [reason = "quit", said = ""] = rest.join(" ").split(": ");
        return { kind: "leave", session, reason: (reason || "quit") as LeaveReason, text: encodeUtf8(said) };
      }
      default:
        throw new Error(`nobody knows how to do this: ${what}`);
    }
  }

  #wordsOf(effect: Effect, sequence: number): string {
    const withColon = (text: Uint8Array): string => (text.length === 0 ? "" : `: ${decodeUtf8(text)}`);
    switch (effect.kind) {
      case "seated":
        return `${nameOf(effect.session)} seated in ${effect.session.process}`;
      case "seatLost":
        return `the seat of session ${effect.session} in ${effect.process} is lost`;
      case "arrived":
        return `${nameOf(effect.session)} arrives`;
      case "joined": {
        const isOperator = effect.session.rooms.get(effect.room.id)!.operator;
        return `${nameOf(effect.session)} enters ${effect.room.name}${isOperator ? " and runs it" : ""}`;
      }
      case "parted":
        return `${nameOf(effect.session)} parts ${effect.room.name}${withColon(effect.text)}`;
      case "said":
        return `${nameOf(effect.session)} in ${effect.room.name}: ${decodeUtf8(effect.text)}`;
      case "acted":
      case "noticed":
        return `${nameOf(effect.session)} ${effect.kind} in ${effect.room.name}${withColon(effect.text)}`;
      case "whispered":
        return `${nameOf(effect.session)} to ${nameOf(effect.to)}${withColon(effect.text)}`;
      case "focused":
        return `${nameOf(effect.session)} speaks in ${effect.room.name}`;
      case "renamed":
        return `${nameOf(effect.previous)} is ${nameOf(effect.session)}`;
      case "left":
        return `${nameOf(effect.session)} leaves, ${effect.reason}${withColon(effect.text)}`;
      case "topicSet":
        return `${nameOf(effect.session)} sets topic of ${effect.room.name}: ${effect.room.topic?.text ?? "none"}`;
      case "kicked":
        return [
          `${nameOf(effect.session)} kicks ${nameOf(effect.target)}`,
          ` out of ${effect.room.name}${withColon(effect.text)}`,
        ].join("");
      case "restricted": {
        const { kind, nick, session } = effect.restriction;
        const whom = session === 0 ? `${nick}, who is not here` : nick;
        return `${nameOf(effect.session)} ${effect.on ? "" : "un"}${kind}s ${whom} in ${effect.room.name}`;
      }
      case "modeSet": {
        const by = effect.session === undefined ? "" : `${nameOf(effect.session)} sets `;
        const whose = effect.target === undefined ? "" : ` ${nameOf(effect.target)}`;
        return `${by}${effect.on ? "+" : "-"}${effect.mode}${whose} in ${effect.room.name}`;
      }
      case "awaySet":
        return `${nameOf(effect.session)} is ${effect.session.away === "" ? "back" : `away: ${effect.session.away}`}`;
      case "refused":
        return `refused: ${`${effect.reason} ${effect.about}`.trim()}`;
      case "replied":
        return `${effect.question}${effect.room === undefined ? "" : ` of ${effect.room.name}`}`;
      case "historyAsked": {
        const { question, before } = effect;
        // For a search it is worked out by who answers.
        const rooms = question.kind === "search" ? readableRooms(this.state, effect.session) : effect.rooms;
        const which =
          question.kind === "search"
            ? question.text
            : question.kind === "range"
              ? question.from
              : question.limit;
        const names = rooms.map((id) => this.state.rooms.get(id)!.name).join(" ");
        return `${question.kind} ${which} before ${before === sequence ? "now" : before} in ${names || "no room"}`;
      }
      case "storeChanged":
        return effect.failed
          ? `store failed: ${effect.text}`
          : `store kept, lacks ${effect.from} to ${effect.to}`;
      case "stopping":
        return "the end";
    }
  }
}

function nameOf({ id, nick, displayName }: Session): string {
  if (nick === "") return `session ${id}`;
  return nick === displayName ? nick : `${nick}/${displayName}`;
}

/** Whatever records were applied. */
export function assertConsistent(state: ChatState): void {
  const entered = new Map<number, Session[]>();
  let previous = 0;
  for (const session of state.sessions.values()) {
    for (const name of namesOf(session)) assert.equal(state.names.ownerOf(name), session.id, name);
    for (const room of session.rooms.keys()) entered.set(room, [...(entered.get(room) ?? []), session]);
    assert.ok(session.rooms.size === 0 ? session.focus === NO_ROOM : session.rooms.has(session.focus));
    assert.ok(session.nick !== "" || session.rooms.size === 0, "in a room before it has arrived");
    assert.ok(session.id < state.nextSession);
    assert.ok(session.since > previous, "sessions are in the order in which they were seated");
    previous = session.since;
  }
  for (const room of state.rooms.values()) {
    assert.equal(state.roomNames.ownerOf(room.name), room.id, room.name);
    assert.ok(room.id < state.nextRoom);
    const members = (entered.get(room.id) ?? []).toSorted(
      (one, other) => one.rooms.get(room.id)!.since - other.rooms.get(room.id)!.since,
    );
    const ids = members.map(({ id }) => id);
    assert.deepEqual(
      [...membersOf(state, room.id)],
      ids,
      `${room.name} has its members in the order of entering`,
    );
    const isRun = members.some(({ rooms }) => rooms.get(room.id)!.operator);
    assert.equal(isRun, members.length > 0, `${room.name} has nobody to run it`);
    // Nobody has been in the lobby of a new server yet, and it is never forgotten.
    if (room.id !== LOBBY || members.length > 0) assert.equal(room.emptySince === 0, members.length > 0);
  }
  assert.deepEqual([...state.members.keys()], [...state.rooms.keys()]);
}
