export { Greeter, type GreeterOptions } from "./greeter.ts";
export type {
  ChildPorts,
  ClientConnection,
  ClientEvents,
  Clock,
  Handle,
  Role,
  SupervisorPorts,
  Timer,
} from "./ports.ts";
export { Replica } from "./replica.ts";
export { type LogLevel, type SeatMessage, decodeSeatMessage, encodeSeatMessage } from "./seatMessage.ts";
export { Supervisor, type SupervisorOptions, type SupervisorStatus } from "./supervisor.ts";
export { Worker, type WorkerOptions } from "./worker.ts";
