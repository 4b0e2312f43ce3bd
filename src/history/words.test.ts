import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import fc from "fast-check";
import { type Term, authorTag, foldText, indexedWords, isIn, nameKey, termOf, wordsOf } from "./words.ts";

function found(piece: string, text: string): boolean {
  const term = termOf(piece);
  assert.ok(term, `${piece} has no words`);
  return isIn(term, wordsOf(text));
}

test("words of a text", () => {
  const texts: readonly (readonly [string, string])[] = [
    ["Hello, the WORLD!", "hello the world"],
    ["don't panic", "don t panic"],
    ["Ångström Straße ẞ", "angstrom strasse ss"],
    ["ΟΔΌΣ οδός", "οδοσ οδοσ"],
    ["İstanbul", "istanbul"],
    ["Ёлка ёлка", "елка елка"],
    ["ＡＢＣ　１２３", "abc 123"],
    ["用Docker部署", "用 docker 部署 署"],
    ["中文", "中文 文"],
    ["中，文", "中 文"],
    ["\u{20000}\u{20001}\u{20002}", "\u{20000}\u{20001} \u{20001}\u{20002} \u{20002}"],
    ["ｶﾞｯﾂ", "ガッ ッツ ツ"],
    ["スーパー", "スー ーパ パー ー"],
    ["\u1112\u1161\u11ab\u1100\u1173\u11af", "한글 글"],
    ["ภาษา", "ภา าษ ษา า"],
    ["soft\u00adhyphen zero\u200bwidth", "softhyphen zerowidth"],
    ["ship it 🚀🚀 👩‍💻", "ship it 🚀 🚀 👩 💻"],
    ["हिन्दी", "हिन्दी"],
    ["\ud800 lone \0 nul", "lone nul"],
    ["...", ""],
  ];
  for (const [text, words] of texts) assert.equal(wordsOf(text).join(" "), words, text);
});

test("what is in a text, and what is not", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["the world", "Hello, the World!", true],
    ["hello world", "hello the world", false],
    ["wor", "hello world", false],
    ["STRASSE", "in der Straße", true],
    ["cafe", "un café", true],
    ["résumé", "my resume", true],
    ["部署", "用Docker部署了", true],
    ["docker部署", "我们用Docker部署了", true],
    ["用docker", "我们用Docker部署了", true],
    ["用docker部", "我们用Docker部署了", true],
    ["用docker署", "我们用Docker部署了", false],
    ["们用docker部署了", "我们用Docker部署了", true],
    ["我docker", "我们用Docker部署了", false],
    ["部", "用Docker部署了", true],
    ["署", "部署", true],
    ["了", "部署", false],
    // Pairs of two runs make no third.
    ["中文字", "中文，文字", false],
    ["文文", "中文，文字", false],
    ["北京大学", "北京大大学", false],
    ["京大", "北京大学", true],
    ["abc１２３", "ABC123", true],
    ["ガッツ", "ｶﾞｯﾂがある", true],
    ["カッツ", "ガッツ", false],
    ["한", "\u1112\u1161\u11ab\u1100\u1173\u11af", true],
    ["글을", "한글을 읽다", true],
    ["\u{20001}", "\u{20000}\u{20001}\u{20002}", true],
    ["\u{20000}\u{20002}", "\u{20000}\u{20001}\u{20002}", false],
    ["🚀", "we 🚀 today", true],
    ["🇩🇪", "🇩🇪 and 🇫🇷", true],
    ["🇪🇫", "🇩🇪🇫🇷", false],
  ];
  for (const [piece, text, isThere] of cases)
    assert.equal(found(piece, text), isThere, `${piece} in ${text}`);
  for (const text of ["", "...", "\ud800", "\u200b", " ' "]) assert.equal(termOf(text), undefined, text);
});

/** Few characters, so that pieces meet again; of runs with and without blanks, and what stands between. */
const characters = ["a", "B", "é", "ß", "中", "文", "字", "ガ", "한", "\u{20000}", "1", " ", "，", "-", "🚀"];
const mixed = fc
  .array(fc.constantFrom(...characters), { minLength: 1, maxLength: 12 })
  .map((all) => all.join(""));

test("any piece of a run without blanks is found where it stands, and nowhere else", () => {
  const run = (most: number) =>
    fc.array(fc.constantFrom("中", "文", "字", "\u{20000}", "ガ"), { minLength: 1, maxLength: most });
  fc.assert(
    fc.property(run(8), run(3), (text, piece) => {
      assert.equal(found(piece.join(""), text.join("")), text.join("").includes(piece.join("")));
    }),
    { numRuns: 5000 },
  );
});

