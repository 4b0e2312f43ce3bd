import { decodeUtf8, encodeUtf8, utf8Length } from "../../base/index.ts";
import type {
  ClientWish,
  HistoryQuestion,
  LeaveReason,
  Moment,
  OwnEffect,
  PublicEffect,
} from "../../chat/index.ts";
import { IrcClient } from "./client.ts";
import type { IrcCommand } from "./command.ts";
import { IRC_COMMANDS } from "./commands.ts";
import { asMiddle } from "./fault.ts";
import { FloodBudget } from "./floodBudget.ts";
import { type IrcMessage, parseMessage, parseText } from "./message.ts";
import { addToBatch } from "./messages.ts";
import { tellPresence } from "./monitor.ts";
import { Numeric } from "./numerics.ts";
import { type PastAnswer, answerBytes, playOn } from "./past.ts";
import type { AccountOutcome, AccountQuestion, IrcPort } from "./port.ts";
import { answered, expire } from "./proving.ts";
import { publicKey, publicLine } from "./render.ts";
import { type IrcServer, type Sink, lineBytes } from "./server.ts";
import { speechAt } from "./speech.ts";
import { IrcSplitter } from "./splitter.ts";
import { tell } from "./tell.ts";

/** Marks that would make more of a text than a text: CTCP. */
const CTCP = 0x01;
/** "label value MUST NOT exceed 64 bytes": a longer one is none. */
const LABEL_BYTES_MAX = 64;

/** One client's conversation in IRC: lines become wishes, and what comes of them becomes lines. */
export class IrcConversation {
  readonly protocol = "irc";
  readonly splitter: IrcSplitter = new IrcSplitter();
  readonly speaksFirst: boolean = true;
  readonly greeting: ClientWish | undefined = undefined;
  readonly #port: IrcPort;
  readonly #server: IrcServer;
  readonly #client: IrcClient;
  readonly #budget: FloodBudget;
  /** The name of the room that was spoken to last. */
  #target = "";
  #targetBytes: Uint8Array = new Uint8Array(0);
  /** What the wish is of which it is told what came: a refusal is told by that. */
  #wished = "";

  constructor(port: IrcPort, server: IrcServer) {
    this.#port = port;
    this.#server = server;
    this.#client = new IrcClient(port, server);
    this.#budget = new FloodBudget(server.options.floodLines);
  }

  get version(): number {
    return this.#client.version;
  }

  notes(): Uint8Array {
    return this.#client.notes();
  }

  restore(notes: Uint8Array): void {
    this.#client.restore(notes);
  }

  handle(bytes: Uint8Array, start: number, end: number): "done" | "full" | "later" {
    const client = this.#client;
    expire(client);
    // It is not known yet who it is.
    if (client.proof !== undefined) return "later";
    const waitMs = this.#budget.waitMs(this.#port.now());
    if (waitMs > 0 && !isFree(bytes, start, end)) {
      this.#port.wakeIn(waitMs);
      return "later";
    }
    const said = client.isWelcome ? speechAt(bytes, start, end) : undefined;
    if (said !== undefined && said.target.startsWith("#") && bytes[said.textStart] !== CTCP)
      return this.#say(said.target, bytes.subarray(said.textStart, said.textEnd));
    if (!this.#port.hasRoom()) return "full";
    const message = parseMessage(bytes, start, end);
    return message === "invalidUtf8" ? this.#refuseBytes(bytes, start, end) : this.#take(message);
  }

  /** What is said most, as it is. */
  #say(target: string, text: Uint8Array): "done" | "full" {
    if (text.length === 0) {
      this.#client.numeric(Numeric.ERR_NOTEXTTOSEND, ":No text to send");
      return "done";
    }
    if (target !== this.#target) {
      this.#target = target;
      this.#targetBytes = encodeUtf8(target);
    }
    if (!this.#port.say("say", this.#targetBytes, text)) return "full";
    this.#client.replies.wished();
    this.#budget.spend();
    return "done";
  }

  /** Nothing of it is told to anybody: see https://ircv3.net/specs/extensions/utf8-only. */
  #refuseBytes(bytes: Uint8Array, start: number, end: number): "done" {
    this.#budget.spend();
    const message = parseText(decodeUtf8(bytes.subarray(start, end)));
    const isKnown = message !== "empty" && Object.hasOwn(IRC_COMMANDS, message.command);
    const command = isKnown ? message.command : "*";
    this.#client.fail(command, "INVALID_UTF8", [], "Message rejected: this server takes UTF-8 only");
    return "done";
  }

  #take(message: IrcMessage | "empty" | "tooManyTagBytes"): "done" | "later" {
    const client = this.#client;
    if (message === "empty") return "done";
    if (message === "tooManyTagBytes") {
      this.#budget.spend();
      client.numeric(Numeric.ERR_INPUTTOOLONG, ":Input line was too long");
      return "done";
    }
    const command = Object.hasOwn(IRC_COMMANDS, message.command) ? IRC_COMMANDS[message.command] : undefined;
    const isPipelined = command?.isPipelined === true && !client.replies.isFull;
    if (!this.#port.isSettled && !isPipelined) return "later";
    if (command?.isFree !== true) this.#budget.spend();
    const label = this.#labelOf(message);
    if (label === undefined) this.#run(command, message);
    else {
      client.replies.begin(label);
      this.#run(command, message);
      if (message.command === "BATCH" && client.multiline.label === label) client.replies.postpone();
      client.replies.end();
      client.changed();
    }
    return "done";
  }

