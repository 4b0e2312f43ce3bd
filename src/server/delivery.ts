import {
  type Effect,
  type EffectOf,
  type Moment,
  type OwnEffect,
  type PublicEffect,
  type Session,
  hasRank,
} from "../chat/index.ts";
import type { Client } from "./client.ts";
import type { Outbox } from "./outbox.ts";
import type { People } from "./people.ts";
import type { Replica } from "./replica.ts";

/** What is told to somebody: all but what concerns the processes alone. */
export type ShownEffect = Exclude<Effect, { kind: "seated" | "seatLost" | "detached" | "historyAsked" }>;

/** Where in the outbox a line stands, in the spelling with this key. */
interface Spelling {
  readonly key: number;
  readonly from: number;
  readonly to: number;
}

/** Brings effects to a process's clients whom they concern. A line is encoded once for all who get the same. */
export class Delivery {
  readonly #outbox: Outbox;
  readonly #replica: Replica;
  readonly #people: People;
  readonly #clients: ReadonlyMap<number, Client>;
  /** Of the line that is being told. */
  readonly #spellings: Spelling[] = [];

  constructor(outbox: Outbox, replica: Replica, people: People, clients: ReadonlyMap<number, Client>) {
    this.#outbox = outbox;
    this.#replica = replica;
    this.#people = people;
    this.#clients = clients;
  }

  /** @param origin the client that wished it, where that is one of ours */
  show(effect: ShownEffect, moment: Moment, origin: Client | undefined): void {
    switch (effect.kind) {
      case "said":
      case "acted":
      case "noticed":
      case "tagged":
      case "topicSet":
      case "restricted":
      case "modeSet":
      case "settingSet":
        return this.#tellAll(this.#people.in(effect.room.id), effect, moment, origin);
      case "roomRenamed":
        // Not alike: who does not know that a room can be renamed is told something of itself.
        for (const client of this.#people.in(effect.room.id))
          if (client.output.isListening) client.conversation.tell(effect, moment, client === origin);
        return;
      case "joined":
        this.#tellAll(
          this.#people.in(effect.room.id),
          effect,
          moment,
          origin,
          this.#people.of(effect.session),
        );
        this.#people.enter(effect.session, effect.room.id);
        return this.#tellPerson(effect.session, effect, moment, origin);
      case "parted":
        this.#people.leave(effect.session, effect.room.id);
        this.#tellAll(this.#people.in(effect.room.id), effect, moment, origin);
        return this.#tellPerson(effect.session, effect, moment, origin);
      case "kicked":
        this.#people.leave(effect.target, effect.room.id);
        this.#tellAll(this.#people.in(effect.room.id), effect, moment, origin);
        return this.#tellPerson(effect.target, effect, moment, origin);
      case "renamed":
      case "described":
      case "accountChanged":
      case "awaySet":
        this.#tellNeighbours(effect.session, effect, moment, origin);
        return this.#tellPerson(effect.session, effect, moment, origin);
      case "left":
        for (const room of effect.session.rooms.keys()) this.#people.leave(effect.session, room);
        return this.#tellNeighbours(effect.session, effect, moment, origin);
      case "whispered":
        this.#whispered(effect, moment, origin);
        return;
      case "invited":
      case "knocked":
        this.#tellAll(this.#people.in(effect.room.id), effect, moment, origin);
        if (effect.kind === "invited") this.#tellPerson(effect.target, effect, moment, origin);
        return this.#tellOrigin(effect, moment, origin);
      case "redacted":
        return this.#redacted(effect, moment, origin);
      case "arrived":
        this.#tellPerson(effect.session, effect, moment, origin);
        return this.#seen(effect, moment, new Set());
      case "attached": {
        const client = this.#clients.get(effect.client);
        return client?.conversation.tell(effect, moment, client === origin);
      }
      case "focused":
      case "flagSet":
      case "marked":
      case "roleChanged":
      case "turned":
      case "killed":
        return this.#tellPerson(effect.session, effect, moment, origin);
      case "refused":
      case "replied":
        return this.#tellOrigin(effect, moment, origin);
      case "policySet":
        return this.#tellWhere(({ role }) => role !== "user", effect, moment, origin);
      case "announced":
        return this.#tellWhere(({ wallops }) => wallops, effect, moment, origin);
      case "storeChanged":
        return this.#tellWhere(runsARoom, effect, moment, origin);
      case "stopping":
        return;
    }
  }

