import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { batch, entry } from "../../test/support/history.ts";
import { FIRST_SEQUENCE, HistoryStore } from "../history/index.ts";
import { historyPath, openHistory } from "./historyDatabase.ts";
import { finishPast } from "./past.ts";
import { StartError } from "./startError.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** One entry, and then what is done to the file. */
function makeHistory(sql: string): void {
  using database = openHistory(directory);
  new HistoryStore(database).write(batch([entry(FIRST_SEQUENCE)]));
  database.exec(sql);
}

function finish(): ReturnType<typeof finishPast> {
  const log = (): void => assert.fail("nothing is to be told");
  return finishPast(join(directory, "segment"), { data: directory, history: {}, log });
}

test("a history is gone on from", () => {
  makeHistory("");
  const { nextSequence, timeMs } = finish();
  assert.deepEqual([nextSequence, timeMs], [FIRST_SEQUENCE + 1, FIRST_SEQUENCE * 1000]);
});

test("a damaged history is a sentence that says which file, why, and what to do", () => {
  const damages: readonly (readonly [() => void, RegExp])[] = [
    [() => writeFileSync(historyPath(directory), "x".repeat(10_000)), /file is not a database/],
    [() => makeHistory("DROP TABLE progress"), /no such table: progress/],
    [() => makeHistory("DROP TABLE state"), /no such table: /],
    [() => makeHistory("INSERT INTO state VALUES ('root', x'00')"), /cannot be read: /],
  ];
  for (const [damage, reason] of damages) {
    damage();
    assert.throws(finish, (error) => {
      assert.ok(error instanceof StartError, String(error));
      assert.match(error.message, reason);
      assert.match(error.message, /^the history .*history\.sqlite cannot be /);
      assert.match(error.message, /put a copy that "chorus backup" made in its place$/);
      return true;
    });
    for (const file of readdirSync(directory)) rmSync(join(directory, file));
  }
});
