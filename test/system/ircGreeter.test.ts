/*
 * How a connection turns out to speak IRC, whatever stands in front of it and however its bytes are split; and what
 * becomes of lines that are too long, that are none, and that are too many.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RawIrc } from "../support/rawIrc.ts";
import { TestClient, TestServer, since, until } from "../support/server.ts";

const OPENING = "CAP LS 302\r\nNICK %\r\nUSER u 0 * :u\r\nCAP END\r\n";

/** As little as possible in one piece. */
async function writeBytes(client: RawIrc, bytes: Uint8Array, pieces: number): Promise<void> {
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise<void>((resolve) => {
      client.socket.write(bytes.subarray(at, at + size), () => resolve());
    });
    // What the kernel would put together comes in pieces all the same.
    await delay(1);
  }
}

test("IRC is recognised however it is split, and whatever stands in front", async () => {
  await using server = await TestServer.start();
  const preludes: readonly (readonly number[])[] = [
    [],
    [0xef, 0xbb, 0xbf],
    [0xff, 0xfb, 0x1f, 0xff, 0xfd, 0x03],
    [0xff, 0xfa, 0x18, 0x00, 0x41, 0xff, 0xf0],
    [0x0d, 0x0a, 0x0a, 0x20, 0x0d, 0x0a],
    [0x00, 0x00],
    [0xff, 0xfb, 0x1f, 0x0d, 0x0a, 0xef, 0xbb, 0xbf],
  ];
  for (const [index, prelude] of preludes.entries()) {
    for (const pieces of [1, 4, 1000]) {
      const nick = `n${index}-${pieces}`;
      using client = await RawIrc.connect(server.port);
      const opening = Buffer.concat([Buffer.from(prelude), Buffer.from(OPENING.replace("%", nick))]);
      await writeBytes(client, opening, pieces);
      assert.equal((await client.expect("001")).params[0], nick);
      // Who begins with an empty line is let in at once, as somebody who speaks plain, and then turns out to be IRC.
      if (prelude[0] === 0x0d) continue;
      assert.equal(
        client.lines.some(({ raw }) => raw.startsWith("--")),
        false,
        nick,
      );
    }
  }
});

for (const [opening, isIrc] of [
  ["PASS the salt", false],
  ["Nick is here", false],
  ["ping me when you are there", false],
  ["USER friendly", false],
  ["cap", false],
  ["PASS secret", true],
  ["nick ada", true],
  ["@a=b :me USER u 0 * :u", true],
] as const) {
  test(`"${opening}" is ${isIrc ? "IRC" : "plain"}`, async () => {
    await using server = await TestServer.start(["--spare-processes", "1"]);
    using client = await TestClient.open(server.port);
    client.say(opening);
    if (isIrc) {
      client.say("NICK ada\r\nUSER ada 0 * :ada\r");
      await client.sees(" 001 ada ");
      assert.doesNotMatch(client.text, /^--/m);
    } else {
      await client.sees("-- welcome to chorus");
      client.say("/history");
      await client.sees(`> ${opening}\n`);
    }
  });
}

test("who was silent and taken for plain is IRC all the same, and leaves no trace of a guest", async () => {
  await using server = await TestServer.start();
  using bob = await RawIrc.registered(server.port, "bob");
  await bob.join("#lobby");
  for (const [nick, first] of [
    ["late", "CAP LS 302\r\nNICK late\r\nUSER u 0 * :u\r\nCAP END\r\n"],
    ["later", "NICK later\r\nUSER u 0 * :u\r\n"],
  ] as const) {
    using client = await RawIrc.connect(server.port);
    await client.expect(/^-- welcome to chorus/);
    const guest = /, (guest\d+)\./.exec(
      client.lines.find(({ raw }) => raw.startsWith("-- welcome"))!.raw,
    )![1]!;
    await bob.expect((line) => line.command === "JOIN" && line.nick === guest);
    client.write(first);
    assert.equal((await client.expect("001")).params[0], nick);
    await bob.expect((line) => ["PART", "QUIT"].includes(line.command) && line.nick === guest);
    client.send("NAMES #lobby");
    assert.deepEqual((await client.expect("353")).params.at(-1), "@bob");
    await client.join("#lobby");
    client.send("PRIVMSG #lobby :here I am");
    await bob.expect((line) => line.nick === nick && line.params[1] === "here I am");
    client.send("QUIT");
    await client.ends();
  }
});

test("that there is no room is said as each can read it", async () => {
  await using server = await TestServer.start(["--max-clients", "1"]);
  using first = await TestClient.named(server.port, "first");
  using irc = await RawIrc.connect(server.port);
  irc.send("CAP LS 302", "NICK x", "USER x 0 * :x");
  await irc.ends();
  assert.deepEqual(
    irc.lines.map(({ command, params }) => [command, params.length]),
    [["ERROR", 1]],
  );
  assert.match(irc.lines[0]!.params[0]!, /too many users/i);
  using plain = await TestClient.open(server.port);
  plain.say("hello");
  await plain.sees("too many users");
  await plain.ends();
  first.say("/quit");
  await first.ends();
});

