import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type VaultReply,
  decodeVaultReply,
  encodeVaultReply,
  encodeVaultRequest,
} from "../accounts/index.ts";
import { AccountRequests } from "./accountRequests.ts";
import { type SeatMessage, decodeSeatMessage, encodeSeatMessage } from "./seatMessage.ts";

type VaultMessage = Extract<SeatMessage, { type: "vault" }>;

/** What was sent to whom: a command's name, the number of a request, or why it was refused. */
class Sent {
  readonly all: string[] = [];
  readonly send = (process: number, sent: SeatMessage): void => {
    const message = decodeSeatMessage(encodeSeatMessage(sent));
    if (message.type === "userCommand") this.all.push(`${process}: ${message.command.action} ${message.id}`);
    if (message.type !== "vault") return;
    const reply = decodeVaultReply(message.bytes);
    const what =
      reply?.kind === "failed" ? `${reply.id} ${reply.code}` : `${message.process}/${message.generation}`;
    this.all.push(`${process}: ${what}`);
  };

  take(): string[] {
    return this.all.splice(0);
  }
}

/** As a worker sends it, which need not say who it is. */
function request(id: number): VaultMessage {
  const bytes = encodeVaultRequest({ kind: "drop", id, session: 9, account: "a", password: "p" })!;
  return { type: "vault", process: 0, generation: 0, session: 9, bytes };
}

function reply(process: number, generation: number, id: number): VaultMessage {
  const bytes = encodeVaultReply({ kind: "done", id, session: 9, text: "" } satisfies VaultReply);
  return { type: "vault", process, generation, session: 9, bytes };
}

const WORKER = { process: 5, generation: 2 };
const COMMAND = { action: "remove", name: "a" } as const;

test("a request goes to the history process, also to the next one, and its reply back, once", () => {
  const sent = new Sent();
  const requests = new AccountRequests(sent.send, true);
  requests.ask(WORKER, request(1));
  assert.deepEqual(sent.take(), []);
  requests.begin(3);
  requests.ask(WORKER, request(2));
  assert.deepEqual(sent.take(), ["3: 5/2", "3: 5/2"]);
  requests.answer(reply(5, 2, 1));
  requests.answer(reply(5, 2, 1));
  assert.deepEqual(sent.take(), ["5: 5/2"]);
  requests.died({ process: 3, generation: 1 }, "history");
  requests.ask(WORKER, request(3));
  assert.deepEqual(sent.take(), []);
  requests.begin(4);
  assert.deepEqual(sent.take(), ["4: 5/2", "4: 5/2"]);
});

test("a reply does not reach another process that has the number of who asked", () => {
  const sent = new Sent();
  const requests = new AccountRequests(sent.send, true);
  requests.begin(3);
  requests.ask(WORKER, request(1));
  requests.died(WORKER, "worker");
  requests.ask({ process: 5, generation: 3 }, request(2));
  sent.take();
  requests.answer(reply(5, 2, 1));
  assert.deepEqual(sent.take(), []);
  requests.answer(reply(5, 3, 2));
  assert.deepEqual(sent.take(), ["5: 5/3"]);
});

test("where there is nobody to ask, and none to come, the answer says so at once", () => {
  const sent = new Sent();
  const errors: string[] = [];
  const off = new AccountRequests(sent.send, false);
  off.ask(WORKER, request(1));
  off.command(COMMAND, (error) => errors.push(error));
  assert.deepEqual(sent.take(), ["5: 1 notAllowed"]);
  assert.deepEqual(errors.splice(0), ["this server keeps no accounts"]);

  const requests = new AccountRequests(sent.send, true);
  requests.ask(WORKER, request(1));
  requests.command(COMMAND, (error) => errors.push(error));
  requests.giveUp();
  requests.ask(WORKER, request(2));
  requests.command(COMMAND, (error) => errors.push(error));
  assert.deepEqual(sent.take(), ["5: 1 busy", "5: 2 busy"]);
  assert.deepEqual(
    errors,
    Array.from({ length: 2 }, () => "the accounts cannot be used at the moment"),
  );
  // One starts after all.
  requests.begin(3);
  requests.ask(WORKER, request(3));
  assert.deepEqual(sent.take(), ["3: 5/2"]);
});

test("no more requests are kept than a crowd has", () => {
  const sent = new Sent();
  const requests = new AccountRequests(sent.send, true);
  for (let id = 0; id < 1100; id += 1) requests.ask(WORKER, request(id));
  assert.equal(sent.take().filter((each) => each.endsWith("busy")).length, 76);
  requests.begin(3);
  assert.equal(sent.take().length, 1024);
});

test("a command is done once: not again by the next history process", () => {
  const sent = new Sent();
  const errors: string[] = [];
  const requests = new AccountRequests(sent.send, true);
  const command = (): void => requests.command(COMMAND, (error) => errors.push(error));
  command();
  requests.begin(3);
  command();
  assert.deepEqual(sent.take(), ["3: remove 1", "3: remove 2"]);
  requests.commandDone(1, "");
  requests.died({ process: 3, generation: 1 }, "history");
  assert.deepEqual(errors.splice(0, 1), [""]);
  assert.match(errors.splice(0).join(), /^the history process has ended/);
  command();
  requests.begin(4);
  requests.commandDone(3, "there is no account a");
  assert.deepEqual([sent.take(), errors], [["4: remove 3"], ["there is no account a"]]);
});
