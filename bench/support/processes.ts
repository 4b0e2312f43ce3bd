/* What the kernel knows of processes: how long they ran, and how much memory is theirs. */
import { readFileSync, readdirSync } from "node:fs";
import { KiB } from "../../src/base/index.ts";

/** Time on a processor of all threads of these processes, in microseconds. Ended threads do not count any more. */
export function cpuOfUs(pids: readonly number[]): number {
  let totalNs = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [runNs] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
      totalNs += Number(runNs);
    }
  }
  return totalNs / 1000;
}

/** Proportional set size in bytes: what is shared by n processes counts as an n-th. */
export function pssBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+) kB$/m.exec(rollup)![1]) * KiB;
}
