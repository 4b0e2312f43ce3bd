/**
 * Seat sockets: the messages, and with them the descriptors, that the supervisor and the other processes exchange.
 *
 * A descriptor is a number that means something in one process only. To hand an open connection to another process,
 * its number is put beside a message as control data (SCM_RIGHTS), and the kernel gives the receiver a descriptor of
 * its own of the same connection. Node can do this for its own channels only, hence the system calls by hand.
 *
 * `sendmsg` and `recvmsg` want their arguments as C structures. They are laid out once, in memory that never moves:
 *
 *     0  ┌ struct msghdr ─────────────────────────────┐
 *        │ name, its length      0: pairs need none   │  16
 *    16  │ ─► iovec              8                    │
 *    24  │ how many iovecs       8: always 1          │
 *    32  │ ─► control            8                    │
 *    40  │ control bytes         8                    │
 *    48  │ flags (received)      4                    │
 *    56  └────────────────────────────────────────────┘
 *    64  ┌ struct iovec ──────────────────────────────┐
 *        │ ─► message            8                    │
 *    72  │ message bytes         8                    │
 *    80  └────────────────────────────────────────────┘
 *    96  ┌ struct cmsghdr ────────────────────────────┐
 *        │ bytes, header included  8                  │
 *   104  │ level SOL_SOCKET        4                  │
 *   108  │ type SCM_RIGHTS         4                  │
 *   112  │ descriptors             4 each, up to 4    │
 *   128  └────────────────────────────────────────────┘
 *   256  message, up to 4,096 bytes
 */
import { assert } from "../base/index.ts";
import { DescriptorWatch } from "./descriptorWatch.ts";
import {
  SystemError,
  close,
  dupCloexec,
  mapPrivate,
  pageBytes,
  recvmsg,
  sendmsg,
  socketpair,
  viewMemory,
} from "./libc.ts";

export const SEAT_MESSAGE_BYTES_MAX = 4096;
export const SEAT_DESCRIPTORS_MAX = 4;

/** What may wait for a peer that does not read: past it, the peer is as good as dead and `send` throws. */
export const SEAT_QUEUE_MESSAGES_MAX = 8192;

/** How many messages are read before others get their turn. */
const MESSAGES_A_TURN = 64;

/** The limit on descriptors in flight counts all of a user's sockets, so no event tells when it has room again. */
const IN_FLIGHT_RETRY_MS = 10;

const HEADER_IOVEC = 16;
const HEADER_IOVEC_COUNT = 24;
const HEADER_CONTROL = 32;
const HEADER_CONTROL_BYTES = 40;
const HEADER_FLAGS = 48;
const IOVEC = 64;
const IOVEC_BASE = IOVEC;
const IOVEC_BYTES = IOVEC + 8;
const CONTROL = 96;
const CONTROL_LEVEL = 8;
const CONTROL_TYPE = 12;
const CONTROL_HEADER_BYTES = 16;
const CONTROL_BYTES_MAX = CONTROL_HEADER_BYTES + 4 * SEAT_DESCRIPTORS_MAX;
const MESSAGE = 256;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_CTRUNC = 0x8;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** EPIPE as an error, where the default is a signal that ends the process. */
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

const LITTLE_ENDIAN = true;

/** One for the whole process: it is filled and used up within one call. */
class Scratch {
  readonly #address: bigint;
  readonly #fields: DataView<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;

