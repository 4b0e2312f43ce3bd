import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanDisplayName, cleanRoomName, foldNick } from "./index.ts";
import { NameIndex, skeletons } from "./nameIndex.ts";

/** Whether one of them keeps the other from being taken by somebody else. */
function collide(first: string, second: string): boolean {
  const names = new NameIndex<string>();
  assert.ok(names.take(first, "first"));
  return !names.isFree(second, "second");
}

test("which names are taken for one another", () => {
  const cases: readonly (readonly [first: string, second: string, collide: boolean])[] = [
    // ASCII: rfc1459 and nothing else.
    ["alice", "ALICE", true],
    ["a[b]\\^", "a{b}|~", true],
    ["alice", "al1ce", false],
    ["alice", "a|ice", false],
    ["Iris", "lris", false],
    ["mike", "rnike", false],
    ["b0b", "bob", false],
    // The same in another spelling.
    ["Zoë", "zoË", true],
    ["Zoë", "zoe\u0308", true],
    ["straße", "STRASSE", true],
    ["Ана", "АНА", true],
    ["Zoë", "Zoe", false],
    ["小明", "小名", false],
    // Fullwidth, mathematical, circled, superscript.
    ["alice", "ａｌｉｃｅ", true],
    ["ALICE", "ａｌｉｃｅ", true],
    ["alice", "\u{1d41a}\u{1d425}\u{1d422}\u{1d41c}\u{1d41e}", true],
    ["alice", "\u{1d5d4}\u{1d5df}ice", true],
    ["ABC", "ⓐⓑⓒ", true],
    ["abc", "ᵃᵇᶜ", true],
    // Cyrillic, Greek, Armenian, Cherokee.
    ["paypal", "раура\u04cf", true],
    ["PAYPAL", "раура\u04cf", true],
    ["scope", "ѕсоре", true],
    ["bob", "ВОВ", true],
    ["BOB", "ВОВ", true],
    ["HOPE", "НОРЕ", true],
    ["hope", "НОРЕ", true],
    ["Kate", "ΚΑΤΕ", true],
    ["nou", "ոօս", true],
    ["DAVID", "ᎠᎪᏙᎥᎠ", true],
    ["DWA", "ᎠᎳᎪ", true],
    ["оно", "oʜo", true],
    // Digits, and letters that look like two.
    ["alіce1", "аlісеl", true],
    ["Ol", "О1", true],
    ["al1ce", "а\u04cfі\u0441\u0435", false],
    ["alice", "\u0430\u04cf\u0456\u0441\u0435", true],
    ["al1ce", "\u0430\u04cf1\u0441\u0435", true],
    ["modern", "rnodеrn", true],
    ["café", "саfé", true],
    // What is not seen does not tell two names apart.
    ["❤", "❤\ufe0f", true],
    ["می\u200cخ", "میخ", true],
    // Rooms.
    ["#alice", "#аlісе", true],
    ["#al1ce", "#alice", false],
    ["#чат", "#чат", true],
    ["#чат", "#чaт", true],
    ["#lobby", "lobby", false],
  ];
  for (const [first, second, expected] of cases) {
    assert.equal(collide(first, second), expected, `${first} ${second}`);
    assert.equal(collide(second, first), expected, `${second} ${first}`);
  }
});

test("whoever has a name may take it again, and what looks like it", () => {
  const names = new NameIndex<number>();
  assert.ok(names.take("alice", 1));
  assert.ok(names.take("Alice", 1));
  assert.ok(names.take("\u0430lі\u0441\u0435", 1));
  assert.equal(names.take("ａlice", 2), false);
  assert.equal(names.ownerOf("ALICE"), 1);
  assert.equal(names.ownerOf("al1ce"), undefined);
  names.release("alice", 1);
  assert.equal(names.take("alice", 2), false);
  names.release("Alice", 1);
  assert.equal(names.ownerOf("alice"), undefined);
  assert.equal(names.take("alice", 2), false, "the look-alike is there still");
  names.release("\u0430lі\u0441\u0435", 1);
  assert.ok(names.take("alice", 2));
  assert.equal(names.ownerOf("alice"), 2);
});

test("two nicks beside each other keep a look-alike of both from everybody", () => {
  const names = new NameIndex<number>();
  assert.ok(names.take("alice", 1));
  assert.ok(names.take("a1ice", 2));
  for (const owner of [1, 2, 3]) assert.equal(names.isFree("\u0430\u04cf\u0456\u0441\u0435", owner), false);
  names.release("a1ice", 2);
  assert.equal(names.isFree("\u0430\u04cf\u0456\u0441\u0435", 1), true);
});

test("only who has a name gives it back, and only that", () => {
  const names = new NameIndex<number>();
  names.take("alice", 1);
  assert.throws(() => names.release("ALICE", 1));
  assert.throws(() => names.release("alice", 2));
  assert.throws(() => names.release("bob", 1));
  names.release("alice", 1);
  assert.throws(() => names.release("alice", 1));
});

const letters = fc.constantFrom(..."aAiIl1|oO0еЕіІаАВвОоӏ[]{}éÉ\u0301ｌℓſßΑα中❤");
const words = fc.array(letters, { minLength: 1, maxLength: 4 }).map((characters) => characters.join(""));
const someNames = words.map((word) => cleanDisplayName(word) ?? cleanRoomName(`#${word}`) ?? "guest");

test("to collide is mutual, and of ASCII names only the same do", () => {
  let collisions = 0;
  fc.assert(
    fc.property(someNames, someNames, (first, second) => {
      const result = collide(first, second);
      assert.equal(collide(second, first), result);
      const isSame = foldNick(first) === foldNick(second);
      if (/^[\0-\x7f]*$/.test(first + second)) assert.equal(result, isSame);
      else
        assert.equal(
          result,
          skeletons(first).some((skeleton) => skeletons(second).includes(skeleton)),
        );
      if (result && !isSame) collisions += 1;
      assert.ok(collide(first, first));
    }),
    { numRuns: 3000 },
  );
  assert.ok(collisions > 0, `only ${collisions} collided`);
});

test("the index says what looking through all names would say", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), someNames, fc.nat(3)), { maxLength: 40 });
  fc.assert(
    fc.property(steps, (steps) => {
      const names = new NameIndex<number>();
      let taken: { name: string; owner: number }[] = [];
      for (const [isTaking, name, owner] of steps) {
        if (isTaking) {
          const isFree = taken.every((each) => each.owner === owner || !collide(each.name, name));
          assert.equal(names.take(name, owner), isFree);
          if (isFree) taken.push({ name, owner });
        } else {
          const found = taken.find((each) => each.owner === owner);
          if (found === undefined) continue;
          names.release(found.name, owner);
          taken = taken.filter((each) => each !== found);
        }
      }
      for (const { name, owner } of taken) {
        assert.equal(names.ownerOf(name), owner);
        names.release(name, owner);
      }
      for (const [, name] of steps) assert.ok(names.isFree(name, 9));
    }),
    { numRuns: 300 },
  );
});
