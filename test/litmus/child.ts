/*
 * One of the two processes of a litmus test: node child.ts SIDE TEST TRIALS [TIER], with the file as descriptor 3.
 *
 * Where TRIALS is 0 they go on until they see what is forbidden; where there is a TIER, until they are compiled by it.
 */
import koffi from "koffi";
import { ArrayWords, type Words } from "../../src/log/index.ts";
import { mapShared, viewMemory } from "../../src/node/libc.ts";
import { LITMUS_BYTES, PAYLOAD_WORDS, SLOTS, type Tally, type Tier, Word } from "./shared.ts";

type Side = 0 | 1;

/** One round of a litmus test. Each side takes its own part in it; side 0 tells what came of it. */
type Trial = (trial: number) => "allowed" | "overlapping" | "forbidden";

/** Where two processes share one processor, who waits must let the other one have it. */
const SPINS_BEFORE_YIELD = 100;
const STORES_PER_TRIAL = 16;
/** After so many trials side 0 says whether there are more. */
const TRIALS_PER_BLOCK = 1_000;
/** A machine that has other things to do may stop earlier, if the two have run at the same time by then. */
const TRIALS_MS = 500;
/** So long they try to run at the same time, and wait for each other. */
const PATIENCE_MS = 20_000;

const schedYield = koffi.load(null).func("int sched_yield()") as () => number;

const [side, name = "", trials, tier] = process.argv.slice(2);
const trialsMax = Number(trials);
const mine: Side = side === "0" ? 0 : 1;
const other: Side = mine === 0 ? 1 : 0;
const buffer = viewMemory(mapShared(3, LITMUS_BYTES, { writable: true }), LITMUS_BYTES);
const words: Words = new ArrayWords(buffer);
const bytes = Buffer.from(buffer);

/** Waits until a word that only grows has reached a value. The other side may be further by then. */
function waitFor(index: number, value: number): void {
  let patientUntil = 0;
  for (let spins = 1; words.load(index) < value; spins += 1) {
    if (spins % SPINS_BEFORE_YIELD !== 0) continue;
    schedYield();
    patientUntil ||= performance.now() + PATIENCE_MS;
    if (performance.now() > patientUntil) throw new Error("the other side is gone");
  }
}

/** Both sides come here before either goes on. */
function meet(count: number): void {
  words.store(Word.ready[mine], count);
  waitFor(Word.ready[other], count);
}

/** Both sides go on from here at changing distances, so that each is first now and then. */
function meetAndPause(trial: number): void {
  meet(2 * trial);
  for (let pause = (trial * (mine + 3)) % 64; pause > 0; pause -= 1) words.get(Word.payload);
}

function judgeStoreBuffering(trial: number, seen: number): ReturnType<Trial> {
  words.set(Word.seen[mine], seen);
  meet(2 * trial + 1);
  const [one, two] = [words.get(Word.seen[0]) === trial, words.get(Word.seen[1]) === trial];
  if (!one && !two) return "forbidden";
  return one && two ? "overlapping" : "allowed";
}

function storeBuffering(trial: number): ReturnType<Trial> {
  meetAndPause(trial);
  words.store(Word.mine[mine], trial);
  return judgeStoreBuffering(trial, words.load(Word.mine[other]));
}

function storeBufferingPlain(trial: number): ReturnType<Trial> {
  meetAndPause(trial);
  words.set(Word.mine[mine], trial);
  return judgeStoreBuffering(trial, words.get(Word.mine[other]));
}

/** Side 1 writes into slots that side 0 has read, as a writer into its ring: neither may see the other's too early. */
function messagePassing(trial: number): ReturnType<Trial> {
  const [position, consumed] = Word.mine;
  const slot = Word.payload + (trial % SLOTS) * Word.slot;
  if (mine === 1) {
    waitFor(consumed, trial - SLOTS);
    for (let i = 0; i < PAYLOAD_WORDS; i += 1) words.set(slot + i, trial + i);
    words.store(position, trial);
    return "allowed";
  }
  const isWaiting = words.load(position) < trial;
  waitFor(position, trial);
  let outcome: ReturnType<Trial> = isWaiting ? "overlapping" : "allowed";
  for (let i = 0; i < PAYLOAD_WORDS; i += 1) if (words.get(slot + i) !== trial + i) outcome = "forbidden";
  words.store(consumed, trial);
  return outcome;
}