  #labelOf({ tags, command, params }: IrcMessage): string | undefined {
    const client = this.#client;
    const isEnd = command === "BATCH" && params[0]?.startsWith("-") === true;
    if ((tags.size === 0 && !isEnd) || !client.has("labeled-response") || !client.has("batch"))
      return undefined;
    const label = tags.get("label") ?? (isEnd ? client.multiline.label : "");
    return label === "" || utf8Length(label) > LABEL_BYTES_MAX ? undefined : label;
  }

  #run(command: IrcCommand | undefined, message: IrcMessage): void {
    const client = this.#client;
    const { command: name, params } = message;
    const isHere = client.isWelcome;
    if (command === undefined) {
      if (!isHere) return client.numeric(Numeric.ERR_NOTREGISTERED, ":You have not registered");
      return client.numeric(Numeric.ERR_UNKNOWNCOMMAND, `${asMiddle(name)} :Unknown command`);
    }
    const when = command.when ?? "arrived";
    if (when === "arrived" && !isHere)
      return client.numeric(Numeric.ERR_NOTREGISTERED, ":You have not registered");
    if (when === "before" && isHere)
      return client.numeric(Numeric.ERR_ALREADYREGISTERED, ":You may not reregister");
    if (params.length < command.paramsMin)
      return client.numeric(Numeric.ERR_NEEDMOREPARAMS, `${name} :Not enough parameters`);
    if (addToBatch(client, message)) return;
    command.run(client, message);
  }

  /** Its lines are about to be looked at, for whatever reason: there may be none. */
  woken(): void {
    expire(this.#client);
    playOn(this.#client);
  }

  /** The history process came or went, or can keep what is said, or cannot any more. */
  storeChanged(): void {
    const client = this.#client;
    const before = client.offer;
    client.offer = client.server.offer(this.#port.state);
    const { lines } = client.caps.news(before, client.offer);
    for (const line of lines) client.fromServer(`CAP ${client.nick} ${line}`);
    client.changed();
  }

  tooLong(): void {
    this.#client.numeric(Numeric.ERR_INPUTTOOLONG, ":Input line was too long");
  }

  wished(): void {
    this.#client.replies.wished();
  }

  applying(wished: string): void {
    this.#wished = wished;
    this.#client.replies.applying();
  }

  applied(): void {
    const { replies } = this.#client;
    // What has come of a labelled line so far is something else now.
    if (replies.isOpen || replies.isCollecting) this.#client.changed();
    replies.applied();
    // Where a page was refused, there is no answer that leads to the next.
    if (this.#client.playback !== undefined) this.#port.wakeIn(0);
    this.#wished = "";
  }

  get isCollecting(): boolean {
    return this.#client.replies.isCollecting;
  }

  publicKey(effect: PublicEffect, isOrigin: boolean): number | undefined {
    return publicKey(this.#client, effect, isOrigin);
  }

  publicLine(sink: Sink, effect: PublicEffect, moment: Moment, key: number): void {
    publicLine(sink, this.#server, effect, moment, key);
  }

  tell(effect: OwnEffect, moment: Moment, isOrigin: boolean): void {
    tell(this.#client, effect, moment, isOrigin, this.#wished);
  }

  seen(effect: { readonly kind: string }, moment: Moment, isNeighbour: boolean): void {
    if (this.#client.monitored.size === 0) return;
    tellPresence(this.#client, effect as Parameters<typeof tellPresence>[1], moment, isNeighbour);
  }

  answer(question: HistoryQuestion, before: number, answer: PastAnswer): Uint8Array {
    const client = this.#client;
    const bytes = answerBytes(client, question, before, answer);
    if (client.replies.isOpen) client.changed();
    // What comes next is asked when lines are looked at: here there may be no room for a wish.
    if (client.playback !== undefined) this.#port.wakeIn(0);
    return client.replies.answered(before, bytes);
  }

  asked(before: number): void {
    // That a message is gone is told to all as one: there is no answer that its label could wait for.
    if (this.#wished !== "redact") this.#client.replies.asked(before);
    this.#client.changed();
  }

  vaultAnswered(outcome: AccountOutcome, question: AccountQuestion): void {
    answered(this.#client, outcome, question);
  }

  notice(text: string): Uint8Array {
    return lineBytes(`:${this.#server.name} NOTICE ${this.#client.nick} :${text}`);
  }

  farewell(text: string): Uint8Array {
    return lineBytes(`ERROR :${text}`);
  }

  goodbye(reason: LeaveReason): Uint8Array {
    return this.farewell(`Closing Link: ${reason === "killed" ? "killed by an operator" : "Client Quit"}`);
  }

  get missed(): Uint8Array {
    return this.notice("What you missed:");
  }

  get caughtUp(): Uint8Array {
    return this.notice("That is all; from here on it is live");
  }
}

function isFree(bytes: Uint8Array, start: number, end: number): boolean {
  const message = parseMessage(bytes, start, end);
  if (typeof message === "string") return false;
  return Object.hasOwn(IRC_COMMANDS, message.command) && IRC_COMMANDS[message.command]!.isFree === true;
}
