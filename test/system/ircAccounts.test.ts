/*
 * Accounts from end to end: made and proved through IRC and plain lines, one person with several clients, a name that
 * is kept while nobody is connected, what roles allow; and no secret in anything that the server leaves behind.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type TestAccount, addAccount } from "../support/addAccount.ts";
import { Build } from "../support/build.ts";
import { RawIrc } from "../support/rawIrc.ts";
import { scramClient } from "../support/scramClient.ts";
import { NO_ORPHANS, TestClient, TestServer, segmentOf, since, until } from "../support/server.ts";

const PASSWORD = "correct-horse-battery";
const OTHER_PASSWORD = "staple-of-another-kind";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** What the server answers to a login with SCRAM-SHA-256, up to its end. */
async function scramLogin(client: RawIrc, { user, password }: TestAccount): Promise<string> {
  const scram = scramClient(user, password, "rOprNGfwEbeRWgbNEkqO");
  client.send("AUTHENTICATE SCRAM-SHA-256");
  await client.expect(/^AUTHENTICATE \+$/);
  client.send(`AUTHENTICATE ${base64(scram.first)}`);
  const challenge = await client.expect(/^AUTHENTICATE \S+$|^\S+ 904 /);
  if (challenge.command === "904") return "904";
  const { final, expected } = scram.answer(Buffer.from(challenge.params[0]!, "base64").toString());
  client.send(`AUTHENTICATE ${base64(final)}`);
  const proof = await client.expect(/^AUTHENTICATE \S+$|^\S+ 904 /);
  if (proof.command === "904") return "904";
  assert.equal(Buffer.from(proof.params[0]!, "base64").toString(), expected, "the server proves itself, too");
  client.send("AUTHENTICATE +");
  return (await client.expect(/^\S+ 90[0-9] .*(?:authenti|SASL)/i)).command;
}

async function newcomer(port: number, nick: string): Promise<RawIrc> {
  const client = await RawIrc.connect(port);
  client.send("CAP LS 302", `NICK ${nick}`, `USER ${nick} 0 * :${nick}`, "CAP REQ :sasl standard-replies");
  await client.expect(/ ACK /);
  return client;
}

async function comesIn(client: RawIrc): Promise<void> {
  client.send("CAP END");
  await client.expect("001");
  await client.expect(/ (?:376|422) /);
}

/** What of these texts stands in any file below a folder, or in the segment. */
function found(folder: string, texts: readonly string[]): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
  const segment = segmentOf(folder);
  const all = [...files, ...(segment === undefined ? [] : [segment])];
  return all
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    .flatMap((path) => {
      const bytes = readFileSync(path);
      return texts.filter((text) => bytes.includes(text)).map((text) => `${text} in ${path}`);
    });
}

