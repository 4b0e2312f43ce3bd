/*
 * A client that speaks IRC outlives the process that serves it, whatever that was in the middle of; and the processes
 * behind that one, too. It notices nothing: each line is answered once, and nothing that was under way is lost.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addAccount } from "../support/addAccount.ts";
import { Build } from "../support/build.ts";
import { RawIrc } from "../support/rawIrc.ts";
import { scramClient } from "../support/scramClient.ts";
import { TestClient, TestServer, arrives, isAlive, kernelQueues, until } from "../support/server.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Waits until the server has read all that a client has sent. */
async function reads({ port }: TestServer, { socket }: RawIrc): Promise<void> {
  await until("what a client has sent to be read", () => {
    const sent = kernelQueues(socket.localPort!, port);
    const received = kernelQueues(port, socket.localPort!);
    return socket.writableLength === 0 && sent?.unsent === 0 && received?.unread === 0;
  });
}

/** All workers that serve somebody. */
async function killWorkers(server: TestServer): Promise<void> {
  const pids = await server.busyWorkers();
  assert.ok(pids.length > 0);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until("them to be gone", () => !pids.some(isAlive));
}

async function killHistory(server: TestServer): Promise<void> {
  const pid = await server.historyPid();
  process.kill(pid, "SIGKILL");
  await until("it to be gone", () => !isAlive(pid));
}

async function replaceSupervisor(server: TestServer): Promise<void> {
  await server.end("SIGKILL");
  await server.startAgain();
}

const DEATHS = [
  ["its process", killWorkers],
  ["the supervisor", replaceSupervisor],
] as const;

/** Nobody has heard of any end, and nothing came twice. */
function assertUndisturbed(client: RawIrc): void {
  assert.equal(client.closed, false);
  const raws = client.lines.map(({ raw }) => raw);
  assert.deepEqual(
    raws.filter((raw) => /ERROR|What you missed|died at once/.test(raw)),
    [],
  );
}

