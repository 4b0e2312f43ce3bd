import { KiB } from "../base/index.ts";
import { type LeaveReason, type Wish } from "../chat/index.ts";
import type { LogMember } from "../log/index.ts";
import type { Client } from "./client.ts";
import { appendRecord } from "./clientPort.ts";
import type { Taken } from "./conversation.ts";
import type { ChildPorts } from "./ports.ts";
import { seemsOtherwise } from "./protocols.ts";
import type { Replica } from "./replica.ts";

/** So many lines of one client, then the next has its turn. */
const LINES_PER_TURN = 64;
/** Nor more of one who has been answered so much in this turn: a short question can have a long answer. */
const ANSWER_BYTES_PER_TURN: number = 256 * KiB;
const HARMFUL = "the process that serves you ends whenever it handles what you sent; you are disconnected";

/** Clients with something to read or to say, and what is read of each when it has its turn. */
export class ClientTurns {
  readonly #ports: Pick<ChildPorts, "wake">;
  readonly #member: LogMember;
  readonly #replica: Replica;
  readonly #leave: (client: Client, reason: LeaveReason) => void;
  /** In the order of their turns. */
  readonly #ready = new Set<Client>();

  constructor(
    ports: Pick<ChildPorts, "wake">,
    member: LogMember,
    replica: Replica,
    leave: (client: Client, reason: LeaveReason) => void,
  ) {
    this.#ports = ports;
    this.#member = member;
    this.#replica = replica;
    this.#leave = leave;
  }

  add(client: Client): void {
    this.#ready.add(client);
    this.#ports.wake();
  }

  forget(client: Client): void {
    this.#ready.delete(client);
  }

  /** Once for each. @param mayTalk lines are read, too; otherwise only what was left unsaid is said */
  read(mayTalk: boolean): void {
    const round = [...this.#ready];
    for (const client of round) {
      if (this.#member.isBlocked) return;
      if (!client.seated) continue;
      this.#ready.delete(client);
      // Behind everybody else: who talks much does not talk first.
      if (this.#read(client, mayTalk)) this.add(client);
    }
  }

  /** One client's turn. Returns whether it has more to say. */
  #read(client: Client, mayTalk: boolean): boolean {
    const { connection, output } = client;
    if (!client.leaving && mayTalk) client.conversation.woken?.();
    for (let lines = 0; lines < LINES_PER_TURN; lines += 1) {
      if (client.unsaid.length > 0) {
        if (!this.#append(client, client.unsaid[0]!)) return true;
        client.unsaid.shift();
        continue;
      }
      const mayRead = client.arrived || client.conversation.speaksFirst;
      if (client.leaving || !mayRead || !mayTalk) return false;
      if (output.isLagging) {
        if (!this.#askForMissed(client)) return true;
        // It cannot have read what it answers to; and what it missed comes before its leaving.
        return false;
      }
      if (output.share.ownBytes > ANSWER_BYTES_PER_TURN) return true;
      if (!connection.beginTrial()) {
        output.share.append(client.conversation.farewell(HARMFUL));
        this.#leave(client, "harmful input");
        continue;
      }
      const taken = this.#takeLine(client);
      connection.endTrial();
      if (taken === "full") return true;
      if (taken === "later") {
        client.isWaiting = true;
        // What it waits for may be over before anybody looks again.
        return false;
      }
      connection.consume(taken.consumed);
      connection.discarding = client.conversation.splitter.discarding;
      if (taken.kind !== "more") continue;
      if (connection.inputEnded) {
        this.#leave(client, "hung up");
        continue;
      }
      return false;
    }
    return true;
  }

  /** Does what the next line says, if there is one; or says why that has to wait. */
  #takeLine(client: Client): Taken | "full" | "later" {
    const { connection, conversation } = client;
    const pending = connection.pending();
    const taken = conversation.splitter.take(pending, connection.inputEnded);
    if (taken.kind === "tooLong") conversation.tooLong();
    if (taken.kind !== "line") return taken;
    if (client.isFresh) {
      const protocol = seemsOtherwise(conversation.protocol, pending.subarray(0, taken.consumed));
      if (protocol !== undefined) {
        const turn = { kind: "turn", session: client.session, protocol } as const;
        if (!this.#append(client, turn)) return "full";
        client.isFresh = false;
        return "later";
      }
    }
    const handled = conversation.handle(pending, taken.start, taken.end);
    if (handled !== "done") return handled;
    if (client.isFresh) client.isFresh = isBlank(pending, taken.start, taken.end);
    return taken;
  }

  /** @returns false where the log has no room */
  #append(client: Client, wish: Wish): boolean {
    if (!appendRecord(this.#member, this.#replica.state.format, wish)) return false;
    client.inFlight += 1;
    client.conversation.wished?.();
    return true;
  }

  /** Asks history for what a client missed, when it has taken all that it was sent. False where the ring is full. */
  #askForMissed(client: Client): boolean {
    const { session, output } = client;
    const from = output.toAsk;
    if (from === undefined) return true;
    if (!this.#append(client, { kind: "catchUp", session, from, before: 0 })) return false;
    output.asking();
    return true;
  }

  /** The kernel took at once what it was sent: nothing else tells that it is time to ask for what comes next. */
  mayAsk(client: Client): boolean {
    const { seated, arrived, leaving, output } = client;
    if (!output.isLagging || this.#ready.has(client)) return false;
    return seated && arrived && !leaving && output.toAsk !== undefined;
  }
}

const BLANK = 0x20;

/** Nothing in it is seen. */
function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at]! > BLANK) return false;
  return true;
}
