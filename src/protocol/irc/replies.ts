/*
 * Replies with a label (https://ircv3.net/specs/extensions/labeled-response): all that comes of one labelled line goes
 * back together, also where it comes of wishes that have yet to find their place in the order, or of the history
 * process's answer.
 */
import { KiB, concatBytes, decodeUtf8, encodeUtf8 } from "../../base/index.ts";
import { escapeTag } from "./tags.ts";

/** What has come of one labelled line so far. */
interface Group {
  readonly label: string;
  /** So many things are still to come of it. */
  open: number;
  /** In the order in which they came. */
  bytes: Uint8Array[];
  /** What comes behind it, without the label. */
  after: Uint8Array[];
  /** What there was of it has gone out, with the label, and what is still to come has none. */
  isGone: boolean;
}

interface GroupNotes {
  readonly label: string;
  readonly open: number;
  readonly text: string;
  readonly after: string;
  readonly isGone: boolean;
}

/** What is to be known of a wish when it is told what came of it, beside what a refusal says itself. */
export interface WishContext {
  /** What a refusal has to name: as the client wrote it, made fit to stand in the middle of a line. */
  readonly names?: readonly string[];
  /** Of a NOTICE: nothing answers it. */
  readonly isUnanswered?: true;
  /** Of a search: so many are wanted. */
  readonly limit?: number;
}

/** What a successor has to know; a group is named by its place in the list of all. */
interface RepliesNotes {
  readonly groups: readonly GroupNotes[];
  readonly wishes: readonly (readonly [at: number, group: number])[];
  readonly questions: readonly (readonly [at: number, group: number])[];
  readonly contexts: readonly (readonly [at: number, context: WishContext])[];
  readonly askedContexts: readonly (readonly [at: number, context: WishContext])[];
  readonly vault: number | undefined;
  readonly batches: number;
}

const LF = 0x0a;
const NO_CONTEXT: WishContext = {};
/** All that is gathered for more that is to come, as it is noted for a successor, whose notes have their limits. */
const GATHERED_BYTES_MAX: number = 16 * KiB;
/** So many lines may have something to come, each a label or something to be named. */
const OPEN_MAX = 32;

export class Replies {
  readonly #output: (bytes: Uint8Array) => void;
  readonly #serverName: string;
  /** Where what is sent is gathered; undefined: nowhere, it goes out. */
  #group: Group | undefined;
  /** Wishes so far, and those of them that have been applied. */
  #wished = 0;
  #applied = 0;
  /** Of the wish of which it is told what came. */
  context: WishContext = NO_CONTEXT;
  readonly #contexts = new Map<number, WishContext>();
  readonly #askedContexts = new Map<number, WishContext>();
  readonly #byWish = new Map<number, Group>();
  readonly #byQuestion = new Map<number, Group>();
  #byVault: Group | undefined;
  #batches = 0;

  constructor(output: (bytes: Uint8Array) => void, serverName: string) {
    this.#output = output;
    this.#serverName = serverName;
  }

  get isCollecting(): boolean {
    return this.#group !== undefined;
  }

  /** Whether a successor has to know of it. */
  get isOpen(): boolean {
    return (
      this.#byWish.size > 0 ||
      this.#contexts.size > 0 ||
      this.context !== NO_CONTEXT ||
      this.#byQuestion.size > 0 ||
      this.#byVault !== undefined
    );
  }

  /** There is so much to be known of wishes that are on their way that it is better to wait for them. */
  get isFull(): boolean {
    return this.#groups().length >= OPEN_MAX || this.#contexts.size >= OPEN_MAX;
  }

