import type { IrcCommands } from "./command.ts";
import { LIST_COMMANDS } from "./list.ts";
import { MONITOR_COMMANDS } from "./monitor.ts";
import { NAMES_COMMANDS } from "./names.ts";
import { SERVER_COMMANDS } from "./serverQueries.ts";
import { WHO_COMMANDS } from "./who.ts";
import { WHOIS_COMMANDS } from "./whois.ts";

/** What is answered at once, from what every process knows. HELP is beside them: it has to know all commands. */
export const QUERY_COMMANDS: IrcCommands = {
  ...WHO_COMMANDS,
  ...WHOIS_COMMANDS,
  ...NAMES_COMMANDS,
  ...LIST_COMMANDS,
  ...SERVER_COMMANDS,
  ...MONITOR_COMMANDS,
};
