import { encodeUtf8, toBase64 } from "../base/index.ts";
import type { SessionId } from "../chat/index.ts";
import type { Secrets } from "./secrets.ts";

const KEPT_MS = 60_000;
const KEPT_MAX = 64;

/**
 * What has been done just now and cannot be done twice. Where nobody is left who heard the answer, a successor asks
 * again, and what it brings as a proof is wrong by then. Kept in memory alone, and no secret among it.
 */
export class RecentlyDone {
  readonly #secrets: Secrets;
  /** When, by what it was; the latest at the end. */
  readonly #times = new Map<string, number>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  add(session: SessionId, what: readonly string[], nowMs: number): void {
    const key = this.#keyOf(session, what);
    this.#times.delete(key);
    this.#times.set(key, nowMs);
    const [oldest] = this.#times.keys();
    if (this.#times.size > KEPT_MAX) this.#times.delete(oldest!);
  }

  has(session: SessionId, what: readonly string[], nowMs: number): boolean {
    const timeMs = this.#times.get(this.#keyOf(session, what));
    return timeMs !== undefined && nowMs - timeMs < KEPT_MS;
  }

  #keyOf(session: SessionId, what: readonly string[]): string {
    return toBase64(this.#secrets.digest(encodeUtf8(JSON.stringify([session, ...what]))));
  }
}
