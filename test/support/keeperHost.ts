/*
 * The owner of a log with a keeper: node keeperHost.ts SEGMENT FILE FIRST-SEQUENCE DELIVER-AFTER-KEEPER. Writers write
 * and readers read until it is killed; a keeper that dies is replaced. Tells on stdout, a line each, what it started.
 */
import { fileURLToPath } from "node:url";
import { pageBytes } from "../../src/node/libc.ts";
import { LogHost } from "../../src/node/logHost.ts";

const MEMBER = fileURLToPath(new URL("logStressMember.ts", import.meta.url));
const KEEPER = fileURLToPath(new URL("keeperMember.ts", import.meta.url));
const ROLES = ["both", "writer", "both"] as const;

const [path, file, firstSequence, deliverAfterKeeper] = process.argv.slice(2);

const host = new LogHost({
  path: path!,
  geometry: { processes: ROLES.length + 3, ringBytes: 4096, orderEntries: 64, pageBytes: pageBytes() },
  firstSequence: Number(firstSequence),
  startPosition: 2 ** 32 - 2 ** 14,
  firstTimeMs: Date.now(),
  keeper: true,
  deliverAfterKeeper: deliverAfterKeeper === "true",
  probeMs: 1000,
  onGone(process) {
    if (process === keeper) keeper = startKeeper();
  },
});

function startKeeper(): number {
  const { process: slot, child } = host.spawn([KEEPER, file!], {}, [], { keeper: true });
  process.stdout.write(`keeper ${child.pid}\n`);
  return slot;
}

let keeper = startKeeper();
for (const [index, role] of ROLES.entries()) {
  const { child } = host.spawn([MEMBER, String(index + 1), String(index), role], { stdout: "pipe" });
  child.stdout!.pipe(process.stdout, { end: false });
  process.stdout.write(`member ${child.pid}\n`);
}
