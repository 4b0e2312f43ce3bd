import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";
import { test } from "node:test";
import { CheapSecrets } from "../../test/support/accounts.ts";
import {
  AccountStore,
  type UserCommand,
  type VaultQuestion,
  decodeVaultReply,
  encodeVaultRequest,
} from "../accounts/index.ts";
import { type AccountRecord, type ChatRecord, type ChatState, apply, createState } from "../chat/index.ts";
import { RECORD_FORMAT, decode } from "../record/index.ts";
import { AccountDesk } from "./accountDesk.ts";
import type { HistoryPorts } from "./ports.ts";
import { type SeatMessage, decodeSeatMessage, encodeSeatMessage } from "./seatMessage.ts";

const PROCESS = 4;
const PASSWORD = "correct horse";

function overTheLine(message: SeatMessage): SeatMessage {
  return decodeSeatMessage(encodeSeatMessage(message));
}

/** A desk with a state that follows what it has written to the log. */
class Office implements Disposable {
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  readonly store: AccountStore = new AccountStore(this.database);
  readonly state: ChatState = createState();
  readonly sent: SeatMessage[] = [];
  readonly written: AccountRecord[] = [];
  readonly desk: AccountDesk;
  #sequence = 100;

  constructor(hasAccounts: boolean = true) {
    // Of all that a history process has, the desk needs this.
    const ports = {
      accounts: hasAccounts ? { store: this.store, secrets: new CheapSecrets() } : undefined,
      send: (message: SeatMessage) => void this.sent.push(overTheLine(message)),
      wake: () => undefined,
      now: () => 1_000_000_000,
    } as unknown as HistoryPorts;
    this.desk = new AccountDesk(ports, {
      process: PROCESS,
      state: () => this.state,
      append: ({ kind, payload }) => {
        const record = decode(kind, payload, 0, payload.length) as AccountRecord;
        this.written.push(record);
        this.#sequence += 1;
        apply(this.state, record, PROCESS, this.#sequence, 1);
      },
    });
    this.state.format = RECORD_FORMAT;
  }

  /** Somebody is here, and goes by this name. */
  enter(session: number, nick: string): void {
    const records: readonly ChatRecord[] = [
      { kind: "seat", session, process: session, protocol: "plain", host: "" },
      { kind: "arrive", session, replay: 0 },
      { kind: "nick", session, nick, displayName: nick, derived: false },
    ];
    for (const record of records) {
      this.#sequence += 1;
      apply(this.state, record, record.kind === "seat" ? 0 : session, this.#sequence, 1);
    }
    assert.equal(this.state.sessions.get(session)?.nick, nick);
  }

  /** Takes its turns until there is nothing to wait for. */
  async settle(): Promise<void> {
    for (let count = 0; count < 10; count += 1) {
      await turn();
      this.desk.step(this.state);
    }
  }

  /** The log says that the desk's process keeps the history. */
  async begin(): Promise<void> {
    this.state.historyProcess = PROCESS;
    await this.settle();
  }

  async do(command: UserCommand): Promise<string> {
    this.desk.receive({ type: "userCommand", id: 6, command });
    await this.settle();
    const answer = this.sent.pop();
    assert.ok(answer?.type === "userAnswer" && answer.id === 6);
    return answer.text;
  }

  async ask(question: VaultQuestion, session: number): Promise<string> {
    const bytes = encodeVaultRequest({ ...question, id: 8, session })!;
    this.desk.receive({ type: "vault", process: 9, generation: 3, session, bytes });
    await this.settle();
    const message = this.sent.pop();
    assert.ok(message?.type === "vault");
    assert.deepEqual([message.process, message.generation, message.session], [9, 3, session]);
    const reply = decodeVaultReply(message.bytes)!;
    assert.deepEqual([reply.id, reply.session], [8, session]);
    return reply.kind === "done" ? "done" : reply.code;
  }

  accounts(): string[] {
    return [...this.state.accounts.values()].map(({ name, role }) => `${name} ${role}`);
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

const add = (name: string): UserCommand => ({ action: "add", name, role: "user", password: PASSWORD });

test("what was done while no server ran is in the log as soon as this process may write there", async () => {
  using office = new Office();
  await office.begin();
  for (const name of ["alice", "bob", "carol"]) assert.equal(await office.do(add(name)), "");
  assert.equal(office.written.length, 3);
  const personOf = (name: string): number => office.store.get(name)!.person;
  // Behind its back, as by a command on the folder.
  const bob = office.store.get("bob")!;
  office.store.setRole(personOf("alice"), "operator");
  office.store.remove(bob.person);
  const anew = office.store.add("Bob", "moderator", bob, 2_000_000_000)!;
  assert.deepEqual(office.accounts(), ["alice user", "bob user", "carol user"]);

  office.written.length = 0;
  office.state.historyProcess = PROCESS + 1;
  office.desk.reconcileAgain();
  await office.settle();
  assert.deepEqual(office.written, []);
  await office.begin();
  assert.deepEqual(office.accounts(), ["alice operator", "carol user", "Bob moderator"]);
  assert.deepEqual(office.written, [
    { kind: "account", person: bob.person, name: "bob", role: undefined },
    { kind: "account", person: personOf("alice"), name: "alice", role: "operator" },
    { kind: "account", person: anew.person, name: "Bob", role: "moderator" },
  ]);
  // Once is enough.
  office.desk.reconcileAgain();
  await office.settle();
  assert.equal(office.written.length, 3);
});

test("what comes of a request before it may be written is written afterwards", async () => {
  using office = new Office();
  assert.equal(await office.do(add("alice")), "");
  assert.equal(
    await office.ask({ kind: "check", account: "alice", password: PASSWORD, as: "login" }, 7),
    "done",
  );
  assert.deepEqual(office.written, []);
  office.state.format = 0;
  await office.begin();
  // While an older version of the program runs as well.
  assert.deepEqual(office.written, []);
  office.state.format = RECORD_FORMAT;
  await office.settle();
  assert.deepEqual(office.accounts(), ["alice user"]);
  const { person } = office.store.get("alice")!;
  assert.deepEqual(office.written.at(-1), { kind: "login", session: 7, person });
});

test("nobody registers the name that somebody else goes by; whoever goes by it does", async () => {
  using office = new Office();
  await office.begin();
  office.enter(7, "bob");
  const register: VaultQuestion = { kind: "register", account: "BOB", password: PASSWORD };
  assert.equal(await office.ask(register, 8), "taken");
  assert.equal(await office.ask(register, 7), "done");
});

test("where the accounts cannot be used, that is the answer", async () => {
  using office = new Office(false);
  await office.begin();
  assert.equal(await office.do(add("alice")), "the accounts cannot be used at the moment");
  assert.equal(await office.ask({ kind: "scramFirst", clientFirst: "n,,n=a,r=b" }, 7), "notAllowed");
});

test("what is not understood is answered, and the log hears of it", async () => {
  using office = new Office();
  const bytes = encodeVaultRequest({ kind: "scramFirst", clientFirst: "", id: 8, session: 7 })!.slice(0, -1);
  office.desk.receive({ type: "vault", process: 9, generation: 3, session: 7, bytes });
  await office.settle();
  assert.deepEqual(
    office.sent.map(({ type }) => type),
    ["log", "vault"],
  );
});
