import assert from "node:assert/strict";
import { test } from "node:test";
import { FILTERS_MAX, SILENCED_MAX } from "./policy.ts";
import { Story } from "../../test/support/story.ts";

/** With a moderator of the server, who runs no room. */
function policed(...people: readonly string[]): Story {
  const story = new Story(...people, "mona");
  const lines = [
    "process 5 keeps history",
    "account Mona2 is moderator",
    "account Bob2 is user",
    "mona proves Mona2",
  ];
  for (const line of lines) story.apply(line);
  return story;
}

test("the policy is for moderators to change", () => {
  policed("alice").tell(`
    alice polices +filter x    → refused: notPrivileged
    alice polices +links nobody → refused: notPrivileged
    alice polices +silence mona → refused: notPrivileged
    alice polices +shield      → refused: notPrivileged
    alice announces hi         → refused: notPrivileged
    mona announces hi          → refused: notPrivileged
    mona polices +shield       → mona polices +shield
    mona polices +shield       → refused: alreadySo
    mona polices -shield       → mona polices -shield
    the shield is down         → nothing
    the shield is up           → somebody polices +shield
    from 11: the shield is down → nothing
  `);
});

test("a filtered word is said by nobody, in no way; but within other words it is not that word", () => {
  policed("alice", "bob").tell(`
    mona polices +filter Ass   → mona polices +filter ass
    mona polices +filter ＡＳＳ  → refused: alreadySo ass
    mona polices +filter you fool → mona polices +filter you fool
    mona polices +filter 坏     → mona polices +filter 坏
    mona polices +filter       → refused: badValue
    bob says ass               → refused: filtered #lobby
    bob says my ASS!           → refused: filtered #lobby
    bob says class             → bob in #lobby: class
    bob says assets            → bob in #lobby: assets
    bob says class, ass        → refused: filtered #lobby
    bob says ａｓｓ               → refused: filtered #lobby
    bob says Oh you fool.      → refused: filtered #lobby
    bob says you foolish       → bob in #lobby: you foolish
    bob says 你坏了              → refused: filtered #lobby
    bob acts ass               → refused: filtered #lobby
    bob whispers alice ass     → refused: filtered alice
    bob whispers bob ass       → bob to bob: ass
    bob away ass               → refused: filtered
    bob describes bob an ass   → refused: filtered
    alice topic ass            → refused: filtered #lobby
    mona says ass              → mona in #lobby: ass
    alice parts ass            → alice parts #lobby; +operator bob in #lobby
    bob leaves quit: ass       → bob leaves, quit; +operator mona in #lobby
    mona polices -filter ass   → mona polices -filter ass
    mona polices -filter ass   → refused: alreadySo ass
    alice whispers mona ass    → alice to mona: ass
  `);
});

test("a filtered word is that word whatever is in it that nobody sees, and wherever it is read", () => {
  const story = policed("alice");
  story.apply("mona polices +filter bad");
  story.apply("mona polices +filter bad kid");
  const unseen = [
    "\x02",
    "\x0304",
    "\x0304,12",
    "\x04ff00AA",
    "\x0f",
    "\x1d",
    "\x01",
    "\x07",
    "\u200b",
    "\u00ad",
    "\u2066",
  ];
  for (const code of unseen)
    for (const text of [`ba${code}d`, `${code}b${code}ad`])
      assert.deepEqual(
        story.apply(`alice says ${text}`).map(({ kind }) => kind),
        ["refused"],
        JSON.stringify(text),
      );
  story.tell(`
    alice says b\u0301ad          → alice in #lobby: b\u0301ad
    alice speaks #lobby tag +draft/react=bad → refused: filtered #lobby
    alice speaks mona tag +react=bad\\skid → refused: filtered mona
    alice speaks mona say +react=ba\u200bd hi → refused: filtered mona
    alice speaks #lobby tag +draft/reply=bad → alice tagged in #lobby with +draft/reply=bad
    mona polices +filter b\x02ad  → refused: alreadySo bad
    bob is seated as irc        → session 3 seated in 13
    bob registers bob bob a bad one → bob arrives
    carol is seated as irc      → session 4 seated in 14
    carol registers carol carol a good one → carol arrives
  `);
  assert.equal(story.session("bob").realName, "");
  assert.equal(story.session("carol").realName, "a good one");
});

