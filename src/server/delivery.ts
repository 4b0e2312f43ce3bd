import type { EffectOf, RoomId, Session, SessionId } from "../chat/index.ts";
import {
  type NeighbourEffect,
  type PlainRenderer,
  type RoomEffect,
  type ShownEffect,
  stoppingNotice,
} from "../protocol/plain/index.ts";
import { Audience } from "./audience.ts";
import type { Outbox } from "./outbox.ts";
import type { Replica } from "./replica.ts";
import type { Client } from "./client.ts";

/** Brings effects to those of a process's clients whom they concern, each line encoded once for all of them. */
export class Delivery {
  readonly #outbox: Outbox;
  readonly #renderer: PlainRenderer;
  readonly #replica: Replica;
  readonly #clients: ReadonlyMap<SessionId, Client>;
  readonly #audience = new Audience<Client>();

  constructor(
    outbox: Outbox,
    renderer: PlainRenderer,
    replica: Replica,
    clients: ReadonlyMap<SessionId, Client>,
  ) {
    this.#outbox = outbox;
    this.#renderer = renderer;
    this.#replica = replica;
    this.#clients = clients;
  }

  /** A client that is in a room already. */
  enter(client: Client, room: RoomId): void {
    this.#audience.enter(client, room);
  }

  show(effect: ShownEffect): void {
    switch (effect.kind) {
      case "said":
      case "acted":
      case "noticed":
        this.#tellRoom(effect, this.#clients.get(effect.session.id));
        return;
      case "joined": {
        const newcomer = this.#clients.get(effect.session.id);
        this.#tellRoom(effect, newcomer);
        this.#reply(effect.session, effect);
        if (newcomer !== undefined) this.#audience.enter(newcomer, effect.room.id);
        return;
      }
      case "parted":
        this.#takeOut(effect.session, effect.room.id);
        this.#tellRoom(effect, undefined);
        this.#reply(effect.session, effect);
        return;
      case "kicked":
        this.#takeOut(effect.target, effect.room.id);
        this.#tellRoom(effect, undefined);
        this.#reply(effect.target, effect);
        return;
      case "topicSet":
      case "restricted":
      case "modeSet":
        this.#tellRoom(effect, undefined);
        return;
      case "renamed":
        this.#tellNeighbours(effect.session, effect);
        if (effect.session.rooms.size === 0) this.#renamedAlone(effect);
        return;
      case "left": {
        for (const room of effect.session.rooms.keys()) this.#takeOut(effect.session, room);
        this.#tellNeighbours(effect.session, effect);
        return;
      }
      case "whispered":
        this.#tellOne(effect.session, effect);
        if (effect.to.id !== effect.session.id) this.#tellOne(effect.to, effect);
        return;
      case "arrived":
      case "focused":
      case "awaySet":
      case "refused":
      case "replied":
        this.#reply(effect.session, effect);
        return;
      case "storeChanged":
        for (const client of this.#clients.values()) {
          const session = this.#replica.state.sessions.get(client.session);
          if (session !== undefined && runsARoom(session)) this.#reply(session, effect);
        }
        return;
      case "stopping":
        for (const client of this.#clients.values()) client.output.share.append(stoppingNotice);
    }
  }

  /** A line in two spellings, for those who have the room in focus and for those who are elsewhere, each made once. */
  #tellRoom(effect: RoomEffect, except: Client | undefined): void {
    const outbox = this.#outbox;
    let focused: { from: number; to: number } | undefined;
    let aside: { from: number; to: number } | undefined;
    for (const client of this.#audience.in(effect.room.id)) {
      if (client === except || !client.output.isListening) continue;
      const isFocused = this.#replica.state.sessions.get(client.session)?.focus === effect.room.id;
      let range = isFocused ? focused : aside;
      if (range === undefined) {
        const from = outbox.length;
        this.#renderer.line(outbox, effect, isFocused);
        range = { from, to: outbox.length };
        if (isFocused) focused = range;
        else aside = range;
      }
      client.output.share.include(range.from, range.to);
    }
  }

  #tellNeighbours(session: Session, effect: NeighbourEffect): void {
    const from = this.#outbox.length;
    for (const client of this.#audience.around(session)) {
      if (!client.output.isListening) continue;
      if (this.#outbox.length === from) this.#renderer.neighbourLine(this.#outbox, effect);
      client.output.share.include(from, this.#outbox.length);
    }
  }

  /** Who is in no room has no neighbours, and is told all the same. */
  #renamedAlone(effect: EffectOf<"renamed">): void {
    const client = this.#clients.get(effect.session.id);
    if (client !== undefined) this.#renderer.neighbourLine(client.output.share, effect);
  }

  /** What was said to one alone: who fell behind finds it in history, with all the rest. */
  #tellOne(session: Session, effect: EffectOf<"whispered">): void {
    if (this.#clients.get(session.id)?.output.isListening === true) this.#reply(session, effect);
  }

  /** To one alone, if it is ours. */
  #reply(session: Session, effect: Parameters<PlainRenderer["reply"]>[0]): void {
    const client = this.#clients.get(session.id);
    if (client === undefined) return;
    client.output.share.append(this.#renderer.reply(effect, this.#replica.state, session.id));
  }

  #takeOut(session: Session, room: RoomId): void {
    const client = this.#clients.get(session.id);
    if (client !== undefined) this.#audience.leave(client, room);
  }
}

function runsARoom(session: Session): boolean {
  for (const membership of session.rooms.values()) if (membership.operator) return true;
  return false;
}
