import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { type IrcMessage, parseMessage, speechAt } from "./index.ts";

function parse(line: string | Uint8Array): ReturnType<typeof parseMessage> {
  const bytes = typeof line === "string" ? encodeUtf8(line) : line;
  // It stands in the middle of other bytes.
  const around = concatBytes([encodeUtf8("@:x "), bytes, encodeUtf8(" y")]);
  return parseMessage(around, 4, 4 + bytes.length);
}

function words(line: string): string[] {
  const message = parse(line);
  assert.ok(typeof message === "object", `${JSON.stringify(line)} is no message`);
  return [message.command, ...message.params];
}

test("a line is a command and its parameters, the last of which may have blanks", () => {
  const rows: readonly [string, ...string[]][] = [
    ["QUIT", "QUIT"],
    ["foo bar baz asdf", "FOO", "bar", "baz", "asdf"],
    ["foo bar baz :asdf quux", "FOO", "bar", "baz", "asdf quux"],
    ["foo bar baz :", "FOO", "bar", "baz", ""],
    ["foo bar baz ::asdf", "FOO", "bar", "baz", ":asdf"],
    ["foo bar baz :  asdf quux ", "FOO", "bar", "baz", "  asdf quux "],
    ["foo bar b:z :and more", "FOO", "bar", "b:z", "and more"],
    ["foo   bar  baz   :qux", "FOO", "bar", "baz", "qux"],
    ["foo bar   ", "FOO", "bar"],
    ["foo bar\tbaz", "FOO", "bar\tbaz"],
    ["  foo bar", "FOO", "bar"],
    ["privmsg #小明 :你好 🎉", "PRIVMSG", "#小明", "你好 🎉"],
    ["ınvite a", "ıNVITE", "a"],
    ["PRIVMSG #a :\x01ACTION waves\x01", "PRIVMSG", "#a", "\x01ACTION waves\x01"],
  ];
  for (const [line, ...expected] of rows) assert.deepEqual(words(line), expected, line);
});

test("RFC 2812, 2.3.1: the fifteenth parameter is the rest, with a colon or without", () => {
  const fourteen = Array.from({ length: 14 }, (_, index) => String(index));
  assert.deepEqual(words(`X ${fourteen.join(" ")} a b  c `), ["X", ...fourteen, "a b  c "]);
  assert.deepEqual(words(`X ${fourteen.join(" ")} :a b`), ["X", ...fourteen, "a b"]);
  assert.deepEqual(words(`X ${fourteen.join(" ")}`), ["X", ...fourteen]);
});

test("tags and source stand in front of it", () => {
  const message = parse("@+draft/reply=4711;label=1  :bob!b@h  PRIVMSG  #a :hi");
  assert.deepEqual(message, {
    tags: new Map([
      ["+draft/reply", "4711"],
      ["label", "1"],
    ]),
    source: "bob!b@h",
    command: "PRIVMSG",
    params: ["#a", "hi"],
  });
  assert.deepEqual(parse(":src AWAY"), { tags: new Map(), source: "src", command: "AWAY", params: [] });
});

test('RFC 1459, 2.3: "Empty messages are silently ignored": those without a command', () => {
  for (const line of ["", " ", "   ", "@a=b", "@a=b ", ":src", ":src ", "@a :src", "@", ":", "\0\0"])
    assert.equal(parse(line), "empty", JSON.stringify(line));
});

test("NUL and line ends count as not sent", () => {
  assert.deepEqual(words("PRIV\0MSG #a\r :h\ni\0"), ["PRIVMSG", "#a", "hi"]);
});

test("what is not UTF-8 is told apart, wherever it is", () => {
  for (const bad of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    assert.equal(parse(concatBytes([encodeUtf8("PRIVMSG #a :x"), Uint8Array.from(bad)])), "invalidUtf8");
    const inTags = [encodeUtf8("@a="), Uint8Array.from(bad), encodeUtf8(" X")];
    assert.equal(parse(concatBytes(inTags)), "invalidUtf8");
  }
  // The bytes behind it are none of its own.
  const whole = encodeUtf8("X é");
  assert.equal(parseMessage(whole, 0, whole.length - 1), "invalidUtf8");
});

