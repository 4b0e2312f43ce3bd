import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST_ACCOUNT, restoreSnapshot, takeSnapshot } from "./index.ts";
import { MARKERS_MAX } from "./accounts.ts";
import { Story } from "../../test/support/story.ts";

/** With somebody who keeps accounts, and these. */
function storyWith(accounts: readonly string[], ...people: readonly string[]): Story {
  const story = new Story(...people);
  story.apply("process 5 keeps history");
  for (const account of accounts) story.apply(`account ${account} is user`);
  return story;
}

test("a new account's name is its own: whoever has it, or one like it, becomes a guest of another", () => {
  const story = storyWith([], "alice", "bob", "carol");
  story.tell(`
    bob nick ALICE2            → bob is ALICE2
    carol nick carol сор       → carol is carol/сор
    account Alice is user      → alice is guest4
    account alice2 is user     → ALICE2 is guest5
    account Cop is user        → carol/сор is carol
    account CAROL is user      → carol is guest6
    alice nick alice           → refused: nameReserved alice
    bob nick Carol             → refused: nameReserved Carol
    carol nick kim сор         → refused: nameTaken сор
    account ALICE is user      → nothing
    account 1a is user         → nothing
    gone                       → guest1 guest2 guest3 bob alice ALICE2 carol
  `);
  assert.deepEqual(
    Array.from(story.state.accounts.values(), ({ name }) => name),
    ["Alice", "alice2", "Cop", "CAROL"],
  );
});

test("an account that is called like a guest takes that name from the guest, too, and from all to come", () => {
  const story = storyWith([]);
  story.tell(`
    alice is seated            → session 1 seated in 11
    alice arrives              → guest1 arrives; guest1 enters #lobby and runs it
    account guest1 is user     → guest1 is guest2
    account guest3 is user     → nothing
    bob is seated              → session 2 seated in 12
    bob arrives                → guest4 arrives; guest4 enters #lobby
  `);
});

test("nobody but the history process says whose an account is", () => {
  const story = storyWith(["Alice"], "alice", "bob");
  const before = takeSnapshot(story.state);
  story.tell(`
    from 11: alice proves Alice          → nothing
    from 0: alice proves Alice           → nothing
    from 11: alice opers Alice           → nothing
    from 11: account Alice is operator   → nothing
    from 0: account Alice goes           → nothing
    from 12: account Bob is user         → nothing
    from 11: alice deleted #lobby 7      → nothing
    alice proves Nobody                  → nothing
    nobody proves Alice                  → nothing
  `);
  assert.deepEqual(takeSnapshot(story.state), before);
});

test("a guest who logs in goes by its account's name, unless it has chosen one", () => {
  const story = storyWith(["Alice", "Bob"], "bobby");
  story.tell(`
    alice is seated            → session 2 seated in 12
    alice arrives              → guest2 arrives; guest2 enters #lobby
    alice proves Alice         → guest2 logs in as Alice; guest2 is Alice
    bobby proves Bob           → bobby logs in as Bob
    bobby nick BOB             → bobby is BOB
    bobby nick bobby           → BOB is bobby
    bobby proves Bob           → nothing
    who #lobby                 → @bobby Alice
    alice whispers Bob hi      → refused: noSuchName Bob
    alice whispers bobby hi    → Alice to bobby: hi
  `);
});

test("what is put on a guest holds for a guest alone, and what is put on an account for its account", () => {
  const story = storyWith(["Alice"], "bob", "alice");
  story.tell(`
    alice proves Alice         → guest3 logs in as Alice; guest3 is Alice
    bob mutes Alice            → bob mutes Alice in #lobby
    alice leaves               → Alice leaves, quit
    carol is seated            → session 3 seated in 13
    carol proves Alice         → session 3 logs in as Alice
    carol registers other      → other arrives
    carol joins #lobby         → other enters #lobby
    carol says hi              → refused: muted #lobby
    carol leaves               → other leaves, quit
    dave is seated             → session 4 seated in 14
    dave registers dave        → dave arrives
    dave joins #lobby          → dave enters #lobby
    dave says hi               → dave in #lobby: hi
  `);
});

