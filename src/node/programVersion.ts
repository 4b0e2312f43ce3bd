import { readFileSync } from "node:fs";

/** Of the program that runs, as package.json says it. Read when the process starts: the file may change later. */
export const PROGRAM_VERSION: string = readVersion();

function readVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
