import { formatBytes } from "../base/index.ts";
import {
  type ControlRequest,
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

export async function status(options: ControlOptions): Promise<number> {
  const answer = await ask(options, { command: "status" });
  if (answer === undefined) return 1;
  process.stdout.write(options.json ? `${JSON.stringify(answer)}\n` : describe(answer as ServerStatus));
  return 0;
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
    `${server.name} on ${server.address}, process ${server.pid}, up ${server.uptimeSeconds} s`,
    server.stopping ? "stopping" : "serving",
    `clients: ${server.clients} (${server.greeting} being greeted, ${server.waiting} waiting for a process)`,
    `${server.orderedRecords} records ordered since it started, segment of ${formatBytes(server.segmentBytes)}`,
    `history: ${HISTORY[server.history]}`,
    "",
    "process  pid      role     clients  lag",
  ];
  for (const { process, role, ready, clients } of server.processes) {
    const log = server.log.find((each) => each.process === process);
    lines.push(
      [
        String(process).padEnd(8),
        String(log?.pid ?? "").padEnd(8),
        (ready ? role : `${role}…`).padEnd(8),
        String(clients).padEnd(8),
        String(log?.lagRecords ?? ""),
      ].join(" "),
    );
  }
  return `${lines.join("\n")}\n`;
}
