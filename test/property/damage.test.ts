/*
 * Damage, word by word: to the header, which is then refused; to what has been ordered, which readers refuse or read
 * within bounds; and to a ring that is not ordered yet, whose writer is cut off while all others go on.
 */
import assert from "node:assert/strict";
import { type TestContext, suite, test } from "node:test";
import fc from "fast-check";
import {
  ArrayWords,
  type Geometry,
  LogCorruptionError,
  LogMember,
  type LogRecord,
  type Segment,
  SegmentMismatchError,
  Sequencer,
  formatSegment,
  openSegment,
  recoverSegment,
} from "../../src/log/index.ts";
import {
  HeaderWord,
  Layout,
  ORDER_ENTRY_WORDS,
  OrderWord,
  ProcessWord,
  RecordWord,
  SlotWord,
} from "../../src/log/layout.ts";

const seed = Number(process.env["CHORUS_SEED"] ?? Date.now() | 0);
const RUNS = 2000;
const KIND = 7;

const geometry: fc.Arbitrary<Geometry> = fc.record({
  processes: fc.integer({ min: 3, max: 5 }),
  ringBytes: fc.constantFrom(256, 1024),
  orderEntries: fc.constantFrom(4, 16, 64),
  pageBytes: fc.constant(4096),
});
const position = fc
  .tuple(fc.constantFrom(0, 2 ** 31, 2 ** 32), fc.nat(40))
  .map(([wrap, below]) => (wrap === 0 ? 0 : wrap - 8 * below));
const firstSequence = fc
  .tuple(fc.constantFrom(1000, 2 ** 31, 2 ** 32, 2 ** 52), fc.nat(40))
  .map(([wrap, below]) => wrap - below);
/** Any word, and often one that is nearly right. */
const word = fc.oneof(
  fc.integer(),
  fc.integer({ min: -64, max: 64 }),
  fc.constantFrom(0x7fffffff, -0x80000000),
);

function check<Inputs>(t: TestContext, property: fc.IPropertyWithHooks<Inputs>): void {
  t.diagnostic(`CHORUS_SEED=${seed}`);
  fc.assert(property, { seed, numRuns: RUNS });
}

/** Refuses to be read where nothing is. */
class BoundedWords extends ArrayWords {
  override load(index: number): number {
    this.#check(index);
    return super.load(index);
  }

  override get(index: number): number {
    this.#check(index);
    return super.get(index);
  }

  #check(index: number): void {
    assert.ok(
      Number.isInteger(index) && index >= 0 && index * 4 < this.bytes.length,
      `there is no word ${index}`,
    );
  }
}

function formatted(geometry: Geometry): { memory: ArrayBuffer; words: Int32Array } {
  const memory = new ArrayBuffer(new Layout(geometry).totalBytes);
  formatSegment(new ArrayWords(memory), geometry);
  return { memory, words: new Int32Array(memory) };
}

/** What the header's checksum would be, to see what stands behind it. */
function checksum(words: Int32Array): number {
  let hash = 0x811c9dc5;
  for (const word of words.subarray(0, HeaderWord.checksum)) hash = Math.imul(hash ^ word, 0x01000193);
  return hash;
}

