/** What a client says in its line number `index`: no two are the same, and they differ in length. */
export function lineOf(index: number): string {
  return `${index} ${"i".repeat((index * 7) % 90)}\n`;
}

/** What it is answered. */
export function answerTo(line: string): Uint8Array {
  return Buffer.from(`${line.length} for ${line}`);
}
