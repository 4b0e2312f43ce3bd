import { type Random, assert, concatBytes } from "../base/index.ts";
import { ArrayWords } from "../log/index.ts";
import {
  AREA_HEADER_BYTES,
  type AreaMemory,
  ClientArea,
  type ClientConnection,
  type ClientEvents,
  type Handle,
  INPUT_BYTES_MIN,
  type Mark,
  NOTES_BYTES,
  formatArea,
  settleArea,
} from "../server/index.ts";
import { Lane, type Owner, type Scheduler } from "./scheduler.ts";
import { type Lifetime, WatchedWords } from "./watchedWords.ts";

/** So many bytes are on their way to a client that does not read. */
const KERNEL_BYTES = 300;
const OUTPUT_BYTES = 256 * 1024;

/** A process, and how long it lives. */
export interface LivingOwner extends Owner {
  readonly life: Lifetime;
}

/** A process's hold of a connection. */
export interface Grip {
  readonly owner: LivingOwner;
  readonly handles: readonly [socket: Handle, area: Handle];
  close(handle: Handle): void;
  /** A line is about to be handled, which is at the beginning of what is pending. */
  onTrial(pending: Uint8Array): void;
  /** The first that is written to a client that was another process's before. */
  onTakenUp(bytes: Uint8Array): void;
}

/** Who ended a connection; nobody: there was nobody left who held it. */
export type EndedBy = Owner | "nobody";

/** A socket between a pretended client and whoever serves it, and the client's area: the kernel's part. */
export class Connection {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #header = new ArrayBuffer(AREA_HEADER_BYTES);
  readonly #input = new Uint8Array(2 * INPUT_BYTES_MIN);
  readonly #output = new Uint8Array(2 * OUTPUT_BYTES);
  readonly #notes = [new Uint8Array(NOTES_BYTES), new Uint8Array(NOTES_BYTES)] as const;
  /** What the client sent and nobody has read. */
  #unread: Uint8Array = new Uint8Array(0);
  #readBytes = 0;
  #acceptedBytes = 0;
  #inputEnded = false;
  /** Undefined while it lasts. */
  endedBy: EndedBy | undefined;
  /** It was ended before the client had taken what was for it. */
  isCutShort = false;
  /** How many handles of it are open. */
  holders = 0;
  /** How many processes died while they served it, and it went on with another. */
  deaths = 0;
  /** When the last of them was known to be dead. */
  diedMs = 0;
  #toClient: Uint8Array[] = [];
  #toClientBytes = 0;
  /** Whether the client takes what comes. */
  reads = true;
  #end: ServerEnd | undefined;
  readonly #clientLane: Lane;
  readonly #onOutput: (bytes: Uint8Array) => void;
  readonly #onEnd: () => void;

  constructor(
    scheduler: Scheduler,
    random: Random,
    client: Owner,
    events: { onOutput(bytes: Uint8Array): void; onEnd(): void },
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#clientLane = new Lane(client);
    this.#onOutput = (bytes) => events.onOutput(bytes);
    this.#onEnd = () => events.onEnd();
    const sizes = { input: INPUT_BYTES_MIN, output: OUTPUT_BYTES };
    // Just below where positions wrap.
    formatArea(new ArrayWords(this.#header), sizes, {
      input: -random.between(0, 500),
      output: -random.between(0, 2000),
    });
  }

  /** The client sends; it arrives in pieces. */
  send(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(this.#random.between(1, 40), bytes.length - at);
      const piece = bytes.slice(at, at + length);
      at += length;
      this.#scheduler.post(this.#clientLane, () => this.#arrive(piece), this.#random.between(0, 2));
    }
  }