test('"Clients MUST NOT send messages with tag data exceeding 4094 bytes"', () => {
  const most = `@${"a".repeat(4094)}`;
  assert.deepEqual(words(`${most} X y`), ["X", "y"]);
  assert.equal(parse(`${most}a X y`), "tooManyTagBytes");
  assert.equal(parse(`@${"é".repeat(2048)} X y`), "tooManyTagBytes", "bytes, not characters");
});

const word = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
  .filter((text) => !/[ \r\n\0]|^:/.test(text));
const trailing = fc.string({ unit: "grapheme", maxLength: 20 }).filter((text) => !/[\r\n\0]/.test(text));

test("what is written by the grammar is read the same", () => {
  const command = fc.stringMatching(/^([A-Z]{1,9}|\d{3})$/);
  fc.assert(
    fc.property(command, fc.array(word, { maxLength: 14 }), trailing, (command, middle, last) => {
      const line = [command, ...middle, `:${last}`].join(" ");
      assert.deepEqual(words(line), [command, ...middle, last]);
    }),
  );
});

const anyLine = fc.oneof(
  fc.uint8Array({ maxLength: 80 }),
  fc
    .string({
      unit: fc.constantFrom("@", ":", " ", ";", "=", "\\", "\0", "\r", "a", "é", "PRIVMSG "),
      maxLength: 40,
    })
    .map((text) => encodeUtf8(text)),
);

test("no bytes make it throw, and what comes out is bounded and clean", () => {
  fc.assert(
    fc.property(anyLine, (bytes) => {
      const message = parse(bytes);
      if (typeof message === "string") return;
      assert.match(message.command, /^[^ a-z]+$/);
      assert.ok(message.params.length <= 15);
      for (const param of message.params.slice(0, -1)) assert.match(param, /^[^ :][^ ]*$/);
      for (const param of [message.source, ...message.params]) assert.doesNotMatch(param, /[\0\r\n]/);
    }),
  );
});

test("the short way for what is said finds the same, or nothing", () => {
  const line = (target: string, text: string): Uint8Array => encodeUtf8(`PRIVMSG ${target} :${text}`);
  const bytes = concatBytes([encodeUtf8("X\n"), line("#a", "hi é :)")]);
  const speech = speechAt(bytes, 2, bytes.length);
  assert.ok(speech !== undefined);
  assert.equal(speech.target, "#a");
  assert.equal(decodeUtf8(bytes.subarray(speech.textStart, speech.textEnd)), "hi é :)");
  const others = [
    "PRIVMSG #a hi",
    "PRIVMSG  #a :hi",
    "PRIVMSG #a  :hi",
    "PRIVMSG #a,#b :x",
    "PRIVMSG :#a :x",
  ];
  for (const text of [
    ...others,
    "privmsg #a :x",
    "@a PRIVMSG #a :x",
    "PRIVMSG #é :x",
    "PRIVMSG #a :x\0",
    "PRIVMSG #a",
  ])
    assert.equal(speechAt(encodeUtf8(text), 0, encodeUtf8(text).length), undefined, text);
  const said = fc.oneof(
    anyLine,
    fc.tuple(word, trailing).map(([to, text]) => line(to, text)),
  );
  fc.assert(
    fc.property(fc.array(said, { maxLength: 3 }), (lines) => {
      for (const bytes of lines) {
        const speech = speechAt(bytes, 0, bytes.length);
        if (speech === undefined) continue;
        const message = parse(bytes) as IrcMessage;
        const text = decodeUtf8(bytes.subarray(speech.textStart, speech.textEnd));
        assert.deepEqual(["PRIVMSG", [speech.target, text]], [message.command, message.params]);
      }
    }),
  );
});
