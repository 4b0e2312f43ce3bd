import { type ChatState, type RoomId, type Session, type SessionId, principalOf } from "../chat/index.ts";
import { Audience } from "./audience.ts";
import type { Client } from "./client.ts";

const NOBODY: ReadonlySet<Client> = new Set();

/** Whose clients a process serves: by person, and by the rooms that the person is in. */
export class People {
  readonly #audience = new Audience<Client>();
  /** By the session whose name and rooms they have. */
  readonly #clients = new Map<SessionId, Set<Client>>();
  readonly #principals = new Map<Client, SessionId>();

  /** A client is here, or is somebody else's from now on: as the state has it. */
  place(client: Client, state: ChatState): void {
    this.forget(client);
    const seated = state.sessions.get(client.session);
    const session = seated === undefined ? undefined : principalOf(state, seated);
    const id = session?.id ?? client.session;
    this.#principals.set(client, id);
    const clients = this.#clients.get(id);
    if (clients === undefined) this.#clients.set(id, new Set([client]));
    else clients.add(client);
    for (const room of session?.rooms.keys() ?? []) this.#audience.enter(client, room);
  }

  /** It is nobody's any more, and in no room. */
  forget(client: Client): void {
    const id = this.#principals.get(client);
    if (id === undefined) return;
    this.#principals.delete(client);
    this.#audience.leaveAll(client);
    const clients = this.#clients.get(id)!;
    clients.delete(client);
    if (clients.size === 0) this.#clients.delete(id);
  }

  /** The clients of one person that this process serves. */
  of({ id }: Session): ReadonlySet<Client> {
    return this.#clients.get(id) ?? NOBODY;
  }

  enter(session: Session, room: RoomId): void {
    for (const client of this.of(session)) this.#audience.enter(client, room);
  }

  leave(session: Session, room: RoomId): void {
    for (const client of this.of(session)) this.#audience.leave(client, room);
  }

  in(room: RoomId): Iterable<Client> {
    return this.#audience.in(room);
  }

  /** All who share a room with a session, its own clients included. */
  around(session: Session): Set<Client> {
    return this.#audience.around(session);
  }
}
