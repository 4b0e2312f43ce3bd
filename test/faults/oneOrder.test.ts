import assert from "node:assert/strict";
import { test } from "node:test";
import { OneOrder, numberedLine } from "../support/oneOrder.ts";

/** What others see of a talker's line. */
function heard(talker: string, number: number): string {
  return `<${talker}> ${numberedLine(talker, number)}`;
}

const [A1, A2, A3] = [heard("ann", 1), heard("ann", 2), heard("ann", 3)];
const [B1, B2] = [heard("ben", 1), heard("ben", 2)];

/** Ann and Ben talk, two others listen. @param lines what each of them hears, in any order among them */
function conversation(...lines: readonly (readonly ["ann" | "ben" | "carl" | "dora", string])[]): OneOrder {
  const order = new OneOrder(["ann", "ben"]);
  const listeners = ["ann", "ben", "carl", "dora"].map((name) => [name, order.join(name)] as const);
  const indexes = new Map(listeners);
  for (const [name, line] of lines) order.hear(indexes.get(name)!, line);
  return order;
}

test("everybody hears the others' lines in one order, whoever is the first to hear them", () => {
  const order = conversation(
    ...[B1, B2].map((line) => ["ann", line] as const),
    ...[A1, B1, A2, B2].map((line) => ["carl", line] as const),
    ...[A1, A2].map((line) => ["ben", line] as const),
    ...[A1, B1, A2].map((line) => ["dora", line] as const),
  );
  assert.equal(order.lines, 4);
  assert.equal(order.everywhere, 3, "dora has not heard the last");
  order.trim();
  order.hear(3, B2);
  order.hear(3, A3);
  assert.deepEqual([order.lines, order.lastOf("ann"), order.lastOf("ben")], [5, 3, 2]);
  // What comes next is Ann's own line, which she never hears.
  assert.equal(order.everywhere, 4);
});

for (const [fault, lines] of [
  ["lost for all", [A1, A3]],
  ["said twice", [A1, A1]],
  ["torn", [A1, A2.slice(0, -1)]],
  ["torn at its beginning", [A1, A2.slice(3)]],
  ["somebody else's", [A1, `<eve> ${numberedLine("eve", 1)}`]],
] as const) {
  test(`a line that is ${fault} is found`, () => {
    assert.throws(
      () => conversation(...lines.map((line) => ["carl", line] as const)),
      /not the next line|nobody can/,
    );
  });
}

test("what one alone does not hear, or hears elsewhere, is found", () => {
  const all = [A1, B1, A2].map((line) => ["carl", line] as const);
  for (const lines of [
    [B1, A1],
    [A1, A2],
    [A1, A1],
  ]) {
    const another = lines.map((line) => ["dora", line] as const);
    assert.throws(() => conversation(...all, ...another), /dora heard another line/);
  }
  assert.throws(() => conversation(...all, ["ben", A1], ["ben", A1]), /ben heard another line/);
});

test("what a talker hears before all others is checked when they hear it", () => {
  const order = conversation(["ann", B2], ["carl", A1], ["carl", B1]);
  assert.throws(() => order.everywhere, /ann heard another line/);
});
