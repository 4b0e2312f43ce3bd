import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { batch, entry } from "../../test/support/history.ts";
import { HistoryStore } from "../history/index.ts";
import type { HistoryResult } from "../server/index.ts";
import { openHistory } from "./historyDatabase.ts";
import { HistoryQueries } from "./historyQueries.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "chorus-test-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const REFUSAL = "the history cannot be read at the moment";

function makeHistory(): void {
  using database = openHistory(directory);
  new HistoryStore(database).write(batch([entry(1)], { rooms: [{ id: 1, name: "#lobby" }] }));
}

function change(sql: string): void {
  using database = openHistory(directory);
  database.exec(sql);
}

/** What the lobby's past is said to be: texts, or why there are none. */
async function ask(queries: HistoryQueries): Promise<string> {
  const question = { kind: "recall", room: 1, limit: 10 } as const;
  const { promise, resolve } = Promise.withResolvers<HistoryResult>();
  let isLater = false;
  // The thread keeps nobody alive.
  const limit = setTimeout(() => assert.fail("nobody answered"), 10_000);
  queries.ask({ session: 5, question, before: 100, rooms: [1] }, (result) => {
    assert.ok(isLater, "an answer never comes at once");
    resolve(result);
  });
  isLater = true;
  const { refusal, entries } = await promise;
  clearTimeout(limit);
  return refusal ?? entries.map(({ text }) => text).join();
}

test("a question that fails is refused, and the next one is answered by the same thread", async () => {
  makeHistory();
  const told: string[] = [];
  const queries = new HistoryQueries(directory, (text) => told.push(text));
  assert.equal(await ask(queries), "hello");
  for (const [table, reason] of [
    ["words", /^looking things up failed: .*words/],
    ["entry", /^looking things up failed: .*entry/],
  ] as const) {
    change(`ALTER TABLE ${table} RENAME TO elsewhere`);
    const answers = await Promise.all([ask(queries), ask(queries), ask(queries)]);
    assert.deepEqual(answers, [REFUSAL, REFUSAL, REFUSAL]);
    assert.equal(told.length, 1, "the same is told once");
    assert.match(told.pop()!, reason);
    change(`ALTER TABLE elsewhere RENAME TO ${table}`);
    assert.equal(await ask(queries), "hello");
  }
});
