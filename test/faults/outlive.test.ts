import { test } from "node:test";
import { OUTLIVE_FAULTS, type OutliveOptions, describeOutlive, runOutlive } from "./outlive.ts";

const SEED = Number(process.env["CHORUS_SEED"] ?? Math.floor(Math.random() * 1e9));

for (const [how, options] of [
  ["processes that many share", { rounds: OUTLIVE_FAULTS.length + 4 }],
  [
    "a process each, without a history",
    {
      rounds: 8,
      clients: 12,
      talkers: 5,
      linesPerSecond: 300,
      processes: 16,
      faults: ["worker", "workers", "greeter", "spare", "supervisor", "reload"],
      flags: ["--history", "off"],
    },
  ],
] as [string, Omit<OutliveOptions, "seed">][]) {
  test(`clients outlive what serves them: ${how}`, { timeout: 180_000 }, async (t) => {
    t.diagnostic(`CHORUS_SEED=${SEED}`);
    const result = await runOutlive({ ...options, seed: SEED });
    for (const line of describeOutlive(result).split("\n")) t.diagnostic(line);
  });
}
