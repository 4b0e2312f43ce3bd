import assert from "node:assert/strict";
import { test } from "node:test";
import { hasRank } from "./index.ts";
import { Story } from "../../test/support/story.ts";

/** Who is in #tea, one of each rank, two half-operators, and a moderator of the server. */
const CAST = {
  fay: "founder",
  ann: "admin",
  ole: "operator",
  hal: "halfOperator",
  hub: "halfOperator",
  vic: "voice",
  nob: "none",
  sam: "staff",
} as const;
const NAMES = Object.keys(CAST);

function cast(): Story {
  const story = new Story("lob", ...NAMES, "out");
  for (const line of [
    "process 5 keeps history",
    "account Fay2 is user",
    "account Sam2 is moderator",
    "fay proves Fay2",
    "sam proves Sam2",
    ...NAMES.map((name) => `${name} joins #tea`),
    ...Object.entries(CAST)
      .filter(([name, rank]) => name !== "fay" && rank !== "none" && rank !== "staff")
      .map(([name, rank]) => `fay sets +${rank} ${name}`),
    "fay nick fay",
    "sam nick sam",
  ])
    assert.notEqual(story.apply(line)[0]?.kind, "refused", line);
  return story;
}

/** For each of the cast a row, and in it what was granted of these wishes, each tried anew. */
function granted(wishes: readonly string[], ...before: readonly string[]): string[] {
  return NAMES.map((actor) => {
    const cells = wishes.map((wish) => {
      const story = cast();
      for (const line of before) story.apply(line);
      const [effect] = story.apply(`${actor} ${wish}`);
      return effect === undefined || effect.kind === "refused" ? "-" : "x";
    });
    return `${actor} ${cells.join("")}`;
  });
}

test("the room is as it should be", () => {
  cast().tell("who #tea → ~@fay &ann @ole %hal %hub +vic nob sam");
});

test("whom one may kick, mute and ban", () => {
  const on = (wish: string): readonly string[] => NAMES.map((target) => `${wish} #tea ${target}`);
  // A column for each of the cast.
  const expected = [
    "fay xxxxxxxx",
    "ann -xxxxxxx",
    "ole --xxxxxx",
    "hal ---x-xxx",
    "hub ----xxxx",
    "vic --------",
    "nob --------",
    "sam xxxxxxxx",
  ];
  for (const wish of ["kicks", "mutes", "bans"]) assert.deepEqual(granted(on(wish)), expected, wish);
});

test("which rank one may give to whom has none", () => {
  const ranks = ["founder", "admin", "operator", "halfOperator", "voice"];
  assert.deepEqual(granted(ranks.map((rank) => `sets #tea +${rank} nob`)), [
    "fay xxxxx",
    "ann --xxx",
    "ole --xxx",
    "hal ----x",
    "hub ----x",
    "vic -----",
    "nob -----",
    "sam xxxxx",
  ]);
});

test("whose rank one may take, and that everybody may give up its own", () => {
  const taken = ["founder fay", "admin ann", "operator ole", "halfOperator hal", "voice vic"];
  assert.deepEqual(granted(taken.map((what) => `sets #tea -${what}`)), [
    "fay xxxxx",
    "ann -xxxx",
    "ole --xxx",
    "hal ---xx",
    "hub ----x",
    "vic ----x",
    "nob -----",
    "sam xxxxx",
  ]);
});

test("what one may make of the room", () => {
  const wishes = [
    "sets #tea +moderated",
    "chooses #tea limit 9",
    "renames #tea #cup",
    "topic #tea: leaves",
    "masks #tea ban *!*@evil",
    "invites #tea out",
  ];
  assert.deepEqual(granted(wishes), [
    "fay xxxxxx",
    "ann xxxxxx",
    "ole xxxxxx",
    "hal ---xxx",
    "hub ---xxx",
    "vic -----x",
    "nob -----x",
    "sam xxxxxx",
  ]);
  const open = ["topic #tea: leaves", "invites #tea out"];
  assert.deepEqual(
    granted(open, "fay sets #tea -topicLocked", "fay sets #tea +inviteOnly"),
    NAMES.map(
      (name) => `${name} x${CAST[name as keyof typeof CAST] === "none" || name === "vic" ? "-" : "x"}`,
    ),
  );
});

