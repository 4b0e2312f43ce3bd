import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  mkdtempSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
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

test("a memfd that was made of bytes gives them back whole, and nobody changes them", () => {
  const before = descriptors();
  for (const length of [0, 1, 3_000_001]) {
    const bytes = new Uint8Array(length).map((_, i) => i * 7);
    const fd = libc.memfdOf("test", bytes);
    assert.ok(libc.isSizeSealed(fd));
    assert.equal(flagsOf(fd) & CLOEXEC, CLOEXEC);
    const duplicate = libc.dupCloexec(fd);
    // A duplicate that reads has no say in where the other one begins.
    readSync(duplicate, Buffer.alloc(10));
    assert.deepEqual(libc.readMemfd(fd), bytes);
    assert.deepEqual(libc.readMemfd(duplicate), bytes);
    assert.throws(() => writeSync(fd, "x", 0), { code: "EPERM" });
    assert.throws(() => libc.ftruncate(fd, length + 1), { code: "EPERM" });
    libc.close(fd);
    libc.close(duplicate);
  }
  const { read, write } = libc.pipe2();
  assert.throws(() => libc.readMemfd(read), /not a memfd/);
  libc.close(read);
  libc.close(write);
  assert.equal(descriptors(), before);
});

/** Runs a module in a process of its own, with `libc` in it: what it says. */
function run(source: string): string {
  const before = `import * as libc from ${JSON.stringify(new URL("./libc.ts", import.meta.url))};`;
  const flags = ["--no-warnings", "--input-type=module", "-e"];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...flags, before + source], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("an inheritable descriptor is there after execve, another is not", () => {
  const next = `
    import { readFileSync } from "node:fs";
    for (const path of process.argv.slice(1)) {
      try { console.log(readFileSync(path, "utf8")); } catch (error) { console.log(error.code); }
    }`;
  const said = run(`
    const [kept, lost] = ["kept", "lost"].map((text) => libc.memfdOf("test", Buffer.from(text)));
    libc.inheritable(kept);
    const paths = [kept, lost].map((fd) => "/proc/self/fd/" + fd);
    process.execve(process.execPath, ["node", "--input-type=module", "-e", ${JSON.stringify(next)}, ...paths]);`);
  assert.equal(said, "kept\nENOENT\n");
});

test("a child from before execve is reaped once it has ended, and nobody else is", () => {
  const next = `
    import { readFileSync } from "node:fs";
    import { reap } from ${JSON.stringify(new URL("./libc.ts", import.meta.url))};
    const child = Number(process.argv[1]);
    console.log("it lives", reap(child));
    console.log("no child of ours", reap(process.ppid));
    process.once("SIGCHLD", () => {
      console.log("it has ended", reap(child));
      console.log("once more", reap(child));
      clearInterval(alive);
    });
    const alive = setInterval(() => {}, 1000);
    process.kill(child, "SIGKILL");`;
  const said = run(`
    import { spawn } from "node:child_process";
    const { pid } = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    process.execve(process.execPath, ["node", "--input-type=module", "-e", ${JSON.stringify(next)}, String(pid)]);`);
  assert.equal(said, "it lives false\nno child of ours false\nit has ended true\nonce more false\n");
  assert.throws(() => libc.reap(0), /process id 0/);
});

test("the peer of a pair is who made it, and a socket of another kind has none", async () => {
  const [left, right] = libc.socketpair();
  assert.equal(libc.peerPid(left), process.pid);
  libc.close(left);
  libc.close(right);
  const server = createServer().listen(0);
  await once(server, "listening");
  const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
  assert.throws(() => libc.peerPid(fd), { code: "ENOTCONN", syscall: "getsockopt" });
  server.close();
  await once(server, "close");
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
