import assert from "node:assert/strict";
import { PassThrough, Writable } from "node:stream";
import { test } from "node:test";
import xterm from "@xterm/headless";
import { LineEditor } from "./editor.ts";

const COLUMNS = 20;
const ROWS = 6;

/** A terminal emulator in memory, with a keyboard, and the editor under test on it. */
class Desk {
  readonly terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  readonly keyboard = new PassThrough();
  readonly entered: string[] = [];
  left = 0;
  writes = 0;
  readonly editor: LineEditor;
  readonly screenStream: Writable & { columns: number };
  #shown: Promise<void> = Promise.resolve();

  constructor() {
    const show = (bytes: Buffer): void => {
      this.writes += 1;
      this.#shown = new Promise((resolve) => this.terminal.write(bytes, resolve));
    };
    const output = new Writable({
      write(bytes: Buffer, _encoding, done) {
        show(bytes);
        done();
      },
    });
    this.screenStream = Object.assign(output, { columns: COLUMNS });
    this.editor = new LineEditor({
      input: this.keyboard,
      output: this.screenStream,
      prompt: "> ",
      onLine: (line) => this.entered.push(line),
      onLeave: () => (this.left += 1),
    });
  }

  [Symbol.dispose](): void {
    this.editor.close();
    this.terminal.dispose();
  }

