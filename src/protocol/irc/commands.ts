/* Every command: what may be said when is decided here, HELP and docs/irc.md are made of the same table. */
import { AWAY_COMMANDS } from "./away.ts";
import { CHANNEL_COMMANDS } from "./channels.ts";
import type { IrcCommands } from "./command.ts";
import { MESSAGE_COMMANDS } from "./messages.ts";
import { OPERATOR_COMMANDS, PERSON_COMMANDS } from "./operators.ts";
import { HISTORY_COMMANDS } from "./past.ts";
import { PROVING_COMMANDS } from "./proving.ts";
import { QUERY_COMMANDS } from "./queryCommands.ts";
import { REGISTRATION_COMMANDS } from "./registration.ts";
import { helpCommand } from "./serverQueries.ts";

const HELP = helpCommand(() => IRC_COMMANDS);

export const IRC_COMMANDS: IrcCommands = {
  ...REGISTRATION_COMMANDS,
  ...PROVING_COMMANDS,
  ...PERSON_COMMANDS,
  ...AWAY_COMMANDS,
  ...CHANNEL_COMMANDS,
  ...MESSAGE_COMMANDS,
  ...HISTORY_COMMANDS,
  ...QUERY_COMMANDS,
  ...OPERATOR_COMMANDS,
  HELP,
  HELPOP: HELP,
  NICKSERV: PROVING_COMMANDS["NS"]!,
};
