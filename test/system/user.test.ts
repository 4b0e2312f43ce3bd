/*
 * Accounts from the command line: on a data directory that no server has, and through a server that runs.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { CHORUS, TestClient, TestServer, until } from "../support/server.ts";

const PASSWORD = "correct horse";

interface Listed {
  readonly name: string;
  readonly role: string;
  readonly created: string;
}

class Folder implements Disposable {
  readonly path: string = mkdtempSync(join(tmpdir(), "chorus-test-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Runs `chorus user`, with this on its standard input. */
async function user(
  args: readonly string[],
  input = "",
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [CHORUS, "user", ...args], { stdio: "pipe" });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  // Whoever fails before it reads hangs up.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout, stderr };
}

async function succeed(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await user(args, input);
  assert.deepEqual([code, stderr], [0, ""], args.join(" "));
  return stdout;
}

async function fail(reason: RegExp, args: readonly string[], input?: string): Promise<void> {
  const { code, stdout, stderr } = await user(args, input);
  assert.deepEqual([code, stdout], [1, ""], args.join(" "));
  assert.match(stderr, reason);
}

async function add(data: string, name: string, ...more: readonly string[]): Promise<void> {
  const said = await succeed(["add", name, "--password-file", "-", "--data", data, ...more], `${PASSWORD}\n`);
  assert.ok(said.startsWith(`added ${name}, role `), said);
}

async function listed(data: string): Promise<Listed[]> {
  return JSON.parse(await succeed(["list", "--json", "--data", data])) as Listed[];
}

async function names(data: string): Promise<string[]> {
  return (await listed(data)).map(({ name, role }) => `${name} ${role}`);
}

test("accounts are made, changed, listed and removed before any server has run", async () => {
  using folder = new Folder();
  const data = ["--data", folder.file("data")];
  assert.equal(await succeed(["list", "--json", ...data]), "[]\n");
  assert.equal(existsSync(folder.file("data")), false);
  await add(folder.file("data"), "alice", "--role", "operator");
  await add(folder.file("data"), "Bob[m]");
  assert.match(
    await succeed(["list", ...data]),
    /^name {4}role {7}created\nalice {3}operator {3}\d{4}-\d\d-\d\d\nBob\[m\] {2}user {7}\d{4}-\d\d-\d\d\n$/,
  );
  assert.equal(await succeed(["role", "bob{m}", "moderator", ...data]), "bob{m} has the role moderator\n");
  writeFileSync(folder.file("password"), `${PASSWORD} two\r\nand no more\n`);
  const file = ["--password-file", folder.file("password")];
  assert.equal(await succeed(["passwd", "alice", ...file, ...data]), "alice has a new password\n");
  assert.deepEqual(await names(folder.file("data")), ["alice operator", "Bob[m] moderator"]);
  assert.equal(await succeed(["remove", "alice", ...data]), "removed alice\n");
  assert.deepEqual(await names(folder.file("data")), ["Bob[m] moderator"]);
  for (const name of readdirSync(folder.file("data"))) {
    const path = join(folder.file("data"), name);
    assert.equal(statSync(path).mode & 0o077, 0, name);
    assert.equal(readFileSync(path).includes(PASSWORD), false, name);
  }
});

test("what cannot be is said in a sentence, and changes nothing", async () => {
  using folder = new Folder();
  const data = ["--data", folder.path];
  const given = ["--password-file", "-"];
  await fail(/^chorus: there are no accounts in /, ["remove", "alice", ...data]);
  await fail(
    /^chorus: a password needs at least 8 characters$/m,
    ["add", "alice", ...given, ...data],
    "short\n",
  );
  await fail(/at least 8 characters/, ["add", "alice", ...given, ...data], "");
  await fail(/200 bytes/, ["add", "alice", ...given, ...data], "x".repeat(5000));
  await fail(/the name of the account is no password/, ["add", "alice-in", ...given, ...data], "Alice-In\n");
  await fail(
    /an account has a name that a nick could be/,
    ["add", "5th", ...given, ...data],
    `${PASSWORD}\n`,
  );
  await fail(/without blanks/, ["add", "a b", ...given, ...data], PASSWORD);
  await fail(/Allowed choices are user, moderator, operator/, [
    "add",
    "a",
    "--role",
    "king",
    ...given,
    ...data,
  ]);
  await fail(/there is no terminal to ask for the password/, ["add", "alice", ...data]);
  await fail(/the password cannot be read: .*ENOENT/, [
    "add",
    "alice",
    "--password-file",
    folder.file("nothing"),
    ...data,
  ]);
  assert.deepEqual(await listed(folder.path), []);
  await add(folder.path, "alice");
  await fail(/there is an account ALICE already/, ["add", "ALICE", ...given, ...data], `${PASSWORD}\n`);
  await fail(/there is no account bob/, ["passwd", "bob", ...given, ...data], `${PASSWORD}\n`);
  await fail(/there is no account bob/, ["role", "bob", "operator", ...data]);
  assert.deepEqual(await names(folder.path), ["alice user"]);
});

