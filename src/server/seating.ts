import { assert } from "../base/index.ts";
import type { ChatRecord, Protocol, SessionId } from "../chat/index.ts";
import type { Crew, CrewMember } from "./crew.ts";
import type { SeatOfHeld } from "./seatMessage.ts";
import type { Handle, Spawned, SupervisorPorts, Timer } from "./ports.ts";

export interface SeatingOptions {
  maxClients: number;
  maxProcesses: number;
  /** The first number that no session has had before. */
  firstSession: SessionId;
}

/** Connections that are only told that there is no room. Past them, one is closed without a word. */
const REFUSALS_MAX = 128;
/** So many who have left and still take their last words do without a place; it is the others' already. */
const LEAVING_MAX = 64;

/** Those whom a dead worker has left. They go to one other worker, all together. */
interface Estate extends Spawned {
  readonly waiting: Set<Connection>;
  /** The log is held back for it. */
  isClaimed: boolean;
  readonly crashesBefore: number;
  /** It was to end, and nobody was left with it. */
  readonly isExpected: boolean;
  /** Runs while it is not given to anybody. */
  pause: Timer | undefined;
  /** All that the dead process had published stands in the order. */
  gone: boolean;
}

interface Connection {
  readonly session: SessionId;
  readonly socket: Handle;
  readonly area: Handle;
  readonly full: boolean;
  protocol: Protocol | undefined;
  /** Has left the conversation, and still takes its last words. */
  leaving: boolean;
  /** Who has it now; undefined while it waits for a process. */
  process: number | undefined;
  /** Up to this sequence number, everything for it has been delivered by processes that are dead. */
  servedThrough: number;
  /** Whose it was. Before that one is gone, the log is not told whose it is now: its last records come first. */
  estate: Estate | undefined;
}

/** A connection that is kept by a process of a dead supervisor, and came back from there. */
export interface HeldConnection {
  readonly session: SessionId;
  readonly handles: readonly [socket: Handle, area: Handle];
  /** Undefined while the greeter has it. */
  readonly protocol: Protocol | undefined;
  readonly full: boolean;
  readonly leaving: boolean;
  readonly seat: SeatOfHeld;
}

/**
 * Who is served by which process: gives each connection first to the greeter and then to a worker, keeps a duplicate of
 * each, and gives those whose process has died to another.
 */
export class Seating {
  readonly #ports: SupervisorPorts;
  readonly #crew: Crew;
  readonly #options: SeatingOptions;
  readonly #say: (record: ChatRecord) => void;
  readonly #onPauseOver: () => void;
  readonly #onGhosts: (process: number) => void;
  /** Of clients that came back, and that the log has with a process that is dead. */
  readonly #movedBack = new Map<SessionId, number>();
  readonly #connections = new Map<SessionId, Connection>();
  /** Decided, and waiting for their first worker. */
  readonly #waiting: Connection[] = [];
  readonly #estates: Estate[] = [];
  /** Given to another worker, and the log does not say so yet. */
  readonly #taking = new Set<SessionId>();
  #refusals = 0;
  #leaving = 0;
  /** Connections of which it is about to be decided whether there is room. */
  #undecided = 0;
  #nextSession: SessionId;
  #isClosed = false;

  /**
   * @param events `say`: a record has to be appended. `onPauseOver`: `place` may do what it did not, with more workers
   */
  constructor(
    ports: SupervisorPorts,
    crew: Crew,
    options: SeatingOptions,
    events: { say(record: ChatRecord): void; onPauseOver(): void; onGhosts(process: number): void },
  ) {
    this.#ports = ports;
    this.#crew = crew;
    this.#options = options;
    this.#say = (record) => events.say(record);
    this.#onPauseOver = () => events.onPauseOver();
    this.#onGhosts = (process) => events.onGhosts(process);
    this.#nextSession = options.firstSession;
  }

  /** Clients that have a place. */
  get clients(): number {
    return this.#connections.size - this.#refusals - this.#leaving;
  }