  /** The client sends nothing more. */
  endInput(): void {
    this.#scheduler.post(this.#clientLane, () => {
      this.#inputEnded = true;
      this.#end?.wake();
    });
  }

  /** The client takes what has come, now and from now on. */
  resume(): void {
    this.reads = true;
    this.#deliver();
  }

  connect(grip: Grip, events: ClientEvents): ClientConnection {
    const { owner } = grip;
    assert(this.#end?.isServing !== true, `${owner.name} is given a client that another process serves`);
    const memory: AreaMemory = {
      words: new WatchedWords(this.#header, owner.life),
      input: this.#input,
      output: this.#output,
      notes: this.#notes,
    };
    this.#end = new ServerEnd(this, this.#scheduler, grip, new ClientArea(memory), events);
    this.#end.wake();
    return this.#end;
  }

  /** @param published of the ring of the process that had it, which is dead */
  settle(published: number): void {
    if (this.#end !== undefined) this.deaths += 1;
    this.#end = undefined;
    this.diedMs = this.#scheduler.nowMs;
    settleArea(new ArrayWords(this.#header), published, {
      read: this.#readBytes,
      accepted: this.#acceptedBytes,
    });
  }

  /** Bytes that the kernel would take now. */
  get room(): number {
    return this.reads ? Number.POSITIVE_INFINITY : KERNEL_BYTES - this.#toClientBytes;
  }

  /** The kernel takes bytes for the client. */
  put(bytes: Uint8Array): void {
    this.#acceptedBytes += bytes.length;
    if (this.isShut) return;
    this.#toClient.push(bytes.slice());
    this.#toClientBytes += bytes.length;
    if (this.reads) this.#scheduler.post(this.#clientLane, () => this.#deliver());
  }

  /** Bytes, or after them the end. */
  get hasUnread(): boolean {
    return this.#unread.length > 0 || this.#inputEnded;
  }

  /** Reads as `read(2)` does: as much as there is and fits. Undefined at the end of the input. */
  read(space: Uint8Array): number | undefined {
    const count = Math.min(space.length, this.#unread.length);
    if (count === 0) return this.#inputEnded || this.isShut ? undefined : 0;
    // The ring's two halves are the same memory on a real machine.
    const at = space.byteOffset % INPUT_BYTES_MIN;
    for (let i = 0; i < count; i += 1) {
      const place = (at + i) % INPUT_BYTES_MIN;
      this.#input[place] = this.#unread[i]!;
      this.#input[place + INPUT_BYTES_MIN] = this.#unread[i]!;
    }
    this.#unread = this.#unread.slice(count);
    this.#readBytes += count;
    return count;
  }

  get isShut(): boolean {
    return this.endedBy !== undefined;
  }

  /** For everybody who holds it. */
  shut(by: EndedBy): void {
    if (this.isShut) return;
    assert(
      this.#end?.isServing !== true || this.#end.owner === by,
      "a connection is served, and ended by another",
    );
    this.endedBy = by;
    this.#end = undefined;
    this.#scheduler.post(this.#clientLane, () => {
      this.reads = true;
      this.#deliver();
      this.#onEnd();
    });
  }

  release(end: ServerEnd): void {
    if (this.#end === end) this.#end = undefined;
  }

  #arrive(piece: Uint8Array): void {
    if (this.isShut) return;
    this.#unread = concatBytes([this.#unread, piece]);
    this.#end?.wake();
  }

  #deliver(): void {
    if (!this.reads) return;
    const parts = this.#toClient;
    this.#toClient = [];
    this.#toClientBytes = 0;
    if (parts.length > 0) this.#onOutput(concatBytes(parts));
    this.#end?.drain();
  }
}

/** What the serving process has of a connection. */
class ServerEnd implements ClientConnection {
  readonly #connection: Connection;
  readonly #scheduler: Scheduler;
  readonly #grip: Grip;
  readonly #lane: Lane;
  readonly #area: ClientArea;
  readonly #events: ClientEvents;
  /** Output position up to which the kernel has taken bytes. */
  #accepted: number;
  #onFinished: (() => void) | undefined;
  #isOver = false;
  #isTaken: boolean;
  isOverflowing: boolean = false;

  constructor(
    connection: Connection,
    scheduler: Scheduler,
    grip: Grip,
    area: ClientArea,
    events: ClientEvents,
  ) {
    this.#connection = connection;
    this.#isTaken = connection.deaths > 0;
    this.#scheduler = scheduler;
    this.#grip = grip;
    this.#lane = new Lane(grip.owner);
    this.#area = area;
    this.#accepted = area.accepted;
    this.#events = events;
  }

