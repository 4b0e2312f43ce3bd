/* What is asked of the server: https://modern.ircdocs.horse/#server-queries-and-commands and #user-based-queries. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IRC_COMMANDS } from "../../../src/protocol/irc/index.ts";
import { IrcWorld } from "../../support/ircWorld.ts";

describe("WHO and WHOX", () => {
  test("“A channel name, in which case the channel members are listed”; a nick; a mask; all", async () => {
    using world = await IrcWorld.with({ alice: "", bob: { account: "bob" }, carol: "" });
    await world.join("#tea", "alice", "bob");
    await world.send("carol", "MODE carol +i", "AWAY :gone");
    world.drain("carol");
    await world.talk(`
      alice: WHO #tea
      alice< :irc.test 352 alice #tea alice host irc.test alice H@ :0 alice
      alice< :irc.test 352 alice #tea bob host irc.test bob H :0 bob
      alice< :irc.test 315 alice #tea :End of WHO list
      alice: WHO carol
      alice< :irc.test 352 alice * carol host irc.test carol G :0 carol
      alice< :irc.test 315 alice carol :End of WHO list
      alice: WHO b*
      alice< :irc.test 352 alice #tea bob host irc.test bob H :0 bob
      alice< :irc.test 315 alice b* :End of WHO list
      alice: WHO 0
      alice< :irc.test 352 alice #tea <any>
      alice< :irc.test 352 alice #tea <any>
      alice< :irc.test 315 alice 0 :End of WHO list
      alice: WHO #none
      alice< :irc.test 315 alice #none :End of WHO list
      alice: WHO #tea o
      alice< :irc.test 315 alice #tea :End of WHO list
    `);
  });

  test("WHOX: fields that are asked for, in an order of its own", async () => {
    using world = await IrcWorld.with({ alice: "", bob: { account: "bob" } });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      alice: WHO #tea %tcuhnfar,42
      alice< :irc.test 354 alice 42 #tea alice host alice H@ 0 :alice
      alice< :irc.test 354 alice 42 #tea bob host bob H bob :bob
      alice< :irc.test 315 alice #tea :End of WHO list
      alice: WHO bob %na
      alice< :irc.test 354 alice bob bob
      alice< :irc.test 315 alice bob :End of WHO list
    `);
  });
});

describe("WHOIS and WHOWAS", () => {
  test("“Servers MUST end their reply to WHOIS messages with one of these numerics”", async () => {
    using world = await IrcWorld.with({ alice: "", bob: { account: "bob" }, carol: "" });
    await world.join("#tea", "alice", "bob");
    await world.join("#den", "bob");
    await world.send("bob", "MODE #den +s");
    world.drain("bob");
    await world.talk(`
      alice: WHOIS bob
      alice< :irc.test 311 alice bob bob host * :bob
      alice< :irc.test 319 alice bob :#tea
      alice< :irc.test 312 alice bob irc.test :TestNet
      alice< :irc.test 330 alice bob bob :is logged in as
      alice< :irc.test 317 alice bob <seconds> <seconds> :seconds idle, signon time
      alice< :irc.test 318 alice bob :End of /WHOIS list
      bob: WHOIS bob bob
      bob< :irc.test 311 <any>
      bob< :irc.test 319 bob bob :#tea ~#den
      bob< :irc.test 312 <any>
      bob< :irc.test 330 <any>
      bob< :irc.test 317 <any>
      bob< :irc.test 378 bob bob :is connecting from <any>
      bob< :irc.test 318 <any>
      alice: WHOIS nobody
      alice< :irc.test 401 alice nobody :No such nick/channel
      alice< :irc.test 318 alice nobody :End of /WHOIS list
      alice: WHOIS
      alice< :irc.test 431 alice :No nickname given
      alice: WHOIS other.server bob
      alice< :irc.test 402 alice other.server :No such server
    `);
  });

  test("WHOWAS: “information about a nickname which no longer exists”", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "" });
    await world.talk(`
      bob: NICK robert
      bob< ...
      alice: WHOWAS bob
      alice< :irc.test 314 alice bob bob host * :bob
      alice< :irc.test 312 alice bob irc.test :<time>
      alice< :irc.test 369 alice bob :End of WHOWAS
      alice: WHOWAS nobody
      alice< :irc.test 406 alice nobody :There was no such nickname
      alice< :irc.test 369 alice nobody :End of WHOWAS
      alice: WHOWAS
      alice< :irc.test 431 alice :No nickname given
    `);
  });
});

describe("of the server", () => {
  test("VERSION, TIME, ADMIN, INFO, LUSERS, MOTD, LINKS: their numerics, and ERR_NOSUCHSERVER", async () => {
    using world = await IrcWorld.with({ alice: "" }, { admin: "root@irc.test" });
    const first: Readonly<Record<string, string>> = {
      VERSION: "351",
      TIME: "391",
      ADMIN: "256",
      INFO: "371",
      LUSERS: "251",
      MOTD: "422",
      LINKS: "364",
    };
    const last: Readonly<Record<string, string>> = {
      VERSION: "005",
      TIME: "391",
      ADMIN: "259",
      INFO: "374",
      LUSERS: "266",
      MOTD: "422",
      LINKS: "365",
    };
    for (const [command, numeric] of Object.entries(first)) {
      await world.send("alice", command);
      const told = world.drain("alice");
      assert(told[0]!.startsWith(`:irc.test ${numeric} alice `), told[0]);
      assert(told.at(-1)!.startsWith(`:irc.test ${last[command]} alice `), told.at(-1));
      if (command === "LINKS") continue;
      await world.send("alice", `${command} ${command === "LUSERS" ? "* " : ""}other.server`);
      assert.deepEqual(world.drain("alice"), [":irc.test 402 alice other.server :No such server"]);
    }
    await world.send("alice", "VERSION irc.*");
    assert.match(world.drain("alice")[0]!, / 351 /);
  });

  test("ADMIN: ERR_NOADMININFO where nobody is named", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: ADMIN
      alice< :irc.test 423 alice irc.test :No administrative info available
    `);
  });

  test("USERHOST and ISON", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "" });
    await world.send("bob", "AWAY :x");
    world.drain("bob");
    await world.talk(`
      alice: USERHOST alice bob nobody
      alice< :irc.test 302 alice :alice=+alice@host bob=-bob@host
      alice: USERHOST
      alice< :irc.test 461 alice USERHOST :Not enough parameters
      alice: ISON bob nobody :alice other
      alice< :irc.test 303 alice :bob alice
      alice: ISON
      alice< :irc.test 461 alice ISON :Not enough parameters
    `);
  });

  test("HELP: RPL_HELPSTART, RPL_HELPTXT and RPL_ENDOFHELP, of every command; ERR_HELPNOTFOUND", async () => {
    using world = await IrcWorld.with({ alice: "" });
    for (const command of Object.keys(IRC_COMMANDS)) {
      await world.send("alice", `HELP ${command}`);
      const told = world.drain("alice");
      assert.match(told[0]!, new RegExp(`^:irc\\.test 704 alice ${command} :${command}`));
      assert.match(told.at(-1)!, / 706 alice /);
      for (const line of told) assert(!/ircdocs\.horse\/##|horse\/#$/.test(line), line);
    }
    await world.talk(`
      alice: HELP nonsense
      alice< :irc.test 524 alice nonsense :<any>
    `);
  });

  test("STATS: uptime for everybody, operators for operators", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.talk(`
      alice: STATS u
      alice< :irc.test 242 alice :Server Up 0 days 00:00:<any>
      alice< :irc.test 219 alice u :End of /STATS report
      alice: STATS o
      alice< :irc.test 481 alice :<any>
      alice< :irc.test 219 alice o :End of /STATS report
      alice: STATS
      alice< :irc.test 461 alice STATS :Not enough parameters
    `);
  });

  test("every command says what it needs: “the server will reply with an ERR_NEEDMOREPARAMS numeric”", async () => {
    using world = await IrcWorld.with({ alice: "draft/chathistory draft/message-redaction" });
    for (const [name, { paramsMin, when }] of Object.entries(IRC_COMMANDS)) {
      if (paramsMin === 0 || when === "before") continue;
      await world.send("alice", name);
      assert.deepEqual(world.drain("alice"), [`:irc.test 461 alice ${name} :Not enough parameters`]);
    }
  });
});
