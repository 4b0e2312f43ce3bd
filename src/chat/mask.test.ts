import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { foldNick, matchesMask, normaliseMask } from "./index.ts";

test("a mask is matched", () => {
  const rows = [
    ["*", "", true],
    ["*", "anything", true],
    ["", "", true],
    ["", "a", false],
    ["?", "", false],
    ["?", "a", true],
    ["?", "🎉", true],
    ["??", "🎉", false],
    ["*!*@127.0.0.1", "coolguy!ab@127.0.0.1", true],
    ["*!*@127.0.0.1", "coolguy!ab@127.0.0.5", false],
    ["cool*!*@*", "coolguy!ab@127.0.0.1", true],
    ["cool!*@*", "coolguy!ab@127.0.0.1", false],
    ["cool!?username@*", "cool!ausername@127.0.0.1", true],
    ["cool!?username@*", "cool!username@127.0.0.1", false],
    ["cool!*@*", "cool!ab@127.0.0.1", true],
    ["a*b*c", "aXbXbXc", true],
    ["a*b*c", "aXbXbX", false],
    ["*ab", "aab", true],
    ["BOB!*@*", "bob!x@y", true],
    ["[bob]^\\!*@*", "{BOB}~|!x@y", true],
    ["É*", "é", false],
  ] as const;
  for (const [mask, text, matches] of rows) assert.equal(matchesMask(mask, text), matches, `${mask} ${text}`);
});

/** By what the signs mean, in as many ways as there are. */
function matchesNaively(mask: readonly string[], text: readonly string[]): boolean {
  const [sign, ...signs] = mask;
  if (sign === undefined) return text.length === 0;
  if (sign === "*")
    return text.some((_, index) => matchesNaively(signs, text.slice(index))) || matchesNaively(signs, []);
  const [character, ...characters] = text;
  if (character === undefined || (sign !== "?" && sign !== character)) return false;
  return matchesNaively(signs, characters);
}

test("it finds what the definition finds", () => {
  const unit = fc.constantFrom("a", "b", "A", "[", "{", "🎉", "*", "?");
  fc.assert(
    fc.property(
      fc.string({ unit, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom("a", "b", "B", "]", "}", "🎉"), maxLength: 8 }),
      (mask, text) => {
        const expected = matchesNaively([...foldNick(mask)], [...foldNick(text)]);
        assert.equal(matchesMask(mask, text), expected);
      },
    ),
    { numRuns: 1000 },
  );
});

test("many stars cost no more than mask times text", () => {
  const stars = `${"*a".repeat(200)}b`;
  assert.equal(matchesMask(stars, "a".repeat(5000)), false);
});

test("parts of a mask that are left out are made whole, once", () => {
  const rows = [
    ["bob", "bob!*@*"],
    ["*@host", "*!*@host"],
    ["a!b", "a!b@*"],
    ["a!b@c", "a!b@c"],
    ["user@host", "*!user@host"],
    ["a!@h", "a!*@h"],
    ["a!", "a!*@*"],
    ["!x", "*!x@*"],
    ["@", "*!*@*"],
    ["", "*!*@*"],
    ["10.0.0.*", "*!*@10.0.0.*"],
    ["2001:db8::*", "*!*@2001:db8::*"],
    ["***!**@*", "*!*@*"],
    ["bob and more", "bob!*@*"],
  ] as const;
  for (const [text, mask] of rows) assert.equal(normaliseMask(text), mask, text);
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "!", "@", "*", "?", ".", " "), maxLength: 10 }),
      (text) => {
        const mask = normaliseMask(text);
        assert.match(mask, /^[^ ]+![^ ]+@[^ ]+$/);
        assert.equal(normaliseMask(mask), mask);
      },
    ),
  );
});
