/* https://modern.ircdocs.horse/#sending-messages, message-tags, echo-message, labeled-response and multiline. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeUtf8 } from "../../../src/base/index.ts";
import { IrcWorld } from "../../support/ircWorld.ts";

describe("PRIVMSG and NOTICE", () => {
  test(
    "“The PRIVMSG command is used to send private messages between users, as well as to send " +
      "messages to channels”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: PRIVMSG #tea :hello everybody
      bob< :alice!alice@host PRIVMSG #tea :hello everybody
      alice: PRIVMSG bob,carol hi
      bob< :alice!alice@host PRIVMSG bob :hi
      carol< :alice!alice@host PRIVMSG carol :hi
      bob: NOTICE #tea :beep
      alice< :bob!bob@host NOTICE #tea :beep
      alice: PRIVMSG #TEA :ACTION
      bob< :alice!alice@host PRIVMSG #tea :ACTION
    `);
      await world.send(
        "alice",
        "PRIVMSG #tea :\u0001ACTION drinks\u0001",
        "PRIVMSG bob :\u0001VERSION\u0001",
      );
      assert.deepEqual(world.drain("bob"), [
        ":alice!alice@host PRIVMSG #tea :\u0001ACTION drinks\u0001",
        ":alice!alice@host PRIVMSG bob :\u0001VERSION\u0001",
      ]);
    },
  );

  test(
    "its errors: ERR_NORECIPIENT, ERR_NOTEXTTOSEND, ERR_NOSUCHNICK, ERR_CANNOTSENDTOCHAN, " +
      "ERR_TOOMANYTARGETS",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.join("#tea", "bob");
      await world.talk(`
      alice: PRIVMSG
      alice< :irc.test 411 alice :No recipient given (PRIVMSG)
      alice: PRIVMSG bob
      alice< :irc.test 412 alice :No text to send
      alice: PRIVMSG #tea :
      alice< :irc.test 412 alice :No text to send
      alice: PRIVMSG nobody :hi
      alice< :irc.test 401 alice nobody :No such nick
      alice: PRIVMSG #none :hi
      alice< :irc.test 403 alice #none :No such channel
      alice: PRIVMSG #tea :hi
      alice< :irc.test 404 alice #tea :Cannot send to channel (+n)<any>
      alice: PRIVMSG a,b,c,d,e :hi
      alice< :irc.test 407 alice e :<any>
      alice< :irc.test 401 alice a :No such nick
      alice< :irc.test 401 alice b :No such nick
      alice< :irc.test 401 alice c :No such nick
      alice< :irc.test 401 alice d :No such nick
    `);
    },
  );

  test("NOTICE: “they must not send any error back to the client on receipt of a NOTICE command”", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "" });
    await world.join("#tea", "bob");
    await world.send("bob", "AWAY :gone");
    world.drain("bob");
    await world.talk(`
      alice: NOTICE
      alice: NOTICE bob
      alice: NOTICE nobody :hi
      alice: NOTICE #none :hi
      alice: NOTICE #tea :hi
      alice: NOTICE a,b,c,d,e :hi
      alice: NOTICE bob :hi
      bob< :alice!alice@host NOTICE bob :hi
      alice: NOTICE @#tea :hi
    `);
  });

  test(
    "“it may be prefixed with one or more channel membership prefix character […] and the " +
      "message will be delivered only to the members of that channel with the given or higher " +
      "status”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "", dan: "" });
      await world.join("#tea", "alice", "bob", "carol", "dan");
      await world.send("alice", "MODE #tea +v bob");
      await world.send("alice", "MODE #tea +h carol");
      for (const name of ["alice", "bob", "carol", "dan"]) world.drain(name);
      await world.talk(`
      dan: PRIVMSG @#tea :ops
      alice< :dan!dan@host PRIVMSG @#tea :ops
      dan: PRIVMSG +#tea :voiced
      alice< :dan!dan@host PRIVMSG +#tea :voiced
      bob< :dan!dan@host PRIVMSG +#tea :voiced
      carol< :dan!dan@host PRIVMSG +#tea :voiced
      dan: PRIVMSG @%#tea :half
      alice< :dan!dan@host PRIVMSG %#tea :half
      carol< :dan!dan@host PRIVMSG %#tea :half
      dan: PRIVMSG ~#tea :founders
    `);
    },
  );

  test(
    "“If <target> is a user and that user has been set as away, the server may reply with an " +
      "RPL_AWAY numeric and the command will continue”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.talk(`
      bob: AWAY :lunch
      bob< :irc.test 306 bob :You have been marked as being away
      alice: PRIVMSG bob :hungry?
      bob< :alice!alice@host PRIVMSG bob :hungry?
      alice< :irc.test 301 alice bob :lunch
      bob: AWAY
      bob< :irc.test 305 bob :You are no longer marked as being away
      alice: PRIVMSG bob :back?
      bob< :alice!alice@host PRIVMSG bob :back?
    `);
    },
  );
});

describe("message-tags", () => {
  test(
    "“Client-only tags MUST be relayed on PRIVMSG and NOTICE messages”; “Tags without the " +
      "client-only prefix MUST be removed by the server before being relayed”",
    async () => {
      using world = await IrcWorld.with({ alice: "message-tags", bob: "message-tags", carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(String.raw`
      alice: @unknown=1;+example=raw+:=,escaped\:\s\\;+draft/reply=12 PRIVMSG #tea :Message
      bob< @msgid=<msgid>;+example=raw+:=,escaped\:\s\\;+draft/reply=12 :alice!alice@host PRIVMSG #tea :Message
      carol< :alice!alice@host PRIVMSG #tea :Message
      alice: @+a=1;+a=2 NOTICE bob :last counts
      bob< @msgid=<msgid>;+a=2 :alice!alice@host NOTICE bob :last counts
    `);
    },
  );

  test(
    "TAGMSG: “Servers MUST NOT deliver TAGMSG to clients that haven't negotiated the message " +
      "tags capability”",
    async () => {
      using world = await IrcWorld.with({ alice: "message-tags", bob: "message-tags", carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(`
      alice: @+typing=active TAGMSG #tea
      bob< @msgid=<msgid>;+typing=active :alice!alice@host TAGMSG #tea
      alice: @+draft/react=👍 TAGMSG bob,carol
      bob< @msgid=<msgid>;+draft/react=👍 :alice!alice@host TAGMSG bob
      alice: @+x TAGMSG @#tea
      bob: @+typing=done TAGMSG @#tea
      alice< @msgid=<msgid>;+typing=done :bob!bob@host TAGMSG @#tea
      alice: TAGMSG
      alice< :irc.test 411 alice :No recipient given (TAGMSG)
      alice: @+x TAGMSG nobody
      alice< :irc.test 401 alice nobody :No such nick
      carol: @+x TAGMSG #tea
      carol< :irc.test 421 carol TAGMSG :Unknown command
    `);
    },
  );

  test(
    "“Servers MUST reply with the ERR_INPUTTOOLONG (417) error numeric if a client sends a " +
      "message with more tag data than the allowed limit”",
    async () => {
      using world = await IrcWorld.with({ alice: "message-tags", bob: "message-tags" });
      await world.join("#tea", "alice", "bob");
      const tags = (bytes: number): string => `+a=${"x".repeat(bytes - 3)}`;
      await world.send("alice", `@${tags(4094)} PRIVMSG #tea :just so`);
      assert.match(world.drain("bob")[0]!, /;\+a=x{4091} :alice/);
      await world.send("alice", `@${tags(4095)} PRIVMSG #tea :too much`);
      await world.talk(`alice< :irc.test 417 alice :Input line was too long`);
      await world.send("alice", `PRIVMSG #tea :${"y".repeat(510 - "PRIVMSG #tea :".length)}`);
      assert.equal(world.drain("alice").length, 0);
      const told = world.drain("bob");
      assert.equal(
        told.map((line) => line.replace(/^.*? PRIVMSG #tea :/, "")).join("").length,
        510 - "PRIVMSG #tea :".length,
      );
      for (const line of told) assert(Buffer.byteLength(line.replace(/^@\S+ /, "")) <= 510);
      await world.send("alice", `PRIVMSG #tea :${"y".repeat(511 - "PRIVMSG #tea :".length)}`);
      await world.talk(`alice< :irc.test 417 alice :Input line was too long`);
    },
  );

  test("server-time, msgid, account-tag and bot: each for who asked for it", async () => {
    using world = await IrcWorld.with({
      alice: { account: "alice" },
      bob: "server-time",
      carol: "account-tag",
      dan: "message-tags",
    });
    await world.join("#tea", "alice", "bob", "carol", "dan");
    await world.talk(`
      alice: MODE alice +B
      alice< :alice!alice@host MODE alice +B
      alice: PRIVMSG #tea :hi
      bob< @time=<time> :alice!alice@host PRIVMSG #tea :hi
      carol< @account=alice :alice!alice@host PRIVMSG #tea :hi
      dan< @msgid=<msgid>;bot :alice!alice@host PRIVMSG #tea :hi
    `);
  });
});

describe("echo-message", () => {
  test(
    "“servers MUST send PRIVMSG and NOTICE messages back to the client that sent them […] the " +
      "same rules apply to TAGMSG messages”",
    async () => {
      using world = await IrcWorld.with({ alice: "echo-message message-tags", bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: @+reply=1 PRIVMSG #tea :hello
      alice< @msgid=<msgid>;+reply=1 :alice!alice@host PRIVMSG #tea :hello
      bob< :alice!alice@host PRIVMSG #tea :hello
      alice: PRIVMSG #tea :plainly
      alice< @msgid=<msgid> :alice!alice@host PRIVMSG #tea :plainly
      bob< :alice!alice@host PRIVMSG #tea :plainly
      alice: NOTICE bob :psst
      alice< @msgid=<msgid> :alice!alice@host NOTICE bob :psst
      bob< :alice!alice@host NOTICE bob :psst
      alice: @+typing=active TAGMSG #tea
      alice< @msgid=<msgid>;+typing=active :alice!alice@host TAGMSG #tea
      alice: PRIVMSG alice :note to self
      alice< @msgid=<msgid> :alice!alice@host PRIVMSG alice :note to self
      alice< @msgid=<msgid> :alice!alice@host PRIVMSG alice :note to self
      bob: PRIVMSG bob :note to self
      bob< :bob!bob@host PRIVMSG bob :note to self
    `);
    },
  );
});

describe("labeled-response", () => {
  const caps = "labeled-response batch message-tags echo-message standard-replies";

  test(
    "“Servers MUST respond with a labeled ACK message when a client sends a labeled command " +
      "that normally produces no response”",
    async () => {
      using world = await IrcWorld.with({ alice: "labeled-response batch", bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: @label=abc PONG :foobar
      alice< @label=abc :irc.test ACK
      alice: @label=1 PRIVMSG #tea :no echo
      alice< @label=1 :irc.test ACK
      bob< :alice!alice@host PRIVMSG #tea :no echo
      alice: @label=2 NOTICE nobody :hi
      alice< @label=2 :irc.test ACK
      alice: @label=3 JOIN #tea
      alice< @label=3 :irc.test ACK
    `);
    },
  );

  test("“the server MUST include the same tag and value in any response produced from this message”", async () => {
    using world = await IrcWorld.with({ alice: caps, bob: "" });
    await world.join("#tea", "alice", "bob");
    await world.talk(
      `
      alice: @label=x\\:y PRIVMSG #tea :echo
      alice< @label=x\\:y;msgid=<msgid> :alice!alice@host PRIVMSG #tea :echo
      bob< :alice!alice@host PRIVMSG #tea :echo
      alice: @label=e1 PRIVMSG nick :Hello
      alice< @label=e1 :irc.test 401 alice nick :No such nick
      alice: @label=e2 FROB
      alice< @label=e2 :irc.test 421 alice FROB :Unknown command
      alice: @label=e3 CAP LIST
      alice< @label=e3 :irc.test CAP alice LIST :<any>
      alice: @label=e4 AWAY :gone
      alice< @label=e4 :irc.test 306 alice :<any>
      alice: @label=e5 PING 1
      alice< @label=e5 :irc.test PONG irc.test :1
      alice: @label=e6 NICK bob
      alice< @label=e6 :irc.test 433 alice bob :<any>
    `.replaceAll("\\\\", "\\"),
    );
  });

  test(
    "“If a response consists of more than one message, a batch MUST be used to group them " +
      "into a single logical response”",
    async () => {
      using world = await IrcWorld.with({ alice: caps, bob: "" });
      await world.talk(`
      alice: @label=w WHOIS bob
      alice< @label=w :irc.test BATCH +<batch:b> labeled-response
      alice< @batch={b} :irc.test 311 alice bob bob host * :bob
      alice< @batch={b} :irc.test 312 <any>
      alice< @batch={b} :irc.test 317 <any>
      alice< @batch={b} :irc.test 318 alice bob :End of /WHOIS list
      alice< :irc.test BATCH -{b}
      alice: @label=j JOIN #tea
      alice< @label=j :irc.test BATCH +<batch:c> labeled-response
      alice< @batch={c};msgid=<msgid> :alice!alice@host JOIN #tea
      alice< @batch={c} :irc.test 353 alice = #tea :@alice
      alice< @batch={c} :irc.test 366 alice #tea :End of /NAMES list
      alice< :irc.test BATCH -{c}
    `);
    },
  );

  test("several wishes of one line are one response", async () => {
    using world = await IrcWorld.with({ alice: caps, bob: "", carol: "" });
    await world.talk(`
      alice: @label=m PRIVMSG bob,nobody,carol :hi
      bob< :alice!alice@host PRIVMSG bob :hi
      carol< :alice!alice@host PRIVMSG carol :hi
      alice< @label=m :irc.test BATCH +<batch:b> labeled-response
      alice< @batch={b};msgid=<msgid> :alice!alice@host PRIVMSG bob :hi
      alice< @batch={b} :irc.test 401 alice nobody :No such nick
      alice< @batch={b};msgid=<msgid> :alice!alice@host PRIVMSG carol :hi
      alice< :irc.test BATCH -{b}
    `);
  });

  test("lines that are sent at once are told apart, and what others say meanwhile has no label", async () => {
    using world = await IrcWorld.with({ alice: caps, bob: "" });
    await world.join("#tea", "alice", "bob");
    await world.send(
      "alice",
      "@label=1 PRIVMSG #tea :one",
      "PRIVMSG #tea :two",
      "@label=3 PRIVMSG #tea :three",
    );
    await world.talk(`
      alice< @label=1;msgid=<msgid> :alice!alice@host PRIVMSG #tea :one
      alice< @msgid=<msgid> :alice!alice@host PRIVMSG #tea :two
      alice< @label=3;msgid=<msgid> :alice!alice@host PRIVMSG #tea :three
      bob< ...
      bob: PRIVMSG #tea :mine
      alice< @msgid=<msgid> :bob!bob@host PRIVMSG #tea :mine
    `);
  });

  test(
    "“When a client sends a message to itself, the server MUST NOT include the label tag, " +
      "except for any acknowledgment sent with the echo-message mechanism”",
    async () => {
      using world = await IrcWorld.with({ alice: caps, bob: "labeled-response batch" });
      await world.talk(`
      alice: @label=s PRIVMSG alice :self
      alice< @label=s;msgid=<msgid:m> :alice!alice@host PRIVMSG alice :self
      alice< @msgid={m} :alice!alice@host PRIVMSG alice :self
      bob: @label=s PRIVMSG bob :self
      bob< @label=s :irc.test ACK
      bob< :bob!bob@host PRIVMSG bob :self
    `);
    },
  );

  test("a label is for who negotiated it", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: @label=1 PING x
      alice< :irc.test PONG irc.test :x
    `);
  });
});

describe("multiline", () => {
  const caps = "draft/multiline batch message-tags standard-replies";

  test(
    "“Line messages are joined by a single line feed byte unless the draft/multiline-concat " +
      "message tag is sent”",
    async () => {
      using world = await IrcWorld.with({ alice: caps, bob: caps, carol: "message-tags" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(`
      alice: @+draft/reply=7 BATCH +123 draft/multiline #tea
      alice: @batch=123 PRIVMSG #tea hello
      alice: @batch=123 PRIVMSG #tea :
      alice: @batch=123 privmsg #tea :how is
      alice: @batch=123;draft/multiline-concat PRIVMSG #tea : everyone?
      alice: BATCH -123
      bob< @msgid=<msgid:m>;+draft/reply=7 :alice!alice@host BATCH +<batch:b> draft/multiline #tea
      bob< @batch={b} :alice!alice@host PRIVMSG #tea :hello
      bob< @batch={b} :alice!alice@host PRIVMSG #tea :
      bob< @batch={b} :alice!alice@host PRIVMSG #tea :how is everyone?
      bob< :alice!alice@host BATCH -{b}
      carol< @msgid={m};+draft/reply=7 :alice!alice@host PRIVMSG #tea :hello
      carol< :alice!alice@host PRIVMSG #tea :how is everyone?
    `);
    },
  );

  test(
    "“Servers MUST only include the label tag on the opening BATCH command when replying to a " +
      "client using echo-message”",
    async () => {
      using world = await IrcWorld.with({ alice: `${caps} echo-message labeled-response`, bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: @label=ml BATCH +1 draft/multiline #tea
      alice: @batch=1 PRIVMSG #tea :one
      alice: @batch=1 PRIVMSG #tea :two
      alice: BATCH -1
      alice< @label=ml;msgid=<msgid> :alice!alice@host BATCH +<batch:b> draft/multiline #tea
      alice< @batch={b} :alice!alice@host PRIVMSG #tea :one
      alice< @batch={b} :alice!alice@host PRIVMSG #tea :two
      alice< :alice!alice@host BATCH -{b}
      bob< ...
    `);
    },
  );

  test("its errors: MULTILINE_MAX_BYTES, _MAX_LINES, _INVALID_TARGET, MULTILINE_INVALID", async () => {
    using world = await IrcWorld.with({ alice: caps, bob: "" });
    await world.join("#foo", "alice", "bob");
    await world.talk(`
      alice: BATCH +456 draft/multiline #foo
      alice: @batch=456 PRIVMSG #bar hello
      alice< :irc.test FAIL BATCH MULTILINE_INVALID_TARGET #foo #bar :<any>
      alice: BATCH -456
      alice: BATCH +1 draft/multiline #foo
      alice: @batch=1;draft/multiline-concat PRIVMSG #foo :
      alice< :irc.test FAIL BATCH MULTILINE_INVALID :<any>
      alice: BATCH -1
      alice: BATCH +2 draft/multiline #foo
      alice: BATCH -2
      alice< :irc.test FAIL BATCH MULTILINE_INVALID :<any>
      alice: BATCH +3 nonsense #foo
      alice< :irc.test FAIL BATCH UNKNOWN_TYPE 3 nonsense :<any>
      alice: BATCH -4
      alice< :irc.test FAIL BATCH INVALID_REFTAG 4 :<any>
      alice: @batch=9 PRIVMSG #foo :stray
      alice< :irc.test FAIL BATCH INVALID_REFTAG 9 :<any>
      bob: BATCH +1 draft/multiline #foo
      bob< :irc.test 421 bob BATCH :Unknown command
    `);
    const line = "@batch=l PRIVMSG #foo :x";
    await world.send(
      "alice",
      "BATCH +l draft/multiline #foo",
      ...Array.from({ length: 25 }, () => line),
      "BATCH -l",
    );
    await world.talk(`alice< :irc.test FAIL BATCH MULTILINE_MAX_LINES 24 :<any>`);
    const long = `@batch=b PRIVMSG #foo :${"x".repeat(450)}`;
    await world.send(
      "alice",
      "BATCH +b draft/multiline #foo",
      ...Array.from({ length: 10 }, () => long),
      "BATCH -b",
    );
    await world.talk(`alice< :irc.test FAIL BATCH MULTILINE_MAX_BYTES 4096 :<any>`);
  });

  test(
    "a text that is too long for one line is not cut: neither in the middle of a character, " +
      "nor at its end",
    async () => {
      using world = await IrcWorld.with({ alice: caps, bob: caps, carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      const text = "é".repeat(240);
      await world.send("alice", "BATCH +1 draft/multiline #tea", `@batch=1 PRIVMSG #tea :${text}`);
      await world.send("alice", `@batch=1;draft/multiline-concat PRIVMSG #tea :${text}`, "BATCH -1");
      const said = (name: string): string =>
        world
          .drain(name)
          .filter((line) => line.includes(" PRIVMSG "))
          .map((line) => line.replace(/^.*? PRIVMSG #tea :/, ""))
          .join("");
      assert.equal(said("bob"), text + text);
      assert.equal(said("carol"), text + text);
      assert(encodeUtf8(text).length === 480);
    },
  );
});

describe("flood budget", () => {
  test("lines wait and nothing is lost; what a client that comes back needs costs nothing", async () => {
    using world = await IrcWorld.with(
      { alice: "draft/chathistory batch draft/read-marker", bob: "" },
      { floodLines: 1 },
    );
    await world.advance(60_000);
    await world.join("#tea", "alice", "bob");
    await world.advance(60_000);
    const lines = Array.from({ length: 20 }, (_, index) => `PRIVMSG #tea :${index}`);
    await world.send("alice", ...lines);
    const before = world.drain("bob").length;
    assert(before >= 9 && before <= 11, `${before} of 20 at once`);
    await world.advance(5000);
    const meanwhile = world.drain("bob").length;
    assert(meanwhile >= 4 && meanwhile <= 6, `${meanwhile} in five seconds`);
    await world.advance(20_000);
    assert.equal(before + meanwhile + world.drain("bob").length, 20);
    assert(world.isConnected("alice"));
    // All of the budget is spent again; these come through it all the same, as many as there are.
    const free = Array.from({ length: 30 }, () => ["MARKREAD #tea", "WHO #tea", "NAMES #tea"]).flat();
    await world.advance(60_000);
    await world.send("alice", ...free);
    const told = world.drain("alice").filter((line) => / MARKREAD | 315 | 366 /.test(line));
    assert.equal(told.length, free.length);
  });
});
