import { ProcessWord } from "./layout.ts";
import { SEQUENCER } from "./member.ts";
import type { Segment } from "./segment.ts";

/** A process that leaves so many probes unanswered does not live any more. */
export const PROBES_MISSED_MAX = 4;

/**
 * Ticks between probes of a process that sleeps with nothing to do: to wake them all each second is most of what an
 * idle server would use.
 */
const SLEEPER_PROBE_TICKS = 16;

/** What is known of the process in a slot. */
export interface Probed {
  generation: number;
  joined: boolean;
  /** The sleep epoch that was rung last. */
  rang: number;
  /** Whether the last probe was for this process, too. */
  isAsked: boolean;
  probesMissed: number;
}

/** Asks processes for signs of life. */
export class Probes {
  readonly #segment: Segment;
  readonly #slots: readonly Probed[];
  readonly #ring: (process: number) => void;
  readonly #onHung: (process: number) => void;
  #ticks = 0;
  #isSuspicious = false;

  constructor(
    segment: Segment,
    slots: readonly Probed[],
    ring: (process: number) => void,
    onHung: (process: number) => void,
  ) {
    this.#segment = segment;
    this.#slots = slots;
    this.#ring = ring;
    this.#onHung = onHung;
  }

  /** See `Sequencer.probe`. */
  tick(): void {
    const { words, layout } = this.#segment;
    const last = words.get(layout.probe);
    this.#ticks += 1;
    this.#slots.forEach((slot, process) => {
      if (process === SEQUENCER || slot.generation === 0 || !slot.joined) return;
      const answered = !slot.isAsked || words.load(layout.process(process, ProcessWord.probeAnswer)) === last;
      slot.probesMissed = answered ? 0 : slot.probesMissed + 1;
      const epoch = words.load(layout.process(process, ProcessWord.sleepEpoch));
      const isIdle = (epoch & 1) === 1 && epoch !== slot.rang;
      const isItsTurn = (this.#ticks + process) % SLEEPER_PROBE_TICKS === 0;
      slot.isAsked = !isIdle || !answered || isItsTurn || this.#isSuspicious;
    });
    this.#isSuspicious = false;
    words.store(layout.probe, (last + 1) | 0);
    this.#slots.forEach((slot, process) => {
      if (!slot.isAsked || slot.generation === 0) return;
      if (slot.probesMissed >= PROBES_MISSED_MAX) this.#onHung(process);
      else this.#ring(process);
    });
  }

  suspect(): void {
    this.#isSuspicious = true;
  }
}
