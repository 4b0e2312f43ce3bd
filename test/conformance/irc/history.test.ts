/* The past: chathistory, read-marker, message-redaction, search, playback, replay on JOIN, and what was missed. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IrcWorld } from "../../support/ircWorld.ts";

const CAPS = "draft/chathistory batch server-time message-tags standard-replies";

/** Says five things in #tea: messages 1 to 5, as {m1} to {m5}. */
async function withFive(people: Parameters<typeof IrcWorld.with>[0], options = {}): Promise<IrcWorld> {
  const world = await IrcWorld.with({ bob: "echo-message message-tags server-time", ...people }, options);
  await world.join("#tea", "bob");
  for (let number = 1; number <= 5; number += 1)
    await world.talk(`
      bob: PRIVMSG #tea :m${number}
      bob< @time=<time:t${number}>;msgid=<msgid:m${number}> :bob!bob@host PRIVMSG #tea :m${number}
    `);
  return world;
}

/** The texts of one answer, which is one batch; with what is no message in parentheses. */
async function ask(world: IrcWorld, who: string, line: string): Promise<string[]> {
  await world.send(who, world.captures.fill(line));
  const [first = "", ...rest] = world.drain(who);
  const name = /BATCH \+(\S+) chathistory/.exec(first)?.[1];
  assert(name !== undefined, first);
  assert.match(rest.pop()!, new RegExp(`BATCH -${name}$`));
  return rest.map((each) => {
    assert(each.startsWith(`@batch=${name};time=`), each);
    return / (?:PRIVMSG|NOTICE) \S+ :(.*)$/.exec(each)?.[1] ?? `(${/^@\S+ \S+ (\w+)/.exec(each)![1]})`;
  });
}

