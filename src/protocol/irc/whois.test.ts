import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8Length } from "../../base/index.ts";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { WHOIS_COMMANDS } from "./whois.ts";

function scene(): Story {
  const story = new Story();
  for (const line of [
    "process 99 keeps history",
    "account Root is operator",
    "account Mod is moderator",
    "account Ming is user",
    "alice is seated in 11 as irc from 10.0.0.7",
    "alice registers alice alice Alice Liddell",
    "bob is seated in 12 as irc from bob.example",
    "bob registers bob bob",
    "ming is seated in 13 as irc from ming.example",
    "ming registers Ming_ 小明 Xiao Ming",
    "alice joins #tea",
    "ming joins #tea",
    "ming joins #secret",
    "ming sets #secret +secret",
    "ming joins #open",
  ])
    story.apply(line);
  return story;
}

function clientOf(story: Story, person: string): TestIrcClient {
  const client = new TestIrcClient(story.state, story.session(person).id);
  client.port.nowMs = 3_600_500;
  return client;
}

test("what is known of somebody", () => {
  const story = scene();
  const alice = clientOf(story, "alice");
  const { arrivedMs } = story.session("ming");
  story.apply("ming proves Ming");
  story.apply("ming flags +bot");
  story.apply("ming away at lunch: back at 2");
  alice.converse(
    WHOIS_COMMANDS,
    `
    >WHOIS ming_
    311 alice Ming_ ming ming.example * :Xiao Ming
    319 alice Ming_ :#tea @#open
    312 alice Ming_ irc.example :ExampleNet
    301 alice Ming_ :at lunch: back at 2
    330 alice Ming_ Ming :is logged in as
    335 alice Ming_ :is a bot on ExampleNet
    317 alice Ming_ 3590 ${arrivedMs / 1000} :seconds idle, signon time
    320 alice Ming_ :is known as 小明
    318 alice ming_ :End of /WHOIS list
    >WHOIS alice
    311 alice alice alice 10.0.0.7 * :Alice Liddell
    319 alice alice :@#tea
    312 alice alice irc.example :ExampleNet
    317 alice alice 3594 6 :seconds idle, signon time
    378 alice alice :is connecting from alice@10.0.0.7 10.0.0.7
    318 alice alice :End of /WHOIS list
    `,
  );
});

test("somebody is asked for by any name, on this server or where somebody is; several, up to four", () => {
  const alice = clientOf(scene(), "alice");
  const bob = `
    311 alice bob bob bob.example * :bob
    312 alice bob irc.example :ExampleNet
    317 alice bob 3592 8 :seconds idle, signon time`;
  alice.converse(
    WHOIS_COMMANDS,
    `
    >WHOIS irc.example bob ${bob}
    318 alice bob :End of /WHOIS list
    >WHOIS *.example bob ${bob}
    318 alice bob :End of /WHOIS list
    >WHOIS bob bob ${bob}
    318 alice bob :End of /WHOIS list
    >WHOIS other.example bob
    402 alice other.example :No such server
    >WHOIS nobody
    401 alice nobody :No such nick/channel
    318 alice nobody :End of /WHOIS list
    >WHOIS x,Bob,,y,z,bob
    401 alice x :No such nick/channel ${bob}
    401 alice y :No such nick/channel
    401 alice z :No such nick/channel
    318 alice x,Bob,,y,z,bob :End of /WHOIS list
    >WHOIS
    431 alice :No nickname given
    >WHOIS :
    431 alice :No nickname given
    `,
  );
  const codes = alice.ask(WHOIS_COMMANDS, "WHOIS 小明").map((line) => line.split(" ", 3).join(" "));
  assert.ok(codes.includes("311 alice Ming_"));
  assert.ok(codes.includes("318 alice 小明"));
});

test("operators see more, and are seen to be operators", () => {
  const story = scene();
  story.apply("alice opers Root");
  story.apply("ming opers Mod");
  const lines = clientOf(story, "alice").ask(WHOIS_COMMANDS, "WHOIS Ming_");
  assert.ok(lines.includes("313 alice Ming_ :is a server moderator"));
  assert.ok(lines.includes("378 alice Ming_ :is connecting from ming@ming.example"));
  const bob = clientOf(story, "bob");
  assert.ok(bob.ask(WHOIS_COMMANDS, "WHOIS alice").includes("313 bob alice :is a server operator"));
  assert.ok(!bob.ask(WHOIS_COMMANDS, "WHOIS alice").some((line) => line.startsWith("378")));
});

test("rooms are shown where they are shared, and to others only what is no secret", () => {
  const story = scene();
  const channels = (person: string): string[] =>
    clientOf(story, person)
      .ask(WHOIS_COMMANDS, "WHOIS Ming_")
      .filter((line) => line.startsWith("319"))
      .map((line) => line.split(":")[1]!);
  assert.deepEqual(channels("bob"), ["#tea @#open"]);
  assert.deepEqual(channels("ming"), ["#tea @#secret @#open"]);
  story.apply("ming flags +invisible");
  assert.deepEqual(channels("bob"), []);
  assert.deepEqual(channels("alice"), ["#tea"]);
});

test("many rooms are told in as many lines as it takes", () => {
  const story = scene();
  const names = Array.from({ length: 30 }, (_, index) => `#${"茶".repeat(20)}${index}`);
  for (const name of names) story.apply(`bob joins ${name}`);
  const lines = clientOf(story, "alice")
    .ask(WHOIS_COMMANDS, "WHOIS bob")
    .filter((line) => line.startsWith("319"));
  const shown = lines.flatMap((line) => line.slice("319 alice bob :".length).split(" "));
  assert.deepEqual(
    shown,
    names.map((name) => `@${name}`),
  );
  for (const line of lines) assert.ok(utf8Length(`:irc.example ${line}`) <= 510);
});

test("somebody who stays without a client is away", () => {
  const story = scene();
  for (const line of ["persistence on", "ming proves Ming", "ming leaves"]) story.apply(line);
  const lines = clientOf(story, "alice").ask(WHOIS_COMMANDS, "WHOIS Ming_");
  assert.ok(lines.includes("301 alice Ming_ :not connected"));
});

test("who had a nick, the latest first", () => {
  const story = scene();
  for (const line of ["ming proves Ming", "bob nick Robert", "ming nick bob", "ming leaves quit: bye"])
    story.apply(line);
  const alice = clientOf(story, "alice");
  const latest = `
    314 alice bob ming ming.example * :Xiao Ming
    312 alice bob irc.example :1970-01-01T00:00:19.000Z
    330 alice bob Ming :was logged in as`;
  const before = `
    314 alice bob bob bob.example * :bob
    312 alice bob irc.example :1970-01-01T00:00:17.000Z`;
  alice.converse(
    WHOIS_COMMANDS,
    `
    >WHOWAS BOB ${latest} ${before}
    369 alice BOB :End of WHOWAS
    >WHOWAS bob 1 ${latest}
    369 alice bob :End of WHOWAS
    >WHOWAS bob 0 irc.example ${latest} ${before}
    369 alice bob :End of WHOWAS
    >WHOWAS bob -1 ${latest} ${before}
    369 alice bob :End of WHOWAS
    >WHOWAS nobody
    406 alice nobody :There was no such nickname
    369 alice nobody :End of WHOWAS
    >WHOWAS bob 1 other.example
    402 alice other.example :No such server
    >WHOWAS
    431 alice :No nickname given
    `,
  );
});
