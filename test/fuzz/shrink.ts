/* Which of some connections does harm by itself, and the smallest part of what it sends that still does. */
import { setTimeout as sleep } from "node:timers/promises";
import { Attack, type AttackPlan } from "./attack.ts";
import { ServerWatch } from "./serverWatch.ts";

/** A process that dies has done so by then, and the log says so. */
const HARM_MS = 700;
const SHRINK_MS_MAX = 60_000;

export interface Culprit {
  readonly plan: AttackPlan;
  readonly bytes: Buffer;
}

export async function shrink(
  suspects: readonly AttackPlan[],
  flags: readonly string[],
): Promise<Culprit | undefined> {
  const endsMs = performance.now() + SHRINK_MS_MAX;
  for (const plan of suspects) {
    if (performance.now() > endsMs) return undefined;
    if (await doesHarm(plan.pieces, flags)) return { plan, bytes: await smallest(plan, flags, endsMs) };
  }
  return undefined;
}

/** Leaves out ever smaller parts, as long as it does harm without them. */
async function smallest(plan: AttackPlan, flags: readonly string[], endsMs: number): Promise<Buffer> {
  let parts = lines(Buffer.concat(plan.pieces));
  // In one piece it may be harmless: then the places where it was cut are what matters.
  if (!(await doesHarm(parts, flags))) return Buffer.concat(plan.pieces);
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < parts.length && performance.now() < endsMs;) {
      const rest = [...parts.slice(0, from), ...parts.slice(from + size)];
      if (rest.length > 0 && (await doesHarm(rest, flags))) parts = rest;
      else from += size;
    }
  }
  return Buffer.concat(parts);
}

async function doesHarm(pieces: readonly Buffer[], flags: readonly string[]): Promise<boolean> {
  await using watch = await ServerWatch.start(flags);
  try {
    using attack = await Attack.connect(watch.port, { index: 0, pieces, reads: true, ending: "stay" });
    for (const piece of pieces) {
      attack.send(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const untilMs = performance.now() + HARM_MS; performance.now() < untilMs; await sleep(20))
      watch.check();
    await watch.examine();
    return false;
  } catch {
    // It did: what exactly, has been told already.
    return true;
  }
}

function lines(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let start = 0;
  for (let lf = bytes.indexOf(0x0a); lf >= 0; lf = bytes.indexOf(0x0a, start)) {
    parts.push(bytes.subarray(start, lf + 1));
    start = lf + 1;
  }
  return start < bytes.length ? [...parts, bytes.subarray(start)] : parts;
}
