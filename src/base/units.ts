export const KiB = 1024;
export const MiB: number = 1024 * KiB;
export const SECOND_MS = 1000;

/** What a 53-bit integer is cut into where it is kept in 32-bit words: `value = high * UINT32_SPAN + low`. */
export const UINT32_SPAN = 0x1_0000_0000;

/** "1.5 MiB": for people, with one decimal at most. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
