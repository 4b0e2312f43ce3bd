import { type SocketConstructorOpts, Socket } from "node:net";
import { KiB, assert, concatBytes } from "../base/index.ts";
import type { InputArea } from "./inputArea.ts";
import { shutdown } from "./libc.ts";

/** Handed to the kernel at a time, when there is more than it takes at once. */
export const PORTION_BYTES: number = 64 * KiB;

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

  /** The kernel has taken everything that was written. */
  onDrained: () => void = () => {};

  /**
   * The connection is lost, and this object with it: "error" after a reset or a failed read or write, else "closed".
   * Not called when `finish`, `destroy` or `shutdownNow` ended it.
   */
  onClose: (reason: "error" | "closed") => void = () => {};

  readonly fd: number;
  readonly #area: InputArea;
  readonly #socket: Socket;
  #open = true;
  #ended = false;
  /** Written and not yet handed to the kernel's socket: see `#send`. */
  readonly #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
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
    this.#socket.on("drain", () => {
      if (!this.#open) return;
      this.#send();
      if (this.queuedBytes === 0 && this.#onFinished === undefined) this.onDrained();
    });
    this.#socket.on("finish", () => this.#onSocketFinish());
    // What failed does not matter to anybody here: "close" follows and says that something did.
    this.#socket.on("error", () => {});
    this.#socket.on("close", (failed) => this.#onSocketClose(failed));
  }

  /** Bytes written that the kernel has not taken yet, give or take `PORTION_BYTES`. */
  get queuedBytes(): number {
    return this.#backlogBytes + this.#socket.writableLength;
  }

  /** Sends after all that was written before. The bytes are not copied: they must not change until they are sent. */
  write(bytes: Uint8Array): void {
    assert(this.#open && this.#onFinished === undefined, "a write to a client socket that is done");
    this.#backlog.push(bytes);
    this.#backlogBytes += bytes.length;
    this.#send();
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
    this.#send();
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

  /**
   * In portions, the next when the last one has been taken: Node counts a write as waiting until its last byte is
   * gone, and a client that takes all that it can would look like one that takes nothing.
   */
  #send(): void {
    while (this.#backlog.length > 0 && this.#socket.writableLength === 0)
      this.#socket.write(this.#takePortion());
    if (this.#backlog.length > 0 || this.#onFinished === undefined || this.#socket.writableEnded) return;
    this.#socket.end();
  }

  #takePortion(): Uint8Array {
    const [first] = this.#backlog;
    assert(first !== undefined, "a portion of nothing");
    if (first.length > PORTION_BYTES) {
      this.#backlog[0] = first.subarray(PORTION_BYTES);
      this.#backlogBytes -= PORTION_BYTES;
      return first.subarray(0, PORTION_BYTES);
    }
    let count = 0;
    let bytes = 0;
    while (count < this.#backlog.length && bytes + this.#backlog[count]!.length <= PORTION_BYTES) {
      bytes += this.#backlog[count]!.length;
      count += 1;
    }
    const parts = this.#backlog.splice(0, count);
    this.#backlogBytes -= bytes;
    return parts.length === 1 ? first : concatBytes(parts);
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
