import type { Clock } from "../server/index.ts";

export const timerClock: Clock = {
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
