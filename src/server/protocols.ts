import type { Protocol } from "../chat/index.ts";
import { IrcConversation, type IrcOptions, IrcServer, classifyIrc } from "../protocol/irc/index.ts";
import { PlainConversation, PlainRenderer } from "../protocol/plain/index.ts";
import type { Conversation, ConversationPort } from "./conversation.ts";
import type { Clock } from "./ports.ts";

export interface ProtocolOptions extends Omit<IrcOptions, "motd"> {
  serverName: string;
  motd: string;
}

/** The ways to speak with this server: a new one is a row in each of these tables. */
export class Protocols {
  readonly #plain: PlainRenderer;
  readonly #irc: IrcServer;

  constructor(options: ProtocolOptions, clock: Clock) {
    this.#plain = new PlainRenderer(options.networkName, clock.localTime);
    this.#irc = new IrcServer(options);
  }

  set motd(text: string) {
    this.#irc.motd = text;
  }

  open(protocol: Protocol, port: ConversationPort): Conversation {
    switch (protocol) {
      case "plain":
        return new PlainConversation(port, this.#plain);
      case "irc":
        return new IrcConversation(port, this.#irc);
    }
  }
}

/** What somebody speaks who was taken for plain because it was silent, and whose first line this is. */
export function seemsOtherwise(protocol: Protocol, line: Uint8Array): Protocol | undefined {
  return protocol === "plain" && classifyIrc(line) === "irc" ? "irc" : undefined;
}
