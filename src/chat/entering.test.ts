/* What keeps somebody out of a room, and what opens it all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { visibleRooms } from "./index.ts";
import { Story } from "../../test/support/story.ts";

/** Where alice runs #tea, and the account of bob is Bob's. */
function tea(...people: readonly string[]): Story {
  const story = new Story("alice", "bob", ...people);
  for (const line of ["process 5 keeps history", "account Bob2 is user", "alice joins #tea"])
    story.apply(line);
  return story;
}

test("a key is asked of whoever enters, and is told to nobody whom it keeps out", () => {
  const story = tea();
  story.tell(`
    alice chooses key a:b      → alice chooses key a:b in #tea
    bob joins #tea             → refused: wrongKey #tea
    bob joins #tea key A:B     → refused: wrongKey #tea
    bob recalls #tea 5         → refused: noSuchRoom #tea
    bob asks who #tea          → refused: noSuchRoom #tea
    bob joins #tea key a:b     → bob enters #tea
    bob chooses key mine       → refused: notOperator #tea
    bob parts                  → bob parts #tea
    alice chooses key          → alice chooses key none in #tea
    alice chooses key          → refused: alreadySo #tea
    bob joins #tea             → bob enters #tea
  `);
  const e = "é".repeat(16);
  story.tell(`
    alice chooses key ${e}     → alice chooses key ${e} in #tea
    alice chooses key ${e}x    → refused: badValue ${e}x
    alice chooses key a,b      → refused: badValue a,b
    alice chooses key a b      → refused: badValue a b
    alice chooses key :a       → refused: badValue :a
  `);
});

test("a limit is how many may be in, and numbers are written as numbers", () => {
  tea("carol").tell(`
    alice chooses limit 2      → alice chooses limit 2 in #tea
    bob joins #tea             → bob enters #tea
    carol joins #tea           → refused: roomFull #tea
    bob parts                  → bob parts #tea
    carol joins #tea           → carol enters #tea
    alice chooses limit 0      → refused: badValue 0
    alice chooses limit -1     → refused: badValue -1
    alice chooses limit 65536  → refused: badValue 65536
    alice chooses limit 65535  → alice chooses limit 65535 in #tea
    alice chooses limit 2x     → refused: badValue 2x
    alice chooses limit        → alice chooses limit none in #tea
    alice chooses slowSeconds 86401 → refused: badValue 86401
    alice chooses slowSeconds 86400 → alice chooses slowSeconds 86400 in #tea
    bob joins #tea             → bob enters #tea
  `);
});

test("by invitation one enters once, whatever keeps others out, but a ban", () => {
  tea("carol").tell(`
    alice sets +inviteOnly     → alice sets +inviteOnly in #tea
    alice chooses key secret   → alice chooses key secret in #tea
    alice chooses limit 1      → alice chooses limit 1 in #tea
    alice sets +accountsOnly   → alice sets +accountsOnly in #tea
    bob joins #tea key secret  → refused: inviteOnly #tea
    alice invites #den bob     → refused: notInRoom #den
    alice invites nobody       → refused: noSuchName nobody
    alice invites alice        → refused: alreadyInRoom alice
    bob invites #tea carol     → refused: notInRoom #tea
    alice invites bob          → alice invites bob to #tea
    bob nick robert            → bob is robert
    bob joins #tea             → robert enters #tea
    bob invites carol          → refused: notOperator #tea
    bob parts                  → robert parts #tea
    bob joins #tea             → refused: inviteOnly #tea
    alice invites robert       → alice invites robert to #tea
    alice bans robert          → alice bans robert in #tea
    bob joins #tea             → refused: banned #tea
    alice unbans robert        → alice unbans robert in #tea
    bob joins #tea             → robert enters #tea
  `);
});

test("by who does not run the room, an invitation opens nothing", () => {
  tea("carol").tell(`
    bob joins #tea             → bob enters #tea
    alice chooses key secret   → alice chooses key secret in #tea
    bob invites carol          → bob invites carol to #tea
    carol joins #tea           → refused: wrongKey #tea
    alice sets +halfOperator bob → alice sets +halfOperator bob in #tea
    bob invites carol          → bob invites carol to #tea
    carol joins #tea           → carol enters #tea
  `);
});

