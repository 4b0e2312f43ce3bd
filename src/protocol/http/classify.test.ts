import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../base/index.ts";
import { classify } from "./index.ts";

function verdict(text: string): string {
  return classify(encodeUtf8(text));
}

test("a request line is HTTP, when it is whole", () => {
  for (const line of [
    "GET / HTTP/1.1\r\n",
    "GET / HTTP/1.0\n",
    "POST /x?y=1 HTTP/1.1\r\nHost: a",
    "OPTIONS * HTTP/1.1\r\n",
  ])
    assert.equal(verdict(line), "http", line);
});

test("what only begins like one is plain text", () => {
  const lines = [
    "GET the salt\n",
    "GET /\n",
    "GET  / HTTP/1.1\n",
    "GET / HTTP/1.1 please\n",
    "GET / HTTP/2.0\r\n",
    "get / HTTP/1.1\n",
    "HELLO\n",
    "PASS the salt\n",
    "\nGET / HTTP/1.1\n",
    "GET /\u00e9 HTTP/1.1\n",
  ];
  for (const line of lines) assert.equal(verdict(line), "plain", line);
});

test("one byte that begins no request is enough for plain text", () => {
  for (const start of ["h", "/help", " ", "\n", "小", "\ufeffGET / HTTP/1.1\n", "\0GET / HTTP/1.1\n", "G3"])
    assert.equal(verdict(start), "plain", JSON.stringify(start));
  assert.equal(classify(Uint8Array.of(0xff, 0xfb, 0x1f)), "plain", "telnet");
  assert.equal(verdict("A".repeat(21)), "plain", "no method is so long");
});

test("the beginning of a request line is undecided, up to 8 KiB", () => {
  const line = "GET / HTTP/1.1\r\n";
  for (let length = 0; length < line.length; length += 1)
    assert.equal(verdict(line.slice(0, length)), "undecided", line.slice(0, length));
  assert.equal(verdict(`GET /${"x".repeat(8000)}`), "undecided");
  assert.equal(verdict(`GET /${"x".repeat(8192)}`), "plain");
  assert.equal(verdict(`GET /${"x".repeat(8192)} HTTP/1.1\r\n`), "plain");
});

test("once decided, more bytes change nothing", () => {
  const beginning = fc.constantFrom("GET ", "GET / HTTP/1.1\r\n", "HE", "PASS x", "");
  fc.assert(
    fc.property(
      beginning,
      fc.uint8Array({ maxLength: 30 }),
      fc.uint8Array({ maxLength: 30 }),
      (start, middle, rest) => {
        const bytes = Uint8Array.of(...encodeUtf8(start), ...middle, ...rest);
        const early = classify(bytes.subarray(0, start.length + middle.length));
        if (early !== "undecided") assert.equal(classify(bytes), early);
      },
    ),
  );
});
