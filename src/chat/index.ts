export { AWAY_BYTES_MAX, apply, endConversation } from "./apply.ts";
export type { Effect, EffectOf, HistoryQuestion, RefusalReason } from "./effect.ts";
export { ENTRY_KINDS, type Entry, type EntryKind, type Gap, type Person, entryOf } from "./entry.ts";
export { RECALL_MAX } from "./history.ts";
export { readableRooms, roomCalled, sessionsIn, visibleRooms } from "./lookup.ts";
export {
  DISPLAY_NAME_CHARACTERS_MAX,
  NICK_CHARACTERS_MAX,
  cleanDisplayName,
  cleanRoomName,
  deriveNick,
  foldNick,
  isNick,
} from "./names.ts";
export { PROTOCOLS, type Protocol } from "./protocols.ts";
export type { ChatRecord, LeaveReason, Mode, Question, Wish } from "./record.ts";
export { TOPIC_BYTES_MAX, faultOfRooms, found } from "./rooms.ts";
export {
  SnapshotError,
  type StatePiece,
  restorePieces,
  restoreSnapshot,
  roomPiece,
  rootPiece,
  sessionPiece,
  takeSnapshot,
} from "./snapshot.ts";
export {
  type ChatState,
  LOBBY,
  NO_ROOM,
  type Restriction,
  type Room,
  type RoomId,
  type Session,
  type SessionId,
  type StoreState,
  createEmptyState,
  createState,
  membersOf,
} from "./state.ts";
