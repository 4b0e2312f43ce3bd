import assert from "node:assert/strict";
import { test } from "node:test";
import { AWAY_BYTES_MAX, type ChatRecord, FIRST_ACCOUNT, LOBBY, createState, takeSnapshot } from "./index.ts";
import { Story } from "../../test/support/story.ts";

const SUPERVISOR = 0;

test("who is seated arrives with a guest's name, in the lobby, which the first of them runs", () => {
  const story = new Story();
  story.tell(`
    alice is seated            → session 1 seated in 11
    alice arrives              → guest1 arrives; guest1 enters #lobby and runs it
    bob is seated              → session 2 seated in 12
    bob arrives                → guest2 arrives; guest2 enters #lobby
    who #lobby                 → @guest1 guest2
    where bob                  → [#lobby]
  `);
});

test("before it has arrived, nothing is heard of a session but that it arrives, once, or leaves", () => {
  const story = new Story("alice");
  story.tell(`
    bob is seated              → session 2 seated in 12
    bob says hi                → nothing
    bob nick bob               → nothing
    bob joins #tea             → nothing
    bob asks who               → nothing
    bob recalls 5              → nothing
    bob away lunch             → nothing
    alice whispers bob hi      → refused: noSuchName bob
    rooms                      → #lobby
    bob leaves hung up         → session 2 leaves, hung up
    bob arrives                → nothing
    alice arrives              → nothing
    who #lobby                 → @alice
  `);
});

test("a guest's name that is taken is passed over, and one that was given is not given again", () => {
  const story = new Story("alice");
  story.tell(`
    alice nick GUEST2          → alice is GUEST2
    bob is seated              → session 2 seated in 12
    bob arrives                → guest3 arrives; guest3 enters #lobby
    bob leaves                 → guest3 leaves, quit
    carol is seated            → session 3 seated in 13
    carol arrives              → guest4 arrives; guest4 enters #lobby
  `);
});

test("whom the lobby has banned arrives, and is in no room", () => {
  const story = new Story("alice");
  story.tell(`
    alice bans guest2          → alice bans guest2, who is not here in #lobby
    bob is seated              → session 2 seated in 12
    bob arrives                → guest2 arrives; refused: banned #lobby
    where bob                  → nowhere
    bob says hi                → refused: noRoom
    bob parts                  → refused: noRoom
    bob topic hi               → refused: noRoom
    bob joins #tea             → guest2 enters #tea and runs it
  `);
});

test("a session that moves to another process is heard from there alone, and stays what it is", () => {
  const story = new Story("alice", "bob");
  const { process: _process, ...before } = story.session("alice");
  story.tell(`
    alice moves to 9           → alice seated in 9
    from 11: alice says hi     → nothing
    from 9: alice says hi      → alice in #lobby: hi
    who #lobby                 → @alice bob
    process 11 dies            → nothing
  `);
  assert.deepEqual(story.session("alice"), { ...before, process: 9 });
  story.tell("process 9 dies             → alice leaves, process died; +operator bob in #lobby");
});

test("a session that moves before it has arrived arrives where it has moved to", () => {
  const story = new Story();
  story.tell(`
    alice is seated            → session 1 seated in 11
    alice moves to 9           → session 1 seated in 9
    alice moves to 9           → session 1 seated in 9
    from 11: alice arrives     → nothing
    from 9: alice arrives      → guest1 arrives; guest1 enters #lobby and runs it
  `);
});

test("whoever has left does not come back by moving, and the process that waits for it is told", () => {
  const story = new Story("alice", "bob");
  story.tell("alice leaves hung up       → alice leaves, hung up; +operator bob in #lobby");
  const before = takeSnapshot(story.state);
  const { changes } = story.state;
  story.tell(`
    alice moves to 9           → the seat of session 1 in 9 is lost
    carol moves to 9           → the seat of session 3 in 9 is lost
    bob moves to 0             → nothing
    carol moves to 0           → nothing
  `);
  assert.deepEqual(takeSnapshot(story.state), before);
  assert.equal(story.state.changes, changes);
});

