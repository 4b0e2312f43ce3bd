import assert from "node:assert/strict";
import { test } from "node:test";
import { TestIrcClient, testIrcServer } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import type { IrcCommands } from "./command.ts";
import { QUERY_COMMANDS } from "./queryCommands.ts";
import type { IrcOptions } from "./server.ts";
import { helpCommand } from "./serverQueries.ts";

function scene(options: Partial<IrcOptions> = {}): { story: Story; alice: TestIrcClient } {
  const story = new Story("alice", "bob");
  const alice = new TestIrcClient(story.state, story.session("alice").id, testIrcServer(options));
  return { story, alice };
}

test("how many are here", () => {
  const { story, alice } = scene();
  for (const line of [
    "persistence on",
    "process 99 keeps history",
    "account Ann is moderator",
    // One person with two clients, one that stays without any, and one at the door.
    "ann is seated",
    "ann arrives",
    "ann proves Ann",
    "phone is seated",
    "phone proves Ann",
    "phone registers Ann Ann",
    "account Zoe is user",
    "zoe is seated",
    "zoe arrives",
    "zoe proves Zoe",
    "zoe flags +invisible",
    "zoe leaves",
    "newcomer is seated",
    "alice joins #tea",
    "alice joins #left",
    "alice parts #left",
  ])
    story.apply(line);
  alice.converse(
    QUERY_COMMANDS,
    `
    >LUSERS
    251 alice :There are 3 users and 1 invisible on 1 servers
    252 alice 1 :operator(s) online
    253 alice 1 :unknown connection(s)
    254 alice 2 :channels formed
    255 alice :I have 4 clients and 0 servers
    265 alice :Current local users 4
    266 alice :Current global users 4
    >LUSERS * other.example
    402 alice other.example :No such server
    `,
  );
});

test("what the server has to say, who runs it and what it is", () => {
  const motd = "Welcome!\r\n\r\n  Be kind.\n";
  const { alice } = scene({ motd, admin: "root@example.org", startedMs: 1000 });
  alice.converse(
    QUERY_COMMANDS,
    `
    >MOTD
    375 alice :- irc.example Message of the day -
    372 alice :- Welcome!
    372 alice :-
    372 alice :-   Be kind.
    376 alice :End of /MOTD command.
    >ADMIN
    256 alice irc.example :Administrative info
    257 alice :ExampleNet
    258 alice :irc.example
    259 alice :root@example.org
    >INFO
    371 alice :Chorus 1.2.3
    371 alice :A group-chat server: every client has a process of its own, over one log in shared memory.
    371 alice :Running since 1970-01-01T00:00:01.000Z
    374 alice :End of INFO list
    `,
  );
  scene().alice.converse(
    QUERY_COMMANDS,
    `
    >MOTD
    422 alice :MOTD File is missing
    >ADMIN IRC.*
    423 alice irc.example :No administrative info available
    `,
  );
});

test("what is too long for a line is cut, but no character in two", () => {
  for (const padding of ["", "x", "xx"]) {
    const { alice } = scene({ motd: padding + "茶".repeat(300) });
    const line = `:irc.example ${alice.ask(QUERY_COMMANDS, "MOTD")[1]!}`;
    assert.match(line, /:- x*茶+$/);
    const bytes = Buffer.byteLength(line);
    assert.ok(bytes <= 510 && bytes > 510 - "茶".length * 3, `${bytes} bytes`);
  }
});

test("version and time", () => {
  const { alice } = scene();
  alice.port.nowMs = Date.UTC(2026, 10, 25, 7, 12, 34, 567);
  const [version, ...isupport] = alice.ask(QUERY_COMMANDS, "VERSION");
  assert.match(version!, /^351 alice chorus-1\.2\.3 irc\.example :/);
  assert.ok(isupport.length > 1);
  for (const line of isupport) assert.match(line, /^005 alice \S.*\S :are supported by this server$/);
  alice.converse(
    QUERY_COMMANDS,
    `
    >TIME
    391 alice irc.example 1795590754 0 :2026-11-25 07:12:34 UTC
    `,
  );
});

