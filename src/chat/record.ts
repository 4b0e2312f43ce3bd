import type { Page } from "./effect.ts";
import type { Protocol } from "./protocols.ts";
import type { PersonId, Rank, RestrictionKind, Role, SessionId } from "./state.ts";

export type LeaveReason =
  | "quit"
  | "hung up"
  | "too slow"
  | "connection lost"
  | "process died"
  | "harmful input"
  | "killed";

/** What a room may be, yes or no. Their order is part of the records' bytes. */
export const ROOM_FLAGS = [
  "moderated",
  "topicLocked",
  "secret",
  "inviteOnly",
  "membersOnly",
  "accountsOnly",
  "accountsSpeak",
  "noCtcp",
] as const;
export type RoomFlag = (typeof ROOM_FLAGS)[number];

/** What a room or one of its members may be. */
export type Mode = RoomFlag | Rank;

/** What a room has a value for. */
export const ROOM_SETTINGS = ["key", "limit", "slowSeconds"] as const;
export type RoomSetting = (typeof ROOM_SETTINGS)[number];

/** What somebody may say of itself, yes or no. */
export const USER_FLAGS = ["bot", "invisible", "wallops"] as const;
export type UserFlag = (typeof USER_FLAGS)[number];

/** What can be asked of the state. */
export type Question = "who" | "rooms" | "topic" | "bans" | "mutes";

/** From the supervisor, about processes. */
export type ProcessRecord =
  /** This process serves the session from now on. */
  | {
      readonly kind: "seat";
      readonly session: SessionId;
      readonly process: number;
      readonly protocol: Protocol;
      /** Where it comes from, as others may see it. */
      readonly host: string;
    }
  /** This process serves the session in place of another one, of which nothing comes any more. */
  | { readonly kind: "reseat"; readonly session: SessionId; readonly process: number }
  /** Nothing comes from this process any more. */
  | { readonly kind: "processDied"; readonly process: number }
  /** This process keeps the history from now on; 0: nobody does. */
  | { readonly kind: "history"; readonly process: number }
  /** Whether whoever logs in stays in its rooms without a connection. */
  | { readonly kind: "settings"; readonly persistence: boolean }
  /** Whoever runs the machine raises or lowers the shield: see `Policy`. */
  | { readonly kind: "shield"; readonly on: boolean }
  /** Every process understands records up to this format. */
  | { readonly kind: "format"; readonly format: number }
  /** The server ends. */
  | { readonly kind: "stop" };

/** From the history process: it cannot write any more, or can again and lacks what came from `from` to `to`. */
export interface StoreRecord {
  readonly kind: "store";
  readonly failed: boolean;
  readonly from: number;
  readonly to: number;
  /** Why, for people. */
  readonly text: string;
}

/** From the history process: past conversation is about to be imported, and this is the name of a room in it. */
export interface FoundRecord {
  readonly kind: "found";
  readonly room: string;
}

/** From the history process, which keeps the accounts. */
export type AccountRecord =
  /**
   * There is this account, with this role; no role: it is not there any more. `session`: the client that made it, and
   * is logged in to it by that.
   */
  | {
      readonly kind: "account";
      readonly person: PersonId;
      readonly name: string;
      readonly role: Role | undefined;
      readonly session?: SessionId | undefined;
    }
  /** The client has proved that the account is its own. */
  | { readonly kind: "login"; readonly session: SessionId; readonly person: PersonId }
  /** The client has proved that it is this operator, whatever it is logged in to. */
  | { readonly kind: "oper"; readonly session: SessionId; readonly person: PersonId }
  /** An entry of the history is deleted, at the wish of this session. `room`: 0 for a whisper. */
  | {
      readonly kind: "redacted";
      readonly session: SessionId;
      readonly room: number;
      readonly peer: PersonId;
      readonly message: number;
      readonly text: string;
    };

interface Spoken {
  readonly session: SessionId;
  /** A room's name; empty: the one in which the session is at this place in the order. */
  readonly room: string;
  readonly text: Uint8Array;
}

/** What can be said to somebody: text, what one does, what no program answers; or nothing but tags. */
export const SPEECHES = ["say", "act", "notice", "tag"] as const;
export type Speech = (typeof SPEECHES)[number];

/** Of history. */
interface Asked {
  readonly session: SessionId;
  /** What was ordered before this sequence number; 0: before the question itself. */
  readonly before: number;
}

/**
 * What a client wishes, written by the process that serves it. Rooms and people are named: whom a name means is
 * decided at the record's place in the order, like everything else.
 */
