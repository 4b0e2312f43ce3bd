/* Why somebody does something: what it may say with that. */
import { cutUtf8 } from "../base/index.ts";

/** What is said in leaving, throwing out, asking to be let in and the like is cut there, in bytes of UTF-8. */
export const REASON_BYTES_MAX = 300;

/** With the rest of a line of IRC it would not fit; no character is cut in two. */
export function shortReason(text: Uint8Array): Uint8Array {
  return cutUtf8(text, REASON_BYTES_MAX);
}
