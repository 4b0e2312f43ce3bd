/*
 * The long campaign of faults:
 *
 *   npm run test:faults -- --rounds 200
 *   npm run test:faults -- --rounds 1 --seed 4711      as a failure says it
 *
 * Each round has a seed of its own, so that the one that failed can be run alone.
 */
import { parseArgs } from "node:util";
import { type Fault, runCampaign } from "./campaign.ts";

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    seed: { type: "string" },
    faults: { type: "string", default: "all,worker,history" },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
console.log(`seed ${seed}`);
try {
  const result = await runCampaign({
    rounds: Number(values.rounds),
    seed,
    faults: values.faults.split(",") as Fault[],
    onRound: (round, text) => console.log(`round ${round}, ${text}`),
  });
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(error);
  console.error(
    `again: npm run test:faults -- --rounds ${values.rounds} --seed ${seed} --faults ${values.faults}`,
  );
  process.exitCode = 1;
}