test("REGISTER, and both ways to log in to what it made; nothing of it is left anywhere", async () => {
  await using server = await TestServer.start(["--log-level", "trace"]);
  using ada = await newcomer(server.port, "ada");
  ada.send("CAP REQ :draft/account-registration labeled-response batch");
  await ada.expect(/ ACK /);
  ada.send("@label=r REGISTER * * short");
  assert.match((await ada.expect("FAIL")).raw, /^@label=r \S+ FAIL REGISTER WEAK_PASSWORD ada :/);
  ada.send(`@label=s REGISTER * * :${PASSWORD}`);
  const success = await ada.expect(/ REGISTER SUCCESS ada :/);
  await comesIn(ada);
  assert.ok(success.tags.has("batch") || success.tags.get("label") === "s", success.raw);
  ada.send("WHOIS ada");
  await ada.expect(/ 330 ada ada ada :/);

  using second = await newcomer(server.port, "second");
  assert.equal(await scramLogin(second, { user: "ada", password: OTHER_PASSWORD }), "904");
  assert.equal(await scramLogin(second, { user: "nobody", password: PASSWORD }), "904");
  assert.equal(await scramLogin(second, { user: "ada", password: PASSWORD }), "903");
  await comesIn(second);
  assert.equal(
    second.lines.find(({ command }) => command === "001")!.params[0],
    "ada",
    "it is one more client of her",
  );

  using third = await newcomer(server.port, "third");
  third.send("AUTHENTICATE PLAIN");
  await third.expect(/^AUTHENTICATE \+$/);
  third.send(`AUTHENTICATE ${base64(`\0ada\0${OTHER_PASSWORD}`)}`);
  await third.expect("904");
  third.send("AUTHENTICATE PLAIN");
  await third.expect(/^AUTHENTICATE \+$/);
  third.send(`AUTHENTICATE ${base64(`ada\0ada\0${PASSWORD}`)}`);
  await third.expect("900");
  await third.expect("903");
  await comesIn(third);
  third.send("AUTHENTICATE PLAIN");
  await third.expect("907");
  third.send(`PRIVMSG NickServ :IDENTIFY ada ${OTHER_PASSWORD}`);
  await third.expect(/ NOTICE ada :no such account, or not its password/);

  // What nobody would send but by mistake goes no further either.
  using guest = await RawIrc.registered(server.port, "guesty");
  guest.send(`PRIVMSG NickServ :IDENTIFY ada ${PASSWORD}`);
  await guest.expect("900");
  guest.send(`PRIVMSG NickServ@services.example :IDENTIFY ada ${PASSWORD}`);
  await guest.expect("900");
  using plain = await TestClient.named(server.port, "petra");
  plain.say(`/msg NickServ identify ${OTHER_PASSWORD}`);
  await plain.sees("-- there is no NickServ here; /register and /identify are for accounts\n");
  plain.say("/nick NickServ");
  plain.say(`/register ${OTHER_PASSWORD}`);
  await plain.sees("-- you are logged in as petra\n");
  await server.run("status");
  assert.deepEqual(found(server.folder, [PASSWORD, OTHER_PASSWORD, base64(PASSWORD)]), []);
  assert.doesNotMatch(server.stderr, new RegExp(`${PASSWORD}|${OTHER_PASSWORD}`));
  await server.end("SIGTERM");
  assert.deepEqual(found(server.folder, [PASSWORD, OTHER_PASSWORD, base64(PASSWORD)]), []);
});

test("plain /register and /identify; the name is its account's, for guests of either protocol", async () => {
  await using server = await TestServer.start();
  using alice = await TestClient.named(server.port, "alice");
  alice.say(`/register ${PASSWORD}`);
  await alice.sees("-- you are logged in as alice\n");
  alice.say("/quit");
  await alice.ends();

  using thief = await RawIrc.connect(server.port);
  thief.send("NICK Alice", "USER thief 0 * :thief");
  const refusal = await thief.expect("433");
  assert.match(refusal.params.at(-1)!, /reserved/);
  thief.send("NICK thief");
  await thief.expect("001");
  thief.send("NICK alice");
  await thief.expect("433");
  using other = await TestClient.named(server.port, "other");
  other.say("/nick alice");
  await other.sees("-- the name alice is somebody's account; /identify alice PASSWORD if it is yours\n");
  other.say("/identify alice nonsense");
  await other.sees("-- no such account, or not its password\n");
  other.say(`/identify alice ${PASSWORD}`);
  await other.sees("-- you are logged in as alice\n");
  other.say("/nick alice");
  await other.sees("now known as alice");
  thief.send("WHOIS alice");
  await thief.expect(/ 330 thief alice alice :/);

  other.say(`/password ${PASSWORD} ${OTHER_PASSWORD}`);
  await other.sees("-- your password is another one now\n");
  using again = await TestClient.named(server.port, "again");
  again.say(`/identify alice ${PASSWORD}`);
  await again.sees("-- no such account, or not its password\n");
  again.say(`/identify alice ${OTHER_PASSWORD}`);
  await again.sees("-- you are logged in as alice, who is in #lobby\n");
  again.say("/quit");
  await again.ends();

  other.say(`/drop ${PASSWORD}`);
  await until("the refusal", () => other.text.split("no such account, or not its password").length === 3);
  other.say(`/drop ${OTHER_PASSWORD}`);
  await other.sees("-- the account is gone\n");
  await other.sees("-- you are logged in no more\n");
  other.say("/nick nobody");
  await other.sees("now known as nobody");
  thief.send("NICK alice");
  await thief.expect(/ NICK :?alice$/);
});

