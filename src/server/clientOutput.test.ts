import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { ClientOutput, HOLD_BYTES_MAX, HOLD_MS } from "./clientOutput.ts";
import { Outbox } from "./outbox.ts";
import type { ClientConnection, Clock } from "./ports.ts";

/** One client's output with a connection that notes what is written, and a clock that stands until it is moved. */
class Bench {
  readonly outbox = new Outbox();
  readonly output: ClientOutput;
  written = "";
  queuedBytes = 0;
  expired = 0;
  readonly #timers = new Set<{ delayMs: number; callback: () => void }>();

  constructor() {
    const connection = {
      write: (bytes: Uint8Array) => (this.written += decodeUtf8(bytes)),
      get queuedBytes() {
        return bench.queuedBytes;
      },
    } as unknown as ClientConnection;
    const clock: Clock = {
      now: () => 0,
      setTimer: (delayMs, callback) => {
        const timer = { delayMs, callback };
        this.#timers.add(timer);
        return { cancel: () => void this.#timers.delete(timer) };
      },
      localTime: String,
    };
    // oxlint-disable-next-line typescript/no-this-alias
    const bench = this;
    this.output = new ClientOutput(connection, this.outbox, clock, () => (this.expired += 1));
  }

  /** A line for everybody who listens. */
  say(text: string): void {
    if (!this.output.isListening) return;
    const from = this.outbox.length;
    this.outbox.append(encodeUtf8(text));
    this.output.share.include(from, this.outbox.length);
  }

  /** The end of a turn: what has been written since the last one. */
  turn(): string {
    this.output.flush();
    this.outbox.clear();
    const { written } = this;
    this.written = "";
    return written;
  }

  passes(ms: number): void {
    for (const timer of this.#timers) {
      if (timer.delayMs > ms) continue;
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

function bytes(text: string): Uint8Array {
  return encodeUtf8(text);
}

test("what is live waits behind the answer that belongs before it, also in the same turn", () => {
  const bench = new Bench();
  bench.say("before ");
  bench.output.hold(7);
  bench.say("after ");
  assert.equal(bench.turn(), "before ");
  bench.say("later ");
  assert.equal(bench.turn(), "");
  bench.output.answer(7, bytes("past "));
  bench.say("now");
  assert.equal(bench.turn(), "past after later now");
  bench.say("live");
  assert.equal(bench.turn(), "live");
});

test("two answers come in the order of their questions, whichever is there first", () => {
  const bench = new Bench();
  bench.output.hold(1);
  bench.say("a ");
  bench.output.hold(2);
  bench.say("b");
  bench.output.answer(2, bytes("second "));
  assert.equal(bench.turn(), "");
  bench.output.answer(1, bytes("first "));
  assert.equal(bench.turn(), "first a second b");
});

test("after two seconds, or 64 KiB, what is live goes first, and the past follows when it comes", () => {
  const slow = new Bench();
  slow.output.hold(1);
  slow.say("live ");
  assert.equal(slow.turn(), "");
  slow.passes(HOLD_MS);
  assert.deepEqual([slow.expired, slow.written], [1, "live "]);
  slow.turn();
  slow.output.answer(1, bytes("past"));
  assert.equal(slow.turn(), "past");

  const busy = new Bench();
  busy.output.hold(1);
  busy.say("x".repeat(HOLD_BYTES_MAX + 1));
  assert.equal(busy.turn().length, HOLD_BYTES_MAX + 1);
});

test("who fell behind gets page after page, then what was said since the last question, then live lines", () => {
  const bench = new Bench();
  bench.output.fallBehind(10);
  bench.say("lost to the queue");
  assert.equal(bench.turn(), "");
  bench.queuedBytes = 1;
  assert.equal(bench.output.toAsk, undefined, "it has not taken what it was sent");
  bench.queuedBytes = 0;
  assert.equal(bench.output.toAsk, 10);
  bench.output.asking();
  assert.equal(bench.output.toAsk, undefined, "it has asked");
  assert.ok(bench.output.asked(10, 20));
  bench.say("since ");
  assert.equal(bench.turn(), "");
  assert.equal(bench.output.caughtUp(bytes("10 to 14 "), 14, bytes("missed: "), bytes("done ")), false);
  assert.equal(bench.turn(), "missed: 10 to 14 ");
  assert.equal(bench.output.toAsk, 15);
  bench.output.asking();
  assert.ok(bench.output.asked(15, 30));
  bench.say("kept ");
  bench.turn();
  assert.ok(bench.output.caughtUp(bytes("15 to 29 "), 29, bytes("missed: "), bytes("done ")));
  bench.say("live");
  assert.equal(bench.turn(), "15 to 29 done kept live");
});

test("where too much was said since the question, it asks for that, too", () => {
  const bench = new Bench();
  bench.output.fallBehind(10);
  bench.output.asking();
  assert.ok(bench.output.asked(10, 20));
  bench.say("x".repeat(HOLD_BYTES_MAX + 1));
  bench.turn();
  assert.equal(bench.output.isListening, false);
  assert.equal(bench.output.caughtUp(bytes("10 to 19"), 19, bytes(""), bytes("")), false);
  assert.equal(bench.output.toAsk, 20);
});

test("who fell behind and was refused asks again after a second, not at once", () => {
  const bench = new Bench();
  bench.output.fallBehind(10);
  bench.output.asking();
  assert.ok(bench.output.asked(10, 20));
  bench.output.askLater(20);
  assert.equal(bench.output.toAsk, undefined);
  bench.passes(1000);
  assert.deepEqual([bench.output.toAsk, bench.expired], [10, 1]);
});