describe("chathistory", () => {
  test("LATEST: “Request up to limit number of the most recent messages that have been sent”", async () => {
    using world = await withFive({ alice: CAPS });
    await world.join("#tea", "alice");
    await world.talk(`
      alice: CHATHISTORY LATEST #tea * 2
      alice< :irc.test BATCH +<batch:b> chathistory #tea
      alice< @batch={b};time={t4};msgid={m4} :bob!bob@host PRIVMSG #tea :m4
      alice< @batch={b};time={t5};msgid={m5} :bob!bob@host PRIVMSG #tea :m5
      alice< :irc.test BATCH -{b}
    `);
    assert.deepEqual(await ask(world, "alice", "CHATHISTORY LATEST #tea msgid={m3} 10"), ["m4", "m5"]);
    assert.deepEqual(await ask(world, "alice", "CHATHISTORY LATEST #tea timestamp={t4} 10"), ["m5"]);
    assert.deepEqual(await ask(world, "alice", "chathistory latest #TEA * 1"), ["m5"]);
  });

  test(
    "BEFORE, AFTER, AROUND, BETWEEN: “before and excluding the given timestamp or msgid”, " +
      "“this may be forwards or backwards in time”",
    async () => {
      using world = await withFive({ alice: CAPS });
      await world.join("#tea", "alice");
      const table: readonly (readonly [string, string])[] = [
        ["BEFORE #tea msgid={m3} 10", "m1 m2"],
        ["BEFORE #tea timestamp={t3} 1", "m2"],
        ["AFTER #tea msgid={m3} 10", "m4 m5"],
        ["AFTER #tea timestamp={t1} 2", "m2 m3"],
        ["AROUND #tea msgid={m3} 3", "m2 m3 m4"],
        ["BETWEEN #tea msgid={m1} msgid={m5} 10", "m2 m3 m4"],
        ["BETWEEN #tea msgid={m1} msgid={m5} 2", "m2 m3"],
        ["BETWEEN #tea msgid={m5} msgid={m1} 2", "m3 m4"],
        ["BETWEEN #tea timestamp={t1} timestamp={t4} 10", "m2 m3"],
        ["BETWEEN #tea timestamp={t4} timestamp={t1} 1", "m3"],
        ["AFTER #tea msgid={m5} 10", ""],
      ];
      for (const [line, expected] of table)
        assert.equal((await ask(world, "alice", `CHATHISTORY ${line}`)).join(" "), expected, line);
    },
  );

  test("“If no content exists to return, an empty batch SHOULD be returned”", async () => {
    using world = await withFive({ alice: CAPS });
    await world.join("#empty", "alice");
    await world.talk(`
      alice: CHATHISTORY LATEST #empty * 10
      alice< :irc.test BATCH +<batch:b> chathistory #empty
      alice< :irc.test BATCH -{b}
    `);
  });

  test(
    "“If the client has not negotiated the event-playback capability, the server MUST NOT " +
      "send any lines other than PRIVMSG and NOTICE”: and no page is short for that",
    async () => {
      using world = await withFive({ alice: CAPS, carol: `${CAPS} draft/event-playback` });
      await world.join("#tea", "alice", "carol");
      await world.talk(`
      bob: TOPIC #tea :new
      bob< ...
      alice< ...
      carol< ...
      bob: @+draft/react=x;+draft/reply={m5} TAGMSG #tea
      bob< ...
      alice< ...
      carol< ...
      bob: MODE #tea +v alice
      bob< ...
      alice< ...
      carol< ...
    `);
      assert.deepEqual(await ask(world, "alice", "CHATHISTORY LATEST #tea * 5"), [
        "m1",
        "m2",
        "m3",
        "m4",
        "m5",
      ]);
      assert.deepEqual(await ask(world, "carol", "CHATHISTORY LATEST #tea * 6"), [
        "m5",
        "(JOIN)",
        "(JOIN)",
        "(TOPIC)",
        "(TAGMSG)",
        "(MODE)",
      ]);
    },
  );

  test(
    "“If a nickname is given as the target then the server SHOULD include history sent " +
      "between the current user and the target nickname, including outgoing messages”",
    async () => {
      using world = await IrcWorld.with({ alice: CAPS, bob: "", carol: CAPS });
      await world.talk(`
      alice: PRIVMSG bob :hi
      bob< ...
      bob: PRIVMSG alice :hello
      alice< ...
      carol: PRIVMSG bob :me too
      bob< ...
      bob: NICK robert
      bob< ...
      bob: NOTICE alice :by another name
      alice< ...
    `);
      assert.deepEqual(await ask(world, "alice", "CHATHISTORY LATEST robert * 10"), [
        "hi",
        "hello",
        "by another name",
      ]);
      assert.deepEqual(await ask(world, "carol", "CHATHISTORY LATEST robert * 10"), ["me too"]);
    },
  );

  test(
    "TARGETS: “it lists channels the user has visible history in, together with users with " +
      "which the user has exchanged direct messages, ordered by the time of the latest message”",
    async () => {
      using world = await withFive({ alice: CAPS });
      await world.join("#tea", "alice");
      await world.talk(
        `
      bob: PRIVMSG alice :psst
      bob< @time=<time:tw> <any>
      bob< ...
      alice< ...
      alice: CHATHISTORY TARGETS timestamp=2026-01-01T00:00:00.000Z timestamp=2027-01-01T00:00:00.000Z 10
      alice< :irc.test BATCH +<batch:b> draft/chathistory-targets
      alice< @batch={b} :irc.test CHATHISTORY TARGETS #tea {t5}
      alice< @batch={b} :irc.test CHATHISTORY TARGETS bob <time>
      alice< :irc.test BATCH -{b}
    `.replace("bob< @time=<time:tw> <any>\n", ""),
      );
    },
  );

  test(
    "its errors: INVALID_PARAMS, INVALID_TARGET, INVALID_MSGREFTYPE; and what is not readable " +
      "is no target",
    async () => {
      using world = await withFive({ alice: CAPS, dora: "" });
      await world.send("bob", "MODE #tea +s");
      world.drain("bob");
      await world.talk(`
      alice: CHATHISTORY NONSENSE #tea * 10
      alice< :irc.test FAIL CHATHISTORY INVALID_PARAMS NONSENSE :Unknown command
      alice: CHATHISTORY LATEST #tea *
      alice< :irc.test FAIL CHATHISTORY INVALID_PARAMS LATEST :Insufficient parameters
      alice: CHATHISTORY BEFORE #tea msgid=1 0
      alice< :irc.test FAIL CHATHISTORY INVALID_PARAMS BEFORE #tea :Invalid limit
      alice: CHATHISTORY BEFORE #tea timestamp=yesterday 5
      alice< :irc.test FAIL CHATHISTORY INVALID_PARAMS BEFORE <any>
      alice: CHATHISTORY BEFORE #tea colour=red 5
      alice< :irc.test FAIL CHATHISTORY INVALID_MSGREFTYPE BEFORE #tea colour=red :<any>
      alice: CHATHISTORY LATEST #tea * 10
      alice< :irc.test FAIL CHATHISTORY INVALID_TARGET LATEST #tea :<any>
      alice: CHATHISTORY LATEST #none * 10
      alice< :irc.test FAIL CHATHISTORY INVALID_TARGET LATEST #none :<any>
      alice: CHATHISTORY
      alice< :irc.test 461 alice CHATHISTORY :Not enough parameters
      dora: CHATHISTORY LATEST #tea * 10
      dora< :irc.test NOTICE dora :CHATHISTORY: <any>
    `);
    },
  );

  test("with a label, the batch has it", async () => {
    using world = await withFive({ alice: `${CAPS} labeled-response` });
    await world.join("#tea", "alice");
    await world.talk(`
      alice: @label=h CHATHISTORY LATEST #tea * 1
      alice< @label=h :irc.test BATCH +<batch:b> chathistory #tea
      alice< @batch={b};<any> :bob!bob@host PRIVMSG #tea :m5
      alice< :irc.test BATCH -{b}
      alice: @label=e CHATHISTORY LATEST #none * 1
      alice< @label=e :irc.test FAIL CHATHISTORY INVALID_TARGET LATEST #none :<any>
    `);
  });

  test("a message keeps its lines, its tags and its id", async () => {
    using world = await IrcWorld.with({ alice: `${CAPS} draft/multiline`, bob: CAPS });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      alice: @+draft/reply=7 BATCH +1 draft/multiline #tea
      alice: @batch=1 PRIVMSG #tea :one
      alice: @batch=1 PRIVMSG #tea :two
      alice: BATCH -1
      bob< @time=<time:t>;msgid=<msgid:m>;+draft/reply=7 :alice!alice@host PRIVMSG #tea :one
      bob< ...
      alice: CHATHISTORY LATEST #tea * 1
      alice< :irc.test BATCH +<batch:b> chathistory #tea
      alice< @batch={b};time={t};msgid={m};+draft/reply=7 :alice!alice@host BATCH +<batch:c> draft/multiline #tea
      alice< @batch={c} :alice!alice@host PRIVMSG #tea :one
      alice< @batch={c} :alice!alice@host PRIVMSG #tea :two
      alice< <any>BATCH -{c}
      alice< :irc.test BATCH -{b}
    `);
  });
});

describe("replay on JOIN", () => {
  test("who did not ask for chathistory sees the last lines; who did gets none unasked", async () => {
    using world = await withFive({
      alice: "",
      carol: CAPS,
      dan: "batch server-time",
      zoe: "znc.in/playback",
    });
    await world.talk(`
      carol: JOIN #tea
      carol< @time=<time>;msgid=<msgid> :carol!carol@host JOIN #tea
      carol< :irc.test 353 <any>
      carol< :irc.test 366 <any>
      bob< ...
      zoe: JOIN #tea
      zoe< :zoe!zoe@host JOIN #tea
      zoe< :irc.test 353 <any>
      zoe< :irc.test 366 <any>
      bob< ...
      carol< ...
      alice: JOIN #tea
      alice< :alice!alice@host JOIN #tea
      alice< :irc.test 353 <any>
      alice< :irc.test 366 <any>
      alice< :bob!bob@host PRIVMSG #tea :[2026-11-25 <word>] m1
      alice< :bob!bob@host PRIVMSG #tea :[2026-11-25 <word>] m2
      alice< :bob!bob@host PRIVMSG #tea :[2026-11-25 <word>] m3
      alice< :bob!bob@host PRIVMSG #tea :[2026-11-25 <word>] m4
      alice< :bob!bob@host PRIVMSG #tea :[2026-11-25 <word>] m5
      bob< ...
      carol< ...
      zoe< ...
      dan: JOIN #tea
      dan< @time=<time> :dan!dan@host JOIN #tea
      dan< :irc.test 353 <any>
      dan< :irc.test 366 <any>
      dan< :irc.test BATCH +<batch:b> chathistory #tea
      dan< @batch={b};time={t1} :bob!bob@host PRIVMSG #tea :m1
      dan< @batch={b};time={t2} :bob!bob@host PRIVMSG #tea :m2
      dan< @batch={b};time={t3} :bob!bob@host PRIVMSG #tea :m3
      dan< @batch={b};time={t4} :bob!bob@host PRIVMSG #tea :m4
      dan< @batch={b};time={t5} :bob!bob@host PRIVMSG #tea :m5
      dan< :irc.test BATCH -{b}
      alice< ...
      bob< ...
      carol< ...
      zoe< ...
    `);
  });

  test("an action stays one", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "server-time" });
    await world.join("#tea", "alice");
    await world.send("alice", "PRIVMSG #tea :\u0001ACTION nods\u0001");
    await world.send("bob", "JOIN #tea");
    assert(world.drain("bob").at(-1)!.endsWith(" PRIVMSG #tea :\u0001ACTION nods\u0001"));
  });
});

describe("read-marker", () => {
  test(
    "“the server SHOULD send a MARKREAD command for that target to all the clients of the " +
      "user”; “The last read timestamp of a target SHOULD only ever increase”",
    async () => {
      using world = await withFive({
        alice: { account: "alice", caps: "draft/read-marker standard-replies" },
        carol: { account: "carol", caps: "draft/read-marker" },
      });
      await world.enter("phone", { account: "alice", caps: "draft/read-marker" });
      await world.talk(`
      alice: JOIN #tea
      alice< :alice!alice@host JOIN #tea
      alice< :irc.test MARKREAD #tea *
      alice< ...
      phone< ...
      bob< ...
      alice: MARKREAD #tea timestamp={t3}
      alice< :irc.test MARKREAD #tea timestamp={t3}
      phone< :irc.test MARKREAD #tea timestamp={t3}
      phone: MARKREAD #tea timestamp={t1}
      phone< :irc.test MARKREAD #tea timestamp={t3}
      alice< :irc.test MARKREAD #tea timestamp={t3}
      alice: MARKREAD #TEA
      alice< :irc.test MARKREAD #TEA timestamp={t3}
      alice: MARKREAD #Straße timestamp={t2}
      alice< :irc.test MARKREAD #Straße timestamp={t2}
      phone< :irc.test MARKREAD #Straße timestamp={t2}
      alice: MARKREAD #STRASSE
      alice< :irc.test MARKREAD #STRASSE timestamp={t2}
      alice: MARKREAD bob
      alice< :irc.test MARKREAD bob *
      carol: MARKREAD #tea
      carol< :irc.test MARKREAD #tea *
      alice: PART #tea
      alice< ...
      phone< ...
      bob< ...
      phone: JOIN #tea
      phone< :alice!alice@host JOIN #tea
      phone< :irc.test MARKREAD #tea timestamp={t3}
      phone< ...
      alice< ...
      bob< ...
    `);
    },
  );

  test("its errors: NEED_MORE_PARAMS, INVALID_PARAMS; a guest has no markers", async () => {
    using world = await IrcWorld.with({
      alice: { account: "alice", caps: "standard-replies" },
      bob: "standard-replies",
    });
    await world.talk(`
      alice: MARKREAD
      alice< :irc.test FAIL MARKREAD NEED_MORE_PARAMS :Missing parameters
      alice: MARKREAD #tea *
      alice< :irc.test FAIL MARKREAD INVALID_PARAMS * :<any>
      alice: MARKREAD #tea timestamp=soon
      alice< :irc.test FAIL MARKREAD INVALID_PARAMS timestamp=soon :<any>
      alice: MARKREAD # timestamp=2026-11-25T07:00:00.000Z
      alice< :irc.test FAIL MARKREAD INVALID_PARAMS # :<any>
      bob: MARKREAD #tea timestamp=2026-11-25T07:00:00.000Z
      bob< :irc.test FAIL MARKREAD ACCOUNT_REQUIRED #tea :<any>
    `);
  });
});

describe("message-redaction", () => {
  const caps = "draft/message-redaction message-tags standard-replies";

  test(
    "“SHOULD forward this REDACT […] to the target recipients that have negotiated the " +
      "capability”, and history excludes the message",
    async () => {
      using world = await withFive({ alice: `${CAPS} draft/message-redaction`, carol: "" });
      await world.send("bob", "CAP REQ :draft/message-redaction");
      await world.join("#tea", "alice", "carol");
      await world.talk(`
      bob: REDACT #tea {m5} :typo
      bob< @time=<time>;msgid=<msgid> :bob!bob@host REDACT #tea {m5} :typo
      alice< @time=<time>;msgid=<msgid> :bob!bob@host REDACT #tea {m5} :typo
    `);
      assert.deepEqual(await ask(world, "alice", "CHATHISTORY LATEST #tea * 2"), ["m3", "m4"]);
    },
  );

  test("of a whisper both are told; an operator of the room may redact what others said", async () => {
    using world = await IrcWorld.with({ alice: `${caps} echo-message`, bob: caps });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      alice: PRIVMSG bob :secret
      alice< @msgid=<msgid:w> <any>
      bob< @msgid={w} <any>
      alice: REDACT bob {w}
      alice< @msgid=<msgid> :alice!alice@host REDACT bob {w}
      bob< @msgid=<msgid> :alice!alice@host REDACT bob {w}
      bob: PRIVMSG #tea :spam
      alice< @msgid=<msgid:s> <any>
      alice: REDACT #tea {s} :spam
      alice< @msgid=<msgid> :alice!alice@host REDACT #tea {s} :spam
      bob< @msgid=<msgid> :alice!alice@host REDACT #tea {s} :spam
    `);
  });

  test("its errors: INVALID_TARGET, REDACT_FORBIDDEN, UNKNOWN_MSGID", async () => {
    using world = await withFive({ alice: caps, carol: "" });
    await world.join("#tea", "alice");
    await world.talk(`
      alice: REDACT #tea {m1}
      alice< :irc.test FAIL REDACT REDACT_FORBIDDEN #tea {m1} :<any>
      alice: REDACT #tea 99
      alice< :irc.test FAIL REDACT UNKNOWN_MSGID #tea 99 :<any>
      alice: REDACT #tea abc
      alice< :irc.test FAIL REDACT UNKNOWN_MSGID #tea abc :<any>
      alice: REDACT #none {m1}
      alice< :irc.test FAIL REDACT INVALID_TARGET #none :<any>
      alice: REDACT bob {m1}
      alice< :irc.test FAIL REDACT UNKNOWN_MSGID bob {m1} :<any>
      alice: REDACT #tea
      alice< :irc.test 461 alice REDACT :Not enough parameters
      carol: REDACT #tea {m1}
      carol< :irc.test 421 carol REDACT :Unknown command
    `);
  });
});

