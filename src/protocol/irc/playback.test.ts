import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlayback } from "./index.ts";

test("what is said to *playback", () => {
  const play = (targets: readonly string[], afterMs: number, beforeMs?: number): object => ({
    kind: "play",
    targets,
    afterMs,
    beforeMs,
  });
  const rows = [
    ["PLAY * 0", play(["*"], 0)],
    ["play #a,#b*,bob 1546612457.123", play(["#a", "#b*", "bob"], 1_546_612_457_123)],
    ["PLAY #a 1546612457.1239999 1546612458", play(["#a"], 1_546_612_457_123, 1_546_612_458_000)],
    ["Play #a", play(["#a"], 0)],
    ["PLAY #a 1. 2.5", play(["#a"], 1000, 2500)],
    ["LIST", { kind: "list", targets: ["*"] }],
    ["list #a,,#b", { kind: "list", targets: ["#a", "#b"] }],
    ["CLEAR #a", { kind: "clear", targets: ["#a"] }],
    ["CLEAR", undefined],
    ["PLAY", undefined],
    ["PLAY #a yesterday", undefined],
    ["PLAY #a 0 soon", undefined],
    ["PLAY #a -5", undefined],
    ["PLAY #a 0 1 2", undefined],
    ["HELP", undefined],
    ["", undefined],
  ] as const;
  for (const [text, command] of rows) assert.deepEqual(parsePlayback(text), command, text);
  const many = parsePlayback(`PLAY ${"#a,".repeat(200)} 0`);
  assert.ok(many?.kind === "play" && many.targets.length === 50);
});
