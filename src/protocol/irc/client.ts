import { decodeUtf8, encodeUtf8, utf8Length } from "../../base/index.ts";
import {
  type ClientWish,
  type Room,
  type Session,
  foldNick,
  principalOf,
  roomCalled,
} from "../../chat/index.ts";
import { CAP, type Capability, type CapabilityOffer } from "./capabilities.ts";
import { CapNegotiation } from "./capNegotiation.ts";
import { type Fault, asMiddle, fault } from "./fault.ts";
import { foldWords } from "./foldWords.ts";
import { MultilineAssembler } from "./multiline.ts";
import type { IrcPort } from "./port.ts";
import { Replies, type WishContext } from "./replies.ts";
import { SaslResponse } from "./sasl.ts";
import { type IrcServer, lineBytes } from "./server.ts";
import { TEXT_BYTES_MAX } from "./splitter.ts";

/** So much of a list goes into one line, where there is room for it. */
const LIST_BYTES_MAX = 400;

/** How far somebody has come who is about to log in. */
export interface SaslExchange {
  readonly mechanism: "PLAIN" | "SCRAM-SHA-256";
  readonly response: SaslResponse;
  /** Of SCRAM, what has been said so far. */
  clientFirst: string;
  serverFirst: string;
  /** Nothing is left to be said by the client but that it has seen the server's last message. */
  isProven: boolean;
}

/** What is waited for before the next line is looked at: the vault, and what the log says to its answer. */
export interface Proof {
  readonly purpose: "sasl" | "register" | "identify" | "oper" | "other";
  readonly account: string;
  /** Whether one of the two has said that it is so, and which: the vault, or the log. */
  stage: "asked" | "answered" | "applied";
  /** Then it is over in any case. */
  deadlineMs: number;
}

/** Whose past is still to be asked for, one after the other. */
export interface Playback {
  readonly targets: readonly string[];
  readonly afterMs: number;
  readonly beforeMs: number | undefined;
}

/** What a client has said on its way in. */
interface Registration {
  nick: string;
  user: string;
  realName: string;
  /** It is on its way into the log. */
  isSent: boolean;
  /** AWAY from before it was here; undefined: none. */
  away: string | undefined;
}

/** One client that speaks IRC: what was negotiated, and what is for it alone. */
export class IrcClient {
  readonly port: IrcPort;
  readonly server: IrcServer;
  readonly caps: CapNegotiation = new CapNegotiation();
  readonly replies: Replies;
  readonly registration: Registration = {
    nick: "",
    user: "",
    realName: "",
    isSent: false,
    away: undefined,
  };
  readonly multiline: MultilineAssembler = new MultilineAssembler();
  /** Folded nicks that it watches, as it spells them. */
  readonly monitored: Map<string, string> = new Map();
  /** What it has asked to be deleted, and of which conversation: a refusal names that. */
  readonly redacting: Map<number, string> = new Map();
  /** What it has asked `*playback` for and is not answered yet. */
  playback: Playback | undefined;
  sasl: SaslExchange | undefined;
  proof: Proof | undefined;
  /** What the server could do when it was told so last. */
  offer: CapabilityOffer;
  /** Who came back at this place in the order was told who is there: of what came before, it is told no comings. */
  cameBackAt = 0;
  /** It has been welcomed. */
  isWelcome = false;
  /** Goes up whenever a successor would have to know something else. */
  version = 1;

  constructor(port: IrcPort, server: IrcServer) {
    this.port = port;
    this.server = server;
    this.offer = server.offer(port.state);
    this.replies = new Replies((bytes) => port.send(bytes), server.name);
  }

  changed(): void {
    this.version += 1;
  }

  has(capability: Capability): boolean {
    return (this.caps.enabled & CAP[capability]) !== 0;
  }

  /** Whose client it is; undefined where it has left. */
  get session(): Session | undefined {
    const { state, session } = this.port;
    const client = state.sessions.get(session);
    return client === undefined ? undefined : principalOf(state, client);
  }

  /** The same for who has arrived. */
  get self(): Session {
    return this.session!;
  }

  /** How it is called in replies. */
  get nick(): string {
    const nick = this.session?.nick ?? "";
    if (nick !== "") return nick;
    return this.registration.nick === "" ? "*" : this.registration.nick;
  }

  /** What does not fit into a line is cut off. @param tags with the `@`, and a blank behind them */
  line(text: string, tags = ""): void {
    this.replies.send(lineBytes(text, tags));
  }

  fromServer(text: string, tags = ""): void {
    this.line(`:${this.server.name} ${text}`, tags);
  }

  /** @param rest what follows the client's nick */
  numeric(code: string, rest: string): void {
    this.fromServer(`${code} ${this.nick} ${rest}`);
  }

