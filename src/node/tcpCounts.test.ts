import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readSync, readdirSync, writeSync } from "node:fs";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { test } from "node:test";
import { until } from "../../test/support/server.ts";
import { KiB, MiB } from "../base/index.ts";
import * as libc from "./libc.ts";
import { tcpCounts } from "./tcpCounts.ts";

const SHUT_WR = 1;
const MSG_OOB = 1;
const FIN_WAIT_1 = 4;
const FIN_WAIT_2 = 5;
const CLOSE = 7;
const CLOSE_WAIT = 8;
const LAST_ACK = 9;

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const descriptorOf = (socket: Socket): number =>
  (socket as unknown as { _handle: { fd: number } })._handle.fd;

interface Connection extends AsyncDisposable {
  /** The peer, driven by Node: it reads once it is resumed. */
  readonly client: Socket;
  /** Ours, bare: what is read and written here is what the test reads and writes. */
  readonly fd: number;
}

async function connected({ urgentInLine = true } = {}): Promise<Connection> {
  const before = descriptors();
  const server = createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  if (urgentInLine) libc.keepUrgentInLine((server as unknown as { _handle: { fd: number } })._handle.fd);
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  client.pause();
  client.on("error", () => {});
  const [[accepted]] = (await Promise.all([once(server, "connection"), once(client, "connect")])) as [
    [Socket],
    unknown,
  ];
  const fd = libc.dupCloexec(descriptorOf(accepted));
  accepted.destroy();
  server.close();
  await once(server, "close");
  return {
    client,
    fd,
    async [Symbol.asyncDispose]() {
      libc.close(fd);
      client.destroy();
      if (!client.closed) await once(client, "close");
      assert.equal(descriptors(), before, "descriptors leak");
    },
  };
}

/** FIONREAD: what could be read at once. */
const unread = (fd: number): number => libc.ioctlNumber(fd, 0x541b);

async function arrived(fd: number, bytes: number): Promise<void> {
  await until(`${bytes} bytes`, () => unread(fd) === bytes);
}

/** The first byte of TCP_INFO. */
const stateOf = (fd: number): number => {
  const state = new Uint8Array(1);
  libc.getsockopt(fd, 6, 11, state);
  return state[0]!;
};

async function state(fd: number, wanted: number): Promise<void> {
  await until(`state ${wanted}`, () => stateOf(fd) === wanted);
}

/** Reads at most so many bytes, of what is there. */
const read = (fd: number, bytes: number): number => readSync(fd, Buffer.alloc(bytes));

/** Writes until the kernel takes no more: how many bytes it has taken. */
function fill(fd: number): number {
  const portion = Buffer.alloc(100_003);
  let taken = 0;
  for (;;) {
    try {
      taken += writeSync(fd, portion);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
      return taken;
    }
  }
}

test("a new connection has counted nothing: the SYN is none of its bytes", async () => {
  await using connection = await connected();
  assert.deepEqual(tcpCounts(connection.fd), { read: 0, accepted: 0, isOver: false });
  writeSync(connection.fd, "x");
  assert.deepEqual(tcpCounts(connection.fd), { read: 0, accepted: 1, isOver: false });
});

test("what was read counts, and not what has come", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  client.write("0123456789");
  await arrived(fd, 10);
  assert.equal(tcpCounts(fd)!.read, 0);
  assert.equal(read(fd, 4), 4);
  assert.equal(tcpCounts(fd)!.read, 4);
  assert.equal(read(fd, 100), 6);
  assert.deepEqual(tcpCounts(fd), { read: 10, accepted: 0, isOver: false });
});

for (const sent of [0, 10]) {
  test(`the end of ${sent} bytes is no byte, before it is read and after`, async () => {
    await using connection = await connected();
    const { client, fd } = connection;
    client.end(Buffer.alloc(sent));
    await state(fd, CLOSE_WAIT);
    assert.deepEqual(tcpCounts(fd), { read: 0, accepted: 0, isOver: false });
    if (sent > 0) {
      assert.equal(read(fd, sent - 1), sent - 1);
      assert.equal(tcpCounts(fd)!.read, sent - 1);
      assert.equal(read(fd, 1), 1);
      assert.equal(tcpCounts(fd)!.read, sent);
    }
    assert.equal(read(fd, 10), 0);
    assert.equal(read(fd, 10), 0);
    assert.equal(tcpCounts(fd)!.read, sent);
    // A half-closed peer can still be answered.
    writeSync(fd, "abc");
    assert.deepEqual(tcpCounts(fd), { read: sent, accepted: 3, isOver: false });
  });
}

test("what a peer does not read was accepted all the same, and stays so when it reads it", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  const taken = fill(fd);
  assert.ok(taken > 100 * KiB);
  assert.deepEqual(tcpCounts(fd), { read: 0, accepted: taken, isOver: false });
  let got = 0;
  client.on("data", (chunk: Buffer) => (got += chunk.length)).resume();
  await until("all of it", () => got === taken);
  assert.equal(tcpCounts(fd)!.accepted, taken);
});

