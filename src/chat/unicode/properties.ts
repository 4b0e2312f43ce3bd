import { decodeNumbers } from "./decode.ts";
import { COMBINING_RUNS, PROPERTY_CLASSES, PROPERTY_RUNS } from "./propertyTables.ts";

/**
 * What a code point is to a name. "refused": not assigned, private, a control, not to be seen, or blank to the eye;
 * "mark" stands above, below or in what is before it, "spacing mark" beside it.
 */
export type Kind =
  | "refused"
  | "letter"
  | "number"
  | "mark"
  | "spacing mark"
  | "blank"
  | "symbol"
  | "picture";

const KINDS: Readonly<Record<string, Kind>> = {
  "-": "refused",
  L: "letter",
  N: "number",
  M: "mark",
  C: "spacing mark",
  B: "blank",
  S: "symbol",
  P: "picture",
};

interface PropertyClass {
  readonly kind: Kind;
  /** Of Script_Extensions: empty where it is at home in all. */
  readonly scripts: readonly string[];
}

const CLASSES: readonly PropertyClass[] = PROPERTY_CLASSES.trim()
  .split(/\s+/)
  .map((described) => {
    const [kind = "", scripts = ""] = described.split(":");
    const isCommon = scripts === "" || scripts === "Zyyy" || scripts === "Zinh";
    return { kind: KINDS[kind]!, scripts: isCommon ? [] : scripts.split(",") };
  });

/** The first code point of each run, and the classes of them. */
const runStarts: number[] = [];
const runClasses: PropertyClass[] = [];
for (let numbers = decodeNumbers(PROPERTY_RUNS), start = 0, index = 0; index < numbers.length; index += 2) {
  runStarts.push(start);
  runClasses.push(CLASSES[numbers[index + 1]!]!);
  start += numbers[index]!;
}

const combiningRanks = new Map<number, number>();
for (let numbers = decodeNumbers(COMBINING_RUNS), codePoint = 0, index = 0; index < numbers.length; index += 3) {
  codePoint += numbers[index]!;
  for (const end = codePoint + numbers[index + 1]!; codePoint < end; codePoint += 1)
    combiningRanks.set(codePoint, numbers[index + 2]!);
}

const DEVANAGARI_VIRAMA = 0x94d;
const VIRAMA_RANK = combiningRank(DEVANAGARI_VIRAMA);

export function kindOf(codePoint: number): Kind {
  return classOf(codePoint).kind;
}

/** By the four letters of ISO 15924; empty for what every script uses. */
export function scriptsOf(codePoint: number): readonly string[] {
  return classOf(codePoint).scripts;
}

/** Compares as the canonical combining classes do (UAX #44); 0 for what keeps its place. */
export function combiningRank(codePoint: number): number {
  return combiningRanks.get(codePoint) ?? 0;
}

/** Whether it joins consonants, so that a joiner behind it says how. */
export function isVirama(codePoint: number): boolean {
  return combiningRank(codePoint) === VIRAMA_RANK;
}

function classOf(codePoint: number): PropertyClass {
  let low = 0;
  let high = runStarts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (runStarts[middle]! <= codePoint) low = middle;
    else high = middle - 1;
  }
  return runClasses[low]!;
}