test("who is seated a second time stays what it is", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice is seated in 9       → alice seated in 9
    from 11: alice says hi     → nothing
    from 9: alice says hi      → alice in #lobby: hi
    from 9: alice arrives      → nothing
    who #lobby                 → @alice bob
  `);
});

test("records from another process than may write them change nothing", () => {
  const story = new Story("alice", "bob");
  story.tell("process 5 keeps history → nothing");
  const before = takeSnapshot(story.state);
  const { changes } = story.state;
  story.tell(`
    from 12: alice says hi              → nothing
    from 12: alice acts hi              → nothing
    from 12: alice notices hi           → nothing
    from 12: alice whispers bob hi      → nothing
    from 12: alice nick mallory         → nothing
    from 12: alice joins #tea           → nothing
    from 12: alice parts                → nothing
    from 12: alice topic mine           → nothing
    from 12: alice kicks alice          → nothing
    from 12: alice bans alice           → nothing
    from 12: alice mutes alice          → nothing
    from 12: alice sets +operator bob   → nothing
    from 12: alice away lunch           → nothing
    from 12: alice asks who             → nothing
    from 12: alice recalls 5            → nothing
    from 12: alice searches tea         → nothing
    from 12: alice missed 1             → nothing
    from 12: alice leaves               → nothing
    from 0: alice says hi               → nothing
    from 12: alice is seated in 12      → nothing
    from 12: carol is seated in 12      → nothing
    from 12: alice moves to 12          → nothing
    from 12: process 11 dies            → nothing
    from 12: process 12 keeps history   → nothing
    from 5: process 12 keeps history    → nothing
    from 12: all know format 2          → nothing
    from 12: the store fails            → nothing
    from 12: the server stops           → nothing
    from 11: nobody says hi             → nothing
  `);
  assert.deepEqual(takeSnapshot(story.state), before);
  assert.equal(story.state.changes, changes);
});

test("nothing is one frozen array, so that it costs nothing", () => {
  const story = new Story("alice");
  const nothing = story.apply("from 9: alice says hi");
  assert.ok(Object.isFrozen(nothing));
  assert.equal(story.apply("from 9: the server stops"), nothing);
});

test("of two who take the same name at once, the first in the order has it", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice nick Al[ce           → alice is Al[ce
    bob nick aL{CE             → refused: nameTaken aL{CE
    bob nick alice             → bob is alice
    alice nick Al[ce           → nothing
    alice nick AL[ce           → Al[ce is AL[ce
    alice leaves               → AL[ce leaves, quit; +operator alice in #lobby
    bob nick al{ce             → alice is al{ce
    who #lobby                 → @al{ce
  `);
});

test("a display name is taken like a nick; a derived nick that is taken gets a number, within the limit", () => {
  const story = new Story("alice", "bob", "carol", "dave");
  const long = "x".repeat(24);
  const cut = "x".repeat(23);
  story.tell(`
    alice derives user 小明     → alice is user/小明
    bob derives user 小红       → bob is user2/小红
    bob derives user 小明       → refused: nameTaken 小明
    bob derives user USER      → refused: nameTaken USER
    bob derives 小明 小明        → refused: nameMalformed 小明
    alice nick user2 明         → refused: nameTaken user2
    alice derives user 明       → user/小明 is user/明
    bob derives user 小明       → user2/小红 is user2/小明
    carol derives ${long} ж    → carol is ${long}/ж
    dave derives ${long} йй    → dave is ${cut}2/йй
  `);
});

test("names against the rules are refused, whoever wrote the record", () => {
  const story = new Story("alice");
  const rename = (nick: string, displayName: string): unknown => {
    const [effect] = story.applyRecord({ kind: "nick", session: 1, nick, displayName, derived: false }, 11);
    return effect?.kind === "refused" ? [effect.reason, effect.about] : effect;
  };
  assert.deepEqual(rename("1a", "1a"), ["nameMalformed", "1a"]);
  assert.deepEqual(rename("", "a"), ["nameMalformed", ""]);
  assert.deepEqual(rename("a", ""), ["nameMalformed", ""]);
  assert.deepEqual(rename("a", "a\u001b[2J"), ["nameMalformed", "a\u001b[2J"]);
  assert.deepEqual(rename("a", "a\ud800"), ["nameMalformed", "a\ud800"]);
  story.tell("who #lobby → @alice");
});

