export { AssertionError, assert, unreachable } from "./assert.ts";
export { ByteReader, ByteWriter, TruncatedError, concatBytes, copyBytes } from "./bytes.ts";
export { type Random, seededRandom } from "./random.ts";
export { KiB, MiB, SECOND_MS, UINT32_SPAN, formatBytes } from "./units.ts";
export { REPLACEMENT, codePointAt, decodeUtf8, encodeUtf8, sequenceLength } from "./utf8.ts";
