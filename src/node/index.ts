export { type ControlRequest, askServer, controlPath } from "./controlSocket.ts";
export {
  type ServerOptions,
  ServerProcess,
  type ServerStatus,
  StartError,
  segmentPath,
} from "./serverProcess.ts";
