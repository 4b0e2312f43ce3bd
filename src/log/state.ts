import { UINT32_SPAN } from "../base/index.ts";
import {
  HeaderWord,
  Keeping,
  ORDER_ENTRY_WORDS,
  OrderWord,
  PADDING_KIND,
  ProcessWord,
  RECORD_ALIGNMENT_BYTES,
  RECORD_HEADER_BYTES,
  SlotWord,
  recordBytes,
} from "./layout.ts";
import { LogCorruptionError, type Segment, readUint53 } from "./segment.ts";

/** Generations begin anew after this one; their negatives mark what was released. */
const GENERATION_MAX = 0x7fffffff;

export interface SlotState {
  /** Of its owner; 0: free. */
  generation: number;
  /** Whether it is to read from the oldest record that is still there. */
  early: boolean;
  /** Let in as a reader: from then on it holds the log back. */
  joined: boolean;
  /** Order position from which it reads. */
  joinAt: number;
  /** Ring position up to which its records are ordered. */
  ordered: number;
  /** Ring position up to which its records are consumed by everybody. */
  limit: number;
  /** What its last owner may not be read any further for. */
  violation: string | undefined;
}

/** How a process is let in. */
export interface Admission {
  /**
   * What it has not consumed is kept, even when it has died. It begins where the last one had consumed. Only where the
   * segment was made with one, and one at a time.
   */
  keeper?: boolean;
  /** It begins with the oldest record that is still there; others with the first that comes after they were let in. */
  early?: boolean;
}

/** What there is to know of a slot, for those who look. */
export interface SlotReport {
  generation: number;
  joined: boolean;
  orderedBytes: number;
  lagRecords: number;
}

/** What a sequencer knows, as it can be read from the segment when the one that knew it is dead. */
export interface SequencerState {
  /** The sequence number that the next record gets. */
  sequence: number;
  /** Of the last record, or before which no record may be. */
  timeMs: number;
  /** The process that is the keeper. */
  keeper: number | undefined;
  /** Order position before which the keeper needs nothing; the tail where the segment was made without one. */
  kept: number;
  /** Order position up to which every process that serves somebody is known to have consumed. */
  delivered: number;
  /** Order position up to which everybody is known to have consumed. */
  minConsumed: number;
  slots: SlotState[];
  /** For each entry from `minConsumed` on: the order position after it, its process, the ring position after it. */
  runs: { end: number; process: number; position: number }[];
}

/**
 * Reads what the last sequencer left, between whichever two instructions it died: the tail's store is what makes a
 * batch of entries exist. What was to be stored after it (how far each ring is ordered) stands in the entries, and
 * those that must be read are never overwritten before it is stored.
 *
 * @throws LogCorruptionError where no sequencer can have left it
 */
export function readState(segment: Segment): SequencerState {
  const { words, layout } = segment;
  const { processes, ringBytes, orderEntries } = layout.geometry;
  const tail = words.load(layout.tail);
  const last = readLast(segment, tail);

  const behindTail = (name: string, position: number): number => {
    const behind = (tail - position) | 0;
    if (behind < 0 || behind > orderEntries)
      throw new LogCorruptionError(`the segment's ${name} position is ${behind} records before its tail`);
    return behind;
  };
  const unsettled = behindTail("settled", words.get(layout.settled));
  const outstanding = behindTail("reclaimed", words.get(layout.reclaimed));
  const isKept = words.get(HeaderWord.keeping) !== Keeping.none;
  const kept = isKept ? words.get(layout.kept) : tail;
  if (behindTail("kept", kept) > outstanding)
    throw new LogCorruptionError("the segment's records were reclaimed, and not consumed by the keeper");
  const delivered = words.get(layout.delivered);
  if (behindTail("delivered", delivered) > outstanding)
    throw new LogCorruptionError("the segment's records were reclaimed, and not delivered");

  const slots: SlotState[] = [];
  for (let process = 0; process < processes; process += 1) {
    // Negative where its owner was released.
    const owner = words.get(layout.slot(process, SlotWord.generation));
    const generation = Math.max(0, owner);
    const isCutOff = owner !== 0 && words.get(layout.slot(process, SlotWord.cutOff)) === Math.abs(owner);
    const violation = isCutOff ? "it was cut off before" : undefined;
    const early = words.get(layout.slot(process, SlotWord.early)) === 1;
    const joined = generation !== 0 && words.load(layout.slot(process, SlotWord.joined)) === generation;
    const joinAt = words.get(layout.slot(process, SlotWord.joinAtLow));
    const ordered = words.get(layout.slot(process, SlotWord.ordered));
    if (ordered % RECORD_ALIGNMENT_BYTES !== 0)
      throw new LogCorruptionError(`process ${process} is ordered up to ${ordered}, where no record can end`);
    slots.push({ generation, early, joined, joinAt, ordered, limit: ordered, violation });
  }

  const runs: SequencerState["runs"] = [];
  const hasEntry = new Set<number>();
  for (let behind = Math.max(outstanding, unsettled); behind > 0; behind -= 1) {
    const { process, position, length } = readEntry(segment, last.sequence - behind);
    const after = (position + recordBytes(length)) | 0;
    const slot = slots[process]!;
    if (behind <= unsettled) slot.ordered = after;
    if (behind > outstanding) continue;
    if (!hasEntry.has(process)) slot.limit = position;
    hasEntry.add(process);
    runs.push({ end: (tail - behind + 1) | 0, process, position: after });
  }
  for (const [process, slot] of slots.entries()) {
    if (!hasEntry.has(process)) slot.limit = slot.ordered;
    const heldBytes = (slot.ordered - slot.limit) | 0;
    if (heldBytes < 0 || heldBytes > ringBytes)
      throw new LogCorruptionError(`${heldBytes} bytes of process ${process}'s ring are in the order`);
  }
  return {
    ...last,
    keeper: readKeeper(segment, slots),
    kept,
    delivered,
    minConsumed: (tail - outstanding) | 0,
    slots,
    runs,
  };
}

