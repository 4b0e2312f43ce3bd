import assert from "node:assert/strict";
import { test } from "node:test";
import { RECALL_MAX } from "./index.ts";
import { Story } from "../../test/support/story.ts";

/** With somebody who keeps what is said. */
function keptStory(...people: readonly string[]): Story {
  const story = new Story(...people);
  story.tell("process 5 keeps history → nothing");
  return story;
}

test("where nobody keeps a history, it cannot be asked, and rooms are entered without", () => {
  const story = new Story("alice");
  story.tell(`
    alice recalls 20           → refused: noHistory
    alice searches tea         → refused: noHistory
    alice missed 1             → refused: noHistory
    alice joins #tea replay 20 → alice enters #tea and runs it
  `);
});

test("who enters sees as much of the past as it wants, up to the limit", () => {
  const story = keptStory("alice");
  story.tell(`
    bob is seated                → session 2 seated in 12
    bob arrives replay 20        → guest2 arrives; guest2 enters #lobby; replay 20 before now in #lobby
    bob joins #tea replay 0      → guest2 enters #tea and runs it
    bob joins #den replay 60000  → guest2 enters #den and runs it; replay ${RECALL_MAX} before now in #den
    bob joins #den replay 20     → guest2 speaks in #den
  `);
});

test("a room's past is for its members and for all whom nothing keeps from entering", () => {
  const story = keptStory("alice", "bob");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    alice recalls 20           → recall 20 before now in #tea
    alice recalls #LOBBY 60000 → recall ${RECALL_MAX} before now in #lobby
    bob recalls 20             → recall 20 before now in #lobby
    bob recalls #tea 20        → recall 20 before now in #tea
    bob recalls #den 20        → refused: noSuchRoom #den
    alice sets +secret         → alice sets +secret in #tea
    bob recalls #tea 20        → refused: noSuchRoom #tea
    bob joins #tea             → bob enters #tea
    bob recalls 20             → recall 20 before now in #tea
    alice sets -secret         → alice sets -secret in #tea
    alice bans bob             → alice kicks bob out of #tea; alice bans bob in #tea
    bob recalls #tea 20        → refused: noSuchRoom #tea
    alice unbans bob           → alice unbans bob in #tea
    alice mutes bob            → alice mutes bob in #tea
    bob recalls #tea 20        → recall 20 before now in #tea
    bob parts                  → bob parts #lobby
    bob recalls 20             → refused: noRoom
  `);
});

test("a search looks through all that may be read; what was missed, through the rooms that one is in", () => {
  const story = keptStory("alice", "bob");
  story.tell(`
    alice joins #tea           → alice enters #tea and runs it
    alice joins #den           → alice enters #den and runs it
    alice sets +secret         → alice sets +secret in #den
    bob searches leaves        → search leaves before now in #lobby #tea
    alice searches leaves      → search leaves before now in #lobby #tea #den
    alice missed 7             → range 7 before now in #lobby #tea #den
    bob missed 7               → range 7 before now in #lobby
    alice bans #tea bob        → alice bans bob in #tea
    bob searches leaves        → search leaves before now in #lobby
    bob parts                  → bob parts #lobby
    bob searches leaves        → search leaves before now in #lobby
    bob missed 7               → range 7 before now in no room
  `);
});

test("a question reaches back from where it stands or from before, never forward", () => {
  const story = keptStory("alice");
  const next = story.sequence;
  story.tell(`
    alice recalls 20 before 3           → recall 20 before 3 in #lobby
    alice recalls 20 before ${next}     → recall 20 before ${next} in #lobby
    alice recalls 20 before 1000        → recall 20 before now in #lobby
    alice searches tea before 3         → search tea before 3 in #lobby
    alice missed 1 before 3             → range 1 before 3 in #lobby
    alice missed 1 before 1000          → range 1 before now in #lobby
  `);
});

test("what becomes of the store is told once, by the history process or the supervisor in its place", () => {
  const story = keptStory("alice");
  assert.equal(story.state.store, "kept");
  story.tell(`
    from 6: the store fails                     → nothing
    from 11: the store fails                    → nothing
    from 5: the store fails                     → store failed: disk full
    from 5: the store fails                     → nothing
    alice recalls 20                            → recall 20 before now in #lobby
    from 6: the store works                     → nothing
    from 5: the store works lacking 3 to 9      → store kept, lacks 3 to 9
    from 5: the store works                     → nothing
    from 0: the store fails                     → store failed: disk full
  `);
});

test("another process takes the history over, with the store as it is", () => {
  const story = keptStory("alice");
  story.tell(`
    from 5: the store fails                     → store failed: disk full
    process 5 dies                              → nothing
    from 5: the store works                     → nothing
    alice recalls 20                            → recall 20 before now in #lobby
    process 6 keeps history                     → nothing
    from 5: the store works                     → nothing
    from 6: the store works lacking 4 to 8      → store kept, lacks 4 to 8
  `);
  assert.deepEqual([story.state.historyProcess, story.state.store], [6, "kept"]);
  story.tell(`
    process 0 keeps history                     → nothing
    alice recalls 20                            → refused: noHistory
  `);
});
