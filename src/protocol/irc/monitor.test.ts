import assert from "node:assert/strict";
import { test } from "node:test";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { MONITOR_MAX } from "./isupport.ts";
import { MONITOR_COMMANDS, tellPresence } from "./monitor.ts";

function scene(): {
  story: Story;
  alice: TestIrcClient;
  tell: (line: string, isNeighbour?: boolean) => string[];
} {
  const story = new Story("alice", "bob");
  const alice = new TestIrcClient(story.state, story.session("alice").id);
  /** What Alice is told of what comes of a record. */
  const tell = (line: string, isNeighbour = false): string[] => {
    const moment = { sequence: story.sequence, timeMs: story.sequence * 1000 };
    for (const effect of story.apply(line)) tellPresence(alice.client, effect, moment, isNeighbour);
    return alice.port.take();
  };
  return { story, alice, tell };
}

test("the list of those who are watched", () => {
  const { alice } = scene();
  const before = alice.client.version;
  alice.converse(
    MONITOR_COMMANDS,
    `
    >MONITOR L
    733 alice :End of MONITOR list
    >MONITOR + BOB,Carol,dave,bad*nick,小明,,bob
    730 alice :bob!guest@bob.example
    731 alice :Carol,dave
    >MONITOR + bob
    >MONITOR L
    732 alice :bob,Carol,dave
    733 alice :End of MONITOR list
    >MONITOR s
    730 alice :bob!guest@bob.example
    731 alice :Carol,dave
    >MONITOR - carol,nobody
    >MONITOR L
    732 alice :bob,dave
    733 alice :End of MONITOR list
    >MONITOR C
    >MONITOR S
    >MONITOR L
    733 alice :End of MONITOR list
    >MONITOR +
    461 alice MONITOR :Not enough parameters
    >MONITOR -
    461 alice MONITOR :Not enough parameters
    >MONITOR X bob
    400 alice MONITOR X :Unknown subcommand
    `,
  );
  // Somebody added, somebody removed, all removed: a successor has to know.
  assert.equal(alice.client.version, before + 3);
});

test("the list is full at some point, and long lists are told in lines that fit", () => {
  const { alice } = scene();
  const nicks = Array.from({ length: MONITOR_MAX + 30 }, (_, index) => `somebody-quite-long${index}`);
  const added = alice.ask(MONITOR_COMMANDS, `MONITOR + ${nicks.join(",")}`);
  const listOf = (lines: readonly string[], code: string): string[] =>
    lines
      .filter((line) => line.startsWith(code))
      .flatMap((line) =>
        (code === "734" ? line.split(" ")[3]! : line.slice(line.indexOf(":") + 1)).split(","),
      );
  assert.deepEqual(listOf(added, "731"), nicks.slice(0, MONITOR_MAX));
  assert.deepEqual(listOf(added, "734"), nicks.slice(MONITOR_MAX));
  for (const line of added.filter((line) => line.startsWith("734")))
    assert.match(line, /^734 alice 100 \S+ :Monitor list is full\.$/);
  const listed = alice.ask(MONITOR_COMMANDS, "MONITOR L");
  assert.deepEqual(listOf(listed, "732"), nicks.slice(0, MONITOR_MAX));
  for (const line of [...added, ...listed]) assert.ok(`:irc.example ${line}`.length <= 510, line);
});

test("who comes and goes is told, by whatever way", () => {
  const { alice, tell } = scene();
  alice.ask(MONITOR_COMMANDS, "MONITOR + carol,Karl");
  assert.deepEqual(tell("carol is seated as irc"), []);
  assert.deepEqual(tell("carol registers Carol Carol"), [
    ":irc.example 730 alice :Carol!carol@carol.example",
  ]);
  assert.deepEqual(tell("carol nick CAROL"), []);
  assert.deepEqual(tell("carol nick karl"), [
    ":irc.example 731 alice :CAROL",
    ":irc.example 730 alice :karl!carol@carol.example",
  ]);
  assert.deepEqual(tell("carol nick other"), [":irc.example 731 alice :karl"]);
  assert.deepEqual(tell("bob leaves"), []);
  assert.deepEqual(tell("carol nick karl"), [":irc.example 730 alice :karl!carol@carol.example"]);
  assert.deepEqual(tell("carol leaves quit: bye"), [":irc.example 731 alice :karl"]);
});

test("what neighbours are told is told of who is watched, too, to who has asked for both", () => {
  const { story, alice, tell } = scene();
  story.apply("process 99 keeps history");
  story.apply("account Robert is user");
  const happenings = [
    "bob away lunch: back at 2",
    "bob away",
    "bob describes bob Robert B.",
    "bob proves Robert",
  ];
  const told = (): string[] => happenings.flatMap((line) => tell(line));
  alice.ask(MONITOR_COMMANDS, "MONITOR + bob");
  assert.deepEqual(told(), []);
  story.apply("account Robert goes");
  alice.enable("away-notify", "account-notify", "setname");
  assert.deepEqual(told(), []);
  story.apply("account Robert goes");
  story.apply("account Robert is user");
  alice.enable("extended-monitor");
  assert.deepEqual(told(), [
    ":bob!guest@bob.example AWAY :lunch: back at 2",
    ":bob!guest@bob.example AWAY",
    ":bob!guest@bob.example SETNAME :Robert B.",
    ":bob!guest@bob.example ACCOUNT Robert",
  ]);
  assert.deepEqual(tell("account Robert goes"), [":bob!guest@bob.example ACCOUNT *"]);
  // They are told so as neighbours already.
  assert.deepEqual(tell("bob away again", true), []);
  alice.enable("server-time");
  const timeMs = story.sequence * 1000;
  assert.deepEqual(tell("bob away again"), [
    `@time=${new Date(timeMs).toISOString()} :bob!guest@bob.example AWAY :again`,
  ]);
  alice.ask(MONITOR_COMMANDS, "MONITOR + alice");
  assert.deepEqual(tell("alice away me"), []);
  alice.ask(MONITOR_COMMANDS, "MONITOR C");
  assert.deepEqual(told(), []);
});
