import { type SocketConstructorOpts, Socket } from "node:net";
import { assert } from "../base/index.ts";
import type { InputArea } from "./inputArea.ts";
import { shutdown } from "./libc.ts";

/**
 * A client's connection, TCP or a socket pair, in the process that serves it: reads go straight into the client's
 * input area, writes go out in order. It owns `fd`, not the area, which must outlive it. Reading starts with the next
 * turn of the event loop (unless the area is full); set the callbacks before that.
 *
 * The connection itself may outlive this object, because another process holds a duplicate: `destroy` leaves it
 * standing, `finish` and `shutdownNow` end it.
 *
 * How net.Socket reads into a buffer of ours decides what is allowed when. It takes the next buffer right after the
 * callback for the last one has returned, also when that said "stop"; the buffer it has then is the one that a later
 * resume reads into. So whoever consumes within `onInput` gets the most room for the next read, `space()` must
 * never be empty, and nobody but the reads may move the received position.
 */
export class ClientSocket {
  /** Bytes were added to the area. If that filled it, reading has stopped: `resumeInput` once there is room. */
  onInput: () => void = () => {};

  /** The client has half-closed: it sends nothing more, and may go on reading. */
  onEnd: () => void = () => {};

  /**
   * The connection is lost, and this object with it: "error" after a reset or a failed read or write, else "closed".
   * Not called when `finish`, `destroy` or `shutdownNow` ended it.
   */
  onClose: (reason: "error" | "closed") => void = () => {};

  /** Everything that had to wait has been taken by the kernel. Not called for writes that never had to wait. */
  onDrain: () => void = () => {};

  readonly fd: number;
  readonly #area: InputArea;
  readonly #socket: Socket;
  #open = true;
  #ended = false;
  #waiting = false;
  #onFinished: (() => void) | undefined;

  constructor(fd: number, area: InputArea) {
    this.fd = fd;
    this.#area = area;
    const options: SocketConstructorOpts & { writableHighWaterMark: number } = {
      fd,
      allowHalfOpen: true,
      onread: { buffer: this.#nextBuffer, callback: this.#onRead },
      // "drain" for every queue that empties, not only for those that were longer than some mark.
      writableHighWaterMark: 1,
    };
    this.#socket = new Socket(options);
    // What is written together is sent together already; Nagle's algorithm would only delay it.
    this.#socket.setNoDelay(true);
    if (area.isFull) this.#socket.pause();
    this.#socket.on("end", () => this.#onSocketEnd());
    this.#socket.on("drain", () => this.#onSocketDrain());
    this.#socket.on("finish", () => this.#onSocketFinish());
    // What failed does not matter to anybody here: "close" follows and says that something did.
    this.#socket.on("error", () => {});
    this.#socket.on("close", (failed) => this.#onSocketClose(failed));
  }

  /** Bytes written that the kernel has not taken yet. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Sends after all that was written before. The bytes are not copied: they must not change until they are sent. */
  write(bytes: Uint8Array): void {
    assert(this.#open && this.#onFinished === undefined, "a write to a client socket that is done");
    this.#socket.write(bytes);
    if (this.#socket.writableLength > 0) this.#waiting = true;
  }

  /** The client is read no more until `resumeInput`; the kernel's buffers fill, then the client has to wait. */
  pauseInput(): void {
    if (this.#open && !this.#ended) this.#socket.pause();
  }

  /** Reads again, if the area has room (otherwise nothing happens: call it again after consuming more). */
  resumeInput(): void {
    if (this.#open && !this.#ended && this.#area.hasRoom) this.#socket.resume();
  }

  /**
   * Sends what is queued, ends the connection for all who hold it, and closes. What the client still sends is thrown
   * away. Calls `done` once, also when the connection is lost meanwhile, but not after `destroy` or `shutdownNow`,
   * which
   * may cut short what a client that does not read would draw out for ever.
   */
  finish(done: () => void): void {
    assert(this.#open && this.#onFinished === undefined, "a client socket can be finished once");
    this.#onFinished = done;
    // To close with unread input is to reset the connection, and a reset can overtake the last words to the client.
    if (!this.#ended) this.#socket.resume();
    this.#socket.end();
  }

  /** Closes this process's descriptor. The connection goes on where a duplicate of it is; what was queued is lost. */
  destroy(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  /** Ends the connection for all who hold it, whatever is queued, and closes. */
  shutdownNow(): void {
    if (this.#open) shutdown(this.fd);
    this.destroy();
  }

  readonly #nextBuffer = (): Uint8Array => {
    // Asked for once more after a callback in which the owner destroyed this socket, and perhaps closed the area.
    return this.#open ? this.#area.space() : NEVER_READ_INTO;
  };

  readonly #onRead = (count: number): boolean => {
    if (this.#onFinished !== undefined) return true;
    this.#area.received(count);
    this.onInput();
    return !this.#open || !this.#area.isFull;
  };

  #onSocketEnd(): void {
    this.#ended = true;
    if (!this.#open || this.#onFinished !== undefined) return;
    this.#area.endOfInput = true;
    this.onEnd();
  }

  #onSocketDrain(): void {
    if (!this.#waiting || !this.#open) return;
    this.#waiting = false;
    this.onDrain();
  }

  #onSocketFinish(): void {
    if (!this.#open) return;
    this.shutdownNow();
    this.#onFinished?.();
  }

  #onSocketClose(failed: boolean): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#onFinished !== undefined) this.#onFinished();
    else this.onClose(failed ? "error" : "closed");
  }
}

const NEVER_READ_INTO = new Uint8Array(1);