/** Of a free slot's next owner. */
export function nextGeneration({ words, layout }: Segment, process: number): number {
  // Negative where its owner was released.
  let generation = Math.abs(words.get(layout.slot(process, SlotWord.generation)));
  // Nor is it one that the last owner, gone wrong, left behind for the next: that would be let in unasked.
  do generation = generation === GENERATION_MAX ? 1 : generation + 1;
  while (
    generation === words.get(layout.process(process, ProcessWord.attached)) ||
    generation === words.get(layout.process(process, ProcessWord.reading))
  );
  return generation;
}

/** The next sequence number, and the time of the last record. */
function readLast({ words, layout }: Segment, tail: number): { sequence: number; timeMs: number } {
  const firstSequence = readUint53(words, HeaderWord.firstSequenceLow, HeaderWord.firstSequenceHigh);
  const position = (tail - 1) | 0;
  const entry = layout.orderRing + (position & (layout.geometry.orderEntries - 1)) * ORDER_ENTRY_WORDS;
  if (words.get(entry + OrderWord.kindAndProcess) >>> 16 === PADDING_KIND) {
    // Never written: there were none yet.
    if (tail !== ((firstSequence % UINT32_SPAN) | 0))
      throw new LogCorruptionError("the segment's tail points behind an entry that was never written");
    const timeMs = readUint53(words, HeaderWord.firstTimeLow, HeaderWord.firstTimeHigh);
    return { sequence: firstSequence, timeMs };
  }
  const sequence = readUint53(words, entry + OrderWord.sequenceLow, entry + OrderWord.sequenceHigh) + 1;
  const timeMs = readUint53(words, entry + OrderWord.timeLow, entry + OrderWord.timeHigh);
  if (
    words.get(entry + OrderWord.sequenceLow) !== position ||
    !Number.isSafeInteger(sequence) ||
    sequence <= firstSequence ||
    !Number.isSafeInteger(timeMs) ||
    timeMs < 0
  )
    throw new LogCorruptionError("the last entry of the order ring is damaged");
  return { sequence, timeMs };
}

function readEntry(
  { words, layout }: Segment,
  sequence: number,
): { process: number; position: number; length: number } {
  const { processes, ringBytes, orderEntries } = layout.geometry;
  const low = (sequence % UINT32_SPAN) | 0;
  const entry = layout.orderRing + (low & (orderEntries - 1)) * ORDER_ENTRY_WORDS;
  const kindAndProcess = words.get(entry + OrderWord.kindAndProcess);
  const process = kindAndProcess & 0xffff;
  const position = words.get(entry + OrderWord.position);
  const length = words.get(entry + OrderWord.length);
  if (
    words.get(entry + OrderWord.sequenceLow) !== low ||
    words.get(entry + OrderWord.sequenceHigh) !== Math.floor(sequence / UINT32_SPAN) ||
    kindAndProcess >>> 16 === PADDING_KIND ||
    process >= processes ||
    position % RECORD_ALIGNMENT_BYTES !== 0 ||
    length < 0 ||
    length > layout.payloadBytesMax ||
    (position & (ringBytes - 1)) + RECORD_HEADER_BYTES + length > ringBytes
  )
    throw new LogCorruptionError(`entry ${sequence} of the order ring is damaged`);
  return { process, position, length };
}

function readKeeper({ words, layout }: Segment, slots: readonly SlotState[]): number | undefined {
  const keeper = words.get(layout.keeper) - 1;
  if (
    keeper < -1 ||
    keeper >= slots.length ||
    (keeper >= 0 && words.get(HeaderWord.keeping) === Keeping.none)
  )
    throw new LogCorruptionError(`the segment's keeper is process ${keeper}`);
  // Named, and not admitted any more, or not yet: its sequencer died in between.
  return keeper >= 0 && slots[keeper]!.generation !== 0 ? keeper : undefined;
}
