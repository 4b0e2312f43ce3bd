export type { AdoptedMember } from "./adoption.ts";
export type { AccountPorts } from "./accountDesk.ts";
export { type Child, GreeterChild, WorkerChild } from "./child.ts";
export {
  AREA_HEADER_BYTES,
  AreaError,
  type AreaMemory,
  ClientArea,
  type ConnectionCounts,
  INPUT_BYTES_MIN,
  type Mark,
  NOTES_BYTES,
  TRIALS_MAX,
  formatArea,
  outputBytesFor,
  poisonedLine,
  settleArea,
} from "./clientArea.ts";
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
  Spawned,
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
export { withoutSecrets } from "./poison.ts";
export { answerQuery } from "./queries.ts";
export { finishSegment, settle } from "./recovery.ts";
export { Supervisor, type SupervisorOptions } from "./supervisor.ts";
export type { SupervisorStatus } from "./supervisorStatus.ts";
export type { WorkerOptions } from "./worker.ts";