for (const [whose, kill] of DEATHS) {
  test(`the way in, with a death of ${whose} after each step`, async () => {
    await using server = await TestServer.start();
    const { user, password } = await addAccount(server, "ada");
    using witness = await TestClient.named(server.port, "witness");
    using ada = await RawIrc.connect(server.port);
    ada.send("CAP LS 302");
    await ada.expect(/ CAP \S+ LS :/);
    await kill(server);
    ada.send("CAP REQ :sasl message-tags labeled-response batch draft/read-marker echo-message");
    await ada.expect(/ CAP \S+ ACK :/);
    await kill(server);
    ada.send("NICK ada");
    ada.write("USER ad");
    await reads(server, ada);
    await kill(server);
    ada.write("a 0 * :Ada L.\r\n");
    ada.send("AUTHENTICATE PLAIN");
    await ada.expect(/^AUTHENTICATE \+$/);
    await kill(server);
    // In two pieces: 400 characters say that more follows.
    const response = base64(`\0${user}\0${"x".repeat(400)}`);
    ada.send(`AUTHENTICATE ${response.slice(0, 400)}`);
    await reads(server, ada);
    await kill(server);
    ada.send(`AUTHENTICATE ${response.slice(400)}`);
    await ada.expect("904");
    await kill(server);
    const scram = scramClient(user, password, "fyko+d2lbbFgONRv9qkxdawL");
    ada.send("AUTHENTICATE SCRAM-SHA-256");
    await ada.expect(/^AUTHENTICATE \+$/);
    await kill(server);
    ada.send(`AUTHENTICATE ${base64(scram.first)}`);
    const challenge = await ada.expect(/^AUTHENTICATE \S+$/);
    await kill(server);
    const { final, expected } = scram.answer(Buffer.from(challenge.params[0]!, "base64").toString());
    ada.send(`AUTHENTICATE ${base64(final)}`);
    const proof = await ada.expect(/^AUTHENTICATE \S+$/);
    assert.equal(Buffer.from(proof.params[0]!, "base64").toString(), expected);
    await kill(server);
    ada.send("AUTHENTICATE +");
    await ada.expect("903");
    await kill(server);
    ada.send("CAP END");
    const welcome = await ada.expect("001");
    await kill(server);
    await ada.expect(/ (?:376|422) /);
    assert.equal(welcome.params[0], "ada");
    ada.send("@label=j JOIN #lobby");
    await witness.sees("-- ada joined\n");
    await kill(server);
    ada.send("@label=who WHOIS ada");
    await ada.expect(/ 330 ada ada ada :/);
    const joins = ada.lines.filter(({ command }) => command === "JOIN");
    assert.equal(joins.length, 1);
    const once = ["001", "903", "904", "JOIN"];
    for (const command of once)
      assert.equal(ada.lines.filter((line) => line.command === command).length, 1, command);
    assertUndisturbed(ada);
    assert.equal(witness.text.split("-- ada joined\n").length, 2);
  });

  test(`what is negotiated, watched and open when ${whose} dies goes on`, async () => {
    await using server = await TestServer.start();
    using bob = await TestClient.named(server.port, "bob");
    const caps = [
      "message-tags",
      "batch",
      "labeled-response",
      "echo-message",
      "draft/multiline",
      "server-time",
    ];
    using ada = await RawIrc.registered(server.port, "ada", { caps });
    await ada.join("#lobby");
    ada.send("MONITOR + carol,bob");
    await ada.expect("730");
    await ada.expect("731");
    ada.send("@+draft/reply=12 BATCH +ref draft/multiline #lobby", "@batch=ref PRIVMSG #lobby :first line");
    ada.write("@batch=ref PRIVMSG #lob");
    await reads(server, ada);
    await kill(server);
    ada.write("by :second line\r\n");
    ada.send("@batch=ref;draft/multiline-concat PRIVMSG #lobby : and its rest");
    await reads(server, ada);
    await kill(server);
    ada.send("BATCH -ref");
    await bob.sees("<ada> first line\n<ada> second line and its rest\n");
    const echoed = await ada.expect(/ BATCH \+\S+ draft\/multiline #lobby$/);
    assert.equal(echoed.tags.get("+draft/reply"), "12");
    await kill(server);
    using carol = await TestClient.named(server.port, "carol");
    await ada.expect(/ 730 ada :carol!/);
    carol.say("/quit");
    await ada.expect(/ 731 ada :carol$/);
    await ada.sync();
    ada.send("CAP LIST");
    assert.deepEqual(
      (await ada.expect(/ CAP ada LIST /)).params.at(-1)!.split(" ").toSorted(),
      ["cap-notify", ...caps].toSorted(),
    );
    assertUndisturbed(ada);
  });
}

test("labelled lines whose processes die are answered once, with their labels", async () => {
  await using server = await TestServer.start();
  await addAccount(server, "ada");
  using bob = await TestClient.named(server.port, "bob");
  const caps = ["message-tags", "batch", "labeled-response", "echo-message", "draft/chathistory"];
  // Under another name than that of her account.
  using ada = await RawIrc.registered(server.port, "adam", { caps });
  await ada.join("#lobby");
  await bob.sees("-- adam joined\n");
  const labels: string[] = [];
  const line = (text: string): string => {
    labels.push(`l${labels.length}`);
    return `@label=l${labels.length - 1} ${text}`;
  };
  const history = await server.historyPid();
  for (let round = 0; round < 6; round += 1) {
    const isAsking = round % 2 === 1;
    // What is asked of history stays open as long as that stands still.
    if (isAsking) process.kill(history, "SIGSTOP");
    ada.send(
      line(`PRIVMSG #lobby :round ${round}`),
      line(`PRIVMSG #lobby,bob,nobody-here :to many ${round}`),
      line("JOIN #a,#b"),
      line("PART #a,#b"),
      line("CHATHISTORY LATEST #lobby * 3"),
      line("TOPIC #nowhere :x"),
      line("WHOIS bob"),
    );
    if (isAsking) ada.send(line(`NS IDENTIFY ada wrong-${round}`));
    if (round < 4) await bob.sees(`<adam> to many ${round}\n`);
    await killWorkers(server);
    if (isAsking) process.kill(history, "SIGCONT");
    await ada.sync();
  }
  ada.send(line("REGISTER adam * :a password of his own"));
  await killWorkers(server);
  await ada.sync();
  ada.send("WHOIS adam");
  await ada.expect(/ 330 adam adam adam :/);
  assert.equal(ada.lines.filter(({ raw }) => raw.includes(" REGISTER SUCCESS adam ")).length, 1);
  const answers = new Map(labels.map((label) => [label, 0]));
  for (const { tags } of ada.lines) {
    const label = tags.get("label");
    if (label !== undefined) answers.set(label, (answers.get(label) ?? 0) + 1);
  }
  assert.deepEqual(
    [...answers].filter(([, count]) => count !== 1),
    [],
  );
  assert.deepEqual(
    bob.lines.filter((text) => text.startsWith("<adam>")),
    [0, 1, 2, 3, 4, 5].flatMap((round) => [`<adam> round ${round}`, `<adam> to many ${round}`]),
  );
  assertUndisturbed(ada);
});

test("the history process dies while somebody logs in, and while it is asked", async () => {
  await using server = await TestServer.start();
  const account = await addAccount(server, "ada");
  using bob = await TestClient.named(server.port, "bob");
  bob.say("before all of it");
  using ada = await RawIrc.connect(server.port);
  ada.send(
    "CAP LS 302",
    "NICK ada",
    "USER ada 0 * :ada",
    "CAP REQ :sasl batch labeled-response draft/chathistory",
  );
  await ada.expect(/ ACK /);
  ada.send("AUTHENTICATE PLAIN");
  await ada.expect(/^AUTHENTICATE \+$/);
  const history = await server.historyPid();
  process.kill(history, "SIGSTOP");
  ada.send(`AUTHENTICATE ${base64(`\0${account.user}\0${account.password}`)}`);
  await reads(server, ada);
  await killWorkers(server);
  process.kill(history, "SIGKILL");
  await ada.expect("903");
  const scram = scramClient(account.user, account.password, "rOprNGfwEbeRWgbNEkqO");
  using second = await RawIrc.connect(server.port);
  second.send(
    "CAP LS 302",
    "NICK second",
    "USER ada 0 * :ada",
    "CAP REQ :sasl",
    "AUTHENTICATE SCRAM-SHA-256",
  );
  await second.expect(/^AUTHENTICATE \+$/);
  second.send(`AUTHENTICATE ${base64(scram.first)}`);
  const challenge = await second.expect(/^AUTHENTICATE \S+$/);
  await killHistory(server);
  second.send(
    `AUTHENTICATE ${base64(scram.answer(Buffer.from(challenge.params[0]!, "base64").toString()).final)}`,
  );
  await second.expect(/^AUTHENTICATE \S+$/);
  second.send("AUTHENTICATE +");
  await second.expect("903");
  for (const client of [ada, second]) {
    client.send("CAP END");
    await client.expect(/ (?:376|422) /);
  }
  await ada.join("#lobby");
  process.kill(await server.historyPid(), "SIGSTOP");
  ada.send("@label=past CHATHISTORY LATEST #lobby * 10");
  await reads(server, ada);
  const [, stopped] = [await killWorkers(server), await server.pidsOf(({ role }) => role === "history")];
  process.kill(stopped[0]!, "SIGKILL");
  const begin = await ada.expect(/ BATCH \+\S+ chathistory #lobby$/);
  assert.equal(begin.tags.get("label"), "past");
  await ada.expect(/ PRIVMSG #lobby :.*before all of it$/);
  await ada.expect(/ BATCH -/);
  assert.equal(ada.lines.filter(({ tags }) => tags.get("label") === "past").length, 1);
});

test("who registers while its process dies has its account, and is told so once", async () => {
  await using server = await TestServer.start();
  using ada = await RawIrc.registered(server.port, "ada", { caps: ["batch", "labeled-response"] });
  using paul = await TestClient.named(server.port, "paul");
  const history = await server.historyPid();
  process.kill(history, "SIGSTOP");
  ada.send("@label=r REGISTER * * :a password of hers");
  paul.say("/register a-password-of-his");
  await reads(server, ada);
  await arrives(server, paul);
  // Both the dead and those after them have asked.
  await killWorkers(server);
  await server.hasSpares(0);
  process.kill(history, "SIGCONT");
  await paul.sees("-- you are logged in as paul\n");
  await ada.expect(/ REGISTER SUCCESS ada /);
  paul.say("/who");
  await paul.sees("-- 1 in #lobby");
  await ada.sync();
  assert.doesNotMatch(paul.text, /somebody has that name/);
  assert.equal(ada.lines.filter(({ tags }) => tags.get("label") === "r").length, 1);
  assert.equal(ada.lines.filter(({ raw }) => / FAIL | REGISTER: /.test(raw)).length, 0);
});

test("another version takes over, with every client that speaks IRC", async () => {
  using build = new Build();
  await using server = await TestServer.start([], undefined, { chorus: build.chorus });
  using bob = await TestClient.named(server.port, "bob");
  const caps = ["message-tags", "batch", "labeled-response", "echo-message", "draft/multiline"];
  using ada = await RawIrc.registered(server.port, "ada", { caps });
  await ada.join("#lobby");
  using late = await RawIrc.connect(server.port);
  late.send("CAP LS 302", "NICK late");
  await late.expect(/ LS :/);
  ada.send("MONITOR + carol", "BATCH +ref draft/multiline #lobby", "@batch=ref PRIVMSG #lobby :one");
  ada.write("@batch=ref PRIVMSG #lobby :tw");
  await reads(server, ada);
  build.version = "9.9.9-test";
  const { code, stderr } = await server.run("reload");
  assert.equal(code, 0, stderr);
  ada.write("o\r\n");
  ada.send("@label=x BATCH -ref");
  await bob.sees("<ada> one\n<ada> two\n");
  using carol = await TestClient.named(server.port, "carol");
  await ada.expect(/ 730 ada :carol!/);
  late.send("USER late 0 * :late", "CAP END");
  await late.expect("001");
  late.send("VERSION");
  assert.match((await late.expect("351")).raw, /9\.9\.9-test/);
  carol.say("live");
  await ada.expect(/ PRIVMSG #lobby :live$/);
  assertUndisturbed(ada);
});

test("who was silent is taken at its first word after a death, too, and too long a line is dropped whole", async () => {
  await using server = await TestServer.start();
  using late = await RawIrc.connect(server.port);
  await late.expect(/^-- welcome to chorus/);
  await killWorkers(server);
  late.send("NICK late", "USER u 0 * :u");
  assert.equal((await late.expect("001")).params[0], "late");
  late.write(`PRIVMSG late :${"x".repeat(9000)}`);
  await late.expect("417");
  await killWorkers(server);
  late.send("still the same line", "PING next");
  await late.expect("PONG");
  assert.equal(late.lines.filter(({ command }) => command === "421").length, 0);
  assertUndisturbed(late);
});
