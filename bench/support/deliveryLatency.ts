/* What keeping a history costs those who talk: the same conversation with it and without, in turns. */
import { TestServer } from "../../test/support/server.ts";
import { Crowd } from "./crowd.ts";
import { cpuOfUs } from "./processes.ts";
import { formatNumber, formatTable, median, percentile } from "./table.ts";

const CLIENTS = 10;
const SENDERS = 10;
const MESSAGES_PER_SECOND = 1000;

/** In turns, because the machine's neighbours come and go. */
const WAYS = [
  { name: "history on", flags: [] },
  { name: "history off", flags: ["--history", "off"] },
] as const;

interface Run {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

async function run(flags: readonly string[], seconds: number): Promise<Run> {
  await using server = await TestServer.start(flags);
  using crowd = new Crowd();
  await crowd.join(server.port, CLIENTS);
  const messages = MESSAGES_PER_SECOND * seconds;
  // The first second is slower for everybody.
  await crowd.talk(MESSAGES_PER_SECOND * Math.min(seconds, 2), SENDERS, messages, MESSAGES_PER_SECOND);
  const pids = [server.child.pid!, ...(await server.status()).log.map(({ pid }) => pid)];
  const beforeUs = cpuOfUs(pids);
  await crowd.talk(messages, SENDERS, messages, MESSAGES_PER_SECOND);
  const cpuUs = (cpuOfUs(pids) - beforeUs) / messages;
  const latencies = crowd.latenciesMs;
  return { p50Ms: median(latencies), p99Ms: percentile(latencies, 0.99), cpuUs };
}

/** A table of medians over `rounds` runs of `seconds` each. */
export async function compareDeliveryLatency(rounds: number, seconds: number): Promise<string> {
  const runs = WAYS.map((): Run[] => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, { flags }] of WAYS.entries()) runs[index]!.push(await run(flags, seconds));
  }
  const of = (way: readonly Run[], value: (run: Run) => number): string =>
    formatNumber(median(way.map(value)));
  return formatTable(
    [
      `${MESSAGES_PER_SECOND} messages/s to ${CLIENTS} clients`,
      "p50 ms",
      "p99 ms",
      "server CPU µs a message",
    ],
    WAYS.map(({ name }, index) => [
      name,
      of(runs[index]!, (each) => each.p50Ms),
      of(runs[index]!, (each) => each.p99Ms),
      of(runs[index]!, (each) => each.cpuUs),
    ]),
  );
}
