import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { lockDirectory } from "./lock.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

test("one holder at a time, and the directory is made for its owner alone", () => {
  const before = readdirSync("/proc/self/fd").length;
  const data = join(directory, "deep", "data");
  const lock = lockDirectory(data);
  assert.ok(lock);
  assert.equal(statSync(data).mode & 0o777, 0o700);
  assert.equal(statSync(join(data, "chorus.lock")).mode & 0o777, 0o600);
  assert.equal(lockDirectory(data), undefined);
  lock.release();
  lock.release();
  const next = lockDirectory(data);
  assert.ok(next);
  next.release();
  assert.equal(readdirSync("/proc/self/fd").length, before);
});

test("a planted link is refused", () => {
  symlinkSync("/etc/passwd", join(directory, "chorus.lock"));
  assert.throws(() => lockDirectory(directory), { code: "ELOOP" });
});

test("the lock of a killed process is free", async () => {
  const source = `
    import { lockDirectory } from ${JSON.stringify(new URL("./lock.ts", import.meta.url))};
    console.log(lockDirectory(process.env.DIRECTORY) === undefined ? "refused" : "held");
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, DIRECTORY: directory },
  });
  try {
    const [said] = (await once(child.stdout, "data")) as [Buffer];
    assert.equal(said.toString().trim(), "held");
    assert.equal(lockDirectory(directory), undefined);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  const lock = lockDirectory(directory);
  assert.ok(lock);
  lock.release();
});
