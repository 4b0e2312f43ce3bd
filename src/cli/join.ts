import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { type Readable, Transform, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SECOND_MS } from "../base/index.ts";
import { LineDecoder, LineEditor } from "../terminal/index.ts";
import type { JoinOptions } from "./options.ts";

/** In a pipe, once everything was sent: how long the server may say nothing before the conversation is over. */
const QUIET_MS: number = 2 * SECOND_MS;

/** On a terminal, after Ctrl-C or Ctrl-D: how long what was typed before may take to be sent. */
const LEAVE_MS: number = SECOND_MS;

/** After this line the server closes because it was asked to. */
const QUIT = /^\/quit(\s|$)/i;

/** Why we could not talk, or not go on, in words for people. */
class JoinError extends Error {
  override readonly name = "JoinError";
}

/**
 * `chorus join`: a line editor on a terminal, a filter in a pipe. Gives the exit code: 0 when we ended the
 * conversation, 1 (and the reason on stderr) when it could not be had or the server ended it.
 */
export async function join(options: JoinOptions): Promise<number> {
  const { stdin, stdout } = process;
  // A terminal without cursor movement can show lines, but not keep the one being typed in its place.
  const edits = stdin.isTTY && stdout.isTTY && process.env["TERM"] !== "dumb";
  try {
    const socket = await connectTo(options);
    if (options.name !== null) socket.write(`/nick ${options.name}\n`);
    await (edits ? converse(socket, stdin, stdout) : relay(socket, stdin, stdout));
    return 0;
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    process.stderr.write(`chorus: ${error.message}\n`);
    return 1;
  }
}

/** Throws `JoinError` when the server cannot be reached. */
async function connectTo({ host, port, connectTimeoutMs }: JoinOptions): Promise<Socket> {
  const where = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  const socket = connect({ host, port, noDelay: true });
  const timer = setTimeout(() => {
    socket.destroy(new JoinError(`no answer from ${where} within ${connectTimeoutMs / SECOND_MS} s`));
  }, connectTimeoutMs);
  try {
    await once(socket, "connect");
    return socket;
  } catch (error) {
    throw error instanceof JoinError ? error : connectError(error, host, where);
  } finally {
    clearTimeout(timer);
  }
}

function connectError(error: unknown, host: string, where: string): JoinError {
  // A name with several addresses fails with one error for each.
  const failures: unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = failures.map((failure) => (failure as NodeJS.ErrnoException).code);
  if (codes.includes("ECONNREFUSED")) {
    return new JoinError(
      `connection refused: no server listens on ${where} (start one with \`chorus serve\`)`,
    );
  }
  // Accepted and closed at once, before we could know.
  if (codes.includes("ECONNRESET")) return serverClosed();
  if (codes.includes("ENOTFOUND")) return new JoinError(`unknown host: ${host}`);
  if (codes.includes("EAI_AGAIN")) return new JoinError(`unknown host: ${host} (no name server answered)`);
  if (codes.includes("ETIMEDOUT")) return new JoinError(`no answer from ${where}`);
  const reason = error instanceof Error && error.message !== "" ? error.message : codes.join(", ");
  return new JoinError(`cannot reach ${where}: ${reason}`);
}

function serverClosed(): JoinError {
  return new JoinError("the server closed the connection");
}

/**
 * A conversation on a terminal, until the person leaves. Throws `JoinError` when the server ends it unasked.
 * What is typed is never held back, even where the server is slow to take it: a person types little, and Ctrl-C is
 * among what is typed.
 */
async function converse(socket: Socket, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<void> {
  const decoder = new LineDecoder();
  let leaving = false;
  const editor = new LineEditor({
    input,
    output,
    prompt: "> ",
    onLine: (line) => {
      if (line.trim() === "") return;
      if (QUIT.test(line)) leaving = true;
      socket.write(`${line}\n`);
    },
    onLeave: () => {
      leaving = true;
      socket.end();
      setTimeout(() => socket.destroy(), LEAVE_MS).unref();
    },
  });
  const show = (lines: string[]): void => {
    if (lines.length === 0 || editor.closed || editor.print(lines)) return;
    socket.pause();
    output.once("drain", () => socket.resume());
  };
  socket.on("data", (bytes) => show(decoder.push(bytes)));
  socket.on("end", () => show(decoder.end()));
  // How a connection breaks (reset, timed out) makes no difference to the person: `close` follows, and says it.
  socket.on("error", () => {});
  await once(socket, "close");
  editor.close();
  if (!leaving) throw serverClosed();
}

/**
 * A conversation in a pipe: input to the server and the server to output, each as fast as the other end takes it. Ends
 * when all input (or /quit) was sent and then the server closes or falls quiet, or nobody reads the output any more.
 * Throws `JoinError` when the server closes before.
 */
async function relay(socket: Socket, input: NodeJS.ReadStream, output: NodeJS.WriteStream): Promise<void> {
  const origin = watchForFailure([input, output, socket]);
  let sentAll = false;
  let quiet = false;
  let timer: NodeJS.Timeout | null = null;

  const endWhenQuiet = (): void => {
    if (output.writableNeedDrain) {
      timer?.refresh();
      return;
    }
    quiet = true;
    socket.destroy();
  };
  const sending = pipeline(
    input,
    departureStage(() => (sentAll = true)),
    socket,
  ).then(() => {
    sentAll = true;
    timer = setTimeout(endWhenQuiet, QUIET_MS);
  });
  const arrivals = arrivalStage(output.isTTY, () => timer?.refresh());
  const receiving = pipeline(socket, arrivals, output, { end: false }).finally(() => {
    if (timer !== null) clearTimeout(timer);
    input.destroy();
    socket.destroy();
  });

  const [, received] = await Promise.allSettled([sending, receiving]);
  const { stream, error } = origin();
  if (stream === input) throw new JoinError(`cannot read standard input: ${error?.message}`);
  if (stream === output) {
    // Whoever read our output (`| head`) has seen enough.
    if (error?.code === "EPIPE") return;
    throw new JoinError(`cannot write standard output: ${error?.message}`);
  }
  if (!quiet && !(sentAll && received.status === "fulfilled")) throw serverClosed();
}

interface Failure {
  stream: Readable | Writable | null;
  error: NodeJS.ErrnoException | null;
}

/**
 * Which of the streams failed first, and how: pipelines pass one's error on to all others. Their own remarks
 * (`ERR_STREAM_PREMATURE_CLOSE`) tell nothing of a cause.
 */
function watchForFailure(streams: readonly (Readable | Writable)[]): () => Failure {
  let failure: Failure = { stream: null, error: null };
  for (const stream of streams) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (failure.error === null && !error.code?.startsWith("ERR_")) failure = { stream, error };
    });
  }
  return () => failure;
}

/** Tells when the line goes out that asks the server to close. */
function departureStage(onQuit: () => void): Transform {
  const decoder = new LineDecoder();
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      if (decoder.push(bytes).some((line) => QUIT.test(line))) onQuit();
      done(null, bytes);
    },
  });
}

/** Tells of every arrival, and cleans what a terminal shows; a file or program gets the bytes as they are. */
function arrivalStage(toTerminal: boolean, onArrival: () => void): Transform {
  const decoder = new LineDecoder();
  const textOf = (lines: string[]): string => lines.map((line) => `${line}\n`).join("");
  return new Transform({
    transform(bytes: Buffer, _encoding, done) {
      onArrival();
      done(null, toTerminal ? textOf(decoder.push(bytes)) : bytes);
    },
    flush(done) {
      done(null, textOf(decoder.end()));
    },
  });
}