suite("a damaged header is refused", () => {
  const headerWord = fc.nat(HeaderWord.checksum);
  const mask = fc.integer().filter((mask) => mask !== 0);

  test("each field, with whatever in it", (t) => {
    const property = fc.property(geometry, headerWord, mask, (geometry, index, mask) => {
      const { memory, words } = formatted(geometry);
      words[index]! ^= mask;
      assert.throws(() => openSegment(new BoundedWords(memory)), SegmentMismatchError);
    });
    check(t, property);
  });

  test("each field of the geometry, with a checksum that agrees", (t) => {
    const fields = [
      HeaderWord.magic0,
      HeaderWord.magic1,
      HeaderWord.version,
      HeaderWord.pageBytes,
      HeaderWord.processes,
      HeaderWord.ringBytes,
      HeaderWord.orderEntries,
      HeaderWord.totalBytesLow,
      HeaderWord.totalBytesHigh,
    ];
    const property = fc.property(geometry, fc.constantFrom(...fields), mask, (geometry, field, mask) => {
      const { memory, words } = formatted(geometry);
      words[field]! ^= mask;
      words[HeaderWord.checksum] = checksum(words);
      try {
        const { layout } = openSegment(new BoundedWords(memory));
        assert.equal(layout.totalBytes, memory.byteLength, "another size is never taken");
      } catch (error) {
        assert.ok(error instanceof SegmentMismatchError, String(error));
      }
    });
    check(t, property);
  });

  test("a file that was cut short, or never written", (t) => {
    const property = fc.property(geometry, fc.double({ min: 0, max: 1, noNaN: true }), (geometry, part) => {
      const { memory } = formatted(geometry);
      const cut = memory.slice(
        0,
        Math.min(memory.byteLength - 4, Math.floor((part * memory.byteLength) / 4) * 4),
      );
      assert.throws(() => openSegment(new BoundedWords(cut)), SegmentMismatchError);
      assert.throws(
        () => openSegment(new BoundedWords(new ArrayBuffer(cut.byteLength))),
        SegmentMismatchError,
      );
    });
    check(t, property);
  });
});

interface Start {
  geometry: Geometry;
  startPosition: number;
  firstSequence: number;
}
const start: fc.Arbitrary<Start> = fc.record({ geometry, startPosition: position, firstSequence });

/** A sequencer, and all processes as members that read. */
class Log {
  readonly segment: Segment;
  readonly memory: ArrayBuffer;
  readonly raw: Int32Array;
  readonly sequencer: Sequencer;
  readonly members: LogMember[] = [];
  readonly violations: number[] = [];

  constructor({ geometry, startPosition, firstSequence }: Start) {
    this.memory = new ArrayBuffer(new Layout(geometry).totalBytes);
    this.raw = new Int32Array(this.memory);
    this.segment = formatSegment(new BoundedWords(this.memory), geometry, { startPosition, firstSequence });
    this.sequencer = new Sequencer(this.segment, () => 1, silent, {
      onViolation: (process) => this.violations.push(process),
      onHung: () => undefined,
    });
    for (let process = 0; process < geometry.processes; process += 1) this.join(process);
  }

  join(process: number): LogMember {
    const member = new LogMember(this.segment, process, this.sequencer.admit(process), silent);
    this.members[process] = member;
    member.attach();
    this.sequencer.step();
    member.poll(() => undefined);
    this.sequencer.step();
    return member;
  }

  /** Index of a word of a ring, by its position in bytes. */
  ringWord(process: number, position: number): number {
    const { layout } = this.segment;
    return (layout.ringOffsetBytes(process) + (position & (layout.geometry.ringBytes - 1))) / 4;
  }

  published(process: number): number {
    return this.raw[this.segment.layout.process(process, ProcessWord.published)]!;
  }

  publish(process: number, position: number): void {
    this.raw[this.segment.layout.process(process, ProcessWord.published)] = position;
  }

  isWithin(record: LogRecord): boolean {
    const { layout } = this.segment;
    const from = layout.ringOffsetBytes(record.process);
    const isInRing = record.start >= from && record.start + record.length <= from + layout.geometry.ringBytes;
    return record.process < layout.geometry.processes && record.length >= 0 && isInRing;
  }
}

const silent = { ring: (): void => undefined };

function payload(value: number): Uint8Array {
  return new Uint8Array(value % 24).fill(value);
}

function read(member: LogMember): { process: number; payload: number[] }[] {
  const records: { process: number; payload: number[] }[] = [];
  while (
    member.poll(({ process, bytes, start, length }) => {
      records.push({ process, payload: [...bytes.subarray(start, start + length)] });
    }) > 0
  );
  return records;
}

