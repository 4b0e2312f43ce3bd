import { assert, encodeUtf8 } from "../base/index.ts";
import {
  type AccountRecord,
  type Role,
  type SessionId,
  foldNick,
  isNick,
  isServiceName,
} from "../chat/index.ts";
import { Attempts } from "./attempts.ts";
import { faultOfNewPassword, preparePassword } from "./passwords.ts";
import {
  SCRAM_ITERATIONS,
  SCRAM_SALT_BYTES,
  type ScramTranscript,
  type ScramVerifier,
  checkProof,
  deriveVerifier,
  formatServerFirst,
  makeNonce,
  parseClientFirst,
} from "./scram.ts";
import { RecentlyDone } from "./recentlyDone.ts";
import { type Secrets, SecretsError } from "./secrets.ts";
import { type AccountStore, AccountStoreError, type Credentials, type KeptAccount } from "./store.ts";
import { Turns } from "./turns.ts";
import type { UserCommand } from "./userCommand.ts";
import type { VaultFailure, VaultOutcome, VaultQuestion, VaultReply, VaultRequest } from "./vaultMessages.ts";

export interface VaultEvents {
  /** What everybody may know of it. Called before the answer is there. */
  onRecord(record: Exclude<AccountRecord, { kind: "redacted" }>): void;
  /** Something does not work that is no client's fault: a sentence for the server's log. */
  onTrouble(text: string): void;
  /** Whether nobody else goes by this name at the moment. */
  isNameFree(name: string, session: SessionId): boolean;
  /** Milliseconds since 1970. */
  now(): number;
}

/** Each takes a thread of its own and, for a moment, 19 MiB: a crowd that logs in does not hold up the machine. */
const AT_ONCE = 2;
/** They wait some seconds at most. */
const WAITING_MAX = 128;
/** So often somebody may mistype at once, and then again after so long; and so many accounts are guessed at. */
const FAILED_ATTEMPTS = { atOnce: 8, everyMs: 20_000, keysMax: 16_384 } as const;
/** So many accounts may one session make. */
const REGISTRATIONS = { atOnce: 3, everyMs: 3_600_000, keysMax: 4096 } as const;
/** All of them are known to every process, by name. */
const ACCOUNTS_MAX = 65_536;
/** Of the secret from which the salts of accounts are made that there are not. */
const DECOY_KEY = "decoy-salts";
const DECOY_KEY_BYTES = 32;

/** See `isNick`. */
const NAMES = "1 to 24 ASCII letters, digits and []{}\\`_^|-, not beginning with a digit or -";

const WRONG: VaultOutcome = failed("wrong", "no such account, or not its password");
const TAKEN: VaultOutcome = failed("taken", "somebody has that name");
const BUSY: VaultOutcome = failed("busy", "too much to do at the moment; try again later");
const TOO_OFTEN: VaultOutcome = failed("busy", "too many attempts; try again in a minute");
const DONE: VaultOutcome = { kind: "done", text: "" };

/**
 * Knows the secrets of all accounts, and tells nobody: whoever asks learns whether what it says is right. What it
 * answers about an account that there is not is what it answers about a wrong password, after the same work.
 */
export class Vault {
  readonly #store: AccountStore;
  readonly #secrets: Secrets;
  readonly #events: VaultEvents;
  readonly #turns: Turns = new Turns(AT_ONCE, WAITING_MAX);
  readonly #attempts: Attempts = new Attempts(FAILED_ATTEMPTS);
  readonly #registrations: Attempts = new Attempts(REGISTRATIONS);
  readonly #done: RecentlyDone;

  constructor(store: AccountStore, secrets: Secrets, events: VaultEvents) {
    this.#store = store;
    this.#secrets = secrets;
    this.#events = events;
    this.#done = new RecentlyDone(secrets);
  }

  /** Rejects for nothing but a bug. */
  async answer(request: VaultRequest): Promise<VaultReply> {
    const { id, session } = request;
    return { id, session, ...(await this.#expectingTrouble(() => this.#outcome(request, session))) };
  }

  /**
   * Does what somebody who runs the server wants, however busy the vault is.
   * @returns why not, in a sentence; undefined: it is done
   */
  async administer(command: UserCommand): Promise<string | undefined> {
    const outcome = await this.#expectingTrouble(() => this.#administer(command));
    return outcome.kind === "failed" ? outcome.text : undefined;
  }

  #outcome(question: VaultQuestion, session: SessionId): Promise<VaultOutcome> {
    switch (question.kind) {
      case "check":
        return this.#check(question, session);
      case "register":
        return this.#register(question, session);
      case "changePassword":
        return this.#changePassword(question, session);
      case "drop":
        return this.#drop(question, session);
      case "scramFirst":
        return Promise.resolve(this.#beginScram(question.clientFirst));
      case "scramFinal":
        return Promise.resolve(this.#endScram(question, session));
    }
  }

  #check(
    { account, password, as }: Extract<VaultQuestion, { kind: "check" }>,
    session: SessionId,
  ): Promise<VaultOutcome> {
    return this.#withProof(account, password, session, ({ person, role }) => {
      if (as === "oper" && role === "user") return failed("notAllowed", "that account is no operator's");
      this.#events.onRecord({ kind: as, session, person });
      return DONE;
    });
  }

