/*
 * Rooms and private messages as people use them, each line as it is typed and seen with nc: and what of it outlives
 * the server, whether it is stopped or killed.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_ORPHANS, TestClient, TestServer } from "../support/server.ts";

let questions = 0;

/** Waits until a client has got everything that came of what had its place in the order before this. */
async function settle(client: TestClient): Promise<void> {
  questions += 1;
  client.say(`/msg nobody${questions} x`);
  await client.sees(`-- nobody here is called nobody${questions};`);
}

/** What a client gets when it types these lines: nothing from before them, and all that comes of them. */
async function answerTo(client: TestClient, ...lines: readonly string[]): Promise<string[]> {
  await settle(client);
  const before = client.lines.length;
  for (const line of lines) client.say(line);
  await settle(client);
  return client.lines.slice(before).filter((line) => !line.startsWith("-- nobody here is called nobody"));
}

test("rooms: joining, parting, which one is in focus, and lines of the others in brackets", async () => {
  await using server = await TestServer.start(["--history", "off"]);
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  assert.match(alice.text, /^-- welcome to chorus, guest1\. \/help lists the commands\.\n/);
  assert.match(alice.text, /\n-- you are in #lobby\. Nobody else is here\. You run it\.\n/);
  assert.match(bob.text, /\n-- you are in #lobby\. 1 other here: alice\.\n/);

  assert.deepEqual(await answerTo(alice, "/join #dev"), [
    "-- you are in #dev. Nobody else is here. You run it.",
  ]);
  bob.say("/join dev");
  await bob.sees("-- you are in #dev. 1 other here: alice.\n");
  await alice.sees("-- bob joined\n");
  bob.say("to dev");
  await alice.sees("\n<bob> to dev\n");
  assert.deepEqual(await answerTo(bob, "/join #lobby"), ["-- you are back in #lobby. 1 other here: alice."]);
  bob.say("to the lobby");
  await alice.sees("\n[#lobby] <bob> to the lobby\n");
  bob.say("/me waves there");
  await alice.sees("\n[#lobby] * bob waves there\n");
  bob.say("/notice beep");
  await alice.sees("\n[#lobby] -bob- beep\n");
  alice.say("from dev");
  await bob.sees("\n[#dev] <alice> from dev\n");

  assert.deepEqual(await answerTo(bob, "/part enough of it"), ["-- you left #lobby; you are in #dev now"]);
  await alice.sees("\n[#lobby] -- bob left the room: enough of it\n");
  bob.say("here again");
  await alice.sees("\n<bob> here again\n");
  assert.deepEqual(await answerTo(bob, "/part"), ["-- you left #dev; you are in no room now; /join #lobby"]);
  assert.deepEqual(await answerTo(bob, "hello?"), ["-- you are in no room; /join #lobby"]);
  assert.deepEqual(await answerTo(alice, "/rooms"), [
    "-- #lobby (1, you are in it)",
    "-- #dev (1, you are in it)",
  ]);
});

test("what is typed at once goes where it would go line by line", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.open(server.port);
  await answerTo(alice, "/join #x");
  carol.socket.write(
    "/nick carol\nfirst\n/join #x\nsecond\n/join #lobby\nthird\n/part\nfourth\n/quit bye\nfifth\n",
  );
  await alice.sees("<carol> second\n");
  await alice.sees("-- carol left: bye\n");
  assert.deepEqual(
    alice.lines.filter((line) => line.includes("carol>")),
    ["[#lobby] <carol> first", "<carol> second", "[#lobby] <carol> third", "<carol> fourth"],
  );
  await bob.sees("<carol> third\n-- carol left the room\n");
  assert.ok(!bob.text.includes("second") && !bob.text.includes("fourth"));
});

test("private messages go to one alone, by nick and by name", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  assert.deepEqual(await answerTo(bob, "/nick 李 娜"), ["-- bob is now known as 李 娜 (user)"]);
  assert.deepEqual(await answerTo(alice, '/msg "李 娜" by name', "/msg USER by nick"), [
    '-> *"李 娜"* by name',
    '-> *"李 娜"* by nick',
  ]);
  await bob.sees("*alice* by name\n*alice* by nick\n");
  // They need not share a room.
  await answerTo(bob, "/part", "/away having tea");
  assert.deepEqual(await answerTo(alice, "/msg user there?"), [
    '-> *"李 娜"* there?',
    "-- 李 娜 is away: having tea",
  ]);
  assert.deepEqual(await answerTo(alice, "/msg dave hi"), [
    "-- nobody here is called dave; /who tells who is here",
  ]);
  assert.deepEqual(await answerTo(bob, "/away"), ["-- you are back"]);
  await settle(carol);
  assert.doesNotMatch(carol.text, /by name|by nick|there\?/);
});

