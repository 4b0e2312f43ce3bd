/*
 * A process may die between any two accesses to the header: then the next one stands at the last commit whose
 * publication happened, at the exact byte in both directions.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UINT32_SPAN, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { ArrayWords } from "../log/index.ts";
import { Killed, Lifetime, WatchedWords } from "../sim/index.ts";
import {
  AREA_HEADER_BYTES,
  AreaError,
  type AreaMemory,
  ClientArea,
  INPUT_RESERVE_BYTES,
  NOTES_BYTES,
  formatArea,
  poisonedLine,
  settleArea,
} from "./clientArea.ts";

const INPUT_BYTES = 4 * INPUT_RESERVE_BYTES;
const OUTPUT_BYTES = 256;

/** A ring that is there twice, as the mapping of a real one is. */
class DoubleRing extends Uint8Array<ArrayBuffer> {
  override set(bytes: ArrayLike<number>, at = 0): void {
    const size = this.length / 2;
    for (let i = 0; i < bytes.length; i += 1) {
      const place = (at + i) % size;
      this[place] = bytes[i]!;
      this[place + size] = bytes[i]!;
    }
  }
}

/** What outlives the processes: the area, and the kernel's ends of the connection. */
class Machine {
  readonly header = new ArrayBuffer(AREA_HEADER_BYTES);
  readonly input = new DoubleRing(new ArrayBuffer(2 * INPUT_BYTES));
  readonly output = new DoubleRing(new ArrayBuffer(2 * OUTPUT_BYTES));
  readonly notes = [new Uint8Array(NOTES_BYTES), new Uint8Array(NOTES_BYTES)] as const;
  readonly base: { input: number; output: number };
  /** How many bytes have been read of an input without an end, of which each byte follows from its position. */
  read = 0;
  /** What the kernel has taken. */
  readonly taken: number[] = [];

  constructor(base: { input: number; output: number }) {
    this.base = base;
    formatArea(new ArrayWords(this.header), { input: INPUT_BYTES, output: OUTPUT_BYTES }, base);
  }

  memory(life = new Lifetime()): AreaMemory {
    const { input, output, notes } = this;
    return { words: new WatchedWords(this.header, life), input, output, notes };
  }

  /** Of a process that is dead. */
  settle(published: number | undefined, life = new Lifetime()): boolean {
    const counts = { read: this.read, accepted: this.taken.length };
    return settleArea(new WatchedWords(this.header, life), published, counts).isPoisoned;
  }

  get accepted(): number {
    return (this.base.output + this.taken.length) | 0;
  }

  /** The kernel reads into a process's area. */
  fill(space: Uint8Array, most: number): number {
    const count = Math.min(space.length, most);
    const bytes = inputBetween(this.read, this.read + count);
    this.input.set(bytes, space.byteOffset);
    this.read += count;
    return count;
  }

  /** As `fill`, with a text. */
  type(area: ClientArea, text: string): void {
    const bytes = encodeUtf8(text);
    this.input.set(bytes, area.space().byteOffset);
    this.read += bytes.length;
    area.received(bytes.length);
  }
}

function inputBetween(from: number, to: number): Uint8Array {
  return Uint8Array.from({ length: to - from }, (_, i) => ((from + i) * 7 + ((from + i) >> 8)) & 0xff);
}

/** What a process leaves behind, or would if it were published. */
interface Standing {
  consumed: number;
  written: number[];
  through: number;
  notes: number[];
  discarding: boolean;
}

type Step =
  | { readonly do: "read" | "take" | "write" | "notes" | "send"; readonly count: number }
  | { readonly do: "discard" }
  | { readonly do: "turn"; readonly appended: number };

interface Life {
  readonly steps: readonly Step[];
  /** Accesses until it is killed. */
  readonly accesses: number;
  /** Whoever settles what it left is killed after so many accesses, one after the other. */
  readonly settlers: readonly number[];
  /** Where the ring is published up to that it finds as its own. */
  readonly published: number;
}

