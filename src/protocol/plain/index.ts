export { type Command, helpText, parseLine } from "./commands.ts";
export { PlainRenderer, type Sink, stoppingNotice, tooLongNotice, tooManyUsers } from "./render.ts";
export { LINE_BYTES_MAX, LineSplitter, type Taken } from "./splitter.ts";
export { cleanText, refuseNegotiation } from "./text.ts";
