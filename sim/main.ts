/*
 * The simulation: many conversations on pretended machines, each from one seed, with the code that ships.
 *
 *   node sim/main.ts                       a thousand seeds, beginning at a random one
 *   node sim/main.ts --seeds 10000         so many
 *   node sim/main.ts --seed 4711           from this one on
 *   node sim/main.ts --seed 4711 --seeds 1 this one alone, as a failure says it
 *   node sim/main.ts --no-successions      with a supervisor that never dies
 *   node sim/main.ts --seed 4711 --log      with what the server writes into its log
 *
 * Ends with 1 at the first failure, and prints the command that shows it again.
 */
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { type Report, World } from "../src/sim/index.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    seed: { type: "string" },
    events: { type: "string", default: "200" },
    people: { type: "string", default: "5" },
    "no-successions": { type: "boolean", default: false },
    log: { type: "boolean", default: false },
  },
});
const events = Number(values.events);
const people = Number(values.people);
const first = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed);
const count = Number(values.seeds);
const flag = values["no-successions"] ? " --no-successions" : "";

const total: Record<string, number> = {};
const startMs = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const database = new DatabaseSync(":memory:");
  try {
    add(
      new World({
        seed,
        events,
        people,
        successions: !values["no-successions"],
        createDatabase: () => database,
        log: (text) => {
          if (values.log) console.log(text);
        },
      }).run(),
    );
  } catch (error) {
    console.error(`seed ${seed} failed: ${error instanceof Error ? error.stack : String(error)}`);
    console.error(
      `again: node sim/main.ts --seed ${seed} --seeds 1 --events ${events} --people ${people}${flag} --log`,
    );
    process.exit(1);
  } finally {
    database.close();
  }
}
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(`${count} seeds from ${first} in ${seconds} s: ${JSON.stringify(total)}`);

function add(report: Report): void {
  for (const [name, value] of Object.entries(report)) total[name] = (total[name] ?? 0) + value;
}
