import assert from "node:assert/strict";
import { test } from "node:test";
import { type Effect, TOPIC_BYTES_MAX, visibleRooms } from "./index.ts";
import { RESTRICTIONS_MAX } from "./restrictions.ts";
import { ROOMS_MAX, ROOMS_OF_A_SESSION_MAX } from "./rooms.ts";
import { LOBBY, ROOM_ID_MAX } from "./state.ts";
import { Story } from "../../test/support/story.ts";

const SUPERVISOR = 0;

test("who joins enters, speaks there from then on, and may join again to speak there again", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice joins #Tea           → alice enters #tea and runs it
    alice says hi              → alice in #tea: hi
    alice says #lobby: hi all  → alice in #lobby: hi all
    where alice                → #lobby [#tea]
    alice joins #LOBBY         → alice speaks in #lobby
    alice says hi              → alice in #lobby: hi
    where alice                → [#lobby] #tea
    bob joins #tea             → bob enters #tea
    who #tea                   → @alice bob
    rooms                      → #lobby #tea
  `);
});

test("what cannot be a room's name is refused", () => {
  const story = new Story("alice");
  const long = `#${"x".repeat(60)}`;
  story.tell(`
    alice joins tea            → refused: roomNameMalformed tea
    alice joins #              → refused: roomNameMalformed #
    alice joins                → refused: roomNameMalformed
    alice joins #a,b           → refused: roomNameMalformed #a,b
    alice joins ${long}        → refused: roomNameMalformed ${long}
    alice says ${long} hi      → refused: noSuchRoom ${long}
    rooms                      → #lobby
  `);
});

test("a room that would look like another is not made, and its name does not lead into the other", () => {
  const story = new Story("alice");
  const cyrillic = "#\u0441\u043e\u0440";
  const [joined, ...refusals] = [
    story.applyRecord({ kind: "join", session: 1, room: "#cop", replay: 0 }, 11),
    story.applyRecord({ kind: "join", session: 1, room: cyrillic, replay: 0 }, 11),
    story.applyRecord({ kind: "say", session: 1, room: cyrillic, text: Uint8Array.of(104) }, 11),
  ];
  assert.equal(joined![0]!.kind, "joined");
  assert.deepEqual(refusals.map(reasonOf), ["roomNameTaken", "noSuchRoom"]);
  assert.equal(story.state.rooms.size, 2);
});

test("who comes into an empty room runs it, and finds it as it was left", () => {
  const story = new Story("alice", "bob", "carol");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    alice topic leaves         → alice sets topic of #tea: leaves
    alice sets +moderated      → alice sets +moderated in #tea
    alice mutes carol          → alice mutes carol in #tea
    alice parts                → alice parts #tea
    bob joins #tea             → bob enters #tea and runs it
    bob sets -moderated        → bob sets -moderated in #tea
    carol joins #tea           → carol enters #tea
    carol says hi              → refused: muted #tea
    alice joins #tea           → alice enters #tea
    who #tea                   → @bob carol alice
  `);
});

test("where the last who runs a room goes, whoever has been there longest runs it", () => {
  const story = new Story("alice", "bob", "carol", "dave");
  story.tell(`
    alice parts bye            → alice parts #lobby: bye; +operator bob in #lobby
    bob sets +operator dave    → bob sets +operator dave in #lobby
    bob leaves                 → bob leaves, quit
    dave kicks dave            → dave kicks dave out of #lobby; +operator carol in #lobby
    alice joins #lobby         → alice enters #lobby
    dave joins #lobby          → dave enters #lobby
    carol bans carol           → carol kicks carol out of #lobby; carol bans carol in #lobby; +operator alice in #lobby
    carol joins #lobby         → refused: banned #lobby
    process 11 dies            → alice leaves, process died; +operator dave in #lobby
    dave leaves too slow       → dave leaves, too slow
    who #lobby                 → nobody
  `);
});

test("an operator makes others operators, and may not leave a room without one", () => {
  const story = new Story("alice", "bob", "carol");
  story.tell(`
    bob sets +operator bob     → refused: notOperator #lobby
    alice sets -operator alice → refused: lastOperator #lobby
    alice sets +operator nobody → refused: noSuchName nobody
    alice sets +operator bob   → alice sets +operator bob in #lobby
    alice sets +operator bob   → refused: alreadySo bob
    bob sets -operator alice   → bob sets -operator alice in #lobby
    bob sets -operator bob     → refused: lastOperator #lobby
    bob sets -operator carol   → refused: alreadySo carol
    carol parts                → carol parts #lobby
    bob sets +operator carol   → refused: targetNotInRoom carol
    who #lobby                 → alice @bob
  `);
});

test("one speaks in the room in focus or the one that is named, if one is in it", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    alice acts yawns           → alice acted in #tea: yawns
    alice notices #lobby: note → alice noticed in #lobby: note
    bob says #tea: hi          → refused: notInRoom #tea
    bob notices #tea: hi       → refused: notInRoom #tea
    bob says #den: hi          → refused: noSuchRoom #den
    alice parts                → alice parts #tea
    where alice                → [#lobby]
    alice says hi              → alice in #lobby: hi
    alice parts #lobby         → alice parts #lobby; +operator bob in #lobby
    where alice                → nowhere
    alice says hi              → refused: noRoom
    alice parts                → refused: noRoom
    alice parts #lobby         → refused: notInRoom #lobby
    alice parts #den           → refused: notInRoom #den
  `);
});

