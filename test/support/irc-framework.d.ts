/* What the tests use of irc-framework, which comes without types. */
declare module "irc-framework" {
  export interface ClientOptions {
    host: string;
    port: number;
    nick: string;
    username?: string;
    gecos?: string;
    account?: { account: string; password: string };
    auto_reconnect?: boolean;
    sasl_disconnect_on_fail?: boolean;
    enable_chghost?: boolean;
    enable_setname?: boolean;
    enable_echomessage?: boolean;
    /** Seconds; 0: never. */
    ping_interval?: number;
    ping_timeout?: number;
  }

  export interface RawEvent {
    line: string;
    from_server: boolean;
  }

  /** Of what people and channels do: which fields there are depends on the event. */
  export interface IrcEvent {
    readonly nick?: string;
    readonly ident?: string;
    readonly hostname?: string;
    readonly account?: string | false;
    readonly gecos?: string;
    readonly target?: string;
    readonly channel?: string;
    readonly message?: string;
    readonly new_nick?: string;
    readonly kicked?: string;
    readonly topic?: string;
    /** Of the server, in milliseconds since 1970. */
    readonly time?: number;
    readonly tags?: Readonly<Record<string, string>>;
    readonly modes?: readonly { readonly mode: string; readonly param?: string }[];
    readonly users?: readonly { readonly nick: string; readonly modes: readonly string[] }[];
    readonly batch?: { readonly id: string; readonly type: string };
  }

  export class Client {
    readonly user: { readonly nick: string; readonly away: boolean };
    readonly network: {
      readonly name: string;
      readonly options: Readonly<Record<string, unknown>>;
      readonly cap: { readonly enabled: readonly string[]; isEnabled(name: string): boolean };
    };
    /** Asks for capabilities beyond those that it always wants. */
    requestCap(names: readonly string[]): void;
    connect(options: ClientOptions): void;
    on(name: "raw", listener: (event: RawEvent) => void): this;
    on(name: "close" | "socket close", listener: (isError: unknown) => void): this;
    on(name: string, listener: (event: IrcEvent) => void): this;
    raw(...words: readonly string[]): void;
    say(target: string, message: string, tags?: Readonly<Record<string, string>>): void;
    notice(target: string, message: string): void;
    action(target: string, message: string): void;
    tagmsg(target: string, tags: Readonly<Record<string, string>>): void;
    join(channel: string, key?: string): void;
    part(channel: string, message?: string): void;
    changeNick(nick: string): void;
    setTopic(channel: string, topic: string): void;
    mode(target: string, modes: string, parameters?: readonly string[]): void;
    invite(channel: string, nick: string): void;
    whois(nick: string, callback: (event: IrcEvent & { readonly error?: string }) => void): void;
    who(target: string, callback: (event: IrcEvent) => void): void;
    addMonitor(nick: string): void;
    quit(message?: string): void;
  }
}
