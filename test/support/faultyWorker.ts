/*
 * Loaded into a server's processes before anything else (NODE_OPTIONS=--import=…): has workers
 * die of a certain line that a client says, or for as long as a file is there.
 *
 *   CHORUS_TEST_POISON       what a line with POISON in it does to its process: kill, throw or loop
 *   CHORUS_TEST_CRASH        every worker kills itself while this file is there,
 *   CHORUS_TEST_CRASH_MS     when it has lived for so long
 *   CHORUS_TEST_DEATHS       a file that gets a line, the time in ms since 1970, for each process that came to harm
 */
import assert from "node:assert/strict";
import { appendFileSync, existsSync } from "node:fs";
import { registerHooks } from "node:module";

export type Harm = "kill" | "throw" | "loop";

const {
  CHORUS_TEST_POISON: poison,
  CHORUS_TEST_CRASH: crash,
  CHORUS_TEST_CRASH_MS: crashMs,
  CHORUS_TEST_DEATHS: deaths,
} = process.env;

const CRASH_CHECK_MS = 20;
const PARSER = /\/src\/protocol\/plain\/commands\.ts$/;
const PARSER_BEGINNING = "export function parseLine(line: Uint8Array): Command {";

function note(): void {
  appendFileSync(deaths!, `${Date.now()}\n`);
}

function suffer(harm: Harm): void {
  note();
  switch (harm) {
    case "kill":
      process.kill(process.pid, "SIGKILL");
      return;
    case "throw":
      throw new Error("a line could not be digested");
    case "loop":
      for (;;);
  }
}

/** The parser of lines, with a taste for poison. */
function hookParser(): void {
  const look = (line: Uint8Array): void => {
    if (Buffer.from(line).includes("POISON")) suffer(poison as Harm);
  };
  Object.assign(globalThis, { lookForPoison: look });
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!PARSER.test(url)) return loaded;
      assert.ok(loaded.source !== undefined && loaded.source !== null);
      const source =
        typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
      assert.ok(source.includes(PARSER_BEGINNING), `${url} begins to parse a line in another way`);
      return {
        ...loaded,
        source: source.replace(PARSER_BEGINNING, `${PARSER_BEGINNING} globalThis.lookForPoison(line);`),
      };
    },
  });
}

if (poison !== undefined) hookParser();

if (crash !== undefined && process.argv[1]?.endsWith("childMain.ts") && process.argv[2] === "worker") {
  const check = (): void => {
    if (performance.now() < Number(crashMs) || !existsSync(crash)) return;
    note();
    process.kill(process.pid, "SIGKILL");
  };
  check();
  setInterval(check, CRASH_CHECK_MS).unref();
}
