import {
  type VaultQuestion,
  type VaultRequest,
  decodeVaultReply,
  decodeVaultRequest,
  encodeVaultRequest,
} from "../accounts/index.ts";
import type { SessionId } from "../chat/index.ts";
import type { Client } from "./client.ts";
import type { ChildPorts } from "./ports.ts";

const NOTHING = new Uint8Array(0);

/** What our clients have asked the vault: one question of each at a time. Secrets take this way alone. */
export class VaultLine {
  readonly #ports: ChildPorts;
  readonly #open = new Map<Client, VaultRequest>();
  #nextId = 1;

  constructor(ports: ChildPorts) {
    this.#ports = ports;
  }

  /** False where one is open already, or is too long for any account. */
  ask(client: Client, question: VaultQuestion): boolean {
    if (this.#open.has(client)) return false;
    const request: VaultRequest = { ...question, id: this.#nextId, session: client.session };
    if (encodeVaultRequest(request) === undefined) return false;
    this.#nextId += 1;
    this.#send(client, request);
    return true;
  }

  isOpen(client: Client): boolean {
    return this.#open.has(client);
  }

  answered(bytes: Uint8Array, clients: ReadonlyMap<SessionId, Client>): void {
    const reply = decodeVaultReply(bytes);
    const client = reply === undefined ? undefined : clients.get(reply.session);
    const request = client === undefined ? undefined : this.#open.get(client);
    // An answer to who asked before this one, or a second one.
    if (reply === undefined || client === undefined || request?.id !== reply.id) return;
    this.#open.delete(client);
    client.conversation.vaultAnswered(reply, request);
    this.#ports.wake();
  }

  /** Whoever passed it on has died. What came of it, nobody knows. */
  askAgain(): void {
    for (const [client, request] of this.#open) this.#send(client, request);
  }

  /** For a successor: encoded, with the secrets. */
  notesOf(client: Client): Uint8Array {
    const request = this.#open.get(client);
    return request === undefined ? NOTHING : encodeVaultRequest(request)!;
  }

  /** What a predecessor has asked and not heard the answer of. */
  restore(client: Client, notes: Uint8Array): void {
    const request = notes.length === 0 ? undefined : decodeVaultRequest(notes);
    if (request !== undefined) this.ask(client, request);
  }

  forget(client: Client): void {
    this.#open.delete(client);
  }

  #send(client: Client, request: VaultRequest): void {
    this.#open.set(client, request);
    const bytes = encodeVaultRequest(request)!;
    // Which process it is, the supervisor says.
    this.#ports.send({ type: "vault", process: 0, generation: 0, session: client.session, bytes });
  }
}
