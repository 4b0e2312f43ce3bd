import { type Interface, createInterface } from "node:readline";
import type { Writable } from "node:stream";

/** What of `process.stdout` is needed: a terminal's writable side, with its width in columns. */
export type Screen = Writable & { readonly columns: number };

export interface LineEditorOptions {
  input: NodeJS.ReadableStream;
  output: Screen;
  /** What stands before the line that is being typed. */
  prompt: string;
  /** Called with each line that was entered, without its end. The line itself stays on the screen. */
  onLine: (line: string) => void;
  /** Called once, when the person leaves: Ctrl-C, Ctrl-D on an empty line, or the end of the input. */
  onLeave: () => void;
}

const HISTORY_LINES_MAX = 1000;

/**
 * A line to type in at the bottom of the screen, and above it the lines that arrive. Editing, history, and the width
 * of characters are readline's; ours is that an arriving line never tears the one that is being typed.
 */
export class LineEditor {
  readonly #readline: Interface;
  readonly #output: Screen;
  #closed = false;

  constructor({ input, output, prompt, onLine, onLeave }: LineEditorOptions) {
    this.#output = output;
    this.#readline = createInterface({
      input,
      output,
      prompt,
      terminal: true,
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
    });
    this.#readline.on("line", (line) => {
      onLine(line);
      if (!this.#closed) this.#readline.prompt();
    });
    this.#readline.on("SIGINT", () => this.#readline.close());
    // Back from Ctrl-Z: readline has set the terminal up again, but is paused until it prompts.
    this.#readline.on("SIGCONT", () => this.#readline.prompt(true));
    this.#readline.on("close", () => {
      if (this.#closed) return;
      this.#leaveLine();
      onLeave();
    });
    this.#readline.prompt();
  }

  /**
   * Shows lines above the one being typed, all with one write. They must hold no control characters (`sanitize`).
   * Returns false when the screen does not keep up: wait for its `drain` before the next call.
   */
  print(lines: readonly string[]): boolean {
    const rows = this.#readline.getCursorPos().rows;
    const toFirstRow = rows > 0 ? `\x1b[${rows}A\r` : "\r";
    // Readline believes that the cursor is still `rows` below its prompt, and will go up as many to draw it again.
    const toCursorRow = "\r\n".repeat(rows);
    this.#output.cork();
    this.#output.write(`${toFirstRow}\x1b[J${lines.join("\r\n")}\r\n${toCursorRow}`);
    this.#readline.prompt(true);
    this.#output.uncork();
    return !this.#output.writableNeedDrain;
  }

  /** Leaves what was being typed on the screen, and the cursor on a row of its own below. `onLeave` is not called. */
  close(): void {
    if (this.#closed) return;
    this.#leaveLine();
    this.#readline.close();
  }

  get closed(): boolean {
    return this.#closed;
  }

  #leaveLine(): void {
    this.#closed = true;
    const below = rowsOf(this.#readline) - this.#readline.getCursorPos().rows;
    this.#output.write(`${"\r\n".repeat(below)}\r\n`);
  }
}

/** How many rows down from the prompt the end of the line is; 0 is the prompt's own. */
function rowsOf(readline: Interface): number {
  const cursor = readline.cursor;
  readline.cursor = readline.line.length;
  const { rows } = readline.getCursorPos();
  readline.cursor = cursor;
  return rows;
}
