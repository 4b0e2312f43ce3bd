export type { Database, Row, Statement, Value } from "./database.ts";
export {
  type Access,
  type Entry,
  type EntryKind,
  FIRST_SEQUENCE,
  type Gap,
  type NamedEntry,
  type Page,
  type Person,
  type Room,
} from "./entry.ts";
export { type ExportFormat, formatEntries } from "./export.ts";
export {
  ImportError,
  type ImportOptions,
  type ImportProgress,
  type ImportResult,
  importEntries,
} from "./import.ts";
export { type ExportFilter, HistoryReader, type RangePage, type SearchPage } from "./reader.ts";
export { HistoryVersionError } from "./schema.ts";
export { type SearchError, type SearchQuery, parseSearch } from "./searchQuery.ts";
export { type Batch, HistoryStore, HistoryWriteError, type StatePiece, type WriteFault } from "./store.ts";
