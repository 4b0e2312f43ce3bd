import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { ftruncateSync, openSync, readdirSync, writeSync } from "node:fs";
import { test } from "node:test";
import { seededRandom } from "../base/index.ts";
import { INPUT_BYTES, INPUT_RESERVE_BYTES, InputArea, InputAreaError } from "./inputArea.ts";
import { dupCloexec, memfdCreate, pageBytes } from "./libc.ts";

const descriptors = (): number => readdirSync("/proc/self/fd").length;

for (const firstPosition of [0, 2 ** 31 - 10_000, 2 ** 32 - 10_000]) {
  test(`random reads and parses match a model, from position ${firstPosition}`, () => {
    const before = descriptors();
    const random = seededRandom(firstPosition + 1);
    const area = InputArea.create(firstPosition);
    let pending: number[] = [];
    let total = firstPosition;
    let next = 0;
    for (let step = 0; step < 3000; step += 1) {
      if (!area.isFull) {
        const space = area.space();
        assert.ok(space.length >= 1);
        const count = random.between(1, random.between(1, space.length));
        for (let i = 0; i < count; i += 1) {
          space[i] = next;
          pending.push(next);
          next = (next + 1) & 0xff;
        }
        area.received(count);
        total += count;
      }
      assert.deepEqual(area.pending(), Uint8Array.from(pending));
      const consumed = random.between(0, pending.length);
      area.consume(consumed);
      pending = pending.slice(consumed);
      assert.equal(area.receivedPosition, total % 2 ** 32);
      assert.equal(area.consumedPosition, (total - pending.length) % 2 ** 32);
    }
    assert.ok(total - firstPosition > 20 * INPUT_BYTES);
    area.close();
    assert.equal(descriptors(), before);
  });
}

test("reading stops at the reserve, and the buffer that is handed over then is the reserve", () => {
  const area = InputArea.create();
  assert.equal(area.space().length, INPUT_BYTES - INPUT_RESERVE_BYTES);
  area.received(area.space().length);
  assert.ok(area.isFull);
  assert.ok(!area.hasRoom);
  assert.equal(area.space().length, INPUT_RESERVE_BYTES);
  area.consume(INPUT_BYTES / 2 - INPUT_RESERVE_BYTES - 1);
  assert.ok(!area.isFull);
  assert.ok(!area.hasRoom);
  area.consume(1);
  assert.ok(area.hasRoom);
  assert.throws(() => area.consume(INPUT_BYTES), /consumed/);
  assert.throws(() => area.received(INPUT_BYTES), /received/);
  area.close();
});

test("flags are kept apart and reach the successor with the bytes", () => {
  const area = InputArea.create();
  area.discarding = true;
  area.endOfInput = true;
  area.discarding = false;
  area.space().set([1, 2, 3]);
  area.received(3);
  area.consume(1);
  const successor = InputArea.adopt(dupCloexec(area.fd));
  area.close();
  assert.equal(successor.discarding, false);
  assert.equal(successor.endOfInput, true);
  assert.deepEqual(successor.pending(), Uint8Array.of(2, 3));
  successor.close();
});

test("a closed area is an assertion, and its old views are empty", () => {
  const area = InputArea.create();
  const space = area.space();
  area.close();
  area.close();
  assert.equal(space.length, 0);
  assert.equal(space[0], undefined);
  assert.throws(() => area.space(), /after its close/);
  assert.throws(() => area.received(1), /after its close/);
  assert.throws(() => area.discarding, /after its close/);
});

test("what is no input area is refused, and closed", () => {
  const before = descriptors();
  const other = (length: number): number => memfdCreate("test", length);
  const whole = pageBytes() + INPUT_BYTES;
  assert.throws(() => InputArea.adopt(openSync("/dev/null", "r")), InputAreaError);
  assert.throws(() => InputArea.adopt(other(pageBytes())), /input area of \d+ bytes/);
  assert.throws(() => InputArea.adopt(other(whole)), /it starts with 0x0/);
  for (const [word, reason] of [
    [1, /of version 99/],
    [2, /for 99 bytes/],
    [4, /says it holds/],
  ] as const) {
    const area = InputArea.create();
    const copy = dupCloexec(area.fd);
    writeSync(copy, Int32Array.of(99), 0, 4, word * 4);
    assert.throws(() => ftruncateSync(copy, 0), { code: "EPERM" });
    assert.throws(() => InputArea.adopt(copy), reason);
    area.close();
  }
  assert.equal(descriptors(), before);
});

test("bytes that a killed process had read but not counted are still in place", async () => {
  const area = InputArea.create(2 ** 32 - 5);
  const source = `
    import { readSync } from "node:fs";
    import { InputArea } from ${JSON.stringify(new URL("./inputArea.ts", import.meta.url))};
    const area = InputArea.adopt(3);
    area.received(readSync(0, area.space(), 0, 6));
    area.consume(4);
    readSync(0, area.space(), 0, 9);
    process.kill(process.pid, "SIGKILL");
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["pipe", "ignore", "inherit", area.fd],
  });
  child.stdin!.on("error", () => {});
  child.stdin!.write("nick awhat I said");
  assert.deepEqual(await once(child, "exit"), [null, "SIGKILL"]);
  child.stdin!.destroy();

  const successor = InputArea.adopt(dupCloexec(area.fd));
  assert.equal(Buffer.from(successor.pending()).toString(), " a");
  assert.equal(successor.receivedPosition, 1);
  // The kernel says that 15 bytes were received in all, so 9 are there that nobody counted.
  successor.received(9);
  assert.equal(Buffer.from(successor.pending()).toString(), " awhat I sa");
  successor.close();
  area.close();
});
