import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../base/index.ts";
import { type Effect, ENTRY_KINDS, type Entry, type Session, entryOf, isWhisper } from "./index.ts";
import { newRoom } from "./state.ts";
import { Story } from "../../test/support/story.ts";

/** Plays a table of `who does what → what history keeps of it`. */
function keeps(story: Story, table: string): void {
  const expected: string[] = [];
  const actual: string[] = [];
  for (const line of table.split("\n").filter((each) => each.trim() !== "")) {
    const [what, outcome] = line.split("→") as [string, string];
    const { sequence } = story;
    const entry = entryOf(story.apply(what.trim()), sequence, sequence * 1000);
    if (entry !== undefined) assert.deepEqual([entry.sequence, entry.timeMs], [sequence, sequence * 1000]);
    expected.push(`${what.trim()} → ${outcome.trim()}`);
    actual.push(`${what.trim()} → ${entry === undefined ? "nothing" : wordsOf(entry)}`);
  }
  assert.deepEqual(actual, expected);
}

/** kind, who, whom, rooms by number, text */
function wordsOf({ kind, session, nick, displayName, peer, rooms, text }: Entry): string {
  const who = `${session}=${nick}${displayName === nick ? "" : `/${displayName}`}`;
  const whom = peer === undefined ? "" : ` to ${peer.session}=${peer.nick}/${peer.displayName}`;
  return `${kind} ${who}${whom} in [${rooms.join()}]${text === "" ? "" : `: ${text}`}`;
}

test("history keeps one entry of what somebody did, with names as they were", () => {
  const story = new Story("alice", "bob");
  keeps(
    story,
    `
    alice says hi all            → say 1=alice in [1]: hi all
    alice acts yawns             → act 1=alice in [1]: yawns
    alice notices note           → notice 1=alice in [1]: note
    alice nick alice 小明         → nick 1=alice to 1=alice/小明 in [1]
    bob whispers 小明 hi          → whisper 2=bob to 1=alice/小明 in []: hi
    alice joins #tea             → join 1=alice/小明 in [2]
    bob joins #tea               → join 2=bob in [2]
    alice topic leaves           → topic 1=alice/小明 in [2]: leaves
    alice topic                  → topic 1=alice/小明 in [2]
    alice sets +moderated        → mode 1=alice/小明 in [2]: +moderated
    alice sets +voice bob        → mode 1=alice/小明 to 2=bob/bob in [2]: +voice
    alice mutes bob              → mode 1=alice/小明 in [2]: +mute bob
    alice unmutes bob            → mode 1=alice/小明 in [2]: -mute bob
    alice kicks bob too loud     → kick 1=alice/小明 to 2=bob/bob in [2]: too loud
    bob nick robert              → nick 2=bob to 2=robert/robert in [1]
    alice parts see you          → part 1=alice/小明 in [2]: see you
  `,
  );
});

test("of a ban that takes somebody out of the room it keeps that; otherwise the ban", () => {
  const story = new Story("alice", "bob");
  keeps(
    story,
    `
    alice bans bob               → kick 1=alice to 2=bob/bob in [1]
    alice bans carol             → mode 1=alice in [1]: +ban carol
    alice unbans bob             → mode 1=alice in [1]: -ban bob
  `,
  );
});

test("it keeps who entered and who left, from where and why, but for those of whom nobody knew", () => {
  const story = new Story("alice", "bob");
  keeps(
    story,
    `
    carol is seated              → nothing
    carol leaves hung up         → nothing
    dave is seated               → nothing
    dave arrives                 → join 4=guest3 in [1]
    dave joins #tea              → join 4=guest3 in [2]
    dave leaves quit: good night → leave 4=guest3 in [1,2]: good night
    bob leaves too slow: unsaid  → leave 2=bob in [1]: too slow
    erin is seated               → nothing
    erin arrives                 → join 5=guest4 in [1]
    alice leaves                 → leave 1=alice in [1]
    process 15 dies              → nothing
  `,
  );
});

test("of what nobody did, and of what was not granted, it keeps nothing", () => {
  const story = new Story("alice", "bob");
  keeps(
    story,
    `
    process 5 keeps history      → nothing
    bob kicks alice              → nothing
    bob joins #lobby             → nothing
    bob asks who                 → nothing
    bob recalls 5                → nothing
    bob away lunch               → nothing
    from 5: the store fails      → nothing
    process 11 dies              → nothing
    the server stops             → nothing
  `,
  );
});

test("what is not well-formed is kept as what can be shown of it", () => {
  const story = new Story("alice");
  const effects = story.applyRecord(
    { kind: "say", session: 1, room: "", text: Uint8Array.of(104, 0xff) },
    11,
  );
  assert.equal(entryOf(effects, 1, 1)?.text, "h\ufffd");
});

const ACCOUNT = 2 ** 52;
const ROOM = newRoom(7, "#tea");

function somebody(what: Partial<Session>): Session {
  return {
    id: 1,
    process: 11,
    protocol: "plain",
    since: 1,
    principal: 1,
    person: 1,
    account: "",
    role: "user",
    operPerson: 0,
    user: "",
    realName: "",
    bot: false,
    host: "",
    invisible: false,
    wallops: false,
    arrivedMs: 0,
    nick: "alice",
    displayName: "alice",
    absentSince: 0,
    away: "",
    focus: 0,
    rooms: new Map(),
    ...what,
  };
}

const alice = somebody({ person: ACCOUNT, account: "Alice", user: "al", host: "home.example" });
const bob = somebody({ id: 2, principal: 2, person: 2, nick: "bob", displayName: "bob" });

function kept(effect: Effect): Entry | undefined {
  return entryOf([effect], 9, 9000);
}

