import { type UserCommand, refuseVaultRequest, vaultIdOf } from "../accounts/index.ts";
import type { Role, Spawned } from "./ports.ts";
import type { SeatMessage } from "./seatMessage.ts";

type VaultMessage = Extract<SeatMessage, { type: "vault" }>;

interface Command {
  readonly command: UserCommand;
  /** Told why nothing came of it, or nothing. */
  readonly done: (error: string) => void;
  /** The history process that has it; undefined: it waits for one. */
  process: number | undefined;
}

/** So many requests may be open at once: far more than the vault lets wait. */
const OPEN_MAX = 1024;
const NO_ACCOUNTS = "this server keeps no accounts";
const UNUSABLE = "the accounts cannot be used at the moment";

/**
 * What workers and the control socket ask of the accounts, on its way to the history process and back. What has no
 * answer yet is kept, so that a history process that takes the place of a dead one gets it. Of a worker's request
 * nothing is looked at but its number.
 */
export class AccountRequests {
  readonly #send: (process: number, message: SeatMessage) => void;
  readonly #isKept: boolean;
  /** By who asked, and the request's number. */
  readonly #open = new Map<string, VaultMessage>();
  readonly #commands = new Map<number, Command>();
  #nextCommand = 1;
  /** The history process, when it is ready. */
  #history: number | undefined;
  /** None starts any more. */
  #isHopeless = false;

  /** @param isKept whether there is a history process, which keeps the accounts */
  constructor(send: (process: number, message: SeatMessage) => void, isKept: boolean) {
    this.#send = send;
    this.#isKept = isKept;
  }

  /** From a worker. */
  ask({ process, generation }: Spawned, { session, bytes }: VaultMessage): void {
    const message: VaultMessage = { type: "vault", process, generation, session, bytes };
    if (!this.#isKept) this.#refuse(message, "notAllowed", NO_ACCOUNTS);
    else if (this.#isHopeless || this.#open.size >= OPEN_MAX) this.#refuse(message, "busy", UNUSABLE);
    else {
      this.#open.set(keyOf(message), message);
      if (this.#history !== undefined) this.#send(this.#history, message);
    }
  }

  /** From the history process. Who asked may be gone, and another have its number. */
  answer(message: VaultMessage): void {
    if (this.#open.delete(keyOf(message))) this.#send(message.process, message);
  }

  /** From the control socket. `done` is told why nothing came of it; an empty text: it is done. */
  command(command: UserCommand, done: (error: string) => void): void {
    if (!this.#isKept) return done(NO_ACCOUNTS);
    if (this.#isHopeless) return done(UNUSABLE);
    const id = this.#nextCommand;
    this.#nextCommand += 1;
    this.#commands.set(id, { command, done, process: undefined });
    this.#sendCommands();
  }

  commandDone(id: number, error: string): void {
    const command = this.#commands.get(id);
    this.#commands.delete(id);
    command?.done(error);
  }

  /** This history process is ready: it gets whatever is open, also what one before it had. */
  begin(history: number): void {
    this.#history = history;
    this.#isHopeless = false;
    for (const message of this.#open.values()) this.#send(history, message);
    this.#sendCommands();
  }

  /** A process has died. What a history process had begun of a command, nobody knows the end of. */
  died({ process, generation }: Spawned, role: Role): void {
    for (const [key, message] of this.#open)
      if (message.process === process && message.generation === generation) this.#open.delete(key);
    if (role !== "history") return;
    if (this.#history === process) this.#history = undefined;
    for (const [id, command] of this.#commands) {
      if (command.process !== process) continue;
      this.commandDone(id, "the history process has ended, perhaps before it was done; look, and try again");
    }
  }

  /** No history process starts any more. */
  giveUp(): void {
    this.#isHopeless = true;
    for (const message of this.#open.values()) this.#refuse(message, "busy", UNUSABLE);
    this.#open.clear();
    for (const id of this.#commands.keys()) this.commandDone(id, UNUSABLE);
  }

  #sendCommands(): void {
    if (this.#history === undefined) return;
    for (const [id, waiting] of this.#commands) {
      if (waiting.process !== undefined) continue;
      waiting.process = this.#history;
      this.#send(this.#history, { type: "userCommand", id, command: waiting.command });
    }
  }

  #refuse(message: VaultMessage, code: "busy" | "notAllowed", text: string): void {
    const bytes = refuseVaultRequest(message.bytes, code, text);
    if (bytes !== undefined) this.#send(message.process, { ...message, bytes });
  }
}

function keyOf({ process, generation, bytes }: VaultMessage): string {
  return `${process} ${generation} ${vaultIdOf(bytes) ?? "none"}`;
}
