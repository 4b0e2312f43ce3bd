import { closeSync, constants, fstatSync, openSync, unlinkSync } from "node:fs";
import { ArrayWords, type Layout, type Range, SegmentMismatchError, openSegment } from "../log/index.ts";
import { dropView, fallocate, mapShared, munmap, openOwnFile, viewMemory } from "./libc.ts";

/** Less cannot hold a header, more than this no layout can ask for. */
const SEGMENT_BYTES_MIN = 4096;
const SEGMENT_BYTES_MAX = 2 ** 42;

/** A segment file as this process sees it: all of it to read, its own pages to write. */
export class Mapping implements Disposable {
  readonly words: ArrayWords;
  readonly #address: bigint;
  readonly #length: number;
  readonly #buffer: ArrayBuffer;
  #closed = false;

  /** @param writable the pages that this process alone writes: a store anywhere else ends it with SIGSEGV */
  constructor(descriptor: number, length: number, writable: Range | undefined) {
    this.#length = length;
    this.#address = mapShared(descriptor, length, { writable: false });
    if (writable !== undefined) {
      const { offset } = writable;
      mapShared(descriptor, writable.length, {
        writable: true,
        offset,
        address: this.#address + BigInt(offset),
      });
    }
    this.#buffer = viewMemory(this.#address, length);
    this.words = new ArrayWords(this.#buffer);
  }

  /** Gives the addresses back. Detaches the buffer first: a later access finds an empty array, not a hole. */
  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    dropView(this.#buffer);
    munmap(this.#address, this.#length);
  }
}

/**
 * A new file of `length` bytes, all of them really there, so that a full file system is an error now and not a
 * SIGBUS later. Nobody else may read it, and it is never one that exists.
 * @throws SystemError EEXIST, or ENOSPC (nothing is left behind)
 */
export function createSegmentFile(path: string, length: number): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const descriptor = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    fallocate(descriptor, length);
  } catch (error) {
    closeSync(descriptor);
    unlinkSync(path);
    throw error;
  }
  return descriptor;
}

/**
 * Opens a segment file that is there, and looks at its header. The caller closes the descriptor.
 * @throws SegmentMismatchError where it is not one that this version wrote, or not whole
 * @throws where it is not a regular file of this user, a symbolic link among others; or ENOENT
 */
export function openSegmentFile(path: string): { descriptor: number; layout: Layout } {
  const descriptor = openOwnFile(path);
  try {
    const { size } = fstatSync(descriptor);
    if (size < SEGMENT_BYTES_MIN || size > SEGMENT_BYTES_MAX || size % SEGMENT_BYTES_MIN !== 0)
      throw new SegmentMismatchError(`not a segment that this version can read: it has ${size} bytes`);
    // Where it has holes, a store would end this process if there is no memory for it.
    fallocate(descriptor, size);
    using header = new Mapping(descriptor, size, undefined);
    const { layout } = openSegment(header.words);
    if (layout.totalBytes !== size)
      throw new SegmentMismatchError(
        `not a segment that this version can read: ${layout.totalBytes} bytes are promised, ${size} are there`,
      );
    return { descriptor, layout };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}
