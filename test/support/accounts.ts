/* A vault for tests: in memory, with cryptography that costs nothing, and a clock that stands still. */
import { createHash, createHmac } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import {
  AccountStore,
  type Secrets,
  Vault,
  type VaultEvents,
  type VaultOutcome,
  type VaultQuestion,
} from "../../src/accounts/index.ts";

type VaultRecord = Parameters<VaultEvents["onRecord"]>[0];

const digestOf = (text: string): Uint8Array => createHash("sha256").update(text).digest();

/** Tells apart what the real thing tells apart, in no time; each hash waits for `release` where it is told to. */
export class CheapSecrets implements Secrets {
  readonly decoy: string = "hash of nothing";
  /** What is computed at the moment, and how much of it. */
  verified: string[] = [];
  running = 0;
  mostRunning = 0;
  #made = 0;
  #isHolding = false;
  #held: (() => void)[] = [];

  random(length: number): Uint8Array {
    this.#made += 1;
    return digestOf(`random ${this.#made}`).slice(0, length);
  }

  async hash(password: string): Promise<string> {
    await this.#turn();
    return `hash of ${password}`;
  }

  async verify(password: string, hash: string): Promise<boolean> {
    this.verified.push(hash);
    await this.#turn();
    return hash === `hash of ${password}`;
  }

  async derive(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array> {
    await this.#turn();
    return digestOf(`${password} ${salt.join()} ${iterations}`);
  }

  authenticate(key: Uint8Array, data: Uint8Array): Uint8Array {
    return createHmac("sha256", key).update(data).digest();
  }

  digest(data: Uint8Array): Uint8Array {
    return createHash("sha256").update(data).digest();
  }

  areEqual(left: Uint8Array, right: Uint8Array): boolean {
    return left.join() === right.join();
  }

  /** Whatever is to be computed waits from now on. */
  hold(): void {
    this.#isHolding = true;
  }

  /** One of what waits is done, or all of it. */
  release(count: number = Infinity): void {
    for (const done of this.#held.splice(0, count)) done();
    if (count === Infinity) this.#isHolding = false;
  }

  async #turn(): Promise<void> {
    this.running += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running);
    if (this.#isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    this.running -= 1;
  }
}

export class TestVault<Kind extends Secrets = CheapSecrets> implements Disposable {
  readonly database: DatabaseSync = new DatabaseSync(":memory:");
  readonly store: AccountStore = new AccountStore(this.database);
  readonly secrets: Kind;
  readonly vault: Vault;
  readonly records: VaultRecord[] = [];
  readonly troubles: string[] = [];
  /** Names that somebody goes by. */
  readonly takenNames = new Set<string>();
  nowMs = Date.UTC(2026, 10, 25);
  #nextId = 1;

  constructor(secrets: Kind) {
    this.secrets = secrets;
    this.vault = new Vault(this.store, secrets, {
      onRecord: (record) => this.records.push(record),
      onTrouble: (text) => this.troubles.push(text),
      isNameFree: (name) => !this.takenNames.has(name),
      now: () => this.nowMs,
    });
  }

  async ask(question: VaultQuestion, session: number = 7): Promise<VaultOutcome> {
    const id = this.#nextId;
    this.#nextId += 1;
    const {
      id: answered,
      session: asked,
      ...outcome
    } = await this.vault.answer({ ...question, id, session });
    if (answered !== id || asked !== session) throw new Error("the answer to another request");
    return outcome;
  }

  /** What came of it, in a word. */
  async try(question: VaultQuestion, session?: number): Promise<string> {
    const outcome = await this.ask(question, session);
    return outcome.kind === "done" ? "done" : outcome.code;
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}
