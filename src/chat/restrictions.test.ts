import assert from "node:assert/strict";
import { test } from "node:test";
import { RESTRICTIONS_MAX } from "./restrictions.ts";
import { Story } from "../../test/support/story.ts";

/** Where alice runs the lobby, and the others come from places of their own. */
function lobby(...people: readonly string[]): Story {
  const story = new Story("alice");
  for (const [person, host] of people.map((each) => each.split("@") as [string, string])) {
    story.apply(`${person} is seated as irc from ${host}`);
    story.apply(`${person} registers ${person}`);
    story.apply(`${person} joins #lobby`);
  }
  return story;
}

test("a ban by mask keeps out whom it fits, and takes nobody out; who is in says nothing any more", () => {
  lobby("bob@one", "carol@two").tell(`
    alice masks ban *!*@one    → alice bans *!*@one in #lobby
    bob says #lobby hi         → refused: banned #lobby
    carol says #lobby hi       → carol in #lobby: hi
    alice sets +voice bob      → alice sets +voice bob in #lobby
    bob says #lobby hi         → bob in #lobby: hi
    bob parts #lobby bye       → bob parts #lobby: bye
    bob nick robert            → bob is robert
    bob joins #lobby           → refused: banned #lobby
    bob recalls #lobby 5       → refused: noHistory
    bob asks who #lobby        → refused: noSuchRoom #lobby
    alice unmasks ban *!*@one  → alice unbans *!*@one in #lobby
    bob joins #lobby           → robert enters #lobby
  `);
});

test("masks are of nick, user and host, without case", () => {
  lobby("bob[@one", "carol@two").tell(`
    alice masks ban *!BOB@*    → alice bans *!BOB@* in #lobby
    carol says #lobby hi       → carol in #lobby: hi
    alice masks mute BOB{!*@*  → alice mutes BOB{!*@* in #lobby
    bob[ says #lobby hi        → refused: muted #lobby
    alice masks mute bob[!*@*  → refused: alreadySo bob[!*@*
    alice unmasks mute bob[!*@* → alice unmutes BOB{!*@* in #lobby
    alice unmasks mute bob[!*@* → refused: notMuted bob[!*@*
    alice unmasks ban other    → refused: notBanned other!*@*
    alice masks ban c?rol      → alice bans c?rol!*@* in #lobby
    carol says #lobby hi       → refused: banned #lobby
    alice masks ban a,b        → refused: badValue a,b
    alice masks ban            → refused: badValue
    alice masks ban ${"x".repeat(200)} → refused: badValue ${"x".repeat(200)}
  `);
});

test("for whom there is an exception, neither bans nor mutes hold", () => {
  lobby("bob@one", "carol@one").tell(`
    alice masks ban *!*@one    → alice bans *!*@one in #lobby
    alice masks mute *!*@one   → alice mutes *!*@one in #lobby
    alice masks exception bob!*@* → alice exceptions bob!*@* in #lobby
    bob says #lobby hi         → bob in #lobby: hi
    carol says #lobby hi       → refused: muted #lobby
    bob parts #lobby           → bob parts #lobby
    carol parts #lobby bye     → carol parts #lobby
    bob joins #lobby           → bob enters #lobby
    carol joins #lobby         → refused: banned #lobby
    alice unmasks exception bob → alice unexceptions bob!*@* in #lobby
    bob says #lobby hi         → refused: muted #lobby
  `);
});

test("what holds for an account holds whatever it is called, and from wherever it comes", () => {
  const story = new Story("alice", "bob");
  for (const line of ["process 5 keeps history", "account Bob2 is user", "bob proves Bob2"])
    story.apply(line);
  story.tell(`
    alice bans bob             → alice kicks bob out of #lobby; alice bans bob in #lobby
    bob leaves                 → bob leaves, quit
    other is seated as irc     → session 3 seated in 13
    other proves Bob2          → session 3 logs in as Bob2
    other registers other      → other arrives
    other joins #lobby         → refused: banned #lobby
    alice unbans other         → alice unbans bob in #lobby
    other joins #lobby         → other enters #lobby
    alice mutes other          → alice mutes other in #lobby
    account Bob2 goes          → other logs out
    other says #lobby hi       → refused: muted #lobby
    other nick another         → other is another
    other says #lobby hi       → another in #lobby: hi
  `);
});

test("all lists of a room together are so long at most", () => {
  const story = lobby();
  const lists = ["ban", "mute", "exception", "invitation"];
  for (let index = 0; index < RESTRICTIONS_MAX; index += 1)
    story.apply(`alice masks ${lists[index % lists.length]} x${index}`);
  assert.equal(story.state.rooms.get(1)!.restrictions.length, RESTRICTIONS_MAX);
  story.tell(`
    alice masks ban y          → refused: tooManyRestrictions #lobby
    alice unmasks ban x0       → alice unbans x0!*@* in #lobby
    alice masks ban y          → alice bans y!*@* in #lobby
  `);
});
