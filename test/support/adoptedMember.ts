/*
 * A member of a log whose hosts die: node adoptedMember.ts ROLE, started by adoptingHost.ts. It writes and reads all
 * the time, host or no host, until it is told to stop.
 */
import { writeSync } from "node:fs";
import { seededRandom } from "../../src/base/index.ts";
import type { LogRecord } from "../../src/log/index.ts";
import { FIRST_EXTRA_DESCRIPTOR, attachMember } from "../../src/node/logMember.ts";
import { SeatSocket } from "../../src/node/seatSocket.ts";
import {
  type AdoptionRole,
  type FromMember,
  type MemberReport,
  type ToMember,
  decode,
  encode,
} from "./adoption.ts";
import { END_KIND, StressReader, fillPayload, kindOf, payloadBytes } from "./logStress.ts";

const STDOUT = 1;
const REPORT_RECORDS = 100;
const BURST_RECORDS_MAX = 30;
const PAUSE_MS_MAX = 4;
const ORPHAN_MS = 10_000;

const role = process.argv[2] as AdoptionRole;

function report(value: MemberReport): void {
  // At once: who is killed has said it before.
  writeSync(STDOUT, `${JSON.stringify(value)}\n`);
}

process.on("uncaughtException", (error) => {
  report({ is: "failed", reason: `process ${process.pid}: ${error.stack}` });
  process.exit(1);
});

const seat = new SeatSocket(FIRST_EXTRA_DESCRIPTOR);
const kinds = new Map<number, number>();
let reader: StressReader | undefined;
let appended = 0;
let reported = 0;
let isStopping = false;
let isPausing = false;
let silences = 0;
let orphaned: NodeJS.Timeout | undefined;

const { member, loop, rebell } = attachMember(step, () => {
  silences += 1;
  report({ is: "orphaned", pid: process.pid, times: silences });
  orphaned = setTimeout(() => process.exit(0), ORPHAN_MS);
});
const { generation } = member;
const writer = 1000 * generation + member.process;
const random = seededRandom(writer);

seat.onMessage = (bytes, descriptors) => {
  const message = decode(bytes) as ToMember;
  if (message.is === "who") {
    const answer: FromMember = { process: member.process, generation, pid: process.pid, role };
    seat.send(encode(answer));
  } else if (message.is === "bells") {
    clearTimeout(orphaned);
    const [bell, sequencerBell] = descriptors;
    rebell({ bell: bell!, sequencerBell: sequencerBell! });
  } else {
    isStopping = true;
    loop.soon();
  }
};
seat.onClose = () => process.exit(0);

function step(): void {
  // What was appended in the turn before is published.
  if (appended - reported >= REPORT_RECORDS) {
    reported = appended;
    report({ is: "published", writer, count: appended });
  }
  if (isStopping && reported >= 0 && !member.isBlocked) {
    report({ is: "written", pid: process.pid, writer, count: appended });
    reported = Number.NEGATIVE_INFINITY;
  }
  reader ??= new StressReader(member.payloadBytesMax, (block, hash) => report({ is: "block", block, hash }));
  member.poll(read, random.between(1, 100));
  if (isStopping) {
    if (reported >= 0) loop.soon();
    return;
  }
  for (let left = random.between(0, BURST_RECORDS_MAX); left > 0 && !member.isBlocked; left -= 1) {
    const kind = kindOf(appended);
    const payload = new Uint8Array(payloadBytes(writer, kind, member.payloadBytesMax));
    fillPayload(payload, writer, kind);
    if (member.append(kind, writer, payload) < 0) break;
    appended += 1;
  }
  if (isPausing || member.isBlocked) return;
  if (random.between(1, 3) > 1) return loop.soon();
  isPausing = true;
  setTimeout(
    () => {
      isPausing = false;
      loop.soon();
    },
    random.between(0, PAUSE_MS_MAX),
  );
}

function read(record: LogRecord): void {
  reader!.read(record);
  if (record.kind !== END_KIND) {
    kinds.set(record.room, record.kind);
    return;
  }
  report({ is: "end", pid: process.pid, sequence: record.sequence, kinds: [...kinds] });
  // Not in the middle of a turn.
  setImmediate(() => process.exit(0));
}

if (role === "standby") member.follow("delivered");
member.attach();
loop.soon();
report({ is: "ready", pid: process.pid, writer, role });