test("a question for another server", () => {
  const { alice } = scene({ motd: "hi" });
  const noSuchServer = ["402 alice other.example :No such server"];
  for (const command of ["MOTD", "VERSION", "TIME", "ADMIN", "INFO", "STATS u", "LUSERS *"]) {
    assert.deepEqual(alice.ask(QUERY_COMMANDS, `${command} other.example`), noSuchServer, command);
    const answer = alice.ask(QUERY_COMMANDS, command);
    // By a mask of its name, or by who is here.
    for (const here of ["*.example", "irc.example", "BOB"])
      assert.deepEqual(alice.ask(QUERY_COMMANDS, `${command} ${here}`), answer, `${command} ${here}`);
  }
  assert.deepEqual(alice.ask(QUERY_COMMANDS, "LINKS other.example *"), noSuchServer);
});

test("statistics, of which some are for operators", () => {
  const { story, alice } = scene({ startedMs: 5000 });
  alice.port.nowMs = 5000 + ((50 * 24 + 7) * 3600 + 8 * 60 + 9) * 1000;
  alice.converse(
    QUERY_COMMANDS,
    `
    >STATS u
    242 alice :Server Up 50 days 07:08:09
    219 alice u :End of /STATS report
    >STATS o
    481 alice :Permission Denied- You're not an IRC operator
    219 alice o :End of /STATS report
    >STATS l
    219 alice l :End of /STATS report
    >STATS :
    219 alice * :End of /STATS report
    `,
  );
  for (const line of [
    "process 99 keeps history",
    "account Root is operator",
    "account Mod is moderator",
    "account Zoe is user",
    "alice opers Mod",
  ])
    story.apply(line);
  alice.converse(
    QUERY_COMMANDS,
    `
    >STATS o
    243 alice O * * Root :operator
    243 alice O * * Mod :moderator
    219 alice o :End of /STATS report
    `,
  );
});

test("the servers, of which there is one", () => {
  scene().alice.converse(
    QUERY_COMMANDS,
    `
    >LINKS
    364 alice * irc.example :0 ExampleNet
    365 alice * :End of /LINKS list
    >LINKS irc.*
    364 alice * irc.example :0 ExampleNet
    365 alice irc.* :End of /LINKS list
    >LINKS irc.example *.org
    365 alice *.org :End of /LINKS list
    `,
  );
});

test("who is here, and from where", () => {
  const { story, alice } = scene();
  for (const line of [
    "process 99 keeps history",
    "account Root is operator",
    "bob opers Root",
    "bob away out",
    "carol is seated as irc",
    "carol registers carol Karoline",
  ])
    story.apply(line);
  alice.converse(
    QUERY_COMMANDS,
    `
    >USERHOST alice BOB nobody
    302 alice :alice=+guest@alice.example bob*=-guest@bob.example
    >USERHOST a b c d e alice
    302 alice :
    >ISON BOB nobody alice bob
    303 alice :bob alice
    >ISON :nobody  alice
    303 alice :alice
    >ISON Karoline
    303 alice :
    `,
  );
});

test("help is made of the commands that there are", () => {
  const commands: IrcCommands = {
    PING: {
      usage: "<token>",
      summary: "asks for a sign of life",
      paramsMin: 1,
      specification: "#ping-message",
      run() {},
    },
    KNOCK: {
      usage: "<channel>",
      summary: "asks to be let in",
      paramsMin: 1,
      specification: "https://example.org/knock",
      run() {},
    },
    HELP: helpCommand(() => commands),
  };
  scene().alice.converse(
    commands,
    `
    >HELP
    704 alice * :The commands of this server
    705 alice * :
    705 alice * :HELP KNOCK PING
    706 alice * :HELP <command> tells more.
    >HELP ping
    704 alice PING :PING <token>
    705 alice PING :
    705 alice PING :Asks for a sign of life.
    706 alice PING :See https://modern.ircdocs.horse/#ping-message
    >HELP KNOCK
    704 alice KNOCK :KNOCK <channel>
    705 alice KNOCK :
    705 alice KNOCK :Asks to be let in.
    706 alice KNOCK :See https://example.org/knock
    >HELP :unknown subject
    524 alice unknown :I know nothing about this
    >HELP constructor
    524 alice constructor :I know nothing about this
    `,
  );
});

test("every command says what it takes and does, and where that is written", () => {
  for (const [name, { usage, summary, specification }] of Object.entries(QUERY_COMMANDS)) {
    assert.match(name, /^[A-Z]+$/);
    assert.ok(usage.length <= 100, name);
    assert.match(summary, /^[a-z].*[^.]$/, name);
    assert.match(specification, /^(#[a-z-]+|https:\/\/\S+)$/, name);
  }
});