  constructor() {
    const length = Math.ceil((MESSAGE + SEAT_MESSAGE_BYTES_MAX) / pageBytes()) * pageBytes();
    this.#address = mapPrivate(length);
    const memory = viewMemory(this.#address, length);
    this.#fields = new DataView(memory);
    this.#bytes = new Uint8Array(memory);
    this.#pointer(HEADER_IOVEC, IOVEC);
    this.#size(HEADER_IOVEC_COUNT, 1);
    this.#pointer(IOVEC_BASE, MESSAGE);
    this.#pointer(HEADER_CONTROL, CONTROL);
  }

  /** False: not now. Throws `SystemError`. */
  send(fd: number, message: Uint8Array, descriptors: readonly number[]): boolean {
    this.#bytes.set(message, MESSAGE);
    this.#size(IOVEC_BYTES, message.length);
    // The only control message is the last one too, so no padding has to follow it.
    const controlBytes = descriptors.length === 0 ? 0 : CONTROL_HEADER_BYTES + 4 * descriptors.length;
    this.#size(HEADER_CONTROL_BYTES, controlBytes);
    this.#size(CONTROL, controlBytes);
    this.#fields.setInt32(CONTROL + CONTROL_LEVEL, SOL_SOCKET, LITTLE_ENDIAN);
    this.#fields.setInt32(CONTROL + CONTROL_TYPE, SCM_RIGHTS, LITTLE_ENDIAN);
    descriptors.forEach((descriptor, i) => {
      this.#fields.setInt32(CONTROL + CONTROL_HEADER_BYTES + 4 * i, descriptor, LITTLE_ENDIAN);
    });
    return sendmsg(fd, this.#address, MSG_DONTWAIT | MSG_NOSIGNAL) !== undefined;
  }

  /** Undefined: nothing there now. An empty message: the end. Throws `SystemError`. */
  receive(fd: number): { message: Uint8Array; descriptors: number[]; truncated: boolean } | undefined {
    this.#size(IOVEC_BYTES, SEAT_MESSAGE_BYTES_MAX);
    this.#size(HEADER_CONTROL_BYTES, CONTROL_BYTES_MAX);
    const length = recvmsg(fd, this.#address, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length === undefined) return undefined;
    const flags = this.#fields.getInt32(HEADER_FLAGS, LITTLE_ENDIAN);
    return {
      message: this.#bytes.slice(MESSAGE, MESSAGE + length),
      descriptors: this.#descriptors(),
      truncated: (flags & (MSG_CTRUNC | MSG_TRUNC)) !== 0,
    };
  }

  /** There is room for one control message, and the socket asks the kernel for no other kind than this. */
  #descriptors(): number[] {
    const descriptors: number[] = [];
    if (this.#fields.getUint32(HEADER_CONTROL_BYTES, LITTLE_ENDIAN) < CONTROL_HEADER_BYTES)
      return descriptors;
    if (this.#fields.getInt32(CONTROL + CONTROL_LEVEL, LITTLE_ENDIAN) !== SOL_SOCKET) return descriptors;
    if (this.#fields.getInt32(CONTROL + CONTROL_TYPE, LITTLE_ENDIAN) !== SCM_RIGHTS) return descriptors;
    const end = CONTROL + this.#fields.getUint32(CONTROL, LITTLE_ENDIAN);
    for (let at = CONTROL + CONTROL_HEADER_BYTES; at + 4 <= end; at += 4) {
      descriptors.push(this.#fields.getInt32(at, LITTLE_ENDIAN));
    }
    return descriptors;
  }

  #pointer(at: number, offset: number): void {
    this.#fields.setBigUint64(at, this.#address + BigInt(offset), LITTLE_ENDIAN);
  }

  /** A `size_t`; all of ours are small. */
  #size(at: number, value: number): void {
    this.#fields.setUint32(at, value, LITTLE_ENDIAN);
    this.#fields.setUint32(at + 4, 0, LITTLE_ENDIAN);
  }
}

let theScratch: Scratch | undefined;

function scratch(): Scratch {
  theScratch ??= new Scratch();
  return theScratch;
}

/** The peer sent what no peer of ours sends (or this process has no descriptors left), and something is lost. */
export class SeatBrokenError extends Error {
  override readonly name = "SeatBrokenError";
}

/** `send` throws it when the peer has not read for so long that `SEAT_QUEUE_MESSAGES_MAX` messages wait for it. */
export class SeatFullError extends Error {
  override readonly name = "SeatFullError";
}

interface Waiting {
  readonly message: Uint8Array;
  /** Duplicates of our own, closed once they are sent. */
  readonly descriptors: readonly number[];
}

/** One end of a seat socket. It owns its descriptor. Set the two callbacks before the event loop turns. */
export class SeatSocket {
  /**
   * A message came. The bytes and the descriptors are the callee's to keep, and the descriptors its to close; they
   * are not inherited by programs started later.
   */
  onMessage: (message: Uint8Array, descriptors: number[]) => void = (_message, descriptors) => {
    descriptors.forEach(close);
  };

  /**
   * Called once, after the last message: the peer has closed its end or is dead, or, with an error, what it sent
   * cannot be trusted. The socket is closed by then. Not called after `close()`.
   */
  onClose: (error?: SeatBrokenError) => void = () => {};

  readonly fd: number;
  readonly #watch: DescriptorWatch;
  #open = true;
  /** The peer reads no more; it may have left messages for us. */
  #peerGone = false;
  #queue: Waiting[] = [];
  /** Where the queue starts: `shift` on thousands of messages would be quadratic. */
  #queueStart = 0;
  #retry: NodeJS.Timeout | undefined;

  constructor(fd: number) {
    this.fd = fd;
    this.#watch = new DescriptorWatch(fd, () => this.#turn());
  }

  /** Descriptors for the two ends, not inherited: name one in `stdio` of `spawn` to give it to a child. */
  static pair(): [number, number] {
    return socketpair();
  }

  /** How many messages the kernel has not taken yet. */
  get queuedMessages(): number {
    return this.#queue.length - this.#queueStart;
  }

  /**
   * Sends 1 to 4,096 bytes and up to 4 descriptors, in order and never blocking: what the kernel does not take now
   * waits here, as a copy. The caller keeps its descriptors, and may close them as soon as this returns. To a peer
   * that is gone, nothing is sent (`onClose` is on its way). Throws `SeatFullError`, `SystemError`.
   */
  send(message: Uint8Array, descriptors: readonly number[] = []): void {
    assert(this.#open, "a message for a closed seat socket");
    const length = message.length;
    assert(length > 0 && length <= SEAT_MESSAGE_BYTES_MAX, `a seat message of ${length} bytes`);
    assert(descriptors.length <= SEAT_DESCRIPTORS_MAX, `${descriptors.length} descriptors in one message`);
    if (this.#peerGone) return;
    if (this.queuedMessages === 0 && this.#transmit(message, descriptors)) return;
    this.#enqueue(message, descriptors);
  }

  /** Hands over at once whatever has come already, up to the end if that has, too. */
  drain(): void {
    while (this.#open && this.#receive());
  }

  /** Whether the process stays alive for this socket: it does until told otherwise. */
  ref(): void {
    this.#watch.ref();
  }

  unref(): void {
    this.#watch.unref();
  }

  /** What still waits is not sent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#dropQueue();
    this.#watch.close();
    close(this.fd);
  }

  #enqueue(message: Uint8Array, descriptors: readonly number[]): void {
    if (this.queuedMessages >= SEAT_QUEUE_MESSAGES_MAX) {
      throw new SeatFullError(`the peer of a seat socket has left ${this.queuedMessages} messages unread`);
    }
    const duplicates: number[] = [];
    try {
      for (const descriptor of descriptors) duplicates.push(dupCloexec(descriptor));
    } catch (error) {
      duplicates.forEach(close);
      throw error;
    }
    this.#queue.push({ message: message.slice(), descriptors: duplicates });
    if (this.#retry === undefined) this.#watch.writable = true;
  }

  /** True: done with this message. False: not now. */
  #transmit(message: Uint8Array, descriptors: readonly number[]): boolean {
    try {
      return scratch().send(this.fd, message, descriptors);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === "EPIPE" || error.code === "ECONNRESET") {
        this.#peerGone = true;
        return true;
      }
      if (error.code === "ETOOMANYREFS") {
        this.#watch.writable = false;
        this.#retry ??= setTimeout(() => {
          this.#retry = undefined;
          this.#flush();
        }, IN_FLIGHT_RETRY_MS);
        return false;
      }
      throw error;
    }
  }

  #flush(): void {
    while (this.queuedMessages > 0 && !this.#peerGone) {
      const { message, descriptors } = this.#queue[this.#queueStart]!;
      if (!this.#transmit(message, descriptors)) {
        if (this.#retry === undefined) this.#watch.writable = true;
        return;
      }
      this.#queueStart += 1;
      descriptors.forEach(close);
    }
    this.#dropQueue();
  }

  #dropQueue(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#watch.writable = false;
    for (const { descriptors } of this.#queue.slice(this.#queueStart)) descriptors.forEach(close);
    this.#queue = [];
    this.#queueStart = 0;
  }

  #turn(): void {
    if (this.queuedMessages > 0 && this.#retry === undefined) this.#flush();
    for (let i = 0; i < MESSAGES_A_TURN && this.#open; i += 1) {
      if (!this.#receive()) return;
    }
  }

  /** False: nothing more to read now. */
  #receive(): boolean {
    let received;
    try {
      received = scratch().receive(this.fd);
    } catch (error) {
      // The peer closed before it had read everything. That is told once; what it sent before is read after it.
      if (error instanceof SystemError && error.code === "ECONNRESET") return true;
      throw error;
    }
    if (received === undefined) return false;
    const { message, descriptors, truncated } = received;
    if (truncated) {
      descriptors.forEach(close);
      this.close();
      this.onClose(new SeatBrokenError("a seat message did not fit, or its descriptors did not"));
      return false;
    }
    if (message.length === 0) {
      this.close();
      this.onClose();
      return false;
    }
    this.onMessage(message, descriptors);
    return true;
  }
}
