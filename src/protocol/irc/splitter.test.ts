import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { IrcSplitter, LINE_BYTES_MAX, TAGS_BYTES_MAX } from "./index.ts";

const TOO_LONG = "(too long)";

/** What a client's lines are, when its bytes arrive in these pieces and it then closes, or does not. */
function linesOf(pieces: readonly Uint8Array[], closes: boolean): string[] {
  const lines: string[] = [];
  let splitter = new IrcSplitter();
  let pending = new Uint8Array(0);
  for (const [index, piece] of pieces.entries()) {
    pending = Uint8Array.of(...pending, ...piece);
    const atEnd = closes && index === pieces.length - 1;
    for (;;) {
      const taken = splitter.take(pending, atEnd);
      if (taken.kind === "line") lines.push(decodeUtf8(pending.subarray(taken.start, taken.end)));
      else if (taken.kind === "tooLong") lines.push(TOO_LONG);
      assert.ok(taken.kind === "more" || taken.consumed > 0);
      pending = pending.slice(taken.consumed);
      // Another process may go on at any time, knowing no more than this.
      const successor = new IrcSplitter();
      successor.discarding = splitter.discarding;
      splitter = successor;
      if (taken.kind === "more") break;
    }
    assert.ok(pending.length < LINE_BYTES_MAX + TAGS_BYTES_MAX, "what waits is bounded");
  }
  return lines;
}

function whole(text: string, closes = false): string[] {
  return linesOf([encodeUtf8(text)], closes);
}

const REST = "x".repeat(510);
const TAGS = `@${"t".repeat(4094)} `;

test("CR, LF and CR LF end lines, empty ones are passed over, and a partial line waits", () => {
  assert.deepEqual(whole("one\ntwo\r\n\r\n\nthree\rfour\r\r\nfi"), ["one", "two", "three", "four"]);
  assert.deepEqual(whole(""), []);
  assert.deepEqual(whole("\r\n"), []);
});

test("a last line without an end counts when the client closes", () => {
  assert.deepEqual(whole("one\ntwo", true), ["one", "two"]);
  assert.deepEqual(whole("one\n", true), ["one"]);
});

test("RFC 1459, 2.3: 512 bytes with CR LF, and not one more", () => {
  for (const end of ["\n", "\r\n", "\r"]) {
    assert.deepEqual(whole(REST + end), [REST]);
    assert.deepEqual(whole(`${REST}x${end}next${end}`), [TOO_LONG, "next"]);
  }
  assert.deepEqual(whole(REST, true), [REST]);
  assert.deepEqual(whole(`${REST}x`, true), [TOO_LONG]);
});

test("tags have 4096 bytes of their own, the @ and the blank counted", () => {
  const short = "@a=b ";
  assert.deepEqual(whole(`${TAGS}${REST}\r\n`), [TAGS + REST]);
  assert.deepEqual(whole(`@t${TAGS.slice(1)}X\r\nnext\n`), [TOO_LONG, "next"]);
  assert.deepEqual(whole(`${short}${REST}\n`), [short + REST]);
  assert.deepEqual(whole(`${short}${REST}x\nnext\n`), [TOO_LONG, "next"], "not to be used for more text");
  assert.deepEqual(whole(`${TAGS.trimEnd()}\n`), [TAGS.trimEnd()]);
  assert.deepEqual(whole(` ${TAGS}X\n`), [TOO_LONG], "tags come first");
});

test("a line that is too long is told once, at once, and dropped up to its end", () => {
  const splitter = new IrcSplitter();
  const much = new Uint8Array(5000).fill(0x61);
  assert.deepEqual(splitter.take(much, false), { kind: "tooLong", consumed: much.length });
  assert.equal(splitter.discarding, true);
  assert.deepEqual(splitter.take(much, false), { kind: "more", consumed: much.length });
  const rest = splitter.take(encodeUtf8("rest\r\nnext\n"), false);
  assert.deepEqual(rest, { kind: "line", start: 6, end: 10, consumed: 11 });
  assert.equal(splitter.discarding, false);
});

test("lines do not depend on how their bytes are split, or on which process reads them", () => {
  const piece = fc.oneof(
    fc.constantFrom("\n", "\r\n", "\r", "@", " ", REST, REST.slice(1), TAGS, TAGS.slice(0, -1), "@a=b "),
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
