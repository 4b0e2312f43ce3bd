import { readFileSync } from "node:fs";
import type { LogLevel } from "../server/index.ts";

/** More of it than fits a message to a process is not shown. */
const MOTD_CHARACTERS_MAX = 3000;

/** The message of the day, or what is wrong with its file, in the server's log: the server goes on without one. */
export function readMotd({
  motdFile,
  log,
}: {
  readonly motdFile: string | undefined;
  log(level: LogLevel, text: string): void;
}): string {
  if (motdFile === undefined) return "";
  try {
    const text = readFileSync(motdFile, "utf8");
    if (text.length > MOTD_CHARACTERS_MAX) log("warn", `${motdFile} is too long: not all of it is shown`);
    return text.slice(0, MOTD_CHARACTERS_MAX).toWellFormed();
  } catch (error) {
    log("error", `the message of the day cannot be read: ${(error as Error).message}`);
    return "";
  }
}
