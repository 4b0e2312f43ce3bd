export { type Command, REPLAY_LINES, parseLine } from "./commands.ts";
export {
  type NeighbourEffect,
  PlainRenderer,
  type RoomEffect,
  type ShownEffect,
  type Sink,
  caughtUpNotice,
  missedNotice,
  stoppingNotice,
  tooLongNotice,
  tooManyUsers,
} from "./render.ts";
export { LINE_BYTES_MAX, LineSplitter, type Taken } from "./splitter.ts";
export { cleanText, refuseNegotiation } from "./text.ts";
