import { ProcessWord, SlotWord } from "./layout.ts";
import { type Doorbell, SEQUENCER } from "./member.ts";
import type { Segment } from "./segment.ts";
import { Sequencer } from "./sequencer.ts";
import type { SequencerEvents } from "./sequencerEvents.ts";

/**
 * Takes the place of process 0, which is known to have died, between any two instructions, while others live: what it
 * had published in its own ring is ordered, what it had appended besides does not exist. It is no reader any more:
 * whoever goes on in its place attaches anew, and reads from there on.
 *
 * All bells may have been lost. Every process has to ring for the sequencer once when it has its new bell, and to look
 * for itself what there is; the sequencer's first turn does the rest.
 *
 * @param clock milliseconds since 1970
 * @returns the sequencer, and the generation that process 0 has
 * @throws LogCorruptionError where the segment cannot be what a sequencer left
 */
export function succeed(
  segment: Segment,
  clock: () => number,
  doorbell: Doorbell,
  events: SequencerEvents,
): { sequencer: Sequencer; generation: number } {
  const { words, layout } = segment;
  words.store(layout.process(SEQUENCER, ProcessWord.attached), 0);
  words.store(layout.slot(SEQUENCER, SlotWord.joined), 0);
  const sequencer = new Sequencer(segment, clock, doorbell, events);
  const { generation } = sequencer.inspect(SEQUENCER);
  // None where it died before it had admitted itself.
  return { sequencer, generation: generation === 0 ? sequencer.admit(SEQUENCER) : generation };
}
