/**
 * Run sockets: how a process can be called that nobody shares a seat socket with any more.
 *
 * Seat sockets are made in pairs, by the supervisor, for processes that it starts. When the supervisor dies, its ends
 * are gone. So each process also listens at a path of its own, where a successor calls; the connection is a seat socket
 * like the one before, and the kernel says who is at its other end (`peerPid`).
 */
import { lstatSync, rmSync } from "node:fs";
import { DescriptorWatch } from "./descriptorWatch.ts";
import { SystemError, close } from "./libc.ts";
import { acceptLocal, connectLocal, listenLocal } from "./localSocket.ts";

/** Callers who are connected before they are accepted, as long as the process is stopped or busy. */
const BACKLOG = 16;

/** A call that found no descriptor left waits; nothing tells when there is one again. */
const NO_DESCRIPTOR_RETRY_MS = 100;

/** Neither is the caller's fault, and both pass. */
const NO_DESCRIPTOR: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Listens at a path, and does not keep the process alive for it. */
export class RunSocket {
  readonly path: string;
  readonly #fd: number;
  readonly #onCall: (fd: number) => void;
  #watch: DescriptorWatch;
  #retry: NodeJS.Timeout | undefined;
  #open = true;

  /**
   * `onCall` gets the connection of each caller, to own: for `new SeatSocket(fd)`. The path has at most 107 bytes, and
   * its folder is there and this user's alone; the socket there can be called by this user only. A socket that is there
   * already is taken for a leftover and removed, so nobody else may use the name. Throws `SystemError`: "ENAMETOOLONG",
   * and "EADDRINUSE" where there is something else than a socket.
   */
  constructor(path: string, onCall: (fd: number) => void) {
    this.path = path;
    this.#onCall = onCall;
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) rmSync(path);
    this.#fd = listenLocal(path, BACKLOG);
    this.#watch = this.#startWatch();
  }

  /** Removes the file. Who has called and was not accepted yet sees the connection end; the others go on. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#retry);
    this.#watch.close();
    close(this.#fd);
    rmSync(this.path, { force: true });
  }

  #startWatch(): DescriptorWatch {
    const watch = new DescriptorWatch(this.#fd, () => this.#turn());
    watch.unref();
    return watch;
  }

  #turn(): void {
    for (let i = 0; i < BACKLOG && this.#open; i += 1) {
      const fd = this.#accept();
      if (fd === undefined) return;
      this.#onCall(fd);
    }
  }

  #accept(): number | undefined {
    try {
      return acceptLocal(this.#fd);
    } catch (error) {
      if (!(error instanceof SystemError && NO_DESCRIPTOR.has(error.code))) throw error;
      // The caller stays in the backlog, so that the watch would tell of it again and again.
      this.#watch.close();
      this.#retry = setTimeout(() => {
        this.#watch = this.#startWatch();
      }, NO_DESCRIPTOR_RETRY_MS).unref();
      return undefined;
    }
  }
}

/**
 * Calls the process that listens at `path`: a connection for `new SeatSocket(fd)`, at once, even if that process is
 * stopped or busy; whether it ever answers is another matter. Undefined where nobody listens. Throws `SystemError`:
 * "EAGAIN" where more callers than the backlog holds wait already, "ENAMETOOLONG".
 */
export function callRunSocket(path: string): number | undefined {
  return connectLocal(path);
}
