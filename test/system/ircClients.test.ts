/*
 * WeeChat, irssi and nc, as people have them on their machines, in one room of one server. What each of them shows is
 * what counts. See ../support/ircProgram.ts for how they are driven.
 */
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FrameworkClient } from "../support/ircFramework.ts";
import { Irssi } from "../support/ircIrssi.ts";
import type { IrcProgram } from "../support/ircProgram.ts";
import { WeeChat } from "../support/ircWeechat.ts";
import { RawIrc } from "../support/rawIrc.ts";
import { TestServer, isAlive, until } from "../support/server.ts";

const ROOM = "#lobby";
const TIMEOUT_MS = 120_000;

/** nc, which knows nothing of any protocol. */
class Netcat implements AsyncDisposable {
  readonly #child: ChildProcessWithoutNullStreams;
  text = "";

  constructor(port: number) {
    this.#child = spawn("nc.openbsd", ["127.0.0.1", String(port)]);
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.text += text));
  }

  say(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  async sees(text: string): Promise<void> {
    await until(`"${text}" in ${JSON.stringify(this.text.slice(-500))}`, () => this.text.includes(text));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.kill();
    await exit;
  }
}

async function addAccount(server: TestServer, name: string): Promise<{ user: string; password: string }> {
  const password = `the password of ${name}: ü`;
  const file = join(server.folder, `password-of-${name}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  const { code, stderr } = await server.run("user", "add", name, "--password-file", file);
  assert.equal(code, 0, stderr);
  return { user: name, password };
}

async function enter(program: IrcProgram, nick: string): Promise<void> {
  await program.run(`/join ${ROOM}`);
  await program.shows(ROOM, new RegExp(`${nick} .*has joined ${ROOM}`));
}

/** Each in its own words: each line of the conversation once, and no word that the connection was ever lost. */
function assertHeard(program: IrcProgram, lines: readonly string[]): void {
  const heard = program.said(ROOM).map(({ nick, text }) => `<${nick}> ${text}`);
  assert.deepEqual(heard.toSorted(), lines.toSorted());
  assert.doesNotMatch(program.shownOfServer().join("\n"), /disconnect|connection (lost|reset|closed)/i);
}

async function killWorkers(server: TestServer): Promise<void> {
  const pids = await server.busyWorkers();
  assert.ok(pids.length > 0);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  await until("the killed workers to be gone", () => !pids.some(isAlive));
}

for (const mechanism of ["PLAIN", "SCRAM-SHA-256"] as const) {
  test(
    `WeeChat (${mechanism}), irssi and nc talk, and outlive their processes`,
    { timeout: TIMEOUT_MS },
    async () => {
      await using server = await TestServer.start();
      const accounts = { wendy: await addAccount(server, "wendy"), irene: await addAccount(server, "irene") };
      await using nora = new Netcat(server.port);
      nora.say("/nick nora");
      await nora.sees("now known as nora\n");
      nora.say("was anybody here?");
      const said = ["<nora> was anybody here?"];

      await using wendy = await WeeChat.start(server.port, {
        nick: "wendy",
        sasl: { ...accounts.wendy, mechanism },
      });
      await wendy.showsOfServer(/logged in/i);
      await enter(wendy, "wendy");
      await nora.sees("-- wendy joined\n");
      await wendy.hears(ROOM, "nora", "was anybody here?");
      await wendy.say(ROOM, "now I am: 小明");
      said.push("<wendy> now I am: 小明");
      await nora.sees("<wendy> now I am: 小明\n");

      await using irene = await Irssi.start(server.port, {
        nick: "irene",
        sasl: { ...accounts.irene, mechanism: "PLAIN" },
      });
      await irene.showsOfServer(/SASL authentication succeeded/);
      await enter(irene, "irene");
      await nora.sees("-- irene joined\n");
      await wendy.shows(ROOM, /irene .*has joined/);
      await irene.hears(ROOM, "nora", "was anybody here?");
      await irene.hears(ROOM, "wendy", "now I am: 小明");
      await irene.say(ROOM, "me too");
      said.push("<irene> me too");
      await nora.sees("<irene> me too\n");
      await wendy.hears(ROOM, "irene", "me too");

      const before = nora.text.length;
      for (const round of [1, 2]) {
        await killWorkers(server);
        nora.say(`nora after death ${round}`);
        await wendy.say(ROOM, `wendy after death ${round}`);
        await irene.say(ROOM, `irene after death ${round}`);
        for (const nick of ["nora", "wendy", "irene"]) {
          const text = `${nick} after death ${round}`;
          said.push(`<${nick}> ${text}`);
          await wendy.hears(ROOM, nick, text);
          await irene.hears(ROOM, nick, text);
          if (nick !== "nora") await nora.sees(`<${nick}> ${text}\n`);
        }
      }
      assert.doesNotMatch(nora.text.slice(before), /^--/m, "nobody came or went");
      assertHeard(wendy, said);
      assertHeard(irene, said);

      await wendy.say("irene", "a word in private");
      await irene.hears("wendy", "wendy", "a word in private");
      await irene.say("nora", "another one");
      await nora.sees("another one\n");

      await irene.run(`/part ${ROOM} tea`);
      await nora.sees("-- irene left the room: tea\n");
      await wendy.shows(ROOM, /irene .*has left .*tea/);
      nora.say("while she is away");
      await wendy.hears(ROOM, "nora", "while she is away");
      await irene.run(`/join ${ROOM}`);
      await irene.hears(ROOM, "nora", "while she is away");

      await wendy.quit("good night");
      await nora.sees("-- wendy left: good night\n");
      await irene.shows(ROOM, /wendy .*has quit .*good night/);
      await irene.quit("good night too");
      await nora.sees("-- irene left: good night too\n");
    },
  );
}

test("a program built on irc-framework logs in, is told who says what, and outlives its process", async () => {
  await using server = await TestServer.start();
  const account = await addAccount(server, "robot");
  using alice = await RawIrc.registered(server.port, "alice", { caps: ["extended-join", "account-tag"] });
  await alice.join(ROOM);
  await using robot = await FrameworkClient.connect(server.port, "robot", { account });
  await robot.sees("loggedin", (event) => event.account === "robot");
  await robot.join(ROOM);
  const joined = await alice.expect("JOIN");
  assert.deepEqual([joined.nick, ...joined.params], ["robot", ROOM, "robot", "robot"]);

  await killWorkers(server);
  alice.send(`PRIVMSG ${ROOM} :hello, robot`);
  const { nick, time, tags } = await robot.sees("privmsg", (event) => event.message === "hello, robot");
  assert.equal(nick, "alice");
  assert.ok(Math.abs(Date.now() - time!) < TIMEOUT_MS, "the server's time");
  assert.match(tags!["msgid"]!, /./);
  robot.client.say(ROOM, "hello, alice");
  const answer = await alice.expect("PRIVMSG");
  assert.deepEqual([answer.nick, answer.params[1]], ["robot", "hello, alice"]);
  assert.equal(answer.tags.get("account"), "robot");
  robot.client.action(ROOM, "beeps");
  assert.equal((await alice.expect("PRIVMSG")).params[1], "\u0001ACTION beeps\u0001");
  assert.deepEqual(await alice.sync(), [], "each of them once");
  await robot.quit("enough");
  assert.equal((await alice.expect("QUIT")).nick, "robot");
});
