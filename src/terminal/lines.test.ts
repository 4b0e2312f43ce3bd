import assert from "node:assert/strict";
import { test } from "node:test";
import { LINE_CHARACTERS_MAX, LineDecoder } from "./lines.ts";

const encoder = new TextEncoder();

test("finds the same lines wherever the chunks end", () => {
  const bytes = encoder.encode("<bob> 你好 👋\r\n\n<eve> é\n-- bye");
  const expected = ["<bob> 你好 👋", "", "<eve> é", "-- bye"];
  for (let size = 1; size <= bytes.length; size += 1) {
    const decoder = new LineDecoder();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size)
      lines.push(...decoder.push(bytes.subarray(at, at + size)));
    lines.push(...decoder.end());
    assert.deepEqual(lines, expected, `chunks of ${size}`);
  }
});

test("gives nothing at the end when the last line was whole", () => {
  const decoder = new LineDecoder();
  assert.deepEqual(decoder.push(encoder.encode("hi\n")), ["hi"]);
  assert.deepEqual(decoder.end(), []);
});

test("replaces what is not UTF-8 and what could take over a terminal", () => {
  const decoder = new LineDecoder();
  assert.deepEqual(decoder.push(Uint8Array.of(0x61, 0xff, 0x1b, 0x5b, 0x32, 0x4a, 0x0d, 0x62, 0x0a)), [
    "a\ufffd\ufffd[2J\ufffdb",
  ]);
  assert.deepEqual(decoder.push(Uint8Array.of(0xe4, 0xbd)), []);
  assert.deepEqual(decoder.end(), ["\ufffd"]);
});

test("shows a line that never ends in pieces", () => {
  const decoder = new LineDecoder();
  const piece = "x".repeat(LINE_CHARACTERS_MAX);
  assert.deepEqual(decoder.push(encoder.encode(piece)), []);
  assert.deepEqual(decoder.push(encoder.encode("yz")), [`${piece}yz`]);
  assert.deepEqual(decoder.end(), []);
});
