import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, utf8Length } from "../base/index.ts";
import { REASON_BYTES_MAX } from "./index.ts";
import { Story } from "../../test/support/story.ts";

test("a reason is so long at most, whatever it is for, and ends with a whole character", () => {
  const long = "\u5c0f".repeat(1000);
  const cut = long.slice(0, REASON_BYTES_MAX / 3);
  assert.equal(utf8Length(cut), REASON_BYTES_MAX);
  const story = new Story("alice", "bob", "carol", "dan");
  for (const line of ["process 5 keeps history", "account Olga is operator", "alice opers Olga"])
    story.apply(line);
  story.apply("alice joins #tea");
  const said: Record<string, string[]> = {};
  for (const line of [
    `alice kicks #lobby bob ${long}`,
    `carol parts #lobby: ${long}x`,
    `alice renames #tea #den ${long}`,
    "alice sets #den +inviteOnly",
    `bob knocks #den: ${long}`,
    `alice kills carol ${long}`,
    `dan leaves quit: ${long}`,
    `alice parts #den: short`,
  ])
    for (const effect of story.apply(line))
      if ("text" in effect && effect.text instanceof Uint8Array)
        (said[effect.kind] ??= []).push(decodeUtf8(effect.text));
  assert.deepEqual(said, {
    kicked: [cut],
    parted: [cut, "short"],
    roomRenamed: [cut],
    knocked: [cut],
    killed: [cut],
    left: [cut, cut],
  });
});
