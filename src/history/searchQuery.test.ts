import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type SearchQuery, parseSearch } from "./searchQuery.ts";

const NOW_MS = Date.UTC(2026, 10, 25, 6, 12, 22);
const HOUR_MS = 3_600_000;

function understood(text: string): SearchQuery {
  const query = parseSearch(text, NOW_MS);
  assert.ok(!("error" in query), `${text}: ${"error" in query ? query.error : ""}`);
  return query;
}

function words(text: string): { all: string[]; none: string[] } {
  const { terms, excludedTerms } = understood(text);
  return {
    all: terms.map((term) => term.words.join(" ")),
    none: excludedTerms.map((term) => term.words.join(" ")),
  };
}

test("words, phrases and what is left out", () => {
  assert.deepEqual(words("Hello  world"), { all: ["hello", "world"], none: [] });
  assert.deepEqual(words('"hello world" x'), { all: ["hello world", "x"], none: [] });
  assert.deepEqual(words("“hello world” „x y”"), { all: ["hello world", "x y"], none: [] });
  assert.deepEqual(words('a -b -"c d"'), { all: ["a"], none: ["b", "c d"] });
  assert.deepEqual(words("well-known a--b"), { all: ["well known", "a b"], none: [] });
  assert.deepEqual(words("用Docker　http://x.org/y"), { all: ["用 docker", "http x org y"], none: [] });
  assert.deepEqual(words('NEAR(a b) OR* {x}: "a AND"'), {
    all: ["near a", "b", "or", "x", "a and"],
    none: [],
  });
});

test("from: and in:, any of those that are named", () => {
  const query = understood('from:Alice FROM:"Bob B" in:#Lobby in:#garden -from:carol -in:#cellar');
  assert.deepEqual(query.authors, ["alice", "bob b"]);
  assert.deepEqual(query.excludedAuthors, ["carol"]);
  assert.deepEqual(query.rooms, ["#lobby", "#garden"]);
  assert.deepEqual(query.excludedRooms, ["#cellar"]);
  assert.deepEqual(understood("from：小明").authors, ["小明"]);
});

test("before: and after:, as dates and as times ago", () => {
  const times: readonly (readonly [string, number | undefined, number | undefined])[] = [
    ["x after:2026-11", Date.UTC(2026, 10, 1), undefined],
    ["x before:2026", undefined, Date.UTC(2026, 0, 1)],
    ["x after:2026-11-24T12:00Z before:2026-11-25", Date.UTC(2026, 10, 24, 12), Date.UTC(2026, 10, 25)],
    ["x after:3d", NOW_MS - 72 * HOUR_MS, undefined],
    ["x after:2w before:12hago", NOW_MS - 336 * HOUR_MS, NOW_MS - 12 * HOUR_MS],
    ["x after:2025 after:2026 before:2028 before:2027", Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1)],
    ['x after:"2026-11-24 12:00"', Date.UTC(2026, 10, 24, 12), undefined],
  ];
  for (const [text, sinceMs, untilMs] of times) {
    const query = understood(text);
    assert.deepEqual([query.sinceMs, query.untilMs], [sinceMs, untilMs], text);
  }
});

test("limit:, of what is found", () => {
  assert.equal(understood("x").limit, undefined);
  assert.equal(understood("x limit:5").limit, 5);
});

test("what cannot be understood is answered by a sentence", () => {
  const errors: readonly (readonly [string, RegExp])[] = [
    ["", /say what to look for/],
    ["   ", /say what to look for/],
    ["-x", /say what to look for/],
    ["after:2026", /say what to look for/],
    ['"hello', /no second quote after “hello”/],
    ['""', /nothing between the quotes/],
    ["x -", /a word has to follow the -/],
    ["+++", /“\+\+\+” has no letter or digit/],
    ["from:", /from: needs a name/],
    ['in:""', /in: needs a room/],
    ["x before:", /before: needs a date/],
    ["x limit:0", /limit: needs a number/],
    ["x -limit:5", /limit: needs a number/],
    ["x before:yesterday", /“yesterday” is no date/],
    ["x after:2026-02-30", /“2026-02-30” is no date/],
    ["x after:3m", /“3m” is no date/],
    ["x -after:2026", /-after: does not exist; before: says the opposite/],
    ["x after:2026 before:2025", /leave nothing between them/],
    ["x ".repeat(25), /at most 24 words/],
    ["x".repeat(501), /at most 500 characters; this one has 501/],
  ];
  for (const [text, sentence] of errors) {
    const query = parseSearch(text, NOW_MS);
    assert.ok("error" in query, text);
    assert.match(query.error, sentence, text);
  }
});

test("whatever is typed is understood or answered", () => {
  const piece = fc.oneof(
    fc.constantFrom('"', "-", ":", "from:", "in:", "before:", " ", "“", "3d"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const query = parseSearch(pieces.join(""), NOW_MS);
      if ("error" in query) assert.match(query.error, /\S/);
      else assert.ok(query.terms.length + query.authors.length + query.rooms.length > 0);
    }),
    { numRuns: 2000 },
  );
});
