import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fstatSync, openSync, readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { MiB } from "../base/index.ts";
import { AREA_HEADER_BYTES, AreaError, ClientArea, NOTES_BYTES, formatArea } from "../server/index.ts";
import { AreaMapping, INPUT_BYTES, OUTPUT_BYTES_MAX } from "./areaMapping.ts";
import { dupCloexec, ftruncate, isSizeSealed, memfdCreate, memfdOf, pageBytes } from "./libc.ts";

const OUTPUT_BYTES = 1 * MiB;

/** Past the header, where nothing has its place. */
const FREE_WORD = pageBytes() / 4 - 1;

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const mappings = (): number =>
  readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.includes("chorus client")).length;

test("both rings are there twice in a row, and no part of an area reaches into another", () => {
  const area = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES));
  const { input, output, notes } = area.memory;
  const header = AreaMapping.adoptHeader(dupCloexec(area.fd));
  const { bytes: headerBytes } = header.words;
  assert.equal(headerBytes.length, pageBytes());
  assert.ok(headerBytes.length > AREA_HEADER_BYTES);
  assert.equal(area.outputBytes, OUTPUT_BYTES);
  const parts = [
    { bytes: input, ring: INPUT_BYTES },
    { bytes: output, ring: OUTPUT_BYTES },
    { bytes: notes[0], ring: NOTES_BYTES },
    { bytes: notes[1], ring: NOTES_BYTES },
  ];
  headerBytes.fill(0xff);
  // Each filled whole with its own number: if two shared a byte, the later one would show in the earlier.
  parts.forEach(({ bytes, ring }, i) => bytes.fill(i + 1, 0, ring));
  assert.ok(headerBytes.every((byte) => byte === 0xff));
  parts.forEach(({ bytes }, i) => assert.ok(bytes.every((byte) => byte === i + 1)));
  for (const { bytes, ring } of parts.slice(0, 2)) {
    assert.equal(bytes.length, 2 * ring);
    bytes.set([7, 8, 9, 10], ring - 2);
    assert.deepEqual([...bytes.subarray(0, 2)], [9, 10]);
    assert.deepEqual([...bytes.subarray(2 * ring - 2)], [7, 8]);
    bytes[ring + 5] = 77;
    assert.equal(bytes[5], 77);
  }
  header.close();
  area.close();
});

test("an area of megabytes takes memory only where something was stored", () => {
  const area = AreaMapping.adopt(AreaMapping.create(64 * MiB));
  const taken = (): number => fstatSync(area.fd).blocks * 512;
  assert.equal(taken(), pageBytes());
  area.memory.output[64 * MiB - 1] = 1;
  assert.equal(area.memory.input[0], 0);
  assert.ok(taken() <= 3 * pageBytes(), `${taken()} bytes`);
  area.close();
});

test("a new area is formatted, and its positions start where they are told to", () => {
  for (const base of [undefined, { input: 0xffff_fff0, output: 0xffff_fffe }]) {
    const mapping = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES, base));
    const area = new ClientArea(mapping.memory);
    assert.equal(area.accepted, (base?.output ?? 0) | 0);
    assert.deepEqual([area.through, area.notes.length, area.pending().length], [0, 0, 0]);
    // Over the end of the input ring, where positions start near it.
    area.space().set(Buffer.from("what I said, and more"));
    area.received(21);
    assert.equal(Buffer.from(area.pending()).toString(), "what I said, and more");
    mapping.close();
  }
});

test("an area whose header speaks of other sizes is refused", () => {
  const mapping = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES));
  const { memory } = mapping;
  assert.doesNotThrow(() => new ClientArea(memory));
  formatArea(memory.words, { input: INPUT_BYTES, output: 2 * OUTPUT_BYTES });
  assert.throws(() => new ClientArea(memory), AreaError);
  formatArea(memory.words, { input: 2 * INPUT_BYTES, output: OUTPUT_BYTES });
  assert.throws(() => new ClientArea(memory), AreaError);
  mapping.close();
});

