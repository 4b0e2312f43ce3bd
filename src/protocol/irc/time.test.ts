import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatTime, parseTime } from "./index.ts";

test("the second before 1970 is one like any other, also as the first that is ever written", () => {
  assert.equal(formatTime(-500), "1969-12-31T23:59:59.500Z");
});

const YEAR_10000_MS = Date.UTC(10_000, 0, 1);

test("times are written as the platform writes them, and read again", () => {
  const time = fc
    .integer({ min: Date.UTC(1, 0, 1) - 2 ** 36, max: YEAR_10000_MS - 1 })
    .filter((timeMs) => timeMs > -62e12);
  fc.assert(
    fc.property(fc.array(fc.oneof(time, fc.integer({ min: 0, max: 5000 })), { minLength: 1 }), (times) => {
      for (const timeMs of times) {
        const text = formatTime(timeMs);
        assert.equal(text, new Date(timeMs).toISOString());
        assert.equal(parseTime(text), timeMs);
      }
    }),
  );
});

test("YYYY-MM-DDThh:mm:ss.sssZ, and nothing else", () => {
  const rows = [
    ["2019-01-04T14:33:26.123Z", Date.UTC(2019, 0, 4, 14, 33, 26, 123)],
    ["2019-01-04T14:33:26Z", Date.UTC(2019, 0, 4, 14, 33, 26)],
    ["2019-01-04T14:33:26.5Z", Date.UTC(2019, 0, 4, 14, 33, 26, 500)],
    ["2019-01-04T14:33:26.123456Z", Date.UTC(2019, 0, 4, 14, 33, 26, 123)],
    ["2012-06-30T23:59:60.419Z", Date.UTC(2012, 6, 1, 0, 0, 0, 419)],
    ["2024-02-29T00:00:00.000Z", Date.UTC(2024, 1, 29)],
    ["2023-02-29T00:00:00.000Z", undefined],
    ["2023-04-31T00:00:00.000Z", undefined],
    ["2023-13-01T00:00:00.000Z", undefined],
    ["2023-00-10T00:00:00.000Z", undefined],
    ["2023-01-01T24:00:00.000Z", undefined],
    ["2023-01-01T00:60:00.000Z", undefined],
    ["2023-01-01 00:00:00.000Z", undefined],
    ["2023-01-01T00:00:00.000+01:00", undefined],
    ["2023-01-01T00:00:00.000", undefined],
    ["1546612406", undefined],
    ["", undefined],
  ] as const;
  for (const [text, timeMs] of rows) assert.equal(parseTime(text), timeMs, text);
});