  /** Each spelling of the line is made once, in the outbox; whose share it is part of is told where it stands. */
  #tellAll(
    clients: Iterable<Client>,
    effect: PublicEffect,
    moment: Moment,
    origin: Client | undefined,
    except?: ReadonlySet<Client>,
  ): void {
    const spellings = this.#spellings;
    spellings.length = 0;
    for (const client of clients) {
      if (!client.output.isListening || except?.has(client) === true) continue;
      const { conversation } = client;
      const key = conversation.publicKey(effect, client === origin);
      if (key === undefined) continue;
      if (conversation.isCollecting) {
        conversation.tell(effect, moment, client === origin);
        continue;
      }
      let spelling = spellingWith(spellings, key);
      if (spelling === undefined) {
        const from = this.#outbox.length;
        conversation.publicLine(this.#outbox, effect, moment, key);
        spelling = { key, from, to: this.#outbox.length };
        spellings.push(spelling);
      }
      client.output.share.include(spelling.from, spelling.to);
    }
  }

  /** All who share a room with somebody, and those who watch it; but not its own clients. */
  #tellNeighbours(
    session: Session,
    effect: EffectOf<"renamed" | "described" | "accountChanged" | "awaySet" | "left">,
    moment: Moment,
    origin: Client | undefined,
  ): void {
    const neighbours = this.#people.around(session);
    this.#tellAll(neighbours, effect, moment, origin, this.#people.of(session));
    this.#seen(effect, moment, neighbours);
  }

  #seen(
    effect: EffectOf<"arrived" | "renamed" | "described" | "accountChanged" | "awaySet" | "left">,
    moment: Moment,
    neighbours: ReadonlySet<Client>,
  ): void {
    for (const client of this.#clients.values())
      client.conversation.seen(effect, moment, neighbours.has(client));
  }

  /** What was said to one alone: who fell behind finds it in history, with all the rest. */
  #whispered(effect: EffectOf<"whispered">, moment: Moment, origin: Client | undefined): void {
    const { session, to } = effect;
    for (const client of this.#people.of(session))
      if (client.output.isListening) client.conversation.tell(effect, moment, client === origin);
    if (to.id === session.id) return;
    for (const client of this.#people.of(to))
      if (client.output.isListening) client.conversation.tell(effect, moment, false);
  }

  #redacted(effect: EffectOf<"redacted">, moment: Moment, origin: Client | undefined): void {
    if (effect.room !== undefined)
      return this.#tellAll(this.#people.in(effect.room.id), effect, moment, origin);
    this.#tellPerson(effect.session, effect, moment, origin);
    const { state } = this.#replica;
    const id = state.loggedIn.get(effect.peer) ?? effect.peer;
    const peer = state.sessions.get(id);
    if (peer !== undefined && peer.id !== effect.session.id) this.#tellPerson(peer, effect, moment, origin);
  }

  /** To all clients of one person. */
  #tellPerson(session: Session, effect: OwnEffect, moment: Moment, origin: Client | undefined): void {
    for (const client of this.#people.of(session))
      client.conversation.tell(effect, moment, client === origin);
  }

  #tellOrigin(effect: OwnEffect, moment: Moment, origin: Client | undefined): void {
    origin?.conversation.tell(effect, moment, true);
  }

  #tellWhere(
    isMeant: (session: Session) => boolean,
    effect: OwnEffect,
    moment: Moment,
    origin: Client | undefined,
  ): void {
    const { state } = this.#replica;
    for (const client of this.#clients.values()) {
      const session = state.sessions.get(client.session);
      if (session === undefined) continue;
      const principal = state.sessions.get(session.principal);
      if (principal !== undefined && isMeant(principal))
        client.conversation.tell(effect, moment, client === origin);
    }
  }
}

/** There are few, and it is looked up for each client that a line is for. */
function spellingWith(spellings: readonly Spelling[], key: number): Spelling | undefined {
  for (const spelling of spellings) if (spelling.key === key) return spelling;
  return undefined;
}

function runsARoom(session: Session): boolean {
  for (const room of session.rooms.keys()) if (hasRank(session, room, "operator")) return true;
  return false;
}