describe("soju.im/search", () => {
  test(
    "“the server MUST reply to a successful SEARCH command using a batch”; “at or after this " +
      "time”, “an upper bound on the count of messages to return”",
    async () => {
      using world = await withFive({ alice: `${CAPS} soju.im/search labeled-response` });
      await world.join("#tea", "alice");
      await world.talk(String.raw`
      alice: SEARCH in=#tea;text=m2
      alice< :irc.test BATCH +<batch:b> soju.im/search
      alice< @batch={b};time={t2};msgid={m2} :bob!bob@host PRIVMSG #tea :m2
      alice< :irc.test BATCH -{b}
      alice: @label=s SEARCH from=bob;before={t3};after={t2}
      alice< @label=s :irc.test BATCH +<batch:b2> soju.im/search
      alice< @batch={b2};time={t2};msgid={m2} :bob!bob@host PRIVMSG #tea :m2
      alice< @batch={b2};time={t3};msgid={m3} :bob!bob@host PRIVMSG #tea :m3
      alice< :irc.test BATCH -{b2}
      alice: SEARCH from=bob;limit=2
      alice< :irc.test BATCH +<batch:b3> soju.im/search
      alice< @batch={b3};time={t4};msgid={m4} :bob!bob@host PRIVMSG #tea :m4
      alice< @batch={b3};time={t5};msgid={m5} :bob!bob@host PRIVMSG #tea :m5
      alice< :irc.test BATCH -{b3}
      alice: SEARCH nonsense=1
      alice< :irc.test FAIL SEARCH INVALID_PARAMS nonsense :<any>
      alice: SEARCH in=#tea;text=nothing\slike\sit
      alice< :irc.test BATCH +<batch:b4> soju.im/search
      alice< :irc.test BATCH -{b4}
      bob: SEARCH text=m2
      bob< :irc.test 421 bob SEARCH :Unknown command
    `);
    },
  );
});

