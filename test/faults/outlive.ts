/*
 * One server under load, whose processes are killed, stopped or replaced one round after the other, and one crowd of
 * clients, whose connections have to last from the first round to the last. What they hear is checked while they hear
 * it (`TalkingCrowd`): each line once, whole, in one order for all, and no word of anybody's coming or going.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { formatNumber, formatTable, median } from "../../bench/support/table.ts";
import { type Random, seededRandom } from "../../src/base/index.ts";
import { TestServer, isAlive, until } from "../support/server.ts";
import { TalkingCrowd } from "../support/talkingCrowd.ts";

/** What happens in a round, and how often beside the others. */
const WEIGHTS = {
  /** A worker that serves somebody is killed, */
  worker: 6,
  /** or two or three of them at once; */
  workers: 3,
  /** or it is stopped, and found to hang: such a round takes some seconds. */
  stopped: 1,
  greeter: 2,
  history: 2,
  stoppedHistory: 1,
  /** A worker without a client. */
  spare: 2,
  /** The supervisor is killed, and another one started in its place. */
  supervisor: 3,
  /** `chorus reload`, */
  reload: 3,
  /** with the death of a worker in the midst of it, */
  workerInReload: 1,
  /**
   * or of the supervisor. Only when it is asked for: a worker that is replaced is dead for a moment before its clients
   * are with another, and the supervisor alone has their connections.
   */
  supervisorInReload: 0,
} as const;
export type OutliveFault = keyof typeof WEIGHTS;
export const OUTLIVE_FAULTS = (Object.keys(WEIGHTS) as OutliveFault[]).filter((fault) => WEIGHTS[fault] > 0);

export interface OutliveOptions {
  rounds: number;
  seed: number;
  /** Which faults to choose from; default: `OUTLIVE_FAULTS`. */
  faults?: readonly OutliveFault[];
  clients?: number;
  /** Of them. */
  talkers?: number;
  /** Of all talkers together. What a client cannot take in time would be another test. */
  linesPerSecond?: number;
  /** Workers; with fewer than clients, they share them. */
  processes?: number;
  /** More flags for the server. */
  flags?: readonly string[];
  /** Ends it after the round that is under way, as if there were no more. */
  signal?: AbortSignal;
  onRound?(round: number, text: string): void;
}

/** A reload takes about so long. */
const RELOAD_MS = 3000;

interface Round {
  readonly fault: OutliveFault;
  /** The longest of any client. */
  readonly silenceMs: number;
  /** How much of that may be this process's own doing. */
  readonly stallMs: number;
}

export interface OutliveResult {
  readonly rounds: readonly Round[];
  readonly said: number;
  /** By all clients together. */
  readonly heard: number;
}

/** @throws AssertionError at the first thing that any client should not have seen */
export async function runOutlive(options: OutliveOptions): Promise<OutliveResult> {
  const { seed, clients = 50, talkers = 12, linesPerSecond = 400, processes = 8 } = options;
  const random = seededRandom(seed);
  const rounds: Round[] = [];
  await using server = await TestServer.start([
    "--max-processes",
    String(processes),
    "--max-clients",
    String(clients),
    ...(options.flags ?? []),
  ]);
  await server.hasSpares(1);
  using crowd = await TalkingCrowd.join(server.port, {
    clients,
    talkers,
    linesPerSecond,
    seed,
    asking: true,
  });
  let what = "before the first round";
  try {
    crowd.talk();
    await crowd.settle();
    for (const [index, fault] of plan(random, options).entries()) {
      if (options.signal?.aborted === true) break;
      what = `round ${index + 1}, ${fault}`;
      const round = await runRound(fault, random, server, crowd);
      rounds.push(round);
      options.onRound?.(
        index + 1,
        `${fault}: silence ${round.silenceMs.toFixed(0)} ms (of this process: ${round.stallMs.toFixed(0)} ms)`,
      );
    }
    what = "after the last round";
    await crowd.finish();
    assert.equal((await server.status()).clients, clients);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`seed ${seed}, ${what}: ${message}\nthe server: ${server.stderr.slice(-3000)}`, {
      cause: error,
    });
  }
  return { rounds, said: crowd.saidLines, heard: crowd.heardLines };
}

/** A line for each kind of fault. Silences are those of the client that was worst off in a round. */
export function describeOutlive({ rounds, said, heard }: OutliveResult): string {
  const rows = (Object.keys(WEIGHTS) as OutliveFault[])
    .map((fault) => rounds.filter((round) => round.fault === fault))
    .filter((those) => those.length > 0)
    .map((those) => {
      const silences = those.map(({ silenceMs }) => silenceMs);
      const stalls = those.map(({ stallMs }) => stallMs);
      return [
        those[0]!.fault,
        String(those.length),
        ...[median(silences), Math.max(...silences), Math.max(...stalls)].map(formatNumber),
      ];
    });
  const headings = ["fault", "rounds", "longest silence, p50 ms", "max ms", "stall of the test, max ms"];
  return `${formatTable(headings, rows)}\n${formatNumber(said)} lines said, ${formatNumber(heard)} lines heard`;
}

