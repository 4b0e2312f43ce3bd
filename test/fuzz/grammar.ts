/*
 * What people and programs could send, as a grammar: whole sessions of IRC, plain text, HTTP, or of nothing in
 * particular. They are valid more often than not, for bytes that no parser lets through reach nothing behind it;
 * mutate.ts does the rest. Each session draws on a few commands only, so that these meet each other more often.
 */
import type { Random } from "../../src/base/index.ts";

/** Nobody of these is a witness. There are so few of them that they meet. */
const NICKS = Array.from({ length: 24 }, (_, index) => `fuzz${index}`);
const CHANNELS = ["#lobby", "#lobby", "#fuzz", "#fuzz-2", "#f", "#Fuzz", "#späße"];
const CAPABILITIES = [
  "account-notify account-tag away-notify batch cap-notify chghost echo-message extended-join extended-monitor",
  "invite-notify labeled-response message-tags multi-prefix sasl server-time setname standard-replies",
  "userhost-in-names bot no-implicit-names draft/account-registration draft/channel-rename draft/chathistory",
  "draft/event-playback draft/message-redaction draft/multiline draft/pre-away draft/read-marker utf8only",
  "draft/extended-isupport draft/no-implicit-names soju.im/search znc.in/playback no/such",
].flatMap((names) => names.split(" "));
const WORDS = [
  "hello the server is a teapot 0 -1 99999999999999999999 NaN * % $ {} [] \\ / : :: , ;",
  "小明 é e\u0301 👩‍👩‍👧 \u202Ereversed \uFEFF \0 \u2028 \u00A0 ﷺ 𝕱 ſ İ \u007F \u0002bold\u000F",
  "\u0001ACTION \u0001VERSION\u0001 \u0001\u0001 http://example.com/",
].flatMap((words) => words.split(" "));
const CHANNEL_MODES = "beIklimnstovhqaCRM+-+-xyZ";
const TAGS = [
  "time msgid account batch label +typing +draft/reply +draft/react +x +example.com/y draft/multiline-concat + = @",
].flatMap((names) => names.split(" "));
const HEADERS = [
  "Host: localhost\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Protocol: text.ircv3.net",
  "Content-Length: 5\nTransfer-Encoding: chunked\nno colon",
].flatMap((headers) => headers.split("\n"));
const TIMES = [
  "2026-01-01T00:00:00.000Z 1970-01-01T00:00:00.000Z 2100-02-30T25:61:00Z 9999-12-31T23:59:59.999Z yesterday -1",
].flatMap((times) => times.split(" "));

