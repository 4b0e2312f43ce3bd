/*
 * How the supervisor's process goes on with another version of its program: the kernel replaces the program and keeps
 * the process, its children, and what descriptors it is told to keep.
 */
import { spawn } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { close, dupCloexec, inheritable } from "./libc.ts";

/** What the program before this one has left to it, as JSON. */
const INHERITANCE_ENVIRONMENT = "CHORUS_INHERITANCE";

/** Descriptors that the next program needs. */
export interface Inheritance {
  /** On which the port is listened. */
  readonly listener: number;
  /** That holds the lock of the data directory. */
  readonly lock: number;
}

/** What this program has been left; undefined where it was started from outside. The descriptors are the caller's. */
export function takeInheritance(): Inheritance | undefined {
  const left = process.env[INHERITANCE_ENVIRONMENT];
  if (left === undefined) return undefined;
  // No child of ours shall take it for its own.
  delete process.env[INHERITANCE_ENVIRONMENT];
  const { listener, lock } = JSON.parse(left) as Inheritance;
  return { listener: ours(listener), lock: ours(lock) };
}

/** The same, not inherited any more. */
function ours(fd: number): number {
  const again = dupCloexec(fd);
  close(fd);
  return again;
}

/**
 * Goes on with the program that is there now, with the same arguments. Where the system refuses that, the process
 * ends, as if it had been killed: `checkModule` says before whether the program can be started.
 */
export function replaceImage(inheritance: Inheritance): never {
  inheritable(inheritance.listener);
  inheritable(inheritance.lock);
  const { execPath, execArgv, argv } = process;
  return process.execve!(execPath, [execPath, ...execArgv, ...argv.slice(1)], {
    ...process.env,
    [INHERITANCE_ENVIRONMENT]: JSON.stringify(inheritance),
  });
}

/**
 * The path of a module of this folder, in the program that is installed now: where that is another one than when this
 * process was started (a link that leads to the latest), it is in another place.
 */
export function currentModule(name: string): string {
  const root = join(dirname(realpathSync(process.argv[1]!)), "..");
  const paths = [join(root, "src", "node", `${name}.ts`), join(root, "dist", "node", `${name}.js`)];
  const [folder, suffix] = [import.meta.dirname, extname(import.meta.filename)];
  // Where what was started is not our program, but one that contains it.
  return paths.find((path) => existsSync(path)) ?? join(folder, `${name}${suffix}`);
}

/**
 * Whether a module and all that it imports can be loaded as it is there now: undefined, or what is wrong, in a line.
 */
export async function checkModule(path: string): Promise<string | undefined> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "--eval", `await import(${JSON.stringify(pathToFileURL(path).href)})`],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const [errors, end] = await Promise.all([
    text(child.stderr),
    new Promise<number | string | null>((resolve) => {
      child.on("exit", resolve);
      child.on("error", (error) => resolve(error.message));
    }),
  ]);
  if (end === 0) return undefined;
  return errors.split("\n").find((line) => /^\w*Error\b/.test(line)) ?? `it ends with ${end}`;
}
