/* Bytes made worse: changed, cut, doubled, swapped, and cut into the pieces in which they are sent. */
import type { Random } from "../../src/base/index.ts";

/** What parsers stumble over. */
const TOKENS: readonly Buffer[] = [
  Buffer.from("GET / HTTP/1.1\r\n"),
  Buffer.from("CAP LS 302\r\n"),
  // Separators, alone and together; then a TLS greeting, telnet, a byte-order mark, and what is no UTF-8.
  ..."00 0d 0a 0d0d0a 0a0d 20 2020 3a 203a 40 403b 4020 3b 2c 5c 01 7f"
    .concat(" 16030102000100 fff4fffd06 efbbbf ff c3 c080 eda080 f4908080 e282 808080")
    .split(" ")
    .map((hex) => Buffer.from(hex, "hex")),
];

/** Far beyond every limit of a line. */
const REPEATED_BYTES_MAX = 200_000;
const MUTATIONS_MAX = 6;

type Mutation = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  function changeByte(bytes, random) {
    const changed = Buffer.from(bytes);
    if (bytes.length > 0) changed[at(bytes, random)] = random.between(0, 255);
    return changed;
  },
  function insertToken(bytes, random) {
    return insert(bytes, at(bytes, random), TOKENS[random.between(0, TOKENS.length - 1)]!);
  },
  function insertTokens(bytes, random) {
    return insert(bytes, at(bytes, random), repeated(TOKENS[random.between(0, TOKENS.length - 1)]!, random));
  },
  function remove(bytes, random) {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, at(bytes, random));
  },
  function double(bytes, random) {
    const [from, to] = range(bytes, random);
    return insert(bytes, to, bytes.subarray(from, to));
  },
  function repeat(bytes, random) {
    const [from, to] = range(bytes, random);
    return insert(bytes, to, repeated(bytes.subarray(from, to), random));
  },
  function shuffleLines(bytes, random) {
    const lines = bytes.toString("latin1").split("\n");
    const shuffled = lines.map((line) => ({ line, at: random.next() })).toSorted((a, b) => a.at - b.at);
    return Buffer.from(shuffled.map(({ line }) => line).join("\n"), "latin1");
  },
  function splice(bytes, random, other) {
    return insert(bytes, at(bytes, random), other());
  },
];

/** Some of them as they are. @param other more bytes to mix in */
export function mutate(bytes: Buffer, random: Random, other: () => Buffer): Buffer {
  if (random.next() < 0.3) return bytes;
  let mutated = bytes;
  for (let count = random.between(1, MUTATIONS_MAX); count > 0; count -= 1)
    mutated = MUTATIONS[random.between(0, MUTATIONS.length - 1)]!(mutated, random, other);
  return mutated;
}

/** The same bytes in one piece or several, cut anywhere. */
export function cut(bytes: Buffer, random: Random): Buffer[] {
  // Piece by piece, byte by byte, is slow: for what is short, and not too often.
  const most = bytes.length < 400 && random.next() < 0.2 ? bytes.length : random.between(0, 12);
  const cuts = Array.from({ length: most }, () => random.between(0, bytes.length)).toSorted((a, b) => a - b);
  const ends = [...cuts, bytes.length];
  return ends
    .map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end))
    .filter(({ length }) => length > 0);
}

function at(bytes: Buffer, random: Random): number {
  return random.between(0, Math.max(0, bytes.length - 1));
}

function range(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = at(bytes, random);
  return [from, Math.min(bytes.length, from + random.between(1, 200))];
}

function insert(bytes: Buffer, place: number, more: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, place), more, bytes.subarray(place)]);
}

/** Most often a few times, seldom very often. */
function repeated(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return bytes;
  const most = REPEATED_BYTES_MAX / bytes.length;
  return Buffer.concat(Array.from({ length: Math.ceil(random.next() ** 8 * most) }, () => bytes));
}
