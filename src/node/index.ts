export { type UserAnswer, accountsIn, administerAccounts } from "./accountAdministration.ts";
export { AccountFileError } from "./accountDatabase.ts";
export type { ImportAnswer } from "./controlAnswers.ts";
export { type ControlRequest, HungUpError, askServer, controlPath } from "./controlSocket.ts";
export {
  HistoryFileError,
  backupHistory,
  openHistoryReadOnly,
  openHistorySnapshot,
} from "./historyDatabase.ts";
export { importHistory } from "./historyImport.ts";
export { type ServerOptions, ServerProcess, type ServerStatus } from "./serverProcess.ts";
export { segmentPath } from "./segmentPath.ts";
export { StartError } from "./startError.ts";