/** Side 1 stores numbers of four equal bytes, side 0 looks for any other. */
function tearing(trial: number): ReturnType<Trial> {
  meet(trial + 1);
  let outcome: ReturnType<Trial> = "allowed";
  for (let i = 0; i < STORES_PER_TRIAL; i += 1) {
    if (mine === 1) words.set(Word.payload, fourTimes(trial + i));
    else outcome = worse(outcome, judgeTearing(words.get(Word.payload)));
  }
  return outcome;
}

function tearingBytes(trial: number): ReturnType<Trial> {
  meet(trial + 1);
  let outcome: ReturnType<Trial> = "allowed";
  for (let i = 0; i < STORES_PER_TRIAL; i += 1) {
    if (mine === 1) bytes.writeInt32LE(fourTimes(trial + i), Word.payload * 4);
    else outcome = worse(outcome, judgeTearing(words.get(Word.payload)));
  }
  return outcome;
}

let lastSeen = 0;

function judgeTearing(seen: number): ReturnType<Trial> {
  if (seen !== fourTimes(seen)) return "forbidden";
  const isNews = seen !== lastSeen;
  lastSeen = seen;
  return isNews ? "overlapping" : "allowed";
}

function worse(one: ReturnType<Trial>, two: ReturnType<Trial>): ReturnType<Trial> {
  return one === "forbidden" || two === "allowed" ? one : two;
}

function fourTimes(byte: number): number {
  return Math.imul(byte & 0xff, 0x01010101);
}

/** The highest tier that anything of a test is compiled by now, as V8's own tests ask it. */
function tierOf(test: Trial): Tier {
  // oxlint-disable-next-line no-implied-eval -- the syntax is V8's alone: no parser of ours knows it
  const statusOf = new Function("tried", "return %GetOptimizationStatus(tried)") as (
    tried: unknown,
  ) => number;
  const tried: readonly unknown[] = [test, runBlock, words.load, words.get];
  const has = (bit: number): boolean => tried.some((one) => (statusOf(one) & (1 << bit)) !== 0);
  if (has(6)) return "turbofan";
  if (has(5)) return "maglev";
  return has(15) ? "baseline" : "interpreter";
}

function runBlock(test: Trial, tally: Tally): void {
  for (let i = 0; i < TRIALS_PER_BLOCK; i += 1) {
    tally.trials += 1;
    const outcome = test(tally.trials);
    if (outcome !== "allowed") tally[outcome] += 1;
  }
}

/** @param isOver told by side 0 after each block */
function run(test: Trial, isOver: (tally: Tally) => boolean): Tally {
  const tally: Tally = { trials: 0, forbidden: 0, overlapping: 0, tier: "interpreter" };
  // The lowest bit says that it was the last block.
  for (let verdict = 2; ; verdict += 2) {
    runBlock(test, tally);
    if (mine === 0) words.store(Word.stop, verdict + (isOver(tally) ? 1 : 0));
    else waitFor(Word.stop, verdict);
    if (words.load(Word.stop) === verdict + 1) break;
  }
  return { ...tally, tier: tierOf(test) };
}

const TESTS: Readonly<Record<string, Trial>> = {
  "store-buffering": storeBuffering,
  "store-buffering-plain": storeBufferingPlain,
  "message-passing": messagePassing,
  tearing,
  "tearing-bytes": tearingBytes,
};

const test = TESTS[name];
if (test === undefined) throw new Error(`no litmus test: ${name}`);
meet(1);
const startedAt = performance.now();
const tally = run(test, ({ trials, overlapping, forbidden }) => {
  const passedMs = performance.now() - startedAt;
  if (forbidden > 0 || passedMs > PATIENCE_MS) return true;
  if (trialsMax === 0 || overlapping === 0) return false;
  if (tier !== undefined && tierOf(test) !== tier) return false;
  return trials >= trialsMax || passedMs > TRIALS_MS;
});
process.stdout.write(JSON.stringify(tally));
