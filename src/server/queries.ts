import { type HistoryReader, parseSearch } from "../history/index.ts";
import type { HistoryQuery, HistoryResult } from "./ports.ts";

/** A search shows so many of the latest that it finds, */
const HITS = 20;
/** or as many as it asks for. */
const HITS_MAX = 200;
/** Of what a client missed, so much at a time. */
const RANGE_ENTRIES_MAX = 500;
const RANGE_BYTES_MAX = 96 * 1024;

/** @param nowMs for searches that say "before yesterday" */
export function answerQuery(reader: HistoryReader, query: HistoryQuery, nowMs: number): HistoryResult {
  const { session, question, before, rooms } = query;
  switch (question.kind) {
    case "replay":
    case "recall":
      return complete(reader.last(question.room, before, question.limit, "messages"), before);
    case "search": {
      const search = parseSearch(question.text, nowMs);
      if ("error" in search) return { through: 0, more: false, gaps: [], entries: [], refusal: search.error };
      const limit = Math.min(search.limit ?? HITS, HITS_MAX);
      return complete(reader.search(search, { session, rooms }, before, limit), before);
    }
    case "page":
      return complete(reader.page({ session, rooms }, question.of, question.page, before), before);
    case "targets": {
      const { afterMs, beforeMs, limit } = question;
      return complete(reader.targets({ session, rooms }, afterMs, beforeMs, limit, before), before);
    }
    case "range": {
      const { from } = question;
      const page = reader.range({ session, rooms }, from, before, RANGE_ENTRIES_MAX, RANGE_BYTES_MAX);
      return { ...page, refusal: undefined };
    }
  }
}

function complete(page: Omit<HistoryResult, "through" | "refusal">, before: number): HistoryResult {
  return { ...page, through: before - 1, refusal: undefined };
}
