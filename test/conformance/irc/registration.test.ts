/* How a client comes in: https://modern.ircdocs.horse/#connection-registration, and the negotiation of capabilities. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeUtf8 } from "../../../src/base/index.ts";
import { IrcWorld, PASSWORD } from "../../support/ircWorld.ts";

async function connected(name: string, options = {}): Promise<IrcWorld> {
  const world = await IrcWorld.with({}, options);
  await world.connect(name);
  return world;
}

describe("connection registration", () => {
  test(
    "“the server MUST send, in this order, the RPL_WELCOME, RPL_YOURHOST, RPL_CREATED, " +
      "RPL_MYINFO, and at least one RPL_ISUPPORT numeric”",
    async () => {
      using world = await connected("alice");
      await world.talk(
        `
      alice: NICK alice
      alice: USER al 0 * :Alice L.
      alice< :irc.test 001 alice :Welcome to TestNet, alice!al@host
      alice< :irc.test 002 alice :Your host is irc.test, running version chorus-1.0
      alice< :irc.test 003 alice :This server was started <time>
      alice< :irc.test 004 alice irc.test chorus-1.0 BZiorw CIMRSabehiklmnoqstv ISabehklnoqv
      alice< ...
    `.replace("ISabehklnoqv", "ISabehkloqv"),
      );
    },
  );

  test(
    "“The server SHOULD then respond as though the client sent the LUSERS command […] The " +
      "server MUST then respond as though the client sent it the MOTD command”",
    async () => {
      using world = await connected("alice", { motd: "Tea is at four.\n\nBring cake." });
      await world.send("alice", "NICK alice", "USER alice 0 * :A");
      const told = world.drain("alice").filter((line) => !/ 00\d /.test(line));
      assert.deepEqual(told, [
        ":irc.test 251 alice :There are 1 users and 0 invisible on 1 servers",
        ":irc.test 252 alice 0 :operator(s) online",
        ":irc.test 253 alice 0 :unknown connection(s)",
        ":irc.test 254 alice 0 :channels formed",
        ":irc.test 255 alice :I have 1 clients and 0 servers",
        ":irc.test 265 alice :Current local users 1",
        ":irc.test 266 alice :Current global users 1",
        ":irc.test 375 alice :- irc.test Message of the day - ",
        ":irc.test 372 alice :- Tea is at four.",
        ":irc.test 372 alice :- ",
        ":irc.test 372 alice :- Bring cake.",
        ":irc.test 376 alice :End of /MOTD command.",
      ]);
    },
  );

  test("“If the user has client modes set on them automatically […]” RPL_UMODEIS", async () => {
    using world = await IrcWorld.with({});
    await world.account("root", "operator");
    await world.enterQuietly("root", { account: "root" });
    assert(world.drain("root").includes(":irc.test 221 root +or"));
  });

  test("RPL_ISUPPORT: “tokens […] are supported by this server”, at most 13 in a line", async () => {
    using world = await connected("alice");
    await world.send("alice", "NICK alice", "USER alice 0 * :A");
    const lines = world.drain("alice").filter((line) => / 005 /.test(line));
    assert(lines.length >= 2);
    const tokens = new Map<string, string>();
    for (const line of lines) {
      assert(Buffer.byteLength(line) <= 510);
      const [, listed] = /^:irc\.test 005 alice (.+) :are supported by this server$/.exec(line)!;
      assert(listed!.split(" ").length <= 13);
      for (const token of listed!.split(" "))
        tokens.set(token.split("=")[0]!, token.split("=").slice(1).join("="));
    }
    const expected = {
      NETWORK: "TestNet",
      CASEMAPPING: "rfc1459",
      CHANTYPES: "#",
      CHANMODES: "beI,k,lS,CMRimnst",
      PREFIX: "(qaohv)~&@%+",
      STATUSMSG: "~&@%+",
      CHATHISTORY: "500",
      MSGREFTYPES: "msgid,timestamp",
      MONITOR: "100",
      BOT: "B",
      UTF8ONLY: "",
      WHOX: "",
      EXCEPTS: "e",
      INVEX: "I",
      ELIST: "CMNTU",
      EXTBAN: ",m",
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(tokens.get(name), value, name);
  });

  test(
    "“[ERR_NOTREGISTERED] Returned when a client command cannot be parsed as they are not yet " +
      "registered”",
    async () => {
      using world = await connected("alice");
      await world.talk(`
      alice: JOIN #tea
      alice< :irc.test 451 * :You have not registered
      alice: NICK alice
      alice: PRIVMSG bob :hi
      alice< :irc.test 451 alice :You have not registered
      alice: NONSENSE
      alice< :irc.test 451 alice :You have not registered
    `);
    },
  );

  test("NICK: its errors", async () => {
    using world = await IrcWorld.with({ bob: "" });
    await world.connect("alice");
    await world.talk(
      `
      alice: NICK
      alice< :irc.test 431 * :No nickname given
      alice: NICK 1up
      alice< :irc.test 432 * 1up :Erroneous nickname: <any>
      alice: NICK bob
      alice: USER al 0 * :A
      alice< :irc.test 433 bob bob :Nickname is already in use
      alice: NICK BOB
      alice< :irc.test 433 BOB BOB :Nickname is already in use
      alice: NICK alice
      alice< :irc.test 001 alice <any>
      alice< ...
    `
        .replaceAll("433 bob bob", "433 * bob")
        .replaceAll("433 BOB BOB", "433 * BOB"),
    );
  });

  test("a name of a service is nobody's: passwords are sent there", async () => {
    using world = await IrcWorld.with({ bob: "" });
    await world.talk(`
      bob: NICK NickServ
      bob< :irc.test 432 bob NickServ :Erroneous nickname: <any>
      bob: NICK chanserv
      bob< :irc.test 432 bob chanserv :Erroneous nickname: <any>
    `);
    await world.connect("guest", "host", "plain");
    world.drain("guest");
    await world.send("guest", "/nick NickServ");
    assert.match(world.drain("guest").join("\n"), /NickServ/);
    assert(![...world.state.sessions.values()].some(({ nick }) => nick.toLowerCase() === "nickserv"));
  });

  test(
    "USER: “If a client tries to send the USER command after they have already completed " +
      "registration with the server, the ERR_ALREADYREGISTERED reply should be sent”",
    async () => {
      using world = await IrcWorld.with({ bob: "" });
      await world.connect("alice");
      await world.talk(`
      alice: USER al
      alice< :irc.test 461 * USER :Not enough parameters
      bob: USER bob 0 * :B
      bob< :irc.test 462 bob :You may not reregister
      bob: PASS secret
      bob< :irc.test 462 bob :You may not reregister
      alice: PASS
      alice< :irc.test 461 * PASS :Not enough parameters
      alice: PASS secret
    `);
    },
  );

  test("USER: “the username MUST be silently truncated to the given length”", async () => {
    using world = await connected("alice");
    await world.send("alice", "NICK alice", "USER alexandrinabeatrix 0 * :A");
    assert.match(world.drain("alice")[0]!, / 001 alice :.* alice!alexandrin@host$/);
  });

  test(
    "PING: “must reply to it with a PONG message with the same <token> value”; “Servers MUST " +
      "send a <server> parameter”",
    async () => {
      using world = await connected("alice");
      await world.talk(`
      alice: PING abc
      alice< :irc.test PONG irc.test :abc
      alice: PING :two words
      alice< :irc.test PONG irc.test :two words
      alice: PING
      alice< :irc.test 461 * PING :Not enough parameters
      alice: PING :
      alice< :irc.test 461 * PING :Not enough parameters
      alice: PONG :whatever
    `);
    },
  );

  test("QUIT: “replying with an ERROR message and closing the connection”; others are told “Quit: ”", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
    await world.join("#tea", "alice", "bob", "carol");
    await world.talk(`
      alice: QUIT :gone for lunch
      alice< ERROR :Closing Link: Client Quit
      bob< :alice!alice@host QUIT :Quit: gone for lunch
      bob< :irc.test MODE #tea +o bob
      carol< :alice!alice@host QUIT :Quit: gone for lunch
      carol< :irc.test MODE #tea +o bob
      bob: QUIT
      bob< ERROR :Closing Link: Client Quit
      carol< :bob!bob@host QUIT :Quit:<any>
      carol< :irc.test MODE #tea +o carol
    `);
    assert(!world.isConnected("alice"));
  });

  test(
    "QUIT: “If a client connection is closed without the client issuing a QUIT command to the " +
      "server, the server MUST distribute a QUIT message”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.hangUp("alice");
      await world.talk(`
      bob< :alice!alice@host QUIT :hung up
      bob< :irc.test MODE #tea +o bob
    `);
    },
  );

  test(
    "“[ERR_UNKNOWNCOMMAND] Sent to a registered client to indicate that the command they sent " +
      "isn't known by the server”, and nothing closes the connection",
    async () => {
      using world = await IrcWorld.with({ alice: "" });
      await world.talk(`
      alice: FROBNICATE the foo
      alice< :irc.test 421 alice FROBNICATE :Unknown command
      alice: 001 alice :hm
      alice< :irc.test 421 alice 001 :Unknown command
      alice: :alice!a@b frobnicate
      alice< :irc.test 421 alice FROBNICATE :Unknown command
      alice: CONNECT other.test
      alice< :irc.test 421 alice CONNECT :Unknown command
      alice: constructor
      alice< :irc.test 421 alice CONSTRUCTOR :Unknown command
    `);
      await world.write("alice", encodeUtf8(`${"x".repeat(600)}\r\nPING still\r\n`));
      await world.talk(`
      alice< :irc.test 417 alice :Input line was too long
      alice< :irc.test PONG irc.test :still
    `);
      await world.write("alice", encodeUtf8("\r\n\r\n  \r\n:only.source\r\n@only=tags\r\n\0\0\r\n"));
      await world.talk("");
      assert(world.isConnected("alice"));
    },
  );

  test(
    "UTF8ONLY: “Servers publishing this token MUST NOT relay content […] containing non-UTF-8 " +
      "data to clients”",
    async () => {
      using world = await IrcWorld.with({ alice: "standard-replies", bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.write("alice", Uint8Array.of(...encodeUtf8("PRIVMSG #tea :caf"), 0xe9, 0x0d, 0x0a));
      await world.talk(
        `alice< :irc.test FAIL PRIVMSG INVALID_UTF8 :Message rejected: this server takes UTF-8 only`,
      );
    },
  );
});

describe("capability negotiation", () => {
  test(
    "“Upon receiving either a CAP LS or CAP REQ command during connection registration, the " +
      "server MUST not complete registration until the client sends a CAP END command”",
    async () => {
      using world = await connected("alice");
      await world.talk(`
      alice: CAP LS 302
      alice< ...
      alice: NICK alice
      alice: USER al 0 * :A
      alice: CAP END
      alice< :irc.test 001 alice <any>
      alice< ...
    `);
      await world.connect("bob");
      await world.talk(`
      bob: CAP REQ :multi-prefix
      bob< :irc.test CAP * ACK :multi-prefix
      bob: NICK bob
      bob: USER bob 0 * :B
      bob: CAP END
      bob< :irc.test 001 bob <any>
      bob< ...
    `);
    },
  );

  test(
    "“If a client has not indicated support for CAP LS 302 features, the server MUST NOT send " +
      "these new features”",
    async () => {
      using world = await connected("alice");
      await world.send("alice", "CAP LS");
      const [line, ...more] = world.drain("alice");
      assert.deepEqual(more, []);
      assert.match(line!, /^:irc\.test CAP \* LS :message-tags [^=*]*$/);
      await world.send("alice", "CAP LS 302");
      const lines = world.drain("alice");
      assert.match(lines.join(" "), / sasl=PLAIN,SCRAM-SHA-256 /);
      // "all but the last reply MUST have a parameter containing only an asterisk"
      for (const [index, each] of lines.entries())
        assert.equal(each.startsWith(":irc.test CAP * LS * :"), index < lines.length - 1);
    },
  );

  test(
    "“When CAP version 302 is enabled, the client also implicitly indicates support for the " +
      "cap-notify capability”",
    async () => {
      using world = await connected("alice");
      await world.talk(`
      alice: CAP LS 307
      alice< ...
      alice: CAP LIST
      alice< :irc.test CAP * LIST :cap-notify
      alice: CAP REQ :-cap-notify
      alice< :irc.test CAP * NAK :-cap-notify
    `);
    },
  );

  test("“The capability identifier set must be accepted as a whole, or rejected entirely”", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: CAP REQ :multi-prefix nonsense echo-message
      alice< :irc.test CAP alice NAK :multi-prefix nonsense echo-message
      alice: CAP LIST
      alice< :irc.test CAP alice LIST :
      alice: CAP REQ :multi-prefix setname
      alice< :irc.test CAP alice ACK :multi-prefix setname
      alice: CAP REQ :-multi-prefix
      alice< :irc.test CAP alice ACK :-multi-prefix
      alice: CAP LIST
      alice< :irc.test CAP alice LIST :setname
      alice: CAP REQ :-multi-prefix setname
      alice< :irc.test CAP alice ACK :-multi-prefix setname
    `);
  });

  test(
    "“The server MUST accept the CAP command at any time, including after registration”; " +
      "“[CAP END] MUST be ignored”",
    async () => {
      using world = await IrcWorld.with({ alice: "" });
      await world.talk(`
      alice: CAP END
      alice: CAP FOO
      alice< :irc.test 410 alice FOO :Invalid CAP command
      alice: CAP
      alice< :irc.test 461 alice CAP :Not enough parameters
    `);
      await world.connect("bob");
      await world.talk(`
      bob: CAP FOO
      bob< :irc.test 410 * FOO :Invalid CAP command
    `);
    },
  );

  test(
    "“The DEL subcommand signals that the server no longer supports one or more " +
      "capabilities”; sasl: “the client will be notified about status changes”",
    async () => {
      using world = await IrcWorld.with({
        alice: "sasl draft/account-registration",
        bob: "",
      });
      await world.giveHistoryUp();
      await world.talk(`
      alice< :irc.test CAP alice DEL :sasl <any>
      alice: CAP LIST
      alice< :irc.test CAP alice LIST :cap-notify
      alice: CAP REQ :sasl
      alice< :irc.test CAP alice NAK :sasl
    `);
      await world.findHistory();
      await world.talk(`
      alice< :irc.test CAP alice NEW :sasl=PLAIN,SCRAM-SHA-256 <any>
      alice: CAP REQ :sasl
      alice< :irc.test CAP alice ACK :sasl
    `);
    },
  );

  test("a server that keeps no history offers nothing of it", async () => {
    using world = await IrcWorld.with({}, { history: false });
    await world.connect("alice");
    await world.send("alice", "CAP LS 302");
    const offered = world.drain("alice").join(" ");
    for (const name of [
      "sasl",
      "account-registration",
      "chathistory",
      "event-playback",
      "redaction",
      "search",
    ])
      assert(!offered.includes(name), name);
    await world.talk(`
      alice: CAP REQ :draft/chathistory
      alice< :irc.test CAP * NAK :draft/chathistory
      alice: NICK alice
      alice: USER alice 0 * :A
      alice: CAP END
      alice< ...
      alice: PRIVMSG NickServ :REGISTER ${PASSWORD.replace(" ", "")}
      alice< :irc.test NOTICE alice :<any>
    `);
  });
});

describe("extended-isupport", () => {
  test(
    "“the server MUST accept ISUPPORT commands before connection registration completes”; " +
      "“The server MUST group all RPL_ISUPPORT messages inside a draft/isupport batch when the " +
      "batch and draft/extended-isupport capabilities are enabled”",
    async () => {
      using world = await connected("alice");
      await world.send("alice", "CAP REQ :batch draft/extended-isupport");
      world.drain("alice");
      await world.send("alice", "ISUPPORT");
      const lines = world.drain("alice");
      assert.match(lines[0]!, /^:irc\.test BATCH \+\S+ draft\/isupport$/);
      assert.match(lines.at(-1)!, /^:irc\.test BATCH -\S+$/);
      for (const line of lines.slice(1, -1)) assert.match(line, /^@batch=\S+ :irc\.test 005 \* /);
      await world.send("alice", "NICK alice", "USER alice 0 * :A", "CAP END");
      assert(!world.drain("alice").some((line) => line.startsWith(":irc.test 005")));
    },
  );

  test("“When receiving this command, the server MUST reply with one or more RPL_ISUPPORT messages”", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.send("alice", "ISUPPORT");
    for (const line of world.drain("alice")) assert.match(line, /^:irc\.test 005 alice /);
    await world.connect("bob");
    await world.talk(`
      bob: ISUPPORT
      bob< :irc.test 451 * :You have not registered
    `);
  });
});

describe("pre-away", () => {
  test(
    "“If the capability has been negotiated, servers MUST accept the AWAY command before " +
      "connection registration has completed”",
    async () => {
      using world = await IrcWorld.with({ bob: "away-notify" });
      await world.connect("alice");
      await world.talk(`
      alice: AWAY :early
      alice< :irc.test 451 * :You have not registered
      alice: CAP REQ :draft/pre-away
      alice< :irc.test CAP * ACK :draft/pre-away
      alice: AWAY :at sea
      alice< :irc.test 306 * :You have been marked as being away
      alice: NICK alice
      alice: USER alice 0 * :A
      alice: CAP END
      alice< ...
      bob: PRIVMSG alice :hello?
      alice< :bob!bob@host PRIVMSG alice :hello?
      bob< :irc.test 301 bob alice :at sea
    `);
    },
  );

  test(
    "“[AWAY *] as indicating that the user is not present for an unspecified reason”; “it " +
      "should not supersede a human-readable AWAY message set by another connection”",
    async () => {
      using world = await IrcWorld.with({ alice: { account: "alice" }, bob: "away-notify" });
      await world.join("#tea", "alice", "bob");
      await world.enter("phone", { caps: "draft/pre-away", account: "alice" });
      await world.talk(`
      bob: PRIVMSG alice :here?
      phone< :bob!bob@host PRIVMSG alice :here?
      alice< :bob!bob@host PRIVMSG alice :here?
      alice: AWAY :asleep
      alice< :irc.test 306 alice :You have been marked as being away
      phone< :irc.test 306 alice :You have been marked as being away
      bob< :alice!alice@host AWAY :asleep
      phone: AWAY *
      phone< :irc.test 306 alice :You have been marked as being away
    `);
    },
  );
});
