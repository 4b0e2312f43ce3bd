/* https://modern.ircdocs.horse/#mode-message: of channels, of members, of lists and of users. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IrcWorld } from "../../support/ircWorld.ts";

async function tea(people: Parameters<typeof IrcWorld.with>[0] = { alice: "", bob: "" }): Promise<IrcWorld> {
  const world = await IrcWorld.with(people);
  await world.join("#tea", ...Object.keys(people));
  return world;
}

describe("channel modes", () => {
  test(
    "“If <modestring> is not given, the RPL_CHANNELMODEIS numeric is returned. Servers MAY " +
      "choose to hide sensitive information such as channel keys […] Servers MAY also return " +
      "the RPL_CREATIONTIME numeric”",
    async () => {
      using world = await IrcWorld.with({ alice: "", carol: "" });
      await world.join("#tea", "alice");
      await world.talk(`
      alice: MODE #tea +kl secret 10
      alice< :alice!alice@host MODE #tea +k secret
      alice< :alice!alice@host MODE #tea +l 10
      alice: MODE #tea
      alice< :irc.test 324 alice #tea +ntkl secret 10
      alice< :irc.test 329 alice #tea <seconds>
      carol: MODE #tea
      carol< :irc.test 324 carol #tea +ntkl * 10
      carol< :irc.test 329 carol #tea <seconds>
    `);
    },
  );

  test("flags are set and taken, and who does it is told alike with all", async () => {
    using world = await tea();
    for (const letter of ["C", "M", "R", "i", "m", "s"])
      await world.talk(`
        alice: MODE #tea +${letter}
        alice< :alice!alice@host MODE #tea +${letter}
        bob< :alice!alice@host MODE #tea +${letter}
        alice: MODE #tea +${letter}
        alice: MODE #tea -${letter}
        alice< :alice!alice@host MODE #tea -${letter}
        bob< :alice!alice@host MODE #tea -${letter}
      `);
    await world.talk(`
      alice: MODE #tea -nt
      alice< :alice!alice@host MODE #tea -n
      alice< :alice!alice@host MODE #tea -t
      bob< :alice!alice@host MODE #tea -n
      bob< :alice!alice@host MODE #tea -t
    `);
  });

  test(
    "its errors: ERR_NOSUCHCHANNEL, ERR_CHANOPRIVSNEEDED, ERR_UNKNOWNMODE, " +
      "ERR_INVALIDMODEPARAM, ERR_USERNOTINCHANNEL",
    async () => {
      using world = await tea({ alice: "", bob: "" });
      await world.enter("carol");
      await world.talk(`
      alice: MODE #none
      alice< :irc.test 403 alice #none :No such channel
      bob: MODE #tea +m
      bob< :irc.test 482 bob #tea :You're not a channel operator
      carol: MODE #tea +m
      carol< :irc.test 442 carol #tea :You're not on that channel
      alice: MODE #tea +X
      alice< :irc.test 472 alice X :is unknown mode char to me
      alice: MODE #tea +l many
      alice< :irc.test 696 alice #tea l many :<any>
      alice: MODE #tea +l 999999
      alice< :irc.test 696 alice #tea l 999999 :<any>
      alice: MODE #tea +k
      alice< :irc.test 696 alice #tea k * :<any>
      alice: MODE #tea +o
      alice< :irc.test 696 alice #tea o * :<any>
      alice: MODE #tea +o nobody
      alice< :irc.test 401 alice nobody :No such nick
      alice: MODE #tea +o carol
      alice< :irc.test 441 alice carol #tea :They aren't on that channel
      alice: MODE
      alice< :irc.test 461 alice MODE :Not enough parameters
      alice: MODE #tea -o alice
      alice< :irc.test 482 alice #tea :<any>
    `);
    },
  );

  test("what a mode forbids: +m, +M, +R, +C, +S, +i, +k, +l, +b", async () => {
    using world = await tea({ alice: "", bob: "" });
    await world.enter("carol");
    const set = async (modes: string): Promise<void> => {
      await world.send("alice", `MODE #tea ${modes}`);
      for (const name of ["alice", "bob"]) world.drain(name);
    };
    const barred: readonly (readonly [modes: string, off: string, line: string, reply: string])[] = [
      ["+m", "-m", "bob: PRIVMSG #tea :x", "404 bob #tea :Cannot send to channel (+m)<any>"],
      ["+M", "-M", "bob: PRIVMSG #tea :x", "404 bob #tea :Cannot send to channel (+M)<any>"],
      ["+C", "-C", "bob: PRIVMSG #tea :\u0001PING 1\u0001", "404 bob #tea :Cannot send to channel (+C)<any>"],
      ["+b bob!*@*", "-b bob!*@*", "bob: PRIVMSG #tea :x", "404 bob #tea :Cannot send to channel (+b)<any>"],
      [
        "+b m:bob!*@*",
        "-b m:bob!*@*",
        "bob: NICK bob\n      bob: PRIVMSG #tea :x",
        "404 bob #tea :Cannot send to channel (+b)<any>",
      ],
      ["+R", "-R", "carol: JOIN #tea", "477 carol #tea :Cannot join channel (+R)<any>"],
      ["+i", "-i", "carol: JOIN #tea", "473 carol #tea :Cannot join channel (+i)"],
      ["+k sesame", "-k sesame", "carol: JOIN #tea wrong", "475 carol #tea :Cannot join channel (+k)"],
      ["+l 2", "-l", "carol: JOIN #tea", "471 carol #tea :Cannot join channel (+l)"],
      ["+b *!*@host", "-b *!*@host", "carol: JOIN #tea", "474 carol #tea :Cannot join channel (+b)"],
    ];
    for (const [modes, off, line, reply] of barred) {
      await set(modes);
      await world.talk(`
      ${line}
      ${line.split(":")[0]!}< :irc.test ${reply}
      `);
      await set(off);
    }
    await set("+S 30");
    await world.talk(`
      bob: PRIVMSG #tea :one
      alice< :bob!bob@host PRIVMSG #tea :one
      bob: PRIVMSG #tea :two
      bob< :irc.test 404 bob #tea :Cannot send to channel (+S)<any>
      (30 s)
      bob: PRIVMSG #tea :three
      alice< :bob!bob@host PRIVMSG #tea :three
    `);
  });
});

describe("lists", () => {
  test(
    "“If a type A mode has been sent without an argument, the contents of the list MUST be " +
      "sent to the user”",
    async () => {
      using world = await tea();
      await world.talk(`
      alice: MODE #tea +b evil!*@*
      alice< :alice!alice@host MODE #tea +b evil!*@*
      bob< ...
      alice: MODE #tea +b m:loud
      alice< :alice!alice@host MODE #tea +b m:loud!*@*
      bob< ...
      alice: MODE #tea +e *!*@home
      alice< :alice!alice@host MODE #tea +e *!*@home
      bob< ...
      alice: MODE #tea +I friend
      alice< :alice!alice@host MODE #tea +I friend!*@*
      bob< ...
      bob: MODE #tea b
      bob< :irc.test 367 bob #tea evil!*@* alice <seconds>
      bob< :irc.test 367 bob #tea m:loud!*@* alice <seconds>
      bob< :irc.test 368 bob #tea :End of channel ban list
      alice: MODE #tea +e
      alice< :irc.test 348 alice #tea *!*@home alice <seconds>
      alice< :irc.test 349 alice #tea :End of channel exception list
      alice: MODE #tea +I
      alice< :irc.test 346 alice #tea friend!*@* alice <seconds>
      alice< :irc.test 347 alice #tea :End of channel invite exception list
      bob: MODE #tea e
      bob< :irc.test 482 bob #tea :You're not a channel operator
      alice: MODE #tea -b EVIL!*@*
      alice< :alice!alice@host MODE #tea -b evil!*@*
      bob< ...
      alice: MODE #tea -b nobody
    `);
    },
  );

  test("an exception lets in who is banned, an invitation who was not invited", async () => {
    using world = await tea();
    await world.enter("carol");
    await world.send(
      "alice",
      "MODE #tea +b *!*@host",
      "MODE #tea +i",
      "MODE #tea +e carol",
      "MODE #tea +I carol",
    );
    for (const name of ["alice", "bob"]) world.drain(name);
    await world.talk(`
      carol: JOIN #tea
      carol< :carol!carol@host JOIN #tea
      carol< ...
      alice< :carol!carol@host JOIN #tea
      bob< ...
    `);
  });

  test("ERR_BANLISTFULL", async () => {
    using world = await tea();
    for (let index = 0; index < 200; index += 20) {
      const masks = Array.from({ length: 20 }, (_, at) => `x${index + at}`);
      for (let at = 0; at < 20; at += 10)
        await world.send("alice", `MODE #tea +${"b".repeat(10)} ${masks.slice(at, at + 10).join(" ")}`);
    }
    for (const name of ["alice", "bob"]) world.drain(name);
    await world.talk(`
      alice: MODE #tea +e one-more
      alice< :irc.test 478 alice #tea e :Channel list is full
    `);
  });
});

describe("ranks", () => {
  test("who may give what to whom", async () => {
    using world = await tea({ alice: { account: "alice" }, bob: "", carol: "", dan: "" });
    await world.talk(`
      alice: MODE #tea +ao bob bob
      alice< :alice!alice@host MODE #tea +a bob
      alice< :alice!alice@host MODE #tea +o bob
      bob< ...
      carol< ...
      dan< ...
      bob: MODE #tea +h carol
      bob< :bob!bob@host MODE #tea +h carol
      alice< ...
      carol< ...
      dan< ...
      carol: MODE #tea +v dan
      carol< :carol!carol@host MODE #tea +v dan
      alice< ...
      bob< ...
      dan< ...
      carol: MODE #tea +o dan
      carol< :irc.test 482 carol #tea :You're not a channel operator
      carol: KICK #tea bob
      carol< :irc.test 482 carol #tea :<any>
      bob: MODE #tea -q alice
      bob< :irc.test 482 bob #tea :<any>
      dan: NAMES #tea
      dan< :irc.test 353 dan = #tea :~alice &bob %carol +dan
      dan< ...
    `);
  });
});

describe("user modes", () => {
  test(
    "“If <target> is a nickname that does not exist on the network, the ERR_NOSUCHNICK " +
      "numeric is returned. If <target> is a different nick than the user who sent the command, " +
      "the ERR_USERSDONTMATCH numeric is returned”",
    async () => {
      using world = await IrcWorld.with({ alice: { account: "alice" }, bob: "" });
      await world.talk(`
      alice: MODE alice
      alice< :irc.test 221 alice +r
      alice: MODE alice +iwB
      alice< :alice!alice@host MODE alice +i
      alice< :alice!alice@host MODE alice +w
      alice< :alice!alice@host MODE alice +B
      alice: MODE alice
      alice< :irc.test 221 alice +Biwr
      alice: MODE alice -i+X
      alice< :irc.test 501 alice :Unknown MODE flag
      alice< :alice!alice@host MODE alice -i
      alice: MODE alice +o
      alice: MODE bob +i
      alice< :irc.test 502 alice :Cant change mode for other users
      alice: MODE nobody
      alice< :irc.test 401 alice nobody :No such nick
    `);
      assert(world.isConnected("alice"));
    },
  );
});
