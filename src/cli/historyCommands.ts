import { Argument, type Command, Option } from "commander";
import type { ExportFormat } from "../history/index.ts";
import { addServerOptions, dataOption, requireLinux } from "./command.ts";
import { type ControlOptions, importableFile, moment, newFile, roomName } from "./options.ts";

interface ExportFlags {
  room?: string;
  since?: number;
  until?: number;
  format: ExportFormat;
  data: string;
}

const FORMATS: readonly ExportFormat[] = ["text", "json", "csv"];

/** `chorus history`, `chorus history import` and `chorus backup`. */
export function addHistoryCommands(program: Command): void {
  const history = program
    .command("history")
    .summary("write what was said to standard output")
    .description(
      "Write what was said to standard output, oldest first, without private messages; also while the server runs.",
    )
    .enablePositionalOptions()
    .addOption(new Option("--room <ROOM>", "of this room alone").argParser(roomName))
    .addOption(
      new Option("--since <TIME>", "not before: 2026-11-25, 2026-11-25T06:12Z, or 12h, 7d, 4w ago").argParser(
        moment,
      ),
    )
    .addOption(new Option("--until <TIME>", "before this time").argParser(moment))
    .addOption(
      new Option("--format <FORMAT>", "json is what an import takes back").choices(FORMATS).default("text"),
    )
    .addOption(dataOption());
  history.action(async ({ room, since, until, format, data }: ExportFlags) => {
    requireLinux(history);
    if (since !== undefined && until !== undefined && since >= until)
      history.error("error: nothing lies between --since and --until.");
    const { exportHistory } = await import("./history.ts");
    const filter = { room, sinceMs: since, untilMs: until };
    process.exitCode = await exportHistory({ data, format, filter });
  });

  const importing = history
    .command("import")
    .summary("take an export in JSON back")
    .description(
      "Take what was exported with --format json into the history, while the server runs or not. " +
        "All of it is checked before anything is changed.",
    )
    .addArgument(new Argument("<FILE>", "the file; it is read twice").argParser(importableFile));
  addServerOptions(importing).action(async (file: string, flags: Omit<ControlOptions, "json">) => {
    requireLinux(importing);
    for (const each of history.options) {
      if (history.getOptionValueSource(each.attributeName()) === "cli")
        importing.error(`error: ${each.long} cannot stand before import.`);
    }
    const { importFile } = await import("./historyImport.ts");
    process.exitCode = await importFile(file, flags);
  });

  const backup = program
    .command("backup")
    .summary("copy the history")
    .description(
      "Copy the history, with private messages, into a new file that only its owner can read; also while the " +
        "server runs. To go back to it, put it in place of history.sqlite in an otherwise empty data folder.",
    )
    .addArgument(new Argument("<FILE>", "the file, which must not be there").argParser(newFile))
    .addOption(dataOption());
  backup.action(async (file: string, flags: { data: string }) => {
    requireLinux(backup);
    const implementation = await import("./history.ts");
    process.exitCode = await implementation.backup(file, flags);
  });
}
