import { resolve } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import {
  HistoryVersionError,
  HistoryWriteError,
  ImportError,
  type ImportProgress,
  type ImportResult,
} from "../history/index.ts";
import { HistoryFileError, type ImportAnswer, StartError, importHistory } from "../node/index.ts";
import { ImportFileError } from "../server/index.ts";
import { askRunning } from "./control.ts";
import type { ControlOptions } from "./options.ts";
import { Progress } from "./progress.ts";

const DOING: Readonly<Record<ImportProgress["phase"], string>> = {
  cleaning: "taking back an import that was not finished",
  checking: "checked",
  rooms: "making rooms",
  storing: "stored",
};

/** Takes an export in JSON back: through the server, where one runs, or into the file. @returns the exit code */
export async function importFile(file: string, options: Omit<ControlOptions, "json">): Promise<number> {
  const path = resolve(file);
  const progress = new Progress();
  const show = ({ phase, lines }: ImportProgress): void =>
    progress.show(lines === 0 ? DOING[phase] : `${DOING[phase]} ${lines.toLocaleString("en")} lines`);
  const onProgress = (value: unknown): void => show(value as ImportProgress);
  const answer =
    ((await askRunning(options, { command: "import", path }, onProgress)) as ImportAnswer | undefined) ??
    (await importDirectly(path, options, show));
  progress.clear();
  if ("error" in answer) {
    process.stderr.write(`chorus: ${answer.error}\n`);
    return 1;
  }
  process.stdout.write(describe(answer));
  return 0;
}

async function importDirectly(
  path: string,
  options: Omit<ControlOptions, "json">,
  show: (progress: ImportProgress) => void,
): Promise<ImportAnswer> {
  const log = (_level: string, text: string): void => void process.stderr.write(`chorus: ${text}\n`);
  try {
    const steps = importHistory(path, { ...options, log });
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      show(value);
      // Whoever presses Ctrl-C is heard.
      await turn();
    }
  } catch (error) {
    const isExpected = [
      StartError,
      ImportError,
      ImportFileError,
      HistoryFileError,
      HistoryVersionError,
      HistoryWriteError,
    ].some((kind) => error instanceof kind);
    if (!isExpected) throw error;
    return { error: (error as Error).message };
  }
}

function describe({ stored, skipped, renumbered }: ImportResult): string {
  const lines = [`${stored} entries stored`];
  if (skipped > 0) lines.push(`${skipped} skipped, which were there already`);
  if (renumbered) lines.push("they are older than everything else here, and have got new numbers");
  return `${lines.join("; ")}\n`;
}
