import type { Clock } from "../server/index.ts";

const format = new Intl.DateTimeFormat("sv-SE", {
  dateStyle: "short",
  timeStyle: "short",
});

/** The event loop's timers, and this machine's time zone. */
export const timerClock: Clock = {
  now: Date.now,
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  // Swedes write dates as the international standard does.
  localTime: (timeMs) => format.format(timeMs),
};
