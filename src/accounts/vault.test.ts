import assert from "node:assert/strict";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { CheapSecrets, TestVault } from "../../test/support/accounts.ts";
import { RecentlyDone } from "./recentlyDone.ts";
import { SecretsError } from "./secrets.ts";
import type { VaultOutcome, VaultQuestion } from "./vaultMessages.ts";

const PASSWORD = "correct horse";
const MINUTE_MS = 60_000;

function create(): TestVault {
  return new TestVault(new CheapSecrets());
}

/** With alice in it, and nothing of that in its records. */
async function withAlice(role: "user" | "moderator" | "operator" = "user"): Promise<TestVault> {
  const vault = create();
  await vault.vault.administer({ action: "add", name: "alice", role, password: PASSWORD });
  vault.records.length = 0;
  return vault;
}

const register = (account: string, password: string = PASSWORD): VaultQuestion => ({
  kind: "register",
  account,
  password,
});
const login = (password: string = PASSWORD, account: string = "alice"): VaultQuestion => ({
  kind: "check",
  account,
  password,
  as: "login",
});

test("who registers has an account, and is logged in to it", async () => {
  using vault = create();
  assert.equal(await vault.try(register("Alice"), 7), "done");
  const { person } = vault.store.get("alice")!;
  assert.deepEqual(vault.records, [
    { kind: "account", person, name: "Alice", role: "user", session: 7 },
    { kind: "login", session: 7, person },
  ]);
  assert.equal(await vault.try(login(), 8), "done");
  assert.deepEqual(vault.records[2], { kind: "login", session: 8, person });
});

test("a name is not given twice, nor one that is none, nor to a password that is none", async () => {
  using vault = await withAlice();
  vault.takenNames.add("bob");
  assert.equal(await vault.try(register("ALICE")), "taken");
  assert.equal(await vault.try(register("bob")), "taken");
  for (const name of ["", "5th", "a b", "\u00e4rger", "x".repeat(25), "a@b"])
    assert.equal(await vault.try(register(name)), "badName", name);
  assert.equal(await vault.try(register("carol", "short")), "badPassword");
  assert.equal(await vault.try(register("caroline", "Caroline")), "badPassword");
  assert.deepEqual([vault.records, vault.store.count()], [[], 1]);
});

test("of two who register one name at the same time, one has it", async () => {
  using vault = create();
  const outcomes = await Promise.all([vault.try(register("alice"), 1), vault.try(register("Alice"), 2)]);
  assert.deepEqual(outcomes.toSorted(), ["done", "taken"]);
  assert.equal(vault.store.count(), 1);
  assert.equal(vault.records.length, 2);
});

test("no account and a wrong password get one answer, after one and the same work", async () => {
  using vault = await withAlice();
  const answers: VaultOutcome[] = [
    await vault.ask(login("wrong password")),
    await vault.ask(login(PASSWORD, "bob")),
  ];
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(vault.secrets.verified, [`hash of ${PASSWORD}`, vault.secrets.decoy]);
  assert.deepEqual(vault.records, []);
});

test("an operator is who has the role, too, and no more than the password says", async () => {
  for (const [role, outcome] of [
    ["user", "notAllowed"],
    ["moderator", "done"],
    ["operator", "done"],
  ] as const) {
    using vault = await withAlice(role);
    const oper = (password: string): VaultQuestion => ({
      kind: "check",
      account: "alice",
      password,
      as: "oper",
    });
    assert.equal(await vault.try(oper("wrong password")), "wrong");
    assert.equal(await vault.try(oper(PASSWORD), 9), outcome);
    const { person } = vault.store.get("alice")!;
    assert.deepEqual(vault.records, outcome === "done" ? [{ kind: "oper", session: 9, person }] : []);
  }
});

test("a password is changed by who knows it; then the old one is wrong", async () => {
  using vault = await withAlice();
  const change = (old: string, password: string): VaultQuestion => ({
    kind: "changePassword",
    account: "Alice",
    old,
    password,
  });
  assert.equal(await vault.try(change("wrong password", "battery staple")), "wrong");
  assert.equal(await vault.try(change(PASSWORD, "short")), "badPassword");
  assert.equal(await vault.try(change(PASSWORD, "battery staple")), "done");
  assert.equal(await vault.try(login()), "wrong");
  assert.equal(await vault.try(login("battery staple")), "done");
});

test("an account is dropped by who knows its password, and its person is nobody's", async () => {
  using vault = await withAlice("operator");
  const drop = (password: string): VaultQuestion => ({ kind: "drop", account: "alice", password });
  const { person } = vault.store.get("alice")!;
  assert.equal(await vault.try(drop("wrong password")), "wrong");
  assert.equal(await vault.try(drop(PASSWORD)), "done");
  assert.deepEqual(vault.records, [{ kind: "account", person, name: "alice", role: undefined }]);
  assert.equal(await vault.try(drop(PASSWORD), 8), "wrong");
  assert.equal(await vault.try(register("alice")), "done");
  assert.notEqual(vault.store.get("alice")!.person, person);
});

