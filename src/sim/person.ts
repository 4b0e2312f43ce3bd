import { type Random, assert, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { Connection } from "./connection.ts";
import { HOLD_MS } from "../server/index.ts";
import type { Owner, Scheduler } from "./scheduler.ts";
import { Visit } from "./visit.ts";

/** A word by which a message is known wherever it appears: "m3.17". */
const MARK = /\bm\d+\.\d+\b/;

/** What was sent is received so much later, at the most. */
const DELIVERY_MS_MAX = 20;

/** What one stay in one room has shown of it. */
export interface Stay {
  readonly room: string;
  /** Of the past that was replayed on entering; undefined where none has come. */
  past: readonly string[] | undefined;
  readonly enteredMs: number;
  /** Whether it could not keep up meanwhile: then the past of a room may come with what it missed. */
  wasBehind: boolean;
  /** What was said since, and what was made up for where it could not keep up. */
  readonly live: string[];
}

/** Lines that history answered with, until it is known what to. */
interface Block {
  readonly kind: "one room" | "missed" | "search";
  readonly room: string;
  readonly marks: string[];
}

/** What a client does: types lines in pieces, reads slowly, hangs up, comes again, and remembers what it was shown. */
export class Person implements Owner {
  readonly name: string;
  readonly isAlive: boolean = true;
  readonly number: number;
  readonly stays: Stay[] = [];
  /** Every message that it ever saw, in whichever way. */
  readonly seen: Set<string> = new Set();
  /** Every message that it typed, and when. */
  readonly said: Map<string, number> = new Map();
  /** How often it was told what it had missed. */
  timesBehind = 0;
  /** The connection that it has now. */
  visit: Visit | undefined;
  /** Where its lines go; empty: it is in no room, or not there. */
  room = "";
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #current = new Map<string, Stay>();
  /** It does not know for sure in which rooms it is. */
  #isUnsure = false;
  #text = "";
  #block: Block | undefined;
  #questions = 0;
  readonly #onDisconnected: (visit: Visit) => void;

  /** @param onDisconnected told of a connection that was ended by the other side */
  constructor(number: number, scheduler: Scheduler, random: Random, onDisconnected: (visit: Visit) => void) {
    this.#onDisconnected = onDisconnected;
    this.number = number;
    this.name = `person ${number}`;
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** Where it is now. */
  get current(): Iterable<Stay> {
    return this.#current.values();
  }

  get connection(): Connection | undefined {
    return this.visit?.connection;
  }

  connect(): Connection {
    this.leave();
    const connection = new Connection(this.#scheduler, this.#random, this, {
      onOutput: (bytes) => {
        if (this.visit === visit) this.#receive(decodeUtf8(bytes));
      },
      onEnd: () => {
        if (this.visit !== visit) return;
        this.leave();
        this.#onDisconnected(visit);
      },
    });
    const visit = new Visit(this.name, connection);
    this.visit = visit;
    // Nobody waits for the first word of who says something at once.
    connection.send(encodeUtf8("\n"));
    return connection;
  }

  /** Is not connected any more. */
  leave(): void {
    this.visit = undefined;
    this.room = "";
    this.#current.clear();
    this.#isUnsure = false;
    this.#text = "";
    this.#block = undefined;
  }

  type(line: string): void {
    this.connection?.send(encodeUtf8(`${line}\n`));
  }

  /** Says something that nobody else ever says. */
  say(): void {
    const mark = `m${this.number}.${this.said.size + 1}`;
    this.visit?.said.push(mark);
    this.said.set(mark, this.#scheduler.nowMs);
    const line = `${mark} ${"x".repeat(this.#random.between(0, 60))}`;
    this.type(this.#random.between(0, 5) === 0 ? `/me ${line}` : line);
  }

  /** Asks what nobody else ever asks: a process, or the log. */
  ask(): void {
    if (this.visit === undefined) return;
    this.#questions += 1;
    const isOfLog = this.#random.between(0, 1) === 0;
    const question = `${isOfLog ? "w" : "zz"}${this.number}.${this.#questions}`;
    this.visit.ask(question);
    this.type(isOfLog ? `/who #${question}` : `/${question}`);
  }

  /** Kills whoever handles it. */
  poison(): void {
    if (this.visit === undefined) return;
    this.visit.isPoisonous = true;
    this.type("/poison");
  }

  #receive(text: string): void {
    this.#text += text;
    for (let end = this.#text.indexOf("\n"); end >= 0; end = this.#text.indexOf("\n")) {
      const line = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 1);
      const mark = MARK.exec(line)?.[0];
      if (mark === undefined) this.#onNotice(line);
      else this.#onMessage(line, mark);
    }
  }

  #onMessage(line: string, mark: string): void {
    this.seen.add(mark);
    const past = /^\[time \d+(?: (#\S+))?\] /.exec(line);
    if (past === null) {
      const room = /^\[(#\S+)\] /.exec(line)?.[1] ?? this.room;
      this.#stayIn(room).live.push(mark);
    } else if (this.#block?.kind === "missed") this.#stayIn(past[1]!).live.push(mark);
    else this.#block?.marks.push(mark);
  }

  #onNotice(line: string): void {
    this.visit?.notice(line);
    const moved = /^-- you (are in|are back in|left) (#[^\s.;]+)(?:.*; you are in (#\S+|no room) now)?/.exec(
      line,
    );
    const taken = /^-- \S+ took you out of (#[^\s:]+)/.exec(line);
    const elsewhere = /^-- you are in (#\S+|no room) now/.exec(line);
    const heading = /^-- the last \d+ messages? of (#\S+):$/.exec(line);
    const gap = /^-- several processes died at once.* You are in (#\S+|no room) now$/.exec(line);
    if (gap !== null) this.#lostTrack(gap[1]!);
    else if (taken !== null) this.#current.delete(taken[1]!);
    else if (elsewhere !== null) this.#goTo(elsewhere[1]!);
    else if (moved?.[1] === "are in") {
      this.room = moved[2]!;
      this.#enter(this.room, this.#block?.kind === "missed");
    } else if (moved?.[1] === "are back in") this.room = moved[2]!;
    else if (moved?.[1] === "left") {
      this.#current.delete(moved[2]!);
      this.#goTo(moved[3]!);
    } else if (heading !== null) this.#block = { kind: "one room", room: heading[1]!, marks: [] };
    else if (line === "-- what you missed:") {
      this.timesBehind += 1;
      for (const stay of this.#current.values()) stay.wasBehind = true;
      this.#block = { kind: "missed", room: "", marks: [] };
    } else if (/^-- \d+ found:$|^-- the last \d+ of those found/.test(line))
      this.#block = { kind: "search", room: "", marks: [] };
    else if (line === "-- now live") {
      const stay = this.#current.get(this.#block!.room);
      if (stay !== undefined) this.#replayed(stay, this.#block!.marks);
      this.#block = undefined;
    } else if (line === "-- that was the past" || line.startsWith("-- that is all")) this.#block = undefined;
  }

  #enter(room: string, wasBehind: boolean): void {
    const stay: Stay = { room, past: undefined, enteredMs: this.#scheduler.nowMs, wasBehind, live: [] };
    this.#current.set(room, stay);
    this.stays.push(stay);
  }

  #replayed(stay: Stay, marks: readonly string[]): void {
    const sinceMs = this.#scheduler.nowMs - stay.enteredMs;
    // What comes at the same moment as the entering was not taken before, and may have been on its way for long.
    const isLate = sinceMs === 0 || sinceMs >= HOLD_MS - DELIVERY_MS_MAX;
    assert(
      isLate || stay.wasBehind || stay.live.length === 0,
      `${this.name} saw live lines of ${stay.room} before its past`,
    );
    stay.past = marks;
  }

  #goTo(room: string): void {
    this.room = room.startsWith("#") ? room : "";
  }

  /** From here on, it takes what it sees: what it did last may have happened, or not. */
  #lostTrack(room: string): void {
    this.#isUnsure = true;
    this.#current.clear();
    this.#goTo(room);
  }

  #stayIn(room: string): Stay {
    if (this.#isUnsure && !this.#current.has(room)) this.#enter(room, true);
    const stay = this.#current.get(room);
    if (stay === undefined) throw new Error(`${this.name} sees a line of ${room}, where it is not`);
    return stay;
  }
}
