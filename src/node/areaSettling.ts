import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SessionId } from "../chat/index.ts";
import { type ConnectionCounts, poisonedLine, settleArea, withoutSecrets } from "../server/index.ts";
import { AreaMapping } from "./areaMapping.ts";
import { dupCloexec } from "./libc.ts";
import { tcpCounts } from "./tcpCounts.ts";

/** In the data directory: lines at which processes died, for examination. */
const POISON_FOLDER = "poison";

/**
 * Brings a client's area to where its dead process left it: see `settleArea`. Neither descriptor is used up.
 * @param published up to where that process had published its ring of the log
 * @returns whether the area holds a line that kills processes
 */
export function settle(socket: number, area: number, published: number): boolean {
  const header = AreaMapping.adoptHeader(dupCloexec(area));
  try {
    return settleArea(header.words, published, countsOf(socket)).isPoisoned;
  } finally {
    header.close();
  }
}

/** Undefined where the kernel has none, or none that are exact, because the connection is over. */
function countsOf(socket: number): ConnectionCounts | undefined {
  const counts = tcpCounts(socket);
  return counts === undefined || counts.isOver ? undefined : counts;
}

/** Keeps the line at which processes died, but for the passwords in it. Returns the path of the file. */
export async function keepPoison(data: string, session: SessionId, area: number): Promise<string> {
  const mapping = AreaMapping.adopt(dupCloexec(area));
  const line = withoutSecrets(poisonedLine(mapping.memory)).slice();
  mapping.close();
  const folder = join(data, POISON_FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${new Date().toISOString().replaceAll(":", "")}-session-${session}`);
  await writeFile(path, line, { mode: 0o600 });
  return path;
}
