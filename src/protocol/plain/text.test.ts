import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { cleanText, refuseNegotiation, shownLines, shownText } from "./text.ts";

const IAC = 0xff;

function clean(...parts: (string | readonly number[])[]): string {
  const bytes = concatBytes(
    parts.map((part) => (typeof part === "string" ? encodeUtf8(part) : Uint8Array.from(part))),
  );
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(cleanText(bytes, 0, bytes.length));
}

test("harmless text of any script is a view of the same bytes", () => {
  const bytes = encodeUtf8("before\ttext, naïve 小明 👩‍👩‍👧 مرحبا after");
  const text = cleanText(bytes, 7, bytes.length - 6);
  assert.equal(text.buffer, bytes.buffer);
  assert.deepEqual(text, bytes.subarray(7, bytes.length - 6));
});

test("what could take over a terminal, or turn text around, is replaced", () => {
  for (const code of [
    0x01, 0x07, 0x08, 0x0b, 0x0d, 0x1b, 0x7f, 0x80, 0x9b, 0x9f, 0x2028, 0x2029, 0x202e, 0x2066, 0x2069,
  ])
    assert.equal(clean(`a${String.fromCodePoint(code)}b`), "a\ufffdb", `U+${code.toString(16)}`);
  assert.equal(clean("\u001b[2J"), "\ufffd[2J");
});

test("what is not UTF-8 is replaced: cut short, overlong, surrogates, beyond the last code point", () => {
  assert.equal(clean("a", [0xe5, 0xb0]), "a\ufffd\ufffd");
  assert.equal(clean([0xc0, 0xaf]), "\ufffd\ufffd");
  assert.equal(clean([0xed, 0xa0, 0x80]), "\ufffd\ufffd\ufffd");
  assert.equal(clean([0xf4, 0x90, 0x80, 0x80]), "\ufffd\ufffd\ufffd\ufffd");
  assert.equal(clean("na", [0xef], "ve"), "na\ufffdve");
});

test("telnet's negotiation vanishes", () => {
  assert.equal(clean([IAC, 0xfd, 1, IAC, 0xfb, 31], "hi"), "hi");
  assert.equal(clean([IAC, 0xfa, 24, 0, 65, 66, IAC, 0xf0], "hi", [IAC, 0xf9], "!"), "hi!");
  // A doubled IAC stands for the byte itself, which is in no text.
  assert.equal(clean("a", [IAC, IAC], "bc"), "abc");
  // Cut short by the end of the line.
  assert.equal(clean("hi", [IAC]), "hi");
  assert.equal(clean("hi", [IAC, 0xfd]), "hi");
  assert.equal(clean("hi", [IAC, 0xfa, 24, 65]), "hi");
});

test("telnet's wishes are refused, each once; its refusals and other commands are not answered", () => {
  const refuse = (...bytes: number[]): number[] | undefined => {
    const padded = Uint8Array.from([IAC, 0xfd, 1, ...bytes, IAC, 0xfd, 2]);
    const answer = refuseNegotiation(padded, 3, padded.length - 3);
    return answer === undefined ? undefined : [...answer];
  };
  // Ctrl-C in telnet: "interrupt the process", and "tell me when you have come here".
  assert.deepEqual(refuse(IAC, 0xf4, IAC, 0xfd, 6, 0x68, 0x69), [IAC, 0xfc, 6]);
  assert.deepEqual(refuse(0x68, IAC, 0xfb, 31, IAC, 0xfd, 3), [IAC, 0xfe, 31, IAC, 0xfc, 3]);
  assert.equal(refuse(IAC, 0xfc, 6, IAC, 0xfe, 1, IAC, 0xf1), undefined);
  assert.equal(refuse(IAC, 0xfa, 24, 0xfd, IAC, 0xf0), undefined);
  assert.equal(refuse(0x68, 0x69), undefined);
  assert.equal(refuse(IAC, 0xfd), undefined);
});

test("a 0xFF that begins no telnet command takes nothing along", () => {
  assert.equal(clean([IAC], "abc"), "\ufffdabc");
  assert.equal(clean([IAC], "小"), "\ufffd小");
});

