import {
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Role } from "../server/index.ts";
import { close, flock, openOwnFile } from "./libc.ts";
import { LOCAL_PATH_BYTES_MAX } from "./localSocket.ts";
import { StartError } from "./startError.ts";

/** One of a supervisor's processes, as the supervisor noted it down when it had started it. */
export interface RunNote {
  readonly process: number;
  readonly generation: number;
  readonly role: Role;
  /** Means this process for as long as it holds its lock. */
  readonly pid: number;
}

export interface Running {
  /** Where it can be called. */
  readonly socketPath: string;
  /** Undefined where its supervisor died before it could note it down. */
  readonly note: RunNote | undefined;
}

/** A file for a process that is about to be started. */
export interface RunFile {
  /** The process has to inherit and keep it. Close it here, once that is done. */
  readonly descriptor: number;
  readonly socketPath: string;
}

/** Short, because the paths of sockets have to be. */
const NAME_BYTES = 4;
const SOCKET_SUFFIX = ".s";

/**
 * Beside the segment: a folder with two files for each process that takes part, a socket on which it can be called,
 * and a file that it holds locked for as long as it lives. Nothing but the kernel decides who lives: a lock ends with
 * its holder, and cannot be anybody else's.
 */
export class RunFolder {
  readonly #path: string;

  constructor(segmentPath: string) {
    this.#path = `${segmentPath}.run`;
  }

  /** @throws StartError where somebody else has made it, or where its name is too long for sockets in it */
  create(): void {
    const longest = `${this.#path}/${"0".repeat(2 * NAME_BYTES)}${SOCKET_SUFFIX}`;
    if (Buffer.byteLength(longest) > LOCAL_PATH_BYTES_MAX)
      throw new StartError(`the path of --shm-dir is too long: sockets have to be in ${this.#path}`);
    mkdirSync(this.#path, { recursive: true, mode: 0o700 });
    this.#check();
  }

  /** Locked. */
  admit(): RunFile {
    const path = join(this.#path, randomBytes(NAME_BYTES).toString("hex"));
    const descriptor = openOwnFile(path, constants.O_CREAT | constants.O_EXCL);
    flock(descriptor);
    return { descriptor, socketPath: `${path}${SOCKET_SUFFIX}` };
  }

  note({ descriptor }: RunFile, note: RunNote): void {
    writeSync(descriptor, JSON.stringify(note));
  }

  /** Who lives. What others have left is removed. @throws StartError as `create` does */
  living(): Running[] {
    if (!existsSync(this.#path)) return [];
    this.#check();
    return readdirSync(this.#path)
      .filter((name) => !name.endsWith(SOCKET_SUFFIX))
      .flatMap((name) => {
        const path = join(this.#path, name);
        const socketPath = `${path}${SOCKET_SUFFIX}`;
        const descriptor = openOwnFile(path);
        try {
          if (!flock(descriptor)) return [{ socketPath, note: parseNote(readFileSync(descriptor, "utf8")) }];
        } finally {
          close(descriptor);
        }
        rmSync(path, { force: true });
        rmSync(socketPath, { force: true });
        return [];
      });
  }

  /** Of a process that is dead, by the path of its socket. */
  forget(socketPath: string | undefined): void {
    if (socketPath === undefined) return;
    rmSync(socketPath, { force: true });
    rmSync(socketPath.slice(0, -SOCKET_SUFFIX.length), { force: true });
  }

  /** When nobody lives any more. */
  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }

  /** Anybody can make a folder where segments are, and whoever can write there could take a process's place. */
  #check(): void {
    const folder = lstatSync(this.#path);
    const isOurs = folder.isDirectory() && folder.uid === process.geteuid!() && (folder.mode & 0o077) === 0;
    if (!isOurs) throw new StartError(`${this.#path} is not a folder of this user alone: remove it`);
  }
}

/** Undefined where it is not whole. */
function parseNote(text: string): RunNote | undefined {
  try {
    return JSON.parse(text) as RunNote;
  } catch {
    return undefined;
  }
}
