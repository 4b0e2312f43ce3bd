/*
 * Does the machine keep what the log builds on? Two real processes on one really mapped file, in every compiler tier.
 *
 *   store buffering   each stores its own word, then loads the other's: never do both miss the other's store.
 *                     This is the handshake of sleep: "I publish, then look whether you sleep" against "I say that I
 *                     sleep, then look whether you published".
 *   message passing   one writes a payload with plain stores, then stores its position: who has loaded the position
 *                     sees the whole payload. The other stores that it has consumed it: until then it sees nothing
 *                     that was written over it.
 *   tearing           a plain store of an aligned word is never seen half.
 *
 * The language promises none of it for a mapped ArrayBuffer. So it is tried. What has two writers of one word (2+2W)
 * is not tried: the log has no such word. Nor is `--jitless`: it runs the same interpreter, and no TypeScript.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { text } from "node:stream/consumers";
import { type TestContext, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createSegmentFile } from "../../src/node/mapping.ts";
import { LITMUS_BYTES, type Tally, type Tier } from "./shared.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const PATH = `/dev/shm/chorus-litmus-${process.pid}`;
const TRIALS = 200_000;

/** The flags that make code end in each tier. Each child tells whether it did; without flags that may vary. */
const TIERS: readonly [string, Tier | undefined, readonly string[]][] = [
  ["the interpreter", "interpreter", ["--max-opt=0"]],
  ["the baseline compiler", "baseline", ["--always-sparkplug", "--max-opt=1"]],
  ["maglev", "maglev", ["--max-opt=2"]],
  ["turbofan", "turbofan", ["--no-maglev"]],
  ["one tier after the other", undefined, []],
];

/** @param test its name, the number of trials, the tier */
async function runPair(t: TestContext, flags: readonly string[], test: readonly string[]): Promise<Tally> {
  const descriptor = createSegmentFile(PATH, LITMUS_BYTES);
  // The descriptor is enough: whatever happens from here on, no file stays.
  rmSync(PATH);
  const children = ["0", "1"].map((side) =>
    spawn(process.execPath, ["--allow-natives-syntax", ...flags, CHILD, side, ...test], {
      stdio: ["ignore", "pipe", "pipe", descriptor],
      signal: t.signal,
      killSignal: "SIGKILL",
    }),
  );
  closeSync(descriptor);
  const results = await Promise.all(
    children.map(async (child) => {
      const closed = once(child, "close");
      const [output, errors] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
      const [code] = (await closed) as [number | null];
      // A side that died leaves the other waiting.
      if (code !== 0) for (const one of children) one.kill("SIGKILL");
      return { output, errors, code };
    }),
  );
  const errors = results.map((result) => result.errors).join("");
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0],
    errors,
  );
  t.diagnostic(results[0]!.output);
  return JSON.parse(results[0]!.output) as Tally;
}

suite("litmus", { timeout: 120_000 }, () => {
  before(() => assert.ok(availableParallelism() >= 2, "two processes must run at the same time for this"));

  for (const [title, tier, flags] of TIERS) {
    for (const [name, what] of [
      ["store-buffering", "both missed the other's store"],
      ["message-passing", "a position was seen before what it tells, or after it was written over"],
      ["tearing", "half a word was seen"],
    ] as const) {
      test(`${name}: ${title}`, async (t) => {
        const tally = await runPair(t, flags, [name, String(TRIALS), ...(tier === undefined ? [] : [tier])]);
        assert.equal(tally.forbidden, 0, what);
        assert.ok(tally.overlapping > 0, "the two never ran at the same time: nothing was tried");
        if (tier !== undefined) assert.equal(tally.tier, tier);
      });
    }
  }

  for (const name of ["store-buffering-plain", "tearing-bytes"]) {
    test(`${name} shows what is forbidden, so these tests can fail`, async (t) => {
      const tally = await runPair(t, [], [name, "0"]);
      assert.ok(tally.forbidden > 0, "nothing was seen: did the two ever run at the same time?");
    });
  }
});