test("who proves an account before it arrives arrives as that; a guest does not get its name", () => {
  const story = storyWith(["Alice"]);
  story.tell(`
    bob is seated as irc       → session 1 seated in 11
    bob registers alice        → refused: nameReserved alice
    bob registersLike alice 小明 → alice2/小明 arrives
    alice is seated as irc     → session 2 seated in 12
    alice proves Alice         → session 2 logs in as Alice
    alice registers alice      → alice arrives
    carol is seated            → session 3 seated in 13
    carol proves Alice         → session 3 logs in as Alice
    carol arrives              → session 3 is one more of alice
  `);
  story.apply("alice leaves");
  story.apply("carol leaves");
  story.tell(`
    dave is seated             → session 4 seated in 14
    dave proves Alice          → session 4 logs in as Alice
    dave arrives               → Alice arrives; Alice enters #lobby and runs it
  `);
});

/** With Alice here by two clients: `alice` and her `phone`. */
function twoClients(): Story {
  const story = storyWith(["Alice"], "bob", "kim");
  for (const line of [
    "alice is seated as irc",
    "alice proves Alice",
    "alice registers alice",
    "alice joins #tea",
    "bob joins #tea",
    "phone is seated as irc",
    "phone proves Alice",
    "phone registers another",
  ])
    story.apply(line);
  return story;
}

test("a second client shares name and rooms, and speaks, hears and moves as the first does", () => {
  const story = twoClients();
  story.tell(`
    who #tea                   → ~@alice bob
    phone says #tea hi         → alice in #tea: hi
    phone joins #den           → alice enters #den and founds it
    alice says #den hi         → alice in #den: hi
    phone nick al              → alice is al
    phone whispers bob hi      → al to bob: hi
    bob whispers AL hi         → bob to al: hi
    phone away lunch           → al is away: lunch
    phone arrives              → nothing
    phone registers al         → nothing
    phone turns plain          → nothing
    alice turns plain          → nothing
    phone parts #den           → al parts #den
    bob kicks #tea al          → refused: notOperator #tea
    where alice                → [#tea]
    where phone                → nowhere
  `);
});

test("whichever client leaves, the others stay who they are; with the last one the person goes", () => {
  const story = twoClients();
  story.tell(`
    pad is seated as irc       → session 5 seated in 15
    pad proves Alice           → session 5 logs in as Alice
    pad registers alice        → session 5 is one more of alice
    alice leaves hung up       → session 3 of alice leaves, hung up
    from 13: alice says hi     → nothing
    from 0: alice says hi      → nothing
    alice moves to 9           → the seat of session 3 in 9 is lost
    alice is seated in 9       → the seat of session 3 in 9 is lost
    phone says #tea hi         → alice in #tea: hi
    process 14 dies            → session 4 of alice leaves, process died
    phone says #tea hi         → nothing
    process 0 dies             → nothing
    pad says #tea hi           → alice in #tea: hi
    pad leaves quit: bye       → session 5 of alice leaves, quit; alice leaves, quit: bye; +operator bob in #tea
    who #tea                   → @bob
    gone                       → guest1 guest2 alice
  `);
});

test("a client that moves to another process is heard from there, as one of the same person", () => {
  twoClients().tell(`
    phone moves to 9           → session 4 seated in 9
    from 14: phone says #tea a → nothing
    from 9: phone says #tea b  → alice in #tea: b
    from 9: alice says #tea c  → nothing
    process 14 dies            → nothing
    process 13 dies            → session 3 of alice leaves, process died
    process 9 dies → session 4 of alice leaves, process died; alice leaves, process died; +operator bob in #tea
  `);
});

test("who logs in while that person is here leaves its rooms, and what it ran, and is one more client", () => {
  const story = twoClients();
  story.tell(`
    kim joins #attic           → kim enters #attic and runs it
    alice joins #attic         → alice enters #attic
    kim proves Alice           → ${[
      "kim parts #lobby",
      "kim parts #attic",
      "session 2 is one more of alice",
      "+operator alice in #attic",
    ].join("; ")}
    who #attic                 → @alice
    where kim                  → nowhere
    kim says #attic hi         → alice in #attic: hi
    bob nick kim               → bob is kim
    kim proves Alice           → nothing
    gone                       → guest1 guest2 kim bob
  `);
});

