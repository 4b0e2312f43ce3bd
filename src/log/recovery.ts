import { RECORDS_PER_TURN, SEQUENCER } from "./member.ts";
import { LogReader, type RecordHandler } from "./reader.ts";
import { type Segment, SegmentMismatchError, isKept } from "./segment.ts";
import { Sequencer } from "./sequencer.ts";

export interface Recovered {
  /** How many records the handler was given. */
  records: number;
  /** The sequence number after the last record: the next log begins there, or later. */
  nextSequence: number;
  /** Of the last record, in milliseconds since 1970: the next log's time begins there, or later. */
  lastTimeMs: number;
  /** Processes that left in their rings what no record can be: from there on nothing of theirs could be read. */
  violations: { process: number; reason: string }[];
}

/**
 * Finishes what the processes of a segment had in flight when all of them died: gives `handler` every record that the
 * keeper had not consumed, in the one order, and then those that were published and not ordered yet, which get their
 * places now, by the same rules as ever.
 *
 * Whoever dies in here may begin anew: every record has the sequence number that it had before. Some are given a
 * second time then, from before the last `commit`.
 *
 * @param segment of which all pages may be written, and that no other process writes
 * @param clock milliseconds since 1970
 * @param commit called when what was given so far is to be stored for good: when it returns, that is forgotten here
 * @throws SegmentMismatchError where the segment was made without a keeper: nothing in it was kept
 * @throws LogCorruptionError where it cannot be what its processes left; what was given before is right
 */
export function recoverSegment(
  segment: Segment,
  handler: RecordHandler,
  clock: () => number,
  commit: () => void,
): Recovered {
  const { layout } = segment;
  if (!isKept(segment))
    throw new SegmentMismatchError("the segment was made without a keeper: what was in flight was not kept");
  const violations: Recovered["violations"] = [];
  const sequencer = new Sequencer(
    segment,
    clock,
    { ring: () => undefined },
    {
      onViolation: (process, reason) => violations.push({ process, reason }),
      onHung: () => undefined,
    },
  );
  sequencer.releaseAll();
  // On the page of process 0, whose role this is: nobody else reads what it says there of itself.
  const reader = new LogReader(segment, SEQUENCER, {
    sequence: sequencer.kept,
    endWord: layout.tail,
    consuming: "explicit",
    onConsumed: () => undefined,
  });
  let records = 0;
  // In portions, where the order ring has no room for all: what is stored makes room.
  for (let work = 1; work > 0;) {
    work = sequencer.step();
    for (let read = 1; read > 0;) {
      read = reader.poll(handler, RECORDS_PER_TURN);
      records += read;
      work += read;
    }
    if (reader.sequence === sequencer.kept) continue;
    commit();
    sequencer.keepFrom(reader.sequence);
  }
  return { records, nextSequence: sequencer.sequence, lastTimeMs: sequencer.timeMs, violations };
}
