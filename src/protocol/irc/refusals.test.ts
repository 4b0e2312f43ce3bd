import assert from "node:assert/strict";
import { test } from "node:test";
import { TestIrcClient } from "../../../test/support/ircPort.ts";
import { Story } from "../../../test/support/story.ts";
import type { ClientWish, RefusalReason } from "../../chat/index.ts";
import { IRC_COMMANDS } from "./commands.ts";
import { tell } from "./tell.ts";

function scene(): { client: TestIrcClient; say(line: string): string[]; refuse(...of: Refusal): string[] } {
  const story = new Story();
  for (const line of [
    "process 99 keeps history",
    "alice is seated in 11 as irc from host",
    "alice registers alice alice Alice",
    "alice joins #tea",
  ])
    story.apply(line);
  const session = story.session("alice");
  const client = new TestIrcClient(story.state, session.id);
  client.client.isWelcome = true;
  return {
    client,
    say: (line) => client.ask(IRC_COMMANDS, line),
    refuse: (wished, reason, about) => {
      client.client.replies.applying();
      const moment = { sequence: 1, timeMs: 1 };
      tell(client.client, { kind: "refused", session, reason, about }, moment, true, wished);
      client.client.replies.applied();
      return client.port.take().map((line) => line.replace(":irc.example ", ""));
    },
  };
}

type Refusal = [wished: ClientWish["kind"], reason: RefusalReason, about: string];

test("a refusal names what the wish named", () => {
  const { say, refuse } = scene();
  say("INVITE bob #tea");
  assert.deepEqual(refuse("invite", "alreadyInRoom", "bob"), ["443 alice bob #tea :is already on channel"]);
  say("KICK #tea bob");
  assert.deepEqual(refuse("kick", "targetNotInRoom", "bob"), [
    "441 alice bob #tea :They aren't on that channel",
  ]);
  say("NOTICE bob :hi");
  assert.deepEqual(refuse("speak", "silenced", "bob"), []);
  say("PRIVMSG bob :hi");
  assert.deepEqual(refuse("speak", "silenced", "bob"), ["531 alice bob :You may not speak on this server"]);
  say("PRIVMSG #tea :hi");
  assert.deepEqual(refuse("speak", "silenced", "#tea"), ["404 alice #tea :You may not speak on this server"]);
});

test("what a client has sent is fit to stand in the middle of an answer, wherever it stands", () => {
  const { client, say, refuse } = scene();
  client.enable("standard-replies", "sasl", "draft/chathistory", "draft/message-redaction");
  for (const [line, answer] of [
    ["REDACT #a :b c", "FAIL REDACT UNKNOWN_MSGID #a b :There is no such message"],
    ["MARKREAD :#tea x", "MARKREAD #tea *"],
    ["MARKREAD #tea :a b", "FAIL MARKREAD INVALID_PARAMS a :That is no timestamp"],
    ["FILTER :a b", "FAIL FILTER INVALID_PARAMS a :ADD, DEL or LIST"],
    ["SILENCE :", "FAIL SILENCE INVALID_PARAMS * :ADD, DEL or LIST"],
    ["MODE :#a b", "403 alice #a :No such channel"],
    ["TOPIC :#a b", "403 alice #a :No such channel"],
    ["PART :a b", "403 alice a :No such channel"],
    ["MODE :: x", "401 alice x :No such nick"],
    ["NICK :a b", "432 alice a :Erroneous"],
    ["CAP :: x", "410 alice x :Invalid CAP command"],
  ] as const) {
    const [told = ""] = say(line);
    assert.equal(told.slice(0, answer.length), answer);
  }
  assert.deepEqual(refuse("kick", "noSuchName", ":a b"), ["401 alice a :No such nick"]);
});
