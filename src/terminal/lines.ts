import { sanitize } from "./sanitize.ts";

/**
 * UTF-16 units that are kept of a line whose end has not come: longer ones are shown in pieces, so that a server which
 * never ends a line does not fill our memory. Chorus itself sends far shorter ones.
 */
export const LINE_CHARACTERS_MAX = 16_384;

/** Turns bytes, in chunks that end anywhere, into lines that are safe to show on a terminal. */
export class LineDecoder {
  /** Keeps the first bytes of a sequence until the others come; malformed ones become U+FFFD. */
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that these bytes complete, without their ends (LF or CRLF). */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = lines.pop()!;
    if (this.#rest.length > LINE_CHARACTERS_MAX) {
      lines.push(this.#rest);
      this.#rest = "";
    }
    return lines.map(showable);
  }

  /** What came after the last line's end, as a line; none if nothing did. The decoder is then as new. */
  end(): string[] {
    const last = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return last === "" ? [] : [showable(last)];
  }
}

function showable(line: string): string {
  return sanitize(line.endsWith("\r") ? line.slice(0, -1) : line);
}
