import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { ArrayWords, type Range } from "../log/index.ts";
import { dropView, fallocate, mapShared, munmap, viewMemory } from "./libc.ts";

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
