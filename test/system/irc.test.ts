/*
 * IRC from end to end: real processes on one side, irc-framework, a bare IRC client and plain lines on the other. Each
 * conversation is held twice: with a process for each client, and with one that all of them share.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { IrcEvent } from "irc-framework";
import { addAccount } from "../support/addAccount.ts";
import { FrameworkClient } from "../support/ircFramework.ts";
import { RawIrc } from "../support/rawIrc.ts";
import { TestClient, TestServer, since } from "../support/server.ts";

const LAYOUTS = [
  ["a process for each client", []],
  ["one process for all", ["--max-processes", "1"]],
] as const;

async function whois(client: FrameworkClient, nick: string): Promise<IrcEvent & Record<string, unknown>> {
  return await new Promise((resolve) =>
    client.client.whois(nick, (event) => resolve(event as IrcEvent & Record<string, unknown>)),
  );
}

for (const [layout, flags] of LAYOUTS) {
  test(`irc-framework and plain lines in one room: ${layout}`, async () => {
    await using server = await TestServer.start(flags);
    const account = await addAccount(server, "ada");
    using ming = await TestClient.open(server.port);
    ming.say("/nick 小明");
    await ming.sees("now known as 小明");
    await using ada = await FrameworkClient.connect(server.port, "ada", {
      account,
      caps: ["echo-message", "setname"],
      realName: "Ada L.",
    });
    assert.ok(ada.client.network.cap.isEnabled("sasl"));
    await ada.sees("loggedin");
    await ada.join("#lobby");
    await ming.sees("-- ada joined\n");

    const list = await ada.sees("userlist");
    assert.equal(list.users?.length, 2);
    const nick = list.users!.find((user) => user.nick !== "ada")!.nick;
    assert.match(nick, /^[A-Za-z][A-Za-z0-9-]*$/, "of her name in another script, IRC sees a nick");

    ming.say("hello, IRC: 你好");
    const heard = await ada.sees("privmsg", ({ message }) => message === "hello, IRC: 你好");
    assert.equal(heard.nick, nick);
    assert.equal(heard.target, "#lobby");
    assert.ok(Math.abs(heard.time! - Date.now()) < 60_000, "with the server's time");
    assert.match(String(heard.tags!["msgid"]), /^\d+$/);
    ada.client.say("#lobby", "hello, plain: é");
    await ming.sees("<ada> hello, plain: é\n");
    const echo = await ada.sees(
      "privmsg",
      ({ nick, message }) => nick === "ada" && message === "hello, plain: é",
    );
    assert.equal(echo.tags!["account"], "ada");
    assert.ok(Number(echo.tags!["msgid"]) > Number(heard.tags!["msgid"]), "the receipt");

    ada.client.action("#lobby", "waves");
    await ming.sees("* ada waves\n");
    ming.say("/me waves back");
    await ada.sees("action", ({ nick: by, message }) => by === nick && message === "waves back");
    ada.client.notice("#lobby", "no answer, please");
    await ming.sees("-ada- no answer, please\n");
    ming.say("/notice nor from me");
    await ada.sees("notice", ({ message }) => message === "nor from me");
    ada.client.say(nick, "for you alone");
    await ming.sees("*ada* for you alone\n");
    ming.say("/msg ada and for you");
    await ada.sees("privmsg", ({ target, message }) => target === "ada" && message === "and for you");

    const known = await whois(ada, nick);
    assert.equal(known["real_name"] ?? known.gecos, "小明");
    assert.match(ada.received.map(({ raw }) => raw).join("\n"), / 320 ada \S+ :is known as 小明/);
    const self = await whois(ada, "ada");
    assert.equal(self.account, "ada");
    assert.match(String(self["channels"]), /#lobby/);
    assert.equal((await whois(ada, "nobody")).error, "not_found");

    ming.say("/topic what 小明 says");
    await ada.sees("topic", ({ topic }) => topic === "what 小明 says");
    // Whoever was here first runs the room.
    ming.say("/op ada");
    await ada.sees("mode", ({ modes }) => modes?.[0]?.mode === "+o" && modes[0].param === "ada");
    ada.client.setTopic("#lobby", "what Ada says");
    await ming.sees("-- the topic is now: what Ada says (set by ada)\n");
    ada.client.mode("#lobby", "+m");
    await ada.sees("mode", ({ modes }) => modes?.[0]?.mode === "+m");
    ada.client.mode("#lobby", "-m");
    await ada.sees("mode", ({ modes }) => modes?.[0]?.mode === "-m");
    ming.say("/away at lunch");
    await ada.sees("away", ({ nick: who, message }) => who === nick && message === "at lunch");
    ming.say("/away");
    await ada.sees("back", ({ nick: who }) => who === nick);
    ada.client.raw("AWAY", "in a meeting");
    await ada.receives("306");
    ming.say("/msg ada are you there?");
    await ming.sees("-- ada is away: in a meeting\n");
    ada.client.raw("AWAY");
    await ada.receives("305");

    ada.client.changeNick("lovelace");
    await ming.sees("-- ada is now known as lovelace");
    await ada.sees("nick", ({ new_nick: to }) => to === "lovelace");
    ming.say("/nick 小红");
    await ada.receives(/ SETNAME :小红$/);
    ming.say("/nick Zoë");
    const { new_nick: zoe = "" } = await ada.sees("nick", ({ nick: from }) => from === nick);
    assert.match(zoe, /^Zo/);
    const from = ada.received.length;
    ada.client.raw("KICK", "#lobby", zoe, "enough");
    await ming.sees("-- lovelace took you out of #lobby: enough\n");
    await ada.receives("KICK", from);
    ming.say("/join #other");
    await ming.sees("-- you are in #other.");
    ming.say("/mode +inviteonly");
    ming.say("/invite lovelace");
    await ada.sees("invite", ({ channel }) => channel === "#other");
    await ada.join("#other");
    await ming.sees("-- lovelace joined\n");
    ada.client.raw("LIST");
    await ada.receives("323");
    const listed = ada.received
      .filter(({ command }) => command === "322")
      .map(({ params }) => params.slice(1));
    assert.deepEqual(
      listed.toSorted(([one], [other]) => (one! < other! ? -1 : 1)),
      [
        ["#lobby", "1", "what Ada says"],
        ["#other", "2", ""],
      ],
    );
    ada.client.part("#other", "tea");
    await ming.sees("-- lovelace left the room: tea\n");
    ming.say("/join #lobby");
    await ada.sees("join", ({ nick, channel }) => nick === zoe && channel === "#lobby");
    await ada.quit("good night");
    await ming.sees("-- lovelace left: good night\n");
  });

  test(`tags between clients that understand them: ${layout}`, async () => {
    await using server = await TestServer.start(flags);
    const caps = ["message-tags", "server-time", "echo-message", "batch", "labeled-response"];
    using rita = await RawIrc.registered(server.port, "rita", { caps });
    using rosa = await RawIrc.registered(server.port, "rosa", { caps: ["message-tags", "account-tag"] });
    using bare = await RawIrc.registered(server.port, "bare");
    using plain = await TestClient.named(server.port, "plain");
    for (const client of [rita, rosa, bare]) await client.join("#lobby");
    await plain.sees("-- bare joined\n");
    const heard = since(plain);

    rita.send("@+typing=active;+unknown/key=v\\:w TAGMSG #lobby");
    const typing = await rosa.expect("TAGMSG");
    assert.equal(typing.tags.get("+typing"), "active");
    assert.equal(typing.tags.get("+unknown/key"), "v;w");
    assert.deepEqual(typing.params, ["#lobby"]);
    assert.equal(typing.tags.has("time"), false, "it has not asked for the time");

    rita.send(
      "@label=one;time=2001-01-01T00:00:00.000Z;msgid=1;+draft/reply=7 PRIVMSG #lobby :which of you?",
    );
    const echo = await rita.expect("PRIVMSG");
    assert.equal(echo.tags.get("label"), "one");
    assert.notEqual(echo.tags.get("msgid"), "1");
    assert.match(echo.tags.get("time")!, /^20(?!01)\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const said = await rosa.expect("PRIVMSG");
    assert.equal(said.tags.get("msgid"), echo.tags.get("msgid"));
    assert.equal(said.tags.get("+draft/reply"), "7");
    assert.deepEqual([...said.tags.keys()].toSorted(), ["+draft/reply", "msgid"], "no label, no time");
    rosa.send(`@+draft/reply=${said.tags.get("msgid")!};+draft/react=👍 TAGMSG #lobby`);
    const reaction = await rita.expect((line) => line.command === "TAGMSG" && line.nick === "rosa");
    assert.equal(reaction.tags.get("+draft/react"), "👍");
    assert.equal(reaction.tags.get("+draft/reply"), echo.tags.get("msgid"));
    rita.send("@+typing=done TAGMSG rosa", "@label=two PRIVMSG rosa :\u0001VERSION\u0001");
    await rosa.expect((line) => line.command === "TAGMSG" && line.params[0] === "rosa");
    await rosa.expect((line) => line.params[1] === "\u0001VERSION\u0001");
    rosa.send("NOTICE rita :\u0001VERSION a pencil\u0001");
    await rita.expect(
      (line) => line.command === "NOTICE" && line.params[1] === "\u0001VERSION a pencil\u0001",
    );
    rita.send("PRIVMSG #lobby :that is all");
    const seen = await bare.expect((line) => line.params[1] === "that is all");
    assert.equal(seen.tags.size, 0);
    await plain.sees("<rita> that is all\n");
    assert.equal(bare.lines.filter(({ raw }) => raw.startsWith("@")).length, 0);
    assert.equal(bare.lines.filter(({ command }) => command === "TAGMSG").length, 0);
    assert.equal(heard(), "<rita> which of you?\n<rita> that is all\n");
  });
}
