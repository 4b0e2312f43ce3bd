import assert from "node:assert/strict";
import { test } from "node:test";
import { RUN_VARIABLE, findLeftovers } from "./leftovers.ts";

/** Set by scripts/test.ts, which runs this file as its last stage. */
const FILES_BEFORE_VARIABLE = "CHORUS_TEST_FILES_BEFORE";

test("the run has left no process and no segment file behind", async () => {
  const run = process.env[RUN_VARIABLE];
  const before = process.env[FILES_BEFORE_VARIABLE];
  assert(run !== undefined && before !== undefined, "this is the last stage of npm test, not a test by itself");
  assert.deepEqual(await findLeftovers(run, before.split("/")), []);
});
