import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../base/index.ts";
import { Story } from "../../test/support/story.ts";

/** Where alice runs the lobby; account records are heard. */
function lobby(...people: readonly string[]): Story {
  const story = new Story("alice", ...people);
  for (const line of ["process 5 keeps history", "account Bob2 is user"]) story.apply(line);
  return story;
}

test("what is spoken goes to a room or a person, with tags, and to those of a rank alone", () => {
  lobby("bob").tell(`
    bob speaks #lobby say hi         → bob in #lobby: hi
    bob speaks #LOBBY act waves      → bob acted in #lobby: waves
    bob speaks #lobby notice +a=b hi → bob noticed in #lobby with +a=b: hi
    bob speaks #lobby tag +a;+b=c    → bob tagged in #lobby with +a;+b=c
    bob speaks @#lobby say psst      → bob in @#lobby: psst
    bob speaks %#lobby act hides     → bob acted in %#lobby: hides
    bob speaks alice say hi          → bob to alice: hi
    bob speaks ALICE act +a waves    → bob act to alice with +a: waves
    bob speaks alice notice hi       → bob notice to alice: hi
    bob speaks alice tag +typing=active → bob tag to alice with +typing=active
    bob speaks @alice say hi         → bob to alice: hi
    bob speaks #den say hi           → refused: noSuchRoom #den
    bob speaks nobody say hi         → refused: noSuchName nobody
  `);
});

test("who is not in a room speaks there only where the room lets it, and nothing keeps it from coming in", () => {
  const story = lobby("bob", "carol");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    bob says #tea: hi          → refused: notInRoom #tea
    alice sets -membersOnly    → alice sets -membersOnly in #tea
    bob says #tea: hi          → bob in #tea: hi
    bob speaks #tea tag +x     → bob tagged in #tea with +x
    alice sets +moderated      → alice sets +moderated in #tea
    bob says #tea: hi          → refused: moderated #tea
    alice sets -moderated      → alice sets -moderated in #tea
    alice mutes bob            → alice mutes bob in #tea
    bob says #tea: hi          → refused: muted #tea
    alice unmutes bob          → alice unmutes bob in #tea
    alice bans bob             → alice bans bob in #tea
    bob says #tea: hi          → refused: notInRoom #tea
    carol says #tea: hi        → carol in #tea: hi
    alice sets +secret         → alice sets +secret in #tea
    carol says #Tea: hi        → refused: noSuchRoom #Tea
    alice sets -secret         → alice sets -secret in #tea
    alice chooses slowSeconds 5 → alice chooses slowSeconds 5 in #tea
    carol says #tea: hi        → refused: notInRoom #tea
  `);
});

test("where accounts speak, a guest does not, unless it has a voice", () => {
  lobby("bob", "carol").tell(`
    alice sets +accountsSpeak  → alice sets +accountsSpeak in #lobby
    carol says hi              → refused: needsAccount #lobby
    bob proves Bob2            → bob logs in as Bob2
    bob says hi                → bob in #lobby: hi
    alice sets +voice carol    → alice sets +voice carol in #lobby
    carol says hi              → carol in #lobby: hi
    alice says hi              → alice in #lobby: hi
  `);
});

test("in slow mode one waits between two messages, and after entering; who has a voice does not", () => {
  const story = lobby("bob", "carol");
  const wait = (): void => {
    story.sequence += 5;
  };
  // A second goes by with each line.
  story.tell(`
    bob says hi                → bob in #lobby: hi
    alice chooses slowSeconds 5 → alice chooses slowSeconds 5 in #lobby
    bob says hi                → bob in #lobby: hi
    bob speaks #lobby tag +x   → refused: tooSoon #lobby
    bob says again             → refused: tooSoon #lobby
    bob acts waves             → refused: tooSoon #lobby
    carol says hi              → carol in #lobby: hi
    bob whispers alice hi      → bob to alice: hi
    bob parts bye              → bob parts #lobby: bye
    bob joins #lobby           → bob enters #lobby
    bob says hi                → refused: tooSoon #lobby
  `);
  wait();
  story.tell(`
    bob says hi                → bob in #lobby: hi
    bob says hi                → refused: tooSoon #lobby
    alice says hi              → alice in #lobby: hi
    alice says hi              → alice in #lobby: hi
    alice sets +voice bob      → alice sets +voice bob in #lobby
    bob says hi                → bob in #lobby: hi
    bob says hi                → bob in #lobby: hi
    alice sets -voice bob      → alice sets -voice bob in #lobby
    bob says hi                → refused: tooSoon #lobby
    alice chooses slowSeconds  → alice chooses slowSeconds none in #lobby
    bob says hi                → bob in #lobby: hi
    bob says hi                → bob in #lobby: hi
  `);
});

test("a room without CTCP lets through what somebody does, and nothing else for programs", () => {
  const story = lobby("bob");
  story.apply("alice sets +noCtcp");
  const text = encodeUtf8("\u0001VERSION\u0001");
  const [refused] = story.applyRecord({ kind: "say", session: 2, room: "", text }, 12);
  assert.ok(refused?.kind === "refused" && refused.reason === "noCtcp");
  assert.equal(
    story.applyRecord({ kind: "whisper", session: 2, to: "alice", text }, 12)[0]?.kind,
    "whispered",
  );
  story.tell("bob acts waves → bob acted in #lobby: waves");
});

test("who may not speak somewhere does not do so in leaving", () => {
  lobby("bob", "carol", "dave").tell(`
    alice joins #tea           → alice enters #tea and runs it
    bob joins #tea             → bob enters #tea
    carol joins #tea           → carol enters #tea
    alice mutes bob            → alice mutes bob in #tea
    carol parts bye            → carol parts #tea: bye
    bob parts bye              → bob parts #tea
    bob joins #tea             → bob enters #tea
    bob parts #lobby: bye      → bob parts #lobby: bye
    bob leaves quit: bye       → bob leaves, quit
    carol leaves quit: bye     → carol leaves, quit: bye
    alice sets #lobby +secret  → alice sets +secret in #lobby
    dave leaves quit: bye      → dave leaves, quit: bye
  `);
});

test("who has spoken when is known of those who are here, and not of tags alone", () => {
  const story = lobby("bob", "carol");
  const spoken = (): unknown => [...story.state.spokeMs];
  story.apply("bob says hi");
  const bobs = (story.sequence - 1) * 1000;
  story.apply("carol whispers bob hi");
  const carols = (story.sequence - 1) * 1000;
  story.apply("alice speaks #lobby tag +x");
  story.apply("alice speaks bob tag +x");
  assert.deepEqual(spoken(), [
    [2, bobs],
    [3, carols],
  ]);
  story.apply("bob turns irc");
  story.apply("carol leaves");
  assert.deepEqual(spoken(), []);
});
