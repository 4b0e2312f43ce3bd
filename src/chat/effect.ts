import type { LeaveReason, Mode, PolicyChange, Question, RoomSetting, Speech, UserFlag } from "./record.ts";
import type { PersonId, Rank, Restriction, Room, RoomId, Session, SessionId } from "./state.ts";

/** Why a wish was not granted. */
export type RefusalReason =
  | "nameTaken"
  /** It is the name of an account. */
  | "nameReserved"
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
  | "noHistory"
  | "inviteOnly"
  | "needsAccount"
  | "wrongKey"
  | "roomFull"
  /** It is there already: who was invited, or who knocks. */
  | "alreadyInRoom"
  /** A knock at a room that anybody may enter. */
  | "roomOpen"
  | "tooSoon"
  | "filtered"
  | "silenced"
  /** The shield is up. */
  | "shielded"
  | "noCtcp"
  /** Only moderators, or operators, of the server may do that. */
  | "notPrivileged"
  /** Who is touched has a higher rank. */
  | "outranked"
  | "badValue";

/** What the history process is asked, with what the asker may read at this place in the order. */
export type HistoryQuestion =
  /** On entering a room. What is said there meanwhile waits for the answer, for a moment. */
  | { readonly kind: "replay"; readonly room: RoomId; readonly limit: number }
  | { readonly kind: "recall"; readonly room: RoomId; readonly limit: number }
  | { readonly kind: "search"; readonly text: string }
  | { readonly kind: "range"; readonly from: number }
  | { readonly kind: "page"; readonly of: PageOf; readonly page: Page }
  /** The latest message of each room and person of whom there is one in between, oldest first; both exclusive. */
  | { readonly kind: "targets"; readonly afterMs: number; readonly beforeMs: number; readonly limit: number }
  /** To be deleted, if it is the asker's own, or in a room that it runs (`isOperator`); of no room: a whisper. */
  | {
      readonly kind: "redact";
      readonly room: RoomId;
      readonly message: number;
      readonly text: string;
      readonly isOperator: boolean;
    };

/** A place in the past: a message, or a time. */
export interface Place {
  readonly by: "sequence" | "time";
  readonly value: number;
}

/**
 * Which part of the past: of what lies after `after` and before `before`, both exclusive, the `limit` oldest or newest;
 * or those around `after`, half of them before it, itself included.
 */
export interface Page {
  readonly after: Place | undefined;
  readonly before: Place | undefined;
  readonly take: "oldest" | "newest" | "around";
  readonly limit: number;
  /** With who came and went, and what has no text. */
  readonly events: boolean;
}

/** Whose past: that of a room, or what was whispered between the asker and another. */
export type PageOf =
  | { readonly room: RoomId }
  /** Whoever is this person, or was called so; 0: nobody is known by that name now. */
  | { readonly room: 0; readonly person: PersonId; readonly nick: string };

interface Speaking {
  /** To those in the room alone who have this rank or a higher one. */
  readonly atLeast: Rank | undefined;
  readonly session: Session;
  readonly room: Room;
  readonly text: Uint8Array;
  readonly tags: string;
}

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
  /**
   * To the one alone: it is one more client of somebody (`session`) who is here already. `missedFrom`: it is the first
   * one since, and what came from this sequence number on nobody has seen for that person.
   */
  | {
      readonly kind: "attached";
      readonly client: SessionId;
      readonly session: Session;
      readonly missedFrom: number | undefined;
    }
  /** To nobody: one client of somebody (`session`) has left, who is still here, with others or without. */
  | {
      readonly kind: "detached";
      readonly client: SessionId;
      readonly session: Session;
      readonly reason: LeaveReason;
    }
  /** To the one alone: it speaks another protocol from here on, and has not arrived. */
  | { readonly kind: "turned"; readonly session: Session }
  /** To the one, and all who share a room with it: it is logged in, or is not any more (`account` says). */
  | { readonly kind: "accountChanged"; readonly session: Session }
  /** To the one alone: it may do what its role says. */
  | { readonly kind: "roleChanged"; readonly session: Session }
  /** To the room. `room` is as it is afterwards. */
  | { readonly kind: "joined"; readonly session: Session; readonly room: Room }
  | {
      readonly kind: "parted";
      readonly session: Session;
      readonly room: Room;
      readonly text: Uint8Array;
    }
  /** `atLeast`: to those alone who have this rank or a higher one. */
  | ({ readonly kind: "said" | "acted" | "noticed" } & Speaking)
  | ({ readonly kind: "tagged" } & Speaking)
  /** To both. */
  | {
      readonly kind: "whispered";
      readonly session: Session;
      readonly to: Session;
      readonly speech: Speech;
      readonly text: Uint8Array;
      readonly tags: string;
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
  | {
      readonly kind: "settingSet";
      readonly session: Session;
      readonly room: Room;
      readonly setting: RoomSetting;
    }
  | {
      readonly kind: "roomRenamed";
      readonly session: Session;
      readonly room: Room;
      readonly previous: Room;
      readonly text: Uint8Array;
    }
  /** To the one who was invited, and to those who run the room. */
  | { readonly kind: "invited"; readonly session: Session; readonly target: Session; readonly room: Room }
  /** To those who run the room, and to the one. */
  | { readonly kind: "knocked"; readonly session: Session; readonly room: Room; readonly text: Uint8Array }
  /** To the room, or to both of a whisper (`peer`; 0: in a room). */
  | {
      readonly kind: "redacted";
      readonly session: Session;
      readonly room: Room | undefined;
      readonly peer: PersonId;
      readonly message: number;
      readonly text: string;
    }
  /** To the one, and all who share a room with it. */
  | { readonly kind: "described"; readonly session: Session; readonly previous: Session }
  /** To the one alone, with all of its clients. */
  | { readonly kind: "flagSet"; readonly session: Session; readonly flag: UserFlag; readonly on: boolean }
  | { readonly kind: "marked"; readonly session: Session; readonly target: string; readonly timeMs: number }
  /** To moderators. `session`: nobody: whoever runs the machine. */
  | {
      readonly kind: "policySet";
      readonly session: Session | undefined;
      readonly what: PolicyChange;
      readonly on: boolean;
      readonly value: string;
    }
  /** To all who want to hear it. */
  | { readonly kind: "announced"; readonly session: Session; readonly text: Uint8Array }
  /** To the one whom an operator (`by`) throws out; what follows is its leaving. */
  | { readonly kind: "killed"; readonly session: Session; readonly by: Session; readonly text: Uint8Array }
  /** To the one, and all who share a room with it. */
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
      /** Whoever asks, and which of its clients. */
      readonly session: Session;
      readonly client: SessionId;
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

/** Where something that happened stands in the one order, and when that was. */
export interface Moment {
  readonly sequence: number;
  readonly timeMs: number;
}

export type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;

/** Told to many, who may be told it in the same bytes. */
export type PublicEffect = EffectOf<
  | "said"
  | "acted"
  | "noticed"
  | "tagged"
  | "joined"
  | "parted"
  | "kicked"
  | "topicSet"
  | "restricted"
  | "modeSet"
  | "settingSet"
  | "roomRenamed"
  | "invited"
  | "knocked"
  | "redacted"
  | "renamed"
  | "described"
  | "accountChanged"
  | "awaySet"
  | "left"
>;

/** Told to the clients of one person. */
export type OwnEffect = Exclude<
  Effect,
  { kind: "seated" | "seatLost" | "detached" | "historyAsked" | "stopping" }
>;
