/*
 * The keeper under stress: node keeperMember.ts FILE, started by a LogHost. It stores each record as a line of FILE,
 * and consumes what it has stored.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { LogRecord } from "../../src/log/index.ts";
import { attachMember } from "../../src/node/logMember.ts";
import { StressReader, describeRecord } from "./logStress.ts";

const RECORDS_PER_TRANSACTION = 40;

const file = openSync(process.argv[2]!, "a");
let lines: string[] = [];
let reader: StressReader | undefined;

const { loop, member, close } = attachMember(
  (member) => {
    // What was read in the turn before: it is intact until it is consumed.
    if (lines.length > 0) {
      writeSync(file, lines.join(""));
      lines = [];
      member.consume(member.sequence!);
    }
    reader ??= new StressReader(member.payloadBytesMax, () => undefined);
    member.poll((record: LogRecord) => {
      reader!.read(record);
      lines.push(`${describeRecord(record)}\n`);
    }, RECORDS_PER_TRANSACTION);
    if (lines.length > 0) loop.soon();
  },
  () => {
    // What it had not stored is for the recovery.
    close();
    closeSync(file);
  },
  { consuming: "explicit" },
);
member.attach();
loop.soon();