  async #register(
    { account, password }: Extract<VaultQuestion, { kind: "register" }>,
    session: SessionId,
  ): Promise<VaultOutcome> {
    const fault = this.#faultOfNew(account, password);
    if (fault !== undefined) return fault;
    if (!this.#events.isNameFree(account, session)) return TAKEN;
    if (this.#store.count() >= ACCOUNTS_MAX)
      return failed("notAllowed", "this server takes no more accounts");
    if (this.#turns.isFull) return BUSY;
    if (!this.#registrations.take(String(session), this.#events.now())) return TOO_OFTEN;
    return this.#turns.run(() => this.#add(account, "user", password, session));
  }

  #changePassword(
    { account, old, password }: Extract<VaultQuestion, { kind: "changePassword" }>,
    session: SessionId,
  ): Promise<VaultOutcome> {
    const fault = faultOfNewPassword(password, account);
    if (fault !== undefined) return Promise.resolve(failed("badPassword", fault));
    return this.#once(session, ["changePassword", foldNick(account), old, password], () =>
      this.#withProof(account, old, session, async (kept) => {
        const credentials = await this.#credentialsOf(password);
        return this.#store.setCredentials(kept, credentials) ? DONE : WRONG;
      }),
    );
  }

  #drop(
    { account, password }: Extract<VaultQuestion, { kind: "drop" }>,
    session: SessionId,
  ): Promise<VaultOutcome> {
    return this.#once(session, ["drop", foldNick(account), password], () =>
      this.#withProof(account, password, session, (kept) => this.#remove(kept)),
    );
  }

  /** What makes its own proof wrong, and is answered as the first time where it is asked again. */
  async #once(
    session: SessionId,
    what: readonly string[],
    act: () => Promise<VaultOutcome>,
  ): Promise<VaultOutcome> {
    const outcome = await act();
    if (outcome === DONE) this.#done.add(session, what, this.#events.now());
    return outcome === WRONG && this.#done.has(session, what, this.#events.now()) ? DONE : outcome;
  }

  #beginScram(clientFirst: string): VaultOutcome {
    const first = parseClientFirst(clientFirst);
    if (first === undefined) return WRONG;
    const { salt, iterations } = this.#verifierOf(this.#store.get(first.account), first.account);
    return {
      kind: "done",
      text: formatServerFirst({ nonce: makeNonce(this.#secrets, first), salt, iterations }),
    };
  }

  /**
   * The worker brings back all that has been said before, so nothing has to be remembered of it, and it does not matter
   * whether the vault that began is the one that ends. What the server said has to come from the worker alone, never
   * from the client: it is the nonce in it, which the client cannot have known before, that keeps somebody who has
   * listened to another log-in from saying the same again. A worker, which hears passwords anyhow, is trusted with
   * that. Everything else is checked here: the client's last nonce is the one in what the server said, salt and
   * iterations are those that the account has now, and all of it is in what the proof signs.
   */
  #endScram(transcript: ScramTranscript, session: SessionId): VaultOutcome {
    const account = parseClientFirst(transcript.clientFirst)?.account;
    if (account === undefined) return WRONG;
    const keys = attemptKeys(account, session);
    if (!this.#takeAttempts(keys)) return TOO_OFTEN;
    const kept = this.#store.get(account);
    const text = checkProof(this.#secrets, this.#verifierOf(kept, account), transcript);
    if (text === undefined || kept === undefined) return WRONG;
    this.#giveBack(keys);
    this.#events.onRecord({ kind: "login", session, person: kept.person });
    return { kind: "done", text };
  }

  /** Of an account that there is not, one that is always the same, and that no password belongs to. */
  #verifierOf(account: KeptAccount | undefined, name: string): ScramVerifier {
    if (account !== undefined) return account.scram;
    const key = this.#store.secret(DECOY_KEY, () => this.#secrets.random(DECOY_KEY_BYTES));
    const derived = (what: string): Uint8Array =>
      this.#secrets.authenticate(key, encodeUtf8(`${what} ${foldNick(name)}`));
    return {
      salt: derived("salt").slice(0, SCRAM_SALT_BYTES),
      iterations: SCRAM_ITERATIONS,
      storedKey: derived("stored key"),
      serverKey: derived("server key"),
    };
  }

  async #administer(command: UserCommand): Promise<VaultOutcome> {
    const { name } = command;
    const missing = failed("wrong", `there is no account ${name}`);
    switch (command.action) {
      case "add": {
        const { role, password } = command;
        const outcome =
          this.#faultOfNew(name, password) ?? (await this.#turns.run(() => this.#add(name, role, password)));
        return outcome === TAKEN ? failed("taken", `there is an account ${name} already`) : outcome;
      }
      case "passwd": {
        const fault = faultOfNewPassword(command.password, name);
        if (fault !== undefined) return failed("badPassword", fault);
        const credentials = await this.#turns.run(() => this.#credentialsOf(command.password));
        // As it is now: its owner may have changed it meanwhile, and comes second.
        const kept = this.#store.get(name);
        return kept !== undefined && this.#store.setCredentials(kept, credentials) ? DONE : missing;
      }
      case "role": {
        const kept = this.#store.get(name);
        if (kept === undefined || !this.#store.setRole(kept.person, command.role)) return missing;
        this.#events.onRecord({ kind: "account", person: kept.person, name: kept.name, role: command.role });
        return DONE;
      }
      case "remove": {
        const kept = this.#store.get(name);
        return kept === undefined ? missing : this.#remove(kept);
      }
    }
  }

  /** Why there can be no such account, whoever wants it. */
  #faultOfNew(name: string, password: string): VaultOutcome | undefined {
    if (!isNick(name) || isServiceName(name))
      return failed("badName", `an account has a name that a nick could be: ${NAMES}`);
    const fault = faultOfNewPassword(password, name);
    if (fault !== undefined) return failed("badPassword", fault);
    return this.#store.get(name) === undefined ? undefined : TAKEN;
  }

  /** @param session who is logged in to it at once */
  async #add(name: string, role: Role, password: string, session?: SessionId): Promise<VaultOutcome> {
    const credentials = await this.#credentialsOf(password);
    const added = this.#store.add(name, role, credentials, this.#events.now());
    if (added === undefined) return TAKEN;
    const { person } = added;
    const account = { kind: "account", person, name, role } as const;
    this.#events.onRecord(session === undefined ? account : { ...account, session });
    if (session !== undefined) this.#events.onRecord({ kind: "login", session, person });
    return DONE;
  }

  #remove({ person, name }: KeptAccount): VaultOutcome {
    if (!this.#store.remove(person)) return WRONG;
    this.#events.onRecord({ kind: "account", person, name, role: undefined });
    return DONE;
  }

  /** Goes on where the password is that of the account; whoever guesses is slowed down. */
  async #withProof(
    account: string,
    password: string,
    session: SessionId,
    goOn: (kept: KeptAccount) => VaultOutcome | Promise<VaultOutcome>,
  ): Promise<VaultOutcome> {
    if (this.#turns.isFull) return BUSY;
    const keys = attemptKeys(account, session);
    if (!this.#takeAttempts(keys)) return TOO_OFTEN;
    return this.#turns.run(async () => {
      const kept = await this.#proven(account, password);
      if (kept === undefined) return WRONG;
      this.#giveBack(keys);
      return goOn(kept);
    });
  }

  async #proven(account: string, password: string): Promise<KeptAccount | undefined> {
    const prepared = preparePassword(password);
    // Of what was typed alone, and not of what is kept.
    if (prepared === undefined) return undefined;
    const before = this.#store.get(account);
    const isRight = await this.#secrets.verify(prepared, before?.passwordHash ?? this.#secrets.decoy);
    if (!isRight || before === undefined) return undefined;
    // It may have been removed meanwhile, or have another password now, or another role.
    const kept = this.#store.get(account);
    const isSame = kept?.person === before.person && kept.passwordHash === before.passwordHash;
    return isSame ? kept : undefined;
  }

  async #credentialsOf(password: string): Promise<Credentials> {
    const prepared = preparePassword(password);
    assert(prepared !== undefined, "a password is looked at before it is hashed");
    const salt = this.#secrets.random(SCRAM_SALT_BYTES);
    return {
      passwordHash: await this.#secrets.hash(prepared),
      scram: await deriveVerifier(this.#secrets, prepared, salt, SCRAM_ITERATIONS),
    };
  }

  /** One of each, before it is known whether it was a guess: those that come at the same time count, too. */
  #takeAttempts(keys: readonly string[]): boolean {
    const nowMs = this.#events.now();
    for (const [index, key] of keys.entries()) {
      if (this.#attempts.take(key, nowMs)) continue;
      this.#giveBack(keys.slice(0, index));
      return false;
    }
    return true;
  }

  #giveBack(keys: readonly string[]): void {
    for (const key of keys) this.#attempts.giveBack(key);
  }

  async #expectingTrouble(work: () => Promise<VaultOutcome>): Promise<VaultOutcome> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof AccountStoreError) && !(error instanceof SecretsError)) throw error;
      this.#events.onTrouble(error.message);
      return BUSY;
    }
  }
}

/** The session first: who has no attempts left takes none of the account's. */
function attemptKeys(account: string, session: SessionId): readonly string[] {
  return [`session ${session}`, `account ${foldNick(account)}`];
}

function failed(code: VaultFailure, text: string): VaultOutcome {
  return { kind: "failed", code, text };
}
