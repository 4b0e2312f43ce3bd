/**
 * The memory of client areas: what stands in them is not known here, only how it is mapped.
 *
 * An area is a memfd of one client's own, passed along with the client's socket, and not a part of the log's segment:
 * what a client types can be a password, and a process without this descriptor cannot see it. It outlives the process
 * that serves the client, so whatever was stored in it before that process died is there for the next.
 *
 *   ┌─────────────┬─────────┬──────────┬─────────┬─────────┐
 *   │ header page │ input   │ output   │ notes 0 │ notes 1 │                              the file
 *   └─────────────┴─────────┴──────────┴─────────┴─────────┘
 *   ┌─────────────┬─────────┬─────────┬──────────┬──────────┬─────────┬─────────┐
 *   │ header page │ input   │ input   │ output   │ output   │ notes 0 │ notes 1 │         as it is mapped
 *   └─────────────┴─────────┴─────────┴──────────┴──────────┴─────────┴─────────┘
 *
 * The two rings are mapped twice in a row: so every range of a ring is contiguous, also one that goes over its end, and
 * no read, write or line is ever cut in two.
 *
 * The file takes memory only where something was stored: an area for megabytes costs a client that says little some
 * pages. So it is not given its memory beforehand as the segment is.
 */
import { fstatSync } from "node:fs";
import { MiB, assert } from "../base/index.ts";
import { ArrayWords } from "../log/index.ts";
import { AreaError, type AreaMemory, INPUT_BYTES_MIN, NOTES_BYTES, formatArea } from "../server/index.ts";
import {
  close,
  dropView,
  dupCloexec,
  isSizeSealed,
  mapShared,
  memfdCreate,
  munmap,
  pageBytes,
  reserveAddresses,
  viewMemory,
} from "./libc.ts";

/** The ring for what the client sends: whole pages and a power of two. */
export const INPUT_BYTES: number = Math.max(INPUT_BYTES_MIN, pageBytes());

/** Positions have 32 bits, and what lies between two of them must be a positive number of 31. */
export const OUTPUT_BYTES_MAX: number = 1024 * MiB;

const HEADER_BYTES = pageBytes();
const INPUT_START = HEADER_BYTES;
const OUTPUT_START = INPUT_START + INPUT_BYTES;

export class AreaMapping {
  /** Owned: pass duplicates on. */
  readonly fd: number;
  readonly outputBytes: number;
  readonly memory: AreaMemory;
  readonly #address: bigint;
  readonly #view: ArrayBuffer;
  #open = true;

  private constructor(fd: number, outputBytes: number) {
    this.fd = fd;
    this.outputBytes = outputBytes;
    this.#address = mapArea(fd, outputBytes);
    const length = mappedBytes(outputBytes);
    this.#view = viewMemory(this.#address, length);
    const notes = length - 2 * NOTES_BYTES;
    this.memory = {
      words: new ArrayWords(this.#view),
      input: new Uint8Array(this.#view, INPUT_START, 2 * INPUT_BYTES),
      output: new Uint8Array(this.#view, INPUT_START + 2 * INPUT_BYTES, 2 * outputBytes),
      notes: [
        new Uint8Array(this.#view, notes, NOTES_BYTES),
        new Uint8Array(this.#view, notes + NOTES_BYTES, NOTES_BYTES),
      ],
    };
  }

  /**
   * A file for a new connection, formatted. `outputBytes` is a power of two, of at least a page and at most 1 GiB.
   * @param base where positions start: see `formatArea`
   * @returns its descriptor
   * @throws SystemError where descriptors or addresses run out
   */
  static create(outputBytes: number, base?: { input: number; output: number }): number {
    const isPossible = isOutputSize(outputBytes);
    assert(isPossible, `an output ring of ${outputBytes} bytes`);
    const fd = memfdCreate("chorus client", fileBytes(outputBytes));
    const header = AreaMapping.adoptHeader(closingOnError(fd, () => dupCloexec(fd)));
    formatArea(header.words, { input: INPUT_BYTES, output: outputBytes }, base);
    header.close();
    return fd;
  }

  /**
   * Goes on with what another process left. How large its output ring is, is taken from the size of the file, which
   * nobody can change; whether the header agrees is for the reader of the header to check. Owns `fd` from now on, also
   * when it throws `AreaError`.
   */
  static adopt(fd: number): AreaMapping {
    return closingOnError(fd, () => new AreaMapping(fd, outputBytesOf(fd)));
  }

  /**
   * The header page alone, for a process that has to know how far a client has got and must not read what it says.
   * Otherwise as `adopt`.
   */
  static adoptHeader(fd: number): AreaHeader {
    return closingOnError(fd, () => new AreaHeader(fd, outputBytesOf(fd)));
  }

  /**
   * Unmaps and closes. A socket that reads into this area or writes from it must have been destroyed before: libuv
   * holds the bare address, and the kernel would write to whatever is mapped there next. JavaScript's own views are
   * made empty here, so that a forgotten one is harmless.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    dropView(this.#view);
    munmap(this.#address, mappedBytes(this.outputBytes));
    close(this.fd);
  }
}

/** The header page of an area, made by `AreaMapping.adoptHeader`. */
export class AreaHeader {
  /** Owned: pass duplicates on. */
  readonly fd: number;
  readonly outputBytes: number;
  readonly words: ArrayWords;
  readonly #view: ArrayBuffer;
  readonly #address: bigint;
  #open = true;

  constructor(fd: number, outputBytes: number) {
    this.fd = fd;
    this.outputBytes = outputBytes;
    this.#address = mapShared(fd, HEADER_BYTES, { writable: true });
    this.#view = viewMemory(this.#address, HEADER_BYTES);
    this.words = new ArrayWords(this.#view);
  }

  /** Unmaps and closes; `words` is empty afterwards. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    dropView(this.#view);
    munmap(this.#address, HEADER_BYTES);
    close(this.fd);
  }
}

function fileBytes(outputBytes: number): number {
  return OUTPUT_START + outputBytes + 2 * NOTES_BYTES;
}

function mappedBytes(outputBytes: number): number {
  return fileBytes(outputBytes) + INPUT_BYTES + outputBytes;
}

function isOutputSize(bytes: number): boolean {
  return Number.isInteger(Math.log2(bytes)) && bytes >= pageBytes() && bytes <= OUTPUT_BYTES_MAX;
}

function outputBytesOf(fd: number): number {
  if (!isSizeSealed(fd)) throw new AreaError("not a client area: its size is not sealed");
  const { size } = fstatSync(fd);
  const outputBytes = size - fileBytes(0);
  if (!isOutputSize(outputBytes)) throw new AreaError(`not a client area: it has ${size} bytes`);
  return outputBytes;
}

/** Three ranges of the file, each from where the one before it has just repeated its ring. */
function mapArea(fd: number, outputBytes: number): bigint {
  const length = mappedBytes(outputBytes);
  const address = reserveAddresses(length);
  try {
    let at = address;
    for (const [start, end] of [
      [0, OUTPUT_START],
      [INPUT_START, OUTPUT_START + outputBytes],
      [OUTPUT_START, fileBytes(outputBytes)],
    ] as const) {
      mapShared(fd, end - start, { writable: true, offset: start, address: at });
      at += BigInt(end - start);
    }
    const isWhole = at === address + BigInt(length);
    assert(isWhole, "the ranges of an area fill what was reserved for them");
  } catch (error) {
    munmap(address, length);
    throw error;
  }
  return address;
}

function closingOnError<Result>(fd: number, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    close(fd);
    throw error;
  }
}
