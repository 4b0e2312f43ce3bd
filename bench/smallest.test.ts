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

for (const file of globSync("*.ts", { cwd: import.meta.dirname, exclude: ["*.test.ts"] }).toSorted()) {
  test(`bench/${file} --smallest`, { timeout: LIMIT_MS }, async (context) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, file), "--smallest"], {
      stdio: ["ignore", "pipe", "pipe"],
      signal: context.signal,
    });
    const [output, errors, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ]);
    assert.equal(code, 0, `${output}\n${errors}`);
  });
}
