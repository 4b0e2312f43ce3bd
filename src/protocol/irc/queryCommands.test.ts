import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TestIrcClient, testIrcServer } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import { PARAMS_MAX, parseText } from "./message.ts";
import { QUERY_COMMANDS } from "./queryCommands.ts";

/** Everything about Alice is as long as it can be, and in characters that have many bytes. */
function scene(): TestIrcClient {
  const story = new Story();
  const room = `#${"茶".repeat(20)}`;
  for (const line of [
    "alice is seated as irc",
    `alice registers ${"a".repeat(24)} 小明 ${"𝕏".repeat(150)}`,
    `alice joins ${room}`,
    `alice topic ${room} ${"茶".repeat(133)}`,
    `alice away ${"茶".repeat(66)}`,
    "bob is seated as irc",
    "bob registers bob bob",
    `bob joins ${room}`,
    "bob nick robert",
    "bob flags +bot",
  ])
    story.apply(line);
  const server = testIrcServer({
    serverName: `${"s".repeat(55)}.example`,
    motd: "𝕏".repeat(300),
    admin: "𝕏".repeat(200),
  });
  return new TestIrcClient(story.state, story.session("alice").id, server);
}

test("whatever is asked, each reply is a line that fits and says what it is a reply to", () => {
  const client = scene();
  const nick = "a".repeat(24);
  const word = fc.oneof(
    fc.constantFrom(
      nick,
      "robert",
      "bob",
      "小明",
      "*",
      "0",
      "+",
      "S",
      "L",
      "u",
      "o",
      "%tcuihsnfdlaor,7",
      "s*",
    ),
    fc.constant(`#${"茶".repeat(20)}`),
    fc.string({
      unit: fc.constantFrom("a", "*", "?", "!", "@", "#", "茶", "𝕏", ",", ":", "%", "<", "1", " "),
      maxLength: 150,
    }),
  );
  const params = fc.array(word, { maxLength: 3 });
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(QUERY_COMMANDS)), params, (command, params) => {
      // As a line has them: only the last may have blanks, or be empty.
      const middle = params.slice(0, -1).map((param) => param.replaceAll(/[: ]/g, "") || "x");
      const last = params.slice(-1).map((param) => `:${param}`);
      const message = parseText([command, ...middle, ...last].join(" "));
      assert.ok(message !== "empty");
      if (message.params.length < QUERY_COMMANDS[command]!.paramsMin) return;
      QUERY_COMMANDS[command]!.run(client.client, message);
      for (const line of client.port.take()) {
        assert.ok(Buffer.byteLength(line) <= 510, line);
        assert.ok(line.isWellFormed() && !/[\r\n\0]/.test(line), line);
        const reply = parseText(line);
        assert.ok(reply !== "empty");
        assert.match(reply.command, /^\d{3}$/);
        assert.equal(reply.params[0], nick);
        assert.ok(reply.params.length >= 2 && reply.params.length <= PARAMS_MAX, line);
      }
    }),
    { numRuns: 2000 },
  );
});
