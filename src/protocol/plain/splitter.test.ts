import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { LINE_BYTES_MAX, LineSplitter } from "./splitter.ts";

const TOO_LONG = "(too long)";

/** What a client's lines are, when its bytes arrive in these pieces and it then closes, or does not. */
function linesOf(pieces: readonly Uint8Array[], closes: boolean): string[] {
  const lines: string[] = [];
  let splitter = new LineSplitter();
  let pending = new Uint8Array(0);
  for (const [index, piece] of pieces.entries()) {
    pending = Uint8Array.of(...pending, ...piece);
    const atEnd = closes && index === pieces.length - 1;
    for (;;) {
      const taken = splitter.take(pending, atEnd);
      if (taken.kind === "line") lines.push(decodeUtf8(pending.subarray(taken.start, taken.end)));
      else if (taken.kind === "tooLong") lines.push(TOO_LONG);
      pending = pending.slice(taken.consumed);
      // Another process may go on at any time, knowing no more than this.
      const successor = new LineSplitter();
      successor.discarding = splitter.discarding;
      splitter = successor;
      if (taken.kind === "more") break;
    }
  }
  return lines;
}

function whole(text: string, closes = false): string[] {
  return linesOf([encodeUtf8(text)], closes);
}

test("LF and CRLF end lines, and a partial line waits", () => {
  assert.deepEqual(whole("one\ntwo\r\n\nthr"), ["one", "two", ""]);
  assert.deepEqual(whole("a\rb\n"), ["a\rb"]);
  assert.deepEqual(whole(""), []);
});

test("a last line without LF counts when the client closes", () => {
  assert.deepEqual(whole("one\ntwo", true), ["one", "two"]);
  assert.deepEqual(whole("one\n", true), ["one"]);
  assert.deepEqual(whole("", true), []);
});

test("a line may have the limit's bytes, with LF, with CRLF and at the end; one more is too long", () => {
  const longest = "x".repeat(LINE_BYTES_MAX);
  assert.deepEqual(whole(`${longest}\n`), [longest]);
  assert.deepEqual(whole(`${longest}\r\n`), [longest]);
  assert.deepEqual(whole(longest, true), [longest]);
  assert.deepEqual(whole(`${longest}x\nnext\n`), [TOO_LONG, "next"]);
  assert.deepEqual(whole(`${longest}x`, true), [TOO_LONG]);
});

test("a line that is too long is told once, at once, and dropped up to its LF", () => {
  const splitter = new LineSplitter();
  const much = new Uint8Array(2 * LINE_BYTES_MAX).fill(0x61);
  assert.deepEqual(splitter.take(much, false), { kind: "tooLong", consumed: much.length });
  assert.equal(splitter.discarding, true);
  assert.deepEqual(splitter.take(much, false), { kind: "more", consumed: much.length });
  assert.deepEqual(splitter.take(encodeUtf8("rest\nnext\n"), false), {
    kind: "line",
    start: 5,
    end: 9,
    consumed: 10,
  });
  assert.equal(splitter.discarding, false);
});

test("lines do not depend on how their bytes are split, or on which process reads them", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r\n", "\r", "x".repeat(LINE_BYTES_MAX - 1), "x".repeat(LINE_BYTES_MAX)),
    fc.string({ unit: "grapheme", maxLength: 5 }),
  );
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), cuts, fc.boolean(), (texts, places, closes) => {
      const bytes = encodeUtf8(texts.join(""));
      const at = [0, ...places.map((place) => Math.floor(place * bytes.length)), bytes.length];
      at.sort((a, b) => a - b);
      const pieces = at.slice(1).map((end, index) => bytes.slice(at[index], end));
      assert.deepEqual(linesOf(pieces, closes), linesOf([bytes], closes));
    }),
  );
});
