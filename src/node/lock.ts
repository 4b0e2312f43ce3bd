import { constants, mkdirSync } from "node:fs";
import { join } from "node:path";
import { close, flock, openOwnFile, unlock } from "./libc.ts";

const LOCK_FILE = "chorus.lock";

/**
 * A data directory that is ours alone. The kernel gives the lock back when the last descriptor of it is closed,
 * however the process ended, so there is nothing to clean up after a crash and no process id to be wrong about.
 */
export class Lock {
  /** Closed at `execve` unless cleared of FD_CLOEXEC: a new version of the program keeps the lock through it. */
  readonly fd: number;
  #held = true;

  /** From a descriptor that holds the lock: what `lockDirectory` makes, or what was kept over `execve`. */
  constructor(fd: number) {
    this.fd = fd;
  }

  /** The file stays: to remove it would be to let two processes lock two files of one name. */
  release(): void {
    if (!this.#held) return;
    this.#held = false;
    unlock(this.fd);
    close(this.fd);
  }
}

/** Locks a data directory, which is created (0700) where it is missing. Undefined: another process holds it. */
export function lockDirectory(path: string): Lock | undefined {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const fd = openOwnFile(join(path, LOCK_FILE), constants.O_CREAT);
  let held = false;
  try {
    held = flock(fd);
  } finally {
    if (!held) close(fd);
  }
  return held ? new Lock(fd) : undefined;
}
