import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeUtf8 } from "../../base/index.ts";
import { MULTILINE_BYTES_MAX, MULTILINE_LINES_MAX, MultilineAssembler, parseMessage } from "./index.ts";

/** What the client is told and what is said, when it sends these lines. */
function send(lines: readonly string[], assembler = new MultilineAssembler()): string[] {
  return lines.flatMap((line) => {
    const bytes = encodeUtf8(line);
    const message = parseMessage(bytes, 0, bytes.length);
    assert.ok(typeof message === "object");
    const answer = message.command === "BATCH" ? assembler.batch(message) : assembler.add(message);
    if (answer === undefined) return [];
    if ("fault" in answer) return [["FAIL", answer.fault, ...answer.context, `:${answer.text}`].join(" ")];
    return [`${answer.command} ${answer.target} ${JSON.stringify(answer.text)}`];
  });
}

test("the specification's examples", () => {
  const opening = "BATCH +123 draft/multiline #channel";
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [
      [
        opening,
        "@batch=123 PRIVMSG #channel hello",
        "@batch=123 PRIVMSG #channel :",
        "@batch=123 privmsg #channel :how is ",
        "@batch=123;draft/multiline-concat PRIVMSG #channel :everyone?",
        "BATCH -123",
      ],
      ['PRIVMSG #channel "hello\\n\\nhow is everyone?"'],
    ],
    [
      ["BATCH +456 draft/multiline #foo", "@batch=456 PRIVMSG #bar hello", "BATCH -456"],
      ["FAIL MULTILINE_INVALID_TARGET #foo #bar :Invalid multiline target"],
    ],
    [
      [
        opening,
        "@batch=123 PRIVMSG #channel :hello ",
        "@batch=123;draft/multiline-concat PRIVMSG #channel :",
        "@batch=123 PRIVMSG #channel :there",
        "BATCH -123",
      ],
      ["FAIL MULTILINE_INVALID :Invalid multiline batch with concatenated blank line"],
    ],
    [
      [opening, "@batch=123 PRIVMSG #channel :", "@batch=123 PRIVMSG #channel :", "BATCH -123"],
      ["FAIL MULTILINE_INVALID :Invalid multiline batch with blank lines only"],
    ],
    [
      [opening, "@batch=123 PRIVMSG #channel :a", "@batch=123 NOTICE #channel :b", "BATCH -123"],
      ["FAIL MULTILINE_INVALID :Invalid multiline batch"],
    ],
    [
      [opening, "@batch=123 NOTICE #CHANNEL :a", "@batch=123 NOTICE #channel :b", "BATCH -123"],
      ['NOTICE #channel "a\\nb"'],
    ],
  ];
  for (const [lines, answers] of rows) assert.deepEqual(send(lines), answers);
});

test("client batches: what is no batch of ours is refused, and what is open stays so or ends", () => {
  const opening = "BATCH +1 draft/multiline #a";
  const rows: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["BATCH +1 example/other #a"], ["FAIL UNKNOWN_TYPE 1 example/other :Unknown batch type"]],
    [["BATCH 1 draft/multiline #a"], ["FAIL INVALID_REFTAG 1 :Invalid reference tag"]],
    [["BATCH +a_b draft/multiline #a"], ["FAIL INVALID_REFTAG +a_b :Invalid reference tag"]],
    [["BATCH"], ["FAIL INVALID_REFTAG * :Invalid reference tag"]],
    [["BATCH -1"], ["FAIL INVALID_REFTAG 1 :There is no such batch"]],
    [["@batch=1 PRIVMSG #a b"], ["FAIL INVALID_REFTAG 1 :There is no such batch"]],
    [["BATCH +1 draft/multiline"], ["FAIL MULTILINE_INVALID :A multiline batch needs a target"]],
    [[opening, "BATCH -1"], ["FAIL MULTILINE_INVALID :Invalid multiline batch with blank lines only"]],
    [[opening, "@batch=1 JOIN #a", "BATCH -1"], ["FAIL MULTILINE_INVALID :Invalid multiline batch"]],
    [
      [opening, "BATCH +2 draft/multiline #a", "BATCH -1"],
      [
        "FAIL MULTILINE_INVALID :Another batch is still open",
        "FAIL INVALID_REFTAG 1 :There is no such batch",
      ],
    ],
    [
      [opening, "@batch=2 PRIVMSG #a b", "@batch=1 PRIVMSG #a c", "BATCH -2", "BATCH -1"],
      [
        "FAIL INVALID_REFTAG 2 :There is no such batch",
        "FAIL INVALID_REFTAG 2 :There is no such batch",
        'PRIVMSG #a "c"',
      ],
    ],
  ];
  for (const [lines, answers] of rows) assert.deepEqual(send(lines), answers, lines.join(", "));
});