test("whom a mask invites needs no invitation, but the key; where nobody is in, nobody could invite", () => {
  tea("carol").tell(`
    alice sets +inviteOnly     → alice sets +inviteOnly in #tea
    alice masks invitation bo?!*@* → alice invitations bo?!*@* in #tea
    carol joins #tea           → refused: inviteOnly #tea
    bob joins #tea             → bob enters #tea
    bob parts                  → bob parts #tea
    alice chooses key secret   → alice chooses key secret in #tea
    bob joins #tea             → refused: wrongKey #tea
    bob joins #tea key secret  → bob enters #tea
    bob parts                  → bob parts #tea
    alice parts                → alice parts #tea
    carol joins #tea           → refused: wrongKey #tea
    carol joins #tea key secret → carol enters #tea and runs it
  `);
});

test("where only accounts come in, a guest does not, and reads nothing", () => {
  tea().tell(`
    alice sets +accountsOnly   → alice sets +accountsOnly in #tea
    bob joins #tea             → refused: needsAccount #tea
    bob recalls #tea 5         → refused: noSuchRoom #tea
    bob searches leaves        → search leaves before now in #lobby
    bob proves Bob2            → bob logs in as Bob2
    bob recalls #tea 5         → recall 5 before now in #tea
    bob joins #tea             → bob enters #tea
  `);
});

test("who knocks is heard by a room that it cannot enter without being invited", () => {
  tea("carol").tell(`
    bob knocks #tea: please    → refused: roomOpen #tea
    alice sets +inviteOnly     → alice sets +inviteOnly in #tea
    bob knocks #tea: please    → bob knocks at #tea: please
    alice knocks #tea          → refused: alreadyInRoom #tea
    alice bans bob             → alice bans bob in #tea
    bob knocks #tea: please    → refused: banned #tea
    alice sets +secret         → alice sets +secret in #tea
    carol knocks #TEA          → refused: noSuchRoom #TEA
    carol knocks #den          → refused: noSuchRoom #den
    alice knocks #tea          → refused: alreadyInRoom #tea
    alice sets -secret         → alice sets -secret in #tea
    alice parts                → alice parts #tea
    carol knocks #tea          → refused: roomOpen #tea
  `);
});

test("nothing that is not a member's tells a secret room from none", () => {
  const story = tea();
  story.apply("alice sets +secret");
  story.apply("alice sets -membersOnly");
  const outcomes = (room: string): string[] =>
    [
      `says ${room} hi`,
      `speaks ${room} tag +x`,
      `knocks ${room}`,
      `asks who ${room}`,
      `recalls ${room} 5`,
      `topic ${room}: x`,
      `kicks ${room} alice`,
      `sets ${room} +secret`,
      `chooses ${room} limit 5`,
      `invites ${room} alice`,
      `renames ${room} #cup`,
      `masks ${room} ban x`,
      `parts ${room}`,
    ].map((wish) => {
      const [effect] = story.apply(`bob ${wish}`);
      assert.ok(effect?.kind === "refused", wish);
      return `${effect.reason} ${effect.about.replace(room, "it")}`;
    });
  assert.deepEqual(outcomes("#TEA"), outcomes("#DEN"));
  assert.deepEqual(
    visibleRooms(story.state, story.session("bob")).map(({ name }) => name),
    ["#lobby"],
  );
});

test("one who names its rooms speaks where it did; one who does not, where it has entered last", () => {
  const story = tea();
  story.tell(`
    irc is seated as irc       → session 3 seated in 13
    irc registers irc          → irc arrives
    where irc                  → nowhere
    irc joins #tea             → irc enters #tea
    irc joins #den             → irc enters #den and runs it
    where irc                  → [#tea] #den
    irc joins #den             → irc speaks in #den
    where irc                  → [#tea] #den
    bob joins #tea             → bob enters #tea
    where bob                  → #lobby [#tea]
  `);
});

test("a room that is renamed keeps its members, its number and what it is", () => {
  const story = tea("carol");
  story.tell(`
    bob joins #tea             → bob enters #tea
    carol joins #cup           → carol enters #cup and runs it
    bob renames #tea #pot      → refused: notOperator #tea
    alice renames #tea pot     → refused: roomNameMalformed pot
    alice renames #tea #TEA    → refused: alreadySo #tea
    alice renames #tea #Cup    → refused: roomNameTaken #cup
    alice renames #tea #сор    → alice renames #tea #сор
    alice renames #сор #Pot it is → alice renames #сор #pot: it is
    bob says hi                → bob in #pot: hi
    bob joins #tea             → bob enters #tea and runs it
    alice renames #pot #lobby  → refused: roomNameTaken #lobby
    alice renames #lobby #hall → refused: roomNameTaken #hall
    rooms                      → #lobby #pot #cup #tea
  `);
});
