/* Who somebody proves to be: https://ircv3.net/specs/extensions/sasl-3.1, sasl-3.2 and account-registration. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { takeSnapshot } from "../../../src/chat/index.ts";
import { IrcWorld, PASSWORD, plain } from "../../support/ircWorld.ts";
import { scramOf } from "../../support/scramOf.ts";

const SECRET = "sesame-opens";

async function negotiating(caps = "sasl"): Promise<IrcWorld> {
  const world = await IrcWorld.with({});
  await world.account("jilles", "user", SECRET);
  await world.connect("j");
  await world.talk(`
    j: CAP REQ :${caps}
    j< :irc.test CAP * ACK :${caps}
    j: NICK jilles
    j: USER jilles 0 * :J
  `);
  return world;
}

const CREDENTIALS = plain("jilles", SECRET);

describe("sasl", () => {
  test("PLAIN: “If authentication is successful, a 900 and 903 numeric will be sent”", async () => {
    using world = await negotiating();
    await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${CREDENTIALS}
      j< :irc.test 900 jilles jilles!<any> jilles :You are now logged in as jilles
      j< :irc.test 903 jilles :SASL authentication successful
      j: CAP END
      j< :irc.test 001 jilles <any>
      j< ...
    `);
  });

  test("PLAIN: “If authentication fails, a 904 or 905 numeric will be sent and the client MAY retry”", async () => {
    using world = await negotiating();
    await world.talk(`
      j: AUTHENTICATE plain
      j< AUTHENTICATE +
      j: AUTHENTICATE ${plain("jilles", "wrong-password")}
      j< :irc.test 904 jilles :SASL authentication failed<any>
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE !!!!
      j< :irc.test 904 jilles :SASL authentication failed<any>
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${Buffer.from(`somebody\0jilles\0${SECRET}`).toString("base64")}
      j< :irc.test 904 jilles :SASL authentication failed<any>
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${CREDENTIALS}
      j< :irc.test 900 <any>
      j< :irc.test 903 <any>
    `);
  });

  test(
    "“The client can abort an authentication by sending an asterisk as the data. The server " +
      "will send a 906 numeric”",
    async () => {
      using world = await negotiating();
      await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE *
      j< :irc.test 906 jilles :SASL authentication aborted
      j: NICK other
      j: CAP END
      j< :irc.test 001 <any>
      j< ...
    `);
    },
  );

  test(
    "“If the client completes registration […] while the SASL authentication is still in " +
      "progress, the server SHOULD abort it and send a 906 numeric”",
    async () => {
      using world = await negotiating();
      await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: CAP END
      j< :irc.test 906 jilles :SASL authentication aborted
      j< :irc.test 433 * jilles :Nickname is reserved for its account: log in to use it
    `);
    },
  );

  test(
    "“split to 400-byte chunks, and each chunk is sent as a separate AUTHENTICATE command […] " +
      "If the last chunk was exactly 400 bytes long, it must also be followed by AUTHENTICATE " +
      "+”",
    async () => {
      using world = await negotiating();
      const long = Buffer.from(`\0jilles\0${"x".repeat(292)}`).toString("base64");
      assert.equal(long.length, 400);
      await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${long}
      j: AUTHENTICATE +
      j< :irc.test 904 <any>
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${"A".repeat(404)}
      j< :irc.test 905 jilles :SASL message too long
    `);
      await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
    `);
      for (let chunk = 0; chunk < 11; chunk += 1) await world.send("j", `AUTHENTICATE ${"A".repeat(400)}`);
      assert.match(world.drain("j")[0]!, / 905 /);
    },
  );

  test(
    "“908 aka RPL_SASLMECHS MAY be sent in reply to an AUTHENTICATE command which requests an " +
      "unsupported mechanism”",
    async () => {
      using world = await negotiating();
      await world.talk(`
      j: AUTHENTICATE EXTERNAL
      j< :irc.test 908 jilles PLAIN,SCRAM-SHA-256 :are available SASL mechanisms
      j< :irc.test 904 jilles :SASL authentication failed
    `);
    },
  );

  test(
    "“907 […] is sent when the client attempts to initiate SASL authentication after it has " +
      "already finished successfully”",
    async () => {
      using world = await negotiating();
      await world.talk(`
      j: AUTHENTICATE PLAIN
      j< AUTHENTICATE +
      j: AUTHENTICATE ${CREDENTIALS}
      j< ...
      j: AUTHENTICATE PLAIN
      j< :irc.test 907 jilles :You have already authenticated using SASL
    `);
    },
  );

  test("“The client MUST enable the sasl capability before using the AUTHENTICATE command”", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: AUTHENTICATE PLAIN
      alice< :irc.test 904 alice :SASL authentication failed<any>
      alice: AUTHENTICATE
      alice< :irc.test 461 alice AUTHENTICATE :Not enough parameters
    `);
  });

  test(
    "“Servers SHOULD allow a client, authenticated or otherwise, to reauthenticate by sending " +
      "a new AUTHENTICATE message at any time”: as one who is here",
    async () => {
      using world = await IrcWorld.with({ alice: "sasl", bob: "account-notify" });
      await world.account("alice2");
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: AUTHENTICATE PLAIN
      alice< AUTHENTICATE +
      alice: AUTHENTICATE ${plain("alice2")}
      alice< :irc.test 900 alice alice!alice@host alice2 :You are now logged in as alice2
      alice< :irc.test 903 alice :SASL authentication successful
      bob< :alice!alice@host ACCOUNT alice2
    `);
    },
  );

  test("SCRAM-SHA-256 (RFC 7677): three messages, and the server proves itself, too", async () => {
    using world = await negotiating();
    const scram = scramOf("jilles", SECRET, "rOprNGfwEbeRWgbNEkqO");
    await world.talk(`
      j: AUTHENTICATE SCRAM-SHA-256
      j< AUTHENTICATE +
      j: AUTHENTICATE ${scram.first}
      j< AUTHENTICATE <any:challenge>
    `);
    const { final, expected } = scram.answer(world.captures.get("challenge"));
    await world.talk(`
      j: AUTHENTICATE ${final}
      j< AUTHENTICATE ${expected}
      j: AUTHENTICATE +
      j< :irc.test 900 jilles <any> jilles :You are now logged in as jilles
      j< :irc.test 903 jilles :SASL authentication successful
      j: CAP END
      j< :irc.test 001 jilles <any>
      j< ...
    `);
  });

  test("SCRAM-SHA-256: with a wrong password, or another nonce, nobody is logged in", async () => {
    using world = await negotiating();
    const scram = scramOf("jilles", "not-the-one", "abcdefghij");
    await world.talk(`
      j: AUTHENTICATE SCRAM-SHA-256
      j< AUTHENTICATE +
      j: AUTHENTICATE ${scram.first}
      j< AUTHENTICATE <any:challenge>
    `);
    await world.talk(`
      j: AUTHENTICATE ${scram.answer(world.captures.get("challenge")).final}
      j< :irc.test 904 jilles :SASL authentication failed<any>
      j: AUTHENTICATE SCRAM-SHA-256
      j< AUTHENTICATE +
      j: AUTHENTICATE ${Buffer.from("nonsense").toString("base64")}
      j< :irc.test 904 jilles :SASL authentication failed<any>
    `);
  });
});

describe("account-registration", () => {
  test(
    "“REGISTER SUCCESS <account> <message>”: “the client is assumed to be authenticated to " +
      "the <account> as if it used SASL”",
    async () => {
      using world = await IrcWorld.with({ alice: "draft/account-registration standard-replies" });
      await world.talk(`
      alice: REGISTER * * ${SECRET}
      alice< :irc.test REGISTER SUCCESS alice :Account registered
      alice< :irc.test 900 alice alice!alice@host alice :You are now logged in as alice
      alice: REGISTER * * ${SECRET}
      alice< :irc.test FAIL REGISTER ALREADY_AUTHENTICATED * :You are logged in already
      alice: WHOIS alice
      alice< ...
    `);
    },
  );

  test(
    "before-connect: “the server supports early registration”; NEED_NICK: “if the client " +
      "sends REGISTER before sending a NICK command”",
    async () => {
      using world = await IrcWorld.with({});
      await world.connect("alice");
      await world.talk(`
      alice: CAP REQ :draft/account-registration standard-replies
      alice< ...
      alice: REGISTER * * ${SECRET}
      alice< :irc.test FAIL REGISTER NEED_NICK * :<any>
      alice: NICK alice
      alice: USER alice 0 * :A
      alice: REGISTER * * ${SECRET}
      alice< :irc.test REGISTER SUCCESS alice :Account registered
      alice< :irc.test 900 alice <any>
      alice: CAP END
      alice< :irc.test 001 alice <any>
      alice< ...
    `);
    },
  );

  test("its FAILs: ACCOUNT_EXISTS, BAD_ACCOUNT_NAME, WEAK_PASSWORD, UNACCEPTABLE_PASSWORD", async () => {
    using world = await IrcWorld.with({ alice: "draft/account-registration standard-replies" });
    await world.account("taken");
    await world.talk(`
      alice: REGISTER taken * ${SECRET}
      alice< :irc.test FAIL REGISTER ACCOUNT_EXISTS taken :<any>
      alice: REGISTER 1up * ${SECRET}
      alice< :irc.test FAIL REGISTER BAD_ACCOUNT_NAME 1up :<any>
      alice: REGISTER NickServ * ${SECRET}
      alice< :irc.test FAIL REGISTER BAD_ACCOUNT_NAME NickServ :<any>
      alice: REGISTER * * abc
      alice< :irc.test FAIL REGISTER WEAK_PASSWORD alice :<any>
      alice: REGISTER * * ${"x".repeat(400)}
      alice< :irc.test FAIL REGISTER UNACCEPTABLE_PASSWORD alice :<any>
      alice: REGISTER *
      alice< :irc.test 461 alice REGISTER :Not enough parameters
    `);
  });

  test("VERIFY: “FAIL VERIFY INVALID_CODE”, since no account of this server waits for one", async () => {
    using world = await IrcWorld.with({ alice: "standard-replies" });
    await world.talk(`
      alice: VERIFY alice 1234
      alice< :irc.test FAIL VERIFY INVALID_CODE alice :<any>
    `);
  });

  test("without standard-replies the same is said in a notice", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: REGISTER 1up * ${SECRET}
      alice< :irc.test NOTICE alice :REGISTER: <any>
    `);
  });
});

describe("accounts and nicks", () => {
  test("the name of an account is its own; and who has one never meets “nickname in use” for it", async () => {
    using world = await IrcWorld.with({ jilles: { account: "jilles" }, mallory: "" });
    await world.talk(`
      mallory: NICK jilles
      mallory< :irc.test 433 mallory jilles :Nickname is reserved for its account: log in to use it
    `);
    await world.enter("phone", { account: "jilles", nick: "jilles" });
    await world.talk(`
      mallory: PRIVMSG jilles :both of you
      jilles< :mallory!mallory@host PRIVMSG jilles :both of you
      phone< :mallory!mallory@host PRIVMSG jilles :both of you
    `);
  });

  test("several clients of one person are in the same rooms, and each sees what the others do", async () => {
    using world = await IrcWorld.with({ desk: { account: "ann", nick: "ann" }, bob: "" });
    await world.join("#tea", "desk", "bob");
    await world.connect("phone");
    await world.send(
      "phone",
      "CAP REQ :sasl echo-message",
      "AUTHENTICATE PLAIN",
      `AUTHENTICATE ${plain("ann")}`,
    );
    await world.send("phone", "NICK other", "USER phone 0 * :A", "CAP END");
    const told = world.drain("phone").filter((line) => !/ (?:00\d|221|25\d|26\d|422|CAP|90\d) /.test(line));
    assert.deepEqual(told, [
      "AUTHENTICATE +",
      ":ann!desk@host JOIN #tea",
      ":irc.test 353 ann = #tea :~ann bob",
      ":irc.test 366 ann #tea :End of /NAMES list",
    ]);
    await world.talk(
      `
      desk: PRIVMSG #tea :from the desk
      phone< :ann!desk@host PRIVMSG #tea :from the desk
      bob< :ann!desk@host PRIVMSG #tea :from the desk
      phone: PRIVMSG bob :psst
      desk< :ann!desk@host PRIVMSG bob :psst
      phone< :ann!desk@host PRIVMSG bob :psst
      desk< :ann!desk@host PRIVMSG bob :psst
      bob< :ann!desk@host PRIVMSG bob :psst
      phone: JOIN #milk
      phone< :ann!desk@host JOIN #milk
      phone< ...
      desk< :ann!desk@host JOIN #milk
      desk< ...
      desk: QUIT
      desk< ERROR :Closing Link: Client Quit
      phone: PART #tea :enough
      phone< :ann!desk@host PART #tea :enough
      bob< :ann!desk@host PART #tea :enough
      bob< :irc.test MODE #tea +o bob
    `.replace("desk< :ann!desk@host PRIVMSG bob :psst\n", ""),
    );
  });

  test(
    "OPER: “If the client does not send the correct password for the given name, the server " +
      "replies with an ERR_PASSWDMISMATCH message”",
    async () => {
      using world = await IrcWorld.with({ alice: "" });
      await world.account("root", "operator");
      await world.account("plainuser");
      await world.talk(
        `
      alice: OPER root nonsense
      alice< :irc.test 464 alice :Password incorrect
      alice: OPER root
      alice< :irc.test 461 alice OPER :Not enough parameters
      alice: OPER plainuser :${PASSWORD}
      alice< :irc.test 491 alice :<any>
      alice: OPER root :${PASSWORD}
      alice< :irc.test 381 alice :You are now an IRC operator<any>
      alice< :irc.test MODE alice +o
      alice: OPER root :${PASSWORD}
      alice< <any>
      alice< ...
    `.replace("alice: OPER root :correct horse\n      alice< <any>\n      alice< ...\n    ", "    "),
      );
    },
  );
});

describe("a login that comes to nothing", () => {
  test("is told when the log refuses it: one of several clients of somebody cannot become somebody else", async () => {
    const ann = { account: "ann", nick: "ann" };
    using world = await IrcWorld.with({ desk: ann, bob: { account: "bob" } });
    await world.enterQuietly("phone", { ...ann, caps: "batch labeled-response" });
    for (const name of ["desk", "phone", "bob"]) world.drain(name);
    await world.talk(`
      desk: NS IDENTIFY bob ${PASSWORD}
      desk< :irc.test NOTICE ann :you are here with several clients: <any>
      desk: PING :1
      desk< :irc.test PONG irc.test :1
      phone: @label=n NS IDENTIFY bob ${PASSWORD}
      phone< @label=n :irc.test NOTICE ann :you are here with several clients: <any>
      phone: NS IDENTIFY bob wrong
      phone< :irc.test NOTICE ann :<any>
    `);
  });

  test("is told, by what it was for, when nobody answers; and can be tried again", async () => {
    const caps = "standard-replies sasl draft/account-registration batch labeled-response";
    using world = await IrcWorld.with({ alice: caps, bob: { account: "bob" } });
    await world.connect("late");
    await world.talk(`
      late: CAP REQ sasl
      late< ...
    `);
    await world.loseHistory();
    for (const name of ["alice", "bob", "late"]) world.drain(name);
    for (const [line, answer] of [
      ["NS IDENTIFY bob pass word", ":irc.test NOTICE alice :nobody answers; try again later"],
      ["OPER bob password", ":irc.test NOTICE alice :OPER: nobody answers; try again later"],
      [
        "@label=r REGISTER * * password",
        "@label=r :irc.test FAIL REGISTER TEMPORARILY_UNAVAILABLE alice :nobody answers; try again later",
      ],
    ]) {
      await world.send("alice", line!);
      await world.advance(29_000);
      assert.deepEqual(world.drain("alice"), [], line);
      await world.advance(2000);
      assert.deepEqual(world.drain("alice"), [answer]);
    }
    await world.send(
      "late",
      "AUTHENTICATE PLAIN",
      `AUTHENTICATE ${plain("bob")}`,
      "NICK late",
      "USER l 0 * l",
      "CAP END",
    );
    await world.advance(31_000);
    const told = world.drain("late");
    assert.deepEqual(told.slice(0, 2), [
      "AUTHENTICATE +",
      ":irc.test 904 * :SASL authentication failed: nobody answers; try again later",
    ]);
    assert.match(told[2]!, / 001 late /);
    // What was asked may still come true: then that is told, too.
    await world.findHistory();
    for (const name of ["alice", "bob", "late"]) world.drain(name);
    await world.talk(`
      alice: NS IDENTIFY bob wrong
      alice< :irc.test NOTICE alice :<any>: bob
    `);
  });
});

describe("NickServ, as people know it", () => {
  test("what is said to it goes nowhere else: no secret is in the log, in the state or in the history", async () => {
    using world = await IrcWorld.with({ alice: "draft/multiline batch", bob: "" });
    await world.talk(`
      alice: PRIVMSG NickServ :REGISTER ${SECRET}
      alice< :irc.test 900 alice alice!alice@host alice :You are now logged in as alice
      alice: NS PASSWD ${SECRET} another-${SECRET}
      alice< :irc.test NOTICE alice :Your password is another one now
      bob: PRIVMSG nickserv :identify alice wrong-${SECRET}
      bob< :irc.test NOTICE bob :<any>
      bob: PRIVMSG NickServ@services.example :IDENTIFY alice wrong-${SECRET}
      bob< :irc.test NOTICE bob :<any>
      bob: NOTICE NickServ :IDENTIFY alice ${SECRET}
      alice: BATCH +1 draft/multiline NickServ
      alice: @batch=1 PRIVMSG NickServ :IDENTIFY alice ${SECRET}
      alice: BATCH -1
      alice< :irc.test NOTICE alice :no such account, or not its password: alice
      alice: PRIVMSG ChanServ :${SECRET}
      alice< :irc.test NOTICE alice :IDENTIFY <any>
      alice: NICKSERV
      alice< :irc.test 461 alice NICKSERV :Not enough parameters
      alice: OPER alice ${SECRET}
      alice< :irc.test 464 alice :Password incorrect
      bob: NICKSERV IDENTIFY alice another-${SECRET}
      bob< ...
      alice< ...
    `);
    const state = takeSnapshot(world.state);
    for (const bytes of [new Uint8Array(world.memory), state])
      assert(!Buffer.from(bytes).includes(SECRET), "a password is in the log, or in the state");
    const entries = world.database.prepare("SELECT * FROM entry").all();
    assert(!JSON.stringify(entries).includes(SECRET));
  });

  test("a password may have blanks in it where nothing follows it", async () => {
    using world = await IrcWorld.with({ alice: "", carol: "" });
    await world.account("ann", "user", "a  long pass phrase");
    await world.talk(`
      carol: PRIVMSG NickServ :IDENTIFY ann a  long pass phrase
      carol< :irc.test 900 carol carol!carol@host ann :<any>
      alice: PRIVMSG NickServ :REGISTER some-password me@example.org
      alice< :irc.test 900 alice alice!alice@host alice :<any>
      alice: NS DROP some-password
      alice< :irc.test NOTICE alice :The account is gone
      alice< :irc.test 901 alice alice!alice@host :<any>
    `);
  });
});
