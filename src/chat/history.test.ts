import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeUtf8 } from "../base/index.ts";
import { type EffectOf, PAGE_MAX, type Page, RECALL_MAX, type Wish } from "./index.ts";
import { askHistory } from "./history.ts";
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

const NEWEST: Page = { after: undefined, before: undefined, take: "newest", limit: 50, events: true };

type PastWish = Extract<Wish, { kind: "page" | "targets" | "redact" }>;
type Asking = PastWish extends infer Each
  ? Each extends PastWish
    ? Omit<Each, "session" | "before">
    : never
  : never;

/** What somebody's wish is asked as, by its second client; or why not. */
function ask(story: Story, person: string, wish: Asking): EffectOf<"historyAsked"> | string {
  const session = story.session(person);
  const whole = { ...wish, session: 99, before: 0 } as PastWish;
  const [effect] = askHistory(story.state, session, whole, 1000, 99);
  if (effect?.kind === "refused") return `${effect.reason} ${effect.about}`.trim();
  assert.ok(effect?.kind === "historyAsked");
  assert.deepEqual([effect.session, effect.client, effect.before], [session, 99, 1000]);
  return effect;
}

function questionOf(asked: ReturnType<typeof ask>): unknown {
  return typeof asked === "string" ? asked : [asked.question, asked.rooms];
}

test("a page is of a room that may be read, or of whoever has a name, whether known or not", () => {
  const story = keptStory("alice", "bob");
  story.apply("alice joins #tea");
  const page = (person: string, target: string, other: Partial<Page> = {}): unknown =>
    questionOf(ask(story, person, { kind: "page", target, page: { ...NEWEST, ...other } }));
  const of = (what: object, limit = 50): unknown => ({ kind: "page", of: what, page: { ...NEWEST, limit } });
  assert.deepEqual(page("bob", "#TEA"), [of({ room: 2 }), [2]]);
  assert.deepEqual(page("bob", "#tea", { limit: 9999 }), [of({ room: 2 }, PAGE_MAX), [2]]);
  story.apply("alice sets +secret");
  assert.equal(page("bob", "#tea"), "noSuchRoom #tea");
  assert.equal(page("bob", "#den"), "noSuchRoom #den");
  assert.deepEqual(page("alice", "#tea"), [of({ room: 2 }), [2]]);
  assert.deepEqual(page("bob", "ALICE"), [of({ room: 0, person: 1, nick: "ALICE" }), []]);
  assert.deepEqual(page("bob", "erin"), [of({ room: 0, person: 0, nick: "erin" }), []]);
  const none = new Story("alice");
  assert.equal(questionOf(ask(none, "alice", { kind: "page", target: "#lobby", page: NEWEST })), "noHistory");
});

test("where there is something new is asked for the rooms that one is in", () => {
  const story = keptStory("alice", "bob");
  story.apply("alice joins #tea");
  const wish = { kind: "targets", afterMs: 5, beforeMs: 9, limit: 9999 } as const;
  const question = { kind: "targets", afterMs: 5, beforeMs: 9, limit: PAGE_MAX };
  assert.deepEqual(questionOf(ask(story, "alice", wish)), [question, [1, 2]]);
  assert.deepEqual(questionOf(ask(story, "bob", wish)), [question, [1]]);
});

test("who is in a room may ask for a message of it to be deleted, with what it may do there", () => {
  const story = keptStory("alice", "bob");
  story.apply("alice joins #tea");
  story.apply("bob joins #tea");
  const redact = (person: string, target: string): unknown =>
    questionOf(ask(story, person, { kind: "redact", target, message: 47, text: encodeUtf8("spam") }));
  const question = (room: number, isOperator: boolean): unknown => [
    { kind: "redact", room, message: 47, text: "spam", isOperator },
    room === 0 ? [] : [room],
  ];
  assert.deepEqual(redact("alice", "#Tea"), question(2, true));
  assert.deepEqual(redact("bob", "#tea"), question(2, false));
  assert.deepEqual(redact("alice", "bob"), question(0, false));
  assert.deepEqual(redact("alice", "gone"), question(0, false));
  story.state.sessions.set(2, { ...story.session("bob"), role: "moderator" });
  assert.deepEqual(redact("bob", "#tea"), question(2, true));
  story.apply("bob parts");
  assert.equal(redact("bob", "#tea"), "notInRoom #tea");
  story.apply("alice sets +secret");
  assert.equal(redact("bob", "#tea"), "noSuchRoom #tea");
  assert.equal(redact("bob", "#den"), "noSuchRoom #den");
});