/** Each fault once, in any order, as far as the rounds go; then any, by weight. */
function plan(random: Random, { rounds, faults = OUTLIVE_FAULTS }: OutliveOptions): OutliveFault[] {
  const once = faults
    .map((fault) => ({ fault, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ fault }) => fault);
  const bag = faults.flatMap((fault) => Array.from({ length: Math.max(1, WEIGHTS[fault]) }, () => fault));
  return Array.from({ length: rounds }, (_, round) => once[round] ?? pick(random, bag));
}

async function runRound(
  wanted: OutliveFault,
  random: Random,
  server: TestServer,
  crowd: TalkingCrowd,
): Promise<Round> {
  const { fault, strike } = await prepare(wanted, random, server);
  // Asking for the process ids took processor time: what comes of that is over soon.
  await delay(random.between(50, 150));
  crowd.listenForSilence();
  await strike();
  await delay(random.between(100, 1000));
  // Whatever was said so far has arrived: what the fault held up is over, or going on for whom it may.
  await crowd.settle();
  return { fault, silenceMs: Math.max(...crowd.silencesMs), stallMs: crowd.longestStallMs };
}

interface Strike {
  readonly fault: OutliveFault;
  /** Does it, and waits until it is done. */
  strike(): Promise<void> | void;
}

/** Finds out whom it concerns. */
async function prepare(fault: OutliveFault, random: Random, server: TestServer): Promise<Strike> {
  switch (fault) {
    case "worker":
    case "workers": {
      const count = fault === "worker" ? 1 : random.between(2, 3);
      const victims = shuffle(random, await server.busyWorkers()).slice(0, count);
      assert.ok(victims.length > 0);
      return { fault, strike: () => killEach(victims) };
    }
    case "stopped":
    case "stoppedHistory": {
      const victims = fault === "stopped" ? await server.busyWorkers() : [await server.historyPid()];
      const victim = pick(random, victims);
      const strike = async (): Promise<void> => {
        process.kill(victim, "SIGSTOP");
        await until("a process that hangs to be ended", () => !isAlive(victim));
      };
      return { fault, strike };
    }
    case "greeter":
    case "history": {
      const victims = await until(`a ${fault} process`, async () => {
        const pids = await server.pidsOf(({ role, ready }) => ready && role === fault);
        return pids.length > 0 && pids;
      });
      return { fault, strike: () => killEach(victims) };
    }
    case "spare": {
      const victims = await server.pidsOf(({ role, clients }) => role === "worker" && clients === 0);
      // Where all workers there may be are busy, the death of one makes a spare of its successor.
      if (victims.length === 0) return prepare("worker", random, server);
      return { fault, strike: () => killEach([pick(random, victims)]) };
    }
    case "supervisor": {
      const strike = async (): Promise<void> => {
        await server.end("SIGKILL");
        await server.startAgain();
      };
      return { fault, strike };
    }
    case "reload": {
      const strike = async (): Promise<void> => {
        const { code, stdout, stderr } = await server.run("reload");
        assert.equal(code, 0, `chorus reload: ${stdout}${stderr}`);
      };
      return { fault, strike };
    }
    case "workerInReload": {
      const victim = pick(random, await server.busyWorkers());
      const strike = async (): Promise<void> => {
        const reload = server.run("reload");
        await delay(random.between(0, RELOAD_MS));
        killEach([victim]);
        // It may have been the new version's first worker: then nothing was changed, and it says so.
        const { code, stdout, stderr } = await reload;
        if (code !== 0) assert.match(stderr, /^chorus: .+\n$/, stdout);
      };
      return { fault, strike };
    }
    case "supervisorInReload": {
      const strike = async (): Promise<void> => {
        const reload = server.run("reload");
        await delay(random.between(0, RELOAD_MS));
        await server.end("SIGKILL");
        // Nobody is left who could tell it what came of it.
        await Promise.all([server.startAgain(), reload]);
      };
      return { fault, strike };
    }
  }
}

/** Who has ended by itself meanwhile is not missed: a spare process that became one too many, for instance. */
function killEach(pids: readonly number[]): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
}

function pick<T>(random: Random, values: readonly T[]): T {
  assert.ok(values.length > 0);
  return values[random.between(0, values.length - 1)]!;
}

function shuffle<T>(random: Random, values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ value }) => value);
}
