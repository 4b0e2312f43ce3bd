import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutUtf8, decodeUtf8, encodeUtf8, utf8Length } from "./index.ts";

test("a text's length in UTF-8 is that of its bytes, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom("a", "é", "小", "👍", "\ud800", "\udc00") }), (text) => {
      assert.equal(utf8Length(text), encodeUtf8(text).length);
    }),
  );
});

test("what is cut is as much as there is room for, and ends with a whole character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 20 }), (text, max) => {
      const cut = cutUtf8(encodeUtf8(text), max);
      assert.ok(cut.length <= max);
      const kept = decodeUtf8(cut);
      assert.ok(text.startsWith(kept));
      const next = String.fromCodePoint(text.codePointAt(kept.length) ?? 0);
      assert.ok(kept === text || utf8Length(kept + next) > max);
    }),
  );
  assert.equal(cutUtf8(new Uint8Array(9).fill(0x80), 7).length, 7, "no text at all");
});