test("lines that are too long, that hold what no line may, or that end in one half of an end", async () => {
  await using server = await TestServer.start();
  const caps = ["message-tags", "echo-message"];
  using ada = await RawIrc.registered(server.port, "ada", { caps });
  using bob = await RawIrc.registered(server.port, "bob", { caps });
  await ada.join("#lobby");
  await bob.join("#lobby");
  const head = "PRIVMSG #lobby :";
  const fits = "x".repeat(510 - head.length);
  ada.send(`${head}${fits}`);
  await ada.expect(/ PRIVMSG #lobby :x/);
  // With the source in front it is longer than a line may be: it comes as two, and whole.
  await until("all of it", () => {
    const texts = bob.lines
      .filter(({ params }) => /^x+$/.test(params[1] ?? ""))
      .map(({ params }) => params[1]!);
    return texts.join("") === fits;
  });
  assert.ok(bob.lines.every(({ raw }) => Buffer.byteLength(raw.replace(/^@\S+ /, "")) <= 510));
  ada.send(`${head}${fits}y`);
  await ada.expect("417");
  ada.send(`${head}${"z".repeat(200_000)}`);
  await ada.expect("417");
  ada.send(`@+a=${"t".repeat(4000)} ${head}with long tags`);
  assert.equal((await bob.expect(/ :with long tags$/)).tags.get("+a")!.length, 4000);
  ada.send(`@+a=${"t".repeat(4200)} ${head}with tags that are too long`);
  await ada.expect("417");
  ada.write(`${head}one\r${head}two\n\r\n\n\r${head}three\n\r`);
  for (const text of ["one", "two", "three"]) await bob.expect((line) => line.params[1] === text);
  ada.write(`${head}a\0b\r\n`);
  ada.write(Buffer.concat([Buffer.from(head), Buffer.of(0xff, 0xfe, 0x80), Buffer.from("\r\n")]));
  ada.write(`${head}after all of it\r\n`);
  await bob.expect(/ :after all of it$/);
  assert.equal(
    bob.lines.some(({ raw }) => /too long|\0|\uFFFD|:x*y$|zzz/.test(raw)),
    false,
  );
  assert.match((await ada.sync()).map(({ raw }) => raw).join("\n"), /INVALID_UTF8|UTF-8/);
  assert.equal(ada.closed, false);
});

test("who says too much at once waits, loses nothing, and holds up nobody", async () => {
  await using server = await TestServer.start(["--max-processes", "1"]);
  using ada = await RawIrc.registered(server.port, "ada");
  using bob = await RawIrc.registered(server.port, "bob", { caps: ["echo-message"] });
  await ada.join("#lobby");
  await bob.join("#lobby");
  const text = (number: number): string => `flood ${number}`;
  const LINES = 300;
  const floodedMs = performance.now();
  ada.send(...Array.from({ length: LINES }, (_, number) => `PRIVMSG #lobby :${text(number)}`), "PING after");
  // Somebody else is served at once all the while.
  let slowestMs = 0;
  let rounds = 0;
  while (!ada.lines.some(({ command }) => command === "PONG")) {
    const askedMs = performance.now();
    await bob.sync();
    slowestMs = Math.max(slowestMs, performance.now() - askedMs);
    rounds += 1;
  }
  const tookMs = performance.now() - floodedMs;
  await until("the last of it", () => bob.lines.some(({ params }) => params[1] === text(LINES - 1)));
  const heard = bob.lines
    .filter(({ params }) => params[1]?.startsWith("flood "))
    .map(({ params }) => params[1]!);
  assert.deepEqual(
    heard,
    Array.from({ length: LINES }, (_, number) => text(number)),
  );
  assert.ok(tookMs > 1000, `the PING was answered after ${tookMs} ms: its lines did not wait`);
  assert.ok(rounds > 10 && slowestMs < 2000, `${rounds} rounds, the slowest of ${slowestMs} ms`);
});

test("a plain crowd and one of IRC see one order", async () => {
  await using server = await TestServer.start(["--max-processes", "2", "--flood-lines", "0"]);
  using plain = await TestClient.named(server.port, "plain");
  using watcher = await TestClient.named(server.port, "watcher");
  await plain.sees("now known as watcher");
  using ada = await RawIrc.registered(server.port, "ada");
  using eve = await RawIrc.registered(server.port, "eve");
  for (const client of [ada, eve]) await client.join("#lobby");
  await watcher.sees("-- eve joined\n");
  const heard = since(watcher);
  for (let number = 0; number < 100; number += 1) {
    ada.send(`PRIVMSG #lobby :${number}`);
    plain.say(String(number));
  }
  ada.send("PRIVMSG #lobby :end");
  plain.say("end");
  const ends = (line: string): boolean => line.endsWith(" end");
  await until("both ends", () => heard().split("\n").filter(ends).length === 2);
  await until("both ends for eve", () => eve.lines.filter(({ params }) => params[1] === "end").length === 2);
  const seen = eve.lines
    .filter(({ command }) => command === "PRIVMSG")
    .map(({ nick, params }) => `<${nick}> ${params[1]!}`);
  assert.equal(`${seen.join("\n")}\n`, heard());
});