test("one person with several clients: all see everything, and who is left stays", async () => {
  await using server = await TestServer.start();
  const account = await addAccount(server, "ada");
  const caps = ["echo-message", "message-tags"];
  using bob = await TestClient.named(server.port, "bob");
  using desk = await RawIrc.registered(server.port, "ada", { account, caps });
  await desk.join("#lobby");
  await bob.sees("-- ada joined\n");
  const heard = since(bob);

  using phone = await RawIrc.registered(server.port, "ada", { account });
  assert.equal(
    phone.lines.some(({ command }) => command === "433"),
    false,
    "her own name is never in use",
  );
  await phone.expect(/^:ada!\S+ JOIN #lobby$/);
  await phone.expect("366");
  using tablet = await RawIrc.registered(server.port, "completely-else", { account });
  await tablet.expect(/ JOIN #lobby$/);
  assert.equal(tablet.lines.find(({ command }) => command === "001")!.params[0], "ada");
  bob.say("hello, all of you");
  for (const client of [desk, phone, tablet]) await client.expect(/ PRIVMSG #lobby :hello, all of you$/);
  phone.send("PRIVMSG #lobby :from the phone", "PRIVMSG bob :in private");
  await bob.sees("<ada> from the phone\n");
  for (const client of [desk, tablet]) {
    await client.expect(/:ada!\S+ PRIVMSG #lobby :from the phone$/);
    await client.expect(/:ada!\S+ PRIVMSG bob :in private$/);
  }
  bob.say("/msg ada for all of you");
  for (const client of [desk, phone, tablet]) await client.expect(/ PRIVMSG ada :for all of you$/);
  tablet.send("JOIN #tea", "AWAY :tea");
  for (const client of [desk, phone, tablet]) await client.expect(/:ada!\S+ JOIN #tea$/);
  desk.send("NICK countess");
  for (const client of [desk, phone, tablet]) await client.expect(/:ada!\S+ NICK :?countess$/);
  await bob.sees("-- ada is now known as countess");

  desk.send("QUIT :going home");
  await desk.ends();
  phone.socket.destroy();
  await until("two to be there", async () => (await server.status()).clients === 2);
  tablet.send("PRIVMSG #lobby :still here");
  await bob.sees("<countess> still here\n");
  assert.doesNotMatch(heard(), /left|joined/);
  assert.deepEqual(await tablet.sync(), []);
  tablet.send("QUIT :good night");
  await tablet.ends();
  await bob.sees("-- countess left: good night\n");
});

for (const [how, end] of [
  ["a restart", async (server: TestServer) => assert.equal(await server.end("SIGTERM"), 0)],
  ["kill -9 of everything", async (server: TestServer) => server.killAll(await server.pids())],
] as const) {
  test(`--persistence: a person stays in its rooms without a client, also over ${how}`, async () => {
    await using server = await TestServer.start(["--persistence", ...NO_ORPHANS]);
    const account = await addAccount(server, "ada");
    {
      using bob = await TestClient.named(server.port, "bob");
      using witness = await RawIrc.registered(server.port, "witness", { caps: ["away-notify"] });
      await witness.join("#lobby");
      using ada = await RawIrc.registered(server.port, "ada", { account });
      await ada.join("#lobby");
      await ada.join("#tea");
      await bob.sees("-- ada joined\n");
      const heard = since(bob);
      ada.send("QUIT :see you");
      await ada.ends();
      await witness.expect(/^:ada!\S+ AWAY :not connected$/);
      bob.say("said while she is away");
      bob.say("/msg ada for her alone");
      await bob.sees("-- ada is away: not connected\n");
      bob.say("/who");
      await bob.sees("ada [away: not connected]");
      assert.doesNotMatch(heard(), /-- ada left/);

      using back = await RawIrc.registered(server.port, "ada", { account });
      await back.expect(/^:ada!\S+ JOIN #lobby$/);
      await back.expect(/^:ada!\S+ JOIN #tea$/);
      await back.expect(/ PRIVMSG #lobby :.*said while she is away$/, "what was said meanwhile");
      await back.expect(/ PRIVMSG ada :.*for her alone$/, "what was said to her alone");
      await witness.expect(/^:ada!\S+ AWAY$/);
      bob.say("and live again");
      await back.expect(/ PRIVMSG #lobby :and live again$/);
      const own = back.lines.filter(({ raw }) => /said while she is away|for her alone/.test(raw));
      assert.equal(own.length, 2, "once each");
      back.send("QUIT");
      await back.ends();
      await witness.expect(/ AWAY :not connected$/);
      bob.say("before the end");
      bob.say("/who");
      await bob.sees("ada [away: not connected]");
      await witness.expect(/ PRIVMSG #lobby :before the end$/);
    }
    await end(server);
    await server.startAgain();
    using bob = await TestClient.named(server.port, "bob");
    await until("her to be there", () => {
      bob.say("/who");
      return bob.text.includes("ada [away: not connected]");
    });
    using thief = await RawIrc.connect(server.port);
    thief.send("NICK ada", "USER thief 0 * :thief");
    await thief.expect("433");
    bob.say("after the end");
    using ada = await RawIrc.registered(server.port, "ada", { account });
    await ada.expect(/^:ada!\S+ JOIN #lobby$/);
    await ada.expect(/^:ada!\S+ JOIN #tea$/);
    await ada.expect(/ PRIVMSG #lobby :.*before the end$/);
    await ada.expect(/ PRIVMSG #lobby :.*after the end$/);
    ada.send("PRIVMSG #lobby :back again");
    await bob.sees("<ada> back again\n");
  });
}

test("what roles allow: OPER and KILL, FILTER and SHIELD, and the same from the command line", async () => {
  await using server = await TestServer.start();
  const root = await addAccount(server, "root", "operator");
  const moderator = await addAccount(server, "mod", "moderator");
  const user = await addAccount(server, "ursel");
  using oper = await RawIrc.registered(server.port, "oper");
  using guest = await RawIrc.registered(server.port, "guesty");
  using bob = await TestClient.named(server.port, "bob");
  await guest.join("#lobby");
  await oper.join("#lobby");
  guest.send("KILL bob :no", "FILTER ADD spam", "SHIELD ON", "REHASH", "WALLOPS :no");
  for (let times = 0; times < 5; times += 1) await guest.expect("481");
  guest.send(`OPER root wrong-password`);
  await guest.expect("464");
  guest.send(`OPER ursel :${user.password}`);
  await guest.expect("491");
  oper.send(`OPER root :${root.password}`);
  await oper.expect("381");
  await oper.expect(/ MODE oper \+o$/);

  using mod = await RawIrc.registered(server.port, "mod", { account: moderator });
  await mod.join("#lobby");
  mod.send("KILL bob :no");
  await mod.expect("481");
  mod.send("FILTER ADD spam");
  await mod.expect(/ NOTICE mod :mod lets nobody say "spam"/);
  await oper.expect(/ NOTICE oper :mod lets nobody say "spam"/);
  guest.send("PRIVMSG #lobby :buy SPAM now");
  await guest.expect("404");
  bob.say("spam for you");
  await bob.sees("-- that was not sent: a word or a link in it is not allowed here\n");
  mod.send("FILTER DEL spam");
  await mod.expect(/ be said again/);
  guest.send("PRIVMSG #lobby :spam it is");
  await bob.sees("<guesty> spam it is\n");

  for (const [raise, lower] of [
    [() => mod.send("SHIELD ON"), () => mod.send("SHIELD OFF")],
    [
      async () => assert.equal((await server.run("shield", "on")).code, 0),
      async () => assert.equal((await server.run("shield", "off")).code, 0),
    ],
  ] as const) {
    await raise();
    await mod.expect(/ raised the shield/);
    using late = await RawIrc.registered(server.port, "late");
    late.send("JOIN #lobby", "PRIVMSG #lobby :raid!");
    await late.expect("404");
    using known = await RawIrc.registered(server.port, "ursel", { account: user });
    await known.join("#lobby");
    known.send("PRIVMSG #lobby :I am known");
    await mod.expect(/ PRIVMSG #lobby :I am known$/);
    guest.send("PRIVMSG #lobby :I was here before");
    await mod.expect(/ PRIVMSG #lobby :I was here before$/);
    await lower();
    await mod.expect(/ lowered the shield/);
    late.send("JOIN #lobby", "PRIVMSG #lobby :may I?");
    await mod.expect(/ PRIVMSG #lobby :may I\?$/);
    late.send("QUIT");
    await late.ends();
    known.send("QUIT");
    await known.ends();
  }

  oper.send("KILL guesty :enough of that");
  await guest.expect(/ KILL guesty :.*enough of that/);
  await guest.expect("ERROR");
  await guest.ends();
  await bob.sees("-- guesty left (killed)\n");
  assert.doesNotMatch(bob.text, /raid!/);
});

test("chorus rehash reads the message of the day anew; so does an operator's REHASH", async () => {
  await using server = await TestServer.start(["--history", "on"]);
  assert.equal(await server.end("SIGTERM"), 0);
  const motd = join(server.folder, "motd.txt");
  writeFileSync(motd, "Welcome\r\nto the lounge 小明\n");
  await server.startAgain(["--motd", motd]);
  const root = await addAccount(server, "root", "operator");
  using oper = await RawIrc.registered(server.port, "root", { account: root });
  const shown = (): string[] =>
    oper.lines.filter(({ command }) => command === "372").map(({ params }) => params.at(-1)!);
  assert.deepEqual(shown(), ["- Welcome", "- to the lounge 小明"]);
  const motdOf = async (): Promise<string> => {
    oper.send("MOTD");
    await oper.expect("376");
    return shown().at(-1)!;
  };
  writeFileSync(motd, "second\n");
  assert.deepEqual(await server.run("rehash"), { code: 0, stdout: "", stderr: "" });
  await until("the second", async () => (await motdOf()) === "- second");
  writeFileSync(motd, "third\n");
  oper.send("REHASH");
  await oper.expect("382");
  await until("the third", async () => (await motdOf()) === "- third");
  using late = await RawIrc.registered(server.port, "late");
  assert.ok(late.lines.some(({ command, params }) => command === "372" && params[1] === "- third"));
});

test("of a line at which processes died, no password is kept", async () => {
  using build = new Build();
  build.edit(
    "src/protocol/irc/proving.ts",
    /export function nickServ\(.*\{$/m,
    'export function nickServ(_client: IrcClient, _text: string): void {\n  throw new Error("deadly");',
  );
  await using server = await TestServer.start([], undefined, { chorus: build.chorus });
  using irc = await RawIrc.registered(server.port, "ada");
  const line = `PRIVMSG NickServ :IDENTIFY ada ${PASSWORD}\r\n`;
  irc.write(line);
  await irc.expect("ERROR");
  await irc.ends();
  const folder = join(server.folder, "poison");
  const [name] = await until("what is kept of it", () => existsSync(folder) && readdirSync(folder));
  await until("it to be written", () => readFileSync(join(folder, name!)).length > 0);
  assert.equal(readFileSync(join(folder, name!), "utf8"), `PRIVMSG NickServ (${line.length} bytes)\n`);
  assert.deepEqual(found(server.folder, [PASSWORD]), []);
  assert.equal(server.stderr.includes(PASSWORD), false);
});
