export { AssertionError, assert, unreachable } from "./assert.ts";
export { fromBase64, toBase64 } from "./base64.ts";
export { ByteReader, ByteWriter, TruncatedError, concatBytes, copyBytes } from "./bytes.ts";
export { type Database, type Row, type Statement, type Value, reading, writing } from "./database.ts";
export { withoutCodes } from "./formatting.ts";
export { type Random, seededRandom } from "./random.ts";
export { KiB, MiB, SECOND_MS, UINT32_SPAN, formatBytes } from "./units.ts";
export {
  REPLACEMENT,
  codePointAt,
  cutUtf8,
  decodeUtf8,
  encodeUtf8,
  sequenceLength,
  utf8Length,
} from "./utf8.ts";
