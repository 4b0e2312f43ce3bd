import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeUtf8 } from "../../base/index.ts";
import { classifyIrc } from "./index.ts";

function verdict(text: string): string {
  return classifyIrc(encodeUtf8(text));
}

test("a whole grammatical opening is IRC", () => {
  const lines = [
    "CAP LS 302",
    "CAP LS",
    "cap ls 302",
    "CAP LIST",
    "CAP REQ :multi-prefix sasl",
    "CAP REQ sasl",
    "CAP END",
    "NICK bob",
    "nick bob",
    "NICK :bob",
    "USER d * 0 :This is a really good name",
    "USER d 0 0 d",
    "PASS secret",
    "PASS :two words",
    "AUTHENTICATE PLAIN",
    "PING 123",
    "QUIT",
    "QUIT :bye",
    "@label=1 CAP LS 302",
    ":bob NICK bob",
    "@a=b :bob CAP LS",
  ];
  for (const line of lines) {
    for (const end of ["\r\n", "\n", "\r"]) assert.equal(verdict(line + end), "irc", line);
    assert.equal(verdict(`${line}\r\nhello there\r\n`), "irc", line);
  }
});

test("what only begins like one is not", () => {
  const lines = [
    "PASS the salt",
    "Nick is here",
    "nick",
    "NICK :",
    "user friendly",
    "CAP",
    "CAP it",
    "CAP LS please",
    "CAP REQ",
    "CAP END now",
    "PING",
    "ping me",
    "quit",
    "QUIT it now",
    "AUTHENTICATE",
    "authenticate this person",
    "JOIN #lobby",
    "hello",
    ":)",
    ": NICK",
    "@alice hello",
    "@alice NICK is here",
    "constructor x",
    "/nick bob",
    "你好",
    "GET / HTTP/1.1",
  ];
  for (const line of lines) assert.equal(verdict(`${line}\r\n`), "other", line);
});

test("what a name is encoded in does not matter yet", () => {
  const latin1 = concatBytes([encodeUtf8("USER j 0 * :J"), Uint8Array.of(0xf6), encodeUtf8("rg\r\n")]);
  assert.equal(classifyIrc(latin1), "irc");
  assert.equal(verdict("NI\0CK bob\0\r\n"), "irc");
});

const MARK = [0xef, 0xbb, 0xbf];
const WINDOW_SIZE = [0xff, 0xfb, 0x1f];
const SUBNEGOTIATION = [0xff, 0xfa, 0x18, 0x00, 0xff, 0xff, 0x41, 0xff, 0xf0];
const NO_OPERATION = [0xff, 0xf1];

test("a byte-order mark, telnet's negotiation and blank lines may stand in front", () => {
  const preludes = [MARK, WINDOW_SIZE, SUBNEGOTIATION, NO_OPERATION, [0x0a], [0x0d, 0x0a, 0x20, 0x0a, 0x00]];
  const opening = encodeUtf8("NICK bob\n");
  for (const prelude of [...preludes, [...WINDOW_SIZE, ...SUBNEGOTIATION, ...WINDOW_SIZE, ...MARK]]) {
    const bytes = Uint8Array.of(...prelude, ...opening);
    assert.equal(classifyIrc(bytes), "irc", String(prelude));
    for (let length = 0; length < bytes.length; length += 1)
      assert.equal(classifyIrc(bytes.subarray(0, length)), "undecided", `${prelude.join(" ")}, ${length}`);
  }
  assert.equal(classifyIrc(Uint8Array.of(0xff, 0xff, ...opening)), "other", "a byte, no command");
  assert.equal(classifyIrc(Uint8Array.of(0xff, 0x41, ...opening)), "other");
  assert.equal(classifyIrc(Uint8Array.of(0xef, 0x41, ...opening)), "other");
});

test("the beginning of an opening is undecided, up to 8 KiB; anything else is decided at once", () => {
  for (const line of ["CAP LS 302\r\n", "user a b c d\r\n", "@a :b NICK c\r\n", "PING 1\r\n"]) {
    for (let length = 0; length < line.length - 1; length += 1)
      assert.equal(verdict(line.slice(0, length)), "undecided", line.slice(0, length));
  }
  for (const start of ["h", "/", "NICKY", "PASSW", "CAPS", "pi", "qu", "小", "{", "NICK\t"])
    assert.equal(verdict(start), "other", start);
  assert.equal(verdict(`NICK ${"x".repeat(8186)}`), "undecided");
  assert.equal(verdict(`NICK ${"x".repeat(8187)}`), "other");
  assert.equal(verdict(`NICK ${"x".repeat(8187)}\n`), "other");
  assert.equal(verdict("\n".repeat(8192)), "other");
});

test("once decided, more bytes change nothing", () => {
  const part = fc.oneof(
    fc
      .constantFrom("NICK bob", "\r\n", "CAP LS", "@a ", ":b ", " ", "PASS x", "\ufeff")
      .map((text) => encodeUtf8(text)),
    fc
      .constantFrom(MARK, WINDOW_SIZE, SUBNEGOTIATION, NO_OPERATION, [0xff])
      .map((bytes) => Uint8Array.from(bytes)),
    fc.uint8Array({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const bytes = concatBytes(parts);
      const final = classifyIrc(bytes);
      for (let length = 0; length < bytes.length; length += 1) {
        const early = classifyIrc(bytes.subarray(0, length));
        if (early !== "undecided") assert.equal(final, early);
      }
    }),
  );
});