  /** Types, and waits until the editor has taken it: what is typed arrives through a stream, in a later turn. */
  async type(keys: string): Promise<void> {
    this.keyboard.write(keys);
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** The rows with text, without what scrolled off above; and where the cursor is, counted from the first of them. */
  async screen(): Promise<{ rows: string[]; cursor: [column: number, row: number] }> {
    await this.#shown;
    const { active } = this.terminal.buffer;
    const rows = Array.from(
      { length: ROWS },
      (_, row) =>
        active
          .getLine(active.baseY + row)
          ?.translateToString(true)
          .trimEnd() ?? "",
    );
    while (rows.at(-1) === "") rows.pop();
    return { rows, cursor: [active.cursorX, active.cursorY] };
  }
}

test("lines arrive above what is being typed, and the cursor stays in it", async () => {
  using desk = new Desk();
  await desk.type("half a li");
  await desk.type("\x1b[D\x1b[D");
  desk.editor.print(["<bob> one", "<bob> two"]);
  assert.deepEqual(await desk.screen(), { rows: ["<bob> one", "<bob> two", "> half a li"], cursor: [9, 2] });
  await desk.type("X\r");
  assert.deepEqual(desk.entered, ["half a Xli"]);
  assert.deepEqual((await desk.screen()).rows, ["<bob> one", "<bob> two", "> half a Xli", ">"]);
});

test("many lines at once are one write", async () => {
  using desk = new Desk();
  const before = desk.writes;
  assert.equal(desk.editor.print(Array.from({ length: 100 }, (_, i) => `line ${i}`)), true);
  assert.equal(desk.writes, before + 1);
  assert.deepEqual((await desk.screen()).rows, ["line 95", "line 96", "line 97", "line 98", "line 99", ">"]);
});

test("a line of several rows is moved down whole, wherever the cursor is in it", async () => {
  for (const backwards of [0, 3, 12, 20, 33]) {
    using desk = new Desk();
    const typed = "abcdefghijklmnopqrstuvwxyz0123456789";
    await desk.type(typed + "\x1b[D".repeat(backwards));
    desk.editor.print(["<bob> one"]);
    desk.editor.print(["<bob> two"]);
    const at = "> ".length + typed.length - backwards;
    assert.deepEqual(
      await desk.screen(),
      {
        rows: ["<bob> one", "<bob> two", "> abcdefghijklmnopqr", "stuvwxyz0123456789"],
        cursor: [at % COLUMNS, 2 + Math.floor(at / COLUMNS)],
      },
      `${backwards} characters back`,
    );
  }
});

test("a line that fills its row to the last column stays whole", async () => {
  using desk = new Desk();
  await desk.type("a".repeat(COLUMNS - 2));
  desk.editor.print(["b".repeat(COLUMNS), "c"]);
  await desk.type("a");
  desk.editor.print(["d"]);
  assert.deepEqual(await desk.screen(), {
    rows: ["b".repeat(COLUMNS), "c", "d", `> ${"a".repeat(COLUMNS - 2)}`, "a"],
    cursor: [1, 4],
  });
});

test("wide characters keep their columns, also where one does not fit the end of a row", async () => {
  using desk = new Desk();
  await desk.type("你好");
  await desk.type("\x1b[D");
  desk.editor.print(["<小明> 早上好"]);
  assert.deepEqual(await desk.screen(), { rows: ["<小明> 早上好", "> 你好"], cursor: [4, 1] });
  await desk.type("\x1b[Fx一二三四五六七");
  desk.editor.print(["-- hi"]);
  assert.deepEqual(await desk.screen(), {
    rows: ["<小明> 早上好", "-- hi", "> 你好x一二三四五六", "七"],
    cursor: [2, 3],
  });
});

test("text pasted into the middle, and lines pasted at once, are drawn as what they are", async () => {
  using desk = new Desk();
  await desk.type("start end\x1b[D\x1b[D\x1b[Dpasted text in the middle ");
  desk.editor.print(["<bob> hi"]);
  assert.deepEqual(await desk.screen(), {
    rows: ["<bob> hi", "> start pasted text", "in the middle end"],
    cursor: [14, 2],
  });
  await desk.type("\ra\rb\rc");
  assert.deepEqual(desk.entered, ["start pasted text in the middle end", "a", "b"]);
  assert.deepEqual((await desk.screen()).rows, [
    "<bob> hi",
    "> start pasted text",
    "in the middle end",
    "> a",
    "> b",
    "> c",
  ]);
});

test("a change of width draws the line anew, and erases nothing above it", async () => {
  using desk = new Desk();
  const resize = async (columns: number): Promise<string[]> => {
    desk.terminal.resize(columns, ROWS);
    desk.screenStream.columns = columns;
    desk.screenStream.emit("resize");
    return (await desk.screen()).rows;
  };
  desk.editor.print(["<bob> hi"]);
  await desk.type("abcdefghijklmnopqrst");
  assert.deepEqual(await resize(12), ["<bob> hi", "> abcdefghij", "klmnopqrst"]);
  // Not every terminal joins the rows of the line with the cursor: what is left of them may stay above.
  const wide = await resize(40);
  assert.equal(wide[0], "<bob> hi");
  assert.equal(wide.at(-1), "> abcdefghijklmnopqrst");
});

test("the arrow keys bring back what was said", async () => {
  using desk = new Desk();
  await desk.type("first\rsecond\r");
  await desk.type("\x1b[A\x1b[A");
  desk.editor.print(["<bob> hi"]);
  await desk.type("!\r");
  assert.deepEqual(desk.entered, ["first", "second", "first!"]);
});

test("Ctrl-C leaves once, below the last row of what was being typed", async () => {
  using desk = new Desk();
  await desk.type(`${"x".repeat(COLUMNS)}\x1b[H`);
  await desk.type("\x03");
  assert.equal(desk.left, 1);
  assert.equal(desk.editor.closed, true);
  desk.editor.close();
  assert.equal(desk.left, 1);
  assert.deepEqual(await desk.screen(), { rows: [`> ${"x".repeat(COLUMNS - 2)}`, "xx"], cursor: [0, 2] });
});

test("Ctrl-D leaves an empty line, and deletes in one that is not", async () => {
  using desk = new Desk();
  await desk.type("ab\x1b[H\x04");
  assert.equal(desk.left, 0);
  await desk.type("\r\x04");
  assert.deepEqual([desk.entered, desk.left], [["b"], 1]);
});

test("close keeps the line on the screen and calls nobody", async () => {
  using desk = new Desk();
  await desk.type("half");
  desk.editor.close();
  assert.equal(desk.left, 0);
  assert.deepEqual(await desk.screen(), { rows: ["> half"], cursor: [0, 1] });
});

test("who leaves with nothing typed leaves no prompt behind", async () => {
  using desk = new Desk();
  desk.editor.print(["<bob> bye"]);
  assert.deepEqual(await desk.screen(), { rows: ["<bob> bye", ">"], cursor: [2, 1] });
  await desk.type("\x04");
  assert.equal(desk.left, 1);
  assert.deepEqual(await desk.screen(), { rows: ["<bob> bye"], cursor: [0, 1] });
});