suite("what was ordered and then damaged is not followed", () => {
  test("each word of an entry, with whatever in it", (t) => {
    const which = fc.record({ entry: fc.nat(3), field: fc.nat(ORDER_ENTRY_WORDS - 1), to: word });
    const property = fc.property(
      start,
      fc.integer({ min: 1, max: 4 }),
      which,
      (start, count, { entry, field, to }) => {
        const log = new Log(start);
        const { layout } = log.segment;
        const { firstSequence, geometry } = start;
        for (let i = 0; i < count; i += 1) log.members[1]!.append(KIND, 0, payload(i));
        log.members[1]!.publish();
        while (log.sequencer.step() > 0);
        const damaged = entry % count;
        const slot = (firstSequence + damaged) % geometry.orderEntries;
        const index = layout.orderRing + slot * ORDER_ENTRY_WORDS + field;
        const before = log.raw[index]!;
        log.raw[index] = to;

        let seen = 0;
        const handler = (record: LogRecord): void => {
          assert.ok(log.isWithin(record), "beyond its ring");
          assert.equal(record.sequence, firstSequence + seen);
          seen += 1;
        };
        const isSurelyRefused =
          (field === OrderWord.sequenceLow && to !== before) ||
          (field === OrderWord.length && (to < 0 || to > geometry.ringBytes)) ||
          (field === OrderWord.kindAndProcess && (to & 0xffff) >= geometry.processes);
        const reader = log.members[2]!;
        let isRefused = false;
        try {
          assert.equal(reader.poll(handler), count);
        } catch (error) {
          assert.ok(error instanceof LogCorruptionError, String(error));
          isRefused = true;
          assert.equal(seen, damaged, "all before it was given, and nothing after it");
          assert.throws(() => reader.poll(handler), LogCorruptionError);
          assert.equal(seen, damaged);
        }
        assert.ok(isRefused || !isSurelyRefused);
      },
    );
    check(t, property);
  });

  test("the tail, with whatever in it", (t) => {
    const property = fc.property(start, fc.nat(4), word, fc.boolean(), (start, count, to, isRelative) => {
      const { orderEntries } = start.geometry;
      const log = new Log({ ...start, firstSequence: start.firstSequence - orderEntries });
      const { tail } = log.segment.layout;
      // Every entry has been used: what was never written is zero, which may be what is looked for.
      for (let i = 0; i < orderEntries; i += 1) {
        log.members[1]!.append(KIND, 0, payload(i));
        log.members[1]!.publish();
        while (log.sequencer.step() > 0) for (const member of log.members) read(member);
      }
      for (let i = 0; i < count; i += 1) log.members[1]!.append(KIND, 0, payload(i));
      log.members[1]!.publish();
      while (log.sequencer.step() > 0);
      const added = isRelative ? to : (to - log.raw[tail]!) | 0;
      log.raw[tail]! += added;
      let seen = 0;
      const poll = (): number =>
        log.members[2]!.poll((record) => {
          assert.ok(log.isWithin(record), "beyond its ring");
          seen += 1;
        });
      if (added <= 0 && added >= -count) assert.equal(poll(), count + added);
      else assert.throws(poll, LogCorruptionError);
      assert.ok(seen <= count);
    });
    check(t, property);
  });
});

type Damage =
  | { of: "length"; to: number }
  | { of: "kind"; to: number }
  | { of: "generation"; to: number }
  | { of: "published"; by: number };

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({
    of: fc.constant("length" as const),
    to: fc.oneof(fc.integer({ max: -1 }), fc.integer({ min: 241 }), fc.integer({ min: 41, max: 48 })),
  }),
  fc.record({
    of: fc.constant("kind" as const),
    to: fc.oneof(fc.constant(0), fc.integer({ max: -1 }), fc.integer({ min: 0x10000 })),
  }),
  fc.record({ of: fc.constant("generation" as const), to: fc.integer().filter((to) => to !== 1) }),
  fc.record({
    of: fc.constant("published" as const),
    by: fc.oneof(fc.integer({ min: 1025 }), fc.integer({ max: -8 })),
  }),
);

