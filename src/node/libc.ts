/**
 * The one place that knows C: the system calls that Node does not offer, as thin typed functions. (Those for unix
 * sockets that have a path are in localSocket.ts.)
 *
 * Each throws `SystemError` when the kernel refuses. The few that may be refused in the ordinary course of things
 * (a full socket, a lock that another holds, a connection that has ended) say so by what they return instead.
 *
 * Linux on x86-64 and arm64: `long`, `size_t` and pointers have 64 bits, and the constants below are the same on both.
 * A call costs about 0.12 µs on top of the kernel's work.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statfsSync, writeSync } from "node:fs";
import { getSystemErrorMessage, getSystemErrorName } from "node:util";
import koffi, { type LibraryHandle } from "koffi";
import { assert } from "../base/index.ts";

const EINTR = 4;
const ECHILD = 10;
const EAGAIN = 11;
const ENOTCONN = 107;
const ETOOMANYREFS = 109;

export const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;
/** What all our unix sockets are: they keep messages whole and carry descriptors, never block, are not inherited. */
export const LOCAL_SOCKET: number = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const PROT_NONE = 0;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
/** What `mmap` answers instead of an address: all bits set. */
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const MFD_CLOEXEC = 0x1;
const MFD_ALLOW_SEALING = 0x2;
const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;
const F_ADD_SEALS = 1033;
const F_GET_SEALS = 1034;
/** F_SEAL_SEAL, F_SEAL_SHRINK and F_SEAL_GROW: the size is what it is, for ever. */
const SIZE_SEALS = 0x1 | 0x2 | 0x4;
/** F_SEAL_WRITE: so is the content. */
const CONTENT_SEAL = 0x8;
const SOL_SOCKET = 1;
const SO_OOBINLINE = 10;
const SO_PEERCRED = 17;
const WNOHANG = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const _SC_PAGESIZE = 30;

/** How `shutdown` ends a connection, for every process that holds a duplicate of it. */
export const SHUT_RDWR = 2;

/** Whatever this process has loaded: the C library. */
export const library: LibraryHandle = koffi.load(null);

/* What koffi makes of a declaration is untyped; each cast repeats the declaration beside it. */
type Descriptors = Int32Array;
const c = {
  mmap: library.func("void *mmap(void *, size_t, int, int, int, int64_t)") as (
    ...args: [address: bigint, length: number, protection: number, flags: number, fd: number, offset: number]
  ) => bigint,
  munmap: library.func("int munmap(void *, size_t)") as (address: bigint, length: number) => number,
  getpeername: library.func("int getpeername(int, _Out_ uint8_t *, _Inout_ uint32_t *)") as (
    ...args: [fd: number, address: Uint8Array, length: Uint32Array]
  ) => number,
  memfd_create: library.func("int memfd_create(const char *, unsigned int)") as (
    ...args: [name: string, flags: number]
  ) => number,
  ftruncate: library.func("int ftruncate(int, int64_t)") as (fd: number, length: number) => number,
  fallocate: library.func("int fallocate(int, int, int64_t, int64_t)") as (
    ...args: [fd: number, mode: number, offset: number, length: number]
  ) => number,
  pipe2: library.func("int pipe2(int *, int)") as (ends: Descriptors, flags: number) => number,
  socketpair: library.func("int socketpair(int, int, int, int *)") as (
    ...args: [domain: number, type: number, protocol: number, ends: Descriptors]
  ) => number,
  /** Variadic: the type of the third argument travels beside it. */
  fcntl: library.func("int fcntl(int, int, ...)") as (
    ...args: [fd: number, command: number, type: "int", argument: number]
  ) => number,
  shutdown: library.func("int shutdown(int, int)") as (fd: number, how: number) => number,
  flock: library.func("int flock(int, int)") as (fd: number, operation: number) => number,
  sendmsg: library.func("int64_t sendmsg(int, void *, int)") as (
    ...args: [fd: number, header: bigint, flags: number]
  ) => number,
  recvmsg: library.func("int64_t recvmsg(int, void *, int)") as (
    ...args: [fd: number, header: bigint, flags: number]
  ) => number,
  getsockopt: library.func("int getsockopt(int, int, int, uint8_t *, uint32_t *)") as (
    ...args: [fd: number, level: number, option: number, value: Uint8Array, length: Uint32Array]
  ) => number,
  setsockopt: library.func("int setsockopt(int, int, int, int *, uint32_t)") as (
    ...args: [fd: number, level: number, option: number, value: Int32Array, length: number]
  ) => number,
  /** Variadic, as `fcntl`. */
  ioctl: library.func("int ioctl(int, unsigned long, ...)") as (
    ...args: [fd: number, request: number, type: "int *", argument: Int32Array]
  ) => number,
  waitpid: library.func("int waitpid(int, int *, int)") as (
    ...args: [pid: number, status: Int32Array, options: number]
  ) => number,
  sysconf: library.func("int64_t sysconf(int)") as (name: number) => number,
};

