import { closeSync, writeSync } from "node:fs";
import { Socket } from "node:net";

const ONE_BYTE = new Uint8Array([1]);

/** The end of a bell that is rung: a pipe's write end, not blocking. */
export class BellButton {
  readonly #descriptor: number;
  #closed = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  ring(): void {
    if (this.#closed) return;
    try {
      writeSync(this.#descriptor, ONE_BYTE);
    } catch (error) {
      // Full: it has been rung and not been heard yet. Broken: whoever slept there is dead, and its exit says so.
      const { code } = error as NodeJS.ErrnoException;
      if (code !== "EAGAIN" && code !== "EPIPE") throw error;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#descriptor);
  }
}

export interface BellEvents {
  onRing(): void;
  /** Nobody is left who could ring. */
  onSilence(): void;
}

/** The end of a bell that is heard. One reading of the pipe serves however many rings lie in it. */
export class BellListener {
  readonly #socket: Socket;

  constructor(descriptor: number, events: BellEvents) {
    this.#socket = new Socket({
      fd: descriptor,
      readable: true,
      writable: false,
      onread: {
        buffer: new Uint8Array(4096),
        callback: () => {
          events.onRing();
          return true;
        },
      },
    });
    let silent = false;
    const silence = (): void => {
      if (silent) return;
      silent = true;
      events.onSilence();
    };
    this.#socket.on("end", silence);
    this.#socket.on("error", silence);
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }
}
