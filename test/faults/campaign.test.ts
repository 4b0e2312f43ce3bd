import assert from "node:assert/strict";
import { test } from "node:test";
import { type Fault, runCampaign } from "./campaign.ts";

const SEED = Number(process.env["CHORUS_SEED"] ?? Math.floor(Math.random() * 1e9));

for (const [fault, rounds] of [
  ["all", 3],
  ["worker", 2],
  ["history", 2],
] as [Fault, number][]) {
  test(`killed under load (${fault}), nothing that anybody received is lost`, async (t) => {
    t.diagnostic(`CHORUS_SEED=${SEED}`);
    const { received, stored } = await runCampaign({ rounds, seed: SEED, faults: [fault] });
    t.diagnostic(`${received} received, ${stored} stored`);
    assert.ok(received > 0);
  });
}
