import { assert } from "../base/index.ts";
import type { ClientConnection, ClientEvents, Handle } from "../server/index.ts";
import { ClientSocket } from "./clientSocket.ts";
import { InputArea } from "./inputArea.ts";

const NOTHING = new Uint8Array(0);

/** A connection and its input area, as they came over a seat socket. */
export function connectClient(handles: readonly Handle[], events: ClientEvents): ClientConnection {
  const [socket, area] = handles;
  assert(socket !== undefined && area !== undefined, "a client comes as a connection and an input area");
  return new Connection(socket, InputArea.adopt(area), events);
}

/** The socket and the area as one thing, which can be asked harmlessly after it has ended. */
class Connection implements ClientConnection {
  readonly #area: InputArea;
  readonly #socket: ClientSocket;
  #over = false;

  constructor(descriptor: number, area: InputArea, events: ClientEvents) {
    this.#area = area;
    this.#socket = new ClientSocket(descriptor, area);
    this.#socket.onInput = () => events.onInput();
    this.#socket.onEnd = () => events.onInput();
    this.#socket.onDrained = () => events.onDrained();
    this.#socket.onClose = () => {
      this.#end();
      events.onLost();
    };
  }

  pending(): Uint8Array {
    return this.#over ? NOTHING : this.#area.pending();
  }

  consume(count: number): void {
    if (!this.#over) this.#area.consume(count);
  }

  get discarding(): boolean {
    return !this.#over && this.#area.discarding;
  }

  set discarding(discarding: boolean) {
    if (!this.#over && this.#area.discarding !== discarding) this.#area.discarding = discarding;
  }

  get inputEnded(): boolean {
    return this.#over || this.#area.endOfInput;
  }

  resumeInput(): void {
    if (!this.#over) this.#socket.resumeInput();
  }

  write(bytes: Uint8Array): void {
    if (!this.#over) this.#socket.write(bytes);
  }

  get queuedBytes(): number {
    return this.#over ? 0 : this.#socket.queuedBytes;
  }

  finish(done: () => void): void {
    if (this.#over) {
      done();
      return;
    }
    this.#socket.finish(() => {
      this.#end();
      done();
    });
  }

  shutdownNow(): void {
    if (this.#over) return;
    this.#socket.shutdownNow();
    this.#end();
  }

  release(): void {
    if (this.#over) return;
    this.#socket.destroy();
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    // Not from within the socket's own callback: it may look at the area once more.
    setImmediate(() => this.#area.close());
  }
}
