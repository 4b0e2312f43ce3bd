import { type SocketConstructorOpts, Socket } from "node:net";
import { KiB, assert } from "../base/index.ts";
import type { ClientArea } from "../server/index.ts";
import { shutdown } from "./libc.ts";

/** Handed to the kernel at a time, when there is more than it takes at once. */
export const PORTION_BYTES: number = 64 * KiB;

/**
 * A client's connection, TCP or a socket pair, in the process that serves it: reads go straight into the client's area,
 * writes go straight out of it, as far as it is committed. It owns `fd`, not the area, which must outlive it. Reading
 * starts with the next turn of the event loop (unless the area is full); set the callbacks before that.
 *
 * The connection itself may outlive this object, because another process holds a duplicate: `destroy` leaves it
 * standing, `finish` and `shutdownNow` end it.
 *
 * How net.Socket reads into a buffer of ours decides what is allowed when. It takes the next buffer right after the
 * callback for the last one has returned, also when that said "stop"; the buffer it has then is the one that a later
 * resume reads into. So `space()` must never be empty, and nobody but the reads may move the received position.
 */
export class ClientSocket {
  /** Bytes were added to the area. If that filled it, reading has stopped: `resumeInput` once there is room. */
  onInput: () => void = () => {};

  /** The client has half-closed: it sends nothing more, and may go on reading. */
  onEnd: () => void = () => {};

  /** The kernel has taken everything that was written, and not all of it at once. */
  onDrained: () => void = () => {};

  /**
   * The connection is lost, and this object with it: "error" after a reset or a failed read or write, else "closed".
   * Not called when `finish`, `destroy` or `shutdownNow` ended it.
   */
  onClose: (reason: "error" | "closed") => void = () => {};

  readonly fd: number;
  readonly #area: ClientArea;
  readonly #socket: Socket;
  #open = true;
  #ended = false;
  /** Reading has stopped, because the area was full. */
  #stopped: boolean;
  /** Output position up to which bytes have been handed to the socket; and up to which the kernel has taken them. */
  #handed: number;
  #accepted: number;
  #onFinished: (() => void) | undefined;

  constructor(fd: number, area: ClientArea) {
    this.fd = fd;
    this.#area = area;
    this.#accepted = area.accepted;
    this.#handed = this.#accepted;
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
    this.#stopped = area.isFull;
    if (this.#stopped) this.#socket.pause();
    this.#socket.on("end", () => this.#onSocketEnd());
    this.#socket.on("drain", () => {
      if (!this.#open) return;
      this.send();
      if (this.queuedBytes === 0 && this.#onFinished === undefined) this.onDrained();
    });
    this.#socket.on("finish", () => this.#onSocketFinish());
    // What failed does not matter to anybody here: "close" follows and says that something did.
    this.#socket.on("error", () => {});
    this.#socket.on("close", (failed) => this.#onSocketClose(failed));
  }

  /** Bytes written to the area that the kernel has not taken yet, give or take `PORTION_BYTES`. */
  get queuedBytes(): number {
    return this.#area.outputBytes(this.#accepted);
  }

  /** Appends to what is to be sent; it goes out when it is committed. False where there is no room. */
  write(bytes: Uint8Array): boolean {
    this.#account();
    if (this.#area.outputRoom(this.#accepted) < bytes.length) return false;
    this.#area.write(bytes, this.#accepted);
    return true;
  }

  /** Reads again, if the area has room (otherwise nothing happens: call it again after consuming more). */
  resumeInput(): void {
    if (!this.#stopped || !this.#open || this.#ended || !this.#area.hasRoom) return;
    this.#stopped = false;
    this.#socket.resume();
  }

  /**
   * Hands what is committed to the kernel. In portions, the next when the last one has been taken: Node counts a
   * write as waiting until its last byte is gone, and a client that takes all that it can would look like one that
   * takes nothing.
   */
  send(): void {
    if (!this.#open) return;
    for (;;) {
      this.#account();
      if (this.#handed !== this.#accepted) return;
      const portion = this.#area.output(this.#handed, PORTION_BYTES);
      if (portion.length === 0) break;
      this.#handed = (this.#handed + portion.length) | 0;
      this.#socket.write(portion);
    }
    if (this.#onFinished !== undefined && !this.#socket.writableEnded) this.#socket.end();
  }

  /**
   * Sends what is committed, ends the connection for all who hold it, and closes. What the client still sends is thrown
   * away. Calls `done` once, also when the connection is lost meanwhile, but not after `destroy` or `shutdownNow`,
   * which may cut short what a client that does not read would draw out for ever.
   */
  finish(done: () => void): void {
    assert(this.#open && this.#onFinished === undefined, "a client socket can be finished once");
    this.#onFinished = done;
    // To close with unread input is to reset the connection, and a reset can overtake the last words to the client.
    if (!this.#ended) this.#socket.resume();
    this.send();
  }

  /** Closes this process's descriptor. The connection goes on where a duplicate of it is. */
  destroy(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  /** Ends the connection for all who hold it, whatever is queued, and closes. */
  shutdownNow(): void {
    if (this.#open) shutdown(this.fd);
    this.destroy();
  }

  /** Where the kernel has taken all that it was handed. */
  #account(): void {
    if (this.#handed === this.#accepted || this.#socket.writableLength > 0) return;
    this.#accepted = this.#handed;
    this.#area.accepted = this.#accepted;
  }

  readonly #nextBuffer = (): Uint8Array => {
    // Asked for once more after a callback in which the owner destroyed this socket, and perhaps closed the area.
    return this.#open ? this.#area.space() : NEVER_READ_INTO;
  };

  readonly #onRead = (count: number): boolean => {
    // Also what is thrown away has been read: it is counted, and never taken.
    if (this.#onFinished !== undefined) return true;
    this.#area.received(count);
    this.onInput();
    this.#stopped = this.#open && this.#area.isFull;
    return !this.#stopped;
  };

  #onSocketEnd(): void {
    this.#ended = true;
    if (!this.#open || this.#onFinished !== undefined) return;
    this.#area.markEndOfInput();
    this.onEnd();
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
