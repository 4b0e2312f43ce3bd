import assert from "node:assert/strict";
import { test } from "node:test";
import {
  VAULT_TEXT_BYTES_MAX,
  type VaultOutcome,
  type VaultQuestion,
  type VaultRequest,
  decodeVaultRequest,
  encodeVaultReply,
} from "../accounts/index.ts";
import type { SessionId } from "../chat/index.ts";
import type { Client } from "./client.ts";
import type { ChildPorts } from "./ports.ts";
import { VaultLine } from "./vaultLine.ts";

const CHECK: VaultQuestion = { kind: "check", account: "ada", password: "pa55word", as: "login" };
const DONE: VaultOutcome = { kind: "done", text: "" };

/** A worker's line, with what goes over it. */
class Desk {
  readonly requests: VaultRequest[] = [];
  readonly answered: string[] = [];
  readonly clients = new Map<SessionId, Client>();
  readonly line: VaultLine = new VaultLine({
    send: (message) => {
      assert.ok(message.type === "vault");
      this.requests.push(decodeVaultRequest(message.bytes)!);
    },
    wake: () => undefined,
  } as Pick<ChildPorts, "send" | "wake"> as ChildPorts);

  client(session: SessionId): Client {
    const vaultAnswered = (outcome: VaultOutcome, question: VaultQuestion): void =>
      void this.answered.push(`${session}: ${question.kind} ${outcome.kind}`);
    const client = { session, conversation: { vaultAnswered } } as unknown as Client;
    this.clients.set(session, client);
    return client;
  }

  answers(id: number, session: SessionId): void {
    this.line.answered(encodeVaultReply({ id, session, ...DONE }), this.clients);
  }
}

test("of each client one question is open, and its answer is told once", () => {
  const desk = new Desk();
  const [ada, bob] = [desk.client(1), desk.client(2)];
  assert.ok(desk.line.ask(ada, CHECK));
  assert.ok(!desk.line.ask(ada, CHECK));
  assert.ok(desk.line.ask(bob, { ...CHECK, kind: "drop" }));
  const [first, second] = desk.requests;
  assert.deepEqual(
    desk.requests.map(({ session }) => session),
    [1, 2],
  );
  // Of another question, or of whoever asked before by this number.
  desk.answers(second!.id, 1);
  desk.answers(99, 2);
  desk.answers(first!.id, 3);
  desk.line.answered(Uint8Array.of(1, 2, 3), desk.clients);
  assert.deepEqual(desk.answered, []);
  desk.answers(first!.id, 1);
  desk.answers(first!.id, 1);
  assert.deepEqual(desk.answered, ["1: check done"]);
  assert.deepEqual([desk.line.isOpen(ada), desk.line.isOpen(bob)], [false, true]);
  assert.ok(desk.line.ask(ada, CHECK));
  desk.line.forget(bob);
  desk.answers(second!.id, 2);
  assert.deepEqual(desk.answered, ["1: check done"]);
});

test("what is too long for any account is not asked", () => {
  const desk = new Desk();
  const ada = desk.client(1);
  assert.ok(!desk.line.ask(ada, { ...CHECK, password: "x".repeat(VAULT_TEXT_BYTES_MAX + 1) }));
  assert.deepEqual([desk.requests, desk.line.isOpen(ada)], [[], false]);
});

test("what nobody is left to answer is asked again: by the same process, or by a successor of it", () => {
  const desk = new Desk();
  const ada = desk.client(1);
  assert.equal(desk.line.notesOf(ada).length, 0);
  desk.line.ask(ada, CHECK);
  desk.line.askAgain();
  assert.equal(desk.requests.length, 2);
  assert.deepEqual(desk.requests[0], desk.requests[1]);
  const successor = new Desk();
  const taken = successor.client(1);
  successor.line.ask(successor.client(2), CHECK);
  successor.line.restore(taken, desk.line.notesOf(ada));
  successor.line.restore(successor.client(3), new Uint8Array(0));
  const { id, ...asked } = successor.requests.at(-1)!;
  assert.equal(successor.requests.length, 2);
  assert.deepEqual(asked, { ...CHECK, session: 1 });
  successor.answers(id, 1);
  assert.deepEqual(successor.answered, ["1: check done"]);
});
