import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ROLES } from "../chat/index.ts";
import { type UserCommand, decodeUserCommand, encodeUserCommand, parseUserCommand } from "./userCommand.ts";
import {
  VAULT_FAILURES,
  VAULT_TEXT_BYTES_MAX,
  type VaultReply,
  type VaultRequest,
  decodeVaultReply,
  decodeVaultRequest,
  encodeVaultReply,
  encodeVaultRequest,
  refuseVaultRequest,
  vaultIdOf,
} from "./vaultMessages.ts";

const text = fc.string({ unit: "binary", maxLength: 60 });
const number = fc.maxSafeNat();
const numbers = { id: number, session: number };
const as = fc.constantFrom("login" as const, "oper" as const);

function kind<const Kind extends string>(value: Kind): fc.Arbitrary<Kind> {
  return fc.constant(value);
}

const request: fc.Arbitrary<VaultRequest> = fc.oneof(
  fc.record({ kind: kind("check"), ...numbers, account: text, password: text, as }),
  fc.record({ kind: kind("register"), ...numbers, account: text, password: text }),
  fc.record({ kind: kind("changePassword"), ...numbers, account: text, old: text, password: text }),
  fc.record({ kind: kind("drop"), ...numbers, account: text, password: text }),
  fc.record({ kind: kind("scramFirst"), ...numbers, clientFirst: text }),
  fc.record({
    kind: kind("scramFinal"),
    ...numbers,
    clientFirst: text,
    serverFirst: text,
    clientFinal: text,
  }),
);
const reply: fc.Arbitrary<VaultReply> = fc.oneof(
  fc.record({ kind: kind("done"), ...numbers, text }),
  fc.record({ kind: kind("failed"), ...numbers, code: fc.constantFrom(...VAULT_FAILURES), text }),
);
const role = fc.constantFrom(...ROLES);
const command: fc.Arbitrary<UserCommand> = fc.oneof(
  fc.record({ action: kind("add"), name: text, role, password: text }),
  fc.record({ action: kind("passwd"), name: text, password: text }),
  fc.record({ action: kind("role"), name: text, role }),
  fc.record({ action: kind("remove"), name: text }),
);

/** Records of fast-check have no prototype. */
function plain<T extends object>(value: T | undefined): T | undefined {
  return value === undefined ? undefined : { ...value };
}

test("what is asked and answered is what arrives, and nothing that is cut short or longer is", () => {
  fc.assert(
    fc.property(request, reply, fc.nat(), (request, reply, cut) => {
      const asked = encodeVaultRequest(request)!;
      assert.deepEqual(decodeVaultRequest(asked), plain(request));
      assert.equal(decodeVaultRequest(asked.subarray(0, cut % asked.length)), undefined);
      assert.equal(decodeVaultRequest(new Uint8Array([...asked, 0])), undefined);
      const answered = encodeVaultReply(reply);
      assert.deepEqual(decodeVaultReply(answered), plain(reply));
      assert.equal(decodeVaultReply(answered.subarray(0, cut % answered.length)), undefined);
      assert.equal(decodeVaultReply(new Uint8Array([...answered, 0])), undefined);
      assert.deepEqual([vaultIdOf(asked), vaultIdOf(answered)], [request.id, reply.id]);
      const refused = decodeVaultReply(refuseVaultRequest(asked, "busy", "later")!);
      assert.deepEqual(refused, {
        kind: "failed",
        id: request.id,
        session: request.session,
        code: "busy",
        text: "later",
      });
    }),
  );
});

test("any bytes at all are a message or none, and never a fault", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      const request = decodeVaultRequest(bytes);
      if (request !== undefined) assert.deepEqual(decodeVaultRequest(encodeVaultRequest(request)!), request);
      const reply = decodeVaultReply(bytes);
      if (reply !== undefined) assert.deepEqual(decodeVaultReply(encodeVaultReply(reply)), reply);
      assert.equal(refuseVaultRequest(bytes, "busy", "") === undefined, vaultIdOf(bytes) === undefined);
    }),
  );
});

test("what no name and no password is as long as is not sent", () => {
  const ask = (length: number): Uint8Array | undefined =>
    encodeVaultRequest({ kind: "register", id: 1, session: 2, account: "a", password: "p".repeat(length) });
  assert.ok(ask(VAULT_TEXT_BYTES_MAX)!.length < 4096);
  assert.equal(ask(VAULT_TEXT_BYTES_MAX + 1), undefined);
});

test("a command is what arrives, as bytes and as JSON", () => {
  fc.assert(
    fc.property(command, (command) => {
      assert.deepEqual(decodeUserCommand(encodeUserCommand(command)), plain(command));
      assert.deepEqual(parseUserCommand(JSON.parse(JSON.stringify(command))), plain(command));
    }),
  );
  for (const wrong of [
    undefined,
    null,
    "add",
    { action: "add", name: "a", role: "king", password: "p" },
    { action: "add", name: "a", role: "user" },
    { action: "passwd", name: "a", password: 5 },
    { action: "remove" },
    { action: "remove", name: "a".repeat(2000) },
    { action: "burn", name: "a", role: "user" },
  ])
    assert.equal(parseUserCommand(wrong), undefined, JSON.stringify(wrong));
});