test("who parts a room that is not in focus stays where it speaks; otherwise it speaks where it was before", () => {
  const story = new Story("alice");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    alice joins #den           → alice enters #den and runs it
    alice parts #tea           → alice parts #tea
    where alice                → #lobby [#den]
    alice kicks #den alice     → alice kicks alice out of #den
    where alice                → [#lobby]
  `);
});

test("in a moderated room only operators and those with a voice speak", () => {
  const story = new Story("alice", "bob", "carol");
  story.tell(`
    bob sets +moderated        → refused: notOperator #lobby
    alice sets +moderated      → alice sets +moderated in #lobby
    alice sets +moderated      → refused: alreadySo #lobby
    bob says hi                → refused: moderated #lobby
    bob acts waves             → refused: moderated #lobby
    bob notices hi             → refused: moderated #lobby
    alice says hi              → alice in #lobby: hi
    alice sets +voice bob      → alice sets +voice bob in #lobby
    bob says hi                → bob in #lobby: hi
    alice sets +voice alice    → alice sets +voice alice in #lobby
    who #lobby                 → @+alice +bob carol
    alice mutes bob            → alice mutes bob in #lobby
    bob says hi                → refused: muted #lobby
    alice unmutes bob          → alice unmutes bob in #lobby
    alice sets -voice bob      → alice sets -voice bob in #lobby
    bob says hi                → refused: moderated #lobby
    alice sets -moderated      → alice sets -moderated in #lobby
    bob says hi                → bob in #lobby: hi
  `);
});

test("who is muted says nothing in that room, under any nick, until it runs the room or is unmuted", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice mutes bob            → alice mutes bob in #lobby
    bob says hi                → refused: muted #lobby
    bob nick bobby             → bob is bobby
    bob acts waves             → refused: muted #lobby
    bob whispers alice hi      → bobby to alice: hi
    bob joins #tea             → bobby enters #tea and runs it
    bob says hi                → bobby in #tea: hi
    alice sets +operator bobby → alice sets +operator bobby in #lobby
    bob says #lobby: hi        → bobby in #lobby: hi
    alice sets -operator bobby → alice sets -operator bobby in #lobby
    bob says #lobby: hi        → refused: muted #lobby
    alice unmutes bobby        → alice unmutes bob in #lobby
    bob says #lobby: hi        → bobby in #lobby: hi
    alice unmutes bobby        → refused: notMuted bobby
  `);
});

test("a kick takes out of the room, and does not keep from coming back", () => {
  const story = new Story("alice", "bob", "carol");
  story.tell(`
    bob kicks alice            → refused: notOperator #lobby
    alice kicks nobody         → refused: noSuchName nobody
    alice kicks #den bob       → refused: notInRoom #den
    alice kicks bob too loud   → alice kicks bob out of #lobby: too loud
    alice kicks bob            → refused: targetNotInRoom bob
    where bob                  → nowhere
    bob joins #lobby           → bob enters #lobby
    who #lobby                 → @alice carol bob
  `);
});

