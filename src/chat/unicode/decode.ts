/*
 * Reads the tables that scripts/unicode-tables.ts makes: numbers of five bits a digit, the lowest first; a digit of
 * 32 or more says that another follows. Line ends have no meaning.
 */
import { assert } from "../../base/index.ts";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

const VALUES = new Uint8Array(128);
for (let value = 0; value < DIGITS.length; value += 1) VALUES[DIGITS.charCodeAt(value)] = value;

export function decodeNumbers(table: string): number[] {
  const numbers: number[] = [];
  let number = 0;
  let shift = 0;
  for (let index = 0; index < table.length; index += 1) {
    const code = table.charCodeAt(index);
    if (code === 0x0a) continue;
    const digit = VALUES[code]!;
    number |= (digit & 31) << shift;
    shift += 5;
    if (digit < 32) {
      numbers.push(number);
      number = 0;
      shift = 0;
    }
  }
  assert(shift === 0, "a table ends within a number");
  return numbers;
}

/** What each code point becomes. */
export function decodeMapping(table: string): ReadonlyMap<number, string> {
  const numbers = decodeNumbers(table);
  const mapping = new Map<number, string>();
  const values: number[] = [];
  let key = 0;
  for (let index = 0; index < numbers.length;) {
    key += numbers[index]!;
    const length = numbers[index + 1]!;
    index += 2;
    let text = "";
    for (let place = 0; place < length; place += 1, index += 1) {
      const difference = numbers[index]!;
      const value =
        (values[place] ?? 0) + ((difference & 1) === 0 ? difference >> 1 : -((difference + 1) >> 1));
      values[place] = value;
      text += String.fromCodePoint(value);
    }
    mapping.set(key, text);
  }
  return mapping;
}

/**
 * Decoded when it is first asked for: taking them all apart costs a process some milliseconds, and many never meet a
 * name that is not ASCII.
 */
export function lazy<T>(decode: () => T): () => T {
  let value: { readonly decoded: T } | undefined;
  return () => (value ??= { decoded: decode() }).decoded;
}
