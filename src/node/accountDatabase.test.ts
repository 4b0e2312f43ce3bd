import assert from "node:assert/strict";
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { AccountVersionError } from "../accounts/index.ts";
import { accountsIn, administerAccounts } from "./accountAdministration.ts";
import { AccountFileError, accountPorts, accountsPath, openAccounts } from "./accountDatabase.ts";
import { lockDirectory } from "./lock.ts";
import { StartError } from "./startError.ts";

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "chorus-test-"));

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

const ADD = { action: "add", name: "alice", role: "operator", password: "correct horse" } as const;

test("the file is its owner's alone, and holds no password", async () => {
  using folder = new Folder();
  const server = { data: folder.path, name: "chorus" };
  assert.deepEqual(accountsIn(folder.path), []);
  assert.deepEqual(await administerAccounts({ action: "remove", name: "alice" }, server), {
    error: `there are no accounts in ${folder.path}`,
  });
  assert.deepEqual(readdirSync(folder.path), []);
  assert.deepEqual(await administerAccounts(ADD, server), {});
  assert.equal(statSync(accountsPath(folder.path)).mode & 0o777, 0o600);
  assert.deepEqual(
    accountsIn(folder.path).map(({ name, role }) => [name, role]),
    [["alice", "operator"]],
  );
  for (const name of readdirSync(folder.path))
    assert.equal(readFileSync(join(folder.path, name)).includes("correct horse"), false, name);
});

test("what was removed is overwritten", async () => {
  using folder = new Folder();
  const server = { data: folder.path, name: "chorus" };
  await administerAccounts(ADD, server);
  const hashOf = (): Buffer => {
    const { database, store } = openAccounts(folder.path);
    const hash = store.get("alice")!.passwordHash;
    database.close();
    return Buffer.from(hash);
  };
  const hash = hashOf();
  assert.ok(readFileSync(accountsPath(folder.path)).includes(hash));
  await administerAccounts({ action: "remove", name: "alice" }, server);
  assert.equal(readFileSync(accountsPath(folder.path)).includes(hash), false);
});

test("nobody changes them beside a server that has the folder", async () => {
  using folder = new Folder();
  const lock = lockDirectory(folder.path)!;
  await assert.rejects(administerAccounts(ADD, { data: folder.path, name: "chorus" }), StartError);
  lock.release();
});

test("a file that cannot be used is a sentence, and the history is kept without it", () => {
  using folder = new Folder();
  const path = accountsPath(folder.path);
  const refused = (reason: RegExp): void => {
    const before = readdirSync("/proc/self/fd").length;
    const isExpected = (error: unknown): boolean =>
      (error instanceof AccountFileError || error instanceof AccountVersionError) &&
      reason.test(error.message);
    assert.throws(() => openAccounts(folder.path), isExpected);
    const troubles: string[] = [];
    assert.equal(
      accountPorts(folder.path, (text) => troubles.push(text)),
      undefined,
    );
    assert.equal(troubles.length, 1);
    assert.match(troubles[0]!, reason);
    assert.equal(readdirSync("/proc/self/fd").length, before);
    rmSync(path);
  };
  symlinkSync("/etc/passwd", path);
  refused(/^the accounts .*accounts\.sqlite cannot be opened: it is not a regular file/);
  writeFileSync(path, "not a database, but long enough to be taken for one".repeat(20));
  refused(/not a database/);
  {
    using newer = new DatabaseSync(path);
    newer.exec("PRAGMA user_version = 99");
  }
  refused(/version 99, made by a newer chorus/);
  const ports = accountPorts(folder.path, assert.fail)!;
  assert.equal(ports.store.count(), 0);
  ports.close();
});
