/*
 * One producer to four consuming processes, and four producers to four, with messages of 100 bytes: this log, beside
 * the other ways in which Node's processes on one machine can tell each other something. Order and loss are checked
 * while it runs: a rival that loses, repeats or reorders a message ends the benchmark.
 *
 *      producer 1 ─┐                                  ┌─ consumer 1
 *          …       ├─► log │ pipes │ send │ … ───────┤      …
 *      producer 4 ─┘                                  └─ consumer 4
 *
 *   npm run bench:log                      everything: about eight minutes on an idle machine
 *   npm run bench:log -- chorusLog redis   some of them
 *   node bench/log.ts --smallest           a few thousand messages: that it works, not how fast
 *
 * Each run has a warm-up round, a round as fast as it goes, and one of 1,000 messages a second, which is where
 * latency is taken: from just before the producer's send to the consumer's handler.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { Assignment, Results } from "./rivals/crew.ts";
import type { Report, Round } from "./rivals/task.ts";
import { describeMachine, formatNumber, formatTable, median, percentile } from "./support/table.ts";

const CONSUMERS = 4;
const REPETITIONS = 5;
const PACE_PER_SECOND = 1000;

interface Rival {
  readonly file: string;
  readonly name: string;
  /** For the fast round: at least ten million for what can do that in a moment, seconds of work for the others. */
  readonly messages: number;
  /** A program that has to be installed. */
  readonly program?: string;
  /** All consumers see the messages of several producers in the same order. */
  readonly isOrdered: boolean;
}

const RIVALS: readonly Rival[] = [
  { file: "chorusLog", name: "chorus/log", messages: 20_000_000, isOrdered: true },
  {
    file: "pipeRelay",
    name: "parent copies 64 KiB batches over pipes",
    messages: 10_000_000,
    isOrdered: true,
  },
  {
    file: "redis",
    name: "Redis, PUBLISH pipelined",
    program: "redis-server",
    messages: 1_000_000,
    isOrdered: true,
  },
  { file: "broadcastChannel", name: "BroadcastChannel, threads", messages: 200_000, isOrdered: false },
  { file: "sendRelay", name: "process.send, relayed by the parent", messages: 100_000, isOrdered: true },
];

interface Row {
  readonly rival: Rival;
  readonly producers: number;
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const words = process.argv.slice(2);
const isSmallest = words.includes("--smallest");
const chosen = words.filter((word) => !word.startsWith("--"));

async function runOnce(rival: Rival, producers: number): Promise<Row> {
  const messages = isSmallest ? 4000 : rival.messages;
  const fast: Round = { messages, perSecond: 0 };
  const paced: Round = { messages: (isSmallest ? 0.1 : 5) * PACE_PER_SECOND, perSecond: PACE_PER_SECOND };
  const warmUp: Round = { messages: messages / 5, perSecond: 0 };
  const task: Assignment = { producers, consumers: CONSUMERS, rounds: [warmUp, fast, paced] };
  const file = fileURLToPath(new URL(`rivals/${rival.file}.ts`, import.meta.url));
  const child = spawn(process.execPath, [file, JSON.stringify(task)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (code !== 0) throw new Error(`${rival.name} ended with code ${code}`);
  const results = JSON.parse(output) as Results;
  for (const [index, round] of task.rounds.entries()) check(rival, round, results[index]!);
  const [, fastReports, pacedReports] = results;
  const latenciesUs = consumersOf(pacedReports!).flatMap((report) => report.latenciesUs);
  return {
    rival,
    producers,
    perSecond: (1000 * messages) / durationMs(fastReports!),
    cpuUs: fastReports!.reduce((sum, report) => sum + report.cpuUs, 0) / messages,
    p50Us: median(latenciesUs),
    p99Us: percentile(latenciesUs, 0.99),
  };
}

function consumersOf(reports: readonly Report[]): Report[] {
  return reports.filter((report) => report.role === "consumer");
}

/** From the order to produce until the last consumer had the last message. */
function durationMs(reports: readonly Report[]): number {
  const parent = reports.find((report) => report.role === "parent")!;
  return Math.max(...consumersOf(reports).map((report) => report.endedMs)) - parent.startedMs;
}

function check(rival: Rival, round: Round, reports: readonly Report[]): void {
  const consumers = consumersOf(reports);
  for (const { faults, received } of consumers) {
    if (faults > 0 || received !== round.messages)
      throw new Error(`${rival.name}: ${received} of ${round.messages} messages, ${faults} faults`);
  }
  const orders = new Set(consumers.map((report) => report.orderHash));
  if (rival.isOrdered && orders.size !== 1) throw new Error(`${rival.name}: consumers saw different orders`);
}

function middle(rows: readonly Row[]): Row {
  const of = (field: "perSecond" | "cpuUs" | "p50Us" | "p99Us"): number =>
    median(rows.map((row) => row[field]));
  return {
    ...rows[0]!,
    perSecond: of("perSecond"),
    cpuUs: of("cpuUs"),
    p50Us: of("p50Us"),
    p99Us: of("p99Us"),
  };
}

const unknown = chosen.filter((word) => !RIVALS.some(({ file }) => file === word));
if (unknown.length > 0) {
  console.error(
    `no such rival: ${unknown.join(", ")}; there are ${RIVALS.map(({ file }) => file).join(", ")}`,
  );
  process.exit(2);
}
const rivals = RIVALS.filter(({ file, program }) => {
  if (chosen.length > 0 && !chosen.includes(file)) return false;
  if (program === undefined || spawnSync(program, ["--version"]).error === undefined) return true;
  console.log(`${program} is not installed: left out`);
  return false;
});
const rows: Row[] = [];
for (const producers of [1, 4]) {
  for (const rival of rivals) {
    const repetitions: Row[] = [];
    for (let i = 0; i < (isSmallest ? 1 : REPETITIONS); i += 1)
      repetitions.push(await runOnce(rival, producers));
    rows.push(middle(repetitions));
  }
}

console.log(describeMachine());
console.log(
  `Each of ${CONSUMERS} consumers gets every message of 100 bytes. Medians of ${REPETITIONS} runs.\n`,
);
const headings = [
  "",
  "producers",
  "messages in a run",
  "messages/s",
  "this log is faster by",
  "CPU µs a message, all processes",
  `p50 µs at ${formatNumber(PACE_PER_SECOND)}/s`,
  "p99 µs",
];
console.log(
  formatTable(
    headings,
    rows.map((row) => {
      const ours = rows.find((other) => other.producers === row.producers);
      return [
        row.rival.name,
        String(row.producers),
        formatNumber(isSmallest ? 4000 : row.rival.messages),
        formatNumber(row.perSecond),
        formatNumber(ours!.perSecond / row.perSecond),
        formatNumber(row.cpuUs),
        formatNumber(row.p50Us),
        formatNumber(row.p99Us),
      ];
    }),
  ),
);
