/*
 * The past in IRC, over a real history: asked for in all the ways that there are, told unasked to who cannot ask, taken
 * back, found again, and read up to a place that all clients of one person know.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addAccount } from "../support/addAccount.ts";
import { type IrcLine, RawIrc } from "../support/rawIrc.ts";
import { TestClient, TestServer, until } from "../support/server.ts";

const CAPS = ["batch", "message-tags", "server-time", "draft/chathistory"];
const MESSAGES = 12;

/** The lines of the next batch of this type, between its beginning and its end. */
async function batchOf(client: RawIrc, type: string): Promise<IrcLine[]> {
  const begin = await client.expect(({ command, params }) => command === "BATCH" && params[1] === type, type);
  const name = begin.params[0]!.slice(1);
  await client.expect(({ command, params }) => command === "BATCH" && params[0] === `-${name}`, "its end");
  return client.lines.filter(({ tags }) => tags.get("batch") === name);
}

/** What a question for the past is answered with: the texts. */
async function past(client: RawIrc, question: string): Promise<string[]> {
  client.send(`CHATHISTORY ${question}`);
  return (await batchOf(client, "chathistory")).map(({ params }) => params.at(-1)!);
}

function range(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => `number ${from + index}`);
}

/** Numbered messages in a room, and for each its id and its time. */
async function talk(server: TestServer): Promise<{ ids: string[]; times: string[] }> {
  using talker = await RawIrc.registered(server.port, "talker", { caps: [...CAPS, "echo-message"] });
  await talker.join("#lobby");
  const ids: string[] = [];
  const times: string[] = [];
  for (let number = 0; number < MESSAGES; number += 1) {
    talker.send(`PRIVMSG #lobby :number ${number}`);
    const { tags } = await talker.expect(({ params }) => params[1] === `number ${number}`);
    ids.push(tags.get("msgid")!);
    times.push(tags.get("time")!);
    // Each in a millisecond of its own.
    await until("time to pass", () => Date.now() > Date.parse(times.at(-1)!));
  }
  talker.send("PRIVMSG reader :in private", "NOTICE #lobby :a notice", "QUIT");
  await talker.ends();
  return { ids, times };
}