test("who runs a room: topic, kick, ban, mute, moderation, and who is next", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  using carol = await TestClient.named(server.port, "carol");
  // At first, those who run a room set its topic.
  assert.deepEqual(await answerTo(alice, "/topic soup", "/mode -topiclocked"), [
    "-- the topic is now: soup (set by alice)",
    "-- alice unlocked the topic: everybody may set it",
  ]);
  assert.deepEqual(await answerTo(bob, "/topic tea"), ["-- the topic is now: tea (set by bob)"]);
  await alice.sees("-- the topic is now: tea (set by bob)\n");
  assert.deepEqual(await answerTo(alice, "/mode +topiclocked"), [
    "-- alice locked the topic: only those who run the room may set it",
  ]);
  const notOperator = "-- only those who run #lobby may do that; /who shows them with @";
  for (const line of [
    "/topic coffee",
    "/kick carol",
    "/ban carol",
    "/mute carol",
    "/op bob",
    "/mode +secret",
  ])
    assert.deepEqual((await answerTo(bob, line)).slice(-1), [notOperator], line);
  assert.deepEqual(await answerTo(alice, "/topic -", "/topic"), [
    "-- alice took the topic away",
    "-- #lobby has no topic",
  ]);

  assert.deepEqual(await answerTo(alice, "/kick carol too loud"), [
    "-- carol was taken out of the room by alice: too loud",
  ]);
  await carol.sees("-- alice took you out of #lobby: too loud\n-- you are in no room now; /join #lobby\n");
  await answerTo(carol, "/join #lobby");
  await bob.sees("-- carol joined\n");

  // A ban is on the person, not only on the name.
  assert.deepEqual(await answerTo(alice, "/ban carol"), [
    "-- carol was taken out of the room by alice",
    "-- alice banned carol",
  ]);
  assert.deepEqual((await answerTo(carol, "/nick caroline", "/join #lobby")).slice(-2), [
    "-- carol is now known as caroline",
    "-- you are banned from #lobby",
  ]);
  // And on the name, whoever has it.
  using other = await TestClient.named(server.port, "carol");
  assert.deepEqual(await answerTo(other, "/part", "/join #lobby"), [
    "-- you left #lobby; you are in no room now; /join #lobby",
    "-- you are banned from #lobby",
  ]);
  assert.match((await answerTo(alice, "/ban")).at(-1)!, /^-- carol \(by alice, \d{4}-\d\d-\d\d \d\d:\d\d\)$/);
  assert.deepEqual((await answerTo(alice, "/unban carol", "/ban")).slice(-2), [
    "-- alice unbanned carol",
    "-- nobody is banned from #lobby",
  ]);
  assert.equal(
    (await answerTo(carol, "/join #lobby"))[0],
    "-- you are in #lobby. 2 others here: alice, bob.",
  );

  assert.deepEqual((await answerTo(alice, "/mute bob")).slice(-1), ["-- alice muted bob"]);
  assert.deepEqual((await answerTo(bob, "hm", "/nick robert", "mm")).slice(-3), [
    "-- you are muted in #lobby",
    "-- bob is now known as robert",
    "-- you are muted in #lobby",
  ]);
  await answerTo(alice, "/unmute robert");
  assert.deepEqual((await answerTo(alice, "/mode +moderated", "/voice caroline")).slice(-2), [
    "-- alice made the room moderated: only those with a voice may speak",
    "-- alice gave caroline a voice",
  ]);
  assert.deepEqual((await answerTo(bob, "now?")).slice(-1), [
    "-- #lobby is moderated: only those with a voice may speak",
  ]);
  carol.say("I may");
  await bob.sees("<caroline> I may\n");
  assert.deepEqual((await answerTo(bob, "/away thinking", "/who")).slice(-1), [
    "-- 3 in #lobby: @alice, robert [away: thinking], +caroline",
  ]);

  assert.deepEqual((await answerTo(alice, "/deop alice")).slice(-1), [
    "-- somebody has to run #lobby: /op another first",
  ]);
  alice.say("/quit");
  await bob.sees("-- robert runs this room now\n");
  assert.deepEqual((await answerTo(bob, "/op caroline", "/deop robert", "/who")).slice(-3), [
    "-- robert lets caroline run the room, too",
    "-- robert does not let robert run the room any more",
    "-- 2 in #lobby: robert [away: thinking], @caroline",
  ]);
});

