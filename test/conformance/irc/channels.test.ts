/* https://modern.ircdocs.horse/#channel-operations, and what IRCv3 has for channels. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IrcWorld } from "../../support/ircWorld.ts";

describe("JOIN", () => {
  test(
    "“they receive a JOIN message from the server […] they are sent the channel's topic (with " +
      "RPL_TOPIC), and no message if the channel does not have a topic. They are also sent a " +
      "list of users currently joined”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.talk(`
      alice: JOIN #tea
      alice< :alice!alice@host JOIN #tea
      alice< :irc.test 353 alice = #tea :@alice
      alice< :irc.test 366 alice #tea :End of /NAMES list
      alice: TOPIC #tea :Darjeeling
      alice< :alice!alice@host TOPIC #tea :Darjeeling
      bob: JOIN #tea
      bob< :bob!bob@host JOIN #tea
      bob< :irc.test 332 bob #tea :Darjeeling
      bob< :irc.test 333 bob #tea alice <seconds>
      bob< :irc.test 353 bob = #tea :@alice bob
      bob< :irc.test 366 bob #tea :End of /NAMES list
      alice< :bob!bob@host JOIN #tea
      bob: JOIN #tea
    `);
    },
  );

  test(
    "“with the first <key> being used for the first <channel>, the second <key> being used " +
      "for the second <channel>”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "no-implicit-names" });
      await world.join("#one", "alice");
      await world.join("#two", "alice");
      await world.send("alice", "MODE #one +k uno", "MODE #two +k dos");
      world.drain("alice");
      await world.talk(`
      bob: JOIN #one,#two uno,wrong
      bob< :bob!bob@host JOIN #one
      bob< :irc.test 475 bob #two :Cannot join channel (+k)
      alice< :bob!bob@host JOIN #one
    `);
    },
  );

  test('“the special argument of "0" […] requests that the sending client leave all channels”', async () => {
    using world = await IrcWorld.with({ alice: "" });
    await world.join("#one", "alice");
    await world.join("#two", "alice");
    await world.talk(`
      alice: JOIN 0
      alice< :alice!alice@host PART #one
      alice< :alice!alice@host PART #two
    `);
  });

  test("its errors: ERR_NEEDMOREPARAMS, ERR_NOSUCHCHANNEL, ERR_TOOMANYCHANNELS, ERR_BADCHANMASK", async () => {
    using world = await IrcWorld.with({ alice: "no-implicit-names" });
    await world.talk(`
      alice: JOIN
      alice< :irc.test 461 alice JOIN :Not enough parameters
      alice: JOIN tea
      alice< :irc.test 403 alice tea :No such channel
      alice: JOIN #
      alice< :irc.test 403 alice # :No such channel
      alice: JOIN &local
      alice< :irc.test 403 alice &local :No such channel
    `);
    const names = Array.from({ length: 50 }, (_, index) => `#r${index}`);
    for (let at = 0; at < 50; at += 10)
      await world.send("alice", `JOIN ${names.slice(at, at + 10).join(",")}`);
    world.drain("alice");
    await world.talk(`
      alice: JOIN #one-more
      alice< :irc.test 405 alice #one-more :You have joined too many channels
    `);
  });

  test("extended-join: “:nick!user@host JOIN #channelname accountname :Real Name”", async () => {
    using world = await IrcWorld.with({ alice: "extended-join", bob: "", carol: { account: "carol" } });
    await world.join("#tea", "alice");
    await world.talk(`
      bob: JOIN #tea
      bob< ...
      alice< :bob!bob@host JOIN #tea * :bob
      carol: JOIN #tea
      carol< ...
      alice< :carol!carol@host JOIN #tea carol :carol
      bob< :carol!carol@host JOIN #tea
    `);
  });

  test(
    "away-notify: “clients will be sent an AWAY message […] when a user joins and has an away " +
      "message set”",
    async () => {
      using world = await IrcWorld.with({ alice: "away-notify", bob: "" });
      await world.join("#tea", "alice");
      await world.send("bob", "AWAY :fishing");
      world.drain("bob");
      await world.talk(`
      bob: JOIN #tea
      bob< ...
      alice< :bob!bob@host JOIN #tea
      alice< :bob!bob@host AWAY :fishing
    `);
    },
  );

  test("no-implicit-names: “servers MUST NOT send an implicit NAMES reply after sending a JOIN message”", async () => {
    using world = await IrcWorld.with({ alice: "draft/no-implicit-names" });
    await world.talk(`
      alice: JOIN #tea
      alice< :alice!alice@host JOIN #tea
      alice: NAMES #tea
      alice< :irc.test 353 alice = #tea :@alice
      alice< :irc.test 366 alice #tea :End of /NAMES list
    `);
  });
});

describe("PART", () => {
  test(
    "“the user will receive a PART message from the server for each channel they have been " +
      "removed from”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.join("#one", "bob", "alice");
      await world.join("#two", "bob", "alice");
      await world.talk(`
      alice: PART #one,#two :so long
      alice< :alice!alice@host PART #one :so long
      alice< :alice!alice@host PART #two :so long
      bob< :alice!alice@host PART #one :so long
      bob< :alice!alice@host PART #two :so long
    `);
    },
  );

  test("its errors: ERR_NOTONCHANNEL, ERR_NOSUCHCHANNEL, ERR_NEEDMOREPARAMS", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "" });
    await world.join("#tea", "bob");
    await world.talk(`
      alice: PART #tea,#none
      alice< :irc.test 442 alice #tea :You're not on that channel
      alice< :irc.test 403 alice #none :No such channel
      alice: PART
      alice< :irc.test 461 alice PART :Not enough parameters
    `);
  });
});

describe("TOPIC", () => {
  test(
    "“every client in that channel (including the author of the topic change) will receive a " +
      "TOPIC command with the new topic as argument (or an empty argument if the topic was " +
      "cleared)”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      alice: TOPIC #tea
      alice< :irc.test 331 alice #tea :No topic is set
      alice: TOPIC #tea :Assam
      alice< :alice!alice@host TOPIC #tea :Assam
      bob< :alice!alice@host TOPIC #tea :Assam
      carol: TOPIC #tea
      carol< :irc.test 332 carol #tea :Assam
      carol< :irc.test 333 carol #tea alice <seconds>
      alice: TOPIC #tea :
      alice< :alice!alice@host TOPIC #tea :
      bob< :alice!alice@host TOPIC #tea :
    `);
    },
  );

  test("its errors: ERR_CHANOPRIVSNEEDED, ERR_NOTONCHANNEL, ERR_NOSUCHCHANNEL", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
    await world.join("#tea", "alice", "bob");
    await world.talk(`
      bob: TOPIC #tea :Mine
      bob< :irc.test 482 bob #tea :You're not a channel operator
      carol: TOPIC #tea :Mine
      carol< :irc.test 442 carol #tea :You're not on that channel
      carol: TOPIC #none
      carol< :irc.test 403 carol #none :No such channel
      carol: TOPIC #none :x
      carol< :irc.test 403 carol #none :No such channel
      carol: TOPIC
      carol< :irc.test 461 carol TOPIC :Not enough parameters
      alice: MODE #tea -t
      alice< ...
      bob< ...
      bob: TOPIC #tea :Everybody's
      bob< :bob!bob@host TOPIC #tea :Everybody's
      alice< :bob!bob@host TOPIC #tea :Everybody's
    `);
  });
});

describe("NAMES", () => {
  test(
    "“If the given channel has the secret channel mode set and the user is not joined to that " +
      "channel, one RPL_ENDOFNAMES numeric is returned. Users with the invisible user mode set " +
      "are not shown in channel responses unless the requesting client is also joined”",
    async () => {
      using world = await IrcWorld.with({ alice: "multi-prefix", bob: "userhost-in-names", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.join("#den", "alice");
      await world.send("alice", "MODE #tea +v alice", "MODE #den +s", "MODE alice +i");
      for (const name of ["alice", "bob"]) world.drain(name);
      await world.talk(`
      alice: NAMES #tea
      alice< :irc.test 353 alice = #tea :@+alice bob
      alice< :irc.test 366 alice #tea :End of /NAMES list
      bob: NAMES #tea
      bob< :irc.test 353 bob = #tea :@alice!alice@host bob!bob@host
      bob< :irc.test 366 bob #tea :End of /NAMES list
      carol: NAMES #tea,#den
      carol< :irc.test 353 carol = #tea :bob
      carol< :irc.test 366 carol #tea :End of /NAMES list
      carol< :irc.test 366 carol #den :End of /NAMES list
      alice: NAMES #den
      alice< :irc.test 353 alice @ #den :@alice
      alice< :irc.test 366 alice #den :End of /NAMES list
      carol: NAMES
      carol< :irc.test 366 carol * :End of /NAMES list
      carol: NAMES nothing
      carol< :irc.test 366 carol nothing :End of /NAMES list
    `);
    },
  );
});

describe("LIST", () => {
  test(
    "“the server MAY send one RPL_LISTSTART numeric, MUST send back zero or more RPL_LIST " +
      "numerics, and MUST send back one RPL_LISTEND”; conditions of ELIST",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "" });
      await world.join("#tea", "alice", "bob");
      await world.join("#milk", "alice");
      await world.join("#den", "alice");
      await world.send("alice", "TOPIC #tea :Oolong", "MODE #den +s");
      for (const name of ["alice", "bob"]) world.drain(name);
      const listed = async (line: string, who = "bob"): Promise<string[]> => {
        await world.send(who, line);
        const told = world.drain(who);
        assert.match(told[0]!, / 321 /);
        assert.match(told.at(-1)!, / 323 \w+ :End of \/LIST$/);
        return told.slice(1, -1).map((each) => each.replace(/^:irc\.test 322 \w+ /, ""));
      };
      assert.deepEqual(await listed("LIST"), ["#tea 2 :Oolong", "#milk 1 :"]);
      assert.deepEqual(await listed("LIST", "alice"), ["#tea 2 :Oolong", "#milk 1 :", "#den 1 :"]);
      assert.deepEqual(await listed("LIST #milk,#none"), ["#milk 1 :"]);
      assert.deepEqual(await listed("LIST >1"), ["#tea 2 :Oolong"]);
      assert.deepEqual(await listed("LIST <2"), ["#milk 1 :"]);
      assert.deepEqual(await listed("LIST *e*"), ["#tea 2 :Oolong"]);
      assert.deepEqual(await listed("LIST !*e*"), ["#milk 1 :"]);
      assert.deepEqual(await listed("LIST T<5"), ["#tea 2 :Oolong"]);
      assert.deepEqual(await listed("LIST C>5"), []);
    },
  );
});

describe("INVITE", () => {
  test(
    "“the server MUST send a RPL_INVITING numeric to the command issuer, and an INVITE " +
      "message […] to the target user”; invite-notify: others who may invite",
    async () => {
      using world = await IrcWorld.with({
        alice: "",
        bob: "",
        dora: "invite-notify",
        carol: "invite-notify",
      });
      await world.join("#tea", "alice", "dora", "carol");
      await world.send("alice", "MODE #tea +io dora");
      await world.send("bob", "AWAY :reading");
      for (const name of ["alice", "bob", "carol", "dora"]) world.drain(name);
      await world.talk(`
      bob: JOIN #tea
      bob< :irc.test 473 bob #tea :Cannot join channel (+i)
      alice: INVITE bob #tea
      alice< :irc.test 341 alice bob #tea
      alice< :irc.test 301 alice bob :reading
      bob< :alice!alice@host INVITE bob #tea
      dora< :alice!alice@host INVITE bob #tea
      bob: INVITE
      bob< :irc.test 336 bob #tea
      bob< :irc.test 337 bob :End of /INVITE list
      bob: JOIN #tea
      bob< :bob!bob@host JOIN #tea
      bob< ...
      alice< ...
      dora< ...
      carol< ...
      bob: INVITE
      bob< :irc.test 337 bob :End of /INVITE list
    `);
    },
  );

  test(
    "its errors: ERR_NOSUCHCHANNEL, ERR_NOTONCHANNEL, ERR_CHANOPRIVSNEEDED, " +
      "ERR_USERONCHANNEL, ERR_NOSUCHNICK",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.send("alice", "MODE #tea +i");
      for (const name of ["alice", "bob"]) world.drain(name);
      await world.talk(`
      carol: INVITE bob #none
      carol< :irc.test 403 carol #none :No such channel
      carol: INVITE alice #tea
      carol< :irc.test 442 carol #tea :You're not on that channel
      bob: INVITE carol #tea
      bob< :irc.test 482 bob #tea :You're not a channel operator
      alice: INVITE bob #tea
      alice< :irc.test 443 alice bob #tea :is already on channel
      alice: INVITE nobody #tea
      alice< :irc.test 401 alice nobody :No such nick
      alice: INVITE bob
      alice< :irc.test 461 alice INVITE :Not enough parameters
    `);
    },
  );
});

describe("KICK", () => {
  test(
    "“It causes the <user> to be removed from the <channel> by force. If no comment is given, " +
      "the server SHOULD use a default message instead”",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob", "carol");
      await world.talk(`
      alice: KICK #tea bob,carol
      alice< :alice!alice@host KICK #tea bob :alice
      alice< :alice!alice@host KICK #tea carol :alice
      bob< :alice!alice@host KICK #tea bob :alice
      carol< :alice!alice@host KICK #tea bob :alice
      carol< :alice!alice@host KICK #tea carol :alice
      bob: JOIN #tea
      bob< ...
      alice< ...
      alice: KICK #tea bob :no sugar
      alice< :alice!alice@host KICK #tea bob :no sugar
      bob< :alice!alice@host KICK #tea bob :no sugar
      alice: JOIN #milk
      alice< ...
      bob: JOIN #tea
      bob< ...
      alice< ...
      carol: JOIN #milk
      carol< ...
      alice< ...
      alice: KICK #tea,#milk bob,carol :each
      alice< :alice!alice@host KICK #tea bob :each
      alice< :alice!alice@host KICK #milk carol :each
      bob< :alice!alice@host KICK #tea bob :each
      carol< :alice!alice@host KICK #milk carol :each
    `);
    },
  );

  test(
    "its errors: ERR_CHANOPRIVSNEEDED, ERR_USERNOTINCHANNEL, ERR_NOTONCHANNEL, " +
      "ERR_NOSUCHCHANNEL, ERR_NOSUCHNICK",
    async () => {
      using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
      await world.join("#tea", "alice", "bob");
      await world.talk(`
      bob: KICK #tea alice
      bob< :irc.test 482 bob #tea :You're not a channel operator
      alice: KICK #tea carol
      alice< :irc.test 441 alice carol #tea :They aren't on that channel
      alice: KICK #tea nobody
      alice< :irc.test 401 alice nobody :No such nick
      carol: KICK #tea bob
      carol< :irc.test 442 carol #tea :You're not on that channel
      carol: KICK #none bob
      carol< :irc.test 403 carol #none :No such channel
      carol: KICK #none
      carol< :irc.test 461 carol KICK :Not enough parameters
    `);
    },
  );
});

describe("KNOCK", () => {
  test("RPL_KNOCK, RPL_KNOCKDLVR, ERR_CHANOPEN, ERR_KNOCKONCHAN", async () => {
    using world = await IrcWorld.with({ alice: "", bob: "", carol: "" });
    await world.join("#tea", "alice", "carol");
    await world.talk(`
      bob: KNOCK #tea
      bob< :irc.test 713 bob #tea :Channel is open
      alice: MODE #tea +i
      alice< ...
      carol< ...
      bob: KNOCK #tea :please
      bob< :irc.test 711 bob #tea :Your KNOCK has been delivered.
      alice< :irc.test 710 * #tea bob!bob@host :has asked for an invite
      alice: KNOCK #tea
      alice< :irc.test 714 alice #tea :You're already on that channel
      bob: KNOCK #none
      bob< :irc.test 403 bob #none :No such channel
      bob: KNOCK
      bob< :irc.test 461 bob KNOCK :Not enough parameters
    `);
  });
});

describe("channel-rename", () => {
  test(
    "“The server to client command MUST always include the third parameter”; “Server " +
      "implementations MUST implement a fallback mechanism”",
    async () => {
      using world = await IrcWorld.with({
        alice: "draft/channel-rename standard-replies",
        bob: "",
        carol: "draft/channel-rename",
      });
      await world.join("#boaring", "alice", "bob", "carol");
      await world.send("alice", "TOPIC #boaring :Boar");
      for (const name of ["alice", "bob", "carol"]) world.drain(name);
      await world.talk(`
      alice: RENAME #boaring #boring :Typo fix
      alice< :alice!alice@host RENAME #boaring #boring :Typo fix
      carol< :alice!alice@host RENAME #boaring #boring :Typo fix
      bob< :bob!bob@host PART #boaring :Typo fix
      bob< :bob!bob@host JOIN #boring
      bob< :irc.test 332 bob #boring :Boar
      bob< :irc.test 333 bob #boring alice <seconds>
      bob< :irc.test 353 bob = #boring :@alice bob carol
      bob< :irc.test 366 bob #boring :End of /NAMES list
      alice: RENAME #boring #dull
      alice< :alice!alice@host RENAME #boring #dull :
      carol< ...
      bob< ...
    `);
    },
  );

  test(
    "its errors: CHANNEL_NAME_IN_USE, CANNOT_RENAME, ERR_CHANOPRIVSNEEDED, ERR_NOTONCHANNEL, " +
      "ERR_NEEDMOREPARAMS",
    async () => {
      using world = await IrcWorld.with({ alice: "standard-replies", bob: "", carol: "" });
      await world.join("#evil", "alice", "bob");
      await world.join("#good", "alice");
      await world.talk(`
      alice: RENAME #evil #good :Don't be evil
      alice< :irc.test FAIL RENAME CHANNEL_NAME_IN_USE #evil #good :<any>
      alice: RENAME #evil %local
      alice< :irc.test FAIL RENAME CANNOT_RENAME #evil %local :<any>
      alice: RENAME #evil #EVIL
      alice< :irc.test FAIL RENAME CANNOT_RENAME #evil #EVIL :<any>
      bob: RENAME #evil #better
      bob< :irc.test 482 bob #evil :You're not a channel operator
      carol: RENAME #evil #better
      carol< :irc.test 442 carol #evil :You're not on that channel
      carol: RENAME #evil
      carol< :irc.test 461 carol RENAME :Not enough parameters
    `);
    },
  );
});
