import assert from "node:assert/strict";
import { test } from "node:test";
import { ImportRequests } from "./importRequests.ts";

test("an import fails with the process that has it, not with the one before", () => {
  const requests = new ImportRequests();
  const told: string[] = [];
  const ask = (path: string): void => requests.add(path, ({ type }) => told.push(`${path} ${type}`));
  ask("/one");
  assert.deepEqual(requests.take(3), [{ type: "import", id: 1, path: "/one" }]);
  assert.deepEqual(requests.take(3), []);
  ask("/two");
  // Its successor is ready before the old one is gone.
  assert.deepEqual(requests.take(4), [{ type: "import", id: 2, path: "/two" }]);
  ask("/three");
  requests.fail(3, "ended");
  assert.deepEqual(told, ["/one importFailed"]);
  requests.report({ type: "importing", id: 2, phase: "checking", lines: 500 });
  requests.report({ type: "imported", id: 2, stored: 1, skipped: 0, renumbered: false });
  requests.fail(4, "ended");
  assert.deepEqual(told.slice(1), ["/two importing", "/two imported"]);
  assert.deepEqual(requests.take(5), [{ type: "import", id: 3, path: "/three" }]);
  requests.fail(5, "ended");
  assert.equal(told.at(-1), "/three importFailed");
});
