import type { ChatRecord, SessionId } from "../chat/index.ts";
import type { LineSplitter } from "../protocol/plain/index.ts";
import type { ClientOutput } from "./clientOutput.ts";
import type { ClientConnection, Timer } from "./ports.ts";

/** A client in the hands of the worker that serves it. */
export interface Client {
  readonly session: SessionId;
  readonly connection: ClientConnection;
  readonly splitter: LineSplitter;
  readonly output: ClientOutput;
  /** Its seat has been applied: it is ours to serve. */
  seated: boolean;
  /** It was another process's before. */
  readonly isTaken: boolean;
  /** It belongs to the conversation: what it types is read. */
  arrived: boolean;
  /** There are notes of it for a successor. */
  isNoted: boolean;
  /** Questions to history that have no place in the order yet. */
  unplaced: number;
  /** Records that the ring has not taken yet. */
  readonly unsaid: ChatRecord[];
  /** Nothing of it is read any more. */
  leaving: boolean;
  /** Its end has been applied. */
  left: boolean;
  /** Runs while it has left and may still get answers. */
  awaiting: Timer | undefined;
}
