import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSearch } from "./index.ts";

const NOTHING = {
  in: undefined,
  from: undefined,
  afterMs: undefined,
  beforeMs: undefined,
  text: undefined,
  limit: 500,
};

test("the specification's examples", () => {
  const rows = [
    ["from=jackie;in=#chan", { from: "jackie", in: "#chan" }],
    ["text=fast;in=#chan;limit=2", { text: "fast", in: "#chan", limit: 2 }],
    ["before=2010-01-01T00:00:00.000Z;in=#chan", { beforeMs: Date.UTC(2010, 0, 1), in: "#chan" }],
    ["text=be\\swhat\\:", { text: "be what;" }],
    ["after=2010-01-01T00:00:00.000Z", { afterMs: Date.UTC(2010, 0, 1) }],
    ["limit=9999;text=", { limit: 500 }],
    ["", {}],
  ] as const;
  for (const [text, expected] of rows)
    assert.deepEqual(parseSearch([text]), { ...NOTHING, ...expected }, text);
  assert.deepEqual(parseSearch([]), NOTHING);
});

test("attributes that are not known, or mean nothing, are told", () => {
  for (const [text, name] of [
    ["colour=red;text=a", "colour"],
    ["after=now", "after"],
    ["before=", "before"],
    ["limit=0", "limit"],
  ] as const)
    assert.deepEqual(parseSearch([text]), {
      fault: "INVALID_PARAMS",
      context: [name],
      text: "Invalid parameters",
    });
});
