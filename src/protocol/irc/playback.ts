/** What is said to `*playback` (https://wiki.znc.in/Playback), by clients that know this way of asking for the past. */
export type PlaybackCommand =
  | {
      readonly kind: "play";
      /** Names of rooms and people, or masks of them: see `matchesMask`. */
      readonly targets: readonly string[];
      /** Exclusive; 0: from the beginning. */
      readonly afterMs: number;
      /** Exclusive; undefined: up to now. */
      readonly beforeMs: number | undefined;
    }
  | { readonly kind: "list"; readonly targets: readonly string[] }
  | { readonly kind: "clear"; readonly targets: readonly string[] };

const TARGETS_MAX = 50;

/** Undefined: not one of its commands. `PLAY #room,bob 1448.25`: seconds since 1970. */
export function parsePlayback(text: string): PlaybackCommand | undefined {
  const [command = "", names, from = "0", to, ...rest] = text.trim().split(/ +/);
  const targets = (names ?? "*").split(",", TARGETS_MAX).filter((name) => name !== "");
  switch (command.toLowerCase()) {
    case "play": {
      const afterMs = parseSeconds(from);
      const beforeMs = to === undefined ? undefined : parseSeconds(to);
      const isWrong =
        names === undefined || afterMs === undefined || (to !== undefined && beforeMs === undefined);
      if (isWrong || rest.length > 0) return undefined;
      return { kind: "play", targets, afterMs, beforeMs };
    }
    case "list":
      return { kind: "list", targets };
    case "clear":
      return names === undefined ? undefined : { kind: "clear", targets };
    default:
      return undefined;
  }
}

/** Seconds with a fraction, in milliseconds. What is finer is cut off: no message has a finer time. */
function parseSeconds(text: string): number | undefined {
  const parts = /^(\d{1,12})(?:\.(\d{0,9}))?$/.exec(text);
  if (parts === null) return undefined;
  return Number(parts[1]) * 1000 + Number((parts[2] ?? "").slice(0, 3).padEnd(3, "0"));
}
