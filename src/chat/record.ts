import type { Protocol } from "./protocols.ts";
import type { SessionId } from "./state.ts";

export type LeaveReason =
  | "quit"
  | "hung up"
  | "too slow"
  | "connection lost"
  | "process died"
  | "harmful input";

/** What a room or one of its members may be. The letters are IRC's. */
export type Mode = "moderated" | "topicLocked" | "secret" | "operator" | "voice";

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
    }
  /** This process serves the session in place of another one, of which nothing comes any more. */
  | { readonly kind: "reseat"; readonly session: SessionId; readonly process: number }
  /** Nothing comes from this process any more. */
  | { readonly kind: "processDied"; readonly process: number }
  /** This process keeps the history from now on; 0: nobody does. */
  | { readonly kind: "history"; readonly process: number }
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

interface Spoken {
  readonly session: SessionId;
  /** A room's name; empty: the one in which the session is at this place in the order. */
  readonly room: string;
  readonly text: Uint8Array;
}

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
  /** It has said all that its protocol asks of a newcomer. `replay`: it wants to see so many of the last messages. */
  | { readonly kind: "arrive"; readonly session: SessionId; readonly replay: number }
  | ({ readonly kind: "say" | "act" | "notice" } & Spoken)
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
  /** Everything from this sequence number on that it was too slow to take. */
  | ({ readonly kind: "catchUp"; readonly from: number } & Asked)
  | {
      readonly kind: "leave";
      readonly session: SessionId;
      readonly reason: LeaveReason;
      readonly text: Uint8Array;
    };

/** What clients wish and what happened: the chat's part of the log. */
export type ChatRecord = ProcessRecord | StoreRecord | FoundRecord | Wish;
