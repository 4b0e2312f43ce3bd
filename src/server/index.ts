export { type Child, createGreeter, createWorker } from "./child.ts";
export { HOLD_MS } from "./clientOutput.ts";
export type { GreeterOptions } from "./greeter.ts";
export { Historian, type HistorianOptions } from "./historian.ts";
export { ImportFileError, importDirectly } from "./importer.ts";
export type {
  ChildPorts,
  ClientConnection,
  ClientEvents,
  Clock,
  Handle,
  HistoryPorts,
  HistoryQuery,
  HistoryResult,
  ImportLines,
  Role,
  SupervisorPorts,
  Timer,
} from "./ports.ts";
export {
  type ImportReport,
  type LogLevel,
  type SeatMessage,
  decodeSeatMessage,
  encodeSeatMessage,
} from "./seatMessage.ts";
export { answerQuery } from "./queries.ts";
export { finishSegment, settle } from "./recovery.ts";
export { Supervisor, type SupervisorOptions } from "./supervisor.ts";
export type { SupervisorStatus } from "./supervisorStatus.ts";
export type { WorkerOptions } from "./worker.ts";
