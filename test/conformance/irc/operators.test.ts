/* What those may do who look after the server: modern.ircdocs.horse/#operator-messages, and this server's own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IrcWorld } from "../../support/ircWorld.ts";

const DENIED = "481 bob :Permission Denied- You're not an IRC operator";

async function withRoot(
  people: Readonly<Record<string, string>> = { bob: "", carol: "" },
): Promise<IrcWorld> {
  const world = await IrcWorld.with({});
  await world.account("root", "operator");
  await world.account("mod", "moderator");
  await world.enter("root", { account: "root" });
  await world.enter("mod", { account: "mod" });
  for (const [name, caps] of Object.entries(people)) await world.enter(name, { caps });
  return world;
}

describe("operators", () => {
  test(
    "KILL: “the client being killed receives the KILL message […] every user sharing a " +
      "channel with them receives a QUIT message […] The user being killed then receives the " +
      "ERROR message”",
    async () => {
      using world = await withRoot();
      await world.join("#tea", "bob", "carol");
      await world.talk(`
      bob: KILL carol :mine
      bob< :irc.test ${DENIED}
      root: KILL nobody :x
      root< :irc.test 401 root nobody :No such nick
      root: KILL
      root< :irc.test 461 root KILL :Not enough parameters
      root: KILL bob :flooding
      bob< :root!root@host KILL bob :Killed: flooding
      bob< ERROR :Closing Link: killed by an operator
      carol< :bob!bob@host QUIT :Killed: flooding
      carol< :irc.test MODE #tea +o carol
    `);
      assert(!world.isConnected("bob"));
    },
  );

  test("WALLOPS is for who has user mode w; REHASH reads its message of the day anew", async () => {
    using world = await withRoot();
    await world.send("carol", "MODE carol +w");
    world.drain("carol");
    world.motd = "New tea.";
    await world.talk(`
      root: WALLOPS :restart at noon
      carol< :root!root@host WALLOPS :restart at noon
      bob: WALLOPS :me too
      bob< :irc.test ${DENIED}
      mod: WALLOPS :me too
      mod< :irc.test 481 mod :<any>
      bob: REHASH
      bob< :irc.test ${DENIED}
      root: REHASH
      root< :irc.test 382 root motd :Rehashing
      carol: MOTD
      carol< :irc.test 375 <any>
      carol< :irc.test 372 carol :- New tea.
      carol< :irc.test 376 <any>
      root: STATS o
      root< :irc.test 243 root O * * root :operator
      root< :irc.test 243 root O * * mod :moderator
      root< :irc.test 219 <any>
    `);
  });

  test("OPER: “The user will also receive a MODE message indicating their new user modes”", async () => {
    using world = await withRoot();
    await world.talk(`
      bob: OPER root :correct horse
      bob< :irc.test 381 bob :<any>
      bob< :irc.test MODE bob +o
      bob: MODE bob
      bob< :irc.test 221 bob +o
      carol: WHOIS bob
      carol< :irc.test 311 <any>
      carol< :irc.test 312 <any>
      carol< :irc.test 313 carol bob :is a server operator
      carol< ...
    `);
  });
});

describe("moderation", () => {
  test("FILTER: nobody says a word; LINKFILTER: who may send links", async () => {
    using world = await withRoot();
    await world.join("#tea", "carol", "bob");
    await world.talk(`
      bob: FILTER ADD tea
      bob< :irc.test ${DENIED}
      bob: FILTER LIST
      bob< :irc.test ${DENIED}
      mod: FILTER ADD badword
      mod< :irc.test NOTICE mod :mod lets nobody say "badword"
      root< :irc.test NOTICE root :mod lets nobody say "badword"
      bob: PRIVMSG #tea :a BADWORD here
      bob< :irc.test 404 bob #tea :That was not sent: <any>
      bob: PRIVMSG carol :badword
      bob< :irc.test 531 bob carol :That was not sent: <any>
      mod: FILTER LIST
      mod< :irc.test NOTICE mod :FILTER badword
      mod< :irc.test NOTICE mod :FILTER: 1 in all
      mod: FILTER DEL badword
      mod< ...
      root< ...
      mod: LINKFILTER accounts
      mod< ...
      root< ...
      bob: PRIVMSG #tea :see https://example.org
      bob< :irc.test 404 bob #tea :That was not sent: <any>
      mod: LINKFILTER sometimes
      mod< :irc.test NOTICE mod :That cannot be set: sometimes
      mod: FILTER FROB x
      mod< <any>
    `);
  });

  test("SILENCE: somebody may speak nowhere; SHIELD: newcomers without an account can only read", async () => {
    using world = await withRoot();
    await world.join("#tea", "carol", "bob");
    await world.talk(`
      mod: SILENCE ADD bob
      mod< :irc.test NOTICE mod :mod silenced bob
      root< ...
      bob: PRIVMSG #tea :hello
      bob< :irc.test 404 bob #tea :You may not speak on this server
      bob: PRIVMSG carol :hello
      bob< :irc.test 531 bob carol :You may not speak on this server
      mod: SILENCE LIST
      mod< :irc.test NOTICE mod :SILENCE bob (by mod)
      mod< :irc.test NOTICE mod :SILENCE: 1 in all
      mod: SILENCE DEL bob
      mod< ...
      root< ...
      bob: SHIELD ON
      bob< :irc.test ${DENIED}
      mod: SHIELD ON
      mod< ...
      root< ...
    `);
    await world.enter("late");
    await world.talk(`
      late: JOIN #tea
      late< :irc.test 477 late #tea :<any>
      late: PRIVMSG carol :hi
      late< :irc.test 531 late carol :<any>
      bob: PRIVMSG #tea :I was here before
      carol< :bob!bob@host PRIVMSG #tea :I was here before
      mod: SHIELD OFF
      mod< ...
      root< ...
      late: JOIN #tea
      late< :late!late@host JOIN #tea
      late< ...
      carol< ...
      bob< ...
    `);
  });
});
