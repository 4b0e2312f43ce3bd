import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Which segment is ours: whose, of which data directory, and called what. */
export function segmentPath(shmDir: string, data: string, name: string): string {
  const owner = `${process.getuid?.() ?? 0}\0${realpathSync(data)}\0${name}`;
  return join(shmDir, `chorus-${createHash("sha256").update(owner).digest("hex").slice(0, 24)}`);
}

/** In the data directory: where the segment of its last server is, whatever that was called and wherever it kept it. */
const SEGMENT_NOTE = "segment";

/** The segment of the last server on this data directory, as it noted it; undefined where it noted none. */
export function notedSegment(data: string): string | undefined {
  const note = join(data, SEGMENT_NOTE);
  return existsSync(note) ? readFileSync(note, "utf8") : undefined;
}

/** Notes it, before there is anything in it that could be lost. */
export function noteSegment(data: string, path: string): void {
  writeFileSync(join(data, SEGMENT_NOTE), path, { mode: 0o600 });
}