test("on a terminal the password is asked for, twice, and not shown", async () => {
  using folder = new Folder();
  const socket = `chorus-user-${process.pid}`;
  const tmux = (...args: readonly string[]): string => {
    const { stdout, status, stderr } = spawnSync("tmux", ["-L", socket, ...args], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  const screen = (): string => tmux("capture-pane", "-p");
  const shows = (text: string): Promise<true> => until(text, () => screen().includes(text));
  const command = ["user", "passwd", "alice", "--data", folder.path].map((arg) => `'${arg}'`).join(" ");
  await add(folder.path, "alice");
  tmux("new-session", "-d", "-x", "100", "-y", "20", "cat");
  try {
    tmux("set-option", "remain-on-exit", "on");
    const begin = async (): Promise<void> => {
      tmux("respawn-pane", "-k", `'${process.execPath}' '${CHORUS}' ${command}`);
      await shows("new password for alice:");
    };
    await begin();
    tmux("send-keys", "battery stable", "Left", "BSpace", "BSpace", "BSpace", "ple", "Enter");
    await shows("once more:");
    tmux("send-keys", "nonsense", "C-u", "battery staple", "Enter");
    await shows("alice has a new password");
    assert.doesNotMatch(screen(), /batt|nonsense|\*/);
    await begin();
    tmux("send-keys", "battery staple", "Enter", "battery steeple", "Enter");
    await shows("the two are not the same; nothing has been changed");
    await begin();
    tmux("send-keys", "batt", "C-c");
    await shows("chorus: nothing has been changed");
  } finally {
    tmux("kill-server");
  }
});

let probes = 0;

/** Nobody is called what an account is called. */
async function isReserved(server: TestServer, nick: string): Promise<boolean> {
  using client = await TestClient.open(server.port);
  probes += 1;
  client.say(`/nick ${nick}\n/nick probe${probes}`);
  await client.sees(`now known as probe${probes}`);
  client.say("/quit");
  await client.ends();
  return !client.text.includes(`now known as ${nick}`);
}

test("a server tells everybody of the accounts that are there when it starts, and of those that come", async () => {
  using folder = new Folder();
  await add(folder.path, "alice", "--role", "operator");
  {
    await using server = await TestServer.start([], folder.path);
    await until("alice to be reserved", () => isReserved(server, "alice"));
    assert.equal(await isReserved(server, "bob"), false);
    await add(folder.path, "carol");
    await until("carol to be reserved", () => isReserved(server, "carol"));
    await fail(
      /there is an account carol already/,
      ["add", "carol", "--password-file", "-", "--data", folder.path],
      `${PASSWORD}\n`,
    );
    assert.equal(
      await succeed(["role", "carol", "moderator", "--data", folder.path]),
      "carol has the role moderator\n",
    );
    assert.deepEqual(await names(folder.path), ["alice operator", "carol moderator"]);
    // Another history process, which has not heard of any of this.
    process.kill(await server.historyPid(), "SIGKILL");
    await add(folder.path, "dave");
    await until("dave to be reserved", () => isReserved(server, "dave"));
    assert.equal(await succeed(["remove", "carol", "--data", folder.path]), "removed carol\n");
    await until("carol to be free", async () => !(await isReserved(server, "carol")));
    await fail(/a server with another --name than other runs/, [
      "remove",
      "alice",
      "--data",
      folder.path,
      "--name",
      "other",
    ]);
  }
  await succeed(["remove", "alice", "--data", folder.path]);
  await using server = await TestServer.start([], folder.path);
  await until("alice to be free", async () => !(await isReserved(server, "alice")));
  assert.equal(await isReserved(server, "dave"), true);
});

test("a server without a history keeps no accounts", async () => {
  await using server = await TestServer.start(["--history", "off"]);
  await fail(
    /^chorus: this server keeps no accounts$/m,
    ["add", "alice", "--password-file", "-", "--data", server.folder],
    `${PASSWORD}\n`,
  );
  assert.equal(existsSync(join(server.folder, "accounts.sqlite")), false);
});
