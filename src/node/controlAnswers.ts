/* What is asked at the control socket and takes more than one step to answer. */
import type { UserCommand } from "../accounts/index.ts";
import type { ImportProgress, ImportResult } from "../history/index.ts";
import type { Supervisor } from "../server/index.ts";
import type { UserAnswer } from "./accountAdministration.ts";

/** What came of an import, or why nothing did, for people. */
export type ImportAnswer = ImportResult | { readonly error: string };

export function importInto(
  supervisor: Supervisor,
  path: string,
  tell: (progress: ImportProgress) => void,
): Promise<ImportAnswer> {
  return new Promise((resolve) => {
    supervisor.importHistory(path, (report) => {
      switch (report.type) {
        case "importing":
          return tell({ phase: report.phase, lines: report.lines });
        case "imported": {
          const { stored, skipped, renumbered } = report;
          return resolve({ stored, skipped, renumbered });
        }
        case "importFailed":
          return resolve({ error: report.text });
      }
    });
  });
}

export function administer(supervisor: Supervisor, command: UserCommand): Promise<UserAnswer> {
  return new Promise((resolve) => {
    supervisor.administer(command, (error) => resolve(error === "" ? {} : { error }));
  });
}