/** What the search asks the index for. */
function expressionOf({ words, lastCharacter }: Term): string {
  const parts = words.length > 0 ? [words.join(" ")] : [];
  if (lastCharacter !== undefined) parts.push(`=${lastCharacter}`);
  return parts.map((part) => `"${part}"`).join(" AND ");
}

const WORDS = `CREATE VIRTUAL TABLE words USING fts5(word, content = '', columnsize = 0,
  tokenize = "ascii tokenchars '#+~@='")`;

test("the index finds what is in a text, and but for a last character nothing else", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(WORDS);
  const insert = database.prepare("INSERT INTO words (rowid, word) VALUES (1, ?)");
  const remove = database.prepare("INSERT INTO words (words, rowid, word) VALUES ('delete', 1, ?)");
  const match = database.prepare("SELECT rowid FROM words WHERE words MATCH ?");
  fc.assert(
    fc.property(mixed, mixed, (text, piece) => {
      const term = termOf(piece);
      fc.pre(term !== undefined);
      insert.run(indexedWords(text));
      const isFound = match.get(expressionOf(term)) !== undefined;
      remove.run(indexedWords(text));
      const isThere = isIn(term, wordsOf(text));
      if (isThere) assert.ok(isFound, "missed by the index");
      else if (term.words.length === 0 || term.lastCharacter === undefined)
        assert.ok(!isFound, "a false hit");
    }),
    { numRuns: 5000 },
  );
});

test("a text is found by itself, in any of its forms", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(text, (text) => {
      fc.pre(termOf(text) !== undefined);
      for (const form of [text, text.normalize("NFD"), text.normalize("NFKC"), foldText(text)]) {
        const term = termOf(form);
        if (term !== undefined) assert.ok(isIn(term, wordsOf(text)), JSON.stringify([text, form]));
      }
    }),
    { numRuns: 2000 },
  );
});

test("names that count as the same have one tag, and others have not", () => {
  assert.equal(authorTag(nameKey("Alice[1]")), authorTag(nameKey("alice{1}")));
  assert.equal(authorTag(nameKey("ＡLICE")), authorTag(nameKey("alice")));
  const tags = ["a b", "a-b", "a@b", "ab", "a_b", '"', "a@20@b"].map((name) => authorTag(nameKey(name)));
  assert.equal(new Set(tags).size, tags.length);
  for (const tag of tags) assert.doesNotMatch(tag, /["\s]/);
});

test("an ASCII text, which SQLite cuts itself, is cut as elsewhere", () => {
  using database = new DatabaseSync(":memory:");
  database.exec(`${WORDS}; CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, instance)`);
  const insert = database.prepare("INSERT INTO words (rowid, word) VALUES (?, ?)");
  const words = database.prepare("SELECT term FROM vocabulary WHERE doc = ? ORDER BY offset");
  for (let code = 0; code < 128; code += 1) {
    const character = String.fromCharCode(code);
    const text = `${character}Ab${character}c ${character}${character}1 x${character}`;
    insert.run(code, indexedWords(text));
    const indexed = words.all(code).map(({ term }) => term);
    assert.deepEqual(indexed, wordsOf(text), JSON.stringify(text));
  }
});

test("the short ways of folding and cutting are the long ones", () => {
  // An emoji is in no text that may go the short way.
  const long = (text: string): string => foldText(`${text}🚀`).replace("🚀", "");
  const isCutAlike = (text: string): void =>
    assert.deepEqual(
      indexedWords(`${text}中`).split(" "),
      indexedWords(`${text}中 🚀`)
        .split(" ")
        .filter((word) => word !== "🚀"),
      JSON.stringify(text),
    );
  for (let code = 1; code < 0xd800; code += 1) {
    const character = String.fromCharCode(code);
    assert.equal(foldText(character), long(character), character);
    isCutAlike(`a${character}b${character}`);
  }
  const letter = fc.constantFrom(..."aZßẞÀÿŉĲſŁıŠйЙёЁЩщがガパーはハ々中文한글、。 .".split(""));
  fc.assert(
    fc.property(fc.array(letter, { maxLength: 12 }), (letters) => {
      const text = letters.join("");
      assert.equal(foldText(text), long(text));
      isCutAlike(text);
    }),
    { numRuns: 5000 },
  );
});

test("no script without blanks has a letter below the Thai ones", () => {
  const first =
    /^[[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]&&[\p{L}\p{N}\p{M}]]/v;
  for (let code = 1; code < 0x0e00; code += 1) {
    const folded = foldText(String.fromCharCode(code));
    for (const character of folded)
      assert.ok(!first.test(character) || character.charCodeAt(0) >= 0x0e00, code.toString(16));
  }
});
