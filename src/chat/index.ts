export { type ChatRecord, type Effect, type LeaveReason, apply } from "./apply.ts";
export {
  DISPLAY_NAME_CHARACTERS_MAX,
  NICK_CHARACTERS_MAX,
  foldName,
  isDisplayName,
  isNick,
} from "./names.ts";
export { SnapshotError, restoreSnapshot, takeSnapshot } from "./snapshot.ts";
export { type ChatState, type Protocol, type Session, type SessionId, createState } from "./state.ts";
