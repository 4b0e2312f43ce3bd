/*
 * Real servers and real clients for the system tests. Every server has a folder of its own, and `using` ends it: what
 * a test leaves behind, the run's last check reports.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
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
  /** The supervisor's process id, and its version. */
  pid: number;
  version: string;
  clients: number;
  /** Of them, those of which the greeter does not know yet what they speak. */
  greeting: number;
  sequence: number;
  processes: { process: number; role: string; ready: boolean; clients: number; version: string }[];
  log: { process: number; pid: number; lagRecords: number }[];
}

/** For a server that is killed, and whose processes shall not wait for another one. */
export const NO_ORPHANS: readonly string[] = ["--orphan-ms", "0"];

/** How a server is started, where that is not as usual. */
export interface Launch {
  /** The program; default: `CHORUS`. */
  chorus?: string;
  /** More for its environment. @param data its data directory */
  env?(data: string): Readonly<Record<string, string>>;
}

/** A process of `chorus serve`. */
class Running {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";

  constructor(port: number, data: string, flags: readonly string[], { chorus = CHORUS, env }: Launch) {
    this.child = spawn(
      process.execPath,
      [chorus, "serve", "127.0.0.1", String(port), "--data", data, ...flags],
      { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env?.(data) } },
    );
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Waits until it listens, and tells on which port. */
  async listens(): Promise<number> {
    return await until("the server to listen", () => {
      assert.ok(!this.hasEnded, `the server ended: ${this.stderr}`);
      return Number(/^listening on .*:(\d+)$/m.exec(this.stdout)?.[1]) || undefined;
    });
  }
}

export class TestServer implements AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  readonly #flags: readonly string[];
  readonly #launch: Launch;
  readonly #ownsFolder: boolean;
  #running: Running;

  private constructor(
    running: Running,
    port: number,
    folder: string,
    { flags, launch, ownsFolder }: { flags: readonly string[]; launch: Launch; ownsFolder: boolean },
  ) {
    this.#running = running;
    this.port = port;
    this.folder = folder;
    this.#flags = flags;
    this.#launch = launch;
    this.#ownsFolder = ownsFolder;
  }

  /** `folder`: one of a server before it; otherwise a new one, which goes with the server. */
  static async start(
    flags: readonly string[] = [],
    folder?: string,
    launch: Launch = {},
  ): Promise<TestServer> {
    const data = folder ?? mkdtempSync(join(tmpdir(), "chorus-test-"));
    const running = new Running(0, data, flags, launch);
    const port = await running.listens();
    return new TestServer(running, port, data, { flags, launch, ownsFolder: folder === undefined });
  }

  /** Another server on the same port and the same data, when this one has ended. Its flags are the same by default. */
  async startAgain(flags: readonly string[] = this.#flags): Promise<void> {
    assert.ok(this.hasEnded, "it runs");
    this.#running = new Running(this.port, this.folder, flags, this.#launch);
    await this.#running.listens();
  }

  get child(): ChildProcess {
    return this.#running.child;
  }

  get stderr(): string {
    return this.#running.stderr;
  }

  get hasEnded(): boolean {
    return this.#running.hasEnded;
  }

  async run(...command: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
    return runChorus([...command, "--data", this.folder], this.#launch);
  }

  async status(): Promise<Status> {
    // Also where the server's own program is one that a test has broken.
    const { stdout, stderr, code } = await runChorus(["status", "--json", "--data", this.folder]);
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
    return this.pidsOf(({ role, clients }) => role === "worker" && clients > 0);
  }

  /** Process ids of those that are so, by what the server says of them. */
  async pidsOf(isSo: (process: Status["processes"][number]) => boolean): Promise<number[]> {
    const { processes, log } = await this.status();
    return processes
      .filter(isSo)
      .map(({ process }) => log.find((each) => each.process === process)?.pid)
      .filter((pid) => pid !== undefined);
  }

  /** Sends a signal and waits for the end. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.hasEnded) {
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
    if (!this.#ownsFolder) return;
    if (this.child.exitCode !== 0) await removeRemains(this.folder);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function runChorus(
  args: readonly string[],
  { chorus = CHORUS }: Pick<Launch, "chorus"> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [chorus, ...args], { stdio: ["ignore", "pipe", "pipe"] });
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

/** Opens one client after the other, and tells which process serves each. */
export async function openEach(
  server: TestServer,
  nicks: readonly string[],
): Promise<Map<string, { client: TestClient; pid: number }>> {
  const opened = new Map<string, { client: TestClient; pid: number }>();
  const known = new Set<number>();
  for (const nick of nicks) {
    const client = await TestClient.named(server.port, nick);
    const pid = (await server.busyWorkers()).find((each) => !known.has(each))!;
    known.add(pid);
    opened.set(nick, { client, pid });
  }
  return opened;
}

/** Bytes that the kernel holds for one end of a connection: that it has not sent for good, and that nobody has read. */
export interface KernelQueues {
  readonly unsent: number;
  readonly unread: number;
}

/** Of the end at `port`. Undefined where there is no such connection. */
export function kernelQueues(port: number, remotePort: number): KernelQueues | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");
  // Local and remote address, state, the two queues.
  const row = new RegExp(
    `: [0-9A-F]{8}:${hex(port)} [0-9A-F]{8}:${hex(remotePort)} .. ([0-9A-F]{8}):([0-9A-F]{8}) `,
  );
  const [, unsent, unread] = row.exec(readFileSync("/proc/net/tcp", "latin1")) ?? [];
  if (unsent === undefined || unread === undefined) return undefined;
  return { unsent: Number.parseInt(unsent, 16), unread: Number.parseInt(unread, 16) };
}

/**
 * Waits until all that a client has sent is with the server.
 * @param isRead whether its processes read it; false where they cannot, so that it stands in the kernel
 */
export async function arrives(server: TestServer, { socket }: TestClient, isRead = true): Promise<void> {
  await until("what a client has sent to arrive", () => {
    if (socket.writableLength > 0) return false;
    const sent = kernelQueues(socket.localPort!, server.port);
    const received = kernelQueues(server.port, socket.localPort!);
    return sent?.unsent === 0 && received !== undefined && (received.unread === 0) === isRead;
  });
}

/** What a client receives from here on, whenever it is called. */
export function since(client: TestClient): () => string {
  const { length } = client.text;
  return () => client.text.slice(length);
}

/**
 * Ends what a server that was killed, or that failed, has left, as a successor would: its waiting processes,
 * its segment and what stands beside it.
 */
async function removeRemains(data: string): Promise<void> {
  const segment = segmentOf(data);
  if (segment === undefined) return;
  const pids = processesWith(segment);
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
  await until("every process to be gone", () => !pids.some(isAlive));
  const folder = dirname(segment);
  for (const name of readdirSync(folder).filter((name) => name.startsWith(basename(segment))))
    rmSync(join(folder, name), { recursive: true, force: true });
}

/** The path of the segment of the last server with this data directory, whether it is there or not. */
export function segmentOf(data: string): string | undefined {
  const note = join(data, "segment");
  return existsSync(note) ? readFileSync(note, "utf8") : undefined;
}

/** Process ids of all that have a file mapped. */
export function processesWith(path: string): number[] {
  const maps = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/maps`, "utf8");
    } catch {
      // It has ended since, or is somebody else's.
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && maps(name).includes(path))
    .map(Number);
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