  /** Its process lives, and has not let go of it. */
  get isServing(): boolean {
    return this.#grip.owner.isAlive && !this.#isOver;
  }

  get owner(): Owner {
    return this.#grip.owner;
  }

  get handles(): readonly Handle[] {
    return this.#isOver ? [] : this.#grip.handles;
  }

  /** There is something to read. */
  wake(): void {
    this.#post(() => {
      if (this.#isOver || this.#area.isFull) return;
      const count = this.#connection.read(this.#area.space());
      if (count === undefined) this.#area.markEndOfInput();
      else {
        this.#area.received(count);
        if (this.#connection.hasUnread) this.wake();
      }
      this.#events.onInput();
    });
  }

  /** The client has taken something. */
  drain(): void {
    if (this.#isOver || !this.#grip.owner.isAlive || this.queuedBytes === 0) return;
    this.#post(() => {
      if (this.#isOver) return;
      this.#push();
      if (this.queuedBytes === 0) this.#events.onDrained();
    });
  }

  pending(): Uint8Array {
    return this.#isOver ? new Uint8Array(0) : this.#area.pending();
  }

  consume(count: number): void {
    if (!this.#isOver) this.#area.take(count);
  }

  get discarding(): boolean {
    return this.#area.discarding;
  }

  set discarding(discarding: boolean) {
    this.#area.discarding = discarding;
  }

  get inputEnded(): boolean {
    return this.#isOver || this.#area.endOfInput;
  }

  beginTrial(): boolean {
    if (this.#isOver) return true;
    if (!this.#area.beginTrial()) return false;
    this.#grip.onTrial(this.#area.pending());
    return true;
  }

  endTrial(): void {
    if (!this.#isOver) this.#area.endTrial();
  }

  write(bytes: Uint8Array): void {
    if (this.#isOver) return;
    if (this.#isTaken) this.#grip.onTakenUp(bytes);
    this.#isTaken = false;
    if (this.#area.outputRoom(this.#accepted) < bytes.length) this.isOverflowing = true;
    else this.#area.write(bytes, this.#accepted);
  }

  get queuedBytes(): number {
    return this.#isOver ? 0 : this.#area.outputBytes(this.#accepted);
  }

  get through(): number {
    return this.#area.through;
  }

  get notes(): Uint8Array {
    return this.#area.notes;
  }

  set notes(notes: Uint8Array) {
    if (!this.#isOver) this.#area.notes = notes;
  }

  commit(mark: Mark): void {
    if (!this.#isOver && this.#area.isChanged) this.#area.commit(mark);
  }

  send(): void {
    if (this.#isOver) return;
    this.#area.confirm();
    const wasQueued = this.queuedBytes > 0;
    this.#push();
    if (wasQueued && this.queuedBytes === 0) this.#post(() => this.#events.onDrained());
    // What did not fit before may do so now.
    if (this.#connection.hasUnread && !this.#area.endOfInput) this.wake();
  }

  finish(done: () => void): void {
    this.#onFinished = done;
    if (this.#isOver) done();
    else this.#push();
  }

  shutdownNow(): void {
    this.#connection.isCutShort = this.queuedBytes > 0;
    this.#connection.shut(this.#grip.owner);
    this.#letGo();
  }

  release(): void {
    this.#connection.release(this);
    this.#letGo();
  }

  #letGo(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const handle of this.#grip.handles) this.#grip.close(handle);
  }

  #push(): void {
    for (;;) {
      const bytes = this.#area.output(this.#accepted, Math.min(this.#connection.room, 1 << 20));
      if (bytes.length === 0 || this.#connection.room <= 0) break;
      this.#connection.put(bytes);
      this.#accepted = (this.#accepted + bytes.length) | 0;
      this.#area.accepted = this.#accepted;
    }
    const done = this.#onFinished;
    if (this.queuedBytes > 0 || done === undefined) return;
    this.#onFinished = undefined;
    this.#connection.shut(this.#grip.owner);
    this.#letGo();
    this.#post(done);
  }

  #post(run: () => void): void {
    this.#scheduler.post(this.#lane, run);
  }
}
