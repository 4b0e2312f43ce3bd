import { type Page, type Place, PAGE_MAX } from "../../chat/index.ts";
import { type Fault, fault } from "./fault.ts";
import { asciiUpperCase } from "./message.ts";
import { parseTime } from "./time.ts";

/** What a client wants to see of the past (https://ircv3.net/specs/extensions/chathistory). */
export type HistoryRequest =
  | {
      readonly kind: "page";
      readonly target: string;
      readonly page: Page;
    }
  /** Both exclusive, `afterMs` the earlier one. */
  | {
      readonly kind: "targets";
      readonly afterMs: number;
      readonly beforeMs: number;
      readonly limit: number;
    };

const SELECTORS: Readonly<Record<string, number>> = {
  BEFORE: 1,
  AFTER: 1,
  LATEST: 1,
  AROUND: 1,
  BETWEEN: 2,
};

/** @param events whether the client can make sense of who came and went (`draft/event-playback`) */
export function parseChathistory(params: readonly string[], events: boolean): HistoryRequest | Fault {
  const given = params[0] ?? "";
  const subcommand = asciiUpperCase(given);
  if (subcommand === "TARGETS") return parseTargets(params);
  const selectors = Object.hasOwn(SELECTORS, subcommand) ? SELECTORS[subcommand]! : undefined;
  if (selectors === undefined) return invalid([given], "Unknown command");
  const wrongCount = checkCount(params, selectors + 3);
  if (wrongCount !== undefined) return wrongCount;
  const target = params[1]!;
  if (target === "") return fault("INVALID_TARGET", [given, target], "Messages could not be retrieved");
  const limit = parseLimit(params.at(-1)!);
  if (limit === undefined) return invalid([given, target], "Invalid limit");
  if (subcommand === "LATEST" && params[2] === "*") {
    const page: Page = { after: undefined, before: undefined, take: "newest", limit, events };
    return { kind: "page", target, page };
  }
  const places: Place[] = [];
  for (const selector of params.slice(2, -1)) {
    const place = parsePlace(given, target, selector);
    if ("fault" in place) return place;
    places.push(place);
  }
  const [first, second] = places;
  return {
    kind: "page",
    target,
    page: { ...rangeOf(subcommand, first!, second), limit, events },
  };
}

function rangeOf(
  subcommand: string,
  first: Place,
  second: Place | undefined,
): Pick<Page, "after" | "before" | "take"> {
  switch (subcommand) {
    case "BEFORE":
      return { after: undefined, before: first, take: "newest" };
    case "AFTER":
      return { after: first, before: undefined, take: "oldest" };
    case "AROUND":
      return { after: first, before: undefined, take: "around" };
    case "LATEST":
      return { after: first, before: undefined, take: "newest" };
    default: {
      // "This may be forwards or backwards in time": counted from the first. A time and a message have to be forwards.
      const isBackwards = second !== undefined && first.by === second.by && first.value > second.value;
      return isBackwards
        ? { after: second, before: first, take: "newest" }
        : { after: first, before: second, take: "oldest" };
    }
  }
}

function parseTargets(params: readonly string[]): HistoryRequest | Fault {
  const given = params[0]!;
  const wrongCount = checkCount(params, 4);
  if (wrongCount !== undefined) return wrongCount;
  const times: number[] = [];
  for (const selector of params.slice(1, 3)) {
    const place = parsePlace(given, "*", selector);
    if ("fault" in place) return place;
    if (place.by !== "time") return invalid([given, selector], "Invalid timestamp");
    times.push(place.value);
  }
  const limit = parseLimit(params[3]!);
  if (limit === undefined) return invalid([given], "Invalid limit");
  return { kind: "targets", afterMs: Math.min(...times), beforeMs: Math.max(...times), limit };
}

function checkCount(params: readonly string[], count: number): Fault | undefined {
  if (params.length < count) return invalid([params[0]!], "Insufficient parameters");
  return params.length > count ? invalid([params[0]!], "Too many parameters") : undefined;
}

/** `msgid=4711` or `timestamp=2026-11-25T07:12:34.567Z`. */
function parsePlace(given: string, target: string, selector: string): Place | Fault {
  const equals = selector.indexOf("=");
  const value = selector.slice(equals + 1);
  switch (equals < 0 ? "" : selector.slice(0, equals)) {
    case "msgid": {
      const sequence = parseMessageId(value);
      if (sequence === undefined) return invalid([given, selector], "Invalid message id");
      return { by: "sequence", value: sequence };
    }
    case "timestamp": {
      const timeMs = parseTime(value);
      if (timeMs === undefined) return invalid([given, selector], "Invalid timestamp");
      return { by: "time", value: timeMs };
    }
    case "":
      return invalid([given, selector], "Invalid message reference");
    default:
      return fault("INVALID_MSGREFTYPE", [given, target, selector], "Unknown type of message reference");
  }
}

/** A message's identity is its sequence number. Undefined: no message is called so. */
export function parseMessageId(text: string): number | undefined {
  if (!/^[1-9]\d{0,15}$/.test(text)) return undefined;
  const sequence = Number(text);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}

/** Who asks for more than there is at once gets as much as there is. */
export function parseLimit(text: string): number | undefined {
  return /^0*[1-9]\d{0,8}$/.test(text) ? Math.min(Number(text), PAGE_MAX) : undefined;
}

function invalid(context: readonly string[], text: string): Fault {
  return fault("INVALID_PARAMS", context, text);
}
