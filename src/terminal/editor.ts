import { type Interface, createInterface } from "node:readline";
import { Writable } from "node:stream";

/** What of `process.stdin` is needed: keys as they are pressed, and, where it is a terminal, its raw mode. */
export type Keyboard = NodeJS.ReadableStream & { setRawMode?: (raw: boolean) => unknown };

/** What of `process.stdout` is needed: somewhere to write, its width in columns, and `resize` when that changes. */
export type Screen = Writable & { readonly columns: number };

export interface LineEditorOptions {
  input: Keyboard;
  output: Screen;
  /** What stands before the line that is being typed. */
  prompt: string;
  /** Called with each line that was entered, without its end. The line itself stays on the screen. */
  onLine: (line: string) => void;
  /** Called once, when the person leaves: Ctrl-C, Ctrl-D on an empty line, or the end of the input. */
  onLeave: () => void;
}

const HISTORY_LINES_MAX = 1000;
const CLEAR_BELOW = "\x1b[J";

/**
 * A line to type in at the bottom of the screen, and above it the lines that arrive.
 *
 * Keys, editing, history and the width of characters are readline's; the drawing is ours. Readline draws as it goes,
 * on the assumption that nobody else writes to the screen, and gets even its own pasted text wrong; so its output goes
 * nowhere, and after each burst of keys and each arrival the line is drawn anew from what readline holds, with one
 * write.
 */
export class LineEditor {
  readonly #input: Keyboard;
  readonly #output: Screen;
  readonly #prompt: string;
  readonly #readline: Interface;
  /** How many rows below the prompt's own row the cursor was left. */
  #cursorRow = 0;
  #closed = false;

  constructor({ input, output, prompt, onLine, onLeave }: LineEditorOptions) {
    this.#input = input;
    this.#output = output;
    this.#prompt = prompt;
    this.#readline = createInterface({
      input,
      output: new Nowhere(output),
      prompt,
      terminal: true,
      historySize: HISTORY_LINES_MAX,
      removeHistoryDuplicates: true,
    });
    this.#readline.on("line", (line) => {
      this.#output.write(this.#finalLine(line));
      onLine(line);
    });
    this.#readline.on("SIGINT", () => this.#readline.close());
    this.#readline.on("SIGTSTP", this.#suspend);
    this.#readline.on("close", () => {
      const left = !this.#closed;
      this.#closed = true;
      this.#output.off("resize", this.#resized);
      this.#input.off("data", this.#typed);
      process.off("SIGCONT", this.#takeTerminal);
      const { line } = this.#readline;
      // A prompt behind which nothing was typed tells nobody anything.
      this.#output.write(line === "" ? this.#erase() : this.#finalLine(line));
      if (left) onLeave();
    });
    // After readline's own listener: what was typed has been applied when ours is called.
    this.#input.on("data", this.#typed);
    this.#output.on("resize", this.#resized);
    process.on("SIGCONT", this.#takeTerminal);
    this.#readline.prompt();
    this.#output.write(this.#currentLine());
  }

  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Shows lines above the one being typed, all with one write. They must hold no control characters (`sanitize`).
   * Returns false when the screen does not keep up: wait for its `drain` before the next call.
   */
  print(lines: readonly string[]): boolean {
    const above = lines.map((line) => `${line}\r\n`).join("");
    return this.#output.write(this.#erase() + above + this.#currentLine());
  }

  /** Leaves what was being typed on the screen, and the cursor on a row of its own below. `onLeave` is not called. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#readline.close();
  }

  readonly #typed = (): void => {
    if (!this.#closed) this.#output.write(this.#currentLine());
  };

  /** Terminals wrap their rows anew when their width changes, and keep the cursor on its character. */
  readonly #resized = (): void => {
    this.#cursorRow = this.#readline.getCursorPos().rows;
    this.#output.write(this.#currentLine());
  };

  /** Ctrl-Z, for the whole process group: where a launcher waits for us, the shell waits for the launcher. */
  readonly #suspend = (): void => {
    this.#input.setRawMode?.(false);
    process.kill(0, "SIGTSTP");
    // Either continued by `fg`, or never stopped: the system does not stop a group that no shell could continue.
    this.#takeTerminal();
  };

  /** Others have used the terminal: sets it up again, and draws where the cursor is now. */
  readonly #takeTerminal = (): void => {
    // Off and on: "on" alone is not done where it is believed to be on already.
    this.#input.setRawMode?.(false);
    this.#input.setRawMode?.(true);
    this.#cursorRow = 0;
    this.#output.write(this.#currentLine());
  };

  /** Clears the line's rows and those below; the cursor is then where the prompt begins. */
  #erase(): string {
    const up = this.#cursorRow > 0 ? `\x1b[${this.#cursorRow}A` : "";
    this.#cursorRow = 0;
    // Not cleared from the first column: at the top of the screen, tmux takes that for "clear the screen", and keeps
    // a copy of the line being typed above for whoever scrolls back.
    return `${up}\r ${CLEAR_BELOW}\r`;
  }

  /** Draws the line being typed, with the cursor in its place. */
  #currentLine(): string {
    const erase = this.#erase();
    const cursor = this.#readline.getCursorPos();
    const end = this.#endPosition();
    // A terminal that has filled a row goes to the next one only with the next character.
    const nextRow = end.columns === 0 ? " " : "";
    const up = end.rows > cursor.rows ? `\x1b[${end.rows - cursor.rows}A` : "";
    const right = cursor.cols > 0 ? `\x1b[${cursor.cols}C` : "";
    this.#cursorRow = cursor.rows;
    return `${erase}${this.#prompt}${this.#readline.line}${nextRow}\r${up}${right}`;
  }

  /** Draws a line that is not being typed any more; the next one begins below. */
  #finalLine(line: string): string {
    return `${this.#erase()}${this.#prompt}${line}\r\n`;
  }

  /** Where the line ends, from the prompt's beginning: readline measures up to its cursor alone. */
  #endPosition(): { rows: number; columns: number } {
    const readline: { cursor: number } = this.#readline;
    const cursor = readline.cursor;
    readline.cursor = this.#readline.line.length;
    const { rows, cols: columns } = this.#readline.getCursorPos();
    readline.cursor = cursor;
    return { rows, columns };
  }
}

/** Takes readline's own drawing and drops it; as wide as the screen, because readline measures with it. */
class Nowhere extends Writable {
  readonly #screen: Screen;

  constructor(screen: Screen) {
    super();
    this.#screen = screen;
  }

  get columns(): number {
    return this.#screen.columns;
  }

  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
}
