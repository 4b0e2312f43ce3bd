/**
 * What a standard reply says: `FAIL <command> <code> <context…> :<text>`
 * (https://ircv3.net/specs/extensions/standard-replies).
 */
export interface Fault {
  readonly fault: string;
  readonly context: readonly string[];
  readonly text: string;
}

const CONTEXT_UNITS_MAX = 64;

/** @param context as the client sent it: what could not stand in the middle of a line is made fit to. */
export function fault(code: string, context: readonly string[], text: string): Fault {
  return { fault: code, context: context.map((each) => asMiddle(each)), text };
}

/**
 * One parameter that is not the last: without blanks, not empty, and with no colon in front; nor with what is not seen,
 * which takes much room in notes.
 */
export function asMiddle(text: string, unitsMax: number = CONTEXT_UNITS_MAX): string {
  const word = text
    .replace(/^[:\s]+/, "")
    .replace(/\s.*$/s, "")
    // eslint-disable-next-line no-control-regex
    .replace(/[\0-\x1f\x7f]/g, "?");
  return word === "" ? "*" : word.slice(0, unitsMax).toWellFormed();
}
