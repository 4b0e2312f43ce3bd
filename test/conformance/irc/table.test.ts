import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";

test("docs/irc.md says what the server does", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/irc-table.ts", "--check"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
});