  send(bytes: Uint8Array): void {
    if (this.#group === undefined || this.#group.isGone) this.#output(bytes);
    else this.#group.bytes.push(bytes);
  }

  /** What follows what is gathered, and is no part of it. */
  sendAfter(bytes: Uint8Array): void {
    if (this.#group === undefined || this.#group.isGone) this.#output(bytes);
    else this.#group.after.push(bytes);
  }

  /** The label is for what comes of another line, which ends what this one has begun. */
  postpone(): void {
    if (this.#group?.open === 1 && this.#group.bytes.length === 0) this.#group = undefined;
  }

  /** What is sent until `end` comes of a line with this label. */
  begin(label: string): void {
    this.#group = { label, open: 1, bytes: [], after: [], isGone: false };
    // Those wait for answers of history, which are late: nobody waits for them to say something else.
    const open = this.#groups().filter(({ isGone }) => !isGone);
    if (open.length >= OPEN_MAX) this.#output(this.#letGo(open[0]!));
  }

  end(): void {
    this.#release();
  }

  /** One more wish is on its way, and what comes of it has no part in what is gathered. */
  wishedApart(): void {
    this.#wished += 1;
  }

  /** One more wish is on its way. */
  wished(context: WishContext = NO_CONTEXT): void {
    if (context !== NO_CONTEXT) this.#contexts.set(this.#wished, context);
    if (this.#group !== undefined) {
      this.#group.open += 1;
      this.#byWish.set(this.#wished, this.#group);
    }
    this.#wished += 1;
  }

  /** The next wish has its place: what is sent until `applied` comes of it. */
  applying(): void {
    if (this.#contexts.size > 0) {
      this.context = this.#contexts.get(this.#applied) ?? NO_CONTEXT;
      this.#contexts.delete(this.#applied);
    } else this.context = NO_CONTEXT;
    if (this.#byWish.size > 0) {
      this.#group = this.#byWish.get(this.#applied);
      this.#byWish.delete(this.#applied);
    }
    // Of a predecessor's wishes nothing is known but those that had a label.
    if (this.#applied < this.#wished) this.#applied += 1;
  }

  applied(): void {
    this.context = NO_CONTEXT;
    if (this.#group !== undefined) this.#release();
  }

  /** The answer to what was asked comes later. */
  asked(question: number): void {
    if (this.context.limit !== undefined) this.#askedContexts.set(question, this.context);
    if (this.#group === undefined) return;
    this.#group.open += 1;
    this.#byQuestion.set(question, this.#group);
  }

  /** Of the wish that asked this. */
  contextOf(question: number): WishContext {
    return this.#askedContexts.get(question) ?? NO_CONTEXT;
  }

  /** The answer: with its label, where it has one. */
  answered(question: number, bytes: Uint8Array): Uint8Array {
    this.#askedContexts.delete(question);
    const group = this.#byQuestion.get(question);
    if (group === undefined) return bytes;
    this.#byQuestion.delete(question);
    group.open -= 1;
    if (group.isGone) return bytes;
    group.bytes.push(bytes);
    return group.open === 0 || this.#isTooMuch() ? this.#letGo(group) : NOTHING;
  }

  askedVault(): void {
    if (this.#group === undefined) return;
    this.#group.open += 1;
    this.#byVault = this.#group;
  }

  /** What is sent meanwhile is part of the line that asked the vault. */
  forVault(tell: () => void): void {
    const around = this.#group;
    this.#group = this.#byVault;
    this.#byVault = undefined;
    tell();
    this.#release();
    this.#group = around;
  }

  /** A name for a batch that nothing else of this client has. */
  batchName(): string {
    this.#batches += 1;
    return `b${this.#batches}`;
  }

  #release(): void {
    const group = this.#group;
    this.#group = undefined;
    if (group === undefined) return;
    group.open -= 1;
    if (!group.isGone && (group.open === 0 || this.#isTooMuch())) this.#output(this.#letGo(group));
  }

  #isTooMuch(): boolean {
    let bytes = 0;
    for (const group of this.#groups())
      for (const each of [...group.bytes, ...group.after]) bytes += notedLength(each);
    return bytes > GATHERED_BYTES_MAX;
  }

  /** Of all lines of which something is still to come. */
  #groups(): Group[] {
    const vaults = this.#byVault === undefined ? [] : [this.#byVault];
    return [...new Set([...this.#byWish.values(), ...this.#byQuestion.values(), ...vaults])];
  }

  #letGo(group: Group): Uint8Array {
    const bytes = concatBytes([this.#labelled(group), ...group.after]);
    group.bytes = [];
    group.after = [];
    group.isGone = true;
    return bytes;
  }

  #labelled({ label, bytes }: Group): Uint8Array {
    const lines = linesOf(concatBytes(bytes));
    const tag = `label=${escapeTag(label)}`;
    const [first] = lines;
    if (first === undefined) return encodeUtf8(`@${tag} :${this.#serverName} ACK\r\n`);
    // A batch that is all of it has the label itself.
    if (lines.length === 1 || isOneBatch(lines)) return concatBytes([tagged(first, tag), ...lines.slice(1)]);
    const name = this.batchName();
    const server = `:${this.#serverName}`;
    return concatBytes([
      encodeUtf8(`@${tag} ${server} BATCH +${name} labeled-response\r\n`),
      ...lines.map((line) => (hasBatch(line) ? line : tagged(line, `batch=${name}`))),
      encodeUtf8(`${server} BATCH -${name}\r\n`),
    ]);
  }

  notes(): RepliesNotes {
    const groups = this.#groups();
    const noted = ({ label, open, bytes, after, isGone }: Group): GroupNotes => ({
      label,
      open,
      text: decodeUtf8(concatBytes(bytes)),
      after: decodeUtf8(concatBytes(after)),
      isGone,
    });
    const places = (map: ReadonlyMap<number, Group>, from: number): [number, number][] =>
      Array.from(map, ([at, group]) => [at - from, groups.indexOf(group)]);
    return {
      groups: groups.map(noted),
      wishes: places(this.#byWish, this.#applied),
      questions: places(this.#byQuestion, 0),
      contexts: Array.from(this.#contexts, ([at, context]) => [at - this.#applied, context]),
      askedContexts: [...this.#askedContexts],
      vault: this.#byVault && groups.indexOf(this.#byVault),
      batches: this.#batches,
    };
  }

  restore(notes: RepliesNotes): void {
    const groups = notes.groups.map(({ label, open, text, after, isGone }): Group => ({
      label,
      open,
      bytes: text === "" ? [] : [encodeUtf8(text)],
      after: after === "" ? [] : [encodeUtf8(after)],
      isGone,
    }));
    for (const [at, group] of notes.wishes) this.#byWish.set(at, groups[group]!);
    for (const [at, group] of notes.questions) this.#byQuestion.set(at, groups[group]!);
    this.#byVault = notes.vault === undefined ? undefined : groups[notes.vault];
    for (const [at, context] of notes.contexts) this.#contexts.set(at, context);
    for (const [at, context] of notes.askedContexts) this.#askedContexts.set(at, context);
    this.#wished = [...notes.wishes, ...notes.contexts].reduce((most, [at]) => Math.max(most, at + 1), 0);
    this.#batches = notes.batches;
  }
}

const NOTHING = new Uint8Array(0);

/** How much it takes as text in JSON: what is not seen takes six characters there. */
function notedLength(bytes: Uint8Array): number {
  let length = 0;
  for (const byte of bytes) length += byte < 0x20 ? 6 : byte === 0x22 || byte === 0x5c ? 2 : 1;
  return length;
}

/** Each with its end. */
function linesOf(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const lf = bytes.indexOf(LF, from);
    const to = lf < 0 ? bytes.length : lf + 1;
    lines.push(bytes.subarray(from, to));
    from = to;
  }
  return lines;
}

/** The same line with one more tag. */
function tagged(line: Uint8Array, tag: string): Uint8Array {
  if (line[0] !== 0x40) return concatBytes([encodeUtf8(`@${tag} `), line]);
  return concatBytes([encodeUtf8(`@${tag};`), line.subarray(1)]);
}

const BATCH_BEGINS = /^(?:@\S+ )?(?::\S+ )?BATCH \+(\S+) /;
const BATCH_ENDS = /^(?:@\S+ )?(?::\S+ )?BATCH -(\S+)\r?\n?$/;
const IN_BATCH = /^@(?:[^ ;]+;)*batch=/;

function isOneBatch(lines: readonly Uint8Array[]): boolean {
  const opened = BATCH_BEGINS.exec(decodeUtf8(lines[0]!))?.[1];
  return opened !== undefined && BATCH_ENDS.exec(decodeUtf8(lines.at(-1)!))?.[1] === opened;
}

/** It is part of another batch, whose beginning will be part of this. */
function hasBatch(line: Uint8Array): boolean {
  const text = decodeUtf8(line);
  return IN_BATCH.test(text) || BATCH_ENDS.test(text);
}
