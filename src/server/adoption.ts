import type { ChatRecord } from "../chat/index.ts";
import type { Crew, CrewMember } from "./crew.ts";
import type { Handle, Role, Spawned, SupervisorPorts } from "./ports.ts";
import type { SeatMessage } from "./seatMessage.ts";
import type { Seating } from "./seating.ts";

/** A process that outlived its supervisor. */
export interface AdoptedMember extends Spawned {
  readonly role: Role;
}

interface AdoptionEvents {
  say(record: ChatRecord): void;
  /** A process says that it was ready before. */
  onReady(member: CrewMember, format: number, version: string): void;
  /** A worker has reported that it has nobody, and may go. */
  onIdle(member: CrewMember): void;
}

/** A supervisor that died may have given so many numbers to connections that never came to be in the log. */
const LOST_SESSIONS_MAX = 2 ** 32;

/** What a supervisor has of one that died before it: processes that live, their clients, and who is lost. */
export class Adoption {
  readonly #ports: SupervisorPorts;
  readonly #crew: Crew;
  readonly #seating: Seating;
  readonly #events: AdoptionEvents;
  /** Processes of the dead one, and how many of their clients each has yet to hand back, where it has said so. */
  readonly #unreported = new Map<number, number | undefined>();
  #onReported: (() => void) | undefined;
  #isSuccessor = false;
  /** Not all have reported, or had the time to. */
  isUnderway = false;
  /**
   * Processes that did not outlive the dead supervisor. Before all have reported, some of their clients may be
   * others'.
   */
  readonly #lost: number[] = [];
  /** Processes that died before they had reported. */
  readonly #unheard = new Set<CrewMember>();

  constructor(ports: SupervisorPorts, crew: Crew, seating: Seating, events: AdoptionEvents) {
    this.#ports = ports;
    this.#crew = crew;
    this.#seating = seating;
    this.#events = events;
  }

  begin(members: readonly AdoptedMember[], onReported: () => void): void {
    // Every session that the log has heard of took a record of it, and there are not so many others.
    this.#seating.startAfter(this.#ports.sequence() + LOST_SESSIONS_MAX);
    this.#onReported = onReported;
    this.isUnderway = true;
    this.#isSuccessor = true;
    // A process may have been gone before, and whoever was with it had no other yet.
    this.#lost.push(...this.#ports.vacant());
    for (const { role, ...spawned } of members) {
      // Until it says more, whoever reads the log may be serving anybody.
      this.#crew.add(spawned, role).serves = this.#ports.serves(spawned.process);
      this.#unreported.set(spawned.process, undefined);
      this.#ports.adopt(spawned.process);
    }
  }

  /** A process says that it is there, and how many clients it has. */
  adopted(member: CrewMember, message: Extract<SeatMessage, { type: "adopted" }>): void {
    if (!this.#unreported.has(member.process)) return;
    this.#seating.startAfter(message.nextSession + LOST_SESSIONS_MAX);
    this.#unreported.set(member.process, message.clients);
    member.readsFrom = 0;
    if (message.ready) this.#events.onReady(member, message.format, message.version);
    this.#reportIfComplete(member);
  }

  /** One of them. @param handles owned here */
  takeBack(
    member: CrewMember,
    message: Extract<SeatMessage, { type: "held" }>,
    handles: readonly Handle[],
  ): void {
    const left = this.#unreported.get(member.process);
    const [socket, area] = handles;
    if (left === undefined || socket === undefined || area === undefined) {
      for (const handle of handles) this.#ports.close(handle);
      return;
    }
    this.#unreported.set(member.process, left - 1);
    this.#seating.takeBack(member, { ...message, handles: [socket, area] });
    this.#reportIfComplete(member);
  }

  #reportIfComplete(member: CrewMember): void {
    if (this.#unreported.get(member.process) !== 0) return;
    this.#unreported.delete(member.process);
    if (member.serves && member.sessions.size === 0) {
      this.#ports.standDown(member.process);
      member.serves = false;
    }
    if (member.role === "worker" && member.sessions.size === 0 && this.#seating.isWith(member)) {
      // It has served somebody who has left, and reads on with those who serve.
      member.ending = true;
      this.#events.onIdle(member);
    }
    this.#reported();
  }

  #reported(): void {
    const onReported = this.#onReported;
    if (this.#unreported.size > 0 || onReported === undefined) return;
    this.#onReported = undefined;
    onReported();
  }

  /** One that had not reported: whoever it had is known to the log alone. */
  died(member: CrewMember): void {
    if (this.#unreported.has(member.process)) this.#unheard.add(member);
    this.#unreported.delete(member.process);
    this.#reported();
  }

  /** Its last words are in the order. */
  gone(member: CrewMember): void {
    if (this.#unheard.delete(member)) this.bury(member.process);
  }

  /** Likewise of one that is none of ours: it died with the supervisor before this one, or before it. */
  strangerGone(process: number): void {
    if (this.#isSuccessor) this.bury(process);
  }

  /** Whoever was with it is lost: but for those of whom others say that they have them, of which there may be more. */
  bury(process: number): void {
    if (this.#isUnsettled) this.#lost.push(process);
    else this.#events.say({ kind: "processDied", process });
  }

  /** Whether there may be more to come of what was with a supervisor before this one. */
  get #isUnsettled(): boolean {
    return this.isUnderway || this.#seating.hasMovedBack;
  }

  /** Says whose everybody is, and then who is lost, when the last words of the dead are in the order. */
  settle(): void {
    if (this.#lost.length === 0 && !this.#seating.hasMovedBack) return;
    if (this.isUnderway || this.#ports.areDying()) return;
    this.#seating.sayMovedBack();
    for (const process of this.#lost.splice(0)) this.bury(process);
  }
}
