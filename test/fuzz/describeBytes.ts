const BYTES_SHOWN = 3000;

/** To be pasted into a shell: `printf '…' | nc`. */
export function describeBytes(bytes: Buffer): string {
  const shown = bytes.subarray(0, BYTES_SHOWN);
  const escaped = Array.from(shown, (byte) => {
    if (byte === 0x0a) return "\\n";
    if (byte === 0x0d) return "\\r";
    const isSafe = byte >= 0x20 && byte < 0x7f && !"'\\%".includes(String.fromCharCode(byte));
    return isSafe ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`;
  }).join("");
  const rest = bytes.length > shown.length ? ` … (${bytes.length} bytes)` : "";
  return `printf '${escaped}'${rest}`;
}
