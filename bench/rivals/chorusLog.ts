/*
 * This log: `node chorusLog.ts ASSIGNMENT`, and `node chorusLog.ts member POST` for its members.
 *
 * A record is read where it lies: nothing is copied between the producer's ring and the check.
 */
import { fileURLToPath } from "node:url";
import { type LogRecord, attachLog, createLog } from "../../src/node/log.ts";
import { assignment, conduct, posts, processHand } from "./crew.ts";
import { Consumer, type Post, runProducer, standardPort } from "./task.ts";

const MESSAGE = 1;
const RING_BYTES = 8 * 1024 * 1024;
/** As many as a busy process would have in one turn; the others need not wait until a ring is full. */
const RECORDS_PER_PUBLICATION = 1024;
const ORDER_ENTRIES = 65_536;

async function runMember(post: Post): Promise<void> {
  const log = attachLog();
  const port = standardPort();
  if (post.role === "producer") {
    let unpublished = 0;
    runProducer(post, port, {
      send(bytes) {
        if (log.append(MESSAGE, bytes) < 0) {
          return log.room().then(() => {
            if (log.append(MESSAGE, bytes) < 0) throw new Error("refused, with room");
          });
        }
        unpublished += 1;
        if (unpublished === RECORDS_PER_PUBLICATION) {
          log.publish();
          unpublished = 0;
        }
        return undefined;
      },
      flush: () => {
        log.publish();
        return undefined;
      },
    });
    return;
  }
  const consumer = new Consumer(port);
  let words: Uint32Array = new Uint32Array(0);
  let times: Float64Array = new Float64Array(0);
  await log.read((record: LogRecord) => {
    if (words.length === 0) {
      words = new Uint32Array(record.bytes.buffer);
      times = new Float64Array(record.bytes.buffer);
    }
    const at = record.start >>> 2;
    consumer.check(words[at]!, words[at + 1]!, times[(record.start + 8) >>> 3]!);
  });
  consumer.ready();
}

const self = fileURLToPath(import.meta.url);
if (process.argv[2] === "member") await runMember(JSON.parse(process.argv[3]!) as Post);
else {
  const task = assignment();
  using log = createLog({
    members: task.producers + task.consumers,
    ringBytes: RING_BYTES,
    orderEntries: ORDER_ENTRIES,
  });
  const hands = posts(task).map((post) => {
    const { child } = log.spawn([self, "member", JSON.stringify(post)], { stdin: "pipe", stdout: "pipe" });
    return processHand(post.role, child);
  });
  await conduct(hands, task.rounds);
}