test("a ban takes out of the room, and holds for the session under any nick and for the nick ever after", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    bob bans alice             → refused: notOperator #lobby
    alice bans bob             → alice kicks bob out of #lobby; alice bans bob in #lobby
    bob joins #lobby           → refused: banned #lobby
    bob nick robert            → bob is robert
    bob joins #lobby           → refused: banned #lobby
    bob leaves                 → robert leaves, quit
    carol is seated            → session 3 seated in 13
    carol arrives              → guest3 arrives; guest3 enters #lobby
    carol parts                → guest3 parts #lobby
    carol nick BOB             → guest3 is BOB
    carol joins #lobby         → refused: banned #lobby
    carol nick robert          → BOB is robert
    carol joins #lobby         → robert enters #lobby
    alice unbans bob           → alice unbans bob in #lobby
    carol parts                → robert parts #lobby
    carol nick bob             → robert is bob
    carol joins #lobby         → bob enters #lobby
    alice unbans bob           → refused: notBanned bob
  `);
});

test("a ban by the nick that somebody has given up does not lift that one's", () => {
  const story = new Story("alice", "bob", "carol");
  const lifted = [
    "alice unbans bob in #lobby",
    "alice unbans bob in #lobby",
    "alice unbans bob, who is not here in #lobby",
  ].join("; ");
  story.tell(`
    alice bans bob             → alice kicks bob out of #lobby; alice bans bob in #lobby
    bob nick robert            → bob is robert
    carol nick bob             → carol is bob
    alice bans bob             → alice kicks bob out of #lobby; alice bans bob in #lobby
    bob joins #lobby           → refused: banned #lobby
    carol joins #lobby         → refused: banned #lobby
    carol nick carol           → bob is carol
    alice bans bob             → alice bans bob, who is not here in #lobby
    bob joins #lobby           → refused: banned #lobby
    carol joins #lobby         → refused: banned #lobby
    alice unbans bob           → ${lifted}
    bob joins #lobby           → robert enters #lobby
    carol joins #lobby         → carol enters #lobby
  `);
});

test("restrictions name a person, or a nick that nobody has", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    bob nick bob 小明           → bob is bob/小明
    alice mutes 小明            → alice mutes bob in #lobby
    alice bans nobody          → alice bans nobody, who is not here in #lobby
    alice mutes 小红            → refused: noSuchName 小红
    alice unbans bob           → refused: notBanned bob
    alice unbans NOBODY        → alice unbans nobody, who is not here in #lobby
    alice unmutes 小明          → alice unmutes bob in #lobby
    alice joins #tea           → alice enters #tea and runs it
    alice bans bob             → alice bans bob in #tea
    bob says hi                → bob/小明 in #lobby: hi
    bob joins #tea             → refused: banned #tea
  `);
});

test("a nick that is restricted anew is restricted once", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice mutes bob            → alice mutes bob in #lobby
    alice mutes BOB            → alice mutes bob in #lobby
    alice bans carol           → alice bans carol, who is not here in #lobby
    carol is seated            → session 3 seated in 13
    carol arrives              → guest3 arrives; guest3 enters #lobby
    carol nick carol           → guest3 is carol
    alice bans carol           → alice kicks carol out of #lobby; alice bans carol in #lobby
  `);
  const restrictions = story.state.rooms.get(LOBBY)!.restrictions;
  assert.deepEqual(
    restrictions.map(({ kind, mask, person, by }) => [kind, mask, person, by]),
    [
      ["mute", "bob", 2, "alice"],
      ["ban", "carol", 3, "alice"],
    ],
  );
});

test("the topic is the operators' to set, unless it is unlocked", () => {
  const story = new Story("alice", "bob");
  const long = "x".repeat(TOPIC_BYTES_MAX);
  story.tell(`
    bob topic mine             → refused: notOperator #lobby
    alice topic all of us      → alice sets topic of #lobby: all of us
    alice sets -topicLocked    → alice sets -topicLocked in #lobby
    bob topic #lobby: mine     → bob sets topic of #lobby: mine
    bob topic ${long}          → bob sets topic of #lobby: ${long}
    bob topic ${long}y         → refused: tooLong ${TOPIC_BYTES_MAX} bytes
    bob topic #tea: mine       → refused: notInRoom #tea
    bob topic                  → bob sets topic of #lobby: none
  `);
  story.apply("bob topic tea");
  const { topic } = story.state.rooms.get(LOBBY)!;
  assert.deepEqual(topic, { text: "tea", by: "bob", timeMs: (story.sequence - 1) * 1000 });
});

test("of a secret room only its members know", () => {
  const story = new Story("alice", "bob");
  const roomsOf = (person: string): string[] =>
    visibleRooms(story.state, story.session(person)).map(({ name }) => name);
  story.tell(`
    alice joins #den           → alice enters #den and runs it
    alice sets +secret         → alice sets +secret in #den
    alice asks who             → who of #den
    bob asks who #den          → refused: noSuchRoom #den
    bob asks topic #den        → refused: noSuchRoom #den
    alice sets #lobby +secret  → alice sets +secret in #lobby
    bob parts                  → bob parts #lobby
  `);
  assert.deepEqual([roomsOf("alice"), roomsOf("bob")], [["#lobby", "#den"], ["#lobby"]]);
  story.tell(`
    bob joins #den             → bob enters #den
    bob asks who               → who of #den
  `);
});

test("who asks is answered of the room in focus or the one that is named", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    alice asks who             → who of #lobby
    alice joins #tea           → alice enters #tea and runs it
    alice asks topic           → topic of #tea
    bob asks bans #tea         → bans of #tea
    bob asks mutes #lobby      → mutes of #lobby
    bob asks who #den          → refused: noSuchRoom #den
    bob asks rooms             → rooms
    alice bans bob             → alice bans bob in #tea
    bob asks who #tea          → refused: noSuchRoom #tea
    bob parts                  → bob parts #lobby
    bob asks who               → refused: noRoom
    bob asks rooms             → rooms
  `);
});

