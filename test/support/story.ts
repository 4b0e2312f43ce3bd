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
 * The accounts of a story are numbered in the order in which they are named first.
 */
import assert from "node:assert/strict";
import { decodeUtf8, encodeUtf8 } from "../../src/base/index.ts";
import {
  type ChatRecord,
  type ChatState,
  type Effect,
  FIRST_ACCOUNT,
  LOBBY,
  type LeaveReason,
  type Mode,
  NO_ROOM,
  type PolicyChange,
  type Protocol,
  type Question,
  RANKS,
  type Rank,
  type Restriction,
  type RestrictionKind,
  type Role,
  type RoomSetting,
  type Session,
  type Speech,
  type UserFlag,
  apply,
  clientsOf,
  createState,
  membersOf,
  readableRooms,
  sessionsIn,
} from "../../src/chat/index.ts";
import { roomCalled } from "../../src/chat/lookup.ts";
import { isOperator } from "../../src/chat/ranks.ts";
import { namesOf } from "../../src/chat/state.ts";

const SUPERVISOR = 0;
const PROCESS_OF_THE_FIRST = 11;
/** As IRC shows them, in the order of the ranks. */
const RANK_SIGNS = "~&@%+";

export class Story {
  readonly state: ChatState = createState();
  /** Of the next record. */
  sequence = 1;
  readonly #people: string[] = [];
  readonly #accounts: string[] = [];

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
    const record = this.#recordOf(forged?.[2] ?? what);
    const effects = this.applyRecord(record, forged === null ? this.#writerOf(record) : Number(forged[1]));
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

  /** The number of the account that was named so. */
  account(name: string): number {
    if (!this.#accounts.includes(name)) this.#accounts.push(name);
    return FIRST_ACCOUNT + this.#accounts.indexOf(name);
  }

  /** From where it is heard. */
  #writerOf(record: ChatRecord): number {
    switch (record.kind) {
      case "seat":
      case "reseat":
        return SUPERVISOR;
      case "account":
      case "login":
      case "oper":
      case "redacted":
      case "found":
        return this.state.historyProcess;
      default:
        return "session" in record
          ? (this.state.sessions.get(record.session)?.process ?? SUPERVISOR)
          : SUPERVISOR;
    }
  }

  #idOf(person: string): number {
    if (!this.#people.includes(person)) this.#people.push(person);
    return this.#people.indexOf(person) + 1;
  }

  #outcome(what: string): string {
    const [verb, subject = ""] = what.split(" ");
    if (verb === "who") return this.#members(subject) || "nobody";
    if (verb === "where") {
      const { rooms, focus } = this.session(subject);
      return [...rooms.keys()].map((id) => this.#roomName(id, focus)).join(" ") || "nowhere";
    }
    if (verb === "rooms") return Array.from(this.state.rooms.values(), ({ name }) => name).join(" ");
    if (verb === "gone") return this.state.departed.map(({ nick }) => nick).join(" ") || "nobody";
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
        const signs = RANKS.map((rank, at) => (session.rooms.get(id)![rank] ? RANK_SIGNS[at] : ""));
        return signs.join("") + session.nick;
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
    const account = /^account (\S+) (is (\w+)|goes)$/.exec(what);
    if (account !== null) {
      const [, name = "", , role] = account;
      return { kind: "account", person: this.account(name), name, role: role as Role | undefined };
    }
    const found = /^room (\S+) is found$/.exec(what);
    if (found !== null) return { kind: "found", room: found[1]! };
    if (what === "the server stops") return { kind: "stop" };
    if (/^persistence (on|off)$/.test(what)) return { kind: "settings", persistence: what.endsWith("on") };
    if (/^the shield is (up|down)$/.test(what)) return { kind: "shield", on: what.endsWith("up") };
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
    /** What follows this word. */
    const after = (word: string): string | undefined =>
      rest.includes(word) ? rest[rest.indexOf(word) + 1] : undefined;
    const textFrom = (index: number): Uint8Array => encodeUtf8(words.slice(index).join(" "));
    switch (verb) {
      case "is": {
        const process = Number(after("in") ?? PROCESS_OF_THE_FIRST + session - 1);
        const protocol = (after("as") ?? "plain") as Protocol;
        return { kind: "seat", session, process, protocol, host: after("from") ?? `${person}.example` };
      }
      case "moves": {
        const process = Number(/moves to (\d+)/.exec(what)![1]);
        return { kind: "reseat", session, process };
      }
      case "turns":
        return { kind: "turn", session, protocol: first as Protocol };
      case "arrives":
        return { kind: "arrive", session, replay: Number(rest[1] ?? 0) };
      case "registers":
      case "registersLike": {
        const [nick, displayName = first, ...realName] = rest;
        return {
          kind: "register",
          session,
          nick: nick!,
          displayName,
          derived: verb === "registersLike",
          user: person,
          realName: realName.join(" "),
        };
      }
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
      case "speaks": {
        const [to = "", speech, ...spoken] = rest;
        const atLeast: Rank | undefined = RANKS[RANK_SIGNS.indexOf(to[0]!)];
        const tags = spoken[0]?.startsWith("+") === true ? spoken.shift()! : "";
        return {
          kind: "speak",
          session,
          speech: speech as Speech,
          to: atLeast === undefined ? to : to.slice(1),
          atLeast,
          tags,
          text: encodeUtf8(spoken.join(" ")),
        };
      }
      case "joins":
        return {
          kind: "join",
          session,
          room: first,
          replay: Number(after("replay") ?? 0),
          key: after("key"),
        };
      case "parts":
        return { kind: "part", session, room, text };
      case "topic":
        return { kind: "topic", session, room, text };
      case "kicks":
        return { kind: "kick", session, room, target, text: textFrom(1) };
      case "bans":
      case "unbans":
        return { kind: "ban", session, room, target, on };
      case "mutes":
      case "unmutes":
        return { kind: "mute", session, room, target, on };
      case "masks":
      case "unmasks":
        return {
          kind: "mask",
          session,
          room,
          list: target as RestrictionKind,
          mask: words.slice(1).join(" "),
          on,
        };
      case "sets":
        return {
          kind: "mode",
          session,
          room,
          mode: target.slice(1) as Mode,
          on: target.startsWith("+"),
          target: words[1] ?? "",
        };
      case "chooses":
        return {
          kind: "set",
          session,
          room,
          setting: target as RoomSetting,
          value: words.slice(1).join(" "),
        };
      case "renames":
        return { kind: "renameRoom", session, room, to: target, text: textFrom(1) };
      case "invites":
        return { kind: "invite", session, room, target };
      case "knocks":
        return { kind: "knock", session, room, text };
      case "describes":
        return { kind: "describe", session, displayName: first, realName: rest.slice(1).join(" ") };
      case "flags":
        return { kind: "flag", session, flag: first.slice(1) as UserFlag, on: first.startsWith("+") };
      case "marks":
        return { kind: "mark", session, target: first, timeMs: Number(rest[1]) };
      case "polices":
        return {
          kind: "police",
          session,
          what: first.slice(1) as PolicyChange,
          on: first.startsWith("+"),
          value: rest.slice(1).join(" "),
        };
      case "kills":
        return { kind: "kill", session, target: first, text: encodeUtf8(rest.slice(1).join(" ")) };
      case "announces":
        return { kind: "announce", session, text };
      case "proves":
        return { kind: "login", session, person: this.account(first) };
      case "opers":
        return { kind: "oper", session, person: this.account(first) };
      case "deleted":
        return {
          kind: "redacted",
          session,
          room: roomCalled(this.state, room)?.id ?? NO_ROOM,
          peer: room === "" ? this.#idOf(target) : 0,
          message: Number(words.at(-1)),
          text: "",
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
      case "attached":
        return `session ${effect.client} is one more of ${nameOf(effect.session)}`;
      case "detached":
        return `session ${effect.client} of ${nameOf(effect.session)} leaves, ${effect.reason}`;
      case "turned":
        return `${nameOf(effect.session)} turns ${effect.session.protocol}`;
      case "accountChanged": {
        const { account } = effect.session;
        return `${nameOf(effect.session)} ${account === "" ? "logs out" : `logs in as ${account}`}`;
      }
      case "roleChanged":
        return `${nameOf(effect.session)} is ${effect.session.role}`;
      case "joined": {
        const { founder, operator } = effect.session.rooms.get(effect.room.id)!;
        const rank = founder ? " and founds it" : operator ? " and runs it" : "";
        return `${nameOf(effect.session)} enters ${effect.room.name}${rank}`;
      }
      case "parted":
        return `${nameOf(effect.session)} parts ${effect.room.name}${withColon(effect.text)}`;
      case "said":
      case "acted":
      case "noticed":
      case "tagged": {
        const { kind, session, room, text, tags, atLeast } = effect;
        const how = kind === "said" ? "" : `${kind} `;
        const where = `${atLeast === undefined ? "" : RANK_SIGNS[RANKS.indexOf(atLeast)]}${room.name}`;
        const words = kind === "said" ? `: ${decodeUtf8(text)}` : withColon(text);
        return `${nameOf(session)} ${how}in ${where}${tags === "" ? "" : ` with ${tags}`}${words}`;
      }
      case "whispered": {
        const { session, to, speech, text, tags } = effect;
        const how = speech === "say" ? "" : `${speech} `;
        const withTags = tags === "" ? "" : ` with ${tags}`;
        return `${nameOf(session)} ${how}to ${nameOf(to)}${withTags}${withColon(text)}`;
      }
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
        const { kind } = effect.restriction;
        const whom = whomOf(effect.restriction);
        return `${nameOf(effect.session)} ${effect.on ? "" : "un"}${kind}s ${whom} in ${effect.room.name}`;
      }
      case "modeSet": {
        const by = effect.session === undefined ? "" : `${nameOf(effect.session)} sets `;
        const whose = effect.target === undefined ? "" : ` ${nameOf(effect.target)}`;
        return `${by}${effect.on ? "+" : "-"}${effect.mode}${whose} in ${effect.room.name}`;
      }
      case "settingSet": {
        const { session, room, setting } = effect;
        return `${nameOf(session)} chooses ${setting} ${room[setting] || "none"} in ${room.name}`;
      }
      case "roomRenamed": {
        const { session, room, previous, text } = effect;
        return `${nameOf(session)} renames ${previous.name} ${room.name}${withColon(text)}`;
      }
      case "invited":
        return `${nameOf(effect.session)} invites ${nameOf(effect.target)} to ${effect.room.name}`;
      case "knocked":
        return `${nameOf(effect.session)} knocks at ${effect.room.name}${withColon(effect.text)}`;
      case "redacted": {
        const { session, room, peer, message } = effect;
        const where = room === undefined ? `for ${peer}` : `in ${room.name}`;
        return `${nameOf(session)} deletes ${message} ${where}`;
      }
      case "described":
        return `${nameOf(effect.previous)} is ${nameOf(effect.session)}: ${effect.session.realName}`.trim();
      case "flagSet":
        return `${nameOf(effect.session)} ${effect.on ? "+" : "-"}${effect.flag}`;
      case "marked":
        return `${nameOf(effect.session)} has read ${effect.target} up to ${effect.timeMs}`;
      case "policySet": {
        const { session, what, on, value } = effect;
        const by = session === undefined ? "somebody" : nameOf(session);
        return `${by} polices ${on ? "+" : "-"}${what} ${value}`.trim();
      }
      case "announced":
        return `${nameOf(effect.session)} to all${withColon(effect.text)}`;
      case "killed":
        return `${nameOf(effect.by)} kills ${nameOf(effect.session)}${withColon(effect.text)}`;
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
        const names = rooms.map((id) => this.state.rooms.get(id)!.name).join(" ");
        const when = before === sequence ? "now" : before;
        return `${question.kind} ${whichOf(question)} before ${when} in ${names || "no room"}`;
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

function whomOf({ mask, person }: Restriction): string {
  return person === 0 && !/[!@*]/.test(mask) ? `${mask}, who is not here` : mask;
}

function whichOf(question: Extract<Effect, { kind: "historyAsked" }>["question"]): string | number {
  switch (question.kind) {
    case "search":
      return question.text;
    case "range":
      return question.from;
    case "page":
      return question.page.limit;
    case "redact":
      return question.message;
    default:
      return question.limit;
  }
}

/** Whatever records were applied. */
export function assertConsistent(state: ChatState): void {
  const entered = new Map<number, Session[]>();
  const loggedIn = new Map<number, number>();
  const attached = new Map<number, number[]>();
  let previous = 0;
  for (const session of state.sessions.values()) {
    assertIsSomebody(state, session);
    for (const name of namesOf(session)) assert.equal(state.names.ownerOf(name), session.person, name);
    for (const room of session.rooms.keys()) entered.set(room, [...(entered.get(room) ?? []), session]);
    assert.ok(session.rooms.size === 0 ? session.focus === NO_ROOM : session.rooms.has(session.focus));
    assert.ok(session.nick !== "" || session.rooms.size === 0, "in a room before it has arrived");
    assert.ok(session.id < state.nextSession);
    assert.ok(session.since > previous, "sessions are in the order in which they were seated");
    previous = session.since;
    if (session.principal !== session.id) {
      attached.set(session.principal, [...(attached.get(session.principal) ?? []), session.id]);
    } else if (session.account !== "" && session.nick !== "") {
      assert.equal(loggedIn.get(session.person), undefined, `${session.account} is here twice`);
      loggedIn.set(session.person, session.id);
    }
  }
  assert.deepEqual(sorted(state.loggedIn), sorted(loggedIn), "who is logged in follows from the sessions");
  assert.deepEqual(
    sorted(state.attached).map(([id, clients]) => [id, [...clients]]),
    sorted(attached).map(([id, clients]) => [id, clients.toSorted((one, other) => one - other)]),
    "whose clients there are follows from the sessions",
  );
  for (const { person, name } of state.accounts.values()) {
    assert.ok(person >= FIRST_ACCOUNT);
    assert.equal(state.names.ownerOf(name), person, `${name} is the account's`);
  }
  for (const session of state.spokeMs.keys()) assert.ok(state.sessions.has(session), "who has gone spoke");
  assertRoomsFollow(state, entered);
}

function sorted<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map].toSorted(([one], [other]) => one - other);
}

/** A guest, or logged in; and with a client, its own or another's, or here without by the rules. */
function assertIsSomebody(state: ChatState, session: Session): void {
  const { id, principal, person, account, nick, process } = session;
  if (account === "") assert.equal(person, principal, "a guest is nobody else");
  else assert.equal(state.accounts.get(person)?.name, account, "whoever is logged in has an account");
  const { operPerson } = session;
  if (operPerson !== 0) {
    assert.equal(principal, id, "a client has the role of whose client it is");
    assert.equal(state.accounts.get(operPerson)?.role, session.role, "a role is that of its account");
  }
  if (principal !== id) {
    const owner = state.sessions.get(principal);
    assert.ok(
      owner !== undefined && owner.principal === principal && owner.nick !== "",
      "whose client is it?",
    );
    assert.deepEqual([person, account], [owner.person, owner.account]);
    assert.deepEqual(
      [nick, session.displayName, session.rooms.size],
      ["", "", 0],
      "a client is one of another",
    );
    assert.ok(process !== 0, "a client has a connection");
  } else if (clientsOf(state, session).length === 0) {
    assert.ok(state.policy.persistence && account !== "" && nick !== "", `${id} has no client, and stays`);
    assert.ok(session.away !== "", "who has no client is away");
  }
}

function assertRoomsFollow(state: ChatState, entered: ReadonlyMap<number, readonly Session[]>): void {
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
    const isRun = members.some((member) => isOperator(member, room.id));
    assert.equal(isRun, members.length > 0, `${room.name} has nobody to run it`);
    // Nobody has been in the lobby of a new server yet, and it is never forgotten.
    if (room.id !== LOBBY || members.length > 0)
      assert.equal(room.emptySince === 0, members.length > 0, `${room.name} is empty or not`);
  }
  assert.deepEqual([...state.members.keys()], [...state.rooms.keys()]);
}
