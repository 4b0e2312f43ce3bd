import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestServer } from "./server.ts";

export interface TestAccount {
  readonly user: string;
  readonly password: string;
}

/** An account, as whoever runs the server makes one. The password stands in no file of the server's afterwards. */
export async function addAccount(
  server: TestServer,
  name: string,
  role: "user" | "moderator" | "operator" = "user",
): Promise<TestAccount> {
  const password = `the secret of ${name}: ü`;
  const file = join(server.folder, `password-of-${name}`);
  writeFileSync(file, `${password}\n`, { mode: 0o600 });
  const { code, stderr } = await server.run("user", "add", name, "--role", role, "--password-file", file);
  rmSync(file);
  assert.equal(code, 0, stderr);
  return { user: name, password };
}