  get greeting(): number {
    let count = 0;
    for (const { protocol } of this.#connections.values()) if (protocol === undefined) count += 1;
    return count;
  }

  /** A worker says that a client that it was given is its own, as the log has it. */
  taken(session: SessionId): void {
    this.#taking.delete(session);
  }

  /** Whether each connection is with a worker or the greeter, and the log says with which. */
  get isSettled(): boolean {
    return (
      this.#estates.length === 0 &&
      this.#taking.size === 0 &&
      [...this.#connections.values()].every((each) => each.process !== undefined)
    );
  }

  /** Clients that wait for a process. */
  get waiting(): number {
    return this.#estates.reduce((sum, { waiting }) => sum + waiting.size, this.#waiting.length);
  }

  /** How many workers without a client are needed for those who wait. */
  get wanted(): number {
    return this.#waiting.length + this.#estates.filter(({ waiting }) => waiting.size > 0).length;
  }

  /** A new connection, which is owned here from now on. */
  accept(socket: Handle): void {
    if (this.#isClosed || !this.#isFull) return this.#admit(socket);
    if (this.#refusals + this.#undecided >= REFUSALS_MAX) return this.#refuse(socket);
    // Who gave a place back and came again may have been faster than the news of it, which waits to be read.
    this.#undecided += 1;
    this.#ports.clock.setTimer(0, () => {
      this.#undecided -= 1;
      this.#admit(socket);
    });
  }

  #admit(socket: Handle): void {
    if (this.#isClosed) return this.#refuse(socket);
    const session = this.#nextSession;
    this.#nextSession += 1;
    const connection = this.#add({
      session,
      handles: [socket, this.#ports.createArea()],
      protocol: undefined,
      full: this.#isFull,
      leaving: false,
      seat: "nowhere",
    });
    this.#greet(connection);
  }

  #add({ session, handles: [socket, area], protocol, full, leaving }: HeldConnection): Connection {
    const connection: Connection = {
      session,
      socket,
      area,
      full,
      protocol,
      leaving,
      process: undefined,
      servedThrough: 0,
      estate: undefined,
    };
    if (full) this.#refusals += 1;
    if (leaving) this.#leaving += 1;
    this.#connections.set(session, connection);
    return connection;
  }

  /** Who has been with a process of a supervisor before this one comes back, and stays there. */
  takeBack(member: CrewMember, held: HeldConnection): void {
    const { session, seat, protocol, leaving } = held;
    this.startAfter(session);
    const connection = this.#add(held);
    connection.process = member.process;
    if (protocol === undefined || leaving) return;
    member.sessions.add(session);
    member.serves = true;
    const { process } = member;
    // What the dead supervisor had to say of it was lost, perhaps: said twice, it does no harm.
    if (seat === "nowhere") this.#saySeat(connection, process, protocol);
    else if (seat === "elsewhere") this.#movedBack.set(session, process);
  }

