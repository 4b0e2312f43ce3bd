/* Who people are, and what is told of it: nicks, real names, being away, accounts, and who watches whom. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IrcWorld } from "../../support/ircWorld.ts";

describe("NICK", () => {
  test(
    "“to acknowledge their NICK command was successful, and to inform other clients about the " +
      "change of nickname”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: NICK lizzy
      alice< :alice!alice@host NICK lizzy
      bob< :alice!alice@host NICK lizzy
      alice: NICK bob
      alice< :irc.test 433 lizzy bob :Nickname is already in use
      alice: NICK bad!nick
      alice< :irc.test 432 lizzy bad!nick :<any>
      alice: NICK
      alice< :irc.test 431 lizzy :No nickname given
      alice: NICK LIZZY
      alice< :lizzy!alice@host NICK LIZZY
      bob< :lizzy!alice@host NICK LIZZY
    `);
    },
  );

  test("a name in another script is what is shown, and a nick is made of it", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "setname" });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      alice: NICK Zoë
      alice< :alice!alice@host NICK Zoe
      bob< :alice!alice@host NICK Zoe
      bob: WHOIS Zoe
      bob< :irc.test 311 bob Zoe alice host * :alice
      bob< ...
    `);
    assert.equal([...world.state.sessions.values()].find(({ nick }) => nick === "Zoe")?.displayName, "Zoë");
  });
});

describe("setname", () => {
  test(
    "“they MUST send the server-to-client version of the SETNAME message to all clients in " +
      "common channels, as well as to the client from which it originated”; “MUST NOT be sent " +
      "to clients which do not have the capability”",
    async () => {
      using world = await IrcWorld.with({ alice: "setname standard-replies", bob: "setname", carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(`
      alice: SETNAME :Bruce Wayne
      alice< :alice!alice@host SETNAME :Bruce Wayne
      bob< :alice!alice@host SETNAME :Bruce Wayne
      carol: SETNAME :Nobody
      bob< :carol!carol@host SETNAME :Nobody
      alice< :carol!carol@host SETNAME :Nobody
      alice: SETNAME :${"x".repeat(151)}
      alice< :irc.test FAIL SETNAME INVALID_REALNAME :<any>
      alice: SETNAME
      alice< :irc.test 461 alice SETNAME :Not enough parameters
    `);
    },
  );
});

describe("AWAY", () => {
  test(
    "“The server acknowledges the change in away status by returning the RPL_NOWAWAY and " +
      "RPL_UNAWAY numerics”; away-notify",
    async () => {
      using world = await IrcWorld.with({ alice: "away-notify", bob: "away-notify", carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(`
      alice: AWAY :Gone to lunch.
      alice< :irc.test 306 alice :You have been marked as being away
      bob< :alice!alice@host AWAY :Gone to lunch.
      carol: WHOIS alice
      carol< :irc.test 311 <any>
      carol< :irc.test 319 carol alice :@#tea
      carol< :irc.test 312 <any>
      carol< :irc.test 301 carol alice :Gone to lunch.
      carol< :irc.test 317 <any>
      carol< :irc.test 318 <any>
      alice: AWAY
      alice< :irc.test 305 alice :You are no longer marked as being away
      bob< :alice!alice@host AWAY
      alice: AWAY :${"x".repeat(250)}
      alice< :irc.test 417 alice :<any>
    `);
    },
  );
});

describe("account-notify", () => {
  test("“:nick!user@host ACCOUNT accountname”, and * when somebody logs out", async () => {
    using world = await IrcWorld.with({ alice: "sasl account-notify", bob: "account-notify", carol: "" });
    await world.account("alice");
    await world.join("#tea", "bob", "carol");
    await world.send("alice", "NICK al", "JOIN #tea");
    for (const name of ["alice", "bob", "carol"]) world.drain(name);
    await world.talk(`
      alice: NS IDENTIFY alice correct
      alice< :irc.test NOTICE al :<any>
      alice: AUTHENTICATE PLAIN
      alice< AUTHENTICATE +
      alice: AUTHENTICATE ${Buffer.from("\0alice\0correct horse").toString("base64")}
      alice< :irc.test 900 al al!alice@host alice :You are now logged in as alice
      alice< :irc.test 903 <any>
      alice< :al!alice@host ACCOUNT alice
      bob< :al!alice@host ACCOUNT alice
    `);
    await world.command({ action: "remove", name: "alice" });
    await world.talk(`
      alice< :irc.test 901 al al!alice@host :You are now logged out
      alice< :al!alice@host ACCOUNT *
      bob< :al!alice@host ACCOUNT *
    `);
  });
});

describe("MONITOR", () => {
  test(
    "“If any of the targets being added are online, the server will generate RPL_MONONLINE " +
      "[…] offline, the server will generate RPL_MONOFFLINE”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.talk(`
      alice: MONITOR + bob,carol,dan
      alice< :irc.test 730 alice :bob!bob@host
      alice< :irc.test 731 alice :carol,dan
      alice: MONITOR + BOB
      alice: MONITOR L
      alice< :irc.test 732 alice :bob,carol,dan
      alice< :irc.test 733 alice :End of MONITOR list
      alice: MONITOR - dan
      alice: MONITOR S
      alice< :irc.test 730 alice :bob!bob@host
      alice< :irc.test 731 alice :carol
      bob: NICK carol
      bob< ...
      alice< :irc.test 731 alice :bob
      alice< :irc.test 730 alice :carol!bob@host
      bob: QUIT
      bob< ...
      alice< :irc.test 731 alice :carol
      alice: MONITOR C
      alice: MONITOR L
      alice< :irc.test 733 alice :End of MONITOR list
      alice: MONITOR +
      alice< :irc.test 461 alice MONITOR :Not enough parameters
      alice: MONITOR
      alice< :irc.test 461 alice MONITOR :Not enough parameters
      alice: MONITOR X
      alice< :irc.test 400 alice MONITOR <any>
    `);
      await world.enter("bob");
      await world.talk(`
      alice: MONITOR + bob
      alice< :irc.test 730 alice :bob!bob@host
    `);
    },
  );

  test("ERR_MONLISTFULL: “their monitor list is full, so the command failed”", async () => {
    using world = await IrcWorld.with({ alice: "" });
    const nicks = Array.from({ length: 102 }, (_, index) => `n${index}`);
    for (let at = 0; at < 102; at += 51)
      await world.send("alice", `MONITOR + ${nicks.slice(at, at + 51).join(",")}`);
    assert.equal(world.drain("alice").at(-1), ":irc.test 734 alice 100 n100,n101 :Monitor list is full.");
  });

  test("who comes is seen, also with an account that is logged in to before", async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.send("alice", "MONITOR + carol");
    world.drain("alice");
    await world.account("carol");
    await world.enterQuietly("carol", { account: "carol" });
    world.drain("carol");
    await world.talk(`alice< :irc.test 730 alice :carol!carol@host`);
  });

  test(
    "extended-monitor: “If away-notify is also enabled, the client will get AWAY " +
      "notifications for monitored nicks”",
    async () => {
      using world = await IrcWorld.with({
        alice: "extended-monitor away-notify setname account-notify",
        bob: "",
        carol: "away-notify",
      });
      await world.send("alice", "MONITOR + bob");
      await world.send("carol", "MONITOR + bob");
      for (const name of ["alice", "carol"]) world.drain(name);
      await world.talk(`
      bob: AWAY :gone
      bob< ...
      alice< :bob!bob@host AWAY :gone
      bob: SETNAME :Robert
      alice< :bob!bob@host SETNAME :Robert
      bob: AWAY
      bob< ...
      alice< :bob!bob@host AWAY
    `);
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      bob: AWAY :once
      bob< ...
      alice< :bob!bob@host AWAY :once
    `);
    },
  );
});

describe("bot-mode", () => {
  test("“given a special numeric as part of their WHOIS response, it is indicated in their WHO flags”", async () => {
    using world = await IrcWorld.with({ robodan: "", alice: "" });
    await world.send("robodan", "MODE robodan +B");
    world.drain("robodan");
    await world.talk(`
      alice: WHOIS robodan
      alice< :irc.test 311 <any>
      alice< :irc.test 312 <any>
      alice< :irc.test 335 alice robodan :is a bot on TestNet
      alice< :irc.test 317 <any>
      alice< :irc.test 318 <any>
      alice: WHO robodan
      alice< :irc.test 352 alice * robodan host irc.test robodan HB :0 robodan
      alice< :irc.test 315 alice robodan :End of WHO list
    `);
  });
});
