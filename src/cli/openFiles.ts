import { readFileSync } from "node:fs";

/** For each client, its connection and its area; and both once more while many wait to be passed to one process. */
const FILES_PER_CLIENT = 4;
/** For each process, its bell and its seat socket, and twice that for a moment while it starts. */
const FILES_PER_PROCESS = 4;
/** Those who are told that there is no room or take their last words, what listens, the runtime's own, and some. */
const FILES_BESIDE = 600;

/**
 * How many files and connections the supervisor may have open at once with these settings. Where the system allows
 * fewer, a crowd could end the server.
 */
export function openFilesNeeded(options: {
  maxClients: number;
  maxProcesses: number;
  spareProcesses: number;
}): number {
  const processes = options.maxProcesses + options.spareProcesses;
  return options.maxClients * FILES_PER_CLIENT + processes * FILES_PER_PROCESS + FILES_BESIDE;
}

/** How many this process may have open. Node has raised the soft limit to the hard one at its start. */
export function openFilesAllowed(): number {
  const allowed = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return allowed === undefined ? Infinity : Number(allowed);
}
