import { utf8Length } from "../../base/index.ts";
import { foldNick } from "../../chat/index.ts";
import { type Fault, fault } from "./fault.ts";
import type { IrcMessage } from "./message.ts";

/** Of the whole text, in UTF-8, with the line feeds in it. */
export const MULTILINE_BYTES_MAX = 4096;
export const MULTILINE_LINES_MAX = 24;

export const MULTILINE_BATCH = "draft/multiline";
export const MULTILINE_CONCAT = "draft/multiline-concat";

/** Letters, digits and hyphens (https://ircv3.net/specs/extensions/batch). */
const REFERENCE = /^[A-Za-z0-9-]{1,64}$/;

/** One message, of all lines of a batch. */
export interface MultilineMessage {
  readonly target: string;
  readonly command: "PRIVMSG" | "NOTICE";
  /** With a line feed between its lines. */
  readonly text: string;
  /** Of the BATCH that opened it: those of the message. */
  readonly tags: ReadonlyMap<string, string>;
}

interface OpenBatch {
  readonly reference: string;
  readonly target: string;
  readonly tags: ReadonlyMap<string, string>;
  command: "PRIVMSG" | "NOTICE" | undefined;
  text: string;
  bytes: number;
  lines: number;
  /** Something in it was wrong, which the client has been told: the rest is passed over. */
  isSpoilt: boolean;
}

/** What stands open. */
export type MultilineNotes = Omit<OpenBatch, "tags"> & {
  readonly tags: readonly (readonly [string, string])[];
};

/**
 * Puts the lines of a client's `draft/multiline` batch together (https://ircv3.net/specs/extensions/multiline). A
 * client has one batch at a time. What is wrong with one is told once; it then comes to nothing.
 */
export class MultilineAssembler {
  #open: OpenBatch | undefined;

  /** Of the BATCH that opened it: it is for what comes of all of it. */
  get label(): string {
    return this.#open?.tags.get("label") ?? "";
  }

  /**
   * A BATCH from the client: opens or closes one. Undefined where there is nothing more to do; the message where it is
   * complete.
   */
  batch(message: IrcMessage): MultilineMessage | Fault | undefined {
    const [reference = "", type = "", target = ""] = message.params;
    const name = reference.slice(1);
    if (!/^[-+]/.test(reference) || !REFERENCE.test(name))
      return fault("INVALID_REFTAG", [reference], "Invalid reference tag");
    if (reference.startsWith("-")) return this.#close(name);
    if (type !== MULTILINE_BATCH) return fault("UNKNOWN_TYPE", [name, type], "Unknown batch type");
    if (message.tags.has("batch")) return invalid("A batch cannot be part of another");
    if (this.#open !== undefined) {
      this.#open = undefined;
      return invalid("Another batch is still open");
    }
    if (target === "") return invalid("A multiline batch needs a target");
    const beginning = { command: undefined, text: "", bytes: 0, lines: 0, isSpoilt: false };
    this.#open = { reference: name, target, tags: message.tags, ...beginning };
    return undefined;
  }

  /** A line whose tag `batch` is `reference`. */
  add(message: IrcMessage): Fault | undefined {
    const open = this.#open;
    if (open === undefined || open.reference !== message.tags.get("batch"))
      return fault("INVALID_REFTAG", [message.tags.get("batch") ?? ""], "There is no such batch");
    if (open.isSpoilt) return undefined;
    const problem = addLine(open, message);
    open.isSpoilt = problem !== undefined;
    return problem;
  }

  /** For a successor: as JSON can write it. */
  notes(): MultilineNotes | undefined {
    return this.#open === undefined ? undefined : { ...this.#open, tags: [...this.#open.tags] };
  }

  restore(notes: MultilineNotes | undefined): void {
    this.#open = notes === undefined ? undefined : { ...notes, tags: new Map(notes.tags) };
  }

  #close(reference: string): MultilineMessage | Fault | undefined {
    const open = this.#open;
    if (open?.reference !== reference) return fault("INVALID_REFTAG", [reference], "There is no such batch");
    this.#open = undefined;
    if (open.isSpoilt) return undefined;
    const { target, command, text, tags } = open;
    if (command === undefined || text.replaceAll("\n", "") === "")
      return invalid("Invalid multiline batch with blank lines only");
    return { target, command, text, tags };
  }
}

function addLine(open: OpenBatch, { command, params, tags }: IrcMessage): Fault | undefined {
  const [target = "", text = ""] = params;
  const isConcatenated = tags.has(MULTILINE_CONCAT);
  if (command !== "PRIVMSG" && command !== "NOTICE") return invalid("Invalid multiline batch");
  if (open.command !== undefined && open.command !== command) return invalid("Invalid multiline batch");
  if (foldNick(target) !== foldNick(open.target))
    return fault("MULTILINE_INVALID_TARGET", [open.target, target], "Invalid multiline target");
  if (isConcatenated && text === "") return invalid("Invalid multiline batch with concatenated blank line");
  const isJoinedByLineFeed = open.lines > 0 && !isConcatenated;
  open.command = command;
  open.lines += 1;
  open.bytes += utf8Length(text) + (isJoinedByLineFeed ? 1 : 0);
  if (open.lines > MULTILINE_LINES_MAX)
    return fault("MULTILINE_MAX_LINES", [String(MULTILINE_LINES_MAX)], "Multiline batch max-lines exceeded");
  if (open.bytes > MULTILINE_BYTES_MAX)
    return fault("MULTILINE_MAX_BYTES", [String(MULTILINE_BYTES_MAX)], "Multiline batch max-bytes exceeded");
  open.text += isJoinedByLineFeed ? `\n${text}` : text;
  return undefined;
}

function invalid(text: string): Fault {
  return fault("MULTILINE_INVALID", [], text);
}
