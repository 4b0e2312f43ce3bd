import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import type { Socket } from "node:net";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { bareConnection } from "../../test/support/bareConnection.ts";
import { ClientArea, outputBytesFor } from "../server/index.ts";
import { AreaMapping, INPUT_BYTES } from "./areaMapping.ts";
import { ClientSocket, PORTION_BYTES } from "./clientSocket.ts";
import { close, dupCloexec } from "./libc.ts";

const MEBIBYTE = 1024 * 1024;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const descriptors = (): number => readdirSync("/proc/self/fd").length;

interface Pair extends AsyncDisposable {
  readonly client: Socket;
  readonly socket: ClientSocket;
  readonly area: ClientArea;
  readonly mapping: AreaMapping;
  /** What the supervisor keeps. */
  readonly duplicate: number;
}

/** A real connection whose server side is a ClientSocket; everything is closed, and counted, at the end of the test. */
async function connected(): Promise<Pair> {
  const before = descriptors();
  const { client, fd: own } = await bareConnection();
  const duplicate = dupCloexec(own);
  const mapping = newMapping();
  const area = new ClientArea(mapping.memory);
  const socket = new ClientSocket(own, area);
  return {
    client,
    socket,
    area,
    mapping,
    duplicate,
    async [Symbol.asyncDispose]() {
      socket.destroy();
      mapping.close();
      close(duplicate);
      client.destroy();
      if (!client.closed) await once(client, "close");
      assert.equal(descriptors(), before, "descriptors leak");
    },
  };
}

/** Near the wrap of its positions. */
function newMapping(): AreaMapping {
  const base = { input: 2 ** 32 - 1000, output: 2 ** 32 - 100_000 };
  return AreaMapping.adopt(AreaMapping.create(outputBytesFor(16 * MEBIBYTE), base));
}

/** As at the end of a turn. */
function commitAndSend({ socket, area }: Pick<Pair, "socket" | "area">): void {
  if (area.isChanged) area.commit({ through: 0, appended: 0 });
  socket.send();
}

function send(pair: Pick<Pair, "socket" | "area">, ...parts: readonly Uint8Array[]): void {
  for (const part of parts) assert.ok(pair.socket.write(part));
  commitAndSend(pair);
}

function until(socket: ClientSocket, event: "onInput" | "onEnd"): Promise<void> {
  return new Promise((resolve) => {
    socket[event] = resolve;
  });
}

function lost(socket: ClientSocket): Promise<"error" | "closed"> {
  return new Promise((resolve) => {
    socket.onClose = resolve;
  });
}

async function readAll(client: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of client) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test("what the client sends is in the area, what is written reaches the client", async () => {
  await using pair = await connected();
  const { client, socket, area } = pair;
  client.write("hello");
  await until(socket, "onInput");
  assert.equal(Buffer.from(area.pending()).toString(), "hello");
  send(pair, bytes("wel"), bytes("come"));
  const [answer] = (await once(client, "data")) as [Buffer];
  assert.equal(answer.toString(), "welcome");
});

test("nothing goes out that is not committed, also not when what went before has been taken", async () => {
  await using pair = await connected();
  const { client, socket } = pair;
  socket.write(bytes("too early"));
  socket.send();
  let received = "";
  client.on("data", (chunk: Buffer) => (received += chunk.toString()));
  for (let i = 0; i < 20; i += 1) await turn();
  assert.equal(received, "");
  const large = new Uint8Array(8 * MEBIBYTE).fill(0x61);
  send(pair, large);
  assert.ok(socket.queuedBytes > 0);
  socket.write(bytes("later"));
  while (received.length < 9 + large.length) await once(client, "data");
  for (let i = 0; i < 20; i += 1) await turn();
  assert.equal(received.length, 9 + large.length);
  assert.equal(socket.queuedBytes, 5);
  commitAndSend(pair);
  assert.equal(socket.queuedBytes, 0);
  while (received.length < 14 + large.length) await once(client, "data");
  assert.equal(received, `too early${"a".repeat(large.length)}later`);
});

test("10 MB through an area that stops and goes: every byte in order", async () => {
  await using pair = await connected();
  const { client, socket, area } = pair;
  const sent = Buffer.alloc(
    10 * MEBIBYTE,
    Uint8Array.from({ length: 251 }, (_, i) => i),
  );
  let read = 0;
  let pauses = 0;
  const whole = new Promise<void>((resolve) => {
    socket.onInput = () => {
      if (!area.isFull) return;
      pauses += 1;
      // Elsewhere there is room again only later: as when the log's ring was full.
      setImmediate(() => {
        const pending = area.pending();
        const count = pauses % 3 === 0 ? pending.length : Math.ceil(pending.length / 2) + 512;
        assert.ok(sent.subarray(read, read + count).equals(pending.subarray(0, count)));
        area.take(count);
        assert.ok(!area.hasRoom, "what is not committed takes no room from what is");
        commitAndSend(pair);
        read += count;
        assert.ok(area.hasRoom);
        socket.resumeInput();
      });
    };
    socket.onEnd = resolve;
  });
  client.end(sent);
  await whole;
  const rest = area.pending();
  assert.ok(sent.subarray(read).equals(rest));
  assert.ok(pauses > 100);
  assert.ok(area.endOfInput);
});

