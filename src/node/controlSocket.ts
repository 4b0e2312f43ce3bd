import { chmodSync, rmSync } from "node:fs";
import { type Server, createConnection, createServer } from "node:net";

/** What can be asked of a running server, as one line of JSON; one line of JSON is the answer. */
export interface ControlRequest {
  readonly command: "stop" | "status";
}

const COMMANDS: readonly string[] = ["stop", "status"];
const REQUEST_BYTES_MAX = 4096;

/** Beside the segment, so that whoever finds one finds the other. */
export function controlPath(segmentPath: string): string {
  return `${segmentPath}.control`;
}

/** The server's end: a unix socket that only its owner may use. */
export class ControlSocket {
  readonly #path: string;
  readonly #server: Server;

  constructor(path: string, answer: (request: ControlRequest) => unknown) {
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
        const request = parseRequest(text.slice(0, end));
        if (request === undefined) reply({ error: "not a request that this version knows" });
        else void Promise.resolve(answer(request)).then(reply);
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
    const value = JSON.parse(line) as { command?: unknown };
    return typeof value.command === "string" && COMMANDS.includes(value.command)
      ? (value as ControlRequest)
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks the server behind `path`. Undefined where none listens there.
 * @throws where it hung up without an answer
 */
export function askServer(path: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let text = "";
    socket.setEncoding("utf8");
    socket.on("connect", () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
      else reject(error);
    });
    socket.on("end", () => {
      if (text === "") reject(new Error("the server hung up without an answer"));
      else resolve(JSON.parse(text));
    });
  });
}