  /** The last words of all that had died with the supervisor before this one stand in the order. */
  sayMovedBack(): void {
    // Also of one that has died since: nobody shall take them for lost before they are with the next.
    for (const [session, process] of this.#movedBack)
      if (this.#connections.has(session)) this.#say({ kind: "reseat", session, process });
    this.#movedBack.clear();
  }

  get hasMovedBack(): boolean {
    return this.#movedBack.size > 0;
  }

  /** Whether a process has any connection, also of somebody who has left. */
  isWith({ process }: CrewMember): boolean {
    return [...this.#connections.values()].some((connection) => connection.process === process);
  }

  /** Sessions get numbers after this one. */
  startAfter(session: SessionId): void {
    this.#nextSession = Math.max(this.#nextSession, session + 1);
  }

  /** Without a word. */
  #refuse(socket: Handle): void {
    this.#ports.shutdown(socket);
    this.#ports.close(socket);
  }

  get #isFull(): boolean {
    const leaving = Math.min(this.#leaving, LEAVING_MAX);
    return this.#connections.size - this.#refusals - leaving >= this.#options.maxClients;
  }

  /** Nobody is let in any more, and nobody gets a process. */
  close(): void {
    this.#isClosed = true;
    for (const { pause } of this.#estates) pause?.cancel();
  }

  /** Lets go of everybody. */
  dropAll(): void {
    for (const session of this.#connections.keys()) this.drop(session);
  }

  /** A greeter is ready: it gets all whom none has. */
  greetAll(): void {
    for (const connection of this.#connections.values()) this.#greet(connection);
  }

  #greet(connection: Connection): void {
    if (connection.protocol !== undefined || connection.process !== undefined) return;
    const [greeter] = this.#crew.ready("greeter");
    if (greeter === undefined) return;
    connection.process = greeter.process;
    this.#ports.send(greeter.process, { type: "greet", session: connection.session, full: connection.full }, [
      connection.socket,
      connection.area,
    ]);
  }

  /** The greeter has found out what it speaks, and has let go of it. */
  decided(session: SessionId, protocol: Protocol, greeter: CrewMember): void {
    const connection = this.#connections.get(session);
    // Where the greeter is dead, its successor has it, and says the same.
    if (connection?.process !== greeter.process) return;
    connection.protocol = protocol;
    connection.process = undefined;
    this.#waiting.push(connection);
    this.place();
  }

  /** Gives those who wait to the workers that there are; whoever goes on from a dead one comes first. */
  place(): void {
    if (this.#isClosed) return;
    const estates = this.#estates.filter(({ waiting, pause }) => waiting.size > 0 && pause === undefined);
    for (const estate of estates) {
      const standby = this.#crew.standby();
      if (standby === undefined) return;
      this.#inherit(estate, standby);
    }
    while (this.#waiting.length > 0) {
      const worker = this.#choose();
      if (worker === undefined) return;
      this.#seat(this.#waiting.shift()!, worker);
    }
  }

  /** A worker of one's own while there may be more; then the one that has the fewest. */
  #choose(): CrewMember | undefined {
    const busy = this.#crew.busy();
    if (busy.length < this.#options.maxProcesses) return this.#crew.standby();
    return busy
      .filter((worker) => !worker.ending)
      .reduce<CrewMember | undefined>(
        (least, worker) =>
          least === undefined || worker.sessions.size < least.sessions.size ? worker : least,
        undefined,
      );
  }

  #seat(connection: Connection, worker: CrewMember): void {
    const { session, protocol, socket, area } = connection;
    assert(protocol !== undefined, "only who is decided is seated");
    this.#give(connection, worker);
    this.#saySeat(connection, worker.process, protocol);
    this.#ports.send(worker.process, { type: "seat", session, protocol }, [socket, area]);
  }

  #saySeat({ session, socket }: Connection, process: number, protocol: Protocol): void {
    this.#say({ kind: "seat", session, process, protocol, host: this.#ports.hostOf(socket) });
  }

  #give(connection: Connection, worker: CrewMember): void {
    connection.process = worker.process;
    // Before anything of it can stand in the log.
    this.#ports.serve(worker.process);
    worker.serves = true;
    worker.sessions.add(connection.session);
    this.#crew.beganToServe(worker);
  }

