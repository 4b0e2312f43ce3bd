import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatModes, parseChannelModes, parseUserModes, splitMute } from "./index.ts";

/** `+o bob`, `b` (asked for), `?x` (unknown), `!k` (its parameter is missing), `l=x` (is wrong). */
function channel(text: string): string {
  return parseChannelModes(text === "" ? [] : text.split(" "))
    .map((change) => {
      if ("unknown" in change) return `?${change.letter}`;
      if ("missingParam" in change) return `!${change.letter}`;
      if ("invalidParam" in change) return `${change.letter}=${change.invalidParam}`;
      return `${change.on ? "+" : "-"}${change.letter}${change.param === undefined ? "" : ` ${change.param}`}`;
    })
    .join(", ");
}

test("the modes of a room are taken apart", () => {
  const rows = [
    ["", ""],
    ["+", ""],
    ["+nt-s", "+n, +t, -s"],
    ["nt", "+n, +t"],
    ["+o bob", "+o bob"],
    ["+oo-v a b c", "+o a, +o b, -v c"],
    ["+qaohv a b c d e", "+q a, +a b, +o c, +h d, +v e"],
    ["-+-o bob", "-o bob"],
    ["+o", "!o"],
    ["-o", "!o"],
    ["+ov bob", "+o bob, !v"],
    // Lists are asked for with a sign or without.
    ["b", "+b"],
    ["+b", "+b"],
    ["-b", "-b"],
    ["beI", "+b, +e, +I"],
    ["+bn *!*@x", "+b *!*@x, +n"],
    ["+eI-b a!*@* b!*@* c!*@*", "+e a!*@*, +I b!*@*, -b c!*@*"],
    ["+k secret", "+k secret"],
    ["+k", "!k"],
    ["+k a,b", "k=a,b"],
    ["+k :a", "k=:a"],
    [`+k ${"é".repeat(16)}`, `+k ${"é".repeat(16)}`],
    [`+k ${"é".repeat(16)}x`, `k=${"é".repeat(16)}x`],
    ["-k", "-k"],
    ["-k wrong", "-k"],
    ["-ko x bob", "-k, -o bob"],
    ["+l 10", "+l 10"],
    ["+l 010", "+l 10"],
    ["+l", "!l"],
    ["+l ten", "l=ten"],
    ["+l 0", "l=0"],
    ["+l -5", "l=-5"],
    ["+l 12345678901", "l=12345678901"],
    ["-l", "-l"],
    ["-lo bob", "-l, -o bob"],
    ["+S 30", "+S 30"],
    ["-S", "-S"],
    ["+CRMimnst", "+C, +R, +M, +i, +m, +n, +s, +t"],
    ["+xoZ bob", "?x, +o bob, ?Z"],
    ["+é🎉", "?é, ?🎉"],
    // RFC 2812, 3.2.3: once more behind that.
    ["+o bob -v alice", "+o bob, -v alice"],
    ["+n -t", "+n, -t"],
    ["+n bob", "+n"],
  ] as const;
  for (const [text, changes] of rows) assert.equal(channel(text), changes, text);
});

test("an empty parameter is none", () => {
  assert.deepEqual(parseChannelModes(["+b", ""]), [{ letter: "b", on: true, param: undefined }]);
  assert.deepEqual(parseChannelModes(["+o", ""]), [{ letter: "o", missingParam: true }]);
});

test("MODES=20: no more than that are looked at", () => {
  assert.equal(parseChannelModes(["n".repeat(400)]).length, 20);
  assert.equal(parseChannelModes(["+n", `-${"x".repeat(400)}`]).length, 20);
  assert.equal(parseUserModes(["x".repeat(400)]).length, 20);
});

test("a ban that begins with m: is a mute (EXTBAN=,m)", () => {
  assert.deepEqual(splitMute("m:bob!*@*"), { kind: "mute", mask: "bob!*@*" });
  assert.deepEqual(splitMute("m!*@*"), { kind: "ban", mask: "m!*@*" });
  assert.deepEqual(splitMute("m:"), { kind: "ban", mask: "m:" });
});

test("the modes of a user are taken apart; what follows from something else cannot be set", () => {
  assert.deepEqual(parseUserModes(["+iw-B"]), [
    { letter: "i", on: true },
    { letter: "w", on: true },
    { letter: "B", on: false },
  ]);
  assert.deepEqual(parseUserModes(["+o-r+Z"]), [
    { letter: "o", fixed: true },
    { letter: "r", fixed: true },
    { letter: "Z", fixed: true },
  ]);
  assert.deepEqual(parseUserModes(["x"]), [{ letter: "x", unknown: true }]);
  assert.deepEqual(parseUserModes([]), []);
});

const param = fc.stringMatching(/^[a-z*!@.]{1,60}$/);
const change = fc
  .oneof(
    fc.tuple(fc.constantFrom(..."CRMimnst"), fc.boolean(), fc.constant(undefined)),
    fc.tuple(fc.constantFrom(..."qaohvbeI"), fc.boolean(), param),
    fc.tuple(fc.constant("k"), fc.constant(true), fc.stringMatching(/^[a-z*!@.]{1,32}$/)),
    fc.tuple(fc.constant("l"), fc.constant(false), fc.constant(undefined)),
  )
  .map(([letter, on, param]) => ({ letter, on, param }));

test("changes are folded into lines that say the same", () => {
  assert.deepEqual(
    formatModes([
      { letter: "o", on: true, param: "alice" },
      { letter: "v", on: true, param: "bob" },
      { letter: "b", on: false, param: "*!*@host" },
    ]),
    ["+ov-b alice bob *!*@host"],
  );
  assert.deepEqual(formatModes([]), []);
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const lines = formatModes(changes);
      for (const line of lines) assert.ok(line.length <= 320, line);
      assert.deepEqual(
        lines.flatMap((line) => parseChannelModes(line.split(" "))),
        changes,
      );
    }),
  );
});

test("nothing that is sent makes it throw", () => {
  const word = fc.string({ unit: fc.constantFrom(..."+-bklSoqné\0 :,m9"), maxLength: 30 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (params) => {
      assert.ok(parseChannelModes(params).length <= 20);
      assert.ok(parseUserModes(params).length <= 20);
    }),
  );
});
