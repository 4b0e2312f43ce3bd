/*
 * Times as `server-time` writes them (https://ircv3.net/specs/extensions/server-time): UTC, with milliseconds, in the
 * Gregorian calendar. Without a clock: a time is milliseconds since 1970-01-01T00:00Z.
 */

const DAY_SECONDS = 86_400;

/** Every message has a time, and many of them the same second; at first there was none. */
let lastSecond = Number.NaN;
let lastText = "";

/** "2026-11-25T07:12:34.567Z" */
export function formatTime(timeMs: number): string {
  const second = Math.floor(timeMs / 1000);
  if (second !== lastSecond) {
    lastText = formatSecond(second);
    lastSecond = second;
  }
  return `${lastText}.${digits(Math.floor(timeMs) - second * 1000, 3)}Z`;
}

function formatSecond(second: number): string {
  const day = Math.floor(second / DAY_SECONDS);
  const inDay = second - day * DAY_SECONDS;
  const clock = [Math.floor(inDay / 3600), Math.floor(inDay / 60) % 60, inDay % 60];
  return `${formatDay(day)}T${clock.map((part) => digits(part, 2)).join(":")}`;
}

const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;

/** Undefined: it is no such time. Milliseconds may be missing, what is finer is cut off; a leap second is the next. */
export function parseTime(text: string): number | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  const [hours, minutes, seconds] = [Number(parts[4]), Number(parts[5]), Number(parts[6])];
  if (month < 1 || month > 12 || day < 1 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const days = daysUntil(year, month, day);
  // There is no February 30.
  if (formatDay(days) !== text.slice(0, 10)) return undefined;
  const ms = Number((parts[7] ?? "").slice(0, 3).padEnd(3, "0"));
  return (days * DAY_SECONDS + hours * 3600 + minutes * 60 + seconds) * 1000 + ms;
}

/*
 * The two directions of Howard Hinnant's `chrono`-compatible date algorithms: a year begins in March, so that the day
 * that is there in some years only is its last; and every 400 years the calendar begins anew.
 */
const ERA_DAYS = 146_097;
/** From the March of year 0 to 1970. */
const DAYS_BEFORE_1970 = 719_468;

function daysUntil(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1;
  const marchMonth = month > 2 ? month - 3 : month + 9;
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  return marchYear * 365 + leapDays + dayOfYear - DAYS_BEFORE_1970;
}

function formatDay(days: number): string {
  const shifted = days + DAYS_BEFORE_1970;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const leapDays =
    Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / (ERA_DAYS - 1));
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const yearStart = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  const dayOfYear = dayOfEra - yearStart;
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1;
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
}

function digits(value: number, count: number): string {
  return String(value).padStart(count, "0");
}
