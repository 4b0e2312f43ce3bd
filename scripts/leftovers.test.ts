import assert from "node:assert/strict";
import { test } from "node:test";
import { FILES_BEFORE_VARIABLE, RUN_VARIABLE, findLeftovers } from "./leftovers.ts";

test("the run has left no process and no segment file behind", async () => {
  const run = process.env[RUN_VARIABLE];
  const before = process.env[FILES_BEFORE_VARIABLE];
  assert(run !== undefined && before !== undefined, "run by scripts/test.ts, as the last stage of a run");
  assert.deepEqual(await findLeftovers(run, before.split("/")), []);
});
