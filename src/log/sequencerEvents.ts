export interface SequencerEvents {
  /**
   * A process wrote what it must not, and nothing more of it is read: it has to be ended. It may be dead already: then
   * its slot may be free now, so take another turn.
   */
  onViolation(process: number, reason: string): void;
  /** A process left too many probes unanswered: it has to be ended. */
  onHung(process: number): void;
  /** A process is a reader from now on, and will read from this sequence number on. */
  onJoined?(process: number, sequence: number): void;
  /** A record was given its place. For the sequencer's own process, which may act on kinds (never on payloads). */
  onOrdered?(process: number, kind: number, sequence: number): void;
}