describe("znc.in/playback", () => {
  test("PLAY sends what was said, from a time on", async () => {
    using world = await withFive({ zoe: "znc.in/playback server-time batch" });
    await world.join("#tea", "zoe");
    const seconds = String(Date.parse(world.captures.get("t3")) / 1000);
    await world.talk(`
      zoe: PRIVMSG *playback :PLAY #tea ${seconds}
      zoe< :irc.test BATCH +<batch:b> chathistory #tea
      zoe< @batch={b};time={t4} :bob!bob@host PRIVMSG #tea :m4
      zoe< @batch={b};time={t5} :bob!bob@host PRIVMSG #tea :m5
      zoe< :irc.test BATCH -{b}
      zoe: PRIVMSG *playback :LIST
      zoe< :*playback!playback@playback NOTICE zoe :#tea
      zoe: PRIVMSG *playback :nonsense
      zoe< :*playback!playback@playback NOTICE zoe :<any>
    `);
  });

  test("PLAY of many asks for one after the other, for no more at a time than anybody may", async () => {
    using world = await IrcWorld.with({ bob: "", zoe: "znc.in/playback batch labeled-response server-time" });
    const rooms = Array.from({ length: 12 }, (_, index) => `#room${index}`);
    for (const room of rooms) {
      await world.join(room, "bob", "zoe");
      await world.send("bob", `PRIVMSG ${room} :in ${room}`);
    }
    world.drain("zoe");
    await world.send(
      "zoe",
      "@label=p PRIVMSG *playback :PLAY *,stranger 0",
      "PRIVMSG *playback :PLAY * 0",
      "PING :next",
    );
    await world.advance(1000);
    const told = world.drain("zoe");
    assert.equal(told.filter((line) => line.startsWith("@label=p")).join("|"), "@label=p :irc.test ACK");
    assert.equal(told.filter((line) => /NOTICE zoe :Wait for/.test(line)).length, 1);
    assert.equal(told.filter((line) => / PONG /.test(line)).length, 1);
    const said = told.flatMap((line) => / PRIVMSG (\S+) :in \1$/.exec(line)?.[1] ?? []);
    assert.deepEqual(said.toSorted(), rooms.toSorted());
    assert.equal(told.filter((line) => /^:irc.test BATCH \+\S+ chathistory #room/.test(line)).length, 12);
    await world.send("zoe", "PRIVMSG *playback :PLAY #room3 0");
    assert.equal(world.drain("zoe").filter((line) => line.includes("in #room3")).length, 1);
  });
});

describe("persistence", () => {
  const bob = { account: "bob" };

  test("who is logged in stays, and is told what was missed", async () => {
    using world = await IrcWorld.with({ alice: "away-notify", bob, carol: "" }, { persistence: true });
    await world.join("#tea", "alice", "bob", "carol");
    await world.talk(`
      bob: QUIT :bye
      bob< ERROR :Closing Link: Client Quit
      alice< :bob!bob@host AWAY :not connected
      alice: PRIVMSG #tea :anybody?
      carol< :alice!alice@host PRIVMSG #tea :anybody?
      alice: PRIVMSG bob :are you there?
      alice< :irc.test 301 alice bob :not connected
      carol: PART #tea :tired
      carol< ...
      alice< :carol!carol@host PART #tea :tired
      alice: TOPIC #tea :Where is bob?
      alice< :alice!alice@host TOPIC #tea :Where is bob?
    `);
    await world.enterQuietly("again", bob);
    const told = world
      .drain("again")
      .filter((line) => !/ (?:00\d|221|25\d|26\d|422|CAP|90\d) |AUTHENTICATE/.test(line));
    assert.deepEqual(
      told.map((line) => line.replace(/\[[^\]]+\]/, "[then]")),
      [
        ":bob!bob@host JOIN #tea",
        ":irc.test 332 bob #tea :Where is bob?",
        ":irc.test 333 bob #tea alice 1795590022",
        ":irc.test 353 bob = #tea :@alice bob",
        ":irc.test 366 bob #tea :End of /NAMES list",
        ":irc.test 305 bob :You are no longer marked as being away",
        ":irc.test NOTICE bob :What you missed:",
        ":alice!alice@host PRIVMSG #tea :[then] anybody?",
        ":alice!alice@host PRIVMSG bob :[then] are you there?",
        ":alice!alice@host TOPIC #tea :Where is bob?",
        ":irc.test NOTICE bob :That is all; from here on it is live",
      ].map((line) =>
        line.replace(
          /alice \d+$/,
          told
            .find((each) => / 333 /.test(each))!
            .split(" ")
            .slice(-2)
            .join(" "),
        ),
      ),
    );
    await world.talk(`
      alice< :bob!bob@host AWAY
      alice: PRIVMSG #tea :welcome back
      again< :alice!alice@host PRIVMSG #tea :welcome back
    `);
  });

  test("who can ask for the past is told nothing unasked; nor who missed nothing", async () => {
    using world = await IrcWorld.with({ alice: "", bob }, { persistence: true });
    await world.join("#tea", "alice", "bob");
    await world.send("bob", "QUIT");
    await world.send("alice", "PRIVMSG #tea :hm");
    await world.enterQuietly("asks", { ...bob, caps: CAPS });
    assert(!world.drain("asks").some((line) => /missed|hm/.test(line)));
    await world.enterQuietly("second", bob);
    assert(!world.drain("second").some((line) => /missed|hm/.test(line)));
  });

  test("without persistence nobody stays", async () => {
    using world = await IrcWorld.with({ alice: "", bob });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      bob: QUIT :bye
      bob< ...
      alice< :bob!bob@host QUIT :Quit: bye
    `);
  });
});
