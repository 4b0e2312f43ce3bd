export { type ControlRequest, HungUpError, askServer, controlPath } from "./controlSocket.ts";
export {
  HistoryFileError,
  backupHistory,
  openHistoryReadOnly,
  openHistorySnapshot,
} from "./historyDatabase.ts";
export { importHistory } from "./historyImport.ts";
export { type ImportAnswer, type ServerOptions, ServerProcess, type ServerStatus } from "./serverProcess.ts";
export { segmentPath } from "./segmentPath.ts";
export { StartError } from "./startError.ts";
