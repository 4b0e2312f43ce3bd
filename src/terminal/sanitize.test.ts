import assert from "node:assert/strict";
import { test } from "node:test";
import { sanitize } from "./sanitize.ts";

test("replaces C0, DEL and C1, but not TAB", () => {
  for (let code = 0; code < 0xa0; code += 1) {
    const character = String.fromCharCode(code);
    const safe = code === 0x09 || (code >= 0x20 && code < 0x7f);
    assert.equal(sanitize(`a${character}b`), safe ? `a${character}b` : "a\ufffdb", `U+${code.toString(16)}`);
  }
});

test("replaces every bidirectional control", () => {
  const codes = [
    0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
  ];
  for (const code of codes)
    assert.equal(sanitize(String.fromCodePoint(code)), "\ufffd", `U+${code.toString(16)}`);
});

test("leaves text in any script alone", () => {
  const text = "naïve — 你好, שלום, مرحبا, 👩‍👩‍👧 e\u0301";
  assert.equal(sanitize(text), text);
});
