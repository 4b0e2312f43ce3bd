import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { type ClientWish, type OwnEffect, apply, createState } from "../../chat/index.ts";
import { IrcConversation, type IrcPort, IrcServer } from "./index.ts";

const WORKER = 3;
const NOTHING_KEPT = { entries: [], more: false, refusal: undefined };

/** A client's worker, as far as its conversation knows one: what it wishes comes about when the test says so. */
function talking(): {
  conversation: IrcConversation;
  port: IrcPort;
  told: string[];
  say(line: string): string;
  settle(): void;
} {
  const state = createState();
  apply(state, { kind: "history", process: 9 }, 0, 1, 1);
  apply(state, { kind: "seat", session: 1, process: WORKER, protocol: "irc", host: "host" }, 0, 2, 2);
  const told: string[] = [];
  let sequence = 10;
  const wishes: ClientWish[] = [];
  const port: IrcPort = {
    session: 1,
    state,
    get isSettled() {
      return wishes.length === 0;
    },
    now: () => 0,
    localTime: String,
    nameOf: (room) => state.rooms.get(room)?.name ?? "",
    send: (bytes) => void told.push(...decodeUtf8(bytes).split("\r\n").filter(Boolean)),
    hasRoom: () => true,
    wish: (wish) => wishes.push(wish) > 0,
    say: () => true,
    leave: () => true,
    mayAsk: () => true,
    askVault: () => true,
    forgetVault: () => undefined,
    catchUp: () => undefined,
    wakeIn: () => undefined,
    rehash: () => undefined,
  };
  const conversation = new IrcConversation(port, server);
  return {
    conversation,
    port,
    told,
    say: (line) => {
      const bytes = encodeUtf8(line);
      return conversation.handle(bytes, 0, bytes.length);
    },
    settle: () => {
      for (let wish = wishes.shift(); wish !== undefined; wish = wishes.shift()) {
        sequence += 1;
        const { version } = conversation;
        const before = decodeUtf8(conversation.notes());
        const effects = apply(state, { ...wish, session: 1 } as never, WORKER, sequence, sequence);
        conversation.applying(wish.kind);
        for (const effect of effects)
          if (effect.kind === "historyAsked") conversation.asked(effect.before);
          else conversation.tell(effect as OwnEffect, { sequence, timeMs: sequence }, true);
        conversation.applied();
        if (decodeUtf8(conversation.notes()) !== before) assert(conversation.version > version, "noted anew");
        for (const effect of effects)
          if (effect.kind === "historyAsked")
            port.send(conversation.answer(effect.question, effect.before, NOTHING_KEPT));
      }
    },
  };
}

const server = new IrcServer({
  serverName: "irc.test",
  networkName: "Test",
  version: "1",
  startedMs: 0,
  motd: "",
  admin: "",
  floodLines: 0,
});

test("a successor knows all that a conversation has noted, wherever its client stands", () => {
  const client = talking();
  const lines = [
    "CAP LS 302",
    "CAP REQ :sasl batch labeled-response draft/multiline message-tags draft/pre-away",
    "AWAY :early",
    "AUTHENTICATE PLAIN",
    `AUTHENTICATE ${"A".repeat(400)}`,
    "AUTHENTICATE *",
    "NICK alice",
    "USER alice 0 * :Alice",
    "CAP END",
    "MONITOR + bob,carol",
    "@label=x BATCH +1 draft/multiline #tea",
    "@batch=1 PRIVMSG #tea :hello",
    "@label=y JOIN #tea",
    "KICK #tea nobody",
    "NOTICE nobody :hi",
    "SEARCH text=x",
    "@label=z TOPIC #tea",
    "PRIVMSG *playback :PLAY * 0",
  ];
  for (const line of lines) {
    const before = client.conversation.version;
    if (client.say(line) === "later") {
      client.settle();
      assert.equal(client.say(line), "done", line);
    }
    const notes = decodeUtf8(client.conversation.notes());
    const successor = new IrcConversation(client.port, server);
    successor.restore(encodeUtf8(notes));
    assert.equal(decodeUtf8(successor.notes()), notes, line);
    const isPlain = line.startsWith("SEARCH");
    assert(isPlain || client.conversation.version > before, `${line} is noted`);
  }
  client.settle();
  assert(client.told.some((line) => /^@label=y \S+ BATCH \+\S+ labeled-response$/.test(line)));
});

test("an answer that comes to a successor has the label of the question", () => {
  const client = talking();
  const caps = ["CAP REQ :batch labeled-response message-tags", "NICK alice", "USER alice 0 * :A", "CAP END"];
  for (const line of caps) client.say(line);
  client.settle();
  client.say("@label=z JOIN #tea");
  const successor = new IrcConversation(client.port, server);
  successor.restore(client.conversation.notes());
  client.told.length = 0;
  successor.applying("join");
  successor.applied();
  assert.deepEqual(client.told, ["@label=z :irc.test ACK"]);
});
