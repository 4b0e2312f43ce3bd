import type { RoomId, Session } from "../chat/index.ts";

/** Which of a process's own clients are in which room: who a line is for, without asking everybody. */
export class Audience<Client> {
  readonly #rooms = new Map<RoomId, Set<Client>>();

  enter(client: Client, room: RoomId): void {
    let clients = this.#rooms.get(room);
    if (clients === undefined) this.#rooms.set(room, (clients = new Set()));
    clients.add(client);
  }

  leave(client: Client, room: RoomId): void {
    const clients = this.#rooms.get(room);
    if (clients?.delete(client) === true && clients.size === 0) this.#rooms.delete(room);
  }

  leaveAll(client: Client): void {
    for (const room of this.#rooms.keys()) this.leave(client, room);
  }

  in(room: RoomId): Iterable<Client> {
    return this.#rooms.get(room) ?? [];
  }

  /** All who share a room with a session. */
  around(session: Session): Set<Client> {
    const clients = new Set<Client>();
    for (const room of session.rooms.keys()) for (const client of this.in(room)) clients.add(client);
    return clients;
  }
}