test("whoever adopts an area sees the same, and its size is for ever", () => {
  const before = descriptors();
  const area = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES));
  assert.ok(isSizeSealed(area.fd));
  assert.throws(() => ftruncate(area.fd, 0), { code: "EPERM" });
  area.memory.words.store(FREE_WORD, 33);
  area.memory.input.set([1, 2, 3], INPUT_BYTES - 1);
  const successor = AreaMapping.adopt(dupCloexec(area.fd));
  const header = AreaMapping.adoptHeader(dupCloexec(area.fd));
  area.close();
  assert.equal(successor.outputBytes, OUTPUT_BYTES);
  assert.equal(successor.memory.words.load(FREE_WORD), 33);
  assert.deepEqual([...successor.memory.input.subarray(INPUT_BYTES - 1, INPUT_BYTES + 2)], [1, 2, 3]);
  assert.equal(header.outputBytes, OUTPUT_BYTES);
  assert.equal(header.words.bytes.length, pageBytes());
  assert.equal(header.words.load(FREE_WORD), 33);
  header.words.store(FREE_WORD, 34);
  assert.equal(successor.memory.words.load(FREE_WORD), 34);
  successor.close();
  header.close();
  assert.equal(descriptors(), before);
});

test("closing unmaps, and the old views are empty", () => {
  const before = mappings();
  const area = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES));
  const header = AreaMapping.adoptHeader(dupCloexec(area.fd));
  assert.equal(mappings(), before + 4);
  area.close();
  area.close();
  header.close();
  header.close();
  assert.equal(mappings(), before);
  const { words, input, output, notes } = area.memory;
  for (const view of [input, output, ...notes, header.words.bytes]) {
    assert.equal(view.length, 0);
    assert.equal(view[0], undefined);
  }
  for (const each of [words, header.words]) assert.equal(each.get(0), undefined);
});

test("what is no client area is refused, and closed", () => {
  const before = descriptors();
  const parts = pageBytes() + INPUT_BYTES + 2 * NOTES_BYTES;
  for (const open of [
    () => openSync("/dev/null", "r"),
    () => memfdOf("test", new Uint8Array(10)),
    () => memfdCreate("test", 0),
    () => memfdCreate("test", parts),
    () => memfdCreate("test", parts + pageBytes() / 2),
    () => memfdCreate("test", parts + 3 * pageBytes()),
    () => memfdCreate("test", parts + OUTPUT_BYTES + 1),
    () => memfdCreate("test", parts + 2 * OUTPUT_BYTES_MAX),
  ]) {
    assert.throws(() => AreaMapping.adopt(open()), AreaError);
    assert.throws(() => AreaMapping.adoptHeader(open()), AreaError);
  }
  for (const outputBytes of [
    0,
    -1,
    1000,
    pageBytes() / 2,
    3 * pageBytes(),
    Number.NaN,
    2 * OUTPUT_BYTES_MAX,
  ]) {
    assert.throws(() => AreaMapping.create(outputBytes), /an output ring of/);
  }
  // Of the right size, but nobody can write to it.
  const sealed = memfdOf("test", new Uint8Array(parts + pageBytes()));
  assert.throws(() => AreaMapping.adopt(sealed), { code: "EPERM", syscall: "mmap" });
  assert.equal(descriptors(), before);
});

test("what a process wrote before it was killed is there", async () => {
  const area = AreaMapping.adopt(AreaMapping.create(OUTPUT_BYTES));
  const source = `
    import { readSync } from "node:fs";
    import { AreaMapping } from ${JSON.stringify(new URL("./areaMapping.ts", import.meta.url))};
    const { words, input, output, notes } = AreaMapping.adopt(3).memory;
    // The kernel itself writes over the end of the ring.
    words.store(${FREE_WORD}, readSync(0, input, ${INPUT_BYTES - 4}, 100));
    notes[1].set([5, 6, 7]);
    for (let i = 1; ; i += 1) {
      output[i % output.length] = i;
      words.store(${FREE_WORD - 1}, i);
    }
  `;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["pipe", "ignore", "inherit", area.fd],
  });
  const exited = once(child, "exit");
  child.stdin!.on("error", () => {});
  child.stdin!.write("what I said");
  const { words, input, output, notes } = area.memory;
  while (words.load(FREE_WORD - 1) < 100_000 && child.exitCode === null) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  child.kill("SIGKILL");
  assert.deepEqual(await exited, [null, "SIGKILL"]);
  child.stdin!.destroy();

  assert.equal(words.load(FREE_WORD), 11);
  assert.equal(Buffer.from(input.subarray(INPUT_BYTES - 4, INPUT_BYTES + 7)).toString(), "what I said");
  assert.deepEqual([...notes[1].subarray(0, 4)], [5, 6, 7, 0]);
  const last = words.load(FREE_WORD - 1);
  assert.ok(last >= 100_000);
  for (let i = last - 1000; i <= last; i += 1) assert.equal(output[i % output.length], i & 0xff);
  area.close();
});
