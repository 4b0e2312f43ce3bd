import { decodeNumbers, lazy } from "./decode.ts";
import { COMBINING_RUNS, PROPERTY_CLASSES, PROPERTY_RUNS } from "./propertyTables.ts";

/**
 * What a code point is to a name. "refused": not assigned, private, a control, not to be seen, or blank to the eye;
 * "mark" stands above, below or in what is before it, "spacing mark" beside it.
 */
export type Kind = "refused" | "letter" | "number" | "mark" | "spacing mark" | "blank" | "symbol" | "picture";

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

interface PropertyRuns {
  /** The first code point of each run. */
  readonly starts: readonly number[];
  readonly classes: readonly PropertyClass[];
}

const propertyRuns = lazy((): PropertyRuns => {
  const allClasses = PROPERTY_CLASSES.trim()
    .split(/[ \n]/)
    .map((described): PropertyClass => {
      const [kind = "", scripts = ""] = described.split(":");
      const isCommon = scripts === "" || scripts === "Zyyy" || scripts === "Zinh";
      return { kind: KINDS[kind]!, scripts: isCommon ? [] : scripts.split(",") };
    });
  const starts: number[] = [];
  const classes: PropertyClass[] = [];
  const numbers = decodeNumbers(PROPERTY_RUNS);
  for (let start = 0, index = 0; index < numbers.length; index += 2) {
    starts.push(start);
    classes.push(allClasses[numbers[index + 1]!]!);
    start += numbers[index]!;
  }
  return { starts, classes };
});

const combiningRanks = lazy((): ReadonlyMap<number, number> => {
  const ranks = new Map<number, number>();
  const numbers = decodeNumbers(COMBINING_RUNS);
  for (let codePoint = 0, index = 0; index < numbers.length; index += 3) {
    codePoint += numbers[index]!;
    for (const end = codePoint + numbers[index + 1]!; codePoint < end; codePoint += 1)
      ranks.set(codePoint, numbers[index + 2]!);
  }
  return ranks;
});

const DEVANAGARI_VIRAMA = 0x94d;

export function kindOf(codePoint: number): Kind {
  return classOf(codePoint).kind;
}

/** By the four letters of ISO 15924; empty for what every script uses. */
export function scriptsOf(codePoint: number): readonly string[] {
  return classOf(codePoint).scripts;
}

/** Compares as the canonical combining classes do (UAX #44); 0 for what keeps its place. */
export function combiningRank(codePoint: number): number {
  return combiningRanks().get(codePoint) ?? 0;
}

/** Whether it joins consonants, so that a joiner behind it says how. */
export function isVirama(codePoint: number): boolean {
  return combiningRank(codePoint) === combiningRank(DEVANAGARI_VIRAMA);
}

function classOf(codePoint: number): PropertyClass {
  const { starts, classes } = propertyRuns();
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= codePoint) low = middle;
    else high = middle - 1;
  }
  return classes[low]!;
}
