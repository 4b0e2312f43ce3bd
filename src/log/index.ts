export { AgentLoop, type Sleeper } from "./agent.ts";
export {
  type Geometry,
  Layout,
  ORDER_ENTRIES_MAX,
  ORDER_ENTRIES_MIN,
  PROCESSES_MAX,
  type Range,
  RING_BYTES_MAX,
  isPowerOfTwo,
} from "./layout.ts";
export { type Doorbell, LogMember, type MemberOptions, SEQUENCER } from "./member.ts";
export { type Consuming, LogRecord, type RecordHandler } from "./reader.ts";
export { type Recovered, recoverSegment } from "./recovery.ts";
export {
  type FormatOptions,
  LogCorruptionError,
  type Segment,
  SegmentMismatchError,
  formatSegment,
  isKept,
  openSegment,
  ownerOf,
  publishedBy,
} from "./segment.ts";
export { PROBES_MISSED_MAX } from "./probes.ts";
export { Sequencer } from "./sequencer.ts";
export type { SequencerEvents } from "./sequencerEvents.ts";
export { succeed } from "./succession.ts";
export { ArrayWords, type Words } from "./words.ts";
export { BACK_PRESSURED, CLOSED, NOT_READY, TOO_BIG } from "./writer.ts";
