/*
 * Keeps the benchmarks alive: each file of this folder is one, and has to run through in its smallest form. They
 * check order and loss while they measure; the numbers of so short a run mean nothing and are not looked at.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { globSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";

const LIMIT_MS = 180_000;

/** What there is to measure in other ways than the usual one. */
const OTHER_WAYS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "chat.ts": [["--protocol", "irc"]],
};

const files = globSync("*.ts", { cwd: import.meta.dirname, exclude: ["*.test.ts"] }).toSorted();
const runs = files.flatMap((file) => [[], ...(OTHER_WAYS[file] ?? [])].map((flags) => ({ file, flags })));

for (const { file, flags } of runs) {
  test(
    ["bench/", file, " --smallest", ...flags.map((flag) => ` ${flag}`)].join(""),
    { timeout: LIMIT_MS },
    async (context) => {
      const child = spawn(process.execPath, [join(import.meta.dirname, file), "--smallest", ...flags], {
        stdio: ["ignore", "pipe", "pipe"],
        signal: context.signal,
      });
      const [output, errors, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, "exit"),
      ]);
      assert.equal(code, 0, `${output}\n${errors}`);
    },
  );
}
