import { closeSync, renameSync, unlinkSync } from "node:fs";
import { type Segment, openSegment } from "../log/index.ts";
import { Mapping, openSegmentFile } from "./mapping.ts";

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
    try {
      const { descriptor, layout } = openSegmentFile(path);
      try {
        return new LeftoverSegment(path, descriptor, layout.totalBytes);
      } finally {
        closeSync(descriptor);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  private constructor(path: string, descriptor: number, size: number) {
    this.path = path;
    this.#mapping = new Mapping(descriptor, size, { offset: 0, length: size });
    this.segment = openSegment(this.#mapping.words);
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
