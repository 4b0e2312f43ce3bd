import assert from "node:assert/strict";
import { test } from "node:test";
import { type ChatRecord, type ChatState, type Effect, apply, createState } from "./index.ts";

const SUPERVISOR = 0;
const TEXT = Uint8Array.of(0x68, 0x69);

/** A state with sessions 1, 2, …, each in the process of its own number. */
function stateOf(sessions: number): ChatState {
  const state = createState();
  for (let session = 1; session <= sessions; session += 1) seat(state, session, session);
  return state;
}

function run(state: ChatState, record: ChatRecord, fromProcess: number): readonly Effect[] {
  return apply(state, record, fromProcess, 1, 0);
}

function seat(state: ChatState, session: number, process: number): readonly Effect[] {
  return run(state, { kind: "seat", session, process, protocol: "plain" }, SUPERVISOR);
}

function rename(
  state: ChatState,
  session: number,
  nick: string,
  displayName = nick,
  derived = false,
): readonly Effect[] {
  return run(state, { kind: "nick", session, nick, displayName, derived }, session);
}

function namesOf(state: ChatState): string[] {
  return [...state.sessions.values()].map(({ nick, displayName }) => `${nick}/${displayName}`);
}

test("who is seated for the first time arrives with a guest's name", () => {
  const state = createState();
  const [effect] = seat(state, 7, 3);
  assert.deepEqual(effect, {
    kind: "arrived",
    session: { id: 7, process: 3, protocol: "plain", nick: "guest1", displayName: "guest1" },
  });
  seat(state, 8, 4);
  assert.deepEqual(namesOf(state), ["guest1/guest1", "guest2/guest2"]);
});

test("a guest's name that somebody took is passed over, and one that was given is not given again", () => {
  const state = stateOf(1);
  rename(state, 1, "Guest2");
  seat(state, 2, 2);
  run(state, { kind: "leave", session: 2, reason: "quit", text: TEXT }, 2);
  seat(state, 3, 3);
  assert.deepEqual(namesOf(state), ["Guest2/Guest2", "guest4/guest4"]);
});

test("a session that moves to another process is heard from there alone, and nobody is told", () => {
  const state = stateOf(1);
  assert.deepEqual(seat(state, 1, 9), []);
  assert.deepEqual(run(state, { kind: "say", session: 1, text: TEXT }, 1), []);
  assert.equal(run(state, { kind: "say", session: 1, text: TEXT }, 9).length, 1);
});

test("only the supervisor seats, buries and stops; only its own process speaks for a session", () => {
  const state = stateOf(2);
  const forged: ChatRecord[] = [
    { kind: "seat", session: 1, process: 2, protocol: "plain" },
    { kind: "seat", session: 3, process: 2, protocol: "plain" },
    { kind: "processDied", process: 1 },
    { kind: "stop" },
    { kind: "say", session: 1, text: TEXT },
    { kind: "act", session: 1, text: TEXT },
    { kind: "nick", session: 1, nick: "mallory", displayName: "mallory", derived: false },
    { kind: "who", session: 1 },
    { kind: "leave", session: 1, reason: "quit", text: TEXT },
    { kind: "say", session: 99, text: TEXT },
  ];
  const effects = forged.map((record) => run(state, record, 2));
  for (const none of effects) assert.equal(none, effects[0], "one frozen array stands for no effects");
  assert.ok(Object.isFrozen(effects[0]));
  assert.deepEqual(namesOf(state), ["guest1/guest1", "guest2/guest2"]);
  assert.equal(state.sessions.get(1)?.process, 1);
});

test("what is said and done reaches everybody as it is", () => {
  const state = stateOf(1);
  const [said] = run(state, { kind: "say", session: 1, text: TEXT }, 1);
  assert.ok(said?.kind === "said");
  assert.equal(said.text, TEXT);
  assert.equal(said.session, state.sessions.get(1));
  assert.equal(run(state, { kind: "act", session: 1, text: TEXT }, 1)[0]?.kind, "acted");
});

