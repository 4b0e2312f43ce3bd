import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, fstatSync, openSync, readFileSync, readSync, readdirSync, writeSync } from "node:fs";
import { test } from "node:test";
import { dropView, mapPrivate, munmap, pageBytes, pipe2, sendmsg, viewMemory } from "./libc.ts";
import {
  SEAT_MESSAGE_BYTES_MAX,
  SEAT_QUEUE_MESSAGES_MAX,
  SeatBrokenError,
  SeatFullError,
  SeatSocket,
} from "./seatSocket.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: Uint8Array): string => new TextDecoder().decode(message);
const descriptors = (): number => readdirSync("/proc/self/fd").length;

function closed(seat: SeatSocket): Promise<SeatBrokenError | undefined> {
  return new Promise((resolve) => {
    seat.onClose = resolve;
  });
}

function pair(): [SeatSocket, SeatSocket] {
  const [left, right] = SeatSocket.pair();
  return [new SeatSocket(left), new SeatSocket(right)];
}

/** What `send` refuses: a message with five descriptors. */
function sendTooMany(fd: number): void {
  const address = mapPrivate(pageBytes());
  const memory = viewMemory(address, pageBytes());
  const [iovec, control, message] = [64, 96, 256].map((offset) => address + BigInt(offset));
  const longs = new BigUint64Array(memory);
  // struct msghdr: iovec, how many, control, its bytes; then the iovec itself.
  longs.set([iovec!, 1n, control!, 36n], 2);
  longs.set([message!, 4n], 64 / 8);
  // struct cmsghdr: bytes, SOL_SOCKET, SCM_RIGHTS; then the descriptors.
  longs[96 / 8] = 36n;
  new Int32Array(memory).set([1, 1, 0, 1, 2, 0, 1], 104 / 4);
  assert.equal(sendmsg(fd, address, 0), 4);
  dropView(memory);
  munmap(address, pageBytes());
}

test("messages stay whole, up to the largest, and descriptors arrive as descriptors of the same thing", async () => {
  const [left, right] = pair();
  // Opened before the count: the first message maps the scratch memory.
  left.send(bytes("warm"));
  const before = descriptors();
  const pipe = pipe2();
  const got: { message: Uint8Array; received: number[] }[] = [];
  const all = new Promise<void>((resolve) => {
    right.onMessage = (message, received) => {
      got.push({ message, received });
      if (got.length === 4) resolve();
    };
  });
  const large = new Uint8Array(SEAT_MESSAGE_BYTES_MAX).map((_, i) => i * 7);
  left.send(large);
  left.send(bytes("one"), [pipe.write]);
  left.send(bytes("four"), [pipe.read, pipe.write, pipe.read, pipe.write]);
  await all;
  assert.deepEqual(
    got.map(({ message }) => message.length),
    [4, 4096, 3, 4],
  );
  assert.deepEqual(got[1]!.message, large);
  assert.deepEqual(
    got.map(({ received }) => received.length),
    [0, 0, 1, 4],
  );
  for (const fd of got[3]!.received) {
    const flags = /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!;
    assert.equal(Number.parseInt(flags, 8) & 0o2000000, 0o2000000, "not inherited");
  }
  writeSync(got[2]!.received[0]!, "through");
  const through = Buffer.alloc(16);
  assert.equal(text(through.subarray(0, readSync(pipe.read, through))), "through");

  for (const fd of [pipe.read, pipe.write, ...got.flatMap(({ received }) => received)]) closeSync(fd);
  assert.equal(descriptors(), before);
  left.close();
  right.close();
  left.close();
});

test("what an unread peer does not take waits in order, with descriptors that the sender may close", async () => {
  const before = descriptors();
  const [left, right] = pair();
  const file = openSync("/dev/null", "r");
  const inode = fstatSync(file).ino;
  for (let i = 0; i < 5000; i += 1) left.send(bytes(`message ${i}`), i % 1000 === 999 ? [file] : []);
  closeSync(file);
  assert.ok(left.queuedMessages > 1000);
  let next = 0;
  let carried = 0;
  await new Promise<void>((resolve) => {
    right.onMessage = (message, received) => {
      assert.equal(text(message), `message ${next}`);
      next += 1;
      for (const fd of received) {
        assert.equal(fstatSync(fd).ino, inode);
        carried += 1;
        closeSync(fd);
      }
      if (next === 5000) resolve();
    };
  });
  assert.equal(carried, 5);
  assert.equal(left.queuedMessages, 0);
  left.close();
  right.close();
  assert.equal(descriptors(), before);
});

