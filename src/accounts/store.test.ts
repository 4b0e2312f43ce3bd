import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { FIRST_ACCOUNT } from "../chat/index.ts";
import { AccountVersionError } from "./schema.ts";
import { AccountStore, AccountStoreError, type Credentials, readAccounts } from "./store.ts";

const NOW_MS = Date.UTC(2026, 10, 25);
const FIRST = FIRST_ACCOUNT + NOW_MS / 1000;

function credentials(mark: string, byte: number): Credentials {
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(byte);
  return {
    passwordHash: mark,
    scram: { salt: bytes(16), iterations: 4096 + byte, storedKey: bytes(32), serverKey: bytes(32) },
  };
}

test("an account is found however its name is spelt, and has what it was given", () => {
  using database = new DatabaseSync(":memory:");
  const store = new AccountStore(database);
  const added = store.add("Dan[m]", "moderator", credentials("one", 1), NOW_MS);
  assert.deepEqual(added, { person: FIRST, name: "Dan[m]", role: "moderator", createdMs: NOW_MS });
  for (const name of ["Dan[m]", "dan{m}", "DAN[M}"])
    assert.deepEqual(store.get(name), { ...added, ...credentials("one", 1) });
  assert.equal(store.get("dan"), undefined);
  assert.equal(store.add("dAn{M]", "user", credentials("two", 2), NOW_MS), undefined);
  assert.deepEqual([store.count(), store.list()], [1, [added]]);
  // What was written is there for whoever opens it next.
  assert.deepEqual(new AccountStore(database).list(), readAccounts(database));
});

test("a person is never somebody else's, whatever becomes of the accounts or of their file", () => {
  using database = new DatabaseSync(":memory:");
  const store = new AccountStore(database);
  const add = (name: string, nowMs: number): number =>
    store.add(name, "user", credentials(name, 1), nowMs)!.person;
  assert.deepEqual([add("a", NOW_MS), add("b", NOW_MS), add("c", NOW_MS)], [FIRST, FIRST + 1, FIRST + 2]);
  assert.deepEqual([store.remove(FIRST + 2), store.remove(FIRST + 2)], [true, false]);
  // The clock was set back meanwhile.
  assert.equal(add("c", NOW_MS - 3_600_000), FIRST + 3);
  for (const { person } of store.list()) store.remove(person);
  assert.equal(add("a", NOW_MS), FIRST + 4);
  // A file that was made anew a minute later.
  using other = new DatabaseSync(":memory:");
  const later = new AccountStore(other).add("d", "user", credentials("d", 1), NOW_MS + 60_000)!;
  assert.equal(later.person, FIRST + 60);
});

test("credentials replace those that were looked at, and no others", () => {
  using database = new DatabaseSync(":memory:");
  const store = new AccountStore(database);
  store.add("alice", "user", credentials("one", 1), NOW_MS);
  const seen = store.get("alice")!;
  assert.equal(store.setCredentials(seen, credentials("two", 2)), true);
  assert.equal(store.setCredentials(seen, credentials("three", 3)), false);
  assert.deepEqual(store.get("alice"), { ...seen, ...credentials("two", 2) });
  assert.deepEqual(
    [store.setRole(seen.person, "operator"), store.setRole(seen.person + 1, "operator")],
    [true, false],
  );
  assert.equal(store.get("alice")!.role, "operator");
});

test("a secret is made once", () => {
  using database = new DatabaseSync(":memory:");
  const make = (byte: number) => (): Uint8Array => new Uint8Array([byte]);
  assert.deepEqual([...new AccountStore(database).secret("a", make(1))], [1]);
  assert.deepEqual([...new AccountStore(database).secret("a", make(2))], [1]);
  assert.deepEqual([...new AccountStore(database).secret("b", make(3))], [3]);
});

test("a file of a newer version is left alone, and one that cannot be written says so", () => {
  using newer = new DatabaseSync(":memory:");
  newer.exec("PRAGMA user_version = 2");
  assert.throws(() => new AccountStore(newer), AccountVersionError);
  assert.throws(() => readAccounts(newer), /made by a newer chorus/);
  using empty = new DatabaseSync(":memory:");
  assert.throws(() => readAccounts(empty), /a server that is started on them brings them up to date/);
  const store = new AccountStore(empty);
  empty.exec("PRAGMA query_only = ON");
  assert.throws(() => store.add("a", "user", credentials("a", 1), NOW_MS), AccountStoreError);
  empty.exec("PRAGMA query_only = OFF");
  assert.ok(store.add("a", "user", credentials("a", 1), NOW_MS));
});
