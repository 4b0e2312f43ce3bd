export { PlainConversation, type PlainPort } from "./conversation.ts";
export { PlainRenderer, stoppingNotice, tooManyUsers } from "./render.ts";
export { LINE_BYTES_MAX } from "./splitter.ts";
