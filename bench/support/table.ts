/* How benchmarks say what they found: a table in Markdown, and the machine on which it was measured. */
import { readFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";

/** Rows of text under their headings; all columns but the first stand on the right. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = headings.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(headings), line(rule), ...rows.map(line)].join("\n");
}

/** "1,234,567" above a hundred, otherwise three digits that mean something. */
export function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}

export function describeMachine(): string {
  const processor = /^model name\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? process.arch;
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.version}, ${availableParallelism()} × ${processor}, ${memoryGiB} GiB, Linux ${release()}`;
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The smallest of the values that this fraction of them does not exceed. */
export function percentile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}
