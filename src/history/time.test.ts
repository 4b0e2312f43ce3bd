import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { TIME_MS_MAX, formatIso, parseDate } from "./time.ts";

test("every moment is written as Date writes it, and read back", () => {
  const moment = fc.integer({ min: 0, max: TIME_MS_MAX });
  fc.assert(
    fc.property(moment, (timeMs) => {
      assert.equal(formatIso(timeMs), new Date(timeMs).toISOString());
      assert.equal(parseDate(formatIso(timeMs)), timeMs);
    }),
    { numRuns: 2000 },
  );
  for (const year of [1970, 1999, 2000, 2024, 2100]) {
    for (let day = 0; day < 366; day += 1) {
      const timeMs = Date.UTC(year, 0, 1 + day, 23, 59, 59, 999);
      assert.equal(formatIso(timeMs), new Date(timeMs).toISOString());
    }
  }
});

test("a date may be a year, a month, a day or a moment, with an offset or in UTC", () => {
  const dates: readonly (readonly [string, string])[] = [
    ["2026", "2026-01-01T00:00:00.000Z"],
    ["2026-11", "2026-11-01T00:00:00.000Z"],
    ["2026-11-25", "2026-11-25T00:00:00.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2026-11-25T06:12", "2026-11-25T06:12:00.000Z"],
    ["2026-11-25 06:12:22", "2026-11-25T06:12:22.000Z"],
    ["2026-11-25T06:12:22.5Z", "2026-11-25T06:12:22.500Z"],
    ["2026-11-25T06:12:22+05:30", "2026-11-25T00:42:22.000Z"],
    ["2026-11-25T23:12-0130", "2026-11-26T00:42:00.000Z"],
  ];
  for (const [text, iso] of dates) assert.equal(formatIso(parseDate(text)!), iso, text);
  for (const text of [
    "",
    "26",
    "2026-13",
    "2026-00",
    "2026-02-30",
    "2025-02-29",
    "2026-11-25T24:00",
    "2026-11-25T06:60",
    "2026-11-25T06",
    "2026-11-25T06:12+25:00",
    "2026-11-25x",
    "0026-01-01",
  ])
    assert.equal(parseDate(text), undefined, text);
});
