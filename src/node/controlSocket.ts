import { chmodSync, rmSync } from "node:fs";
import { type Server, createConnection, createServer } from "node:net";
import { isAbsolute } from "node:path";
import { type UserCommand, parseUserCommand } from "../accounts/index.ts";

/**
 * What can be asked of a running server, as one line of JSON; one line of JSON is the answer. Of what takes long, lines
 * that say `{"progress": …}` may come before it.
 */
export type ControlRequest =
  | { readonly command: "stop" | "status" | "reload" | "rehash" }
  | { readonly command: "shield"; readonly on: boolean }
  /** Of history. The path is absolute: a server may run in another folder than who asks. */
  | { readonly command: "import"; readonly path: string }
  /** Of an account. */
  | { readonly command: "user"; readonly user: UserCommand };

/** A path may be long, and in JSON six times as long. */
const REQUEST_BYTES_MAX = 32 * 1024;

/** Beside the segment, so that whoever finds one finds the other. */
export function controlPath(segmentPath: string): string {
  return `${segmentPath}.control`;
}

/** The server's end: a unix socket that only its owner may use. */
export class ControlSocket {
  readonly #path: string;
  readonly #server: Server;

  /** `answer` may `tell` how far it is before its promise resolves to the answer. */
  constructor(
    path: string,
    answer: (request: ControlRequest, tell: (progress: unknown) => void) => Promise<unknown>,
  ) {
    this.#path = path;
    this.#server = createServer((socket) => {
      let text = "";
      socket.setEncoding("utf8");
      // Who asks and goes away has asked all the same.
      socket.on("error", () => socket.destroy());
      socket.on("data", (chunk: string) => {
        text += chunk;
        const end = text.indexOf("\n");
        if (end < 0) {
          if (text.length > REQUEST_BYTES_MAX) socket.destroy();
          return;
        }
        socket.removeAllListeners("data");
        const reply = (value: unknown): void => {
          socket.end(`${JSON.stringify(value)}\n`);
        };
        // Who does not read is not told how far it is, and gets the answer all the same.
        const tell = (progress: unknown): void => {
          if (socket.writableLength === 0) socket.write(`${JSON.stringify({ progress })}\n`);
        };
        const request = parseRequest(text.slice(0, end));
        if (request === undefined) reply({ error: "not a request that this version knows" });
        else void answer(request, tell).then(reply);
      });
    });
  }

  async listen(): Promise<void> {
    rmSync(this.#path, { force: true });
    const mask = process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        this.#server.once("error", reject);
        this.#server.listen(this.#path, resolve);
      });
    } finally {
      process.umask(mask);
    }
    chmodSync(this.#path, 0o600);
  }

  /** Takes no more questions. Answers that are on their way still arrive. */
  close(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
  }
}

function parseRequest(line: string): ControlRequest | undefined {
  try {
    const value = JSON.parse(line) as { command?: unknown; path?: unknown; user?: unknown; on?: unknown };
    switch (value.command) {
      case "stop":
      case "status":
      case "reload":
      case "rehash":
        return { command: value.command };
      case "shield":
        return typeof value.on === "boolean" ? { command: "shield", on: value.on } : undefined;
      case "import":
        return typeof value.path === "string" && isAbsolute(value.path)
          ? { command: "import", path: value.path }
          : undefined;
      case "user": {
        const user = parseUserCommand(value.user);
        return user === undefined ? undefined : { command: "user", user };
      }
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

/** The server hung up without an answer. */
export class HungUpError extends Error {
  override readonly name = "HungUpError";
}

/**
 * Asks the server behind `path`. Undefined where none listens there.
 * @param onProgress told how far it is, where the answer takes long
 * @throws HungUpError
 */
export function askServer(
  path: string,
  request: ControlRequest,
  onProgress: (progress: unknown) => void = () => undefined,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
      else if (error.code === "ECONNRESET" || error.code === "EPIPE") reject(hungUp());
      else reject(error);
    });
    socket.on("data", (chunk: string) => {
      const lines = (text + chunk).split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const value = JSON.parse(line) as { progress?: unknown };
        if (value.progress === undefined) resolve(value);
        else onProgress(value.progress);
      }
    });
    socket.on("end", () => reject(hungUp()));
  });
}

function hungUp(): HungUpError {
  return new HungUpError("the server hung up without an answer");
}
