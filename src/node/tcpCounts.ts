/**
 * How far a TCP connection has got, told by the kernel and by nobody else: what a process had read and written can be
 * found out after its death, from any duplicate of its socket.
 *
 * Of each direction the kernel knows two numbers. What was read is what has come without what still stands unread;
 * what was taken by `write` is what the peer has acknowledged and what it has not:
 *
 *     read     = bytes_received − SIOCINQ    − 1 for a FIN that has come
 *     accepted = bytes_acked    + SIOCOUTQ   − 1 for a FIN of ours
 *
 * A FIN has a place among the bytes, and is counted with them by all but SIOCINQ. Whether there was one can be seen
 * from the state of the connection, as long as it has not ended.
 */
import { assert } from "../base/index.ts";
import { SystemError, getsockopt, ioctlNumber } from "./libc.ts";

export interface TcpCounts {
  /** Bytes that reads have handed out since the connection began. */
  readonly read: number;
  /** Bytes that writes have handed to the kernel since the connection began, whether or not the peer has them. */
  readonly accepted: number;
  /**
   * Neither side can say anything more: both have sent their FIN, or one has reset the connection. What has come
   * already can still be read, and after two FINs what was accepted is still delivered.
   */
  readonly isOver: boolean;
}

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SIOCINQ = 0x541b;
const SIOCOUTQ = 0x5411;

/** struct tcp_info, up to the last field of ours. */
const INFO_BYTES = 136;
const INFO_STATE = 0;
const INFO_BYTES_ACKED = 120;
const INFO_BYTES_RECEIVED = 128;

const LITTLE_ENDIAN = true;

/** As the kernel numbers them (include/net/tcp_states.h). The states before a connection stands are left out. */
const State = {
  established: 1,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  closing: 11,
} as const;

const AFTER_THEIR_FIN: ReadonlySet<number> = new Set([
  State.closeWait,
  State.lastAck,
  State.closing,
  State.timeWait,
]);

const AFTER_OUR_FIN: ReadonlySet<number> = new Set([
  State.finWait1,
  State.finWait2,
  State.lastAck,
  State.closing,
  State.timeWait,
]);

/** How often to ask again while bytes come or are acknowledged: each time takes about 2 µs. */
const SAMPLES_MAX = 1000;

interface Sample {
  readonly state: number;
  readonly acked: number;
  readonly received: number;
  readonly unread: number;
  readonly unacknowledged: number;
}

/**
 * What has gone through the connection up to now. `fd` is a socket that was accepted: on the side that connects, the
 * kernel counts the SYN as a byte too. It must keep urgent bytes in line (`keepUrgentInLine`): else such a byte is read
 * by nobody and counted as read, and hides what stands unread behind it.
 *
 * Exact when nobody reads or writes meanwhile; bytes that come and acknowledgements do no harm.
 *
 * Once the connection has ended for good (after a reset, after the last acknowledgement of two FINs, or when the peer
 * did not answer for too long) nothing tells any more which FINs there were: then each of the two numbers may be one
 * too high, never too low. They are exact after a reset without a FIN before it.
 *
 * Undefined for a socket of another kind: those have no counts. Throws `SystemError` for what is no socket, or one that
 * is not connected yet, and an error where the numbers do not come to rest, because somebody reads or writes.
 */
export function tcpCounts(fd: number): TcpCounts | undefined {
  const info = new Uint8Array(INFO_BYTES);
  let before = sample(fd, info);
  if (before === undefined) return undefined;
  for (let i = 0; i < SAMPLES_MAX; i += 1) {
    const after = sample(fd, info);
    assert(after !== undefined, `descriptor ${fd} was a TCP socket a moment ago`);
    if (agree(before, after)) return countsOf(after);
    before = after;
  }
  throw new Error(`the counts of connection ${fd} do not come to rest`);
}

function countsOf({ state, acked, received, unread, unacknowledged }: Sample): TcpCounts {
  const theirFin = AFTER_THEIR_FIN.has(state);
  const ourFin = AFTER_OUR_FIN.has(state);
  const read = received - unread - (theirFin ? 1 : 0);
  const accepted = acked + unacknowledged - (ourFin ? 1 : 0);
  assert(read >= 0 && accepted >= 0, `a connection in state ${state}: ${read} read, ${accepted} accepted`);
  return { read, accepted, isOver: state === State.close || (theirFin && ourFin) };
}

/** The three answers come one after the other, and belong together if nothing happened between two rounds of them. */
function sample(fd: number, info: Uint8Array<ArrayBuffer>): Sample | undefined {
  try {
    const length = getsockopt(fd, IPPROTO_TCP, TCP_INFO, info);
    assert(length === INFO_BYTES, `this kernel's struct tcp_info has ${length} bytes, not ${INFO_BYTES}`);
  } catch (error) {
    if (error instanceof SystemError && (error.code === "ENOTSUP" || error.code === "ENOPROTOOPT"))
      return undefined;
    throw error;
  }
  const fields = new DataView(info.buffer);
  return {
    state: fields.getUint8(INFO_STATE),
    acked: Number(fields.getBigUint64(INFO_BYTES_ACKED, LITTLE_ENDIAN)),
    received: Number(fields.getBigUint64(INFO_BYTES_RECEIVED, LITTLE_ENDIAN)),
    unread: ioctlNumber(fd, SIOCINQ),
    unacknowledged: ioctlNumber(fd, SIOCOUTQ),
  };
}

function agree(one: Sample, other: Sample): boolean {
  return (
    one.state === other.state &&
    one.acked === other.acked &&
    one.received === other.received &&
    one.unread === other.unread &&
    one.unacknowledged === other.unacknowledged
  );
}
