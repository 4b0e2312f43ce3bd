/**
 * C0, DEL and C1, which can move the cursor, change the terminal's state or make it type; and the bidirectional
 * controls, which can make a line read as something that was not said. TAB is harmless.
 */
const DANGEROUS = /(?!\t)[\p{Cc}\p{Bidi_Control}]/gu;

/** The text with U+FFFD for every character that could take over a terminal. LF counts as one: cut lines first. */
export function sanitize(text: string): string {
  return text.replace(DANGEROUS, "\ufffd");
}
