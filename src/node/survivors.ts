import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { peerPid } from "./libc.ts";
import { RunFolder, type RunNote, type Running } from "./runFolder.ts";
import { callRunSocket } from "./runSocket.ts";
import { StartError } from "./startError.ts";

/** A process that outlived its supervisor, and the connection on which it was called. */
export interface Survivor extends RunNote {
  readonly seat: number;
  readonly socketPath: string;
}

/**
 * Who was killed is gone after this, or the kernel cannot end it; so is who has noticed that its supervisor is dead.
 */
const ENDING_MS = 10_000;
const LOOK_MS = 10;

/**
 * Who lives of the processes of a segment whose supervisor is dead: whoever is there can be called when this returns,
 * and nobody else runs any more.
 * @throws StartError where a process does not end
 */
export async function findSurvivors(segmentPath: string): Promise<Survivor[]> {
  const folder = new RunFolder(segmentPath);
  const survivors = new Map<string, Survivor>();
  const deadlineMs = performance.now() + ENDING_MS;
  for (;;) {
    const others = folder.living().filter(({ socketPath }) => !survivors.has(socketPath));
    // Of those that were called, the ends of the connections tell.
    if (others.length === 0) return [...survivors.values()];
    for (const { socketPath, note } of others) {
      if (note === undefined) continue;
      const seat = callRunSocket(socketPath);
      if (seat !== undefined && peerPid(seat) !== note.pid)
        throw new StartError(`${socketPath} is not of the process that it belongs to`);
      if (seat !== undefined) survivors.set(socketPath, { ...note, seat, socketPath });
      // It was only being started, and knows nothing yet.
      else if (!existsSync(socketPath)) kill(note.pid);
    }
    checkDeadline(deadlineMs, others);
    await delay(LOOK_MS);
  }
}

/**
 * Ends whoever lives of the processes of a segment whose supervisor is dead.
 * @throws StartError where one does not end
 */
export async function endAll(segmentPath: string): Promise<void> {
  const folder = new RunFolder(segmentPath);
  const deadlineMs = performance.now() + ENDING_MS;
  let living: Running[];
  while ((living = folder.living()).length > 0) {
    // While it holds its lock, its process id is nobody else's.
    for (const { note } of living) if (note !== undefined) kill(note.pid);
    checkDeadline(deadlineMs, living);
    await delay(LOOK_MS);
  }
  folder.remove();
}

function checkDeadline(deadlineMs: number, running: readonly Running[]): void {
  if (performance.now() <= deadlineMs) return;
  const pids = running.map(({ note }) => note?.pid ?? "one that was only being started").join(", ");
  throw new StartError(`processes of the server before this one do not end: ${pids}`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // It has ended by now.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
