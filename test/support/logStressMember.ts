/* A member of the log under stress: node logStressMember.ts WRITER SEED writer|reader|both, started by a LogHost. */
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../../src/base/index.ts";
import { BACK_PRESSURED, type LogRecord, attachLog } from "../../src/node/log.ts";
import { END_KIND, StressReader, type StressReport, fillPayload, kindOf, payloadBytes } from "./logStress.ts";

const REPORT_RECORDS = 200;
const BURST_RECORDS_MAX = 300;
const PAUSE_MS_MAX = 6;
/** One in so many records is held for a while. */
const HELD_RECORDS = 3000;

const [writerText, seedText, role] = process.argv.slice(2);
const writer = Number(writerText);
const random = seededRandom(Number(seedText));
const log = attachLog();
const stop = new AbortController();

/** Written at once: a pipe blocks, and who is killed has said it before. */
function report(value: StressReport): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Keeps this process from doing anything else, as a handler that takes its time does. */
function hold(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function leave(): void {
  setImmediate(() => log[Symbol.dispose]());
}

function reading(): (record: LogRecord) => void {
  const reader = new StressReader(log.payloadBytesMax, (block, hash) => report({ is: "block", block, hash }));
  return (record) => {
    reader.read(record);
    if (random.between(1, HELD_RECORDS) === 1) {
      hold(random.between(1, PAUSE_MS_MAX));
      reader.checkPayload(record);
    }
    if (record.kind !== END_KIND) return;
    report({ is: "end", sequence: record.sequence, hash: reader.hash });
    leave();
  };
}

async function write(): Promise<void> {
  const payload = new Uint8Array(log.payloadBytesMax);
  let count = 0;
  let reported = 0;
  while (!stop.signal.aborted) {
    for (let left = random.between(1, BURST_RECORDS_MAX); left > 0 && !stop.signal.aborted; left -= 1) {
      const kind = kindOf(count);
      const bytes = payload.subarray(0, payloadBytes(writer, kind, payload.length));
      fillPayload(bytes, writer, kind);
      let result = log.append(kind, bytes, writer);
      while (result === BACK_PRESSURED) {
        await log.room();
        result = log.append(kind, bytes, writer);
      }
      if (result < 0) throw new Error(`append answers ${result}`);
      count += 1;
      if (count - reported < REPORT_RECORDS) continue;
      log.publish();
      report({ is: "published", count });
      reported = count;
    }
    if (random.between(1, 4) > 1) {
      await turn();
      continue;
    }
    // Cut short where it is to stop.
    await delay(random.between(0, PAUSE_MS_MAX), undefined, { signal: stop.signal }).catch(() => undefined);
  }
  log.publish();
  report({ is: "written", count });
}

process.on("SIGTERM", () => stop.abort());
if (role !== "writer") await log.read(reading());
report({ is: "ready" });
if (role !== "reader") {
  await write();
  if (role === "writer") leave();
}
