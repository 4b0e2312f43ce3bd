import { assert } from "../base/index.ts";
import type { Segment } from "./segment.ts";

/** Of a process that serves somebody, or that died while it did: nothing after `position` is delivered by it. */
interface Claim {
  readonly process: number;
  readonly generation: number;
  /** Order position up to which it has consumed. */
  position: number;
}

/**
 * The processes that serve somebody, how far each has consumed, and the bequests of those that died. What none of them
 * lacks is delivered: no other process has to read it in order to take the place of one.
 */
export class Servers {
  readonly #segment: Segment;
  readonly #consumed: (process: number) => number;
  readonly #onViolation: (process: number, reason: string) => void;
  readonly #living = new Map<number, Claim>();
  #bequests: readonly Claim[] = [];
  #delivered: number;

  /**
   * @param delivered order position that the segment says
   * @param consumed what a process says that it has consumed, as an order position
   */
  constructor(
    segment: Segment,
    delivered: number,
    consumed: (process: number) => number,
    onViolation: (process: number, reason: string) => void,
  ) {
    this.#segment = segment;
    this.#delivered = delivered;
    this.#consumed = consumed;
    this.#onViolation = onViolation;
  }

  /** Order position that was published as delivered. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Order position up to which a process that serves has consumed; undefined: it does not serve. */
  position(process: number): number | undefined {
    return this.#living.get(process)?.position;
  }

  /** @param from order position that it has consumed at the least */
  add(process: number, generation: number, from: number, published: number): void {
    if (this.#living.has(process)) return;
    this.#living.set(process, { process, generation, position: from });
    this.follow(process, published);
  }

  remove(process: number): void {
    this.#living.delete(process);
  }

  /** Takes note of how far a process has consumed, where it serves. It cannot be further than what is published. */
  follow(process: number, published: number): void {
    const claim = this.#living.get(process);
    if (claim === undefined) return;
    const consumed = this.#consumed(process);
    const more = (consumed - claim.position) | 0;
    if (more >= 0 && more <= ((published - claim.position) | 0)) claim.position = consumed;
    else this.#onViolation(process, "consumed what was not there");
  }

  /** A process has died: where it served, its claim stays. */
  bequeath(process: number, published: number): void {
    this.follow(process, published);
    const claim = this.#living.get(process);
    if (claim === undefined) return;
    this.#living.delete(process);
    this.#bequests = [...this.#bequests, claim];
  }

  inherit(process: number, generation: number): void {
    const others = this.#bequests.filter(
      (claim) => claim.process !== process || claim.generation !== generation,
    );
    assert(others.length < this.#bequests.length, `process ${process} has left nothing to be inherited`);
    this.#bequests = others;
  }

  /** Order position up to which a process has consumed that serves, or that died while it did and is not inherited. */
  through(process: number, generation: number, published: number): number {
    this.follow(process, published);
    const claims = [...this.#living.values(), ...this.#bequests];
    const claim = claims.find((claim) => claim.process === process && claim.generation === generation);
    assert(claim !== undefined, `process ${process} of generation ${generation} serves nobody`);
    return claim.position;
  }

  clear(): void {
    this.#living.clear();
    this.#bequests = [];
  }

  /** Publishes what is delivered, of what is there for all up to `end`. Called before any of that is overwritten. */
  deliver(end: number, published: number): void {
    let more = this.leastBequest(this.#delivered, (end - this.#delivered) | 0);
    for (const claim of this.#living.values()) {
      this.follow(claim.process, published);
      more = Math.min(more, (claim.position - this.#delivered) | 0);
    }
    if (more <= 0) return;
    this.#delivered = (this.#delivered + more) | 0;
    const { words, layout } = this.#segment;
    words.store(layout.delivered, this.#delivered);
  }

  /** How far all bequests are ahead of an order position, at the most `most`. */
  leastBequest(from: number, most: number): number {
    let least = most;
    for (const { position } of this.#bequests) least = Math.min(least, (position - from) | 0);
    return least;
  }
}