test("our own end is no byte, while it waits behind what is unsent and once the peer has it", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  const taken = fill(fd);
  libc.shutdown(fd, SHUT_WR);
  assert.equal(stateOf(fd), FIN_WAIT_1);
  assert.deepEqual(tcpCounts(fd), { read: 0, accepted: taken, isOver: false });
  client.resume();
  await state(fd, FIN_WAIT_2);
  assert.deepEqual(tcpCounts(fd), { read: 0, accepted: taken, isOver: false });
  // The peer may go on.
  client.write("more");
  await arrived(fd, 4);
  read(fd, 3);
  assert.deepEqual(tcpCounts(fd), { read: 3, accepted: taken, isOver: false });
  client.end();
  await state(fd, CLOSE);
  // Nothing tells now that there were two ends: one too many each, as the doc says.
  assert.deepEqual(tcpCounts(fd), { read: 4, accepted: taken + 1, isOver: true });
});

test("a connection of which both have sent their end is over before the peer has acknowledged ours", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  const taken = fill(fd);
  client.end("bye");
  await state(fd, CLOSE_WAIT);
  read(fd, 2);
  libc.shutdown(fd, SHUT_WR);
  assert.equal(stateOf(fd), LAST_ACK);
  assert.deepEqual(tcpCounts(fd), { read: 2, accepted: taken, isOver: true });
});

test("a reset ends both ways, and the counts stay what they were", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  client.write("0123456789");
  await arrived(fd, 10);
  read(fd, 7);
  const taken = fill(fd);
  client.resetAndDestroy();
  await state(fd, CLOSE);
  assert.deepEqual(tcpCounts(fd), { read: 7, accepted: taken, isOver: true });
  assert.throws(() => writeSync(fd, "x"), { code: "ECONNRESET" });
  assert.deepEqual(tcpCounts(fd), { read: 7, accepted: taken, isOver: true });
});

test("after a reset that came behind an end, `read` is one too high and never too low", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  client.end("0123456789");
  await state(fd, CLOSE_WAIT);
  read(fd, 7);
  client.resetAndDestroy();
  await state(fd, CLOSE);
  assert.deepEqual(tcpCounts(fd), { read: 8, accepted: 0, isOver: true });
});

test("many megabytes, both ways at once, are counted to the byte", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  const wanted = 24 * MiB;
  client.resume();
  client.write(Buffer.alloc(wanted));
  let [got, given] = [0, 0];
  await until("all of it, both ways", () => {
    while (unread(fd) > 0) got += read(fd, 300_007);
    if (given < wanted) given += fill(fd);
    assert.deepEqual(tcpCounts(fd), { read: got, accepted: given, isOver: false });
    return got === wanted && given >= wanted;
  });
});

test("bytes that come in the middle of the count do not disturb it", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  // Another process writes byte after byte into the client's end of the connection.
  const source = `
    const { writeSync } = require("node:fs");
    for (;;) try { writeSync(3, "x"); } catch (error) { if (error.code !== "EAGAIN") throw error; }
  `;
  const child = spawn(process.execPath, ["-e", source], {
    stdio: ["ignore", "ignore", "inherit", descriptorOf(client)],
  });
  try {
    let got = 0;
    await until("its first byte", () => unread(fd) > 0);
    for (let i = 0; i < 5000; i += 1) {
      if (unread(fd) > 0) got += read(fd, 1 + (i % 1000));
      assert.equal(tcpCounts(fd)!.read, got);
    }
    assert.ok(got > 1000);
  } finally {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
});

test("bytes marked as urgent are bytes like others", async () => {
  await using connection = await connected();
  const { client, fd } = connection;
  sendUrgent(descriptorOf(client), "ab!");
  client.write("cd");
  await arrived(fd, 5);
  assert.equal(tcpCounts(fd)!.read, 0);
  assert.equal(read(fd, 2), 2);
  assert.equal(tcpCounts(fd)!.read, 2);
  const rest = Buffer.alloc(10);
  assert.equal(rest.toString("latin1", 0, readSync(fd, rest)), "!cd");
  assert.equal(tcpCounts(fd)!.read, 5);
});

test("bytes marked as urgent that are not kept in line hide what comes behind them", async () => {
  await using connection = await connected({ urgentInLine: false });
  const { client, fd } = connection;
  sendUrgent(descriptorOf(client), "ab!");
  client.write("cd");
  await arrived(fd, 2);
  assert.equal(tcpCounts(fd)!.read, 3);
  // Nothing has been read yet, so it is not too late.
  libc.keepUrgentInLine(fd);
  assert.equal(tcpCounts(fd)!.read, 0);
});

test("other sockets have no counts, and what is no socket is an error", () => {
  const [left, right] = libc.socketpair();
  assert.equal(tcpCounts(left), undefined);
  const pipe = libc.pipe2();
  assert.throws(() => tcpCounts(pipe.read), { code: "ENOTSOCK", syscall: "getsockopt" });
  for (const fd of [left, right, pipe.read, pipe.write]) libc.close(fd);
});

/** The last byte of `text` is the urgent one. */
function sendUrgent(fd: number, text: string): void {
  const address = libc.mapPrivate(libc.pageBytes());
  const memory = libc.viewMemory(address, libc.pageBytes());
  const [iovec, message] = [address + 64n, address + 256n];
  const longs = new BigUint64Array(memory);
  // struct msghdr: iovec, how many; then the iovec itself.
  longs.set([iovec, 1n], 2);
  longs.set([message, BigInt(text.length)], 64 / 8);
  new Uint8Array(memory).set(Buffer.from(text), 256);
  assert.equal(libc.sendmsg(fd, address, MSG_OOB), text.length);
  libc.dropView(memory);
  libc.munmap(address, libc.pageBytes());
}