export type Wish =
  /**
   * It has said all that its protocol asks of a newcomer, who enters the lobby as a guest. `replay`: it wants to see so
   * many of the last messages.
   */
  | { readonly kind: "arrive"; readonly session: SessionId; readonly replay: number }
  /** Likewise, by the name that it asks for, and without entering any room. */
  | {
      readonly kind: "register";
      readonly session: SessionId;
      readonly nick: string;
      /** The nick was made from the display name: where it is taken, one like it will do. */
      readonly derived: boolean;
      readonly displayName: string;
      readonly user: string;
      readonly realName: string;
    }
  /** It turns out to speak another protocol than it seemed, and begins anew. */
  | { readonly kind: "turn"; readonly session: SessionId; readonly protocol: Protocol }
  | ({ readonly kind: "say" | "act" | "notice" } & Spoken)
  /**
   * The same with tags (IRC's client-only ones, `+draft/reply=4711;+draft/react=👍`), and to a room or a person. For
   * who may hear it in a room: all, or those with this rank or a higher one.
   */
  | {
      readonly kind: "speak";
      readonly session: SessionId;
      readonly speech: Speech;
      readonly to: string;
      readonly atLeast: Rank | undefined;
      readonly tags: string;
      readonly text: Uint8Array;
    }
  | { readonly kind: "whisper"; readonly session: SessionId; readonly to: string; readonly text: Uint8Array }
  | {
      readonly kind: "nick";
      readonly session: SessionId;
      readonly nick: string;
      readonly displayName: string;
      /** The nick was made from the display name: where it is taken, one like it will do. */
      readonly derived: boolean;
    }
  | {
      readonly kind: "join";
      readonly session: SessionId;
      readonly room: string;
      readonly replay: number;
      readonly key?: string | undefined;
    }
  | ({ readonly kind: "part" } & Spoken)
  | ({ readonly kind: "topic" } & Spoken)
  | ({ readonly kind: "kick"; readonly target: string } & Spoken)
  | {
      readonly kind: "ban" | "mute";
      readonly session: SessionId;
      readonly room: string;
      readonly target: string;
      readonly on: boolean;
    }
  | {
      readonly kind: "mode";
      readonly session: SessionId;
      readonly room: string;
      readonly mode: Mode;
      readonly on: boolean;
      /** Whose, for the modes of members. */
      readonly target: string;
    }
  /** A mask that the room shall have in one of its lists, or not any more. */
  | {
      readonly kind: "mask";
      readonly session: SessionId;
      readonly room: string;
      readonly list: RestrictionKind;
      readonly mask: string;
      readonly on: boolean;
    }
  /** A number is written as one; empty: none any more. */
  | {
      readonly kind: "set";
      readonly session: SessionId;
      readonly room: string;
      readonly setting: RoomSetting;
      readonly value: string;
    }
  | {
      readonly kind: "renameRoom";
      readonly session: SessionId;
      readonly room: string;
      readonly to: string;
      readonly text: Uint8Array;
    }
  | { readonly kind: "invite"; readonly session: SessionId; readonly room: string; readonly target: string }
  /** Asks to be invited. */
  | ({ readonly kind: "knock" } & Spoken)
  | {
      readonly kind: "describe";
      readonly session: SessionId;
      readonly realName: string;
      readonly displayName: string;
    }
  | { readonly kind: "flag"; readonly session: SessionId; readonly flag: UserFlag; readonly on: boolean }
  /** Has read up to here. */
  | { readonly kind: "mark"; readonly session: SessionId; readonly target: string; readonly timeMs: number }
  /** Wants an entry of the history to be deleted. */
  | {
      readonly kind: "redact";
      readonly session: SessionId;
      readonly target: string;
      readonly message: number;
      readonly text: Uint8Array;
      readonly before: number;
    }
  /** Of moderators: something of the policy shall be, or not be any more. */
  | {
      readonly kind: "police";
      readonly session: SessionId;
      readonly what: PolicyChange;
      readonly on: boolean;
      readonly value: string;
    }
  /** Of operators. */
  | { readonly kind: "kill"; readonly session: SessionId; readonly target: string; readonly text: Uint8Array }
  | { readonly kind: "announce"; readonly session: SessionId; readonly text: Uint8Array }
  /** No text: it is back. */
  | { readonly kind: "away"; readonly session: SessionId; readonly text: Uint8Array }
  | {
      readonly kind: "ask";
      readonly session: SessionId;
      readonly question: Question;
      readonly room: string;
    }
  /** The last `limit` messages of a room. */
  | ({ readonly kind: "recall"; readonly room: string; readonly limit: number } & Asked)
  | ({ readonly kind: "search"; readonly text: Uint8Array } & Asked)
  /** A part of the past, to go through it. `target`: a room or a person. */
  | ({ readonly kind: "page"; readonly target: string; readonly page: Page } & Asked)
  /** Rooms and people of whom there is something new between two times, each with the latest. */
  | ({
      readonly kind: "targets";
      readonly afterMs: number;
      readonly beforeMs: number;
      readonly limit: number;
    } & Asked)
  /** Everything from this sequence number on that it was too slow to take. */
  | ({ readonly kind: "catchUp"; readonly from: number } & Asked)
  | {
      readonly kind: "leave";
      readonly session: SessionId;
      readonly reason: LeaveReason;
      readonly text: Uint8Array;
    };

type Unsigned<Of> = Of extends { readonly session: number } ? Omit<Of, "session"> : never;

/** A wish before it is said whose it is. */
export type ClientWish = Unsigned<Wish>;

/** What of the policy a moderator may change: `value` is the word or the mask, or how far links are let through. */
export const POLICY_CHANGES = ["filter", "links", "silence", "shield"] as const;
export type PolicyChange = (typeof POLICY_CHANGES)[number];

/** What clients wish and what happened: the chat's part of the log. */
export type ChatRecord = ProcessRecord | StoreRecord | FoundRecord | AccountRecord | Wish;
