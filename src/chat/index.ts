export { apply } from "./apply.ts";
export { AWAY_BYTES_MAX, REAL_NAME_CHARACTERS_MAX, USER_CHARACTERS_MAX, endConversation } from "./people.ts";
export type {
  Effect,
  EffectOf,
  HistoryQuestion,
  Moment,
  OwnEffect,
  Page,
  PageOf,
  Place,
  PublicEffect,
  RefusalReason,
} from "./effect.ts";
export {
  ENTRY_KINDS,
  type Entry,
  type EntryKind,
  type Gap,
  type Person,
  entryOf,
  isWhisper,
} from "./entry.ts";
export { PAGE_MAX, RECALL_MAX } from "./history.ts";
export { readableRooms, roomCalled, sessionCalled, sessionsIn, visibleRooms } from "./lookup.ts";
export { markerKey } from "./accounts.ts";
export { matchesMask, normaliseMask } from "./mask.ts";
export { KEY_BYTES_MAX } from "./modes.ts";
export {
  DISPLAY_NAME_CHARACTERS_MAX,
  NICK_CHARACTERS_MAX,
  ROOM_NAME_CHARACTERS_MAX,
  cleanDisplayName,
  cleanRoomName,
  deriveNick,
  foldNick,
  isNick,
  isServiceName,
} from "./names.ts";
export { policyText } from "./policy.ts";
export { PROTOCOLS, type Protocol } from "./protocols.ts";
export { hasRank, isStaff } from "./ranks.ts";
export { REASON_BYTES_MAX } from "./reasons.ts";
export {
  type AccountRecord,
  type ChatRecord,
  type ClientWish,
  type LeaveReason,
  type Mode,
  POLICY_CHANGES,
  type PolicyChange,
  type Question,
  ROOM_FLAGS,
  ROOM_SETTINGS,
  type RoomFlag,
  type RoomSetting,
  SPEECHES,
  type Speech,
  USER_FLAGS,
  type UserFlag,
  type Wish,
} from "./record.ts";
export { RESTRICTIONS_MAX } from "./restrictions.ts";
export { ROOMS_OF_A_SESSION_MAX, TOPIC_BYTES_MAX, faultOfRooms, found } from "./rooms.ts";
export {
  SnapshotError,
  accountPiece,
  type StatePiece,
  restorePieces,
  restoreSnapshot,
  roomPiece,
  rootPiece,
  sessionPiece,
  takeSnapshot,
} from "./snapshot.ts";
export {
  type Account,
  type ChatState,
  type Departed,
  FIRST_ACCOUNT,
  LOBBY,
  type Membership,
  NO_ROOM,
  type PersonId,
  RANKS,
  RESTRICTION_KINDS,
  ROLES,
  type Rank,
  type Restriction,
  type RestrictionKind,
  type Role,
  type Room,
  type RoomId,
  type Session,
  type SessionId,
  type StoreState,
  clientsOf,
  createEmptyState,
  createState,
  membersOf,
  principalOf,
} from "./state.ts";
