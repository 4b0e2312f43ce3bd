export { type ChatRecord, type Effect, type LeaveReason, apply } from "./apply.ts";
export { NameIndex, skeletons } from "./nameIndex.ts";
export {
  DISPLAY_NAME_CHARACTERS_MAX,
  NICK_CHARACTERS_MAX,
  ROOM_NAME_BYTES_MAX,
  ROOM_NAME_CHARACTERS_MAX,
  cleanDisplayName,
  cleanRoomName,
  deriveNick,
  foldName,
  foldNick,
  isDisplayName,
  isNick,
} from "./names.ts";
export { SnapshotError, restoreSnapshot, takeSnapshot } from "./snapshot.ts";
export { type ChatState, type Protocol, type Session, type SessionId, createState } from "./state.ts";
