/*
 * BroadcastChannel between threads of one process: a message at a time, cloned for each consumer. There is no order
 * among several producers, and no way to tell that a consumer is behind; producers wait for what consumers have
 * answered through shared memory, because otherwise the queues grow until memory is full.
 *
 *   node broadcastChannel.ts ASSIGNMENT
 */
import { BroadcastChannel, Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { type Hand, assignment, conduct, posts } from "./crew.ts";
import {
  Consumer,
  type News,
  type ParentPort,
  type Post,
  type Round,
  checkBytes,
  runProducer,
} from "./task.ts";

const CHANNEL = "bench";
/** Messages of all producers that may be on their way to the slowest consumer. */
const UNDERWAY_MAX = 4096;

interface Data {
  readonly post: Post;
  /** How many messages each consumer has received, and the producers together have sent. */
  readonly counters: Int32Array;
  readonly consumers: number;
}

function runMember({ post, counters, consumers }: Data): void {
  const port: ParentPort = {
    onOrder: (handler) => void parentPort!.on("message", (round: Round) => handler(round)),
    // What a thread takes for its own use is that of the whole process, which the parent reports.
    say: (news) =>
      parentPort!.postMessage("report" in news ? { report: { ...news.report, cpuUs: 0 } } : news),
  };
  const channel = new BroadcastChannel(CHANNEL);
  if (post.role === "consumer") {
    const consumer = new Consumer(port);
    channel.addEventListener("message", (event) => {
      const { data } = event as unknown as { data: Uint8Array };
      Atomics.add(counters, post.index, 1);
      Atomics.notify(counters, post.index);
      checkBytes(consumer, Buffer.from(data.buffer, data.byteOffset, data.length), 0);
    });
    consumer.ready();
    return;
  }
  runProducer(post, port, {
    send(bytes) {
      // Of its own memory: what lies in Node's pool of buffers is cloned with the whole pool.
      channel.postMessage(Uint8Array.from(bytes));
      const sent = Atomics.add(counters, consumers, 1) + 1;
      for (let index = 0; index < consumers; index += 1) {
        for (
          let received = Atomics.load(counters, index);
          sent - received > UNDERWAY_MAX;
          received = Atomics.load(counters, index)
        ) {
          Atomics.wait(counters, index, received);
        }
      }
      return undefined;
    },
    flush: () => undefined,
  });
}

async function runParent(): Promise<void> {
  const task = assignment();
  const counters = new Int32Array(new SharedArrayBuffer(4 * (task.consumers + 1)));
  const hands = posts(task).map((post): Hand => {
    const data: Data = { post, counters, consumers: task.consumers };
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: data });
    const hand: Hand = {
      role: post.role,
      order: (round) => worker.postMessage(round),
      onNews: () => undefined,
      end: async () => void (await worker.terminate()),
    };
    worker.on("message", (news: News) => hand.onNews(news));
    return hand;
  });
  await conduct(hands, task.rounds);
}

if (isMainThread) await runParent();
else runMember(workerData as Data);
