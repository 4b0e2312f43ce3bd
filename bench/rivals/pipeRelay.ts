/*
 * The honest rival: a parent that copies length-framed messages from its producers to its consumers over pipes, in
 * batches of 64 KiB. It makes one order, like the sequencer, and slows producers down when a consumer does not read.
 *
 *   node pipeRelay.ts ASSIGNMENT, and node pipeRelay.ts member POST for its members
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { assignment, conduct, posts, processHand } from "./crew.ts";
import { Consumer, MESSAGE_BYTES, MessageStream, type Post, runProducer, standardPort } from "./task.ts";

/** Beside standard input and output, which carry orders and news. */
const DATA_DESCRIPTOR = 3;
const LENGTH_BYTES = 4;
const FRAME_BYTES = LENGTH_BYTES + MESSAGE_BYTES;
const BATCH_BYTES = 64 * 1024;
/** So much may wait for a consumer before its producers wait, too. */
const QUEUE_BYTES_MAX = 1024 * 1024;

function runMember(post: Post): void {
  const socket = new Socket({ fd: DATA_DESCRIPTOR });
  const port = standardPort();
  if (post.role === "consumer") {
    const consumer = new Consumer(port);
    const stream = new MessageStream(consumer, LENGTH_BYTES);
    socket.on("data", (chunk: Buffer) => stream.push(chunk));
    consumer.ready();
    return;
  }
  let batch = Buffer.allocUnsafe(BATCH_BYTES);
  let length = 0;
  const flush = (): Promise<void> | undefined => {
    if (length === 0) return undefined;
    const isTaken = socket.write(batch.subarray(0, length));
    batch = Buffer.allocUnsafe(BATCH_BYTES);
    length = 0;
    return isTaken ? undefined : once(socket, "drain").then(() => undefined);
  };
  runProducer(post, port, {
    send(bytes) {
      batch.writeUInt32LE(bytes.length, length);
      batch.set(bytes, length + LENGTH_BYTES);
      length += FRAME_BYTES;
      return length + FRAME_BYTES > BATCH_BYTES ? flush() : undefined;
    },
    flush,
  });
}

/** Passes on whole frames only: what another producer sends may not come between. */
function relay(producers: readonly Socket[], consumers: readonly Socket[]): void {
  const pauseIfFull = (): void => {
    if (consumers.some((socket) => socket.writableLength > QUEUE_BYTES_MAX))
      for (const producer of producers) producer.pause();
  };
  const resumeIfEmpty = (): void => {
    if (consumers.every((socket) => socket.writableLength <= QUEUE_BYTES_MAX / 2))
      for (const producer of producers) producer.resume();
  };
  for (const consumer of consumers) consumer.on("drain", resumeIfEmpty);
  for (const producer of producers) {
    let rest: Buffer = Buffer.alloc(0);
    producer.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % FRAME_BYTES);
      rest = bytes.subarray(whole);
      if (whole === 0) return;
      for (const consumer of consumers) consumer.write(bytes.subarray(0, whole));
      pauseIfFull();
    });
  }
}

async function runParent(): Promise<void> {
  const task = assignment();
  const members = posts(task).map((post) => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), "member", JSON.stringify(post)], {
      stdio: ["pipe", "pipe", "inherit", "pipe"],
    });
    return { hand: processHand(post.role, child), socket: child.stdio[DATA_DESCRIPTOR] as Socket };
  });
  const sockets = (role: Post["role"]): Socket[] =>
    members.filter(({ hand }) => hand.role === role).map(({ socket }) => socket);
  relay(sockets("producer"), sockets("consumer"));
  await conduct(
    members.map(({ hand }) => hand),
    task.rounds,
  );
}

if (process.argv[2] === "member") runMember(JSON.parse(process.argv[3]!) as Post);
else await runParent();