/** Something without a text, in the room. */
function tagged(tags: string): Entry | undefined {
  const text = new Uint8Array(0);
  return kept({ kind: "tagged", session: alice, room: ROOM, text, tags, atLeast: undefined });
}

test("an entry says who it was over time, by which account, from where, and with which tags", () => {
  const text = encodeUtf8("one\ntwo");
  const said = { kind: "said", session: alice, room: ROOM, text, tags: "+draft/reply=4", atLeast: undefined };
  assert.deepEqual(kept(said as Effect), {
    sequence: 9,
    timeMs: 9000,
    kind: "say",
    rooms: [7],
    session: ACCOUNT,
    nick: "alice",
    displayName: "alice",
    peer: undefined,
    text: "one\ntwo",
    tags: "+draft/reply=4",
    account: "Alice",
    address: "al@home.example",
  });
  const others = [
    [{}, "@"],
    [{ user: "b" }, "b@"],
    [{ host: "there" }, "@there"],
  ] as const;
  for (const [what, address] of others) {
    const entry = kept({ ...said, session: { ...bob, ...what } } as Effect)!;
    assert.deepEqual([entry.address, entry.account], [address === "@" ? "" : address, ""]);
  }
});

test("what only some of a room could hear is not for the past that all of it reads", () => {
  for (const kind of ["said", "acted", "noticed", "tagged"] as const) {
    const text = encodeUtf8("psst");
    const effect = { kind, session: alice, room: ROOM, text, tags: "+draft/react=x" } as const;
    assert.equal(kept({ ...effect, atLeast: "operator" }), undefined);
    assert.notEqual(kept({ ...effect, atLeast: undefined }), undefined);
  }
});

test("of tags alone it keeps what still means something later", () => {
  const lasting = [
    "+draft/react=👍;+draft/reply=4",
    "+react=👍;+reply=4",
    "+draft/reply=4",
    "+draft/unreact=👍;+draft/reply=4",
  ];
  for (const tags of lasting) {
    const entry = tagged(tags)!;
    assert.deepEqual([entry.kind, entry.text, entry.tags, entry.rooms], ["tag", "", tags, [7]]);
  }
  const passing = ["", "+typing=active", "+draft/reply=4;+typing=active", "+draft/reactions=x", "+else"];
  for (const tags of passing) assert.equal(tagged(tags), undefined, tags);
});

test("a whisper is kept as what it was, for both", () => {
  const kinds = { say: "whisper", act: "whisperAct", notice: "whisperNotice", tag: "whisperTag" } as const;
  for (const [speech, kind] of Object.entries(kinds) as [keyof typeof kinds, Entry["kind"]][]) {
    const text = encodeUtf8(speech === "tag" ? "" : "hi");
    const whispered = { kind: "whispered", session: bob, to: alice, speech, text } as const;
    const entry = kept({ ...whispered, tags: "+draft/react=x" })!;
    assert.deepEqual(
      [entry.kind, entry.session, entry.peer, entry.rooms, entry.tags],
      [kind, 2, { session: ACCOUNT, nick: "alice", displayName: "alice" }, [], "+draft/react=x"],
    );
    assert.equal(isWhisper(entry.kind), true);
    assert.equal(kept({ ...whispered, tags: "+typing=done" })?.kind, speech === "tag" ? undefined : kind);
  }
  assert.deepEqual(
    ENTRY_KINDS.filter((kind) => isWhisper(kind)),
    Object.values(kinds).toSorted((one, other) => ENTRY_KINDS.indexOf(one) - ENTRY_KINDS.indexOf(other)),
  );
});

test("a deletion is kept as what was deleted and why, in the room or for both", () => {
  const redacted = { kind: "redacted", session: alice, message: 4711 } as const;
  const inRoom = kept({ ...redacted, room: ROOM, peer: 0, text: "no ads here" })!;
  assert.deepEqual(
    [inRoom.kind, inRoom.rooms, inRoom.peer, inRoom.text],
    ["redact", [7], undefined, "4711 no ads here"],
  );
  const whispered = kept({ ...redacted, room: undefined, peer: 2, text: "" })!;
  assert.deepEqual([whispered.rooms, whispered.peer?.session, whispered.text], [[], 2, "4711"]);
});

test("what a room is set to is kept, but never its key", () => {
  const cases = [
    ["key", { key: "swordfish" }, "+key"],
    ["key", { key: "" }, "-key"],
    ["limit", { limit: 5 }, "+limit 5"],
    ["limit", { limit: 0 }, "-limit"],
    ["slowSeconds", { slowSeconds: 30 }, "+slowSeconds 30"],
  ] as const;
  for (const [setting, what, text] of cases) {
    const entry = kept({ kind: "settingSet", session: alice, room: { ...ROOM, ...what }, setting })!;
    assert.deepEqual([entry.kind, entry.rooms, entry.text], ["mode", [7], text]);
  }
  const room = { ...ROOM, name: "#coffee" };
  const renamed = {
    kind: "roomRenamed",
    session: alice,
    room,
    previous: ROOM,
    text: encodeUtf8("why"),
  } as const;
  assert.equal(kept(renamed)?.text, "+name #coffee");
  const restriction = { kind: "mute", mask: "*!*@there", person: 0, by: "alice", timeMs: 0 } as const;
  const muted = { kind: "restricted", session: alice, room: ROOM, restriction, on: true } as const;
  assert.equal(kept(muted)?.text, "+mute *!*@there");
});

test("the numbers of kinds, which stand in databases, stay", () => {
  const kinds = ["say", "act", "notice", "topic", "whisper", "join", "part", "leave", "nick", "kick", "mode"];
  kinds.push("tag", "whisperAct", "whisperNotice", "whisperTag", "redact");
  assert.deepEqual(ENTRY_KINDS.slice(0, kinds.length), kinds);
});
