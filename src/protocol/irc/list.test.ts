import assert from "node:assert/strict";
import { test } from "node:test";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { LIST_COMMANDS } from "./list.ts";

const MINUTE_MS = 60_000;

/** The lobby has three people, #tea and #straße two of them, #secret one; #left has a topic, #empty nothing. */
function scene(): TestIrcClient {
  const story = new Story("alice", "bob", "carol");
  for (const line of [
    "alice joins #tea",
    "bob joins #tea",
    "alice topic #tea Oolong or Assam?",
    "alice joins #straße",
    "bob joins #straße",
    "bob joins #secret",
    "bob sets #secret +secret",
    "alice joins #left",
    "alice topic #left nobody here",
    "alice parts #left",
    "alice joins #empty",
    "alice parts #empty",
  ])
    story.apply(line);
  const client = new TestIrcClient(story.state, story.session("alice").id);
  client.port.nowMs = 100 * MINUTE_MS;
  return client;
}

test("channels that one may know of, with how many are in and what they are about", () => {
  scene().converse(
    LIST_COMMANDS,
    `
    >LIST
    321 alice Channel :Users  Name
    322 alice #lobby 3 :
    322 alice #tea 2 :Oolong or Assam?
    322 alice #strasse 2 :
    322 alice #left 0 :nobody here
    323 alice :End of /LIST
    `,
  );
});

test("names, masks and conditions", () => {
  const client = scene();
  const rows = [
    // "LIST #twilight_zone,#42: Command to list the channels …"
    ["#tea,#lobby", "#lobby #tea"],
    ["#TEA", "#tea"],
    ["#STRASSE", "#strasse"],
    ["#straße", "#strasse"],
    ["#nowhere", ""],
    ["#secret", ""],
    ["#empty", ""],
    // M, N
    ["#*e*", "#tea #strasse #left"],
    ["*b?y", "#lobby"],
    ["!#*e*", "#lobby"],
    ["!*tea,!*left", "#lobby #strasse"],
    ["#*,!*tea", "#lobby #strasse #left"],
    // U: "Command to list all channels with more than three users."
    [">2", "#lobby"],
    ["<3", "#tea #strasse #left"],
    [">0,<3", "#tea #strasse"],
    ["* >2", "#lobby"],
    // What was there with the server is as old as can be, and a topic that there is not is of no age.
    ["C>99", "#lobby #tea #strasse #left"],
    ["C<99", ""],
    ["T<99", ""],
    ["T>99", "#tea #left"],
    ["c<100", "#tea #strasse #left"],
    ["t<100,>0", "#tea"],
    ["T>100", ""],
    [">many", ""],
  ] as const;
  for (const [params, expected] of rows) {
    const lines = client.ask(LIST_COMMANDS, `LIST ${params}`);
    assert.deepEqual([lines[0], lines.at(-1)], ["321 alice Channel :Users  Name", "323 alice :End of /LIST"]);
    const names = lines.slice(1, -1).map((line) => line.split(" ")[2]);
    assert.equal(names.join(" "), expected, params);
  }
});