test("links are said by everybody, by accounts, or by nobody", () => {
  const story = policed("alice", "bob");
  story.apply("bob proves Bob2");
  const links = ["http://a.example", "see HTTPS://a", "(www.a.example)", "x_irc://a", "éhttp://a", "a11://b"];
  const others = ["a:b", "http:// a", "awww.", "http:/a", "www", "either/or"];
  const refused = (person: string): string[] =>
    [...links, ...others].filter((text) => story.apply(`${person} says ${text}`)[0]?.kind === "refused");
  assert.deepEqual([refused("alice"), refused("bob"), refused("mona")], [[], [], []]);
  story.tell(`
    mona polices +links accounts → mona polices +links accounts
    mona polices +links accounts → refused: alreadySo accounts
    mona polices +links some     → refused: badValue some
  `);
  assert.deepEqual([refused("alice"), refused("bob"), refused("mona")], [links, [], []]);
  story.apply("mona polices +links nobody");
  assert.deepEqual([refused("alice"), refused("bob"), refused("mona")], [links, links, []]);
  story.tell("mona polices +links everybody → mona polices -links everybody");
  assert.deepEqual(refused("alice"), []);
});

test("who is silenced speaks nowhere, by whatever name, and to nobody", () => {
  policed("alice", "bob", "carol").tell(`
    mona polices +silence BOB  → mona polices +silence bob
    bob says hi                → refused: silenced #lobby
    bob whispers alice hi      → refused: silenced alice
    bob whispers bob hi        → bob to bob: hi
    bob nick robert            → bob is robert
    bob joins #tea             → robert enters #tea and runs it
    bob says hi                → refused: silenced #tea
    bob topic mine             → refused: silenced #tea
    bob invites alice          → refused: silenced #tea
    bob away mine              → refused: silenced
    bob away                   → robert is back
    bob describes robert mine  → refused: silenced
    bob parts bye              → robert parts #tea
    carol nick bob             → carol is bob
    carol says hi              → refused: silenced #lobby
    carol nick carol           → bob is carol
    mona polices -silence carol → refused: notMuted carol
    mona polices -silence robert → mona polices -silence robert
    bob says #lobby: hi        → robert in #lobby: hi
    mona polices +silence c*   → mona polices +silence c*!*@*
    carol says hi              → refused: silenced #lobby
    mona polices +silence c*!*@* → mona polices +silence c*!*@*
    mona polices -silence c*   → mona polices -silence c*!*@*
    carol says hi              → carol in #lobby: hi
    mona polices +silence a b  → refused: noSuchName a b
    mona polices +silence *,   → refused: badValue *,
    mona polices +silence gone → mona polices +silence gone
    mona polices +silence mona → mona polices +silence mona
    mona says hi               → mona in #lobby: hi
  `);
});

test("under the shield whoever has come since without an account can only read, until it proves one", () => {
  policed("alice").tell(`
    mona polices +shield       → mona polices +shield
    alice says hi              → alice in #lobby: hi
    bob is seated              → session 3 seated in 13
    bob arrives                → guest3 arrives; refused: shielded #lobby
    bob joins #tea             → refused: shielded #tea
    bob joins #lobby           → refused: shielded #lobby
    bob recalls #lobby 5       → recall 5 before now in #lobby
    bob whispers alice hi      → refused: shielded alice
    bob knocks #lobby: hi      → refused: roomOpen #lobby
    bob away spam              → refused: shielded
    bob proves Bob2            → guest3 logs in as Bob2; guest3 is Bob2
    bob joins #lobby           → Bob2 enters #lobby
    bob says hi                → Bob2 in #lobby: hi
    carol is seated            → session 4 seated in 14
    carol arrives              → guest4 arrives; refused: shielded #lobby
    alice sets +inviteOnly     → alice sets +inviteOnly in #lobby
    carol knocks #lobby: hi    → refused: shielded #lobby
    alice invites guest4       → alice invites guest4 to #lobby
    carol joins #lobby         → refused: shielded #lobby
    carol opers Mona2          → guest4 is moderator
    carol joins #lobby         → guest4 enters #lobby
    carol says hi              → guest4 in #lobby: hi
    the shield is down         → somebody polices -shield
    dave is seated             → session 5 seated in 15
    dave arrives               → guest5 arrives; refused: inviteOnly #lobby
    dave whispers alice hi     → guest5 to alice: hi
  `);
});

test("the policy's lists are so long at most", () => {
  const story = policed("alice");
  for (let word = 0; word < FILTERS_MAX; word += 1) story.apply(`mona polices +filter w${word}`);
  for (let nick = 0; nick < SILENCED_MAX; nick += 1) story.apply(`mona polices +silence n${nick}`);
  story.tell(`
    mona polices +filter more  → refused: tooManyRestrictions
    mona polices +silence more → refused: tooManyRestrictions
    mona polices -filter w0    → mona polices -filter w0
    mona polices +filter more  → mona polices +filter more
    mona polices +filter ${"x".repeat(61)} → refused: badValue ${"x".repeat(61)}
  `);
});
