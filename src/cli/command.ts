/* What the definitions of commands have in common. */
import { type Command, Option } from "commander";
import { type Parser, directory, serverName } from "./options.ts";

export function option<Value>(
  flags: string,
  says: string,
  parse: Parser<Value>,
  fallback: Value,
  shown?: string,
): Option {
  return new Option(flags, says).argParser(parse).default(fallback, shown);
}

export function dataOption(): Option {
  return option("--data <DIR>", "the server's folder for what outlives it", directory, "chorus-data");
}

/** What tells one server on this machine from another: the same three options for each command that means one. */
export function addServerOptions(command: Command): Command {
  return command
    .addOption(dataOption())
    .addOption(option("--name <NAME>", "what the server is called", serverName, "chorus"))
    .addOption(option("--shm-dir <DIR>", "folder in memory for the shared log", directory, "/dev/shm"));
}

/** The shared log needs Linux; says so before anything of it is loaded. Joining works anywhere. */
export function requireLinux(command: Command): void {
  if (process.platform === "linux") return;
  command.error(
    `error: the server runs on Linux alone (shared memory, passing of sockets); this is ${process.platform}.\n` +
      "Run it in a Linux container or virtual machine: `chorus join` from here works with it.",
  );
}
