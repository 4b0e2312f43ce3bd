/*
 * Runs all tests, stage after stage, as one run of node:test with one list of totals at its end.
 *
 *   node scripts/test.ts                    everything
 *   node scripts/test.ts system             the stages that are named
 *   node scripts/test.ts unit src/log       of those, the files whose path begins so
 *
 * Whatever was asked for, the last stage looks for processes and segment files that the run has left behind.
 */
import { randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { Readable } from "node:stream";
import { run } from "node:test";
import { type TestEvent, spec } from "node:test/reporters";
import { FILES_BEFORE_VARIABLE, RUN_VARIABLE, segmentFiles } from "./leftovers.ts";

interface Stage {
  readonly name: string;
  readonly files: string;
  /** Files at a time. Tests of real processes want the machine for themselves: they measure what others cost. */
  readonly concurrency: number;
}

const STAGES: readonly Stage[] = [
  { name: "unit", files: "src/**/*.test.ts", concurrency: 2 },
  { name: "conformance", files: "test/conformance/**/*.test.ts", concurrency: 2 },
  { name: "model", files: "test/{model,litmus}/**/*.test.ts", concurrency: 2 },
  { name: "property", files: "test/property/**/*.test.ts", concurrency: 2 },
  { name: "sim", files: "sim/**/*.test.ts", concurrency: 1 },
  { name: "faults", files: "test/faults/**/*.test.ts", concurrency: 1 },
  { name: "fuzz", files: "test/fuzz/**/*.test.ts", concurrency: 1 },
  { name: "system", files: "test/system/**/*.test.ts", concurrency: 1 },
  { name: "bench", files: "bench/**/*.test.ts", concurrency: 1 },
];
const LAST_STAGE: Stage = { name: "leftovers", files: "scripts/leftovers.test.ts", concurrency: 1 };

/** A file that takes longer hangs: everything together may take 25 minutes. */
const FILE_LIMIT_MS = 10 * 60 * 1000;

/** The events of all stages as those of one run: each stage's own totals are held back and added up. */
async function* runStages(stages: readonly Stage[], prefix: string): AsyncGenerator<TestEvent, void> {
  const counts = {
    tests: 0,
    suites: 0,
    passed: 0,
    failed: 0,
    cancelled: 0,
    skipped: 0,
    todo: 0,
    topLevel: 0,
  };
  let durationMs = 0;
  let success = true;
  for (const stage of stages) {
    const files = globSync(stage.files).filter((file) => stage === LAST_STAGE || file.startsWith(prefix));
    if (files.length === 0) {
      console.log(`(no ${stage.name} tests${prefix === "" ? "" : ` in ${prefix}`})`);
      continue;
    }
    const options = { files: files.toSorted(), concurrency: stage.concurrency, timeout: FILE_LIMIT_MS };
    for await (const event of run(options) as AsyncIterable<TestEvent>) {
      if (event.type === "test:summary" && event.data.file === undefined) {
        for (const name of keysOf(counts)) counts[name] += countOf(event.data.counts, name);
        durationMs += event.data.duration_ms;
        success &&= event.data.success;
      } else if (!isTotal(event)) {
        yield event;
      }
    }
  }
  if (!success) process.exitCode = 1;
  const { tests, suites, passed, failed, cancelled, skipped, todo } = counts;
  const totals = {
    tests,
    suites,
    pass: passed,
    fail: failed,
    cancelled,
    skipped,
    todo,
    duration_ms: durationMs,
  };
  for (const [name, value] of Object.entries(totals)) {
    yield { type: "test:diagnostic", data: { nesting: 0, message: `${name} ${value}`, level: "info" } };
  }
  yield { type: "test:summary", data: { file: undefined, counts, duration_ms: durationMs, success } };
}

/** What node:test says at the end of each run, in the words that it uses. */
function isTotal(event: TestEvent): boolean {
  return (
    event.type === "test:diagnostic" &&
    event.data.nesting === 0 &&
    /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(event.data.message)
  );
}

function keysOf<T extends object>(value: T): (keyof T)[] {
  return Object.keys(value) as (keyof T)[];
}

/** The types of node:test do not know yet that failures are counted too. */
function countOf(counts: Readonly<Record<string, number>>, name: string): number {
  return counts[name] ?? 0;
}

const names = process.argv.slice(2).filter((argument) => STAGES.some(({ name }) => name === argument));
const [prefix = "", ...rest] = process.argv.slice(2).filter((argument) => !names.includes(argument));
if (rest.length > 0) {
  console.error(`usage: node scripts/test.ts [${STAGES.map(({ name }) => name).join("|")}]… [PATH]`);
  process.exit(2);
}
const wanted = STAGES.filter(({ name }) => names.length === 0 || names.includes(name));
process.env[RUN_VARIABLE] = randomUUID();
process.env[FILES_BEFORE_VARIABLE] = segmentFiles().join("/");
Readable.from(runStages([...wanted, LAST_STAGE], prefix))
  .compose(new spec())
  .pipe(process.stdout);
