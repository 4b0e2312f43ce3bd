import { UINT32_SPAN, assert } from "../base/index.ts";
import {
  type Geometry,
  HeaderWord,
  Keeping,
  LAYOUT_VERSION,
  Layout,
  MAGIC,
  ProcessWord,
  RECORD_ALIGNMENT_BYTES,
  SlotWord,
  WORD_BYTES,
} from "./layout.ts";
import type { Words } from "./words.ts";

/** The mapped memory and the knowledge of what is where in it. */
export interface Segment {
  readonly words: Words;
  readonly layout: Layout;
}

/** The header is not one that this program may read: another layout, another size, or damaged. */
export class SegmentMismatchError extends Error {
  override readonly name = "SegmentMismatchError";
}

/** The memory says what it never may: a reader stops here rather than follow it. */
export class LogCorruptionError extends Error {
  override readonly name = "LogCorruptionError";
}

export interface FormatOptions {
  /** Two random words that tell this segment from its predecessors. */
  segmentId?: readonly [number, number];
  /** Four words that tell whose it is. */
  identity?: readonly [number, number, number, number];
  /** The first record's sequence number. */
  firstSequence?: number;
  /** Where ring positions start, for tests of the wrap: a multiple of 8. */
  startPosition?: number;
  /** The log's time starts not before it, whatever the clock says: milliseconds since 1970; default 0. */
  firstTimeMs?: number;
  /** Whether one reader is the keeper, for which the log is held back even while none lives; default false. */
  keeper?: boolean;
  /** With a keeper: whether the others read only what it has consumed; default false. */
  deliverAfterKeeper?: boolean;
}

/** Writes the header and the first values of all words into zeroed memory. Called once, before anybody attaches. */
export function formatSegment(words: Words, geometry: Geometry, options: FormatOptions = {}): Segment {
  const { segmentId = [0, 0], identity = [0, 0, 0, 0], firstSequence = 1, startPosition = 0 } = options;
  const { firstTimeMs = 0, keeper = false, deliverAfterKeeper = false } = options;
  assert(keeper || !deliverAfterKeeper, "nothing is delivered after a keeper that there is none of");
  assert(Number.isSafeInteger(firstTimeMs) && firstTimeMs >= 0, `no time: ${firstTimeMs}`);
  assert(Number.isSafeInteger(firstSequence) && firstSequence >= 0, `no sequence number: ${firstSequence}`);
  assert(startPosition % 8 === 0, `ring positions are multiples of 8, not ${startPosition}`);
  const layout = new Layout(geometry);
  assert(words.bytes.length >= layout.totalBytes, `the memory has less than ${layout.totalBytes} bytes`);

  words.set(HeaderWord.magic0, MAGIC[0]);
  words.set(HeaderWord.magic1, MAGIC[1]);
  words.set(HeaderWord.version, LAYOUT_VERSION);
  words.set(HeaderWord.pageBytes, geometry.pageBytes);
  words.set(HeaderWord.processes, geometry.processes);
  words.set(HeaderWord.ringBytes, geometry.ringBytes);
  words.set(HeaderWord.orderEntries, geometry.orderEntries);
  words.set(HeaderWord.totalBytesLow, (layout.totalBytes % UINT32_SPAN) | 0);
  words.set(HeaderWord.totalBytesHigh, Math.floor(layout.totalBytes / UINT32_SPAN));
  words.set(HeaderWord.segmentId0, segmentId[0] | 0);
  words.set(HeaderWord.segmentId1, segmentId[1] | 0);
  identity.forEach((word, i) => words.set(HeaderWord.identity + i, word | 0));
  words.set(HeaderWord.firstSequenceLow, (firstSequence % UINT32_SPAN) | 0);
  words.set(HeaderWord.firstSequenceHigh, Math.floor(firstSequence / UINT32_SPAN));
  words.set(HeaderWord.startPosition, startPosition | 0);
  words.set(HeaderWord.firstTimeLow, (firstTimeMs % UINT32_SPAN) | 0);
  words.set(HeaderWord.firstTimeHigh, Math.floor(firstTimeMs / UINT32_SPAN));
  const keeping = deliverAfterKeeper ? Keeping.keeperFirst : keeper ? Keeping.keeper : Keeping.none;
  words.set(HeaderWord.keeping, keeping);

  for (let process = 0; process < geometry.processes; process += 1) {
    words.set(layout.slot(process, SlotWord.limit), startPosition | 0);
    words.set(layout.slot(process, SlotWord.ordered), startPosition | 0);
    words.set(layout.process(process, ProcessWord.published), startPosition | 0);
  }
  for (const word of [layout.tail, layout.settled, layout.reclaimed, layout.kept, layout.delivered])
    words.set(word, (firstSequence % UINT32_SPAN) | 0);
  words.store(HeaderWord.checksum, headerChecksum(words));
  return { words, layout };
}