/** One process after the other serves the client. */
class Service {
  readonly machine: Machine;
  settled: Standing = { consumed: 0, written: [], through: 0, notes: [], discarding: false };
  #now: Standing = this.settled;
  #published = 0;
  #fresh = 0;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  serve({ steps, accesses, settlers, published }: Life): void {
    const life = new Lifetime();
    life.accesses = accesses;
    this.#published = published;
    this.#now = copy(this.settled);
    untilKilled(() => {
      const area = new ClientArea(this.machine.memory(life));
      for (const step of steps) this.#take(step, area, life);
    });
    for (const each of settlers) {
      const settler = new Lifetime();
      settler.accesses = each;
      untilKilled(() => void this.machine.settle(this.#published, settler));
    }
    this.machine.settle(this.#published);
  }

  #take(step: Step, area: ClientArea, life: Lifetime): void {
    const now = this.#now;
    const { machine } = this;
    switch (step.do) {
      case "read":
        if (!area.isFull) area.received(machine.fill(area.space(), step.count));
        return;
      case "take": {
        const count = Math.min(step.count, area.pending().length);
        area.take(count);
        now.consumed += count;
        return;
      }
      case "write": {
        const count = Math.min(step.count, area.outputRoom(machine.accepted));
        // Never the same bytes again: what a dead process wrote and did not commit may not come back.
        const bytes = Array.from({ length: count }, () => (this.#fresh = (this.#fresh + 1) & 0xff));
        area.write(Uint8Array.from(bytes), machine.accepted);
        now.written.push(...bytes);
        return;
      }
      case "notes": {
        const bytes = Array.from({ length: step.count }, () => (this.#fresh = (this.#fresh + 1) & 0xff));
        area.notes = Uint8Array.from(bytes);
        now.notes = bytes;
        return;
      }
      case "discard":
        now.discarding = !now.discarding;
        area.discarding = now.discarding;
        return;
      case "send":
        return this.#send(area, step.count);
      case "turn":
        return this.#turn(area, life, step.appended);
    }
  }

  #turn(area: ClientArea, life: Lifetime, bytes: number): void {
    const appended = (this.#published + bytes) | 0;
    const now = this.#now;
    const isCommitted = area.isChanged;
    if (isCommitted) {
      now.through += 1 + bytes * 1000;
      area.commit({ through: now.through, appended });
      // Nothing was appended: the ring is published that far already.
      if (bytes === 0) this.settled = copy(now);
    }
    life.spend();
    this.#published = appended;
    if (isCommitted) this.settled = copy(now);
    area.confirm();
  }

  #send(area: ClientArea, most: number): void {
    const { machine } = this;
    machine.taken.push(...area.output(machine.accepted, most));
    area.accepted = machine.accepted;
  }

  check(): void {
    const { consumed, written, through, notes, discarding } = this.settled;
    const { machine } = this;
    assert.deepEqual(machine.taken, written.slice(0, machine.taken.length), "sent twice, or never committed");
    const area = new ClientArea(machine.memory());
    assert.equal(area.accepted, machine.accepted);
    const unsent = area.output(area.accepted, OUTPUT_BYTES);
    assert.deepEqual([...unsent], written.slice(machine.taken.length));
    assert.equal(area.outputBytes(area.accepted), unsent.length);
    assert.deepEqual([...area.pending()], [...inputBetween(consumed, machine.read)]);
    assert.deepEqual([...area.notes], notes);
    assert.deepEqual([area.through, area.discarding, area.isChanged], [through, discarding, false]);
  }
}

function copy(standing: Standing): Standing {
  return { ...standing, written: [...standing.written], notes: [...standing.notes] };
}

function untilKilled(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
  }
}

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("read"), count: fc.oneof(fc.nat(40), fc.nat(INPUT_BYTES)) }),
  fc.record({ do: fc.constant("take"), count: fc.oneof(fc.nat(40), fc.nat(INPUT_BYTES)) }),
  fc.record({ do: fc.constant("write"), count: fc.oneof(fc.nat(10), fc.nat(OUTPUT_BYTES)) }),
  fc.record({ do: fc.constant("notes"), count: fc.oneof(fc.constant(0), fc.nat(50)) }),
  fc.record({ do: fc.constant("discard") }),
  fc.record({ do: fc.constant("send"), count: fc.oneof(fc.nat(10), fc.constant(OUTPUT_BYTES)) }),
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("turn"),
      appended: fc.oneof(fc.constant(0), fc.nat(100), fc.constant(2 ** 30)),
    }),
  },
) as fc.Arbitrary<Step>;

