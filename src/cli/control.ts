import { setTimeout as delay } from "node:timers/promises";
import { formatBytes } from "../base/index.ts";
import {
  type ControlRequest,
  HungUpError,
  type ServerStatus,
  askServer,
  controlPath,
  segmentPath,
} from "../node/index.ts";
import type { ControlOptions } from "./options.ts";

/** Ends a server in good order, and returns when it has ended. */
export async function stop(options: ControlOptions): Promise<number> {
  return (await ask(options, { command: "stop" })) === undefined ? 1 : 0;
}

/** Tells a server something to which there is no answer but that it was done. */
export async function tell(options: ControlOptions, request: ControlRequest): Promise<number> {
  return (await ask(options, request)) === undefined ? 1 : 0;
}

export async function status(options: ControlOptions): Promise<number> {
  const answer = await ask(options, { command: "status" });
  if (answer === undefined) return 1;
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : describe(answer as ServerStatus));
  return 0;
}

/** How long the supervisor may take to go on with the new version. */
const IMAGE_LIMIT_MS = 15_000;
const LOOK_MS = 50;

/** Brings the code that is installed now into a running server, and returns when all of it runs that. */
export async function reload(options: ControlOptions): Promise<number> {
  const before = (await ask(options, { command: "status" })) as ServerStatus | undefined;
  if (before === undefined) return 1;
  let answer: unknown;
  try {
    answer = await askRunning(options, { command: "reload" }, (progress) => {
      process.stdout.write(`${String(progress)}\n`);
    });
  } catch (error) {
    // It goes on with another program, and this connection ends with the one that was.
    if (!(error instanceof HungUpError)) throw error;
  }
  const fault = (answer as { error?: string } | undefined)?.error;
  if (fault !== undefined) {
    process.stderr.write(`chorus: ${fault}\n`);
    return 1;
  }
  const after = await statusAfter(options, before.image);
  if (after === undefined) {
    process.stderr.write("chorus: the supervisor of the new version does not answer\n");
    return 1;
  }
  const clients = `${after.clients} ${after.clients === 1 ? "client" : "clients"}`;
  process.stdout.write(`version ${before.version} is now version ${after.version}, with ${clients}\n`);
  return 0;
}

/** Of a server that is another program than it was. */
async function statusAfter(options: ControlOptions, image: string): Promise<ServerStatus | undefined> {
  const deadlineMs = performance.now() + IMAGE_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    const status = await askRunning(options, { command: "status" }).catch((error: unknown) => {
      if (error instanceof HungUpError) return undefined;
      throw error;
    });
    if (status !== undefined && (status as ServerStatus).image !== image) return status as ServerStatus;
    await delay(LOOK_MS);
  }
  return undefined;
}

async function ask(options: ControlOptions, request: ControlRequest): Promise<unknown> {
  const answer = await askRunning(options, request);
  if (answer === undefined)
    process.stderr.write(
      `chorus: no server called "${options.name}" runs with the data directory ${options.data}\n`,
    );
  return answer;
}

/** Undefined where no such server runs. */
export async function askRunning(
  { shmDir, data, name }: Omit<ControlOptions, "json">,
  request: ControlRequest,
  onProgress?: (progress: unknown) => void,
): Promise<unknown> {
  let path: string;
  try {
    path = segmentPath(shmDir, data, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return askServer(controlPath(path), request, onProgress);
}

const HISTORY: Readonly<Record<ServerStatus["history"], string>> = {
  none: "not kept",
  kept: "kept",
  failed: "failed; what is said now is lost to it",
};

function describe(server: ServerStatus): string {
  const lines = [
    `${server.name} on ${server.address}, version ${server.version}, process ${server.pid}, ` +
      `up ${server.uptimeSeconds} s`,
    server.stopping ? "stopping" : "serving",
    `clients: ${server.clients} (${server.greeting} being greeted, ${server.waiting} waiting for a process)`,
    `${server.orderedRecords} records ordered since it started, segment of ${formatBytes(server.segmentBytes)}`,
    `history: ${HISTORY[server.history]}`,
    "",
    "process  pid      role     clients  lag      version",
  ];
  for (const { process, role, version, ready, clients } of server.processes) {
    const log = server.log.find((each) => each.process === process);
    lines.push(
      [
        String(process).padEnd(8),
        String(log?.pid ?? "").padEnd(8),
        (ready ? role : `${role}…`).padEnd(8),
        String(clients).padEnd(8),
        String(log?.lagRecords ?? "").padEnd(8),
        version,
      ].join(" "),
    );
  }
  return `${lines.join("\n")}\n`;
}
