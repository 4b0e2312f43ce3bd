/*
 * Real servers and real clients for the system tests. Every server has a folder of its own, and `using` ends it: what
 * a test leaves behind, the run's last check reports.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const CHORUS: string = fileURLToPath(new URL("../../bin/chorus.js", import.meta.url));
const LIMIT_MS = 20_000;

/** Waits until `condition` gives something; fails with `what` after twenty seconds. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) assert.fail(`still waiting for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Status {
  clients: number;
  sequence: number;
  processes: { process: number; role: string; ready: boolean; clients: number }[];
  log: { process: number; pid: number; lagRecords: number }[];
}

export class TestServer implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly port: number;
  readonly folder: string;
  readonly #ownsFolder: boolean;
  stderr = "";

  private constructor(child: ChildProcess, port: number, folder: string, ownsFolder: boolean) {
    this.child = child;
    this.port = port;
    this.folder = folder;
    this.#ownsFolder = ownsFolder;
  }

  /** `folder`: one of a server before it; otherwise a new one, which goes with the server. */
  static async start(flags: readonly string[] = [], folder?: string): Promise<TestServer> {
    const data = folder ?? mkdtempSync(join(tmpdir(), "chorus-test-"));
    const child = spawn(process.execPath, [CHORUS, "serve", "127.0.0.1", "0", "--data", data, ...flags], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const port = await until("the server to listen", () => {
      assert.equal(child.exitCode, null, `the server ended: ${stderr}`);
      return Number(/^listening on .*:(\d+)$/m.exec(stdout)?.[1]) || undefined;
    });
    const server = new TestServer(child, port, data, folder === undefined);
    server.stderr = stderr;
    child.stderr.on("data", () => (server.stderr = stderr));
    return server;
  }

  async run(...command: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return runChorus([...command, "--data", this.folder]);
  }

  async status(): Promise<Status> {
    const { stdout, stderr, code } = await this.run("status", "--json");
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout) as Status;
  }

  /** Waits until the greeter and so many workers without a client are ready. */
  async hasSpares(count: number): Promise<void> {
    await until(`the greeter and ${count} spare processes`, async () => {
      const ready = (await this.status()).processes.filter((each) => each.ready);
      const spares = ready.filter((each) => each.role === "worker" && each.clients === 0);
      return ready.some((each) => each.role === "greeter") && spares.length >= count;
    });
  }

  /** Process ids of the workers that serve somebody. */
  async busyWorkers(): Promise<number[]> {
    const { processes, log } = await this.status();
    return processes
      .filter(({ role, clients }) => role === "worker" && clients > 0)
      .map(({ process }) => log.find((each) => each.process === process)!.pid);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, "exit");
      this.child.kill(signal);
      await exit;
    }
    return this.child.exitCode;
  }

  /** Process ids: the supervisor's, then those of its children. */
  async pids(): Promise<number[]> {
    return [this.child.pid!, ...(await this.status()).log.map(({ pid }) => pid)];
  }

  /** The process id of the history process, when it is ready. */
  async historyPid(): Promise<number> {
    return await until("the history process", async () => {
      const { processes, log } = await this.status();
      const history = processes.find(({ role, ready }) => role === "history" && ready);
      return log.find(({ process }) => process === history?.process)?.pid;
    });
  }

  /** Every process is killed within a moment, in the order in which their ids are given, and is gone afterwards. */
  async killAll(pids: readonly number[]): Promise<void> {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    await this.end("SIGKILL");
    await until("every process to be gone", () => !pids.some(isAlive));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
    if (this.#ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function runChorus(
  args: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [CHORUS, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, stdout, stderr };
}

/** A plain client: what it received, as lines. */
export class TestClient implements Disposable {
  readonly socket: Socket;
  text = "";
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => (this.text += text));
    socket.on("error", () => (this.closed = true));
    socket.on("close", () => (this.closed = true));
    socket.on("end", () => (this.closed = true));
  }

  static async open(port: number): Promise<TestClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    await once(socket, "connect");
    return new TestClient(socket);
  }

  /** Opens, takes a name at once (so that nobody waits for its silence), and waits until it has it. */
  static async named(port: number, nick: string): Promise<TestClient> {
    const client = await TestClient.open(port);
    client.say(`/nick ${nick}`);
    await client.sees(`now known as ${nick}`);
    return client;
  }

  say(line: string): void {
    this.socket.write(`${line}\n`);
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  async sees(part: string): Promise<void> {
    await until(`"${part}" in ${JSON.stringify(this.text.slice(-500))}`, () => this.text.includes(part));
  }

  async ends(): Promise<void> {
    await until("the connection to end", () => this.closed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

export function segmentFiles(): string[] {
  return readdirSync("/dev/shm").filter((name) => name.startsWith("chorus-"));
}

/** Whether a process runs. One that has ended and that nobody has asked about yet (a zombie) does not. */
export function isAlive(pid: number): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return false;
  }
  // After the name, which may hold anything, stands the state.
  return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
}
