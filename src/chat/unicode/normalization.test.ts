import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { prototype } from "./confusables.ts";
import { foldCase, foldCompatibly, toNfc, toNfd, toNfkc, toNfkd } from "./normalization.ts";
import { kindOf, scriptsOf } from "./properties.ts";

const FORMS = { NFC: toNfc, NFD: toNfd, NFKC: toNfkc, NFKD: toNfkd };

const REFUSED =
  /\p{Cc}|\p{Cf}|\p{Cs}|\p{Co}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}|[\ufffc\ufffd\u2800]/u;
const BLANK_TO_THE_EYE = /[\u{1d159}\u{13441}\u{13442}\u{16fe4}]/u;

/** Assigned in the Unicode of the tables and in that of this Node. */
const characters: readonly string[] = Array.from({ length: 0x110000 }, (_, codePoint) => codePoint)
  .filter((codePoint) => codePoint < 0xd800 || codePoint > 0xdfff)
  .map((codePoint) => String.fromCodePoint(codePoint))
  .filter(
    (character) =>
      !/\p{Cn}/u.test(character) &&
      (kindOf(character.codePointAt(0)!) !== "refused" ||
        REFUSED.test(character) ||
        BLANK_TO_THE_EYE.test(character)),
  );

test("the tables and this Node have nearly all of Unicode in common", () => {
  assert.ok(characters.length > 280_000, String(characters.length));
});

test("every character is normalized as ICU does it", () => {
  for (const [form, normalize] of Object.entries(FORMS))
    for (const character of characters)
      if (normalize(character) !== character.normalize(form))
        assert.fail(`${form} of U+${character.codePointAt(0)!.toString(16)}`);
});

test("so is every sequence of letters, marks and jamo", () => {
  const composing = characters.filter((character) => {
    const decomposed = character.normalize("NFKD");
    return /\p{M}/u.test(character) || (decomposed !== character && !/[가-힣]/u.test(character));
  });
  const parts = [...new Set(composing.flatMap((character) => [character, ...character.normalize("NFD")]))];
  const anything = fc.oneof(
    fc.constantFrom(...parts),
    fc.constantFrom(..."aeioAEO\u0301\u0308\u0323\u0345\u0334\u094d\u093c"),
    fc.integer({ min: 0x1100, max: 0x11ff }).map((codePoint) => String.fromCodePoint(codePoint)),
    fc.integer({ min: 0xac00, max: 0xd7a3 }).map((codePoint) => String.fromCodePoint(codePoint)),
  );
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 8 }), (sequence) => {
      const text = sequence.join("");
      for (const [form, normalize] of Object.entries(FORMS))
        assert.equal(normalize(text), text.normalize(form));
    }),
    { numRuns: 5000 },
  );
});

test("case is folded as regular expressions without case see it", () => {
  for (const character of characters) {
    const folded = foldCase(character);
    if (folded === character) continue;
    // Several characters are of full case folding, which regular expressions leave out: their capitals tell.
    const isSame =
      [...folded].length === 1 ? new RegExp(`^\\u{${hex(folded)}}$`, "iu").test(character) : false;
    if (!isSame) assert.equal(folded.toUpperCase(), character.toLowerCase().toUpperCase(), hex(character));
  }
});

test("capitals and small letters are the same when folded, but for the two dotted and dotless", () => {
  const different = characters.filter(
    (character) =>
      foldCase(character.toUpperCase()) !== foldCase(character) ||
      foldCase(character.toLowerCase()) !== foldCase(character),
  );
  assert.deepEqual(different, ["ı"]);
});

test("what is folded stays as it is", () => {
  for (const character of characters) {
    const folded = foldCompatibly(character);
    if (foldCompatibly(folded) !== folded) assert.fail(hex(character));
  }
});

test("every character is of its kind and its scripts", () => {
  const kinds = {
    letter: /\p{L}/u,
    number: /\p{N}/u,
    mark: /\p{Mn}|\p{Me}/u,
    "spacing mark": /\p{Mc}/u,
    blank: /\p{Zs}/u,
    symbol: /\p{P}|\p{S}/u,
    picture: /\p{Extended_Pictographic}/u,
  };
  const scripts = new Map<string, RegExp>();
  for (const character of characters) {
    const kind = kindOf(character.codePointAt(0)!);
    if (kind === "refused") continue;
    if (!kinds[kind].test(character)) assert.fail(`U+${hex(character)} is no ${kind}`);
    for (const script of scriptsOf(character.codePointAt(0)!)) {
      if (!scripts.has(script)) scripts.set(script, new RegExp(`\\p{Script_Extensions=${script}}`, "u"));
      if (!scripts.get(script)!.test(character)) assert.fail(`U+${hex(character)} is not of ${script}`);
    }
  }
  assert.ok(scripts.size > 150);
});

test("what looks the same has one prototype, which looks like itself", () => {
  const cases = [
    ["аӏісе", "alice"],
    ["\u{1d41a}ｂⅽ", "abc"],
    ["m", "rn"],
    ["1Il|", "llll"],
    ["0", "O"],
    ["é\u200b\ufe0f", "e\u0301"],
    ["小明", "小明"],
  ] as const;
  for (const [text, expected] of cases) assert.equal(prototype(text), expected);
  // ASCII alone is answered without the table: with another letter, by it.
  for (let code = 0x20; code < 0x7f; code += 1) {
    const character = String.fromCharCode(code);
    assert.equal(`${prototype(character)}小`, prototype(`${character}小`));
  }
  for (const character of characters) {
    const once = prototype(character);
    if (prototype(once) !== once) assert.fail(hex(character));
  }
});

function hex(character: string): string {
  return character.codePointAt(0)!.toString(16);
}
