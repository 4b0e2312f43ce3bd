import { apply, endConversation } from "../chat/index.ts";
import { type LogRecord, type Segment, recoverSegment } from "../log/index.ts";
import { decode } from "../record/index.ts";
import type { HistoryStore } from "../history/index.ts";
import { Recorder, nextSequence, storedState } from "./recorder.ts";

/** So many messages in one transaction: what does not fit into memory at once is not held there. */
const RECORDS_PER_COMMIT = 4096;

/**
 * Brings what stands in the segment of a server that was killed, every process of it, into the store: what was in the
 * order, and what had been published and was not ordered yet. Then nobody is left, as after an orderly end. Can be
 * repeated, when it was killed itself.
 *
 * @param now milliseconds since 1970
 * @param warn told of what a process had left that cannot be read
 * @returns how many records the store lacked
 * @throws HistoryWriteError, LogCorruptionError
 */
export function finishSegment(
  segment: Segment,
  store: HistoryStore,
  now: () => number,
  warn: (text: string) => void,
): number {
  const { stored, state } = storedState(store);
  const recorder = new Recorder(store, stored, state === stored);
  let records = 0;
  let isComplete = true;
  const onRecord = (record: LogRecord): void => {
    const { sequence, timeMs } = record;
    if (sequence <= recorder.through) return;
    // The store had failed: what the state was when these were written, nobody knows any more.
    if (records === 0 && sequence > nextSequence(store)) isComplete = false;
    records += 1;
    const decoded = isComplete ? decode(record.kind, record.bytes, record.start, record.length) : undefined;
    const effects = decoded === undefined ? [] : apply(state, decoded, record.process, sequence, timeMs);
    recorder.add(effects, sequence, timeMs);
    if (recorder.pending >= RECORDS_PER_COMMIT) recorder.commit(state);
  };
  const commit = (): void => {
    if (isComplete) recorder.commit(state);
    else recorder.drop();
  };
  const { violations, nextSequence: end, lastTimeMs } = recoverSegment(segment, onRecord, now, commit);
  for (const { process, reason } of violations)
    warn(`the rest of what process ${process} wrote is lost: ${reason}`);
  if (end - 1 > recorder.through && end > nextSequence(store)) {
    // The history process had let these go, because it could not write them.
    recorder.add([], end - 1, lastTimeMs);
    recorder.drop();
  }
  endConversation(state, recorder.through);
  recorder.commit(state);
  return records;
}

/**
 * Ends what a store says was going on, where no segment is left to finish it from: the machine itself went down.
 * @returns the first number that no session has had
 */
export function settle(store: HistoryStore): number {
  if (store.through === 0) return 1;
  const { state } = storedState(store);
  if (state.sessions.size > 0 || state.store !== "none" || state.historyProcess !== 0) {
    const recorder = new Recorder(store, state, true);
    endConversation(state, store.through);
    recorder.commit(state);
  }
  return state.nextSession;
}