test("of two who take the same name at once, the first in the order has it", () => {
  const state = stateOf(2);
  const [renamed] = rename(state, 1, "Al[ce");
  assert.ok(renamed?.kind === "renamed");
  assert.equal(renamed.previous.nick, "guest1");
  assert.equal(renamed.session.nick, "Al[ce");
  assert.deepEqual(rename(state, 2, "aL{CE"), [
    { kind: "nickRefused", session: state.sessions.get(2), name: "aL{CE", reason: "taken" },
  ]);
});

test("a name that was given up is free; one's own may be written anew", () => {
  const state = stateOf(2);
  rename(state, 1, "alice");
  rename(state, 1, "ALICE");
  rename(state, 2, "guest1");
  assert.deepEqual(namesOf(state), ["ALICE/ALICE", "guest1/guest1"]);
  assert.deepEqual(rename(state, 1, "ALICE"), []);
  run(state, { kind: "leave", session: 1, reason: "quit", text: TEXT }, 1);
  rename(state, 2, "alice");
  assert.deepEqual(namesOf(state), ["alice/alice"]);
  assert.equal(state.names.size, 1);
});

test("a derived nick that is taken gets a number, within the limit; a display name that is taken is refused", () => {
  const state = stateOf(4);
  const long = "x".repeat(24);
  rename(state, 1, "user", "小明", true);
  rename(state, 2, "user", "小红", true);
  rename(state, 3, long, "ж", true);
  rename(state, 4, long, "Ж", true);
  assert.deepEqual(namesOf(state), ["user/小明", "user2/小红", `${long}/ж`, `${"x".repeat(23)}2/Ж`]);
  assert.equal(rename(state, 2, "user", "小明", true)[0]?.kind, "nickRefused");
  assert.equal(rename(state, 2, "user", "USER", true)[0]?.kind, "nickRefused", "somebody's nick");
  assert.equal(rename(state, 1, "user2", "明", false)[0]?.kind, "nickRefused");
});

test("names against the rules are refused, whoever wrote the record", () => {
  const state = stateOf(1);
  for (const [nick, displayName] of [
    ["1a", "1a"],
    ["a", "a\u001b[2J"],
    ["a", ""],
    ["", "a"],
  ] as const) {
    const [effect] = rename(state, 1, nick, displayName);
    assert.ok(effect?.kind === "nickRefused" && effect.reason === "malformed");
  }
  assert.deepEqual(namesOf(state), ["guest1/guest1"]);
});

test("who a process served leaves with it, in the order of arrival", () => {
  const state = stateOf(3);
  seat(state, 1, 5);
  seat(state, 3, 5);
  const effects = run(state, { kind: "processDied", process: 5 }, SUPERVISOR);
  assert.deepEqual(
    effects.map((effect) => effect.kind === "left" && [effect.session.id, effect.reason]),
    [
      [1, "process died"],
      [3, "process died"],
    ],
  );
  assert.deepEqual([...state.sessions.keys()], [2]);
  assert.equal(state.names.size, 1);
});

test("the answer to /who is what was so at its place in the order", () => {
  const state = stateOf(2);
  const [reply] = run(state, { kind: "who", session: 2 }, 2);
  seat(state, 3, 3);
  assert.ok(reply?.kind === "whoReply");
  assert.deepEqual(
    reply.sessions.map(({ id }) => id),
    [1, 2],
  );
});

test("the end is told", () => {
  assert.deepEqual(run(stateOf(1), { kind: "stop" }, SUPERVISOR), [{ kind: "stopping" }]);
});

test("a session or process that no snapshot could hold is never seated", () => {
  const state = createState();
  for (const session of [0, -1, 1.5, Number.NaN, 2 ** 53]) assert.deepEqual(seat(state, session, 1), []);
  for (const process of [0, -1, 0.5, 0x10000]) assert.deepEqual(seat(state, 1, process), []);
  assert.equal(state.sessions.size, 0);
});
