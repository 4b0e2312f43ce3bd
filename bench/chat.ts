/*
 * Real TCP clients: what a server can deliver, what a delivery costs it, how late the last ones come, and what it
 * costs to have the clients at all. Beside it, with plain clients, the plainest server there can be, of one process
 * (rivals/chatRelay.ts); with IRC clients, servers that people use.
 *
 *   npm run bench:chat                              plain clients: about five minutes on an idle machine
 *   npm run bench:chat -- --protocol irc            IRC clients: about six
 *   node bench/chat.ts --smallest [--protocol irc]  that it works, not how fast
 *
 * A delivery is one message at one client. The clients live in the process of the benchmark, on the same machine and
 * its processors: what they use is not counted, but the server has to do without it.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { MiB } from "../src/base/index.ts";
import { TestServer, until } from "../test/support/server.ts";
import { startInspircd } from "./rivals/inspircd.ts";
import { startNgircd } from "./rivals/ngircd.ts";
import { Crowd, type CrowdProtocol, isCrowdProtocol } from "./support/crowd.ts";
import { cpuOfUs, pssBytes } from "./support/processes.ts";
import type { Subject } from "./support/subject.ts";
import { describeMachine, formatNumber, formatTable, median, percentile } from "./support/table.ts";

const SENDERS = 10;
/** Messages under way at a time, in the rounds that go as fast as they can. */
const WINDOW = 256;
const { values } = parseArgs({
  options: { protocol: { type: "string", default: "plain" }, smallest: { type: "boolean", default: false } },
});
const isSmallest = values.smallest;
const CROWDS = isSmallest ? [20] : [100, 1000];
/** For each round: as many messages as make so many deliveries. */
const DELIVERIES = isSmallest ? 4000 : 2_000_000;
/** Paced rounds: so many deliveries a second, for so long. */
const PACED_DELIVERIES_PER_SECOND = 10_000;
const PACED_SECONDS = isSmallest ? 0.2 : 20;
const IDLE_SECONDS = isSmallest ? 0.5 : 30;
const CONNECTS = isSmallest ? 2 : 20;

/** Those that do the same work, for each protocol. What they would hold a fast talker up with is switched off. */
const SUBJECTS: Readonly<Record<CrowdProtocol, readonly (() => Promise<Subject>)[]>> = {
  plain: [() => startChorus(), startRelay],
  irc: [() => startChorus("--flood-lines", "0"), startNgircd, startInspircd],
};

