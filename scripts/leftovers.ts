/*
 * What a test run must not leave behind: processes that it started, and segment files.
 *
 * A process belongs to a run when CHORUS_TEST_RUN in the environment it was started with says so; children inherit
 * it however they come to be, so a grandchild whose parent was killed is found as well. A segment file belongs to the
 * run when it was not there before, and no process of anybody else has it mapped.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Environment variables with which scripts/test.ts tells all that it starts which run they belong to. */
export const RUN_VARIABLE = "CHORUS_TEST_RUN";
export const FILES_BEFORE_VARIABLE = "CHORUS_TEST_FILES_BEFORE";

const SHM_DIRECTORY = "/dev/shm";

/** Who has been told to end may take so long to do it. */
const GRACE_MS = 3000;
const RETRY_MS = 50;

/** The names of the segment files that are there now. */
export function segmentFiles(): string[] {
  return readdirSync(SHM_DIRECTORY).filter((name) => name.startsWith("chorus"));
}

/**
 * One line for each thing that the run left behind; empty where it was tidy. Waits a moment for what is ending.
 * @param filesBefore `segmentFiles()` from before the run
 */
export async function findLeftovers(run: string, filesBefore: readonly string[]): Promise<string[]> {
  const deadline = performance.now() + GRACE_MS;
  for (;;) {
    const found = look(run, filesBefore);
    if (found.length === 0 || performance.now() > deadline) return found;
    await delay(RETRY_MS);
  }
}

function look(run: string, filesBefore: readonly string[]): string[] {
  const mark = `${RUN_VARIABLE}=${run}`;
  const files = new Set(segmentFiles().filter((name) => !filesBefore.includes(name)));
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue;
    if (readProcess(pid, "environ").split("\0").includes(mark)) {
      found.push(`process ${pid}: ${readProcess(pid, "cmdline").replaceAll("\0", " ").trim()}`);
    } else if (files.size > 0) {
      const maps = readProcess(pid, "maps");
      for (const name of files) if (maps.includes(join(SHM_DIRECTORY, segmentOf(name)))) files.delete(name);
    }
  }
  return [...found, ...[...files].map((name) => `file ${join(SHM_DIRECTORY, name)}`)];
}

/** Of a file beside a segment, whose name goes on after a dot: that segment, which is what its server has mapped. */
function segmentOf(name: string): string {
  return name.replace(/\..*$/, "");
}

/** Empty for a process that has ended since it was listed, or that belongs to somebody else. */
function readProcess(pid: string, file: string): string {
  try {
    return readFileSync(join("/proc", pid, file), "latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return "";
    throw error;
  }
}