test("a whisper reaches whom it names by nick or display name, and nobody whose name only looks alike", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    bob nick bob 小明           → bob is bob/小明
    alice whispers BOB hi      → alice to bob/小明: hi
    alice whispers 小明 hi there → alice to bob/小明: hi there
    alice whispers alice hm    → alice to alice: hm
    alice whispers nobody hi   → refused: noSuchName nobody
    bob parts                  → bob/小明 parts #lobby
    alice whispers bob hi      → alice to bob/小明: hi
  `);
  const lookalike = "b\u03bfb";
  const [effect] = story.applyRecord(
    { kind: "whisper", session: 1, to: lookalike, text: Uint8Array.of(104) },
    11,
  );
  assert.ok(effect?.kind === "refused" && effect.reason === "noSuchName");
});

test("who is away says why, as long as the reason is short", () => {
  const story = new Story("alice");
  story.tell(`
    alice away out to lunch                    → alice is away: out to lunch
    alice away                                 → alice is back
    alice away ${"x".repeat(AWAY_BYTES_MAX)}   → alice is away: ${"x".repeat(AWAY_BYTES_MAX)}
    alice away ${"x".repeat(AWAY_BYTES_MAX)}y  → refused: tooLong ${AWAY_BYTES_MAX} bytes
    alice away ${"é".repeat(AWAY_BYTES_MAX / 2)}y → refused: tooLong ${AWAY_BYTES_MAX} bytes
  `);
});

test("text is handed on as the record's own bytes", () => {
  const story = new Story("alice");
  const text = Uint8Array.of(0x68, 0xff, 0x69);
  const [said] = story.applyRecord({ kind: "say", session: 1, room: "", text }, 11);
  assert.ok(said?.kind === "said");
  assert.equal(said.text, text);
  assert.equal(said.session, story.session("alice"));
});

test("who a process served leaves with it, in the order of arrival, and every room has somebody to run it", () => {
  const story = new Story("alice", "bob", "carol");
  story.tell(`
    alice is seated in 5       → alice seated in 5
    bob is seated in 5         → bob seated in 5
    bob joins #tea             → bob enters #tea and runs it
    carol joins #tea           → carol enters #tea
    process 5 dies             → ${[
      "alice leaves, process died",
      "+operator bob in #lobby",
      "bob leaves, process died",
      "+operator carol in #lobby",
      "+operator carol in #tea",
    ].join("; ")}
    who #lobby                 → @carol
    who #tea                   → @carol
  `);
});

test("of two who leave with their process, the second leaves as what it has become by the first one's going", () => {
  const story = new Story("alice", "bob");
  story.apply("bob is seated in 11");
  const effects = story.apply("process 11 dies");
  const left = effects.flatMap((effect) => (effect.kind === "left" ? [effect.session] : []));
  assert.deepEqual(
    left.map(({ nick, rooms }) => [nick, rooms.get(LOBBY)?.operator]),
    [
      ["alice", true],
      ["bob", true],
    ],
  );
});

test("the end is told, and of all that was only what concerns rooms is left", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    process 5 keeps history    → nothing
    alice joins #tea           → alice enters #tea and runs it
    alice topic leaves         → alice sets topic of #tea: leaves
    alice bans bob             → alice bans bob in #tea
    the server stops           → the end
    who #lobby                 → nobody
    who #tea                   → nobody
    rooms                      → #lobby #tea
    alice says hi              → nothing
  `);
  const { sessions, names, roomNames, historyProcess, store, nextSession, nextGuest, rooms } = story.state;
  assert.deepEqual([sessions.size, historyProcess, store], [0, 0, "none"]);
  assert.deepEqual(
    [names.ownerOf("alice"), names.isFree("bob", 9), roomNames.ownerOf("#tea")],
    [undefined, true, 2],
  );
  assert.deepEqual([nextSession, nextGuest], [3, 3]);
  assert.deepEqual([rooms.get(2)?.topic?.text, rooms.get(2)?.restrictions[0]?.mask], ["leaves", "bob"]);
  assert.equal(rooms.get(2)?.emptySince, story.sequence - 2);
});

test("a format that all processes understand is never unlearned", () => {
  const story = new Story();
  for (const [line, format] of [
    ["all know format 3", 3],
    ["all know format 2", 3],
    ["all know format 4", 4],
  ] as const) {
    story.tell(`${line} → nothing`);
    assert.equal(story.state.format, format);
  }
});

test("a session or process that no snapshot could hold is never seated", () => {
  const story = new Story();
  const seat = (session: number, process: number): readonly unknown[] =>
    story.applyRecord(
      { kind: "seat", session, process, protocol: "plain", host: "" } satisfies ChatRecord,
      SUPERVISOR,
    );
  for (const session of [0, -1, 1.5, Number.NaN, FIRST_ACCOUNT - 1, FIRST_ACCOUNT, 2 ** 53 - 1])
    assert.deepEqual(seat(session, 1), []);
  for (const process of [0, -1, 0.5, 0x10000]) assert.deepEqual(seat(1, process), []);
  assert.deepEqual(story.state, createState());
  assert.equal(seat(FIRST_ACCOUNT - 2, 0xffff).length, 1);
});