test("who has several clients, or is one of them, does not become somebody else", () => {
  const story = twoClients();
  story.tell(`
    account Carol is user      → nothing
    alice proves Carol         → refused: alreadySo Alice
    phone proves Carol         → refused: alreadySo Alice
    phone leaves               → session 4 of alice leaves, quit
    alice proves Carol         → alice logs in as Carol; alice is Carol
    who #tea                   → ~@Carol bob
    bob nick alice             → refused: nameReserved alice
    alice nick alice           → refused: nameReserved alice
  `);
});

test("with persistence, who is logged in stays in its rooms without a client, away, and is back with the next", () => {
  const story = twoClients();
  story.tell(`
    persistence on             → nothing
    phone leaves               → session 4 of alice leaves, quit
    alice leaves quit: bye     → session 3 of alice leaves, quit; alice is away: not connected
    who #tea                   → ~@alice bob
    bob whispers alice hi      → bob to alice: hi
    from 13: alice says #tea a → nothing
    from 0: alice says #tea a  → nothing
    alice proves Alice         → nothing
    alice opers Alice          → nothing
    process 0 dies             → nothing
    pad is seated as irc       → session 5 seated in 15
    pad proves Alice           → session 5 logs in as Alice
    pad registers other        → session 5 is one more of alice; alice is back
    pad says #tea hi           → alice in #tea: hi
    pad away lunch             → alice is away: lunch
    pad leaves                 → session 5 of alice leaves, quit
    pod is seated              → session 6 seated in 16
    pod proves Alice           → session 6 logs in as Alice
    pod arrives                → session 6 is one more of alice
    kim leaves                 → kim leaves, quit
    process 16 dies            → session 6 of alice leaves, process died
    persistence off            → alice leaves, connection lost; +operator bob in #tea
    persistence off            → nothing
  `);
});

test("with persistence the end takes guests alone; without, everybody", () => {
  const story = twoClients();
  story.tell(`
    persistence on             → nothing
    kim joins #tea             → kim enters #tea
    zoe is seated              → session 5 seated in 15
    zoe proves Alice           → session 5 logs in as Alice
    the server stops           → the end
    who #tea                   → ~@alice
    who #lobby                 → nobody
  `);
  assert.deepEqual([...story.state.sessions.keys()], [3]);
  assert.deepEqual([story.session("alice").process, story.session("alice").away], [0, "not connected"]);
  story.tell(`
    zed is seated              → session 6 seated in 16
    zed arrives                → guest3 arrives; guest3 enters #lobby and runs it
    process 5 keeps history    → nothing
    zed proves Alice           → guest3 parts #lobby; session 6 is one more of alice; alice is back
    persistence off            → nothing
    the server stops           → the end
    who #tea                   → nobody
  `);
  assert.equal(story.state.sessions.size, 0);
});

test("an account that is dropped leaves guests behind, by the name that they have", () => {
  const story = twoClients();
  story.tell(`
    account Alice is operator  → alice is operator
    account Alice goes         → alice logs out; alice is user
    phone says #tea hi         → alice in #tea: hi
    kim nick Alice             → refused: nameTaken Alice
    phone proves Alice         → nothing
    account Bea is user        → nothing
    phone proves Bea           → refused: alreadySo
    alice turns plain          → nothing
    phone kills bob            → refused: notPrivileged
    alice leaves               → session 3 of alice leaves, quit
    persistence on             → nothing
    phone leaves               → session 4 of alice leaves, quit; alice leaves, quit; +operator bob in #tea
    kim nick Alice             → kim is Alice
    account Alice goes         → nothing
  `);
});

test("guests with several clients, and who stays without one, end with the server and with their account", () => {
  const story = twoClients();
  story.tell(`
    account Alice goes         → alice logs out
    alice leaves               → session 3 of alice leaves, quit
    persistence on             → nothing
    the server stops           → the end
  `);
  assert.equal(story.state.sessions.size, 0);
  const other = twoClients();
  other.tell(`
    persistence on             → nothing
    alice leaves               → session 3 of alice leaves, quit
    phone leaves               → session 4 of alice leaves, quit; alice is away: not connected
    account Alice goes         → alice logs out; alice leaves, connection lost; +operator bob in #tea
  `);
});

