import assert from "node:assert/strict";
import { test } from "node:test";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { type ChatState, type Session, apply, createState } from "../../chat/index.ts";
import { PlainRenderer, tooLongNotice, tooManyUsers } from "./index.ts";

const alice: Session = { id: 1, process: 1, protocol: "plain", nick: "alice", displayName: "alice" };
const ming: Session = { id: 2, process: 2, protocol: "plain", nick: "user", displayName: "小明" };
const hi = encodeUtf8("hi 👋");
const nothing = new Uint8Array(0);

function rendered(
  render: (renderer: PlainRenderer, sink: { append(bytes: Uint8Array): void }) => void,
): string {
  const parts: Uint8Array[] = [];
  render(new PlainRenderer("chorus"), { append: (bytes) => parts.push(bytes) });
  return decodeUtf8(concatBytes(parts));
}

function stateOf(sessions: number): ChatState {
  const state = createState();
  for (let session = 1; session <= sessions; session += 1)
    apply(state, { kind: "seat", session, process: session, protocol: "plain" }, 0, session, 0);
  return state;
}

function welcome(sessions: number): string {
  return decodeUtf8(new PlainRenderer("chorus").welcome(stateOf(sessions), sessions));
}

test("what people say and do stands behind the name that is shown", () => {
  assert.equal(
    rendered((r, sink) => r.said(sink, { kind: "said", session: ming, text: hi })),
    "<小明> hi 👋\n",
  );
  assert.equal(
    rendered((r, sink) => r.said(sink, { kind: "acted", session: alice, text: hi })),
    "* alice hi 👋\n",
  );
});

test("after a change of name the new one stands in front", () => {
  const text = rendered((r, sink) => {
    r.said(sink, { kind: "said", session: alice, text: hi });
    r.said(sink, { kind: "said", session: { ...alice, nick: "bob", displayName: "bob" }, text: hi });
  });
  assert.equal(text, "<alice> hi 👋\n<bob> hi 👋\n");
});

test("nobody can say a line that looks like the server's", () => {
  assert.match(
    rendered((r, sink) => r.said(sink, { kind: "said", session: alice, text: encodeUtf8("-- guest2 left") })),
    /^</,
  );
});

test("arrivals, changes of name and departures are lines of the server's", () => {
  assert.equal(
    rendered((r, sink) => r.arrived(sink, { kind: "arrived", session: alice })),
    "-- alice joined\n",
  );
  assert.equal(
    rendered((r, sink) => r.renamed(sink, { kind: "renamed", session: ming, previous: alice })),
    "-- alice is now known as 小明 (user)\n",
  );
  const left = (reason: "quit" | "connection lost", text: Uint8Array): string =>
    rendered((r, sink) => r.left(sink, { kind: "left", session: alice, reason, text }));
  assert.equal(left("connection lost", nothing), "-- alice left (connection lost)\n");
  assert.equal(left("quit", nothing), "-- alice left\n");
  assert.equal(left("quit", hi), "-- alice left: hi 👋\n");
  assert.equal(
    rendered((r, sink) => r.stopping(sink)),
    "-- the server is stopping\n",
  );
});

test("a newcomer is greeted with its name and who is there, twenty of them at most", () => {
  assert.equal(welcome(1), "-- welcome to chorus, guest1. Nobody else is here. /help lists the commands.\n");
  assert.equal(welcome(2), "-- welcome to chorus, guest2. 1 other here: guest1. /help lists the commands.\n");
  assert.match(welcome(3), /2 others here: guest1, guest2\. /);
  assert.match(welcome(100), /99 others here: guest1, .*guest20, and 79 more\. /);
});

test("who asked is answered", () => {
  const renderer = new PlainRenderer("chorus");
  const who = renderer.reply({ kind: "whoReply", session: alice, sessions: [alice, ming] });
  assert.equal(decodeUtf8(who), "-- 2 here: alice, 小明 (user)\n");
  const taken = renderer.reply({ kind: "nickRefused", session: alice, name: "bob", reason: "taken" });
  assert.equal(decodeUtf8(taken), "-- the name bob is taken\n");
  const malformed = renderer.reply({ kind: "nickRefused", session: alice, name: "b b", reason: "malformed" });
  assert.equal(decodeUtf8(malformed), "-- b b cannot be a name\n");
});

test("notices are whole lines", () => {
  for (const notice of [tooManyUsers, tooLongNotice]) assert.match(decodeUtf8(notice), /^-- [^\n]+\n$/);
  assert.match(decodeUtf8(tooManyUsers), /too many users/);
  assert.match(decodeUtf8(tooLongNotice), /4096 bytes/);
});