const position = fc.oneof(
  fc.nat(50).map((before) => -before),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);
const life: fc.Arbitrary<Life> = fc.record({
  steps: fc.array(step, { maxLength: 40 }),
  accesses: fc.oneof(fc.nat(300), fc.constant(1e9)),
  settlers: fc.array(fc.nat(30), { maxLength: 3 }),
  published: position,
});
/** Just below where they wrap. */
const base = fc
  .record({ input: fc.nat(INPUT_BYTES), output: fc.nat(OUTPUT_BYTES) })
  .map(({ input, output }) => ({
    input: UINT32_SPAN - 1 - input,
    output: UINT32_SPAN - 1 - output,
  }));

test("wherever a process dies, and whoever settles what it left, the next stands at what was published last", () => {
  fc.assert(
    fc.property(base, fc.array(life, { minLength: 1, maxLength: 6 }), (base, lives) => {
      const service = new Service(new Machine(base));
      for (const each of lives) {
        service.serve(each);
        service.check();
      }
    }),
    { numRuns: 1500 },
  );
});

test("what is settled is not asked of another ring", () => {
  fc.assert(
    fc.property(base, life, fc.array(fc.option(position, { nil: undefined })), (base, life, published) => {
      const service = new Service(new Machine(base));
      service.serve(life);
      for (const each of published) service.machine.settle(each);
      service.check();
    }),
    { numRuns: 500 },
  );
});

test("a commit counts for ever once it is confirmed, however far the ring goes on", () => {
  for (const bytes of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 10]) {
    const machine = new Machine({ input: 0, output: 0 });
    const area = new ClientArea(machine.memory());
    area.write(encodeUtf8("hello"), 0);
    area.commit({ through: 7, appended: 10 });
    area.confirm();
    machine.settle((10 + bytes) | 0);
    const successor = new ClientArea(machine.memory());
    assert.equal(successor.through, 7);
    assert.equal(decodeUtf8(successor.output(0, 100)), "hello");
  }
});

test("where the kernel counts nothing, what was sent last is sent again, and what was committed is there", () => {
  const machine = new Machine({ input: 0, output: 0 });
  const area = new ClientArea(machine.memory());
  machine.type(area, "one\ntwo\n");
  area.take(4);
  area.write(encodeUtf8("abcdef"), 0);
  area.commit({ through: 1, appended: 5 });
  area.accepted = 2;
  machine.fill(area.space(), 10);
  settleArea(new ArrayWords(machine.header), 5, undefined);
  const successor = new ClientArea(machine.memory());
  assert.equal(decodeUtf8(successor.pending()), "two\n");
  assert.equal(decodeUtf8(successor.output(successor.accepted, 100)), "cdef");
});

test("a process that never wrote anything to a ring has committed nothing", () => {
  const machine = new Machine({ input: 0, output: 0 });
  const area = new ClientArea(machine.memory());
  machine.type(area, "hello\n");
  area.take(6);
  area.commit({ through: 1, appended: 0 });
  machine.settle(undefined);
  assert.equal(decodeUtf8(new ClientArea(machine.memory()).pending()), "hello\n");
});

test("a client that keeps up uses the beginning of its output ring alone", () => {
  const machine = new Machine({ input: 0, output: UINT32_SPAN - 5 });
  const area = new ClientArea(machine.memory());
  for (let turn = 0; turn < 100; turn += 1) {
    area.write(Uint8Array.of(1, 2, 3), machine.accepted);
    area.write(Uint8Array.of(4), machine.accepted);
    area.commit({ through: turn, appended: 0 });
    const sent = area.output(machine.accepted, 100);
    assert.deepEqual([sent.byteOffset, ...sent], [0, 1, 2, 3, 4]);
    machine.taken.push(...sent);
  }
});

