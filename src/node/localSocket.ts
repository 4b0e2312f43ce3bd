/**
 * The system calls for unix sockets that have a path and keep messages whole, which Node does not offer: a part of
 * libc.ts with a file of its own.
 */
import { chmodSync } from "node:fs";
import koffi from "koffi";
import { assert } from "../base/index.ts";
import {
  AF_UNIX,
  LOCAL_SOCKET,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SystemError,
  checked,
  close,
  library,
  unlessFull,
} from "./libc.ts";

const ENOENT = 2;
const ENAMETOOLONG = 36;
const ECONNREFUSED = 111;

/** What a `struct sockaddr_un` has room for, with the zero behind it. */
export const LOCAL_PATH_BYTES_MAX = 107;

const c = {
  socket: library.func("int socket(int, int, int)") as (
    ...args: [domain: number, type: number, protocol: number]
  ) => number,
  bind: library.func("int bind(int, uint8_t *, uint32_t)") as (
    ...args: [fd: number, address: Uint8Array, length: number]
  ) => number,
  listen: library.func("int listen(int, int)") as (fd: number, backlog: number) => number,
  accept4: library.func("int accept4(int, void *, void *, int)") as (
    ...args: [fd: number, address: null, length: null, flags: number]
  ) => number,
  connect: library.func("int connect(int, uint8_t *, uint32_t)") as (
    ...args: [fd: number, address: Uint8Array, length: number]
  ) => number,
};

/**
 * Listens at `path`, of at most 107 bytes, for connections like those of `socketpair`. Up to `backlog` callers are
 * connected before anybody accepts them. Only this user may call. Throws `SystemError`: "EADDRINUSE" where there is a
 * file already, "ENAMETOOLONG".
 */
export function listenLocal(path: string, backlog: number): number {
  const address = localAddress("bind", path);
  return withLocalSocket((fd) => {
    checked("bind", c.bind(fd, address, address.length));
    // Before anybody can call: until `listen`, every call is refused.
    chmodSync(path, 0o600);
    checked("listen", c.listen(fd, backlog));
  });
}

/** The next caller's connection, undefined where nobody has called. Throws `SystemError`, such as "EMFILE". */
export function acceptLocal(fd: number): number | undefined {
  return unlessFull("accept4", c.accept4(fd, null, null, SOCK_CLOEXEC | SOCK_NONBLOCK));
}

/**
 * A connection to whoever listens at `path`, accepted or not; undefined where nobody does: there is no such file, or
 * its owner is gone. Throws `SystemError`: "EAGAIN" where too many wait to be accepted, "ENAMETOOLONG".
 */
export function connectLocal(path: string): number | undefined {
  const address = localAddress("connect", path);
  let nobody = false;
  const fd = withLocalSocket((socket) => {
    if (c.connect(socket, address, address.length) === 0) return;
    const errno = koffi.errno();
    nobody = errno === ENOENT || errno === ECONNREFUSED;
    if (!nobody) throw new SystemError("connect", errno);
  });
  if (!nobody) return fd;
  close(fd);
  return undefined;
}

function withLocalSocket(use: (fd: number) => void): number {
  const fd = checked("socket", c.socket(AF_UNIX, LOCAL_SOCKET, 0));
  try {
    use(fd);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

/** A `struct sockaddr_un`: family, path, and a zero at its end. */
function localAddress(syscall: string, path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  // An address that begins with a zero would be no file at all, and anybody's.
  const isPath = bytes.length > 0 && !bytes.includes(0);
  assert(isPath, "the path of a socket is that of a file");
  if (bytes.length > LOCAL_PATH_BYTES_MAX) throw new SystemError(syscall, ENAMETOOLONG);
  const address = new Uint8Array(2 + bytes.length + 1);
  address[0] = AF_UNIX;
  address.set(bytes, 2);
  return address;
}