suite("a writer that breaks the rules is cut off, and nobody else is harmed", () => {
  test("wrong headers and positions", (t) => {
    const property = fc.property(start, fc.nat(3), damage, (start, before, damage) => {
      const log = new Log(start);
      const [, rogue, other, reader] = log.members;
      const whole = start.geometry.processes > 3 ? reader! : log.members[0]!;
      for (let i = 0; i < before; i += 1) assert.ok(rogue!.append(KIND, 0, payload(i)) > 0);
      rogue!.publish();
      log.sequencer.step();
      const records = read(whole);
      for (const member of log.members) read(member);
      log.sequencer.step();

      // The record that will be wrong begins on its own line: no padding before it.
      const from = log.published(1);
      const toEnd = -from & (start.geometry.ringBytes - 1);
      fc.pre(toEnd === 0 || toEnd >= 56);
      assert.ok(rogue!.append(KIND, 0, new Uint8Array(24).fill(99)) > 0);
      if (damage.of === "published") log.publish(1, from + 40 + damage.by - (damage.by < 0 ? 40 : 0));
      else {
        log.raw[log.ringWord(1, from) + RecordWord[damage.of]] = damage.to;
        rogue!.publish();
      }
      const otherSays = (value: number): void => {
        assert.ok(other!.append(KIND, 0, payload(value)) > 0);
        other!.publish();
        log.sequencer.step();
      };
      otherSays(50);
      otherSays(51);
      assert.deepEqual(log.violations, [1], "it is told once");
      records.push(...read(whole));
      for (const member of log.members) if (member !== rogue) read(member);
      // Whoever was cut off holds nobody up once it is dead, and its slot is as good as new.
      log.sequencer.release(1);
      log.sequencer.step();
      assert.equal(log.sequencer.hasUnordered(1), false);
      const successor = log.join(1);
      assert.equal(successor.generation, rogue!.generation + 1);
      assert.ok(successor.append(KIND, 0, payload(60)) > 0);
      successor.publish();
      otherSays(52);
      records.push(...read(whole));
      const expected = [
        ...Array.from({ length: before }, (_, i) => [1, i]),
        [2, 50],
        [2, 51],
        [1, 60],
        [2, 52],
      ].map(([process, value]) => ({ process, payload: [...payload(value!)] }));
      const byProcess = (list: { process?: number | undefined }[]): unknown[] =>
        [1, 2].map((process) => list.filter((each) => each.process === process));
      assert.deepEqual(byProcess(records), byProcess(expected));
      assert.deepEqual(log.violations, [1]);
    });
    check(t, property);
  });

  test("what it left for its successor does not let that one in before it asks", (t) => {
    const left = fc.constantFrom(ProcessWord.attached, ProcessWord.reading);
    const property = fc.property(start, fc.uniqueArray(left), fc.nat(3), (start, left, ahead) => {
      const log = new Log(start);
      const { layout } = log.segment;
      for (const word of left) log.raw[layout.process(1, word)] = log.members[1]!.generation + ahead;
      log.sequencer.release(1);
      const generation = log.sequencer.admit(1);
      log.sequencer.step();
      assert.equal(log.sequencer.inspect(1).joined, false);
      const member = new LogMember(log.segment, 1, generation, silent);
      assert.ok(member.fallAsleep());
      member.attach();
      log.sequencer.step();
      assert.equal(log.sequencer.inspect(1).joined, true);
      assert.ok(member.poll(() => undefined) >= 0);
      assert.deepEqual(log.violations, []);
    });
    check(t, property);
  });
});

interface InFlight {
  readonly memory: ArrayBuffer;
  /** The first sequence number that the keeper has not consumed, and the one after the last that was published. */
  readonly kept: number;
  readonly end: number;
}

/** A log with a keeper: some records are consumed, some ordered, some published, and some only written. */
function inFlight({ geometry, startPosition, firstSequence }: Start, counts: readonly number[]): InFlight {
  const memory = new ArrayBuffer(new Layout(geometry).totalBytes);
  const segment = formatSegment(new ArrayWords(memory), geometry, {
    startPosition,
    firstSequence,
    keeper: true,
  });
  const events = { onViolation: (): void => assert.fail(), onHung: () => undefined };
  const sequencer = new Sequencer(segment, () => 1, silent, events);
  const writer = new LogMember(segment, 1, sequencer.admit(1), silent);
  const generation = sequencer.admit(2, { keeper: true });
  const keeper = new LogMember(segment, 2, generation, silent, { consuming: "explicit" });
  keeper.attach();
  sequencer.step();
  keeper.poll(() => undefined);
  let appended = 0;
  let end = firstSequence;
  for (const [stage, count] of counts.entries()) {
    for (let i = 0; i < count; i += 1) {
      if (writer.append(KIND, 0, payload(i)) > 0) appended += 1;
    }
    if (stage < 3) {
      writer.publish();
      end = firstSequence + appended;
    }
    if (stage < 2) while (sequencer.step() > 0);
    if (stage > 0) continue;
    while (keeper.poll(() => undefined) > 0) keeper.consume(keeper.sequence!);
  }
  return { memory, kept: keeper.sequence!, end };
}