test("an area that is full says so, a read always finds a byte of room, and what is not committed stays", () => {
  const machine = new Machine({ input: UINT32_SPAN - 3, output: 0 });
  const area = new ClientArea(machine.memory());
  while (!area.isFull) area.received(machine.fill(area.space(), 100));
  assert.ok(area.space().length > 0);
  area.take(area.pending().length);
  assert.ok(area.isFull);
  assert.ok(!area.hasRoom);
  area.commit({ through: 0, appended: 0 });
  assert.ok(area.hasRoom);
  assert.ok(!area.isFull);
});

test("what is no area, or one of another version or of other sizes, is refused", () => {
  const machine = new Machine({ input: 0, output: 0 });
  const words = new ArrayWords(machine.header);
  const refused = (word: number, value: number, pattern: RegExp): void => {
    const before = words.get(word);
    words.set(word, value);
    assert.throws(() => new ClientArea(machine.memory()), { name: "AreaError", message: pattern });
    words.set(word, before);
    assert.doesNotThrow(() => new ClientArea(machine.memory()));
  };
  refused(0, 0, /^not a client's area: it starts with 0x0$/);
  refused(1, 99, /^a client's area of version 99, not/);
  refused(2, 2 * OUTPUT_BYTES, /other sizes$/);
  words.set(0, 1);
  assert.throws(() => settleArea(words, 0, undefined), AreaError);
});

/** A process that handles lines until it dies at the one that is `deadly`, or, past all of them, elsewhere. */
function dieAt(machine: Machine, deadly: string, life = new Lifetime()): "refused" | "died" {
  const area = new ClientArea(machine.memory());
  let outcome: "refused" | "died" = "died";
  for (;;) {
    const pending = decodeUtf8(area.pending());
    const line = pending.slice(0, pending.indexOf("\n") + 1);
    if (line === "") break;
    if (!area.beginTrial()) {
      outcome = "refused";
      break;
    }
    if (line === deadly) break;
    area.endTrial();
    area.take(line.length);
  }
  untilKilled(() => void machine.settle(0, life));
  return outcome;
}

test("a line at which two processes have died is not tried again, whatever stands before it", () => {
  const machine = new Machine({ input: UINT32_SPAN - 2, output: 0 });
  machine.type(new ClientArea(machine.memory()), "good\nbad\nlater\n");
  assert.equal(dieAt(machine, "bad\n"), "died");
  assert.equal(dieAt(machine, "bad\n"), "died");
  assert.equal(decodeUtf8(poisonedLine(machine.memory())), "bad\n");
  assert.equal(dieAt(machine, "bad\n"), "refused");
  assert.equal(dieAt(machine, "bad\n"), "refused");
});

test("a death at another line, and none at a line at all, begin the count anew or leave it", () => {
  const machine = new Machine({ input: UINT32_SPAN - 2, output: 0 });
  machine.type(new ClientArea(machine.memory()), "one\ntwo\n");
  for (const deadly of ["one\n", "two\n", "one\n", "none", "two\n", "none", "none"])
    assert.equal(dieAt(machine, deadly), "died", deadly);
  assert.equal(dieAt(machine, "two\n"), "died");
  assert.equal(dieAt(machine, "two\n"), "refused");
});

test("a death is counted once, however often its settling is interrupted", () => {
  for (let accesses = 0; accesses < 40; accesses += 1) {
    const machine = new Machine({ input: UINT32_SPAN - 2, output: 0 });
    machine.type(new ClientArea(machine.memory()), "one\ntwo\n");
    assert.equal(dieAt(machine, "one\n"), "died");
    const life = new Lifetime();
    life.accesses = accesses;
    assert.equal(dieAt(machine, "two\n", life), "died");
    machine.settle(0);
    assert.equal(dieAt(machine, "two\n"), "died", `interrupted after ${accesses} accesses`);
    assert.equal(dieAt(machine, "two\n"), "refused");
  }
});
