export { type Access, FIRST_SEQUENCE, type NamedEntry, type Page, type Room } from "./entry.ts";
export { type ExportFormat, formatEntries } from "./export.ts";
export {
  IMPORT_PHASES,
  ImportError,
  type ImportOptions,
  type ImportProgress,
  type ImportResult,
  type UnknownRoom,
  importEntries,
} from "./import.ts";
export { type ExportFilter, HistoryReader, type RangePage, type SearchPage } from "./reader.ts";
export { HistoryVersionError } from "./schema.ts";
export { A_DATE, type SearchError, type SearchQuery, parseMoment, parseSearch } from "./searchQuery.ts";
export { type Batch, HistoryStore, HistoryWriteError, type WriteFault } from "./store.ts";
