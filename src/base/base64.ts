import { concatBytes } from "./bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING = "=";
const WHOLE = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Base64 with padding (RFC 4648, 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const count = Math.min(bytes.length - at, 3);
    const bits = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let digit = 0; digit < 4; digit += 1)
      text += digit > count ? PADDING : ALPHABET[(bits >>> (18 - 6 * digit)) & 63]!;
  }
  return text;
}

/** Undefined for what `toBase64` never gives: without padding, with blanks, or with bits that mean nothing. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!WHOLE.test(text)) return undefined;
  const parts: Uint8Array[] = [];
  for (let at = 0; at < text.length; at += 4) {
    const digits = text.slice(at, at + 4).replaceAll(PADDING, "");
    let bits = 0;
    for (let digit = 0; digit < digits.length; digit += 1)
      bits |= ALPHABET.indexOf(digits[digit]!) << (18 - 6 * digit);
    parts.push(new Uint8Array([bits >>> 16, bits >>> 8, bits]).subarray(0, digits.length - 1));
  }
  const bytes = concatBytes(parts);
  return toBase64(bytes) === text ? bytes : undefined;
}
