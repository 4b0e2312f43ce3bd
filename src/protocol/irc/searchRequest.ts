import { PAGE_MAX } from "../../chat/index.ts";
import { parseLimit } from "./chathistory.ts";
import { type Fault, fault } from "./fault.ts";
import { parseTagString } from "./tags.ts";
import { parseTime } from "./time.ts";

/** What `SEARCH` of `soju.im/search` looks for: messages for which all of it is so. */
export interface SearchRequest {
  /** A room or a person. */
  readonly in: string | undefined;
  /** By whom: a nick. */
  readonly from: string | undefined;
  /** Both inclusive. */
  readonly afterMs: number | undefined;
  readonly beforeMs: number | undefined;
  readonly text: string | undefined;
  readonly limit: number;
}

const ATTRIBUTES = new Set(["in", "from", "after", "before", "text", "limit"]);

/** The attributes are written as tags are: `from=jackie;in=#chan;text=be\swhat`. */
export function parseSearch(params: readonly string[]): SearchRequest | Fault {
  const attributes = parseTagString(params[0] ?? "");
  // To leave one out that was asked for would find what was not.
  const unknown = [...attributes.keys()].find((name) => !ATTRIBUTES.has(name));
  if (unknown !== undefined) return invalid(unknown);
  const times: (number | undefined)[] = [];
  for (const name of ["after", "before"]) {
    const value = attributes.get(name);
    const timeMs = value === undefined ? undefined : parseTime(value);
    if (value !== undefined && timeMs === undefined) return invalid(name);
    times.push(timeMs);
  }
  const limitText = attributes.get("limit");
  const limit = limitText === undefined ? PAGE_MAX : parseLimit(limitText);
  if (limit === undefined) return invalid("limit");
  return {
    in: attributes.get("in") || undefined,
    from: attributes.get("from") || undefined,
    afterMs: times[0],
    beforeMs: times[1],
    text: attributes.get("text") || undefined,
    limit,
  };
}

function invalid(name: string): Fault {
  return fault("INVALID_PARAMS", [name], "Invalid parameters");
}
