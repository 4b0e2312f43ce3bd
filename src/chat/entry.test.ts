import assert from "node:assert/strict";
import { test } from "node:test";
import { ENTRY_KINDS, type Entry, entryOf } from "./index.ts";
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

test("the numbers of kinds, which stand in databases, stay", () => {
  const kinds = ["say", "act", "notice", "topic", "whisper", "join", "part", "leave", "nick", "kick", "mode"];
  assert.deepEqual(ENTRY_KINDS.slice(0, kinds.length), kinds);
});
