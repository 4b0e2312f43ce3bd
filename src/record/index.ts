export { GENESIS, RecordKind } from "./kinds.ts";
export { decode, encode, sayHeaderBytes, writeSession } from "./chatRecords.ts";
export {
  type Snapshot,
  type SnapshotWanted,
  decodeSnapshot,
  decodeSnapshotWanted,
  encodeSnapshot,
  encodeSnapshotWanted,
} from "./processRecords.ts";