suite("a damaged segment is recovered as far as it can be, or refused", () => {
  const counts = fc.array(fc.nat(6), { minLength: 4, maxLength: 4 });
  const silence = (): void => undefined;

  test("whole, it is recovered from what the keeper had consumed to what was published", (t) => {
    const property = fc.property(start, counts, (start, counts) => {
      const { memory, kept, end } = inFlight(start, counts);
      const given: number[] = [];
      const segment = openSegment(new BoundedWords(memory));
      const { records, nextSequence } = recoverSegment(
        segment,
        ({ sequence }) => given.push(sequence),
        () => 1,
        silence,
      );
      assert.equal(records, given.length);
      assert.equal(nextSequence, end);
      assert.deepEqual(
        given,
        Array.from({ length: end - kept }, (_, i) => kept + i),
      );
    });
    check(t, property);
  });

  const where = fc.oneof(
    fc.record({
      of: fc.constantFrom("tail", "kept", "keeper", "settled", "reclaimed", "pressure", "wakeAt"),
    }),
    fc.record({
      of: fc.constant("slot"),
      process: fc.nat(2),
      word: fc.constantFrom(...Object.values(SlotWord)),
    }),
    fc.record({
      of: fc.constant("process"),
      process: fc.nat(2),
      word: fc.constantFrom(...Object.values(ProcessWord)),
    }),
    fc.record({ of: fc.constant("order"), process: fc.constant(0), word: fc.nat(4 * ORDER_ENTRY_WORDS - 1) }),
    fc.record({ of: fc.constant("ring"), process: fc.nat(2), word: fc.nat(63) }),
  );
  const change = fc.record({ where, to: word, isRelative: fc.boolean() });

  test("any words of it, with whatever in them", (t) => {
    let refused = 0;
    let whole = 0;
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    const property = fc.property(start, counts, changes, (start, counts, changes) => {
      const { memory } = inFlight(start, counts);
      const raw = new Int32Array(memory);
      const layout = new Layout(start.geometry);
      for (const { where, to, isRelative } of changes) {
        const { of, process, word } = { process: 0, word: 0, ...where };
        const index =
          of === "slot"
            ? layout.slot(process, word)
            : of === "process"
              ? layout.process(process, word)
              : of === "order"
                ? layout.orderRing + word
                : of === "ring"
                  ? layout.ringOffsetBytes(process) / 4 + word
                  : layout[
                      of as "tail" | "kept" | "keeper" | "settled" | "reclaimed" | "pressure" | "wakeAt"
                    ];
        raw[index] = isRelative ? raw[index]! + to : to;
      }
      const { ringBytes, orderEntries, processes } = start.geometry;
      let seen = 0;
      const handler = (record: LogRecord): void => {
        const from = layout.ringOffsetBytes(record.process);
        assert.ok(
          record.start >= from && record.start + record.length <= from + ringBytes,
          "beyond its ring",
        );
        seen += 1;
        assert.ok(seen <= orderEntries + (processes * ringBytes) / 16, "more than there can be");
      };
      try {
        const segment = openSegment(new BoundedWords(memory));
        assert.equal(recoverSegment(segment, handler, () => 1, silence).records, seen);
        whole += 1;
      } catch (error) {
        assert.ok(error instanceof LogCorruptionError, String(error));
        refused += 1;
      }
    });
    check(t, property);
    t.diagnostic(`${refused} refused, ${whole} recovered`);
    assert.ok(refused > 0 && whole > 0);
  });

  test("without a keeper, nothing was kept", () => {
    const { memory } = formatted({ processes: 3, ringBytes: 256, orderEntries: 4, pageBytes: 4096 });
    const segment = openSegment(new BoundedWords(memory));
    assert.throws(() => recoverSegment(segment, silence, () => 1, silence), SegmentMismatchError);
  });
});
