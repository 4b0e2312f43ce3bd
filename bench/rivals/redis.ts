/*
 * Redis: PUBLISH to one channel, SUBSCRIBE at each consumer, over a unix socket. Producers pipeline: up to 1,024
 * messages wait for their answer. It makes one order.
 *
 *   node redis.ts ASSIGNMENT, and node redis.ts member POST for its members
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuOfUs } from "../support/processes.ts";
import { assignment, conduct, posts, processHand } from "./crew.ts";
import { Consumer, MESSAGE_BYTES, MessageStream, type Post, runProducer, standardPort } from "./task.ts";

const CHANNEL = "bench";
const UNANSWERED_MAX = 1024;
/** Messages that go out in one write at most. */
const PIPELINE_MAX = 64;
const PUBLISH = Buffer.from(
  `*3\r\n$7\r\nPUBLISH\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${MESSAGE_BYTES}\r\n`,
);
const PUSH = Buffer.from(`*3\r\n$7\r\nmessage\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n$${MESSAGE_BYTES}\r\n`);
const SUBSCRIBED = `*3\r\n$9\r\nsubscribe\r\n$${CHANNEL.length}\r\n${CHANNEL}\r\n:1\r\n`;
const LINE_END = Buffer.from("\r\n");
/** Ends each answer to a PUBLISH: ":4" and a line end, which says how many have received it. */
const NEWLINE = 0x0a;

async function runMember(post: Post): Promise<void> {
  const port = standardPort();
  const socket = connect(post.path!);
  await once(socket, "connect");
  if (post.role === "consumer") {
    const consumer = new Consumer(port);
    // A push is its header, the message, and a line end: the line end counts as part of the next header.
    const stream = new MessageStream(consumer, PUSH.length + LINE_END.length);
    socket.write(`SUBSCRIBE ${CHANNEL}\r\n`);
    let greeting = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      if (greeting.length >= SUBSCRIBED.length) return stream.push(chunk);
      greeting = Buffer.concat([greeting, chunk]);
      if (greeting.length < SUBSCRIBED.length) return;
      stream.push(Buffer.concat([LINE_END, greeting.subarray(SUBSCRIBED.length)]));
      consumer.ready();
    });
    return;
  }
  let unanswered = 0;
  let resume: (() => void) | undefined;
  socket.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === NEWLINE) unanswered -= 1;
    if (unanswered <= UNANSWERED_MAX / 2) resume?.();
  });
  let pipeline: Buffer[] = [];
  const flush = (): undefined => {
    if (pipeline.length > 0) socket.write(Buffer.concat(pipeline));
    pipeline = [];
  };
  runProducer(post, port, {
    send(bytes) {
      pipeline.push(PUBLISH, Buffer.from(bytes), LINE_END);
      unanswered += 1;
      if (pipeline.length >= 3 * PIPELINE_MAX) flush();
      if (unanswered < UNANSWERED_MAX) return undefined;
      flush();
      return new Promise((resolve) => (resume = resolve));
    },
    flush,
  });
}

async function runParent(): Promise<void> {
  const task = assignment();
  const folder = mkdtempSync(join(tmpdir(), "chorus-bench-redis-"));
  const path = join(folder, "socket");
  const settings = ["--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder];
  // A consumer that is behind is cut off by default; here it has to be waited for.
  const limits = ["--client-output-buffer-limit", "pubsub 0 0 0"];
  const server = spawn("redis-server", [...settings, ...limits], { stdio: "ignore" });
  const exit = once(server, "exit");
  try {
    while (!existsSync(path))
      await Promise.race([sleep(10), exit.then(() => Promise.reject(new Error("redis-server ended")))]);
    const hands = posts(task, { path }).map((post) =>
      processHand(
        post.role,
        spawn(process.execPath, [fileURLToPath(import.meta.url), "member", JSON.stringify(post)], {
          stdio: ["pipe", "pipe", "inherit"],
        }),
      ),
    );
    await conduct(hands, task.rounds, () => cpuOfUs([server.pid!]));
  } finally {
    server.kill();
    await exit;
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[2] === "member") await runMember(JSON.parse(process.argv[3]!) as Post);
else await runParent();
