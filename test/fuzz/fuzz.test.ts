import { test } from "node:test";
import { runFuzz } from "./fuzz.ts";

const SEED = Number(process.env["CHORUS_SEED"] ?? Math.floor(Math.random() * 1e9));
const SECONDS = 6;

test("whatever bytes come, the server lives and others do not notice", { timeout: 180_000 }, async (t) => {
  t.diagnostic(`CHORUS_SEED=${SEED}`);
  t.diagnostic(JSON.stringify(await runFuzz({ seconds: SECONDS, seed: SEED })));
});
