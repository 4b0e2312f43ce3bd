import type { SessionId, Wish } from "../chat/index.ts";
import type { ClientOutput } from "./clientOutput.ts";
import type { Conversation } from "./conversation.ts";
import type { ClientConnection, Timer } from "./ports.ts";

/** A client in the hands of the worker that serves it. */
export interface Client {
  readonly session: SessionId;
  readonly connection: ClientConnection;
  /** In the protocol that it speaks. Another one where it turns out to speak another. */
  conversation: Conversation;
  readonly output: ClientOutput;
  /** Its seat has been applied: it is ours to serve. */
  seated: boolean;
  /** It was another process's before. */
  readonly isTaken: boolean;
  /** It belongs to the conversation. */
  arrived: boolean;
  /** Nothing has come of it yet, and what it seems to speak is a guess. */
  isFresh: boolean;
  /** Of its wishes, so many are on their way. */
  inFlight: number;
  /** Its next line waits, for those or for its turn. */
  isWaiting: boolean;
  /** What of it is noted for a successor, and as of which version of its conversation. Plain: it waits for nothing. */
  noted: { isPlain: boolean; isFresh: boolean; version: number };
  /** Questions to history that have no place in the order yet. */
  unplaced: number;
  /** Records that the ring has not taken yet. */
  readonly unsaid: Wish[];
  /** Nothing of it is read any more. */
  leaving: boolean;
  /** Its end has been applied. */
  left: boolean;
  /** Runs while it has left and may still get answers. */
  awaiting: Timer | undefined;
}
