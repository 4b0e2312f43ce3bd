import { ByteReader, TruncatedError } from "../base/index.ts";

/** What `read` makes of exactly these bytes; undefined where they end before the record does, or after it. */
export function readWhole<T>(
  bytes: Uint8Array,
  start: number,
  length: number,
  read: (reader: ByteReader) => T,
): T | undefined {
  const reader = new ByteReader(bytes, start, start + length);
  try {
    const record = read(reader);
    return reader.remaining === 0 ? record : undefined;
  } catch (error) {
    if (error instanceof TruncatedError) return undefined;
    throw error;
  }
}