test("a rank that lies above another does not take that one away", () => {
  const story = cast();
  story.tell(`
    fay sets +operator ann     → fay sets +operator ann in #tea
    fay sets -admin ann        → fay sets -admin ann in #tea
    who #tea                   → ~@fay @ann @ole %hal %hub +vic nob sam
    fay sets -founder fay      → fay sets -founder fay in #tea
    ole sets -operator fay     → ole sets -operator fay in #tea
    fay topic mine             → refused: notOperator #tea
    ole sets +founder ole      → refused: notOperator #tea
    sam sets +founder nob      → sam sets +founder nob in #tea
    nob sets +admin hal        → nob sets +admin hal in #tea
    ole kicks hal              → refused: outranked hal
  `);
});

test("the last who runs a room, by whatever rank, does not give it up; in going it leaves it to another", () => {
  const story = new Story("alice", "bob", "carol");
  story.apply("process 5 keeps history");
  story.apply("account Alice2 is user");
  story.apply("alice proves Alice2");
  story.tell(`
    alice joins #tea           → alice enters #tea and founds it
    bob joins #tea             → bob enters #tea
    alice sets +halfOperator bob → alice sets +halfOperator bob in #tea
    alice sets -operator alice → alice sets -operator alice in #tea
    alice sets -founder alice  → refused: lastOperator #tea
    alice sets +admin bob      → alice sets +admin bob in #tea
    alice sets -founder alice  → alice sets -founder alice in #tea
    who #tea                   → alice &%bob
    bob sets -admin bob        → refused: lastOperator #tea
    carol joins #tea           → carol enters #tea
    bob parts                  → bob parts #tea; +operator alice in #tea
    alice parts                → alice parts #tea; +operator carol in #tea
    alice joins #tea           → alice enters #tea
  `);
});

test("who makes a room with an account founds it, but neither the lobby nor a room that was there", () => {
  const story = new Story();
  story.apply("process 5 keeps history");
  story.apply("account Alice is user");
  story.tell(`
    room #old is found         → nothing
    alice is seated            → session 1 seated in 11
    alice proves Alice         → session 1 logs in as Alice
    alice arrives              → Alice arrives; Alice enters #lobby and runs it
    alice joins #old           → Alice enters #old and runs it
    alice joins #new           → Alice enters #new and founds it
    alice parts                → Alice parts #new
    alice joins #new           → Alice enters #new and runs it
    bob is seated              → session 2 seated in 12
    bob arrives                → guest1 arrives; guest1 enters #lobby
    bob joins #bobs            → guest1 enters #bobs and runs it
  `);
});

test("a moderator of the server moderates where it is, and enters where others may not", () => {
  const story = cast();
  story.tell(`
    fay chooses key secret     → fay chooses key secret in #tea
    fay sets +inviteOnly       → fay sets +inviteOnly in #tea
    fay chooses limit 1        → fay chooses limit 1 in #tea
    fay bans sam               → fay kicks sam out of #tea; fay bans sam in #tea
    fay sets +moderated        → fay sets +moderated in #tea
    sam kicks #tea nob         → refused: notInRoom #tea
    sam joins #tea             → sam enters #tea
    sam says hi                → sam in #tea: hi
    sam kicks #tea nob         → sam kicks nob out of #tea
    nob joins #tea             → refused: inviteOnly #tea
  `);
});

test("a rank counts as all below it, and staff of the server as what they are in the room", () => {
  const story = cast();
  const { id } = [...story.state.rooms.values()].find(({ name }) => name === "#tea")!;
  const expected = {
    operator: ["fay", "ann", "ole"],
    halfOperator: ["fay", "ann", "ole", "hal", "hub"],
    founder: ["fay"],
    voice: ["fay", "ann", "ole", "hal", "hub", "vic"],
  } as const;
  story.apply("fay sets -operator fay");
  for (const [rank, those] of Object.entries(expected) as [keyof typeof expected, readonly string[]][])
    assert.deepEqual(
      [...NAMES, "out"].filter((name) => hasRank(story.session(name), id, rank)),
      those,
    );
});