test("CHATHISTORY: before, after, latest, around and between, by id and by time; and targets", async () => {
  await using server = await TestServer.start();
  using other = await TestClient.named(server.port, "other");
  using reader = await RawIrc.registered(server.port, "reader", { caps: CAPS });
  const { ids, times } = await talk(server);
  await reader.join("#lobby");
  assert.equal((await reader.sync()).length, 0, "who can ask gets nothing unasked");
  for (const place of [(at: number) => `msgid=${ids[at]!}`, (at: number) => `timestamp=${times[at]!}`]) {
    assert.deepEqual(await past(reader, `BEFORE #lobby ${place(5)} 3`), range(2, 4));
    assert.deepEqual(await past(reader, `AFTER #lobby ${place(5)} 3`), range(6, 8));
    assert.deepEqual(await past(reader, `LATEST #lobby ${place(8)} 10`), [...range(9, 11), "a notice"]);
    assert.deepEqual(await past(reader, `LATEST #lobby ${place(3)} 2`), ["number 11", "a notice"]);
    assert.deepEqual(await past(reader, `AROUND #lobby ${place(5)} 5`), range(3, 7));
    assert.deepEqual(await past(reader, `BETWEEN #lobby ${place(2)} ${place(6)} 10`), range(3, 5));
    assert.deepEqual(await past(reader, `BETWEEN #lobby ${place(6)} ${place(2)} 2`), range(4, 5));
    assert.deepEqual(await past(reader, `BEFORE #lobby ${place(0)} 5`), []);
  }
  assert.deepEqual(await past(reader, "LATEST #lobby * 3"), [...range(10, 11), "a notice"]);
  assert.deepEqual(await past(reader, "LATEST talker * 5"), ["in private"]);
  reader.send("CHATHISTORY LATEST #LOBBY * 1");
  const [latest] = await batchOf(reader, "chathistory");
  assert.equal(latest!.command, "NOTICE");
  assert.equal(latest!.nick, "talker");
  assert.match(latest!.tags.get("time")!, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  reader.send(
    `CHATHISTORY TARGETS timestamp=${times[0]!} timestamp=${new Date(Date.now() + 60_000).toISOString()} 10`,
  );
  const targets = (await batchOf(reader, "draft/chathistory-targets")).map(({ params }) => params[1]);
  assert.deepEqual(new Set(targets), new Set(["#lobby", "talker"]));

  other.say("/join #elsewhere");
  await other.sees("-- you are in #elsewhere.");
  other.say("/mode +secret");
  other.say("/who");
  await other.sees("-- 1 in #elsewhere");
  for (const [question, code] of [
    ["LATEST #elsewhere * 5", "INVALID_TARGET"],
    ["LATEST #lobby yesterday 5", "INVALID_PARAMS"],
    ["LATEST #lobby * 0", "INVALID_PARAMS"],
    ["SOON #lobby * 5", "INVALID_PARAMS"],
  ] as const) {
    reader.send(`CHATHISTORY ${question}`);
    await reader.expect(new RegExp(` (?:FAIL|NOTICE) .*CHATHISTORY`), `${code} for ${question}`);
  }
  using standard = await RawIrc.registered(server.port, "standard", { caps: [...CAPS, "standard-replies"] });
  standard.send("CHATHISTORY LATEST #elsewhere * 5");
  await standard.expect(/ FAIL CHATHISTORY INVALID_TARGET /);
});

test("who cannot ask is told the last lines unasked; with event-playback, who came is part of the past", async () => {
  await using server = await TestServer.start();
  await talk(server);
  using bare = await RawIrc.registered(server.port, "bare");
  await bare.join("#lobby");
  await bare.expect(/ NOTICE #lobby :.*a notice$/);
  const replayed = bare.lines.filter(({ params }) => /number \d+$/.test(params[1] ?? ""));
  assert.deepEqual(
    replayed.map(({ params }) => params[1]!.replace(/^\[[-0-9 :]+\] /, "")),
    range(0, MESSAGES - 1),
  );
  assert.ok(
    replayed.every(({ params }) => params[1]!.startsWith("[")),
    "without a tag, the text tells the time",
  );
  using timed = await RawIrc.registered(server.port, "timed", { caps: ["server-time", "batch"] });
  timed.send("JOIN #lobby");
  const batch = await batchOf(timed, "chathistory");
  assert.deepEqual(
    batch.map(({ params }) => params[1]),
    [...range(0, MESSAGES - 1), "a notice"],
  );
  assert.ok(batch.every(({ tags }) => tags.has("time")));

  using events = await RawIrc.registered(server.port, "events", { caps: [...CAPS, "draft/event-playback"] });
  await events.join("#lobby");
  events.send("CHATHISTORY LATEST #lobby * 6");
  const commands = (await batchOf(events, "chathistory")).map(({ command, nick }) => `${command} ${nick}`);
  assert.equal(commands.length, 6);
  for (const expected of ["JOIN bare", "JOIN timed", "QUIT talker", "NOTICE talker"])
    assert.ok(commands.includes(expected), `${expected} in ${commands.join(", ")}`);
});

test("REDACT takes a message back, for all who are there and for whoever reads the past", async () => {
  await using server = await TestServer.start();
  const caps = [...CAPS, "draft/message-redaction", "echo-message", "standard-replies"];
  using ada = await RawIrc.registered(server.port, "ada", { caps });
  using bob = await RawIrc.registered(server.port, "bob", { caps });
  using plain = await TestClient.named(server.port, "plain");
  await ada.join("#lobby");
  await bob.join("#lobby");
  ada.send("PRIVMSG #lobby :good", "PRIVMSG #lobby :regretted", "PRIVMSG #lobby :fine");
  const id = (await ada.expect(/ PRIVMSG #lobby :regretted$/)).tags.get("msgid")!;
  await bob.expect(/ PRIVMSG #lobby :fine$/);
  bob.send(`REDACT #lobby ${id} :not mine`);
  await bob.expect(/ FAIL REDACT REDACT_FORBIDDEN /);
  ada.send("REDACT #lobby 99999999999999 :x");
  await ada.expect(/ FAIL REDACT UNKNOWN_MSGID /);
  ada.send(`REDACT #lobby ${id} :sorry`);
  for (const client of [ada, bob]) {
    const line = await client.expect("REDACT");
    assert.deepEqual(line.params, ["#lobby", id, "sorry"]);
  }
  await plain.sees("-- ada took a message back\n");
  const texts = await past(bob, "LATEST #lobby * 10");
  assert.deepEqual(texts, ["good", "fine"]);
  plain.say("/history");
  await plain.sees("that was the past");
  assert.equal(plain.text.slice(plain.text.indexOf("took a message back")).includes("regretted"), false);
});

test("MARKREAD: one client of a person tells the others how far it has read, also later", async () => {
  await using server = await TestServer.start();
  const account = await addAccount(server, "ada");
  const caps = [...CAPS, "draft/read-marker", "standard-replies"];
  using desk = await RawIrc.registered(server.port, "ada", { account, caps });
  desk.send("JOIN #lobby");
  assert.deepEqual((await desk.expect("MARKREAD")).params, ["#lobby", "*"]);
  using phone = await RawIrc.registered(server.port, "ada", { account, caps });
  await phone.expect("MARKREAD");
  const time = "2026-01-02T03:04:05.678Z";
  desk.send(`MARKREAD #lobby timestamp=${time}`);
  for (const client of [desk, phone])
    assert.deepEqual((await client.expect("MARKREAD")).params, ["#lobby", `timestamp=${time}`]);
  phone.send("MARKREAD #lobby timestamp=2025-01-01T00:00:00.000Z");
  assert.deepEqual((await phone.expect("MARKREAD")).params, ["#lobby", `timestamp=${time}`], "never back");
  phone.send("MARKREAD bob");
  assert.deepEqual((await phone.expect("MARKREAD")).params, ["bob", "*"]);
  phone.send("MARKREAD bob timestamp=never");
  await phone.expect(/ FAIL MARKREAD INVALID_PARAMS /);
  using guest = await RawIrc.registered(server.port, "guesty", { caps });
  guest.send(`MARKREAD #lobby timestamp=${time}`);
  await guest.expect(/ FAIL MARKREAD /);

  for (const client of [desk, phone]) {
    client.send("QUIT");
    await client.ends();
  }
  assert.equal(await server.end("SIGTERM"), 0);
  await server.startAgain();
  using later = await RawIrc.registered(server.port, "ada", { account, caps });
  later.send("JOIN #lobby");
  assert.deepEqual((await later.expect("MARKREAD")).params, ["#lobby", `timestamp=${time}`]);
});

test("SEARCH finds words of any script, by whom and where", async () => {
  await using server = await TestServer.start();
  const caps = [...CAPS, "soju.im/search", "standard-replies"];
  using ada = await RawIrc.registered(server.port, "ada", { caps });
  using bob = await RawIrc.registered(server.port, "bob", { caps });
  for (const client of [ada, bob]) {
    await client.join("#lobby");
    await client.join("#tea");
  }
  ada.send("PRIVMSG #lobby :the quick brown fox", "PRIVMSG #tea :чай с лимоном", "PRIVMSG bob :a secret fox");
  await bob.expect(/ PRIVMSG bob :a secret fox$/);
  bob.send(
    "PRIVMSG #lobby :我们去喝茶吧",
    "PRIVMSG #tea :Grüße aus Köln",
    "PRIVMSG #tea :no fox here; just tea",
  );
  await ada.expect(/ PRIVMSG #tea :no fox/);
  const find = async (attributes: string): Promise<string[]> => {
    ada.send(`SEARCH ${attributes}`);
    return (await batchOf(ada, "soju.im/search")).map(({ params }) => params.at(-1)!);
  };
  assert.deepEqual(await find("text=fox"), ["the quick brown fox", "a secret fox", "no fox here; just tea"]);
  assert.deepEqual(await find("text=fox;in=#lobby"), ["the quick brown fox"]);
  assert.deepEqual(await find("text=fox;from=bob"), ["no fox here; just tea"]);
  assert.deepEqual(await find("text=brown\\sfox"), ["the quick brown fox"]);
  assert.deepEqual(await find("text=лимоном"), ["чай с лимоном"]);
  assert.deepEqual(await find("text=喝茶"), ["我们去喝茶吧"]);
  assert.deepEqual(await find("text=grüße"), ["Grüße aus Köln"]);
  assert.deepEqual(await find("text=zebra"), []);
  assert.deepEqual(await find("from=bob;in=#tea;after=2001-01-01T00:00:00.000Z;limit=1"), [
    "no fox here; just tea",
  ]);
  ada.send("SEARCH colour=red");
  await ada.expect(/ FAIL SEARCH INVALID_PARAMS /);
});

test("znc.in/playback: what was said since a time, in rooms and with people", async () => {
  await using server = await TestServer.start();
  using ada = await RawIrc.registered(server.port, "reader", {
    caps: ["server-time", "znc.in/playback", "batch"],
  });
  const { times } = await talk(server);
  await ada.join("#lobby");
  assert.deepEqual(await ada.sync(), [], "nothing unasked");
  const seconds = (at: number): string => (Date.parse(times[at]!) / 1000).toFixed(3);
  ada.send(`PRIVMSG *playback :PLAY #lobby ${seconds(8)}`);
  const room = (await batchOf(ada, "chathistory")).map(({ params }) => params[1]);
  assert.deepEqual(room, [...range(9, 11), "a notice"]);
  ada.send(`PRIVMSG *playback :PLAY #lobby ${seconds(2)} ${seconds(5)}`);
  assert.deepEqual(
    (await batchOf(ada, "chathistory")).map(({ params }) => params[1]),
    range(3, 4),
  );
  ada.send("PRIVMSG *playback :PLAY talker 0");
  assert.deepEqual(
    (await batchOf(ada, "chathistory")).map(({ params }) => params[1]),
    ["in private"],
  );
});

test("--history off: nothing of it is offered, nothing is told, and nothing breaks", async () => {
  await using server = await TestServer.start(["--history", "off"]);
  using ada = await RawIrc.connect(server.port);
  ada.send("CAP LS 302", "NICK ada", "USER ada 0 * :ada");
  await ada.expect(/ LS :/);
  ada.send(
    "CAP REQ :draft/chathistory",
    "CAP REQ :sasl",
    "CAP REQ :draft/account-registration",
    "CAP REQ :batch",
  );
  for (let times = 0; times < 3; times += 1) await ada.expect(/ NAK /);
  await ada.expect(/ ACK /);
  assert.doesNotMatch(
    ada.lines
      .map(({ raw }) => raw)
      .filter((raw) => raw.includes(" LS "))
      .join(" "),
    /sasl|chathistory|redaction|playback|search/,
  );
  ada.send("CAP END");
  await ada.expect(/ (?:376|422) /);
  await ada.join("#lobby");
  ada.send("PRIVMSG #lobby :forgotten", "CHATHISTORY LATEST #lobby * 5", "SEARCH text=x", "REDACT #lobby 1");
  using bob = await RawIrc.registered(server.port, "bob");
  await bob.join("#lobby");
  bob.send("PRIVMSG #lobby :live");
  await ada.expect(/ PRIVMSG #lobby :live$/);
  ada.send("AUTHENTICATE PLAIN", "REGISTER * * :password of ada", `NS IDENTIFY ada password`);
  const answers = await ada.sync();
  assert.equal(answers.length, 3, answers.map(({ raw }) => raw).join("\n"));
  assert.deepEqual(
    bob.lines.filter(({ command }) => command === "PRIVMSG"),
    [],
  );
});