  #inherit(estate: Estate, standby: CrewMember): void {
    standby.crashesBefore = estate.crashesBefore;
    let more = estate.waiting.size;
    for (const connection of estate.waiting) {
      more -= 1;
      const { session, protocol, servedThrough, socket, area } = connection;
      assert(protocol !== undefined, "a worker served only who was decided");
      this.#give(connection, standby);
      if (!connection.leaving) this.#taking.add(session);
      this.#ports.send(standby.process, { type: "take", session, protocol, servedThrough, more }, [
        socket,
        area,
      ]);
      this.#sayMoved(connection);
    }
    estate.waiting.clear();
    this.#release(estate);
    this.#forgetIfOver(estate);
  }

  #release(estate: Estate): void {
    if (estate.isClaimed) this.#ports.inherited(estate);
    estate.isClaimed = false;
  }

  /** Says whose it is now, when its last owner has had its last word. */
  #sayMoved(connection: Connection): void {
    const { session, process, estate } = connection;
    if (estate === undefined || !estate.gone || process === undefined) return;
    connection.estate = undefined;
    this.#movedBack.delete(session);
    this.#say({ kind: "reseat", session, process });
  }

  /** A process is dead: whom it had goes to another, in the state in which it left them. */
  orphan(member: CrewMember): void {
    const estate: Estate = {
      process: member.process,
      generation: member.generation,
      waiting: new Set(),
      isClaimed: member.serves,
      crashesBefore: member.crashesBefore,
      isExpected: member.ending,
      pause: undefined,
      gone: false,
    };
    // Its successor may have died before it had come so far.
    const servedThrough = estate.isClaimed ? this.#ports.servedThrough(estate) : 0;
    for (const connection of this.#connections.values()) {
      if (connection.process !== member.process) continue;
      const { session, socket, area } = connection;
      connection.process = undefined;
      if (!this.#ports.settle(member.process, session, socket, area)) {
        this.drop(session);
        continue;
      }
      connection.servedThrough = Math.max(connection.servedThrough, servedThrough);
      if (connection.protocol === undefined) continue;
      // The log has never said that it was this one's: nothing of it can come from there.
      connection.estate ??= estate;
      estate.waiting.add(connection);
    }
    member.sessions.clear();
    if (member.role === "worker") this.#estates.push(estate);
    if (estate.waiting.size === 0) this.#release(estate);
    else this.#pause(estate, this.#crew.pauseAfter(member));
  }

  #pause(estate: Estate, delayMs: number): void {
    if (delayMs === 0) return;
    estate.pause = this.#ports.clock.setTimer(delayMs, () => {
      estate.pause = undefined;
      this.#onPauseOver();
    });
  }

  /** All that the process had published stands in the order. */
  gone({ process, generation }: CrewMember): void {
    const estate = this.#estates.find((each) => each.process === process && each.generation === generation);
    if (estate === undefined) return;
    estate.gone = true;
    for (const connection of this.#connections.values())
      if (connection.estate === estate) this.#sayMoved(connection);
    this.#forgetIfOver(estate);
  }

  /** Nobody is left who knows the state: all who wait for another worker come in anew. */
  stateLost(): void {
    for (const estate of this.#estates.slice()) {
      for (const connection of estate.waiting) {
        connection.estate = undefined;
        if (connection.leaving) this.drop(connection.session);
        else this.#waiting.push(connection);
      }
      estate.waiting.clear();
      this.#release(estate);
      this.#forgetIfOver(estate);
    }
  }

  #forgetIfOver(estate: Estate): void {
    if (!estate.gone || estate.waiting.size > 0) return;
    const at = this.#estates.indexOf(estate);
    if (at < 0) return;
    this.#estates.splice(at, 1);
    if (!estate.isExpected) this.#buryRest(estate);
  }

  /**
   * Whoever the log still has with a worker that is gone had no connection any more; unless its number is another's.
   */
  #buryRest({ process }: Estate): void {
    const isTaken = this.#crew.get(process) !== undefined;
    const hasClients = [...this.#connections.values()].some(({ estate }) => estate?.process === process);
    if (!isTaken && !hasClients) this.#onGhosts(process);
  }

  /** Its place is free, while its worker sends it what is still for it. */
  left(session: SessionId, worker: CrewMember): void {
    const connection = this.#connections.get(session);
    if (connection === undefined || connection.process !== worker.process || connection.leaving) return;
    connection.leaving = true;
    this.#leaving += 1;
    this.#taking.delete(session);
    this.#giveBack(session, worker);
  }

  /** The connection is over: nothing of it is kept. */
  drop(session: SessionId): void {
    const connection = this.#connections.get(session);
    if (connection === undefined) return;
    this.#connections.delete(session);
    this.#taking.delete(session);
    if (connection.full) this.#refusals -= 1;
    if (connection.leaving) this.#leaving -= 1;
    this.#ports.shutdown(connection.socket);
    this.#ports.close(connection.socket);
    this.#ports.close(connection.area);
    const worker = connection.process === undefined ? undefined : this.#crew.get(connection.process);
    if (worker !== undefined) this.#giveBack(session, worker);
  }

  #giveBack(session: SessionId, worker: CrewMember): void {
    if (!worker.sessions.delete(session) || worker.sessions.size > 0) return;
    this.#ports.standDown(worker.process);
    worker.serves = false;
    if (worker.ending) return;
    // It has held somebody's secrets; the next client gets a fresh one.
    worker.ending = true;
    this.#ports.send(worker.process, { type: "end" }, []);
  }
}
