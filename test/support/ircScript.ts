/*
 * Conversations as text, for tests:
 *
 *     alice: PRIVMSG #tea :hello          what she sends
 *     bob< @time=<time>;msgid=<msgid:m> :alice!alice@host PRIVMSG #tea :hello
 *     alice: REDACT #tea {m}              what was captured above
 *     bob< ...                            whatever else he got
 *     (5 s)                               time passes
 *
 * What a line with `<` says has come, in that order, and nothing else: to nobody.
 */
import assert from "node:assert/strict";

export type Step =
  | { readonly kind: "send"; readonly who: string; readonly text: string }
  | { readonly kind: "expect"; readonly who: string; readonly text: string }
  | { readonly kind: "rest"; readonly who: string }
  | { readonly kind: "wait"; readonly ms: number };

const STEP = /^(\w+)(:|<)(?: (.*))?$/;
const WAIT = /^\((\d+(?:\.\d+)?) s\)$/;

export function parseScript(script: string): Step[] {
  const lines = script.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").map(parseStep);
}

function parseStep(line: string): Step {
  const wait = WAIT.exec(line);
  if (wait !== null) return { kind: "wait", ms: Number(wait[1]) * 1000 };
  const [, who, sign, text = ""] = STEP.exec(line) ?? [];
  assert(who !== undefined, `no step of a conversation: ${line}`);
  if (sign === ":") return { kind: "send", who, text };
  return text === "..." ? { kind: "rest", who } : { kind: "expect", who, text };
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  time: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`,
  msgid: String.raw`[1-9]\d*`,
  batch: "[A-Za-z0-9-]+",
  seconds: String.raw`\d+`,
  word: String.raw`[^ ;]+`,
  any: ".*",
};
const PLACEHOLDER = /<(time|msgid|batch|seconds|word|any)(?::(\w+))?>/g;

/** Names for what was captured, in the order in which that happened. */
export class Captures {
  readonly #values = new Map<string, string>();

  get(name: string): string {
    const value = this.#values.get(name);
    assert(value !== undefined, `nothing was captured as ${name}`);
    return value;
  }

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** With what was captured in place of `{name}`. */
  fill(text: string): string {
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => this.#values.get(name) ?? whole);
  }

  /** Whether a line is what is expected; captures what that wants to be captured. */
  match(expected: string, line: string): boolean {
    const names: string[] = [];
    let pattern = "";
    let at = 0;
    const filled = this.fill(expected);
    for (const { index, 0: whole, 1: kind, 2: name } of filled.matchAll(PLACEHOLDER)) {
      pattern += escapePattern(filled.slice(at, index)) + `(${PLACEHOLDERS[kind!]!})`;
      names.push(name ?? "");
      at = index + whole.length;
    }
    pattern += escapePattern(filled.slice(at));
    const found = new RegExp(`^${pattern}$`, "su").exec(line);
    if (found === null) return false;
    for (const [place, name] of names.entries()) if (name !== "") this.set(name, found[place + 1]!);
    return true;
  }
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