test("NUL vanishes, and a byte-order mark in front, even behind telnet's first words", () => {
  assert.equal(clean("a\0b\0"), "ab");
  assert.equal(clean("\ufeffhello"), "hello");
  assert.equal(clean([IAC, 0xfb, 31], "\0\ufeffhello"), "hello");
  assert.equal(clean("a\ufeffb"), "a\ufeffb");
});

test("whatever comes in, well-formed and safe text comes out, never more than three times as long", () => {
  const risky = fc.constantFrom(
    0xff,
    0xfa,
    0xf0,
    0xfd,
    0xc2,
    0x9b,
    0xe2,
    0x80,
    0xa8,
    0xae,
    0xef,
    0xbb,
    0xbf,
    0x1b,
    0,
  );
  const noise = fc
    .array(fc.oneof(risky, fc.nat(0xff)), { maxLength: 60 })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(noise, (bytes) => {
      const text = cleanText(bytes, 0, bytes.length);
      assert.ok(text.length <= 3 * bytes.length);
      const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
      assert.doesNotMatch(decoded, /(?!\t)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    }),
    { numRuns: 2000 },
  );
});

function shown(text: string): string[] {
  return shownLines(encodeUtf8(text)).map((line) => decodeUtf8(line));
}

test("what IRC clients say is shown without their formatting, and without their marks around requests", () => {
  const cases = [
    ["a \u0002bold\u000f and \u001d\u001f\u001e\u0011\u0016all\u000f", "a bold and all"],
    ["\u00034red\u0003 \u000304,12red on blue\u0003", "red red on blue"],
    // The third digit is text; so is a comma that no background follows.
    ["\u0003123 \u00035,x \u0003,1", "3 ,x ,1"],
    ["\u0004ff0000red\u0004 \u0004FF0000,0000ffon blue \u0004ff00 \u0004ff0000,00", "red on blue ff00 ,00"],
    ["\u0001VERSION\u0001", "VERSION"],
    ["\u0002\u0003", ""],
  ] as const;
  for (const [text, expected] of cases) assert.deepEqual(shown(text), [expected], JSON.stringify(text));
});

test("each line of what is said is shown by itself, and harmless, whatever client it comes from", () => {
  assert.deepEqual(shown("one\n\ntwo\n"), ["one", "", "two", ""]);
  assert.deepEqual(shown("\u00034red\n\u001b[2J\r\u202e\u009b"), ["red", "\ufffd[2J\ufffd\ufffd\ufffd"]);
  assert.equal(decodeUtf8(shownText(encodeUtf8("\u0002one\ntwo\u0002\u001b"))), "one\ufffdtwo\ufffd");
});

test("what needs no change is shown in the very bytes that were said", () => {
  for (const text of ["", "plain", "tab\tand naïve 小明 👩‍👩‍👧"]) {
    const bytes = encodeUtf8(text);
    assert.equal(shownText(bytes), bytes);
    assert.equal(shownLines(bytes)[0], bytes);
  }
});

test("whatever bytes are shown, nothing in them can take over a terminal or make a line of its own", () => {
  const risky = fc.constantFrom(
    0x01,
    0x03,
    0x04,
    0x0a,
    0x0d,
    0x1b,
    0x31,
    0x2c,
    0x66,
    0x7f,
    0xc2,
    0x9b,
    0xe2,
    0x80,
    0xae,
  );
  const noise = fc
    .array(fc.oneof(risky, fc.nat(0xff)), { maxLength: 60 })
    .map((bytes) => Uint8Array.from(bytes));
  fc.assert(
    fc.property(noise, (bytes) => {
      const lines = shownLines(bytes);
      assert.equal(lines.length, bytes.filter((byte) => byte === 0x0a).length + 1);
      for (const text of [...lines, shownText(bytes)]) {
        const decoded = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text);
        assert.doesNotMatch(decoded, /(?!\t)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
      }
    }),
    { numRuns: 2000 },
  );
});