async function startChorus(...flags: readonly string[]): Promise<Subject> {
  const server = await TestServer.start(flags);
  return {
    name: "chorus",
    port: server.port,
    pids: async () => [server.child.pid!, ...(await server.status()).log.map(({ pid }) => pid)],
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function startRelay(): Promise<Subject> {
  const file = fileURLToPath(new URL("rivals/chatRelay.ts", import.meta.url));
  const child = spawn(process.execPath, [file], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return {
    name: "one process for all",
    port: Number(port),
    pids: async () => [child.pid!],
    async [Symbol.asyncDispose]() {
      const exit = once(child, "exit");
      child.kill();
      await exit;
    },
  };
}

/** A row of the table for each crowd: as fast as it goes, then at a pace, then silent. */
async function measure(
  protocol: CrowdProtocol,
  start: () => Promise<Subject>,
  clients: number,
): Promise<string[]> {
  await using subject = await start();
  using crowd = new Crowd(protocol);
  await crowd.join(subject.port, clients, subject.newcomers);
  const messages = Math.ceil(DELIVERIES / (clients - 1));
  await crowd.talk(Math.ceil(messages / 4), SENDERS, WINDOW, 0);

  const pids = await subject.pids();
  const beforeUs = cpuOfUs(pids);
  const tookMs = await crowd.talk(messages, SENDERS, WINDOW, 0);
  const cpuUs = cpuOfUs(pids) - beforeUs;
  const deliveries = messages * (clients - 1);

  const perSecond = PACED_DELIVERIES_PER_SECOND / (clients - 1);
  const pacedMessages = Math.ceil(perSecond * PACED_SECONDS);
  const beforePacedUs = cpuOfUs(pids);
  await crowd.talk(pacedMessages, SENDERS, pacedMessages, perSecond);
  const pacedCpuUs = cpuOfUs(pids) - beforePacedUs;
  const latencies = crowd.latenciesMs;
  const idle = await idlePercent(pids);
  return [
    subject.name,
    String(clients),
    formatNumber(deliveries / (tookMs / 1000)),
    formatNumber(cpuUs / deliveries),
    formatNumber(pacedCpuUs / (pacedMessages * (clients - 1))),
    formatNumber(median(latencies)),
    formatNumber(percentile(latencies, 0.99)),
    formatNumber(percentile(latencies, 0.999)),
    `${idle.toFixed(2)} %`,
  ];
}

/** Of one processor, while nobody says anything. */
async function idlePercent(pids: readonly number[]): Promise<number> {
  // What the last round has left to do, collecting garbage for instance, is not idleness.
  await sleep(IDLE_SECONDS * 100);
  const beforeUs = cpuOfUs(pids);
  const startedMs = performance.now();
  await sleep(IDLE_SECONDS * 1000);
  return (cpuOfUs(pids) - beforeUs) / 10 / (performance.now() - startedMs);
}

/** From `connect` to the greeting, for one client after the other. */
async function connectMs(spareProcesses: number): Promise<number[]> {
  await using server = await TestServer.start(["--spare-processes", String(spareProcesses)]);
  const times: number[] = [];
  for (let i = 0; i < CONNECTS; i += 1) {
    await server.hasSpares(spareProcesses);
    const startedMs = performance.now();
    const socket = connect({ port: server.port, host: "127.0.0.1", noDelay: true });
    socket.write("\n");
    await once(socket, "data");
    times.push(performance.now() - startedMs);
    socket.destroy();
    await until("the client to be gone", async () => (await server.status()).clients === 0);
  }
  return times;
}

/** Memory of processes that serve one client each, on average. */
async function workerPssBytes(workers: number): Promise<number> {
  await using server = await TestServer.start();
  using crowd = new Crowd();
  await crowd.join(server.port, workers);
  const sizes = (await server.busyWorkers()).map(pssBytes);
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
}

/** What it costs to have clients, whatever they speak. */
async function tellOfConnections(): Promise<void> {
  const withSpare = median(await connectMs(2));
  const withoutSpare = median(await connectMs(0));
  console.log(`\nFrom connect to the greeting: ${formatNumber(withSpare)} ms with a spare process waiting,`);
  console.log(`${formatNumber(withoutSpare)} ms without. Medians of ${CONNECTS}.`);
  for (const workers of isSmallest ? [2] : [1, 50]) {
    const mib = (await workerPssBytes(workers)) / MiB;
    console.log(
      `Memory of a process of one client, ${workers} of them: ${formatNumber(mib)} MiB (proportional set size).`,
    );
  }
}

async function compare(protocol: CrowdProtocol): Promise<void> {
  const rows: string[][] = [];
  for (const clients of CROWDS) {
    for (const start of SUBJECTS[protocol]) rows.push(await measure(protocol, start, clients));
  }
  console.log(describeMachine());
  const said = { plain: "Messages of 100 bytes", irc: "PRIVMSG with 99 bytes of text to one channel" }[
    protocol
  ];
  console.log(`${said} from ${SENDERS} of the clients; chorus: up to 64 worker processes.\n`);
  const headings = [
    "",
    "clients",
    "deliveries/s",
    "server CPU µs a delivery",
    `the same at ${formatNumber(PACED_DELIVERIES_PER_SECOND)} deliveries/s`,
    "p50 ms",
    "p99 ms",
    "p99.9 ms",
    "CPU when idle",
  ];
  console.log(formatTable(headings, rows));
  if (protocol === "plain") await tellOfConnections();
}

if (isCrowdProtocol(values.protocol)) {
  await compare(values.protocol);
} else {
  console.error(`there is no protocol ${values.protocol}: plain or irc`);
  process.exitCode = 2;
}
