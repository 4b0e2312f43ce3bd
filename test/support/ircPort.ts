/*
 * What a conversation in IRC needs, without any server: a state, a clock that stands until it is set, and lists of what
 * was sent and wished.
 */
import assert from "node:assert/strict";
import { decodeUtf8 } from "../../src/base/index.ts";
import type { ChatState, ClientWish, LeaveReason, RoomId, SessionId } from "../../src/chat/index.ts";
import { CAP, type Capability } from "../../src/protocol/irc/capabilities.ts";
import { IrcClient } from "../../src/protocol/irc/client.ts";
import type { IrcCommands } from "../../src/protocol/irc/command.ts";
import { parseText } from "../../src/protocol/irc/message.ts";
import type { AccountQuestion, IrcPort } from "../../src/protocol/irc/port.ts";
import { type IrcOptions, IrcServer } from "../../src/protocol/irc/server.ts";

export const TEST_SERVER = "irc.example";

export class FakeIrcPort implements IrcPort {
  readonly session: SessionId;
  readonly state: ChatState;
  isSettled = true;
  nowMs = 0;
  /** Whether there is room for wishes, and whether the vault takes questions. */
  takesWishes = true;
  takesQuestions = true;
  readonly wishes: ClientWish[] = [];
  readonly questions: AccountQuestion[] = [];
  readonly catchUps: number[] = [];
  readonly wakes: number[] = [];
  rehashes = 0;
  #sent = "";

  constructor(state: ChatState, session: SessionId) {
    this.state = state;
    this.session = session;
  }

  /** The lines that were sent since the last time, without their ends. */
  take(): string[] {
    const lines = this.#sent.split("\r\n");
    this.#sent = lines.pop()!;
    return lines;
  }

  now(): number {
    return this.nowMs;
  }

  localTime(timeMs: number): string {
    return `time ${timeMs}`;
  }

  nameOf(room: RoomId): string {
    return this.state.rooms.get(room)!.name;
  }

  send(bytes: Uint8Array): void {
    this.#sent += decodeUtf8(bytes);
  }

  hasRoom(): boolean {
    return this.takesWishes;
  }

  wish(wish: ClientWish): boolean {
    if (this.takesWishes) this.wishes.push(wish);
    return this.takesWishes;
  }

  say(kind: "say" | "act" | "notice", room: Uint8Array, text: Uint8Array): boolean {
    return this.wish({ kind, room: decodeUtf8(room), text: text.slice() });
  }

  leave(reason: LeaveReason, text: Uint8Array): boolean {
    return this.wish({ kind: "leave", reason, text: text.slice() });
  }

  mayAsk(): boolean {
    return this.takesQuestions;
  }

  askVault(question: AccountQuestion): boolean {
    if (this.takesQuestions) this.questions.push(question);
    return this.takesQuestions;
  }

  forgetVault(): void {
    this.questions.length = 0;
  }

  catchUp(from: number): void {
    this.catchUps.push(from);
  }

  wakeIn(delayMs: number): void {
    this.wakes.push(delayMs);
  }

  rehash(): void {
    this.rehashes += 1;
  }
}

export function testIrcServer(options: Partial<IrcOptions> = {}): IrcServer {
  return new IrcServer({
    serverName: TEST_SERVER,
    networkName: "ExampleNet",
    version: "1.2.3",
    startedMs: 0,
    motd: "",
    admin: "",
    floodLines: 0,
    ...options,
  });
}

/** Somebody who speaks IRC, and whose commands are looked up in a table without any dispatcher in between. */
export class TestIrcClient {
  readonly port: FakeIrcPort;
  readonly client: IrcClient;

  constructor(state: ChatState, session: SessionId, server: IrcServer = testIrcServer()) {
    this.port = new FakeIrcPort(state, session);
    this.client = new IrcClient(this.port, server);
  }

  enable(...capabilities: readonly Capability[]): this {
    for (const capability of capabilities) this.client.caps.enabled |= CAP[capability];
    return this;
  }

  /** Plays a table: each line that begins with `>` is asked, and below it stands what comes of it. */
  converse(commands: IrcCommands, table: string): void {
    const expected = table
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    const asked = expected.filter((line) => line.startsWith(">"));
    const actual = asked.flatMap((line) => [line, ...this.ask(commands, line.slice(1))]);
    assert.deepEqual(
      actual.map((line) => line.trim()),
      expected,
    );
  }

  /** What comes of a line, with nothing left out but the server's own name in front. */
  ask(commands: IrcCommands, line: string): string[] {
    const message = parseText(line);
    if (message === "empty") return [];
    commands[message.command]!.run(this.client, message);
    return this.port.take().map(withoutServer);
  }
}

function withoutServer(line: string): string {
  const source = `:${TEST_SERVER} `;
  return line.startsWith(source) ? line.slice(source.length) : line;
}