/**
 * Reads the header of a formatted segment.
 * @throws SegmentMismatchError where any of it is not as it must be; nothing is guessed.
 */
export function openSegment(words: Words): Segment {
  const refuse = (why: string): never => {
    throw new SegmentMismatchError(`not a segment that this version can read: ${why}`);
  };
  if (words.bytes.length < (HeaderWord.checksum + 1) * WORD_BYTES) refuse("it is too short for a header");
  if (words.get(HeaderWord.magic0) !== MAGIC[0] || words.get(HeaderWord.magic1) !== MAGIC[1])
    refuse("the magic number is missing");
  const version = words.get(HeaderWord.version);
  if (version !== LAYOUT_VERSION) refuse(`its layout is version ${version}, ours is ${LAYOUT_VERSION}`);
  if (words.load(HeaderWord.checksum) !== headerChecksum(words)) refuse("its header is damaged");
  const geometry: Geometry = {
    processes: words.get(HeaderWord.processes),
    ringBytes: words.get(HeaderWord.ringBytes),
    orderEntries: words.get(HeaderWord.orderEntries),
    pageBytes: words.get(HeaderWord.pageBytes),
  };
  let layout: Layout;
  try {
    layout = new Layout(geometry);
  } catch (error) {
    // A layout asserts what it is made of; here that came from outside.
    return refuse((error as Error).message);
  }
  if (layout.totalBytes !== readUint53(words, HeaderWord.totalBytesLow, HeaderWord.totalBytesHigh))
    refuse("its size does not follow from its settings");
  if (words.bytes.length < layout.totalBytes)
    refuse(`${layout.totalBytes} bytes are promised, ${words.bytes.length} are there`);
  const keeping = words.get(HeaderWord.keeping);
  if (keeping < Keeping.none || keeping > Keeping.keeperFirst) refuse(`it is kept in a way ${keeping}`);
  return { words, layout };
}

/** Whether the log is made with a keeper: only then is what is in it there to be recovered. */
export function isKept({ words }: Segment): boolean {
  return words.get(HeaderWord.keeping) !== Keeping.none;
}

/** Generation of the process that a slot belongs to; 0: it is free, or its owner was released. */
export function ownerOf({ words, layout }: Segment, process: number): number {
  // Negative where its owner was released.
  return Math.max(0, words.get(layout.slot(process, SlotWord.generation)));
}

/**
 * Ring position up to which a process says that it has written: a multiple of 8, whatever it says. Of a dead process it
 * is final, until its slot is given to another: what it had appended beyond does not exist.
 */
export function publishedBy({ words, layout }: Segment, process: number): number {
  return words.load(layout.process(process, ProcessWord.published)) & -RECORD_ALIGNMENT_BYTES;
}

export function readUint53(words: Words, low: number, high: number): number {
  return words.get(high) * UINT32_SPAN + (words.get(low) >>> 0);
}

/** FNV-1a over the header's words: against accidents, not against malice. */
function headerChecksum(words: Words): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < HeaderWord.checksum; i += 1) hash = Math.imul(hash ^ words.get(i), 0x01000193);
  return hash;
}
