import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../base/index.ts";
import {
  TAG_BYTES_MAX,
  clientOnlyTags,
  escapeTag,
  formatTags,
  parseMessage,
  parseTagString,
  unescapeTag,
} from "./index.ts";

const key = fc.stringMatching(/^\+?[a-z][a-z0-9./-]{0,12}$/);
const value = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: fc.constantFrom(";", " ", "\\", "\r", "\n", ":", "s", "n", "=", "a"), maxLength: 12 }),
);

test("escaped values are as the specification's table and examples have them", () => {
  const rows = [
    [";", "\\:"],
    [" ", "\\s"],
    ["\\", "\\\\"],
    ["\r", "\\r"],
    ["\n", "\\n"],
    ["raw+:=,escaped; \\", "raw+:=,escaped\\:\\s\\\\"],
  ] as const;
  for (const [raw, escaped] of rows) {
    assert.equal(escapeTag(raw), escaped);
    assert.equal(unescapeTag(escaped), raw);
  }
});

test('"If a lone \\ exists at the end of an escaped value, there SHOULD be no output character"', () => {
  assert.equal(unescapeTag("test\\"), "test");
  assert.equal(unescapeTag("\\b"), "b", '"the invalid backslash SHOULD be dropped"');
  assert.equal(unescapeTag("\\\\b"), "\\b");
  assert.equal(unescapeTag("a\\\\\\n"), "a\\\n");
});

test("tags are taken apart: the last of a key counts, a missing value is an empty one", () => {
  const rows: readonly [string, readonly (readonly [string, string])[]][] = [
    ["", []],
    [
      "aaa=bbb;ccc;example.com/ddd=eee",
      [
        ["aaa", "bbb"],
        ["ccc", ""],
        ["example.com/ddd", "eee"],
      ],
    ],
    ["a=1;a=2", [["a", "2"]]],
    [
      "foo=;bar=a=b",
      [
        ["foo", ""],
        ["bar", "a=b"],
      ],
    ],
    [";;a;=x;", [["a", ""]]],
    ["__proto__=1", [["__proto__", "1"]]],
  ];
  for (const [text, tags] of rows) assert.deepEqual([...parseTagString(text)], tags, text);
});

test("what is written is read the same", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(key, value), { selector: ([key]) => key }), (pairs) => {
      const text = formatTags(pairs);
      assert.equal(text === "", pairs.length === 0);
      if (text === "") return;
      assert.match(text, /^@[^ \r\n]+ $/);
      assert.deepEqual([...parseTagString(text.slice(1, -1))], pairs);
    }),
  );
});

test("client-only tags are passed on as they came, others are not", () => {
  const tags = parseTagString("label=1;+draft/reply=4711;msgid=2;+typing=active;+;+x=\\b;+y=a\\sb");
  assert.equal(clientOnlyTags(tags), "+draft/reply=4711;+typing=active;+x=b;+y=a\\sb");
  assert.equal(clientOnlyTags(parseTagString("label=1")), "");
});

test("client-only tags never exceed what a line may carry, and nothing that came in one is left out", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          key,
          value.map((text) => text.replaceAll("\0", "")),
        ),
      ),
      (pairs) => {
        const line = encodeUtf8(`${formatTags(pairs)}TAGMSG #a`);
        const parsed = parseMessage(line, 0, line.length);
        assert.ok(typeof parsed === "object");
        const passed = parseTagString(clientOnlyTags(parsed.tags));
        assert.deepEqual(
          [...passed],
          [...parsed.tags].filter(([key]) => key.startsWith("+")),
        );
      },
    ),
  );
  const many = new Map(Array.from({ length: 100 }, (_, index) => [`+${index}`, "é ".repeat(20)]));
  const text = clientOnlyTags(many);
  assert.ok(encodeUtf8(text).length <= TAG_BYTES_MAX);
  assert.ok(encodeUtf8(text).length > TAG_BYTES_MAX - 100);
});
