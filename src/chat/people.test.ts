/* Who somebody is: how it registers, what it says of itself, and how it goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { REAL_NAME_CHARACTERS_MAX, USER_CHARACTERS_MAX } from "./people.ts";
import { Story } from "../../test/support/story.ts";

test("who registers has the nick that it asks for, in no room yet; or is refused and may ask again", () => {
  const story = new Story("alice");
  story.apply("process 5 keeps history");
  story.apply("account Carol is user");
  story.tell(`
    bob is seated as irc           → session 2 seated in 12
    bob says hi                    → nothing
    bob registers 1a               → refused: nameMalformed 1a
    bob registers ALICE            → refused: nameTaken ALICE
    bob registers carol            → refused: nameReserved carol
    bob registersLike ALICE        → ALICE2 arrives
    bob registers bob              → nothing
    bob arrives                    → nothing
    where bob                      → nowhere
    who #lobby                     → @alice
    dan is seated as irc           → session 3 seated in 13
    dan registers dan 小明 Dan D.   → dan/小明 arrives
    alice whispers 小明 hi          → alice to dan/小明: hi
    eve is seated as irc           → session 4 seated in 14
    eve registers eve 小明          → eve arrives
    kim is seated as irc           → session 5 seated in 15
    kim registers kim zoe          → kim arrives
    alice whispers zoe hi          → refused: noSuchName zoe
  `);
  const { user, realName, host, arrivedMs, account } = story.session("dan");
  assert.deepEqual([user, realName, host, account], ["dan", "Dan D.", "dan.example", ""]);
  assert.ok(arrivedMs > 0);
});

test("what it says of itself in registering is cut, and a user name has nothing in it that a mask would not", () => {
  const story = new Story();
  story.apply("bob is seated as irc");
  const wish = { kind: "register", session: 1, nick: "bob", displayName: "bob", derived: false } as const;
  const long = "é".repeat(REAL_NAME_CHARACTERS_MAX);
  story.applyRecord({ ...wish, user: `b@o!b *${"x".repeat(20)}`, realName: `${long}é` }, 11);
  const { user, realName } = story.session("bob");
  assert.deepEqual([user, realName], [`bob${"x".repeat(USER_CHARACTERS_MAX - 3)}`, long]);
  story.apply("eve is seated as irc");
  story.applyRecord({ ...wish, session: 2, nick: "eve", user: "!@", realName: "" }, 12);
  assert.equal(story.session("eve").user, "user");
});

test("who turns out to speak another protocol begins anew, and leaves nothing behind", () => {
  const story = new Story("alice", "bob");
  story.tell(`
    bob is seated as irc           → bob seated in 12
    alice joins #tea               → alice enters #tea and runs it
    bob joins #tea                 → bob enters #tea
    alice away lunch               → alice is away: lunch
    alice flags +bot               → alice +bot
    alice turns irc                → ${[
      "session 1 turns irc",
      "alice parts #lobby",
      "alice parts #tea",
      "+operator bob in #lobby",
      "+operator bob in #tea",
    ].join("; ")}
    alice says hi                  → nothing
    bob nick alice                 → bob is alice
  `);
  const { since, ...rest } = story.session("alice");
  story.apply("carol is seated as irc in 11 from alice.example");
  const { since: later, ...newcomer } = story.session("carol");
  assert.deepEqual({ ...rest, id: 3, principal: 3, person: 3 }, newcomer);
  assert.ok(since < later);
  story.tell(`
    alice registers al             → al arrives
    dan is seated                  → session 4 seated in 14
    dan turns irc                  → session 4 turns irc
    from 11: dan turns plain       → nothing
    dan registers dan              → dan arrives
  `);
});

test("an operator throws out whom it wants, with all of its clients, and nothing is heard of them any more", () => {
  const story = new Story("olga", "bob", "kim");
  for (const line of [
    "process 5 keeps history",
    "account Olga2 is operator",
    "account Alice is user",
    "olga proves Olga2",
    "persistence on",
    "alice is seated as irc",
    "alice proves Alice",
    "alice registers alice",
    "alice joins #tea",
    "phone is seated as irc",
    "phone proves Alice",
    "phone registers alice",
    "pad is seated as irc",
    "pad proves Alice",
    "pad registers alice",
    "bob joins #tea",
    "olga mutes kim",
  ])
    story.apply(line);
  story.tell(`
    bob kills alice                → refused: notPrivileged
    olga kills nobody              → refused: noSuchName nobody
    olga kills ALICE go away       → ${[
      "olga kills alice: go away",
      "alice leaves, killed: go away",
      "+operator bob in #tea",
      "session 5 of alice leaves, killed",
      "session 6 of alice leaves, killed",
    ].join("; ")}
    phone says #tea hi             → nothing
    pad nick alice                 → nothing
    from 14: alice says #tea hi    → nothing
    phone moves to 9               → the seat of session 5 in 9 is lost
    olga kills kim too loud        → olga kills kim: too loud; kim leaves, killed: too loud
    olga kills olga                → olga kills olga; olga leaves, killed; +operator bob in #lobby
    gone                           → guest1 guest2 guest3 alice kim olga
  `);
});

test("who stays without a client is thrown out like anybody", () => {
  const story = new Story("olga");
  for (const line of [
    "process 5 keeps history",
    "account Olga2 is operator",
    "account Alice is user",
    "olga proves Olga2",
    "persistence on",
    "alice is seated as irc",
    "alice proves Alice",
    "alice registers alice",
    "alice leaves",
  ])
    story.apply(line);
  story.tell(`
    olga whispers alice hi         → olga to alice: hi
    olga kills alice               → olga kills alice; alice leaves, killed
    olga whispers alice hi         → refused: noSuchName alice
  `);
});

test("who is gone, or goes by another name, is remembered: so many, the latest", () => {
  const story = new Story();
  story.apply("process 5 keeps history");
  story.apply("account Alice is user");
  for (const line of [
    "alice is seated as irc from home",
    "alice proves Alice",
    "alice registers al",
    "alice leaves",
  ])
    story.apply(line);
  assert.deepEqual(story.state.departed, [
    {
      nick: "al",
      user: "alice",
      host: "home",
      realName: "",
      account: "Alice",
      timeMs: (story.sequence - 1) * 1000,
    },
  ]);
  story.apply("bob is seated");
  story.apply("bob leaves");
  assert.equal(story.state.departed.length, 1);
  story.apply("carol is seated");
  story.apply("carol arrives");
  for (let number = 1; number < 40; number += 1) story.apply(`carol nick c${number}`);
  story.apply("carol nick c39 小明");
  const nicks = story.state.departed.map(({ nick }) => nick);
  assert.deepEqual(
    nicks,
    Array.from({ length: 32 }, (_, index) => `c${index + 7}`),
  );
});

test("what somebody says of itself is told, and a name in another script is shown if it can be had", () => {
  const long = "é".repeat(REAL_NAME_CHARACTERS_MAX);
  const story = new Story("alice", "bob");
  story.tell(`
    alice describes 小明 Ming of the Lobby → alice is alice/小明: Ming of the Lobby
    bob describes 小明 Me Too          → bob is bob: Me Too
    bob describes Robert R.          → bob is bob: R.
    alice whispers Robert hi         → refused: noSuchName Robert
    bob describes ж ${long}          → bob is bob/ж: ${long}
    bob describes ж ${long}é         → refused: tooLong ${REAL_NAME_CHARACTERS_MAX} characters
    alice flags +invisible           → alice/小明 +invisible
    alice flags +invisible           → nothing
    alice flags +wallops             → alice/小明 +wallops
    alice flags -invisible           → alice/小明 -invisible
    alice flags -bot                 → nothing
    alice describes alice            → alice/小明 is alice:
  `);
});