/** The kernel refused: which call, and why. `code` is a name like "ENOSPC", `errno` its (positive) number. */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;

  constructor(syscall: string, errno: number) {
    const code = errno === ETOOMANYREFS ? "ETOOMANYREFS" : getSystemErrorName(-errno);
    const reason = errno === ETOOMANYREFS ? "too many descriptors in flight" : getSystemErrorMessage(-errno);
    super(`${syscall}: ${reason} (${code})`);
    this.code = code;
    this.errno = errno;
    this.syscall = syscall;
  }
}

/** `result` of a call that answers −1 when it is refused. Nothing may come between the call and this: see `errno`. */
export function checked(syscall: string, result: number): number {
  if (result < 0) throw new SystemError(syscall, koffi.errno());
  return result;
}

const PAGE_BYTES = checked("sysconf", c.sysconf(_SC_PAGESIZE));

/** The unit of mapping: 4,096 bytes on x86-64, up to 65,536 on arm64. */
export function pageBytes(): number {
  return PAGE_BYTES;
}

/**
 * Addresses for `length` bytes in a row that nothing else will be mapped to, and that must not be touched until
 * `mapShared` has put something there. `munmap` gives them back.
 */
export function reserveAddresses(length: number): bigint {
  return mmap(0n, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

/** `length` bytes of zeros of this process's own. */
export function mapPrivate(length: number): bigint {
  return mmap(0n, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

export interface ShareOptions {
  /** False: reading only, and a store ends the process with SIGSEGV. */
  readonly writable: boolean;
  /** Where in the file the mapping starts: whole pages. 0 where nothing is said. */
  readonly offset?: number;
  /** Exactly there, in place of what is mapped there now: only within what this process reserved or mapped before. */
  readonly address?: bigint;
}

/** Maps `length` bytes of a file so that every process that maps it sees every store. The descriptor may be closed. */
export function mapShared(fd: number, length: number, options: ShareOptions): bigint {
  const { writable, offset = 0, address } = options;
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const flags = address === undefined ? MAP_SHARED : MAP_SHARED | MAP_FIXED;
  return mmap(address ?? 0n, length, protection, flags, fd, offset);
}

function mmap(...args: Parameters<typeof c.mmap>): bigint {
  const address = c.mmap(...args);
  if (address === MAP_FAILED) throw new SystemError("mmap", koffi.errno());
  return address;
}

/** Views of this memory must have been dropped (`dropView`): touching one afterwards ends the process. */
export function munmap(address: bigint, length: number): void {
  checked("munmap", c.munmap(address, length));
}

/** Mapped memory as JavaScript sees it. It does not keep the mapping alive. */
export function viewMemory(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}

/**
 * Detaches a view: whatever array still refers to it has no bytes from now on, so that a forgotten one reads
 * `undefined` where it would have read unmapped memory and ended the process, or, worse, what was mapped there since.
 */
export function dropView(view: ArrayBuffer): void {
  view.transfer(0);
}

/** A nameless file in memory, of `length` zeros; its size can never change, so that no mapping of it can fail. */
export function memfdCreate(name: string, length: number): number {
  return sealedMemfd(name, SIZE_SEALS, (fd) => ftruncate(fd, length));
}

/**
 * A nameless file in memory that holds a copy of `bytes`, and that nobody can change any more: to hand to another
 * process what does not fit into a message. Read it with `readMemfd`.
 */
export function memfdOf(name: string, bytes: Uint8Array): number {
  return sealedMemfd(name, SIZE_SEALS | CONTENT_SEAL, (fd) => {
    for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at, at);
  });
}

function sealedMemfd(name: string, seals: number, fill: (fd: number) => void): number {
  const fd = checked("memfd_create", c.memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  try {
    fill(fd);
    checked("fcntl", c.fcntl(fd, F_ADD_SEALS, "int", seals));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/**
 * The whole content of a memfd of ours, as a copy, wherever its holders have read to; the descriptor stays open.
 * Throws where its size is not sealed: what another process might cut off while it is read is no file of ours.
 */
export function readMemfd(fd: number): Uint8Array<ArrayBuffer> {
  if (!isSizeSealed(fd)) throw new Error(`descriptor ${fd} is not a memfd whose size is sealed`);
  const bytes = new Uint8Array(fstatSync(fd).size);
  for (let at = 0; at < bytes.length;) {
    // Duplicates share one place in the file, so ours is said each time.
    const count = readSync(fd, bytes, at, bytes.length - at, at);
    assert(count > 0, `a sealed file of ${bytes.length} bytes ends after ${at}`);
    at += count;
  }
  return bytes;
}

/** Whether this is a memfd that `memfdCreate` or `memfdOf` made: one whose size nobody can change. */
export function isSizeSealed(fd: number): boolean {
  const seals = c.fcntl(fd, F_GET_SEALS, "int", 0);
  return seals >= 0 && (seals & SIZE_SEALS) === SIZE_SEALS;
}

export function ftruncate(fd: number, length: number): void {
  checked("ftruncate", c.ftruncate(fd, length));
}

/**
 * Gives a file all its memory or disk space now. Without this, a store into a mapping ends the process (SIGBUS) when
 * the file system turns out to be full. Throws `SystemError` with the code "ENOSPC" where there is not enough.
 */
export function fallocate(fd: number, length: number): void {
  for (;;) {
    if (c.fallocate(fd, 0, 0, length) === 0) return;
    const errno = koffi.errno();
    // tmpfs gives up and undoes what it did when a signal arrives.
    if (errno !== EINTR) throw new SystemError("fallocate", errno);
  }
}

/** A pipe that never blocks and that no program started later inherits by accident. */
export function pipe2(): { readonly read: number; readonly write: number } {
  const [read, write] = descriptorPair("pipe2", (ends) => c.pipe2(ends, O_CLOEXEC | O_NONBLOCK));
  return { read, write };
}

/** Two ends of one connection that keeps messages whole and in order, and carries descriptors. Neither end blocks. */
export function socketpair(): [number, number] {
  return descriptorPair("socketpair", (ends) => c.socketpair(AF_UNIX, LOCAL_SOCKET, 0, ends));
}

function descriptorPair(syscall: string, call: (ends: Descriptors) => number): [number, number] {
  const ends = new Int32Array(2);
  checked(syscall, call(ends));
  return [ends[0]!, ends[1]!];
}

/** Another descriptor of the same thing, which must be closed by itself and is not inherited. */
export function dupCloexec(fd: number): number {
  return checked("fcntl", c.fcntl(fd, F_DUPFD_CLOEXEC, "int", 0));
}

/** From now on, whatever program this process starts, or becomes by `execve`, has this descriptor too. */
export function inheritable(fd: number): void {
  checked("fcntl", c.fcntl(fd, F_SETFD, "int", 0));
}

/**
 * What a socket says about itself: `value` is filled from its start as far as the kernel's answer goes, and that many
 * bytes is what is returned. Throws `SystemError`: "ENOTSUP" or "ENOPROTOOPT" from a socket of another kind.
 */
export function getsockopt(fd: number, level: number, option: number, value: Uint8Array): number {
  const length = Uint32Array.of(value.length);
  checked("getsockopt", c.getsockopt(fd, level, option, value, length));
  return length[0]!;
}

/** The number that a device, here a socket, answers to `request`. Throws `SystemError`. */
export function ioctlNumber(fd: number, request: number): number {
  const answer = new Int32Array(1);
  checked("ioctl", c.ioctl(fd, request, "int *", answer));
  return answer[0]!;
}

/**
 * Who is at the other end of a unix socket, as the kernel noted it when the two were connected: the process that
 * called, seen from the one that listens, and the one that listens, seen from the caller; of a `socketpair`, whoever
 * made it. 0: not of our namespace. Throws `SystemError` where `fd` is no connected unix socket.
 */
export function peerPid(fd: number): number {
  // struct ucred: process, user, group.
  const credentials = new Int32Array(3);
  const length = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, new Uint8Array(credentials.buffer));
  assert(length === credentials.byteLength, `struct ucred has ${length} bytes`);
  const pid = credentials[0]!;
  // A TCP socket, or one that is not connected, has nobody there: process 0 of user -1.
  if (credentials[1] === -1) throw new SystemError("getsockopt", ENOTCONN);
  return pid;
}

const AF_INET = 2;
const AF_INET6 = 10;
/** struct sockaddr_storage. */
const ADDRESS_BYTES = 128;

/** The address at the other end of a TCP connection: 4 or 16 bytes; undefined for another kind, or where it is over. */
export function peerAddress(fd: number): Uint8Array | undefined {
  const address = new Uint8Array(ADDRESS_BYTES);
  if (c.getpeername(fd, address, Uint32Array.of(ADDRESS_BYTES)) < 0) return undefined;
  const family = address[0]! | (address[1]! << 8);
  // struct sockaddr_in: family, port, address; sockaddr_in6: family, port, flow, address.
  if (family === AF_INET) return address.slice(4, 8);
  return family === AF_INET6 ? address.slice(8, 24) : undefined;
}

/**
 * Bytes that a TCP peer marks as urgent come in line with the rest, as `tcpCounts` needs: for a socket that accepts,
 * and so for all that it accepts from then on, or for one connection of which nothing has been read yet.
 */
export function keepUrgentInLine(fd: number): void {
  checked("setsockopt", c.setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, Int32Array.of(1), 4));
}

/**
 * Takes note of a child's end, so that the kernel forgets it. True: it had ended, and is gone now. False: it lives, or
 * is no child of this process. Only for children that were started before this process became another program by
 * `execve`: Node waits for those that it started itself, and would miss their exit.
 */
export function reap(pid: number): boolean {
  // 0 and below would mean: any child of some group.
  assert(pid > 0, `a child with process id ${pid}`);
  const result = c.waitpid(pid, new Int32Array(1), WNOHANG);
  if (result >= 0) return result === pid;
  const errno = koffi.errno();
  if (errno === ECHILD) return false;
  throw new SystemError("waitpid", errno);
}

/**
 * Ends the connection itself, whichever processes hold duplicates of it: both directions with `SHUT_RDWR`.
 * False: it had ended already.
 */
export function shutdown(fd: number, how: number = SHUT_RDWR): boolean {
  if (c.shutdown(fd, how) === 0) return true;
  const errno = koffi.errno();
  if (errno === ENOTCONN) return false;
  throw new SystemError("shutdown", errno);
}

export function close(fd: number): void {
  closeSync(fd);
}

/** Takes the lock on an open file, for as long as any duplicate of this descriptor is open. False: another has it. */
export function flock(fd: number): boolean {
  if (c.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = koffi.errno();
  if (errno === EAGAIN) return false;
  throw new SystemError("flock", errno);
}

/** Gives the lock back, duplicates or not. */
export function unlock(fd: number): void {
  checked("flock", c.flock(fd, LOCK_UN));
}

/** How many bytes were sent, undefined where the socket takes none now (EAGAIN). `header` is a `struct msghdr`. */
export function sendmsg(fd: number, header: bigint, flags: number): number | undefined {
  return unlessFull("sendmsg", c.sendmsg(fd, header, flags));
}

/** How many bytes came, 0 at the end, undefined where there are none now (EAGAIN). `header` is a `struct msghdr`. */
export function recvmsg(fd: number, header: bigint, flags: number): number | undefined {
  return unlessFull("recvmsg", c.recvmsg(fd, header, flags));
}

/** As `checked`; undefined where the call would have to wait (EAGAIN). */
export function unlessFull(syscall: string, result: number): number | undefined {
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === EAGAIN) return undefined;
  throw new SystemError(syscall, errno);
}

/** Bytes that this user can still write to the file system that holds `path`. */
export function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

/**
 * Opens a file that must be ours alone: readable and writable, mode 0600 where it is created, never through a
 * symbolic link that somebody planted, refused when it belongs to another user. `flags` adds `O_CREAT`, `O_EXCL`.
 */
export function openOwnFile(path: string, flags: number = 0): number {
  // Node sets O_CLOEXEC on whatever it opens.
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | flags, 0o600);
  try {
    const file = fstatSync(fd);
    if (!file.isFile()) throw new Error(`${path} is not a regular file`);
    if (file.uid !== process.geteuid!()) throw new Error(`${path} belongs to another user (${file.uid})`);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}
