import type { IrcClient } from "./client.ts";
import type { IrcMessage } from "./message.ts";

/** One command: a row of the table in commands.ts, which also makes HELP and the table in docs/irc.md. */
export interface IrcCommand {
  /** What it takes, for HELP: `<channel>{,<channel>} [<key>]`. */
  readonly usage: string;
  /** What it does, for HELP: one sentence, without a capital and a full stop. */
  readonly summary: string;
  /** Fewer parameters are answered with 461. */
  readonly paramsMin: number;
  /** When it may be said: once one has arrived (the default), before that alone, or any time. */
  readonly when?: "arrived" | "before" | "any";
  /**
   * It is handled while what was wished before is still on its way; because it only wishes, or has nothing to do with
   * that. Anything else waits until all of that has come about, so that its answer is up to date.
   */
  readonly isPipelined?: boolean;
  /** It costs nothing of the flood budget: a client that reconnects says it for each of its rooms. */
  readonly isFree?: boolean;
  /** Where it is described: `#join-message` of modern.ircdocs.horse, or an address; empty: it is this server's own. */
  readonly specification: string;
  run(client: IrcClient, message: IrcMessage): void;
}

/** An address; undefined: it is this server's own. */
export function specificationOf({ specification }: IrcCommand): string | undefined {
  if (specification === "") return undefined;
  return specification.startsWith("#") ? `https://modern.ircdocs.horse/${specification}` : specification;
}

export type IrcCommands = Readonly<Record<string, IrcCommand>>;
