import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TestIrcClient, testIrcServer } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { ENTRY_KINDS, type Entry, type PublicEffect, type Session } from "../../chat/index.ts";
import { CAPABILITIES, type Capability } from "./capabilities.ts";
import { answerBytes } from "./past.ts";
import { publicKey, publicLine } from "./render.ts";
import { LINE_BYTES_MAX } from "./splitter.ts";
import { tell } from "./tell.ts";

/** Whatever may have been imported, or come in another protocol, and much of it. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", " ", ":", "\r", "\n", "\0", "é", "小", "😀", ";"), maxLength: 60 }),
  fc
    .tuple(fc.constantFrom("x", "小", "😀", "\r\n", "word "), fc.integer({ min: 100, max: 700 }))
    .map(([piece, count]) => piece.repeat(count)),
);
const name = fc.string({ unit: fc.constantFrom("a", "B", "_", "9"), minLength: 1, maxLength: 24 });
const capabilities = fc.subarray([...CAPABILITIES]);
const moment = { sequence: 4711, timeMs: 1000 };

function scene(): { story: Story; client: TestIrcClient } {
  const story = new Story();
  for (const line of [
    "process 99 keeps history",
    "alice is seated in 11 as irc from 10.0.0.7",
    "alice registers alice alice Alice",
    "bob is seated in 12 as irc from bob.example",
    "bob registers bob bob",
    `alice joins #${"tea".repeat(16)}`,
    `bob joins #${"tea".repeat(16)}`,
  ])
    story.apply(line);
  const client = new TestIrcClient(story.state, story.session("alice").id);
  client.client.isWelcome = true;
  return { story, client };
}

/** Each is what it is, whatever was in it: its end at its end, and no longer than a line may be. */
function assertLines(bytes: Uint8Array): void {
  const whole = decodeUtf8(bytes);
  assert(whole === "" || whole.endsWith("\r\n"));
  for (const line of whole.split("\r\n").slice(0, -1)) {
    assert.match(line, /^(?:@[^\s]+ )?:[^\s:]+ [A-Z\d]+ ?[^\r\n\0]*$/);
    assert.equal(line.includes("\ufffd"), false, line);
    const bare = line.startsWith("@") ? line.slice(line.indexOf(" ") + 1) : line;
    assert(encodeUtf8(bare).length <= LINE_BYTES_MAX - 2, line);
  }
}

test("whatever is told, and however long it is, comes in whole lines that are no longer than lines may be", () => {
  const { story, client } = scene();
  const room = [...story.state.rooms.values()].find(({ name }) => name.startsWith("#tea"));
  assert(room !== undefined);
  const effects = fc.record({ text, name, account: text }).map(({ text, name, account }) => {
    const own = story.session("alice");
    const session: Session = { ...story.session("bob"), nick: name, account, realName: text, away: text };
    const previous = { ...session, nick: `${name.slice(0, 20)}_` };
    const words = encodeUtf8(text);
    const said = { session, room, text: words, tags: "+a=b", atLeast: undefined };
    const topic = { text, by: name, timeMs: 0 };
    const told: PublicEffect[] = [
      { kind: "said", ...said },
      { kind: "acted", ...said },
      { kind: "noticed", ...said, atLeast: "operator" },
      { kind: "tagged", ...said },
      { kind: "joined", session, room },
      { kind: "parted", session, room, text: words },
      { kind: "kicked", session, room, target: own, text: words },
      { kind: "topicSet", session, room: { ...room, topic } },
      { kind: "roomRenamed", session, room, previous: room, text: words },
      { kind: "redacted", session, room, peer: 0, message: 5, text },
      { kind: "renamed", session, previous },
      { kind: "described", session, previous },
      { kind: "accountChanged", session },
      { kind: "awaySet", session },
      { kind: "left", session, reason: "quit", text: words },
      { kind: "left", session, reason: "killed", text: words },
    ];
    const toOne = [
      ...told,
      { kind: "announced", session, text: words },
      { kind: "killed", session: own, by: session, text: words },
      { kind: "whispered", session, to: own, speech: "say", text: words, tags: "" },
      { kind: "redacted", session, room: undefined, peer: session.person, message: 5, text },
      { kind: "policySet", session, what: "filter", on: true, value: text },
    ] as const;
    return { told, toOne };
  });
  fc.assert(
    fc.property(effects, capabilities, ({ told, toOne }, enabled) => {
      client.client.caps.enabled = 0;
      client.enable(...enabled);
      for (const effect of told) {
        const pieces: Uint8Array[] = [];
        const caps = client.client.caps.enabled;
        publicLine({ append: (bytes) => pieces.push(bytes.slice()) }, testIrcServer(), effect, moment, caps);
        assertLines(concatBytes(pieces));
      }
      for (const effect of toOne) tell(client.client, effect, moment, false, "");
      assertLines(
        encodeUtf8(
          client.port
            .take()
            .map((line) => `${line}\r\n`)
            .join(""),
        ),
      );
    }),
    { numRuns: 60 },
  );
});

test("what was imported is told in lines, too, whatever is in it", () => {
  const { client, story } = scene();
  const room = [...story.session("alice").rooms.keys()][0]!;
  const person = fc.record({ session: fc.constant(7), nick: fc.oneof(name, text), displayName: text });
  const entry: fc.Arbitrary<Entry> = fc.record({
    session: fc.constant(7),
    nick: fc.oneof(name, fc.constant("a\r\nQUIT b")),
    displayName: text,
    sequence: fc.constant(5),
    timeMs: fc.constant(5),
    kind: fc.constantFrom(...ENTRY_KINDS),
    rooms: fc.constantFrom([], [room]),
    peer: fc.option(person, { nil: undefined }),
    text: fc.oneof(
      text,
      text.map((value) => `+ban ${value}`),
    ),
    tags: fc.constant(""),
    account: fc.oneof(
      name,
      text.filter((value) => value.length < 100),
    ),
    address: fc.constantFrom("", "user@host", "a b\r\nc"),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), capabilities, (entries, enabled) => {
      client.client.caps.enabled = 0;
      client.enable(...enabled);
      const answer = { entries, more: false, refusal: undefined };
      const page = { after: undefined, before: undefined, take: "newest", limit: 5, events: true } as const;
      for (const question of [
        { kind: "page", of: { room }, page },
        { kind: "targets", afterMs: 0, beforeMs: 9, limit: 5 },
        { kind: "search", text: "x" },
      ] as const)
        assertLines(answerBytes(client.client, question, 1, answer));
    }),
  );
});

test("who says something to a rank that it has not is shown what it said, if it wants that", () => {
  const { client, story } = scene();
  const [room] = story.session("bob").rooms.keys();
  const said: PublicEffect = {
    kind: "said",
    session: story.session("bob"),
    room: story.state.rooms.get(room!)!,
    text: encodeUtf8("psst"),
    tags: "",
    atLeast: "operator",
  };
  const key = (isOrigin: boolean, ...enabled: Capability[]): boolean => {
    client.client.caps.enabled = 0;
    client.enable(...enabled);
    return publicKey(client.client, said, isOrigin) !== undefined;
  };
  assert.equal(key(false), true, "alice has made the room");
  const bob = new TestIrcClient(story.state, story.session("bob").id);
  bob.client.isWelcome = true;
  assert.equal(publicKey(bob.client, said, false), undefined);
  assert.equal(publicKey(bob.client, said, true), undefined);
  bob.enable("echo-message");
  assert.notEqual(publicKey(bob.client, said, true), undefined);
});