export class Grammar {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Everything that one connection sends. */
  session(): Buffer {
    const kind = this.#random.next();
    if (kind < 0.72) return this.#irc();
    if (kind < 0.87) return this.#plain();
    if (kind < 0.94) return this.#http();
    return this.bytes(this.#upTo(2000));
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.#random.between(0, 255)));
  }

  #irc(): Buffer {
    const lines = this.#chance(0.95) ? this.#registration() : [];
    const verbs = this.#some(Object.keys(this.#commands), 2, 12);
    for (let count = this.#upTo(60); count > 0; count -= 1) {
      const verb = this.#pick(verbs);
      const line = `${verb} ${this.#commands[verb]!()}`.trimEnd();
      lines.push(this.#tags() + (this.#chance(0.05) ? line.toLowerCase() : line));
    }
    if (this.#chance(0.2)) lines.push(`QUIT :${this.#text()}`);
    const lineEnd = this.#pick(["\r\n", "\r\n", "\r\n", "\n", "\r\n\r\n"]);
    return Buffer.from(lines.map((line) => line + lineEnd).join(""));
  }

  #registration(): string[] {
    const caps = this.#some(CAPABILITIES, 0, CAPABILITIES.length);
    const negotiates = this.#chance(0.7);
    const logsIn = negotiates && this.#chance(0.2);
    return [
      ...(negotiates ? [this.#pick(["CAP LS 302", "CAP LS", "CAP LS 301", "CAP LIST"])] : []),
      ...(this.#chance(0.1) ? [`PASS :${this.#text()}`] : []),
      ...(this.#chance(0.97) ? [`NICK ${this.#nick()}`] : []),
      ...(this.#chance(0.97) ? [`USER ${this.#word()} 0 * :${this.#text()}`] : []),
      ...caps.filter(() => negotiates).map((cap) => `CAP REQ :${cap}`),
      ...(logsIn ? ["CAP REQ :sasl", ...this.#sasl()] : []),
      ...(negotiates && this.#chance(0.95) ? ["CAP END"] : []),
    ];
  }

  #sasl(): string[] {
    const base64 = (text: string): string => `AUTHENTICATE ${Buffer.from(text).toString("base64") || "+"}`;
    const nick = this.#nick();
    switch (this.#random.between(0, 4)) {
      case 0:
        return ["AUTHENTICATE PLAIN", base64(`${nick}\0${nick}\0${this.#text()}`)];
      case 1:
        return [
          "AUTHENTICATE SCRAM-SHA-256",
          base64(`n,,n=${nick},r=${this.#word()}`),
          base64("c=biws,r=x,p=eA=="),
        ];
      case 2:
        return [
          "AUTHENTICATE PLAIN",
          `AUTHENTICATE ${"A".repeat(400)}`,
          this.#pick(["AUTHENTICATE +", "AUTHENTICATE *"]),
        ];
      case 3:
        return ["AUTHENTICATE EXTERNAL", "AUTHENTICATE +"];
      default:
        return [`AUTHENTICATE ${this.#word()}`, base64(this.#text())];
    }
  }

  /** What stands behind each command. */
  readonly #commands: Readonly<Record<string, () => string>> = {
    PRIVMSG: () => `${this.#targets()} :${this.#text()}`,
    NOTICE: () => `${this.#targets()} :${this.#text()}`,
    TAGMSG: () => this.#targets(),
    JOIN: () => `${this.#list(() => this.#channel())} ${this.#optional(() => this.#word())}`,
    PART: () => `${this.#list(() => this.#channel())} :${this.#text()}`,
    NICK: () => this.#nick(),
    TOPIC: () => `${this.#channel()} ${this.#optional(() => `:${this.#text()}`)}`,
    KICK: () => `${this.#channel()} ${this.#nick()} :${this.#text()}`,
    INVITE: () => `${this.#nick()} ${this.#channel()}`,
    KNOCK: () => `${this.#channel()} :${this.#text()}`,
    RENAME: () => `${this.#channel()} ${this.#channel()} :${this.#text()}`,
    NAMES: () => this.#optional(() => this.#channel()),
    LIST: () => this.#optional(() => this.#pick([this.#channel(), ">0", "<99999", "C<1", "*a*", "U>"])),
    WHO: () =>
      `${this.#target()} ${this.#optional(() => this.#pick(["%tcuihsnfdlaor,1", "o", "%", "%t,12345"]))}`,
    WHOIS: () => `${this.#optional(() => this.#nick())} ${this.#nick()}`,
    WHOWAS: () => `${this.#nick()} ${this.#number()}`,
    MODE: () => this.#mode(),
    AWAY: () => this.#optional(() => `:${this.#text()}`),
    USERHOST: () => Array.from({ length: this.#upTo(7) }, () => this.#nick()).join(" "),
    ISON: () => Array.from({ length: this.#upTo(7) }, () => this.#nick()).join(" "),
    MONITOR: () => `${this.#pick(["+", "-", "C", "L", "S"])} ${this.#list(() => this.#nick())}`,
    CAP: () =>
      this.#pick([
        "LS 302",
        "LIST",
        "END",
        `REQ :${this.#some(CAPABILITIES, 1, 5).join(" ")}`,
        "REQ :-batch",
      ]),
    AUTHENTICATE: () => this.#sasl()[0]!.slice("AUTHENTICATE ".length),
    REGISTER: () => `* ${this.#pick(["*", "me@example.com"])} ${this.#word()}`,
    VERIFY: () => `${this.#nick()} ${this.#word()}`,
    SETNAME: () => `:${this.#text()}`,
    BATCH: () =>
      this.#pick([`+1 draft/multiline ${this.#target()}`, "-1", `+${this.#word()} ${this.#word()}`, "-x"]),
    CHATHISTORY: () => this.#pastRequest(),
    MARKREAD: () => `${this.#target()} ${this.#optional(() => `timestamp=${this.#time()}`)}`,
    REDACT: () => `${this.#target()} ${this.#number()} :${this.#text()}`,
    SEARCH: () => `in=${this.#channel()};text=${this.#word()};limit=${this.#number()};from=${this.#nick()}`,
    ZNC: () => `*playback PLAY ${this.#target()} ${this.#number()}`,
    PING: () => this.#word(),
    PONG: () => this.#word(),
    OPER: () => `${this.#nick()} ${this.#word()}`,
    KILL: () => `${this.#nick()} :${this.#text()}`,
    REHASH: () => "",
    WALLOPS: () => `:${this.#text()}`,
    STATS: () => this.#pick(["u", "m", "", "?"]),
    LUSERS: () => "",
    MOTD: () => "",
    VERSION: () => this.#optional(() => this.#word()),
    TIME: () => "",
    ADMIN: () => "",
    INFO: () => "",
    HELP: () => this.#optional(() => this.#word()),
    PASS: () => this.#word(),
    USER: () => `${this.#word()} 0 * :${this.#text()}`,
    ERROR: () => `:${this.#text()}`,
    "001": () => this.#text(),
  };

  #mode(): string {
    if (this.#chance(0.2)) return `${this.#nick()} ${this.#pick(["+i", "-i", "+B", "+w", "+o", "", "+xyz"])}`;
    const letters = Array.from({ length: this.#upTo(8) }, () => this.#pick([...CHANNEL_MODES])).join("");
    const parameters = Array.from({ length: this.#upTo(5) }, () =>
      this.#pick([this.#nick(), this.#word(), this.#number(), "*!*@*", "$a:x", "nobody!*@*.example.com"]),
    );
    return `${this.#channel()} ${this.#pick(["+", "-", ""])}${letters} ${parameters.join(" ")}`;
  }

  #pastRequest(): string {
    const place = (): string =>
      this.#pick([`timestamp=${this.#time()}`, `msgid=${this.#number()}`, "*", this.#word()]);
    const limit = this.#number();
    switch (this.#random.between(0, 3)) {
      case 0:
        return `TARGETS ${place()} ${place()} ${limit}`;
      case 1:
        return `BETWEEN ${this.#target()} ${place()} ${place()} ${limit}`;
      default:
        return `${this.#pick(["LATEST", "BEFORE", "AFTER", "AROUND"])} ${this.#target()} ${place()} ${limit}`;
    }
  }

  #tags(): string {
    if (this.#chance(0.8)) return "";
    const tag = (): string =>
      this.#pick(TAGS) +
      this.#optional(() => `=${this.#pick(["1", "active", "\\s\\:\\\\\\", this.#word()])}`);
    return `@${Array.from({ length: this.#upTo(5) + 1 }, tag).join(";")} `;
  }

  #plain(): Buffer {
    const lines = Array.from({ length: this.#upTo(40) }, () => this.#plainLine());
    const lineEnd = this.#pick(["\n", "\n", "\r\n"]);
    return Buffer.from(lines.map((line) => line + lineEnd).join(""));
  }

  #plainLine(): string {
    switch (this.#random.between(0, 15)) {
      case 0:
        return `/nick ${this.#pick([this.#nick(), this.#word()])}`;
      case 1:
        return `/join ${this.#channel()}`;
      case 2:
        return `/${this.#pick(["who", "rooms", "help", "away", "topic", "bans", "part", "history", "leave"])}`;
      case 3:
        return `/${this.#pick(["away", "topic", "me", "part", "search", "history", "away"])} ${this.#text()}`;
      case 4:
        return `/msg ${this.#nick()} ${this.#text()}`;
      case 5:
        return `/${this.#pick(["kick", "ban", "mute", "op", "invite", "whois"])} ${this.#nick()} ${this.#text()}`;
      case 6:
        return `/mode ${this.#channel()} ${this.#text()}`;
      case 7:
        return `/${this.#word()} ${this.#text()}`;
      case 8:
        return this.#pick([
          `/register ${this.#word()}`,
          `/identify ${this.#nick()} ${this.#word()}`,
          "//x",
          "/",
          "",
        ]);
      default:
        return this.#text();
    }
  }

  #http(): Buffer {
    const method = this.#pick(["GET", "GET", "POST", "HEAD", "OPTIONS", "PUT", "BREW"]);
    const target = this.#pick([
      "/",
      "*",
      "/ws",
      "/../../x",
      `/${encodeURIComponent(this.#text())}`,
      "http://x/",
    ]);
    const headers = this.#some([...HEADERS, `X: ${"x".repeat(this.#upTo(9000))}`], 0, 8);
    const version = this.#pick(["1.1", "1.1", "1.0", "2.0", "9"]);
    const body = this.#chance(0.3) ? this.bytes(this.#upTo(300)) : Buffer.alloc(0);
    const head = [`${method} ${target} HTTP/${version}`, ...headers, "", ""].join("\r\n");
    return Buffer.concat([Buffer.from(head), body]);
  }

  #text(): string {
    return Array.from({ length: this.#upTo(8) }, () => this.#word()).join(" ");
  }

  #word(): string {
    if (this.#chance(0.02)) return "long".repeat(this.#upTo(4000));
    return this.#pick(WORDS);
  }

  #nick(): string {
    return this.#chance(0.95) ? this.#pick(NICKS) : this.#word();
  }

  #channel(): string {
    return this.#chance(0.95) ? this.#pick(CHANNELS) : `#${this.#word()}`;
  }

  #target(): string {
    return this.#pick([
      this.#nick(),
      this.#channel(),
      this.#channel(),
      "*",
      `@${this.#channel()}`,
      "$*",
      this.#word(),
    ]);
  }

  #targets(): string {
    return this.#chance(0.9) ? this.#target() : this.#list(() => this.#target());
  }

  #number(): string {
    return this.#pick([
      "0",
      "1",
      "2",
      "10",
      "100",
      "-1",
      "4294967297",
      "1e9",
      "0x10",
      "",
      "99999999999999999999",
    ]);
  }

  #time(): string {
    return this.#pick(TIMES);
  }

  #list(make: () => string): string {
    return Array.from({ length: this.#random.between(1, 4) }, make).join(",");
  }

  #optional(make: () => string): string {
    return this.#chance(0.6) ? make() : "";
  }

  #chance(of: number): boolean {
    return this.#random.next() < of;
  }

  /** Small numbers more often than large ones. */
  #upTo(most: number): number {
    return Math.floor(this.#random.next() ** 2 * (most + 1));
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#random.between(0, values.length - 1)]!;
  }

  #some<T>(values: readonly T[], least: number, most: number): T[] {
    const count = this.#random.between(least, most);
    return Array.from({ length: count }, () => this.#pick(values));
  }
}
