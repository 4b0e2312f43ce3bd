import assert from "node:assert/strict";
import { test } from "node:test";
import { foldName, isDisplayName, isNick } from "./index.ts";

test("a nick is ASCII by IRC's grammar, of 1 to 24 characters", () => {
  for (const nick of ["a", "guest1", "[x]", "_-_", "^", "{|}`\\", "a".repeat(24)])
    assert.equal(isNick(nick), true, nick);
  for (const nick of ["", "1a", "-a", "a b", "naïve", "小明", "a\n", "a~", "a.b", "a".repeat(25)])
    assert.equal(isNick(nick), false, nick);
});

test("a display name is of any script, of 1 to 32 code points, and safe to show", () => {
  for (const name of ["小明", "Alice Smith", "9 lives", "😀".repeat(32), "e\u0301", "👩‍👩‍👧"])
    assert.equal(isDisplayName(name), true, name);
  for (const name of [
    "",
    " a",
    "a ",
    "\u3000a",
    "a\tb",
    "a\nb",
    "a\u007fb",
    "a\u009bb",
    "a\u2028b",
    "x".repeat(33),
  ])
    assert.equal(isDisplayName(name), false, JSON.stringify(name));
  for (const name of ["a\u202eb", "a\u2066b", "😀".repeat(33), "a\ud800"])
    assert.equal(isDisplayName(name), false, JSON.stringify(name));
});

test("names are folded as rfc1459 says, and other scripts left alone", () => {
  assert.equal(foldName("AZaz09[\\]^_"), "azaz09{|}~_");
  assert.equal(foldName("ÄÖ小İ😀"), "ÄÖ小İ😀");
});