test("one person is in so many rooms at most", () => {
  const story = new Story("alice");
  for (let room = 1; room < ROOMS_OF_A_SESSION_MAX; room += 1) story.apply(`alice joins #room${room}`);
  story.tell(`
    alice joins #onemore       → refused: tooManyRooms #onemore
    alice joins #room1         → alice speaks in #room1
    alice parts                → alice parts #room1
    alice joins #onemore       → alice enters #onemore and runs it
    alice joins #room1         → refused: tooManyRooms #room1
  `);
});

test("past the limit the room that has been empty longest is forgotten for a new one, never the lobby", () => {
  const story = new Story("alice", "bob");
  const alice = (kind: "join" | "part", room: string): readonly Effect[] =>
    story.applyRecord(
      kind === "join"
        ? { kind, session: 1, room, replay: 0 }
        : { kind, session: 1, room, text: new Uint8Array(0) },
      11,
    );
  story.tell(`
    bob leaves                 → bob leaves, quit
    alice parts                → alice parts #lobby
  `);
  for (let room = 1; room < ROOMS_MAX; room += 1) {
    alice("join", `#room${room}`);
    alice("part", `#room${room}`);
  }
  assert.equal(story.state.rooms.size, ROOMS_MAX);
  // The oldest but the lobby, and the next oldest, have been empty for a shorter time than the third.
  alice("join", "#room1");
  alice("join", "#room2");
  alice("part", "#room2");
  story.tell(`
    alice joins #new           → alice enters #new and runs it
    alice says #room3 hi       → refused: noSuchRoom #room3
    alice says #room4 hi       → refused: notInRoom #room4
    alice says #room1 hi       → alice in #room1: hi
    alice joins #room3         → alice enters #room3 and runs it
    alice says #room4 hi       → refused: noSuchRoom #room4
    alice says #lobby hi       → refused: notInRoom #lobby
  `);
  assert.equal(story.state.rooms.size, ROOMS_MAX);
  assert.equal(story.state.nextRoom, ROOMS_MAX + 3);
});

test("where somebody is in every room, no other is made", () => {
  const story = new Story();
  let session = 0;
  for (let room = 1; room < ROOMS_MAX; room += 1) {
    if ((room - 1) % (ROOMS_OF_A_SESSION_MAX - 1) === 0) {
      session += 1;
      story.applyRecord({ kind: "seat", session, process: 1, protocol: "plain", host: "" }, SUPERVISOR);
      story.applyRecord({ kind: "arrive", session, replay: 0 }, 1);
    }
    story.applyRecord({ kind: "join", session, room: `#room${room}`, replay: 0 }, 1);
  }
  story.applyRecord({ kind: "seat", session: 999, process: 1, protocol: "plain", host: "" }, SUPERVISOR);
  story.applyRecord({ kind: "arrive", session: 999, replay: 0 }, 1);
  const join = (room: string): readonly Effect[] =>
    story.applyRecord({ kind: "join", session: 999, room, replay: 0 }, 1);
  assert.equal(story.state.rooms.size, ROOMS_MAX);
  assert.equal(reasonOf(join("#onemore")), "tooManyRooms");
  assert.equal(story.state.rooms.size, ROOMS_MAX);
  assert.equal(join("#room1")[0]?.kind, "joined");
});

test("a room that no snapshot could hold is never made", () => {
  const story = new Story("alice");
  story.state.nextRoom = ROOM_ID_MAX;
  story.tell(`
    alice joins #last          → alice enters #last and runs it
    alice joins #onemore       → refused: tooManyRooms #onemore
    rooms                      → #lobby #last
  `);
});

test("a room has so many bans and mutes at most, together", () => {
  const story = new Story("alice", "bob");
  for (let nick = 1; nick < RESTRICTIONS_MAX; nick += 1)
    story.apply(`alice ${nick % 2 === 0 ? "bans" : "mutes"} x${nick}`);
  story.tell(`
    alice bans bob             → alice kicks bob out of #lobby; alice bans bob in #lobby
    alice mutes y              → refused: tooManyRestrictions #lobby
    alice bans y               → refused: tooManyRestrictions #lobby
    alice bans bob             → alice bans bob in #lobby
    alice unbans x2            → alice unbans x2, who is not here in #lobby
    alice mutes y              → alice mutes y, who is not here in #lobby
  `);
});

function reasonOf(effects: readonly Effect[]): string | undefined {
  const [effect] = effects;
  return effect?.kind === "refused" ? effect.reason : effect?.kind;
}
