/*
 * Bytes that nobody should send, against a live server, for as long as you like:
 *
 *   npm run test:fuzz -- --seconds 600
 *   npm run test:fuzz -- --seed 4711 --only 12,17      as a failure says it
 *
 * Every minute is a run of its own, with a server and a seed of its own.
 */
import { parseArgs } from "node:util";
import { formatNumber } from "../../bench/support/table.ts";
import { MiB } from "../../src/base/index.ts";
import { runFuzz } from "./fuzz.ts";

const RUN_SECONDS = 60;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    /** Numbers of connections, with commas between them. */
    only: { type: "string" },
    /** Connections at a time. */
    together: { type: "string" },
  },
});
const only = values.only?.split(",").map(Number);
let seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const endsMs = performance.now() + Number(values.seconds) * 1000;

try {
  for (;;) {
    const seconds = Math.min(RUN_SECONDS, (endsMs - performance.now()) / 1000);
    console.log(`seed ${seed}`);
    const result = await runFuzz({
      seconds,
      seed,
      ...(only && { only }),
      ...(values.together !== undefined && { together: Number(values.together) }),
    });
    console.log(
      `${formatNumber(result.connections)} connections sent ${formatNumber(result.sentBytes)} bytes; ` +
        `${formatNumber(result.witnessed)} lines of witnesses were heard; ` +
        `${result.answered} connections answered at the end; ` +
        `no process had more than ${formatNumber(result.memoryBytesMax / MiB)} MiB`,
    );
    if (only !== undefined || performance.now() >= endsMs) break;
    seed += 1;
  }
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
