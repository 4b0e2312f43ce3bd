import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { makeTables } from "../../scripts/unicode-tables.ts";

const tables = makeTables();

/** For this Node's Unicode, what scripts/unicode-tables.ts would write; a Node with another one could not tell. */
test("the tables are those that their script makes, with the Unicode that they name", () => {
  const [path = ""] = tables.keys();
  const [, version] = /Unicode ([\d.]+):/.exec(readFileSync(path, "utf8")) ?? [];
  assert.equal(version, "17.0");
  if (process.versions["unicode"] !== version) {
    assert.ok(
      Number(process.versions["unicode"]) > Number(version),
      "an older Unicode than that of the pinned Node",
    );
    return;
  }
  for (const [file, text] of tables) assert.ok(readFileSync(file, "utf8") === text, file);
});

test("the tables are small enough for every process to load them", () => {
  let bytes = 0;
  for (const path of tables.keys()) bytes += readFileSync(path).length;
  assert.ok(bytes < 100_000, `${bytes} bytes`);
});
