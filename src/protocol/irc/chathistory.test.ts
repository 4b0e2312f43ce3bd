import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseChathistory, parseMessageId } from "./index.ts";

const TIME = "2019-01-04T14:34:17.123Z";
const LATER = "2019-01-04T14:34:18.000Z";
const TIME_MS = Date.parse(TIME);
const LATER_MS = Date.parse(LATER);

/** `after..before take limit`, or what the client is told. */
function request(text: string): string {
  const parsed = parseChathistory(text.split(" "), true);
  if ("fault" in parsed) return ["FAIL", parsed.fault, ...parsed.context, `:${parsed.text}`].join(" ");
  if (parsed.kind === "targets") return `targets ${parsed.afterMs}..${parsed.beforeMs} ${parsed.limit}`;
  const { after, before, take, limit } = parsed.page;
  const shown = (place: typeof after): string => (place === undefined ? "" : `${place.by[0]}${place.value}`);
  return `${parsed.target} ${shown(after)}..${shown(before)} ${take} ${limit}`;
}

test("what the subcommands ask for", () => {
  const rows = [
    // "Request up to limit number of messages before and excluding the given timestamp or msgid."
    [`BEFORE bob timestamp=${TIME} 50`, `bob ..t${TIME_MS} newest 50`],
    ["before #a msgid=4711 50", "#a ..s4711 newest 50"],
    // "… after and excluding the given timestamp or msgid."
    ["AFTER #a msgid=4711 50", "#a s4711.. oldest 50"],
    // "… of the most recent messages that have been sent."
    ["LATEST #channel * 50", "#channel .. newest 50"],
    [`LATEST #a timestamp=${TIME} 5`, `#a t${TIME_MS}.. newest 5`],
    // "… with the total number of returned messages not exceeding limit."
    ["AROUND #a msgid=4711 11", "#a s4711.. around 11"],
    // "Counted starting from and excluding the first message selector … forwards or backwards in time."
    ["BETWEEN #a msgid=10 msgid=20 5", "#a s10..s20 oldest 5"],
    ["BETWEEN #a msgid=20 msgid=10 5", "#a s10..s20 newest 5"],
    [`BETWEEN #a timestamp=${LATER} timestamp=${TIME} 5`, `#a t${TIME_MS}..t${LATER_MS} newest 5`],
    [`BETWEEN #a msgid=10 timestamp=${TIME} 5`, `#a s10..t${TIME_MS} oldest 5`],
    [`TARGETS timestamp=${LATER} timestamp=${TIME} 9`, `targets ${TIME_MS}..${LATER_MS} 9`],
    [`TARGETS timestamp=${TIME} timestamp=${LATER} 9`, `targets ${TIME_MS}..${LATER_MS} 9`],
    // Who asks for more than there is at once gets as much as there is.
    ["LATEST #a * 100000", "#a .. newest 500"],
  ] as const;
  for (const [text, expected] of rows) assert.equal(request(text), expected, text);
});

test("what is wrong is told as the specification has it", () => {
  const rows = [
    ["FETCH #a * 5", "FAIL INVALID_PARAMS FETCH :Unknown command"],
    ["constructor #a * 5", "FAIL INVALID_PARAMS constructor :Unknown command"],
    ["", "FAIL INVALID_PARAMS * :Unknown command"],
    ["LATEST #a *", "FAIL INVALID_PARAMS LATEST :Insufficient parameters"],
    ["BETWEEN #a msgid=1 5", "FAIL INVALID_PARAMS BETWEEN :Insufficient parameters"],
    ["LATEST #a * 5 6", "FAIL INVALID_PARAMS LATEST :Too many parameters"],
    ["BEFORE #a timestamp=yesterday 5", "FAIL INVALID_PARAMS BEFORE timestamp=yesterday :Invalid timestamp"],
    ["BEFORE #a * 5", "FAIL INVALID_PARAMS BEFORE * :Invalid message reference"],
    ["BEFORE #a msgid=xyz 5", "FAIL INVALID_PARAMS BEFORE msgid=xyz :Invalid message id"],
    ["BEFORE #a foo=1 5", "FAIL INVALID_MSGREFTYPE BEFORE #a foo=1 :Unknown type of message reference"],
    ["LATEST #a * 0", "FAIL INVALID_PARAMS LATEST #a :Invalid limit"],
    ["LATEST #a * -5", "FAIL INVALID_PARAMS LATEST #a :Invalid limit"],
    ["LATEST #a * many", "FAIL INVALID_PARAMS LATEST #a :Invalid limit"],
    ["LATEST  * 5", "FAIL INVALID_TARGET LATEST * :Messages could not be retrieved"],
    [`TARGETS msgid=1 timestamp=${TIME} 5`, "FAIL INVALID_PARAMS TARGETS msgid=1 :Invalid timestamp"],
    [`TARGETS timestamp=${TIME} timestamp=${TIME} x`, "FAIL INVALID_PARAMS TARGETS :Invalid limit"],
    [`TARGETS timestamp=${TIME} 5`, "FAIL INVALID_PARAMS TARGETS :Insufficient parameters"],
  ] as const;
  for (const [text, expected] of rows) assert.equal(request(text), expected, text);
});

test("only who can make sense of them is given events", () => {
  for (const events of [true, false]) {
    const parsed = parseChathistory(["LATEST", "#a", "*", "5"], events);
    assert.ok("kind" in parsed && parsed.kind === "page");
    assert.equal(parsed.page.events, events);
  }
});

test("a message's identity is its sequence number, written in one way", () => {
  const rows = [
    ["1", 1],
    ["9007199254740991", 2 ** 53 - 1],
    ["9007199254740993", undefined],
    ["99999999999999999", undefined],
    ["0", undefined],
    ["01", undefined],
    ["-1", undefined],
    ["1e3", undefined],
    ["", undefined],
  ] as const;
  for (const [text, sequence] of rows) assert.equal(parseMessageId(text), sequence, text);
});

test("nothing that is sent makes it throw, and what it is told fits into a line", () => {
  const word = fc.oneof(
    fc.constantFrom("LATEST", "BETWEEN", "TARGETS", "*", "msgid=1", `timestamp=${TIME}`, "5", "", ":", ": a"),
    fc.string({ unit: "grapheme", maxLength: 100 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (params) => {
      const parsed = parseChathistory(params, false);
      if (!("fault" in parsed)) return;
      for (const context of parsed.context) {
        assert.match(context, /^[^ :][^ ]*$/);
        assert.ok(context.length <= 64 && context.isWellFormed());
      }
    }),
  );
});
