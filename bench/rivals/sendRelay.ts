/*
 * What Node offers for talking between processes: `process.send`, relayed by the parent to each consumer, a message at
 * a time, in the serialization that takes bytes.
 *
 *   node sendRelay.ts ASSIGNMENT, and node sendRelay.ts member POST for its members
 */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { assignment, conduct, posts, processHand } from "./crew.ts";
import { Consumer, type Post, checkBytes, runProducer, standardPort } from "./task.ts";

/** Messages of one producer that may be on their way: without a limit they pile up in the parent. */
const UNDERWAY_MAX = 256;

function runMember(post: Post): void {
  const port = standardPort();
  if (post.role === "consumer") {
    const consumer = new Consumer(port);
    process.on("message", (bytes: Uint8Array) => {
      checkBytes(consumer, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0);
    });
    consumer.ready();
    return;
  }
  let underway = 0;
  let resume: (() => void) | undefined;
  // The parent's answer: so many have been passed on.
  process.on("message", (count: number) => {
    underway -= count;
    if (underway <= UNDERWAY_MAX / 2) resume?.();
  });
  runProducer(post, port, {
    send(bytes) {
      process.send!(bytes);
      underway += 1;
      if (underway < UNDERWAY_MAX) return undefined;
      return new Promise((resolve) => (resume = resolve));
    },
    flush: () => undefined,
  });
}

function relay(from: ChildProcess, consumers: readonly ChildProcess[]): void {
  let passedOn = 0;
  from.on("message", (bytes: Uint8Array) => {
    let isLast = 0;
    for (const consumer of consumers) {
      consumer.send(bytes, () => {
        isLast += 1;
        if (isLast < consumers.length) return;
        passedOn += 1;
        if (passedOn < UNDERWAY_MAX / 4) return;
        from.send(passedOn);
        passedOn = 0;
      });
    }
  });
}

async function runParent(): Promise<void> {
  const task = assignment();
  const members = posts(task).map((post) => ({
    role: post.role,
    child: spawn(process.execPath, [fileURLToPath(import.meta.url), "member", JSON.stringify(post)], {
      stdio: ["pipe", "pipe", "inherit", "ipc"],
      serialization: "advanced",
    }),
  }));
  const consumers = members.filter(({ role }) => role === "consumer").map(({ child }) => child);
  for (const { role, child } of members) if (role === "producer") relay(child, consumers);
  await conduct(
    members.map(({ role, child }) => processHand(role, child)),
    task.rounds,
  );
}

if (process.argv[2] === "member") runMember(JSON.parse(process.argv[3]!) as Post);
else await runParent();
