import assert from "node:assert/strict";
import { test } from "node:test";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { NAMES_COMMANDS, prefixesOf, sendNames } from "./names.ts";

function scene(): { story: Story; clientOf: (person: string) => TestIrcClient } {
  const story = new Story("alice", "bob", "carol");
  for (const line of ["alice joins #tea", "bob joins #tea", "alice sets #tea +voice bob"]) story.apply(line);
  return { story, clientOf: (person) => new TestIrcClient(story.state, story.session(person).id) };
}

test("who is in the channels that are named", () => {
  const { story, clientOf } = scene();
  story.apply("bob joins #茶");
  clientOf("alice").converse(
    NAMES_COMMANDS,
    `
    >NAMES #Tea
    353 alice = #tea :@alice +bob
    366 alice #tea :End of /NAMES list
    >NAMES #tea,#茶,,#tea,#nowhere,bob
    353 alice = #tea :@alice +bob
    366 alice #tea :End of /NAMES list
    353 alice = #茶 :@bob
    366 alice #茶 :End of /NAMES list
    366 alice #nowhere :End of /NAMES list
    366 alice bob :End of /NAMES list
    >NAMES
    366 alice * :End of /NAMES list
    `,
  );
});

test("a secret channel, and who is invisible in any, are for members", () => {
  const { story, clientOf } = scene();
  story.apply("bob flags +invisible");
  clientOf("carol").converse(
    NAMES_COMMANDS,
    `
    >NAMES #tea
    353 carol = #tea :@alice
    366 carol #tea :End of /NAMES list
    `,
  );
  story.apply("alice sets #tea +secret");
  clientOf("carol").converse(
    NAMES_COMMANDS,
    `
    >NAMES #tea
    366 carol #tea :End of /NAMES list
    `,
  );
  clientOf("alice").converse(
    NAMES_COMMANDS,
    `
    >NAMES #tea
    353 alice @ #tea :@alice +bob
    366 alice #tea :End of /NAMES list
    `,
  );
});

test("with all their ranks and addresses, to who has asked for those", () => {
  const { story, clientOf } = scene();
  story.apply("alice sets #tea +voice alice");
  clientOf("bob")
    .enable("multi-prefix", "userhost-in-names")
    .converse(
      NAMES_COMMANDS,
      `
      >NAMES #tea
      353 bob = #tea :@+alice!guest@alice.example +bob!guest@bob.example
      366 bob #tea :End of /NAMES list
      `,
    );
});

test("the highest rank, or all of them", () => {
  const membership = { room: 1, since: 1, spokeMs: 0, admin: false, operator: false };
  const ranked = { ...membership, founder: true, halfOperator: true, voice: true };
  assert.equal(prefixesOf(ranked, false), "~");
  assert.equal(prefixesOf(ranked, true), "~%+");
  assert.equal(prefixesOf({ ...membership, founder: false, halfOperator: false, voice: false }, true), "");
});

test("a full channel is told in lines that fit, with nobody left out", () => {
  const people = Array.from({ length: 120 }, (_, index) => `somebody-quite-long${index}`);
  const story = new Story();
  const tea = `#${"茶".repeat(20)}`;
  for (const [index, nick] of people.entries()) {
    const session = index + 1;
    const own = { nick, displayName: nick, derived: false, user: "u", realName: "" };
    story.applyRecord({ kind: "seat", session, process: 11, protocol: "irc", host: "h" }, 0);
    story.applyRecord({ kind: "register", session, ...own }, 11);
    story.applyRecord({ kind: "join", session, room: tea, replay: 0 }, 11);
  }
  const client = new TestIrcClient(story.state, 7);
  const room = [...story.state.rooms.values()].at(-1)!;
  sendNames(client.client, room);
  const lines = client.port.take();
  assert.match(lines.pop()!, / 366 /);
  const names = lines.flatMap((line) => line.slice(line.indexOf(" :") + 2).split(" "));
  assert.deepEqual(names, [`@${people[0]}`, ...people.slice(1)]);
  for (const line of lines) assert.ok(Buffer.byteLength(line) <= 510, line);
});