test("what was done is answered again where nobody heard the answer, for a minute, and to nobody else", async () => {
  using vault = await withAlice();
  const change = (old: string, password: string): VaultQuestion => ({
    kind: "changePassword",
    account: "alice",
    old,
    password,
  });
  const drop = (password: string): VaultQuestion => ({ kind: "drop", account: "alice", password });
  const next = "battery staple";
  // At the same time, too: the first of them may be at work when its successor asks.
  const both = [vault.try(change(PASSWORD, next)), vault.try(change(PASSWORD, next))];
  assert.deepEqual(await Promise.all(both), ["done", "done"]);
  assert.equal(await vault.try(change(PASSWORD, next), 8), "wrong");
  assert.equal(await vault.try(change(PASSWORD, "another one")), "wrong");
  assert.equal(await vault.try(drop(PASSWORD)), "wrong");
  // What can be done is done, whatever was done before.
  assert.equal(await vault.try(change(next, PASSWORD)), "done");
  assert.equal(await vault.try(change(PASSWORD, next)), "done");
  assert.equal(await vault.try(login(next)), "done");
  vault.nowMs += MINUTE_MS;
  assert.equal(await vault.try(change(PASSWORD, next)), "wrong");
  const records = vault.records.length;
  assert.equal(await vault.try(drop(next)), "done");
  assert.equal(await vault.try(drop(next)), "done");
  assert.equal(vault.records.length, records + 1);
});

test("of what was done, no more than so much is remembered", async () => {
  const recently = new RecentlyDone(new CheapSecrets());
  for (let session = 1; session <= 65; session += 1) recently.add(session, ["drop"], 0);
  const known = Array.from({ length: 65 }, (_, index) => recently.has(index + 1, ["drop"], 1));
  assert.deepEqual(known, [false, ...Array<boolean>(64).fill(true)]);
});

test("what has changed while a password was being looked at counts", async () => {
  using vault = await withAlice("operator");
  const during = async (question: VaultQuestion, change: () => void): Promise<string> => {
    vault.secrets.hold();
    const outcome = vault.try(question);
    await turn();
    change();
    vault.secrets.release();
    return await outcome;
  };
  const { person } = vault.store.get("alice")!;
  const credentials = { ...vault.store.get("alice")!, passwordHash: "hash of another" };
  const oper: VaultQuestion = { kind: "check", account: "alice", password: PASSWORD, as: "oper" };
  assert.equal(await during(oper, () => vault.store.setRole(person, "user")), "notAllowed");
  const change = (): void => void vault.store.setCredentials(vault.store.get("alice")!, credentials);
  assert.equal(await during(login(), change), "wrong");
  assert.equal(await during(login("another"), () => vault.store.remove(person)), "wrong");
  assert.deepEqual(vault.records, []);
});

test("a password that somebody who runs the server has given is not replaced by one that was on its way", async () => {
  using vault = await withAlice();
  const setMeanwhile = (passwordHash: string): void => {
    const kept = vault.store.get("alice")!;
    assert.ok(vault.store.setCredentials(kept, { ...kept, passwordHash }));
  };
  vault.secrets.hold();
  const stolen = vault.try({
    kind: "changePassword",
    account: "alice",
    old: PASSWORD,
    password: "a thief's own",
  });
  await turn();
  vault.secrets.release(1);
  // The old one is right, and the next one is being hashed.
  await turn();
  setMeanwhile("hash of given by hand");
  vault.secrets.release();
  assert.equal(await stolen, "wrong");
  assert.equal(await vault.try(login("given by hand")), "done");

  vault.secrets.hold();
  const given = vault.vault.administer({ action: "passwd", name: "alice", password: "given again" });
  await turn();
  setMeanwhile("hash of her own");
  vault.secrets.release();
  assert.equal(await given, undefined);
  assert.equal(await vault.try(login("given again")), "done");
});

