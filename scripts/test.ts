/*
 * Runs all tests, stage after stage, as one run of node:test with one list of totals at its end.
 *
 *   node scripts/test.ts                everything
 *   node scripts/test.ts system         one stage; the check for what was left behind follows always
 *   node scripts/test.ts unit src/log   what of a stage begins with this path
 */
import { randomUUID } from "node:crypto";
import { globSync } from "node:fs";
import { Readable } from "node:stream";
import { type TestEvent, run } from "node:test";
import { spec } from "node:test/reporters";
import { RUN_VARIABLE, segmentFiles } from "./leftovers.ts";

interface Stage {
  readonly name: string;
  readonly files: readonly string[];
  /** Files at a time. Tests of real processes want the machine for themselves: they measure what others cost. */
  readonly concurrency: number;
}

const STAGES: readonly Stage[] = [
  { name: "unit", files: ["src/**/*.test.ts"], concurrency: 2 },
  { name: "model", files: ["test/model/**/*.test.ts"], concurrency: 2 },
  { name: "property", files: ["test/property/**/*.test.ts"], concurrency: 2 },
  { name: "system", files: ["test/system/**/*.test.ts"], concurrency: 1 },
  { name: "bench", files: ["bench/**/*.test.ts"], concurrency: 1 },
];
const LAST_STAGE: Stage = { name: "leftovers", files: ["scripts/leftovers.test.ts"], concurrency: 1 };

/** A file that takes longer hangs: the whole may take 25 minutes. */
const FILE_LIMIT_MS = 10 * 60 * 1000;

type Counts = Record<"tests" | "suites" | "passed" | "failed" | "cancelled" | "skipped" | "todo" | "topLevel", number>;

/** The events of all stages as if they were one run: each stage's own totals are kept back and added up. */
async function* runStages(stages: readonly Stage[], prefix: string): AsyncGenerator<TestEvent> {
  const counts: Counts = {
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
  for (const { files: patterns, concurrency } of stages) {
    const files = globSync([...patterns]).filter((file) => file.startsWith(prefix) || stages.length > 1).toSorted();
    if (files.length === 0) continue;
    const events = run({ files, concurrency, timeout: FILE_LIMIT_MS }) as AsyncIterable<TestEvent>;
    for await (const event of events) {
      if (event.type === "test:summary" && event.data.file === undefined) {
        for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] += event.data.counts[key];
        durationMs += event.data.duration_ms;
      } else if (!isTotal(event)) yield event;
    }
  }
  // As node:test itself would have said it.
  const totals = {
    tests: counts.tests,
    suites: counts.suites,
    pass: counts.passed,
    fail: counts.failed,
    cancelled: counts.cancelled,
    skipped: counts.skipped,
    todo: counts.todo,
    duration_ms: durationMs,
  };
  for (const [name, value] of Object.entries(totals)) {
    yield { type: "test:diagnostic", data: { nesting: 0, message: `${name} ${value}`, level: "info" } } as TestEvent;
  }
  const success = counts.tests > 0 && counts.failed + counts.cancelled === 0;
  yield { type: "test:summary", data: { file: undefined, counts, duration_ms: durationMs, success } } as TestEvent;
  if (!success) process.exitCode = 1;
}

function isTotal(event: TestEvent): boolean {
  return (
    event.type === "test:diagnostic" &&
    event.data.nesting === 0 &&
    /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(event.data.message)
  );
}