test("the tags of a message are those of the BATCH that opens it", () => {
  const assembler = new MultilineAssembler();
  const parsed = (line: string) => {
    const message = parseMessage(encodeUtf8(line), 0, encodeUtf8(line).length);
    assert.ok(typeof message === "object");
    return message;
  };
  assembler.batch(parsed("@+draft/reply=7;label=x BATCH +1 draft/multiline #a"));
  assert.equal(assembler.label, "x");
  assembler.add(parsed("@batch=1 PRIVMSG #a :b"));
  const message = assembler.batch(parsed("BATCH -1"));
  assert.ok(message !== undefined && "tags" in message);
  assert.deepEqual(
    [...message.tags],
    [
      ["+draft/reply", "7"],
      ["label", "x"],
    ],
  );
  assert.equal(assembler.label, "");
});

test("limits are told once, when they are passed, and the rest comes to nothing", () => {
  const opening = "BATCH +1 draft/multiline #a";
  const line = "@batch=1 PRIVMSG #a :";
  const most = Array.from({ length: MULTILINE_LINES_MAX }, () => `${line}x`);
  assert.deepEqual(send([opening, ...most, "BATCH -1"]), [
    `PRIVMSG #a ${JSON.stringify(Array.from(most, () => "x").join("\n"))}`,
  ]);
  assert.deepEqual(send([opening, ...most, `${line}x`, `${line}y`, "BATCH -1"]), [
    `FAIL MULTILINE_MAX_LINES ${MULTILINE_LINES_MAX} :Multiline batch max-lines exceeded`,
  ]);
  // "Each line feed used to join line messages contributes one byte": 9 × 455 = 4095 with 8 of them.
  const full = [...Array.from({ length: 8 }, () => `${line}${"é".repeat(227)}`), `${line}${"x".repeat(456)}`];
  const bytes = 8 * 454 + 456 + 8;
  assert.equal(bytes, MULTILINE_BYTES_MAX);
  assert.match(send([opening, ...full, "BATCH -1"])[0]!, /^PRIVMSG/);
  assert.deepEqual(send([opening, ...full.slice(0, -1), `${full.at(-1)}x`, "BATCH -1"]), [
    `FAIL MULTILINE_MAX_BYTES ${MULTILINE_BYTES_MAX} :Multiline batch max-bytes exceeded`,
  ]);
});

test("the text is that of the lines, or there is none", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 10 }).filter((text) => !/[\r\n\0]/.test(text));
  const part = fc.record({ text, concat: fc.boolean() });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const lines = parts.map(
        ({ text, concat }) => `@batch=1${concat ? ";draft/multiline-concat" : ""} PRIVMSG #a :${text}`,
      );
      const answers = send(["BATCH +1 draft/multiline #a", ...lines, "BATCH -1"]);
      const joined = parts
        .map(({ text, concat }, index) => (index === 0 || concat ? text : `\n${text}`))
        .join("");
      const isInvalid = /^\n*$/.test(joined) || parts.some(({ text, concat }) => concat && text === "");
      assert.equal(answers.length, 1);
      if (isInvalid) assert.match(answers[0]!, /^FAIL MULTILINE_INVALID /);
      else assert.equal(answers[0], `PRIVMSG #a ${JSON.stringify(joined)}`);
    }),
  );
});