test("who guesses is slowed down, by session and by account, whoever it is", async () => {
  for (const name of ["alice", "nobody"]) {
    using vault = await withAlice();
    const guess = (session: number): Promise<string> => vault.try(login("wrong password", name), session);
    const outcomes: string[] = [];
    for (let count = 0; count < 10; count += 1) outcomes.push(await guess(1));
    assert.deepEqual(outcomes, [...Array.from({ length: 8 }, () => "wrong"), "busy", "busy"]);
    assert.equal(vault.secrets.verified.length, 8);
    // Nor does another session guess at that account, by whatever spelling; nor this one at another.
    assert.equal(await vault.try(login("wrong password", name.toUpperCase()), 2), "busy");
    assert.equal(await vault.try(login("wrong password", "carol"), 1), "busy");
    assert.equal(await vault.try(login("wrong password", "carol"), 2), "wrong");
    vault.nowMs += MINUTE_MS;
    const later = [await guess(1), await guess(1), await guess(1), await guess(1)];
    assert.deepEqual(later, ["wrong", "wrong", "wrong", "busy"]);
  }
});

test("guesses that come at once are counted before they are answered", async () => {
  using vault = await withAlice();
  const guesses = Array.from({ length: 20 }, (_, index) => vault.try(login("wrong password"), index));
  const outcomes = await Promise.all(guesses);
  assert.equal(outcomes.filter((outcome) => outcome === "wrong").length, 8);
});

test("who knows the password logs in as often as it likes", async () => {
  using vault = await withAlice();
  for (let count = 0; count < 30; count += 1) assert.equal(await vault.try(login(), 1), "done");
  assert.equal(vault.records.length, 30);
});

test("a session makes a few accounts, and no more", async () => {
  using vault = create();
  const outcomes: string[] = [];
  for (const name of ["a", "b", "c", "d"]) outcomes.push(await vault.try(register(name), 1));
  assert.deepEqual(outcomes, ["done", "done", "done", "busy"]);
  assert.equal(await vault.try(register("d"), 2), "done");
});

test("a crowd is not computed for at once, waits its turn, and is sent away past that", async () => {
  using vault = create();
  vault.secrets.hold();
  const outcomes = Array.from({ length: 200 }, (_, index) =>
    vault.try(login(PASSWORD, `user${index}`), index),
  );
  await turn();
  const sentAway = await Promise.race([Promise.all(outcomes.slice(130)), turn("still waiting")]);
  assert.deepEqual(
    sentAway,
    Array.from({ length: 70 }, () => "busy"),
  );
  assert.equal(vault.secrets.running, 2);
  vault.secrets.release();
  assert.deepEqual(new Set(await Promise.all(outcomes.slice(0, 130))), new Set(["wrong"]));
  assert.deepEqual([vault.secrets.mostRunning, vault.secrets.running], [2, 0]);
  // Whoever was sent away has used up nothing.
  assert.equal(await vault.try(login(PASSWORD, "user199"), 199), "wrong");
});

test("where the disk or the memory fails, the answer is later, and the log hears of it", async () => {
  using vault = await withAlice();
  vault.database.exec("PRAGMA query_only = ON");
  assert.equal(await vault.try(register("bob")), "busy");
  assert.match(vault.troubles[0]!, /the accounts cannot be read or written: .*readonly/);
  assert.match((await vault.vault.administer({ action: "remove", name: "alice" }))!, /try again later/);
  assert.equal(await vault.try(login()), "done");
  vault.secrets.verify = () => Promise.reject(new SecretsError("no memory"));
  assert.equal(await vault.try(login()), "busy");
  assert.equal(vault.troubles.at(-1), "no memory");
});

test("whoever runs the server adds, changes and removes accounts", async () => {
  using vault = create();
  const { vault: it, records } = vault;
  assert.equal(
    await it.administer({ action: "add", name: "alice", role: "operator", password: PASSWORD }),
    undefined,
  );
  const { person } = vault.store.get("alice")!;
  const again = await it.administer({ action: "add", name: "Alice", role: "user", password: PASSWORD });
  assert.equal(again, "there is an account Alice already");
  assert.match(
    (await it.administer({ action: "add", name: "5", role: "user", password: PASSWORD }))!,
    /has a name that/,
  );
  assert.equal(await it.administer({ action: "role", name: "ALICE", role: "moderator" }), undefined);
  assert.equal(
    await it.administer({ action: "passwd", name: "alice", password: "battery staple" }),
    undefined,
  );
  assert.equal(await vault.try(login("battery staple")), "done");
  assert.match(
    (await it.administer({ action: "passwd", name: "alice", password: "short" }))!,
    /8 characters/,
  );
  assert.equal(await it.administer({ action: "remove", name: "alice" }), undefined);
  for (const command of [
    { action: "passwd", name: "alice", password: PASSWORD },
    { action: "role", name: "alice", role: "user" },
    { action: "remove", name: "alice" },
  ] as const)
    assert.equal(await it.administer(command), "there is no account alice");
  assert.deepEqual(records, [
    { kind: "account", person, name: "alice", role: "operator" },
    { kind: "account", person, name: "alice", role: "moderator" },
    { kind: "login", session: 7, person },
    { kind: "account", person, name: "alice", role: undefined },
  ]);
});
