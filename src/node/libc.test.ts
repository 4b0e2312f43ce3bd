import assert from "node:assert/strict";
import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  statfsSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as libc from "./libc.ts";

const CLOEXEC = 0o2000000;
const NONBLOCK = 0o4000;

const descriptors = (): number => readdirSync("/proc/self/fd").length;

function flagsOf(fd: number): number {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  return Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)![1]!, 8);
}

test("what the kernel refuses is a SystemError with its name, number and reason", () => {
  assert.throws(
    () => libc.mapShared(-1, libc.pageBytes(), { writable: true }),
    (error) => {
      assert.ok(error instanceof libc.SystemError);
      assert.deepEqual([error.code, error.errno, error.syscall], ["EBADF", 9, "mmap"]);
      assert.equal(error.message, "mmap: bad file descriptor (EBADF)");
      return true;
    },
  );
  assert.throws(() => libc.dupCloexec(-1), { code: "EBADF", syscall: "fcntl" });
  assert.throws(() => libc.shutdown(-1), { code: "EBADF", syscall: "shutdown" });
});

test("too little space is ENOSPC, not a later SIGBUS", () => {
  const fd = libc.memfdCreate("test", libc.pageBytes());
  // A sealed file cannot grow, which is EPERM: so the two are told apart.
  assert.throws(() => libc.fallocate(fd, 2 * libc.pageBytes()), { code: "EPERM", syscall: "fallocate" });
  libc.close(fd);

  const directory = mkdtempSync("/dev/shm/chorus-test-");
  try {
    const file = libc.openOwnFile(join(directory, "segment"), 0o100);
    // More than there is at all: that is refused at once, where more than is free would first be given up to there.
    const { blocks, bsize } = statfsSync(directory);
    const tooMuch = (blocks + 1) * bsize;
    assert.throws(() => libc.fallocate(file, tooMuch), { code: "ENOSPC", syscall: "fallocate" });
    libc.close(file);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("two mappings of one file show each other's stores, and a dropped view is empty", () => {
  const before = descriptors();
  const page = libc.pageBytes();
  const fd = libc.memfdCreate("test", 2 * page);
  const readable = libc.mapShared(fd, 2 * page, { writable: false });
  const writable = libc.reserveAddresses(page);
  libc.mapShared(fd, page, { writable: true, offset: page, address: writable });
  libc.close(fd);
  const seen = new Uint8Array(libc.viewMemory(readable, 2 * page));
  const memory = libc.viewMemory(writable, page);
  const stored = new Uint8Array(memory);
  stored[5] = 7;
  assert.equal(seen[page + 5], 7);

  libc.dropView(memory);
  libc.munmap(writable, page);
  assert.equal(stored.length, 0);
  assert.equal(stored[5], undefined);
  assert.equal(seen[page + 5], 7);
  libc.dropView(seen.buffer);
  libc.munmap(readable, 2 * page);
  assert.equal(descriptors(), before);
});

test("a memfd of ours can change its size no more", () => {
  const fd = libc.memfdCreate("test", libc.pageBytes());
  assert.ok(libc.isSizeSealed(fd));
  assert.throws(() => libc.ftruncate(fd, 0), { code: "EPERM", syscall: "ftruncate" });
  libc.close(fd);
});

test("pipes, pairs and duplicates are not inherited, and do not block", () => {
  const before = descriptors();
  const { read, write } = libc.pipe2();
  const [left, right] = libc.socketpair();
  for (const fd of [read, write, left, right]) {
    assert.equal(flagsOf(fd) & CLOEXEC, CLOEXEC);
    assert.equal(flagsOf(fd) & NONBLOCK, NONBLOCK);
  }
  const duplicate = libc.dupCloexec(left);
  assert.notEqual(duplicate, left);
  assert.equal(flagsOf(duplicate) & CLOEXEC, CLOEXEC);
  for (const fd of [read, write, left, right, duplicate]) libc.close(fd);
  assert.equal(descriptors(), before);
});

test("our own files are regular, and are not reached through a symbolic link", () => {
  const directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
  try {
    const before = descriptors();
    writeFileSync(join(directory, "target"), "");
    symlinkSync("target", join(directory, "link"));
    assert.throws(() => libc.openOwnFile(join(directory, "link")), { code: "ELOOP" });
    assert.throws(() => libc.openOwnFile("/dev/null"), /not a regular file/);
    libc.close(libc.openOwnFile(join(directory, "target")));
    assert.equal(descriptors(), before);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