test("a full area stops the client, and resuming without room changes nothing", async () => {
  await using pair = await connected();
  const { client, socket, area } = pair;
  client.write(Buffer.alloc(4 * INPUT_BYTES, 7));
  while (!area.isFull) await until(socket, "onInput");
  const full = area.pending().length;
  assert.ok(full >= INPUT_BYTES - 1024);
  socket.onInput = () => assert.fail("read without room");
  socket.resumeInput();
  for (let i = 0; i < 20; i += 1) await turn();
  assert.equal(area.pending().length, full);
  // Taken is not consumed: until it is committed, a successor has to find it.
  area.take(full);
  socket.resumeInput();
  for (let i = 0; i < 20; i += 1) await turn();
  assert.equal(area.pending().length, 0);
  commitAndSend(pair);
  const again = until(socket, "onInput");
  socket.resumeInput();
  await again;
  assert.ok(area.pending().length > 0);
});

test("a client that has half-closed still gets its answer", async () => {
  await using pair = await connected();
  const { client, socket, area } = pair;
  client.end("question");
  await until(socket, "onEnd");
  assert.ok(area.endOfInput);
  assert.equal(Buffer.from(area.pending()).toString(), "question");
  socket.resumeInput();
  send(pair, bytes("answer"));
  const finished = new Promise<void>((resolve) => socket.finish(resolve));
  assert.equal((await readAll(client)).toString(), "answer");
  await finished;
});

test("writes wait for a slow client; what it takes does not wait any more", async () => {
  await using pair = await connected();
  const { client, socket } = pair;
  client.pause();
  send(pair, bytes("taken at once"));
  assert.equal(socket.queuedBytes, 0);
  const large = randomBytes(16 * MEBIBYTE);
  send(pair, large.subarray(0, 10 * MEBIBYTE + 1));
  send(pair, large.subarray(10 * MEBIBYTE + 1));
  assert.ok(socket.queuedBytes > 0);
  let received = 0;
  const hash = createHash("sha256");
  let leastWaiting = socket.queuedBytes;
  client.on("data", (chunk: Buffer) => {
    received += chunk.length;
    hash.update(chunk);
    assert.ok(socket.queuedBytes <= leastWaiting, "what waits grows without a write");
    leastWaiting = socket.queuedBytes;
    // The rest is in the buffers of the kernel, or is being read.
    assert.ok(received + socket.queuedBytes <= 13 + large.length + PORTION_BYTES);
  });
  client.resume();
  while (received < 13 + large.length) await once(client, "data");
  assert.equal(socket.queuedBytes, 0);
  assert.equal(hash.digest("hex"), createHash("sha256").update("taken at once").update(large).digest("hex"));
});

test("finish sends all there is and ends the connection for every duplicate, whatever the client sends", async () => {
  await using pair = await connected();
  const { client, socket, area } = pair;
  client.on("error", () => {});
  client.write(Buffer.alloc(MEBIBYTE, 1));
  while (!area.isFull) await until(socket, "onInput");
  socket.onInput = () => assert.fail("nobody listens any more");
  socket.onClose = () => assert.fail("finish says it");
  send(pair, new Uint8Array(4 * MEBIBYTE).fill(5));
  const finished = new Promise<void>((resolve) => socket.finish(resolve));
  const got = await readAll(client);
  await finished;
  assert.equal(got.length, 4 * MEBIBYTE);
});

test("destroy leaves the connection to whoever holds a duplicate", async () => {
  await using pair = await connected();
  const { client, socket } = pair;
  client.on("end", () => assert.fail("the client noticed"));
  socket.onClose = () => assert.fail("it was our own wish");
  socket.destroy();
  client.write("to the successor");
  const area = new ClientArea(pair.mapping.memory);
  const successor = new ClientSocket(dupCloexec(pair.duplicate), area);
  await until(successor, "onInput");
  assert.equal(Buffer.from(area.pending()).toString(), "to the successor");
  send({ socket: successor, area }, bytes("here"));
  const [answer] = (await once(client, "data")) as [Buffer];
  assert.equal(answer.toString(), "here");
  client.removeAllListeners("end");
  successor.destroy();
});

test("shutdownNow ends the connection though a duplicate is open", async () => {
  await using pair = await connected();
  const { client, socket } = pair;
  client.resume();
  socket.shutdownNow();
  socket.shutdownNow();
  await once(client, "end");
});

test("the owner may destroy socket and area within onInput", async () => {
  await using pair = await connected();
  const { client, socket, mapping } = pair;
  client.write("quit");
  await new Promise<void>((resolve) => {
    socket.onInput = () => {
      socket.destroy();
      mapping.close();
      resolve();
    };
  });
  await turn();
});

test("a reset is told, never thrown, and ends a finish that waits", async () => {
  {
    await using pair = await connected();
    const end = lost(pair.socket);
    pair.client.resetAndDestroy();
    assert.equal(await end, "error");
  }
  await using pair = await connected();
  send(pair, new Uint8Array(16 * MEBIBYTE));
  const finished = new Promise<void>((resolve) => pair.socket.finish(resolve));
  pair.client.resetAndDestroy();
  await finished;
  pair.socket.shutdownNow();
});
