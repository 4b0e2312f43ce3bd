import { assert } from "../base/index.ts";
import {
  ClientArea,
  type ClientConnection,
  type ClientEvents,
  type Handle,
  type Mark,
} from "../server/index.ts";
import { AreaMapping } from "./areaMapping.ts";
import { ClientSocket } from "./clientSocket.ts";

const NOTHING = new Uint8Array(0);

/** A connection and its area, as they came over a seat socket. @throws AreaError */
export function connectClient(handles: readonly Handle[], events: ClientEvents): ClientConnection {
  const [socket, area] = handles;
  assert(socket !== undefined && area !== undefined, "a client comes as a connection and an area");
  return new Connection(socket, AreaMapping.adopt(area), events);
}

/** The socket and the area as one thing, which can be asked harmlessly after it has ended. */
class Connection implements ClientConnection {
  readonly #mapping: AreaMapping;
  readonly #area: ClientArea;
  readonly #socket: ClientSocket;
  #isOver = false;
  /** There is something that was committed and not sent: at the beginning, what a predecessor has left. */
  #isCommitted = true;
  isOverflowing: boolean = false;

  constructor(descriptor: number, mapping: AreaMapping, events: ClientEvents) {
    this.#mapping = mapping;
    this.#area = new ClientArea(mapping.memory);
    this.#socket = new ClientSocket(descriptor, this.#area);
    this.#socket.onInput = () => events.onInput();
    this.#socket.onEnd = () => events.onInput();
    this.#socket.onDrained = () => events.onDrained();
    this.#socket.onClose = () => {
      this.#end();
      events.onLost();
    };
  }

  get handles(): readonly Handle[] {
    return this.#isOver ? [] : [this.#socket.fd, this.#mapping.fd];
  }

  pending(): Uint8Array {
    return this.#isOver ? NOTHING : this.#area.pending();
  }

  consume(count: number): void {
    if (!this.#isOver) this.#area.take(count);
  }

  get discarding(): boolean {
    return !this.#isOver && this.#area.discarding;
  }

  set discarding(discarding: boolean) {
    if (!this.#isOver) this.#area.discarding = discarding;
  }

  get inputEnded(): boolean {
    return this.#isOver || this.#area.endOfInput;
  }

  beginTrial(): boolean {
    return this.#isOver || this.#area.beginTrial();
  }

  endTrial(): void {
    if (!this.#isOver) this.#area.endTrial();
  }

  write(bytes: Uint8Array): void {
    if (!this.#isOver && !this.isOverflowing) this.isOverflowing = !this.#socket.write(bytes);
  }

  get queuedBytes(): number {
    return this.#isOver ? 0 : this.#socket.queuedBytes;
  }

  get through(): number {
    return this.#isOver ? 0 : this.#area.through;
  }

  get notes(): Uint8Array {
    return this.#isOver ? NOTHING : this.#area.notes;
  }

  set notes(notes: Uint8Array) {
    if (!this.#isOver) this.#area.notes = notes;
  }

  commit(mark: Mark): void {
    if (this.#isOver || !this.#area.isChanged) return;
    this.#area.commit(mark);
    this.#isCommitted = true;
  }

  send(): void {
    // Of most clients, most of the time, nothing has changed: then not even their memory is looked at.
    if (this.#isOver || !this.#isCommitted) return;
    this.#isCommitted = false;
    this.#area.confirm();
    this.#socket.send();
    this.#socket.resumeInput();
  }

  finish(done: () => void): void {
    if (this.#isOver) {
      done();
      return;
    }
    this.#socket.finish(() => {
      this.#end();
      done();
    });
  }

  shutdownNow(): void {
    if (this.#isOver) return;
    this.#socket.shutdownNow();
    this.#end();
  }

  release(): void {
    if (this.#isOver) return;
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Not from within the socket's own callback: it may look at the area once more.
    setImmediate(() => this.#mapping.close());
  }
}
