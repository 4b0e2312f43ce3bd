/* A live server, and whether it has come to any harm: what its log says, what it has kept as poison, its memory. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { MiB } from "../../src/base/index.ts";
import { TestServer, isAlive } from "../support/server.ts";
import { describeBytes } from "./describeBytes.ts";

/** Of memory that is a process's own: beyond what it had when it was seen first. */
const GROWTH_BYTES_MAX = 256 * MiB;
/** pino's number for warnings: nothing that clients send is worth one. A process that dies is. */
const WARNING = 40;

export class ServerWatch implements AsyncDisposable {
  readonly server: TestServer;
  #readOfLog = 0;
  /** Bytes at first sight, by process id. */
  readonly #memory = new Map<number, number>();
  #memoryBytesMax = 0;

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(flags: readonly string[]): Promise<ServerWatch> {
    const server = await TestServer.start(flags);
    try {
      await server.hasSpares(1);
      return new ServerWatch(server);
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  get port(): number {
    return this.server.port;
  }

  /** The most that any process ever had. */
  get memoryBytesMax(): number {
    return this.#memoryBytesMax;
  }

  /** What costs nothing. @throws AssertionError where the server has come to harm */
  check(): void {
    assert.ok(!this.server.hasEnded, `the server has ended: ${this.server.stderr.slice(-2000)}`);
    const poison = this.#poison();
    if (poison !== undefined) assert.fail(`a process died of what a client sent:\n${poison}`);
    const log = this.server.stderr;
    const end = log.lastIndexOf("\n") + 1;
    const lines = log.slice(this.#readOfLog, end).split("\n").slice(0, -1);
    this.#readOfLog = end;
    for (const line of lines) assert.ok(!isBad(line), `the server's log says: ${line.slice(0, 4000)}`);
  }

  /** Asks the server how it is, and the kernel for the memory of its processes. */
  async examine(): Promise<void> {
    for (const pid of await this.server.pids()) {
      const bytes = ownMemoryBytes(pid);
      if (bytes === undefined) continue;
      const first = this.#memory.get(pid) ?? bytes;
      this.#memory.set(pid, first);
      this.#memoryBytesMax = Math.max(this.#memoryBytesMax, bytes);
      assert.ok(
        bytes - first <= GROWTH_BYTES_MAX,
        `process ${pid} has grown from ${Math.round(first / MiB)} to ${Math.round(bytes / MiB)} MiB`,
      );
    }
    this.check();
  }

  /** The bytes of which a process died, where the server has kept such. */
  #poison(): string | undefined {
    const folder = join(this.server.folder, "poison");
    if (!existsSync(folder)) return undefined;
    const kept = readdirSync(folder).map((name) => describeBytes(readFileSync(join(folder, name))));
    return kept.length === 0 ? undefined : kept.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

function isBad(line: string): boolean {
  try {
    return (JSON.parse(line) as { level: number }).level >= WARNING;
  } catch {
    // Not of its log: what the runtime says of its own accord.
    return true;
  }
}

/** Without what it shares with others. Undefined for a process that has ended. */
function ownMemoryBytes(pid: number): number | undefined {
  if (!isAlive(pid)) return undefined;
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