  /**
   * A list in as many replies as it takes; none where it is empty.
   *
   * @param head what stands in each of them between the client's nick and the list
   * @param words without blanks in them
   */
  numericList(code: string, head: string, words: readonly string[], separator: " " | "," = " "): void {
    if (words.length === 0) return;
    const before = head === "" ? ":" : `${head} :`;
    const around = utf8Length(`:${this.server.name} ${code} ${this.nick} ${before}`);
    const bytesMax = Math.min(LIST_BYTES_MAX, TEXT_BYTES_MAX - around);
    for (const line of foldWords(words, bytesMax, Infinity))
      this.numeric(code, before + (separator === " " ? line : line.replaceAll(" ", separator)));
  }

  /** A standard reply; for who has not asked for those, a notice. */
  standard(kind: "FAIL" | "WARN" | "NOTE", command: string, { fault, context, text }: Fault): void {
    if (this.has("standard-replies")) {
      const words = [kind, command, fault, ...context].join(" ");
      this.fromServer(`${words} :${text}`);
    } else this.fromServer(`NOTICE ${this.nick} :${command}: ${text}`);
  }

  fail(command: string, code: string, context: readonly string[], text: string): void {
    this.standard("FAIL", command, fault(code, context, text));
  }

  notice(text: string): void {
    this.fromServer(`NOTICE ${this.nick} :${text}`);
  }

  /** There is room: `port.hasRoom` has said so before the line was looked at. */
  wish(wish: ClientWish, context?: WishContext): void {
    if (context === undefined) this.replies.wished();
    else {
      const { names } = context;
      this.replies.wished(
        names === undefined ? context : { ...context, names: names.map((name) => asMiddle(name)) },
      );
      this.changed();
    }
    this.port.wish(wish);
  }

  /** Who can ask for the past gets none unasked. */
  get asksForPast(): boolean {
    return this.has("draft/chathistory") || this.has("znc.in/playback");
  }

  /** A room that it may know of. */
  room(name: string): Room | undefined {
    const room = name.startsWith("#") ? roomCalled(this.port.state, name) : undefined;
    if (room === undefined) return undefined;
    return room.secret && this.session?.rooms.has(room.id) !== true ? undefined : room;
  }

  isMonitoring(nick: string): boolean {
    return this.monitored.size > 0 && this.monitored.has(foldNick(nick));
  }

  notes(): Uint8Array {
    const { caps, registration, sasl, proof, offer, cameBackAt, monitored, playback, isWelcome } = this;
    const { replies, multiline } = this;
    return encodeUtf8(
      JSON.stringify({
        caps: [caps.enabled, caps.version, caps.isOpen],
        registration,
        sasl: sasl === undefined ? undefined : { ...sasl, response: undefined, pieces: sasl.response.pieces },
        proof,
        offer,
        cameBackAt,
        monitored: [...monitored.values()],
        playback,
        isWelcome,
        replies: replies.notes(),
        multiline: multiline.notes(),
      }),
    );
  }

  restore(bytes: Uint8Array): void {
    const notes = JSON.parse(decodeUtf8(bytes)) as ClientNotes;
    [this.caps.enabled, this.caps.version, this.caps.isOpen] = notes.caps;
    Object.assign(this.registration, notes.registration);
    if (notes.sasl !== undefined) {
      const response = new SaslResponse();
      response.pieces = notes.sasl.pieces;
      this.sasl = { ...notes.sasl, response };
    }
    this.proof = notes.proof;
    this.offer = notes.offer;
    this.cameBackAt = notes.cameBackAt;
    if (this.proof !== undefined) this.port.wakeIn(Math.max(0, this.proof.deadlineMs - this.port.now()));
    this.playback = notes.playback;
    for (const nick of notes.monitored) this.monitored.set(foldNick(nick), nick);
    this.isWelcome = notes.isWelcome;
    this.replies.restore(notes.replies);
    this.multiline.restore(notes.multiline);
  }
}

/** What `notes` writes. */
interface ClientNotes {
  readonly caps: [enabled: number, version: number, isOpen: boolean];
  readonly registration: Partial<Registration>;
  readonly sasl: (Omit<SaslExchange, "response"> & { readonly pieces: string }) | undefined;
  readonly proof: Proof | undefined;
  readonly offer: CapabilityOffer;
  readonly cameBackAt: number;
  readonly monitored: readonly string[];
  readonly playback: Playback | undefined;
  readonly isWelcome: boolean;
  readonly replies: ReturnType<Replies["notes"]>;
  readonly multiline: ReturnType<MultilineAssembler["notes"]>;
}
