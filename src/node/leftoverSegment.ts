import { closeSync, fstatSync, renameSync, unlinkSync } from "node:fs";
import { type Segment, SegmentMismatchError, openSegment } from "../log/index.ts";
import { fallocate, openOwnFile } from "./libc.ts";
import { Mapping } from "./mapping.ts";

/** Less cannot hold a header, more than this no layout can ask for. */
const SEGMENT_BYTES_MIN = 4096;
const SEGMENT_BYTES_MAX = 2 ** 42;

/** The segment of a server whose processes are all dead, with every page writable: what `recoverSegment` asks for. */
export class LeftoverSegment implements Disposable {
  readonly segment: Segment;
  readonly path: string;
  readonly #mapping: Mapping;

  /**
   * The caller knows that no process of it lives: the lock on the data directory says so.
   * @returns undefined where there is no such file
   * @throws SegmentMismatchError where it is not one that this version wrote, or not whole
   * @throws where it is not a regular file of this user, a symbolic link among others
   */
  static open(path: string): LeftoverSegment | undefined {
    let descriptor: number;
    try {
      descriptor = openOwnFile(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    try {
      const { size } = fstatSync(descriptor);
      if (size < SEGMENT_BYTES_MIN || size > SEGMENT_BYTES_MAX || size % SEGMENT_BYTES_MIN !== 0)
        throw new SegmentMismatchError(`not a segment that this version can read: it has ${size} bytes`);
      return new LeftoverSegment(path, descriptor, size);
    } finally {
      closeSync(descriptor);
    }
  }

  private constructor(path: string, descriptor: number, size: number) {
    // Where it has holes, a store would end this process if there is no memory for it.
    fallocate(descriptor, size);
    this.path = path;
    this.#mapping = new Mapping(descriptor, size, { offset: 0, length: size });
    try {
      this.segment = openSegment(this.#mapping.words);
      const { totalBytes } = this.segment.layout;
      if (totalBytes !== size)
        throw new SegmentMismatchError(
          `not a segment that this version can read: ${totalBytes} bytes are promised, ${size} are there`,
        );
    } catch (error) {
      this.#mapping[Symbol.dispose]();
      throw error;
    }
  }

  get bytes(): number {
    return this.segment.words.bytes.length;
  }

  /** Removes the file: when everything in it is stored. */
  remove(): void {
    unlinkSync(this.path);
  }

  [Symbol.dispose](): void {
    this.#mapping[Symbol.dispose]();
  }
}

/** Keeps a segment that cannot be read, or not to its end, under another name, which it returns. */
export function setSegmentAside(path: string): string {
  const aside = `${path}.aside-${Date.now()}`;
  renameSync(path, aside);
  return aside;
}
