/* bin/chorus.js on a Node that is too old: finds the right one, and is then as good as not there. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";

const LAUNCHER = fileURLToPath(new URL("../../bin/chorus.js", import.meta.url));

/** Makes the Node that is started with it say that it is version 20; not those that it starts. */
const PRETEND_OLD = [
  "--import",
  `data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.1.0" } })`,
];

interface Result {
  code: number | string | null | undefined;
  stdout: string;
  stderr: string;
}

async function runOld(launcher: string, ...args: readonly string[]): Promise<Result> {
  return await new Promise((resolve) => {
    execFile(process.execPath, [...PRETEND_OLD, launcher, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

suite("the launcher on an old Node", { timeout: 30_000 }, () => {
  test("starts again with the Node of this package, and ends with its exit code", async () => {
    const packageText = await readFile(new URL("../../package.json", import.meta.url), "utf8");
    const { version } = JSON.parse(packageText) as { version: string };
    assert.deepEqual(await runOld(LAUNCHER, "--version"), { code: 0, stdout: `${version}\n`, stderr: "" });
    const refused = await runOld(LAUNCHER, "serve", "4000");
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /host comes before the port/);
  });

  test("passes signals on, and ends by the one that its child ended by", async () => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      // A group of its own, which is in no terminal's foreground: nobody else sends this signal to the child.
      const launcher = spawn(
        process.execPath,
        [...PRETEND_OLD, LAUNCHER, "join", "127.0.0.1", String(port)],
        {
          stdio: ["pipe", "ignore", "inherit"],
          detached: true,
        },
      );
      const [socket] = await once(server, "connection");
      socket.on("error", () => socket.destroy());
      socket.resume();
      launcher.kill(signal);
      assert.deepEqual(await once(launcher, "exit"), [null, signal]);
      // The child is gone as well.
      if (!socket.closed) await once(socket, "close");
      server.close();
    }
  });

  test("says what is needed, and how to get it, where there is no such Node", async () => {
    const directory = await mkdtemp(join(tmpdir(), "chorus-launcher-"));
    try {
      await cp(LAUNCHER, join(directory, "bin", "chorus.js"));
      await writeFile(join(directory, "package.json"), '{ "type": "module" }');
      const { code, stdout, stderr } = await runOld(join(directory, "bin", "chorus.js"), "join");
      assert.deepEqual([code, stdout], [1, ""]);
      assert.match(stderr, /^chorus needs Node 24 or later; this is Node 20\.1\.0\.\n/);
      assert.match(stderr, /npm ci/);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
