/*
 * The long campaigns of faults:
 *
 *   npm run test:faults -- --rounds 200                       servers that are killed: what is in the history then
 *   npm run test:faults -- --rounds 1 --seed 4711             as a failure says it
 *   npm run test:faults -- --scenario outlive --rounds 500    clients outlive the processes that serve them
 *
 * In the first, each round has a server of its own; in the second, one server and its clients go through all rounds.
 */
import { parseArgs } from "node:util";
import { type Fault, runCampaign } from "./campaign.ts";
import { type OutliveFault, describeOutlive, runOutlive } from "./outlive.ts";

const { values } = parseArgs({
  options: {
    scenario: { type: "string", default: "history" },
    rounds: { type: "string", default: "20" },
    seed: { type: "string" },
    /** Some of those that the scenario knows, with commas between them. */
    faults: { type: "string" },
    /** Of outlive: see `OutliveOptions`. */
    clients: { type: "string" },
    talkers: { type: "string" },
    "lines-per-second": { type: "string" },
    processes: { type: "string" },
  },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const common = {
  rounds: Number(values.rounds),
  seed,
  onRound: (round: number, text: string) => console.log(`round ${round}, ${text}`),
};

async function runHistory(): Promise<string> {
  const faults = values.faults?.split(",") as Fault[] | undefined;
  return JSON.stringify(await runCampaign({ ...common, ...(faults && { faults }) }));
}

async function runOutliving(): Promise<string> {
  const faults = values.faults?.split(",") as OutliveFault[] | undefined;
  // As a limit of time says it: what was found so far is told, and the server is not left behind.
  const interrupted = new AbortController();
  process.on("SIGTERM", () => interrupted.abort());
  const result = await runOutlive({
    ...common,
    signal: interrupted.signal,
    ...(faults && { faults }),
    ...numberOf("clients", values.clients),
    ...numberOf("talkers", values.talkers),
    ...numberOf("linesPerSecond", values["lines-per-second"]),
    ...numberOf("processes", values.processes),
  });
  return describeOutlive(result);
}

function numberOf(name: string, text: string | undefined): Record<string, number> {
  return text === undefined ? {} : { [name]: Number(text) };
}

const run = { history: runHistory, outlive: runOutliving }[values.scenario];
if (run === undefined) {
  console.error(`there is no scenario ${values.scenario}: history or outlive`);
  process.exit(2);
}
console.log(`seed ${seed}`);
try {
  console.log(await run());
} catch (error) {
  console.error((error as Error).stack);
  const given = process.argv.slice(2).join(" ");
  console.error(
    `again: npm run test:faults -- ${given}${values.seed === undefined ? ` --seed ${seed}` : ""}`,
  );
  process.exitCode = 1;
}
