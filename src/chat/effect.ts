import type { LeaveReason, Mode, Question } from "./record.ts";
import type { Restriction, Room, RoomId, Session } from "./state.ts";

/** Why a wish was not granted. */
export type RefusalReason =
  | "nameTaken"
  | "nameMalformed"
  | "roomNameTaken"
  | "roomNameMalformed"
  | "noSuchName"
  | "noSuchRoom"
  | "noRoom"
  | "notInRoom"
  | "targetNotInRoom"
  | "notOperator"
  | "lastOperator"
  | "banned"
  | "muted"
  | "moderated"
  | "tooManyRooms"
  | "tooManyRestrictions"
  | "tooLong"
  | "notBanned"
  | "notMuted"
  /** Nothing had to be changed. */
  | "alreadySo"
  | "noHistory";

/** What the history process is asked, with what the asker may read at this place in the order. */
export type HistoryQuestion =
  /** On entering a room. What is said there meanwhile waits for the answer, for a moment. */
  | { readonly kind: "replay"; readonly room: RoomId; readonly limit: number }
  | { readonly kind: "recall"; readonly room: RoomId; readonly limit: number }
  | { readonly kind: "search"; readonly text: string }
  | { readonly kind: "range"; readonly from: number };

/**
 * Who is to be told what. A session is as it was when it did what is told; texts are views of the record, sure to stay
 * until `apply`'s caller goes on.
 */
export type Effect =
  /** To nobody: the process that serves it from now on takes it up. */
  | { readonly kind: "seated"; readonly session: Session }
  /** To nobody: the process was to take up a session that is not there any more. */
  | { readonly kind: "seatLost"; readonly session: Session["id"]; readonly process: number }
  /** To the one alone: it belongs to the conversation. */
  | { readonly kind: "arrived"; readonly session: Session }
  /** To the room. `room` is as it is afterwards. */
  | { readonly kind: "joined"; readonly session: Session; readonly room: Room }
  | {
      readonly kind: "parted";
      readonly session: Session;
      readonly room: Room;
      readonly text: Uint8Array;
    }
  | {
      readonly kind: "said" | "acted" | "noticed";
      readonly session: Session;
      readonly room: Room;
      readonly text: Uint8Array;
    }
  /** To both. */
  | {
      readonly kind: "whispered";
      readonly session: Session;
      readonly to: Session;
      readonly text: Uint8Array;
    }
  /** To the one alone: it speaks in that room from now on. */
  | { readonly kind: "focused"; readonly session: Session; readonly room: Room }
  /** To all who share a room with it. */
  | { readonly kind: "renamed"; readonly session: Session; readonly previous: Session }
  | {
      readonly kind: "left";
      readonly session: Session;
      readonly reason: LeaveReason;
      readonly text: Uint8Array;
    }
  /** To the room. */
  | { readonly kind: "topicSet"; readonly session: Session; readonly room: Room }
  | {
      readonly kind: "kicked";
      readonly session: Session;
      readonly target: Session;
      readonly room: Room;
      readonly text: Uint8Array;
    }
  | {
      readonly kind: "restricted";
      readonly session: Session;
      readonly room: Room;
      readonly restriction: Restriction;
      readonly on: boolean;
    }
  | {
      readonly kind: "modeSet";
      /** Nobody: it follows from the rules. */
      readonly session: Session | undefined;
      readonly room: Room;
      readonly mode: Mode;
      readonly on: boolean;
      /** For the modes of members. */
      readonly target: Session | undefined;
    }
  /** To the one alone. */
  | { readonly kind: "awaySet"; readonly session: Session }
  | {
      readonly kind: "refused";
      readonly session: Session;
      readonly reason: RefusalReason;
      /** What it was about: the name, the room. */
      readonly about: string;
    }
  | {
      readonly kind: "replied";
      readonly session: Session;
      readonly question: Question;
      readonly room: Room | undefined;
    }
  /** For the history process, whose answer goes to the one alone. */
  | {
      readonly kind: "historyAsked";
      readonly session: Session;
      readonly question: HistoryQuestion;
      /** Up to which place in the order. No two questions of a session have the same. */
      readonly before: number;
      /** The rooms that it may read; for a search none are named: see `readableRooms`. */
      readonly rooms: readonly RoomId[];
    }
  /** To those who run a room. */
  | {
      readonly kind: "storeChanged";
      readonly failed: boolean;
      readonly from: number;
      readonly to: number;
      readonly text: string;
    }
  /** To all. */
  | { readonly kind: "stopping" };

export type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;
