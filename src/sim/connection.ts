import { type Random, concatBytes } from "../base/index.ts";
import type { ClientConnection, ClientEvents } from "../server/index.ts";
import { Lane, type Owner, type Scheduler } from "./scheduler.ts";

/** So many bytes are on their way to a client that does not read. */
const KERNEL_BYTES = 300;

/** A socket between a pretended client and whoever serves it: the kernel's part. */
export class Connection {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  /** What the client sent and nobody consumed: its input area. */
  #area: Uint8Array = new Uint8Array(0);
  discarding = false;
  inputEnded = false;
  isShut = false;
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
      this.inputEnded = true;
      this.#end?.input();
    });
  }

  /** The client takes what has come, now and from now on. */
  resume(): void {
    this.reads = true;
    this.#deliver();
  }

  connect(owner: Owner, events: ClientEvents): ClientConnection {
    this.#end = new ServerEnd(this, this.#scheduler, owner, events);
    this.#end.input();
    return this.#end;
  }

  /** Bytes that the kernel would take now. */
  get room(): number {
    return this.reads ? Number.POSITIVE_INFINITY : KERNEL_BYTES - this.#toClientBytes;
  }

  put(bytes: Uint8Array): void {
    this.#toClient.push(bytes);
    this.#toClientBytes += bytes.length;
    if (this.reads) this.#scheduler.post(this.#clientLane, () => this.#deliver());
  }

  pending(): Uint8Array {
    return this.#area;
  }

  consume(count: number): void {
    this.#area = this.#area.slice(count);
  }

  /** For everybody who holds it. */
  shut(): void {
    if (this.isShut) return;
    this.isShut = true;
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
    this.#area = concatBytes([this.#area, piece]);
    this.#end?.input();
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
  readonly #owner: Owner;
  readonly #lane: Lane;
  readonly #events: ClientEvents;
  #queue: Uint8Array[] = [];
  #onFinished: (() => void) | undefined;
  #isOver = false;

  constructor(connection: Connection, scheduler: Scheduler, owner: Owner, events: ClientEvents) {
    this.#connection = connection;
    this.#scheduler = scheduler;
    this.#owner = owner;
    this.#lane = new Lane(owner);
    this.#events = events;
  }

  input(): void {
    this.#post(() => this.#events.onInput());
  }

  drain(): void {
    if (this.#isOver || !this.#owner.isAlive || this.#queue.length === 0) return;
    this.#push();
    if (this.#queue.length === 0) this.#post(() => this.#events.onDrained());
  }

  pending(): Uint8Array {
    return this.#isOver ? new Uint8Array(0) : this.#connection.pending();
  }

  consume(count: number): void {
    if (!this.#isOver) this.#connection.consume(count);
  }

  get discarding(): boolean {
    return this.#connection.discarding;
  }

  set discarding(discarding: boolean) {
    this.#connection.discarding = discarding;
  }

  get inputEnded(): boolean {
    return this.#isOver || this.#connection.inputEnded;
  }

  resumeInput(): void {}

  write(bytes: Uint8Array): void {
    if (this.#isOver || bytes.length === 0) return;
    this.#queue.push(bytes);
    this.#push();
  }

  get queuedBytes(): number {
    return this.#queue.reduce((sum, bytes) => sum + bytes.length, 0);
  }

  finish(done: () => void): void {
    this.#onFinished = done;
    if (this.#isOver) done();
    else this.#push();
  }

  shutdownNow(): void {
    this.#isOver = true;
    this.#queue = [];
    this.#connection.shut();
  }

  release(): void {
    this.#isOver = true;
    this.#connection.release(this);
  }

  #push(): void {
    while (this.#queue.length > 0 && this.#connection.room > 0) {
      const first = this.#queue[0]!;
      const count = Math.min(first.length, this.#connection.room);
      this.#connection.put(first.subarray(0, count));
      if (count === first.length) this.#queue.shift();
      else this.#queue[0] = first.subarray(count);
    }
    const done = this.#onFinished;
    if (this.#queue.length > 0 || done === undefined) return;
    this.#onFinished = undefined;
    this.#isOver = true;
    this.#connection.shut();
    this.#post(done);
  }

  #post(run: () => void): void {
    this.#scheduler.post(this.#lane, run);
  }
}
