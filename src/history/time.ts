/*
 * Dates of the proleptic Gregorian calendar in UTC, without a clock: times are milliseconds since 1970-01-01T00:00Z.
 */

export const HOUR_MS = 3_600_000;
export const DAY_MS: number = 24 * HOUR_MS;

/** The last moment that has four digits for its year. */
export const TIME_MS_MAX: number = Date.UTC(10_000, 0, 1) - 1;

/** "2026-11-25T06:12:22.123Z" */
export function formatIso(timeMs: number): string {
  const inDayMs = timeMs - Math.floor(timeMs / DAY_MS) * DAY_MS;
  const [hours, minutes] = [Math.floor(inDayMs / HOUR_MS), Math.floor(inDayMs / 60_000) % 60];
  const [seconds, ms] = [Math.floor(inDayMs / 1000) % 60, inDayMs % 1000];
  const clock = `${digits(hours, 2)}:${digits(minutes, 2)}:${digits(seconds, 2)}.${digits(ms, 3)}`;
  return `${formatDay(Math.floor(timeMs / DAY_MS))}T${clock}Z`;
}

/** From days since 1970 to a date, by Howard Hinnant's `civil_from_days`: years begin in March, eras have 400. */
function formatDay(days: number): string {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}

const DATE =
  /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3}))?)?(Z|[+-]\d\d:?\d\d)?)?)?)?$/i;

/**
 * The beginning of a year (2026), month (2026-11) or day (2026-11-25), or a moment (2026-11-25T06:12:22.123+01:00,
 * seconds and offset may be missing), in UTC where no offset says otherwise. Undefined: no such date.
 */
export function parseDate(text: string): number | undefined {
  const parts = DATE.exec(text);
  if (parts === null) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2] ?? 1), Number(parts[3] ?? 1)];
  const [hours, minutes, seconds] = [Number(parts[4] ?? 0), Number(parts[5] ?? 0), Number(parts[6] ?? 0)];
  if (year < 100 || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const midnightMs = Date.UTC(year, month - 1, day);
  // February 30 would be taken for March 2.
  if (!formatIso(midnightMs).startsWith(`${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`))
    return undefined;
  const offsetMs = parseOffset(parts[8] ?? "Z");
  if (offsetMs === undefined) return undefined;
  const ms = Number((parts[7] ?? "").padEnd(3, "0"));
  return midnightMs + hours * HOUR_MS + minutes * 60_000 + seconds * 1000 + ms - offsetMs;
}

function parseOffset(text: string): number | undefined {
  if (text === "Z" || text === "z") return 0;
  const [hours, minutes] = [Number(text.slice(1, 3)), Number(text.slice(-2))];
  if (hours > 23 || minutes > 59) return undefined;
  return (text.startsWith("-") ? -1 : 1) * (hours * HOUR_MS + minutes * 60_000);
}