test("a secret room is known to those who are in it", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  using bob = await TestClient.named(server.port, "bob");
  await answerTo(alice, "/join #plot", "/mode +secret");
  assert.deepEqual(await answerTo(alice, "/rooms"), [
    "-- #lobby (2, you are in it)",
    "-- #plot (1, you are in it)",
  ]);
  assert.deepEqual(await answerTo(bob, "/rooms", "/who #plot"), [
    "-- #lobby (2, you are in it)",
    "-- there is no room #plot; /rooms lists them, and /join makes a new one",
  ]);
  // Exactly as if there were none.
  assert.deepEqual(await answerTo(bob, "/who #plod"), [
    "-- there is no room #plod; /rooms lists them, and /join makes a new one",
  ]);
  // Who has heard its name may come.
  assert.deepEqual(await answerTo(bob, "/join #plot"), ["-- you are in #plot. 1 other here: alice."]);
});

test("wrong use is answered with what is right", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  for (const [line, answer] of [
    ["/join", /^-- \/join #ROOM \[KEY\]: /],
    ["/join #a b c", /^-- \/join #ROOM \[KEY\]: /],
    ["/join #a,b", /^-- #a,b cannot be a room: # and up to 50 /],
    [`/join #${"x".repeat(51)}`, /cannot be a room/],
    ["/join #LOBBY", /^-- you are back in #lobby\.|^-- #lobby looks like/],
    ["/msg bob", /^-- \/msg NAME TEXT: /],
    ["/kick", /^-- \/kick NAME \[TEXT\]: /],
    ["/kick bob", /^-- nobody here is called bob; /],
    ["/mute not a nick", /^-- nobody here is called not a nick; /],
    ["/unban bob", /^-- bob is not banned here; /],
    ["/mode", /^-- \/mode \+WHAT or -WHAT: /],
    ["/mode +loud", /^-- \/mode \+WHAT or -WHAT: /],
    ["/mode +topiclocked", /^-- nothing to change: it is so already for #lobby$/],
    ["/op alice", /^-- nothing to change: it is so already for alice$/],
    ["/mode +operator", /^-- \/mode \+WHAT or -WHAT: /],
    ["/op", /^-- \/op NAME: /],
    ["/who #nowhere", /^-- there is no room #nowhere; /],
    ["/history 0", /^-- \/history \[N\]: /],
    ["/history 501", /^-- \/history \[N\]: /],
    ["/search", /^-- \/search WORDS: /],
    [`/topic ${"x".repeat(401)}`, /^-- that is too long: at most 400 bytes$/],
    [`/away ${"x".repeat(201)}`, /^-- that is too long: at most 200 bytes$/],
    ["/nick", /^-- \/nick NAME: /],
  ] as const) {
    const answers = await answerTo(alice, line);
    assert.equal(answers.length, 1, `${line}: ${answers.join(" | ")}`);
    assert.match(answers[0]!, answer, line);
  }
});

for (const how of ["stopped", "killed"] as const) {
  test(`rooms, topics, modes and bans are back after a server that was ${how}`, async () => {
    await using first = await TestServer.start(NO_ORPHANS);
    using alice = await TestClient.named(first.port, "alice");
    await answerTo(alice, "/topic welcome, all", "/ban mallory");
    await answerTo(alice, "/join #plot", "/mode +secret", "/topic gunpowder");
    await answerTo(alice, "/join #stage", "/mode +moderated", "/mode -topiclocked", "/mute bob");
    if (how === "stopped") assert.equal(await first.end("SIGTERM"), 0);
    else await first.killAll(await first.pids());

    await using second = await TestServer.start([], first.folder);
    using bob = await TestClient.named(second.port, "bob");
    assert.match(
      bob.text,
      /\n-- you are in #lobby\. It is about: welcome, all\. Nobody else is here\. You run it\.\n/,
    );
    assert.deepEqual(await answerTo(bob, "/rooms"), ["-- #lobby (1, you are in it): welcome, all"]);
    assert.match((await answerTo(bob, "/ban")).at(-1)!, /^-- mallory \(by alice, /);
    assert.deepEqual(
      (await answerTo(bob, "/join #plot"))[0],
      "-- you are in #plot. It is about: gunpowder. Nobody else is here. You run it.",
    );
    using carol = await TestClient.named(second.port, "carol");
    assert.deepEqual(await answerTo(carol, "/rooms"), ["-- #lobby (2, you are in it): welcome, all"]);
    await answerTo(carol, "/join #stage");
    assert.deepEqual((await answerTo(bob, "/join #stage", "hello")).slice(-1), [
      "-- you are muted in #stage",
    ]);
    await answerTo(carol, "/unmute bob");
    assert.deepEqual((await answerTo(bob, "hello", "/topic mine")).slice(-2), [
      "-- #stage is moderated: only those with a voice may speak",
      "-- the topic is now: mine (set by bob)",
    ]);
    using mallory = await TestClient.named(second.port, "mallory");
    assert.deepEqual(await answerTo(mallory, "/part", "/join #lobby"), [
      "-- you left #lobby; you are in no room now; /join #lobby",
      "-- you are banned from #lobby",
    ]);
  });
}
