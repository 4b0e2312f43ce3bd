import {
  type AccountStore,
  AccountStoreError,
  type PublicAccount,
  type Secrets,
  Vault,
  type VaultEvents,
  type VaultOutcome,
  decodeVaultRequest,
  encodeVaultReply,
  refuseVaultRequest,
} from "../accounts/index.ts";
import type { ChatState } from "../chat/index.ts";
import { encode, formatOf } from "../record/index.ts";
import type { HistoryPorts } from "./ports.ts";
import type { SeatMessage } from "./seatMessage.ts";

/** Where the accounts are kept. */
export interface AccountPorts {
  readonly store: AccountStore;
  readonly secrets: Secrets;
}

type Desked = Extract<SeatMessage, { type: "vault" | "userCommand" }>;

interface EncodedRecord {
  readonly kind: number;
  readonly payload: Uint8Array;
}

interface DeskSurroundings {
  /** This process's. */
  readonly process: number;
  /** Undefined: it is not known yet. */
  state(): ChatState | undefined;
  /** Has it written to the log. */
  append(record: EncodedRecord): void;
}

const NO_ACCOUNTS: VaultOutcome = {
  kind: "failed",
  code: "notAllowed",
  text: "the accounts cannot be used at the moment",
};

/**
 * Where the history process is asked about accounts: hands the questions to the vault, and tells the log what everybody
 * may know of what comes of them.
 */
export class AccountDesk {
  readonly #ports: HistoryPorts;
  readonly #surroundings: DeskSurroundings;
  readonly #vault: Vault | undefined;
  /** For the log, until it may be written. */
  readonly #held: EncodedRecord[] = [];
  #isReconciled = false;

  constructor(ports: HistoryPorts, surroundings: DeskSurroundings) {
    this.#ports = ports;
    this.#surroundings = surroundings;
    const { accounts } = ports;
    if (accounts === undefined) return;
    this.#vault = new Vault(accounts.store, accounts.secrets, {
      onRecord: (record) => this.#say(record),
      onTrouble: (text) => ports.send({ type: "log", level: "error", text }),
      isNameFree: (name, session) => this.#isNameFree(name, session),
      now: () => ports.now(),
    });
  }

  receive(message: Desked): void {
    if (message.type === "userCommand") void this.#administer(message);
    else void this.#answer(message);
  }

  /** Somebody may have changed the file: it is compared anew with what everybody knows of it. */
  reconcileAgain(): void {
    this.#isReconciled = false;
    this.#ports.wake();
  }

  /**
   * Once in each turn. As soon as the log says that this process keeps the history, nothing comes of what a process
   * before it may still have to say: the state tells what is known of the accounts.
   */
  step(state: ChatState): void {
    if (state.historyProcess !== this.#surroundings.process) return;
    if (!this.#isReconciled) this.#reconcile(state);
    // While an older version of the program runs as well, it has to wait.
    if (this.#held.some(({ kind }) => formatOf(kind) > state.format)) return;
    for (const record of this.#held.splice(0)) this.#surroundings.append(record);
  }

  /** What is held back already goes after this: it leads to what the file says, too. */
  #reconcile(state: ChatState): void {
    this.#isReconciled = true;
    const { accounts } = this.#ports;
    if (accounts === undefined) return;
    try {
      this.#held.unshift(...differences(accounts.store.list(), state));
    } catch (error) {
      if (!(error instanceof AccountStoreError)) throw error;
      this.#ports.send({ type: "log", level: "error", text: error.message });
    }
  }

  #say(record: Parameters<VaultEvents["onRecord"]>[0]): void {
    this.#held.push(encode(record));
    this.#ports.wake();
  }

  async #answer({ process, generation, session, bytes }: Extract<Desked, { type: "vault" }>): Promise<void> {
    const request = decodeVaultRequest(bytes);
    if (request === undefined || request.session !== session) {
      // A bug of ours; who asked goes on waiting for no longer than for a vault that died.
      const text = `process ${process} has asked something about accounts that is not understood`;
      this.#ports.send({ type: "log", level: "error", text });
      const refusal = refuseVaultRequest(bytes, "busy", "that was not understood");
      if (refusal !== undefined)
        this.#ports.send({ type: "vault", process, generation, session, bytes: refusal });
      return;
    }
    const { id } = request;
    const reply = (await this.#vault?.answer(request)) ?? { id, session, ...NO_ACCOUNTS };
    this.#ports.send({ type: "vault", process, generation, session, bytes: encodeVaultReply(reply) });
  }

  async #administer({ id, command }: Extract<Desked, { type: "userCommand" }>): Promise<void> {
    const fault = this.#vault === undefined ? NO_ACCOUNTS.text : await this.#vault.administer(command);
    this.#ports.send({ type: "userAnswer", id, text: fault ?? "" });
  }

  #isNameFree(name: string, session: number): boolean {
    const state = this.#surroundings.state();
    // Whoever is not known yet is a guest, whose person has the session's number.
    return state === undefined || state.names.isFree(name, state.sessions.get(session)?.person ?? session);
  }
}

/** What everybody has to be told, so that they know what the file says. */
function differences(accounts: readonly PublicAccount[], state: ChatState): EncodedRecord[] {
  const names = new Map(accounts.map(({ person, name }) => [person, name]));
  const gone = [...state.accounts.values()].filter(({ person, name }) => names.get(person) !== name);
  const changed = accounts.filter(({ person, name, role }) => {
    const known = state.accounts.get(person);
    return known?.name !== name || known.role !== role;
  });
  // Those that are gone first: another account may have the name now.
  return [
    ...gone.map(({ person, name }) => encode({ kind: "account", person, name, role: undefined })),
    ...changed.map(({ person, name, role }) => encode({ kind: "account", person, name, role })),
  ];
}