test("a queue has an end, and what waited is given up with the socket", () => {
  const before = descriptors();
  const [left, right] = pair();
  const file = openSync("/dev/null", "r");
  assert.throws(() => {
    for (;;) left.send(bytes("unread"), left.queuedMessages % 512 === 1 ? [file] : []);
  }, SeatFullError);
  assert.equal(left.queuedMessages, SEAT_QUEUE_MESSAGES_MAX);
  closeSync(file);
  left.close();
  right.close();
  assert.equal(descriptors(), before);
});

test("a closed peer is told once, after its last message, and sends to it are dropped", async () => {
  const before = descriptors();
  const [left, right] = pair();
  const got: string[] = [];
  left.onMessage = (message) => {
    got.push(text(message));
  };
  let closes = 0;
  const end = new Promise<void>((resolve) => {
    left.onClose = () => {
      closes += 1;
      resolve();
    };
  });
  // Unread when it closes: the kernel tells the sender by an error, which must not hide the last words.
  left.send(bytes("never read"));
  for (let i = 0; i < 100; i += 1) right.send(bytes(`last words ${i}`));
  right.close();
  left.send(bytes("to nobody"));
  await end;
  assert.equal(got.length, 100);
  assert.equal(got[99], "last words 99");
  assert.equal(closes, 1);
  assert.equal(descriptors(), before);
});

test("a callback may close the socket in the middle of a turn", async () => {
  const [left, right] = pair();
  let count = 0;
  left.onMessage = () => {
    count += 1;
    left.close();
  };
  for (let i = 0; i < 10; i += 1) right.send(bytes("again"));
  const end = closed(right);
  assert.equal(await end, undefined);
  assert.equal(count, 1);
});

test("descriptors beyond the limit are closed, and end the connection with an error", async () => {
  const before = descriptors();
  const [left, right] = SeatSocket.pair();
  const seat = new SeatSocket(left);
  const end = closed(seat);
  seat.onMessage = () => assert.fail("a message without all of its descriptors");
  sendTooMany(right);
  assert.ok((await end) instanceof SeatBrokenError);
  closeSync(right);
  assert.equal(descriptors(), before);
});

test("between two processes: descriptors there and back, and the peer's death", async () => {
  const before = descriptors();
  const [ours, theirs] = SeatSocket.pair();
  const source = `
    import { writeSync, closeSync } from "node:fs";
    import { SeatSocket } from ${JSON.stringify(new URL("./seatSocket.ts", import.meta.url))};
    const seat = new SeatSocket(3);
    seat.onMessage = (message, descriptors) => {
      writeSync(descriptors[0], "written by the child: " + new TextDecoder().decode(message));
      seat.send(new TextEncoder().encode("back"), descriptors);
      descriptors.forEach((fd) => closeSync(fd));
    };
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "ignore", "inherit", theirs],
  });
  closeSync(theirs);
  const seat = new SeatSocket(ours);
  const end = closed(seat);
  const pipe = pipe2();
  const answer = new Promise<number[]>((resolve) => {
    seat.onMessage = (message, received) => {
      assert.equal(text(message), "back");
      resolve(received);
    };
  });
  seat.send(bytes("hello"), [pipe.write]);
  const [returned] = await answer;
  writeSync(returned!, "!");
  const buffer = Buffer.alloc(64);
  assert.equal(text(buffer.subarray(0, readSync(pipe.read, buffer))), "written by the child: hello!");

  child.kill("SIGKILL");
  assert.equal(await end, undefined);
  await once(child, "exit");
  for (const fd of [pipe.read, pipe.write, returned!]) closeSync(fd);
  assert.equal(descriptors(), before);
});

test("a process is kept alive by a socket, but not by one that is unref'ed", async () => {
  const [ours, theirs] = SeatSocket.pair();
  const source = `
    import { SeatSocket } from ${JSON.stringify(new URL("./seatSocket.ts", import.meta.url))};
    new SeatSocket(3).unref();
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "ignore", "inherit", theirs],
  });
  closeSync(theirs);
  assert.deepEqual(await once(child, "exit"), [0, null]);
  closeSync(ours);
});

test("what only a bug can send is refused", () => {
  const [left, right] = pair();
  assert.throws(() => left.send(new Uint8Array(0)), /0 bytes/);
  assert.throws(() => left.send(new Uint8Array(SEAT_MESSAGE_BYTES_MAX + 1)), /4097 bytes/);
  assert.throws(() => left.send(bytes("x"), [0, 0, 0, 0, 0]), /5 descriptors/);
  assert.throws(() => left.send(bytes("x"), [-1]), { code: "EBADF" });
  left.close();
  assert.throws(() => left.send(bytes("x")), /closed seat socket/);
  right.close();
});
