import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { faultOfNewPassword, preparePassword } from "./passwords.ts";

/* Section 3 of RFC 4013, but for its last example, which is about directions of writing. */
test("the examples of SASLprep", () => {
  const examples: [string, string | undefined][] = [
    ["I\u00adX", "IX"],
    ["user", "user"],
    ["USER", "USER"],
    ["\u00aa", "a"],
    ["\u2168", "IX"],
    ["\u0007", undefined],
  ];
  for (const [text, prepared] of examples) assert.equal(preparePassword(text), prepared);
});

test("a password is the same however it is typed", () => {
  assert.equal(preparePassword("cafe\u0301\u3000cr\u00e8me"), preparePassword("caf\u00e9 cr\u00e8me"));
  for (const none of ["", "\u00ad\u200b", "a\ud800", "a\ue000b", "a\u202eb", "tab\there", "a\uffffb"])
    assert.equal(preparePassword(none), undefined, JSON.stringify(none));
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const prepared = preparePassword(text);
      if (prepared !== undefined) assert.equal(preparePassword(prepared), prepared);
    }),
  );
});

test("a new password is neither short nor long nor the name", () => {
  const fault = (text: string): string => faultOfNewPassword(text, "Alice[home]") ?? "none";
  assert.match(fault(""), /at least 8 characters/);
  assert.match(fault("1234567"), /at least 8 characters/);
  assert.match(fault("1234567\u00ad"), /at least 8 characters/);
  assert.equal(fault("12345678"), "none");
  assert.equal(fault("\u{1f600}".repeat(8)), "none");
  assert.equal(fault("x".repeat(200)), "none");
  assert.match(fault("x".repeat(201)), /200 bytes/);
  assert.match(fault("\u00e9".repeat(101)), /200 bytes/);
  assert.match(fault("aLICE{HOME}"), /the name of the account is no password/);
  assert.match(fault("12345678\n"), /control characters/);
});
