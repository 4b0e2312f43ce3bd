import { Socket } from "node:net";
import { assert } from "../base/index.ts";
import type { ClientConnection, ClientEvents, Handle } from "../server/index.ts";
import { InputArea } from "./inputArea.ts";
import { shutdown } from "./libc.ts";

/** A connection and its input area, as they came over a seat socket. */
export function connectClient(handles: readonly Handle[], events: ClientEvents): ClientConnection {
  const [socket, area] = handles;
  assert(socket !== undefined && area !== undefined, "a client comes as a connection and an input area");
  return new SocketConnection(socket, InputArea.adopt(area), events);
}

class SocketConnection implements ClientConnection {
  readonly #descriptor: number;
  readonly #area: InputArea;
  readonly #events: ClientEvents;
  readonly #socket: Socket;
  #paused = false;
  /** This process is done with the connection: the area is given back. */
  #over = false;
  /** Nothing of what happens to it is of interest any more. */
  #finishing = false;

  constructor(descriptor: number, area: InputArea, events: ClientEvents) {
    this.#descriptor = descriptor;
    this.#area = area;
    this.#events = events;
    this.#socket = new Socket({
      fd: descriptor,
      allowHalfOpen: true,
      onread: {
        // Asked for the next buffer right after each read: what was received by then is published already.
        buffer: () => area.space(),
        callback: (count) => this.#received(count),
      },
    });
    this.#socket.on("end", () => {
      area.inputEnded = true;
      if (!this.#finishing) events.onInput();
    });
    this.#socket.on("error", () => this.#lost());
    this.#socket.resume();
  }

  pending(): Uint8Array {
    return this.#over ? new Uint8Array(0) : this.#area.pending();
  }

  consume(count: number): void {
    if (!this.#over) this.#area.consume(count);
  }

  get discarding(): boolean {
    return !this.#over && this.#area.discarding;
  }

  set discarding(discarding: boolean) {
    if (!this.#over) this.#area.discarding = discarding;
  }

  get inputEnded(): boolean {
    return this.#over || this.#area.inputEnded;
  }

  resumeInput(): void {
    if (!this.#paused || this.#over || !this.#area.hasRoom) return;
    this.#paused = false;
    this.#socket.resume();
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  finish(done: () => void): void {
    this.#finishing = true;
    if (this.#socket.destroyed || !this.#socket.writable) {
      this.shutdownNow();
      done();
      return;
    }
    // `end` flushes and then shuts the sending side down, once: an error and the flush may both tell.
    let told = false;
    const tell = (): void => {
      if (told) return;
      told = true;
      this.shutdownNow();
      done();
    };
    this.#socket.once("finish", tell);
    this.#socket.once("close", tell);
    this.#socket.end();
  }

  shutdownNow(): void {
    if (this.#over) return;
    shutdown(this.#descriptor);
    this.release();
  }

  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.#finishing = true;
    // The area stays mapped until the socket has let go of it.
    this.#socket.once("close", () => this.#area.close());
    this.#socket.destroy();
  }

  #received(count: number): boolean {
    this.#area.receive(count);
    if (!this.#finishing) this.#events.onInput();
    if (!this.#area.isFull) return true;
    this.#paused = true;
    return false;
  }

  #lost(): void {
    if (this.#finishing) return;
    this.release();
    this.#events.onLost();
  }
}
