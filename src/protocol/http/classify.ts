export type Verdict = "http" | "plain" | "undecided";

/** A request line that is not complete by then is none. */
export const REQUEST_LINE_BYTES_MAX = 8192;
const METHOD_BYTES_MAX = 20;

const LF = 0x0a;
/** RFC 9112, 3: method, one blank, target without blanks, one blank, version. */
const REQUEST_LINE = /^[A-Z]{1,20} [\x21-\x7e]+ HTTP\/1\.[01]\r?$/;
const METHOD_BEGINNING = /^[A-Z]{1,20}( |$)/;

/** What somebody speaks who began like this. The whole first line decides: "GET the salt" is plain text. */
export function classify(bytes: Uint8Array): Verdict {
  if (bytes.length === 0) return "undecided";
  const lf = bytes.subarray(0, REQUEST_LINE_BYTES_MAX).indexOf(LF);
  if (lf >= 0) return REQUEST_LINE.test(latin1(bytes, lf)) ? "http" : "plain";
  if (bytes.length >= REQUEST_LINE_BYTES_MAX) return "plain";
  return METHOD_BEGINNING.test(latin1(bytes, Math.min(bytes.length, METHOD_BYTES_MAX + 1)))
    ? "undecided"
    : "plain";
}

export function latin1(bytes: Uint8Array, length: number): string {
  let text = "";
  for (let i = 0; i < length; i += 1) text += String.fromCharCode(bytes[i]!);
  return text;
}