test("a role is told to whoever has it, and holds on all clients", () => {
  const story = twoClients();
  story.tell(`
    phone kills kim            → refused: notPrivileged
    account Alice is moderator → alice is moderator
    phone kills kim            → refused: notPrivileged
    account Alice is operator  → alice is operator
    phone kills kim out        → alice kills kim: out; kim leaves, killed: out
    account Alice is user      → alice is user
    alice announces hi         → refused: notPrivileged
    account Olga is operator   → nothing
    bob opers Alice            → nothing
    bob opers Olga             → bob is operator
    phone opers Olga           → alice is operator
    alice announces hi         → alice to all: hi
    dan is seated              → session 5 seated in 15
    dan opers Olga             → nothing
    dan arrives                → guest3 arrives; guest3 enters #lobby
    dan announces hi           → guest3 to all: hi
    dan proves Olga            → guest3 logs in as Olga; guest3 is Olga
    eve is seated              → session 6 seated in 16
    eve opers Olga             → nothing
    eve turns irc              → session 6 turns irc
    eve registers eve          → eve arrives
    eve announces hi           → refused: notPrivileged
  `);
});

test("who is operator by another account is so for as long as that account is", () => {
  const story = storyWith(["Alice"], "bob", "alice", "carol", "dan");
  story.apply("alice proves Alice");
  story.apply("account Olga is operator");
  story.apply("account Otto is operator");
  story.tell(`
    bob opers Olga             → bob is operator
    carol opers Otto           → carol is operator
    alice opers Olga           → Alice is operator
    account Alice is user      → nothing
    account Olga is moderator  → bob is moderator; Alice is moderator
    account Alice is operator  → nothing
    bob announces hi           → refused: notPrivileged
    account Olga is user       → bob is user; Alice is operator
    account Olga is operator   → nothing
    carol announces hi         → carol to all: hi
    account Otto goes          → carol is user
    carol announces hi         → refused: notPrivileged
    dan opers Olga             → dan is operator
    account Dan2 is user       → nothing
    dan proves Dan2            → dan logs in as Dan2; dan is user
    account Olga is moderator  → nothing
    alice opers Olga           → Alice is moderator
    account Alice goes         → Alice logs out; Alice is user
  `);
  const snapshot = takeSnapshot(story.state);
  assert.deepEqual(takeSnapshot(restoreSnapshot(snapshot)), snapshot);
});

test("how far an account has read goes on, by room or person, on all of its clients, and never back", () => {
  const story = twoClients();
  story.tell(`
    alice marks #Tea 5         → alice has read #Tea up to 5
    phone marks #tea 4         → alice has read #tea up to 5
    phone marks BOB 7          → alice has read BOB up to 7
    phone marks bob 0          → alice has read bob up to 7
    phone marks #den 0         → alice has read #den up to 0
    bob marks #tea 5           → refused: needsAccount #tea
    alice marks # 5            → refused: noSuchRoom #
    alice marks 1a 5           → refused: noSuchName 1a
    alice marks ${"x".repeat(300)} 5 → refused: noSuchName ${"x".repeat(300)}
  `);
  const markers = (): ReadonlyMap<string, number> => story.state.accounts.get(FIRST_ACCOUNT)!.markers;
  assert.deepEqual(
    [...markers()],
    [
      ["#tea", 5],
      ["bob", 7],
    ],
  );
  for (let room = 2; room < MARKERS_MAX; room += 1) story.apply(`alice marks #${room} 1`);
  story.apply("alice marks #tea 6");
  story.apply("alice marks #another 1");
  assert.deepEqual(
    [markers().size, markers().get("bob"), markers().get("#tea")],
    [MARKERS_MAX, undefined, 6],
  );
});

test("of a deletion those are told who could read what was deleted", () => {
  twoClients().tell(`
    phone deleted #tea 7       → alice deletes 7 in #tea
    bob deleted kim 8          → bob deletes 8 for 2
    nobody deleted #tea 7      → nothing
  `);
});
