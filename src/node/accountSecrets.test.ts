/* The real cryptography, and the vault with it: log-ins as clients make them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { SecretsError } from "../accounts/index.ts";
import { TestVault } from "../../test/support/accounts.ts";
import { scramClient } from "../../test/support/scramClient.ts";
import { ACCOUNT_SECRETS } from "./accountSecrets.ts";

const PASSWORD = "pa\u017f\u017fwort \u2168"; // "passwort IX" to who prepares it

async function withAlice(): Promise<TestVault<typeof ACCOUNT_SECRETS>> {
  const vault = new TestVault(ACCOUNT_SECRETS);
  assert.equal(await vault.try({ kind: "register", account: "Alice", password: PASSWORD }, 3), "done");
  vault.records.length = 0;
  return vault;
}

test("a hash says how it was made, is another each time, and knows its password", async () => {
  const [one, two] = [await ACCOUNT_SECRETS.hash("pencil"), await ACCOUNT_SECRETS.hash("pencil")];
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(one, two);
  assert.ok(await ACCOUNT_SECRETS.verify("pencil", one));
  assert.equal(await ACCOUNT_SECRETS.verify("pencils", one), false);
  assert.equal(await ACCOUNT_SECRETS.verify("pencil", ACCOUNT_SECRETS.decoy), false);
  assert.equal(ACCOUNT_SECRETS.decoy.length, one.length);
});

test("a hash that argon2's own tool has made is known; what is none, or costs too much, is refused", async () => {
  const theirs = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
  assert.ok(await ACCOUNT_SECRETS.verify("password", theirs));
  assert.equal(await ACCOUNT_SECRETS.verify("passwort", theirs), false);
  for (const hash of ["", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA", theirs.replace("65536", "9999999")])
    await assert.rejects(ACCOUNT_SECRETS.verify("password", hash), SecretsError);
});

test("a client logs in with SCRAM, and knows the server by its answer", async () => {
  using vault = await withAlice();
  for (const name of ["Alice", "aLICE"]) {
    const client = scramClient(name, PASSWORD, "fyko+d2lbbFgONRv9qkxdawL");
    const first = await vault.ask({ kind: "scramFirst", clientFirst: client.first });
    const { final, expected } = client.answer(first.text);
    const last = { clientFirst: client.first, serverFirst: first.text, clientFinal: final };
    assert.deepEqual(await vault.ask({ kind: "scramFinal", ...last }, 5), { kind: "done", text: expected });
    assert.deepEqual(vault.records.splice(0), [
      { kind: "login", session: 5, person: vault.store.get("alice")!.person },
    ]);
    // The same said again, to what the server says next.
    const second = await vault.ask({ kind: "scramFirst", clientFirst: client.first });
    assert.notEqual(second.text, first.text);
    assert.equal(await vault.try({ kind: "scramFinal", ...last, serverFirst: second.text }, 6), "wrong");
  }
  // Of this kind of words, not of their letters.
  assert.equal(
    await vault.try({ kind: "check", account: "alice", password: "passwort IX", as: "login" }),
    "done",
  );
});

test("SCRAM tells nobody which accounts there are", async () => {
  using vault = await withAlice();
  const attempt = async (name: string): Promise<{ first: string; outcome: string }> => {
    const client = scramClient(name, "a wrong password", "abcdef");
    const { text } = await vault.ask({ kind: "scramFirst", clientFirst: client.first });
    const transcript = {
      clientFirst: client.first,
      serverFirst: text,
      clientFinal: client.answer(text).final,
    };
    const outcome = await vault.try({ kind: "scramFinal", ...transcript });
    return { first: text, outcome };
  };
  const parts = /^r=(abcdef[^,]{24}),s=([^,]{24}),i=100000$/;
  const salts = new Map<string, Set<string>>();
  for (const name of ["alice", "nobody", "noone", "NOBODY"]) {
    for (let count = 0; count < 2; count += 1) {
      const { first, outcome } = await attempt(name);
      assert.equal(outcome, "wrong");
      const salt = parts.exec(first)![2]!;
      const key = name.toLowerCase();
      salts.set(key, (salts.get(key) ?? new Set()).add(salt));
    }
  }
  const all = [...salts.values()];
  assert.deepEqual(
    all.map((each) => each.size),
    [1, 1, 1],
  );
  assert.equal(new Set(all.flatMap((each) => [...each])).size, 3);
  assert.deepEqual(vault.records, []);
});

test("a new password is one for SCRAM, too, and guesses at it are counted", async () => {
  using vault = await withAlice();
  const change = {
    kind: "changePassword",
    account: "alice",
    old: PASSWORD,
    password: "battery staple",
  } as const;
  const client = scramClient("alice", "battery staple", "abc");
  const before = await vault.ask({ kind: "scramFirst", clientFirst: client.first });
  assert.equal(await vault.try(change), "done");
  // The salt is another: what was begun with the old one is over.
  const said = {
    clientFirst: client.first,
    serverFirst: before.text,
    clientFinal: client.answer(before.text).final,
  };
  assert.equal(await vault.try({ kind: "scramFinal", ...said }), "wrong");
  const { text } = await vault.ask({ kind: "scramFirst", clientFirst: client.first });
  const right = { clientFirst: client.first, serverFirst: text, clientFinal: client.answer(text).final };
  assert.equal(await vault.try({ kind: "scramFinal", ...right }), "done");
  const wrong = { ...right, clientFinal: right.clientFinal.replace(/p=.*/, `p=${"A".repeat(43)}=`) };
  const outcomes = new Set<string>();
  for (let count = 0; count < 9; count += 1) outcomes.add(await vault.try({ kind: "scramFinal", ...wrong }));
  assert.deepEqual([...outcomes], ["wrong", "busy"]);
  assert.equal(await vault.try({ kind: "scramFinal", ...right }), "busy");
});
