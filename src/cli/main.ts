import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Argument, Command, Option } from "commander";
import { MiB } from "../base/index.ts";
import { ORDER_ENTRIES_MAX, ORDER_ENTRIES_MIN, PROCESSES_MAX, RING_BYTES_MAX } from "../log/index.ts";
import { addServerOptions, option, requireLinux } from "./command.ts";
import { addHistoryCommands } from "./historyCommands.ts";
import { addUserCommands } from "./userCommands.ts";
import {
  type ControlOptions,
  LOG_LEVELS,
  type LogLevel,
  byteSize,
  hostName,
  integer,
  ircServerName,
  networkName,
  newFile,
  oneLine,
  personName,
  powerOfTwo,
  timeSpan,
} from "./options.ts";

const RING_BYTES_LEAST = 65_536;
const CLIENTS_MAX = 65_536;
/** With what one turn can add to it, it has to fit into memory that 32-bit positions can tell apart. */
const MAX_QUEUE_BYTES = 512 * MiB;
/** Processes that serve no client: supervisor, greeter and history, and some while they are replaced. */
const PROCESSES_OF_OUR_OWN = 8;

interface ServeFlags {
  maxClients: number;
  maxProcesses: number;
  spareProcesses: number;
  ringBytes: number;
  orderEntries: number;
  shmDir: string;
  data: string;
  name: string;
  orphanMs: number;
  maxQueue: number;
  maxLag: number;
  history: "on" | "off";
  historyKeep?: number;
  historySync: "normal" | "full";
  logLevel: LogLevel;
  serverName: string;
  networkName?: string;
  motd?: string;
  admin: string;
  floodLines: number;
  persistence: boolean;
}

interface JoinFlags {
  name?: string;
  connectTimeout: number;
}

function hostArgument(says: string): Argument {
  return new Argument("[HOST]", says).argParser(hostName).default("127.0.0.1");
}

function portArgument(says: string, low: number): Argument {
  return new Argument("[PORT]", says).argParser(integer(low, 65_535)).default(4000);
}

/** What is wrong with a module, and where: a line. */
function describeBroken(error: unknown): string {
  // Of what does not parse, Node rejects a second promise, which nobody can hold.
  process.on("unhandledRejection", () => undefined);
  const { stack = "" } = error as Error;
  // Of what does not even parse, the place stands above the error itself.
  const place = /^file:\/\/(\S+:\d+)$/m.exec(stack)?.[1];
  return place === undefined ? String(error) : `${place}: ${String(error)}`;
}

function createProgram(): Command {
  const packageFile = new URL("../../package.json", import.meta.url);
  const { version, description } = JSON.parse(readFileSync(packageFile, "utf8")) as Record<string, string>;

  const program = new Command("chorus")
    .description(description!)
    .version(version!)
    .showHelpAfterError("(see --help)")
    // What follows a command is for that command, also where it has commands of its own.
    .enablePositionalOptions()
    .addHelpText(
      "after",
      "\nTo try it:\n  chorus serve           in one terminal\n  chorus join            in two others",
    );

  const serve = program
    .command("serve")
    .summary("run a server")
    .description("Run a server: anyone joins on its port with nc, telnet, any IRC client or chorus join.")
    .addArgument(hostArgument("the address to listen on; 0.0.0.0 or :: for all"))
    .addArgument(portArgument("the port to listen on; 0 takes a free one", 0))
    .addOption(
      option(
        "--max-clients <N>",
        "the client after these is told `too many users`",
        integer(1, CLIENTS_MAX),
        1024,
      ),
    )
    .addOption(
      option(
        "--max-processes <N>",
        "worker processes; then clients share them",
        integer(1, PROCESSES_MAX),
        64,
      ),
    )
    .addOption(
      option(
        "--spare-processes <N>",
        "workers kept ready for the next clients",
        integer(0, PROCESSES_MAX),
        2,
      ),
    )
    .addOption(
      option(
        "--ring-bytes <SIZE>",
        "ring of each process; a power of two",
        powerOfTwo(byteSize(RING_BYTES_LEAST, RING_BYTES_MAX)),
        262_144,
        "256KiB",
      ),
    )
    .addOption(
      option(
        "--order-entries <N>",
        "entries of the order ring; a power of two",
        powerOfTwo(integer(ORDER_ENTRIES_MIN, ORDER_ENTRIES_MAX)),
        65_536,
      ),
    )
    .addOption(
      option(
        "--orphan-ms <MS>",
        "how long clients are kept when the supervisor dies, for the next one",
        integer(0, 3_600_000),
        10_000,
      ),
    )
    .addOption(
      option(
        "--max-queue <SIZE>",
        "what may wait for a client that does not read",
        byteSize(1, MAX_QUEUE_BYTES),
        MiB,
        "1MiB",
      ),
    )
    .addOption(
      option(
        "--max-lag <N>",
        "records that such a client may fall behind; it gets them from history",
        integer(0),
        1_000_000,
      ),
    )
    .addOption(new Option("--history <WHETHER>", "keep what is said").choices(["on", "off"]).default("on"))
    .addOption(
      new Option("--history-keep <SPAN>", "how long to keep it: 12h, 90d, 2y; default: for ever").argParser(
        timeSpan,
      ),
    )
    .addOption(
      new Option("--history-sync <HOW>", "full: nobody sees what power loss could take away; slower")
        .choices(["normal", "full"])
        .default("normal"),
    )
    .addOption(
      option("--server-name <NAME>", "what it calls itself in IRC", ircServerName, "chorus.localdomain"),
    )
    .addOption(
      new Option("--network-name <NAME>", "what people call it; default: as --name").argParser(networkName),
    )
    .addOption(new Option("--motd <FILE>", "a file with the message of the day").argParser(newFile))
    .addOption(option("--admin <TEXT>", "whom people can turn to, for IRC's ADMIN", oneLine, "", '""'))
    .addOption(
      option(
        "--flood-lines <N>",
        "lines a second of one IRC client, ten times as many at once; 0: no limit",
        integer(0, 100_000),
        20,
      ),
    )
    .option("--persistence", "whoever is logged in stays in its rooms without a connection", false)
    .addOption(new Option("--log-level <LEVEL>", "how much to log").choices(LOG_LEVELS).default("info"));
  addServerOptions(serve).action(async (host: string, port: number, flags: ServeFlags) => {
    requireLinux(serve);
    const processes = flags.maxProcesses + flags.spareProcesses + PROCESSES_OF_OUR_OWN;
    if (processes > PROCESSES_MAX) {
      serve.error(
        `error: --max-processes and --spare-processes make ${processes} processes with our own ` +
          `${PROCESSES_OF_OUR_OWN}; at most ${PROCESSES_MAX} can share one log.`,
      );
    }
    const { maxQueue, maxLag, history, historyKeep, historySync, motd, networkName, ...others } = flags;
    const implementation = await import("./serve.ts");
    process.exitCode = await implementation.serve({
      host,
      port,
      maxQueueBytes: maxQueue,
      maxLagRecords: maxLag,
      motdFile: motd === undefined ? undefined : resolve(motd),
      networkName: networkName ?? flags.name,
      history: history === "off" ? undefined : { keepMs: historyKeep, sync: historySync === "full" },
      ...others,
    });
  });

  program
    .command("join")
    .summary("join a server, to talk")
    .description(
      "Join a server. On a terminal: type lines, leave with Ctrl-C or Ctrl-D. In a pipe: standard input is said, " +
        "what others say goes to standard output.",
    )
    .addArgument(hostArgument("the server's name or address"))
    .addArgument(portArgument("the server's port", 1))
    .addOption(new Option("--name <NAME>", "the name to ask for").argParser(personName))
    .addOption(option("--connect-timeout <SECONDS>", "how long to wait for the server", integer(1, 3600), 10))
    .action(async (host: string, port: number, { name, connectTimeout }: JoinFlags) => {
      const { join } = await import("./join.ts");
      process.exitCode = await join({
        host,
        port,
        name: name ?? null,
        connectTimeoutMs: connectTimeout * 1000,
      });
    });

  const stop = program
    .command("stop")
    .summary("end a server")
    .description("End a server of this machine in good order.");
  addServerOptions(stop).action(async (flags: Omit<ControlOptions, "json">) => {
    requireLinux(stop);
    const control = await import("./control.ts");
    process.exitCode = await control.stop({ ...flags, json: false });
  });

  const reload = program
    .command("reload")
    .summary("bring a new version into a running server")
    .description(
      "Replace every process of a server by one of the code that is installed now. Nobody is disconnected. First one " +
        "worker is replaced; if it does not do well, the others stay as they are.",
    );
  addServerOptions(reload).action(async (flags: Omit<ControlOptions, "json">) => {
    requireLinux(reload);
    // This command is of the new version already, which may be broken.
    const control = await import("./control.ts").catch((error: unknown) => describeBroken(error));
    if (typeof control === "string") {
      process.stderr.write(`chorus: the version that is installed now cannot be loaded: ${control}\n`);
      process.exitCode = 1;
    } else process.exitCode = await control.reload({ ...flags, json: false });
  });

  const rehash = program
    .command("rehash")
    .summary("have a server read its files anew")
    .description("Have a server of this machine read anew what it reads from files: the message of the day.");
  addServerOptions(rehash).action(async (flags: Omit<ControlOptions, "json">) => {
    requireLinux(rehash);
    const control = await import("./control.ts");
    process.exitCode = await control.tell({ ...flags, json: false }, { command: "rehash" });
  });

  const shield = program
    .command("shield")
    .summary("let newcomers without an account only read")
    .description(
      "Raise or lower the shield of a server of this machine against a raid. While it is up, whoever comes without " +
        "an account can only read; whoever was there before goes on.",
    )
    .addArgument(new Argument("<WHETHER>", "raise it or lower it").choices(["on", "off"]));
  addServerOptions(shield).action(async (whether: string, flags: Omit<ControlOptions, "json">) => {
    requireLinux(shield);
    const control = await import("./control.ts");
    const request = { command: "shield", on: whether === "on" } as const;
    process.exitCode = await control.tell({ ...flags, json: false }, request);
  });

  const status = program
    .command("status")
    .summary("tell how a server is doing")
    .description("Tell how a server of this machine is doing.");
  addServerOptions(status)
    .option("--json", "for programs", false)
    .action(async (flags: ControlOptions) => {
      requireLinux(status);
      const control = await import("./control.ts");
      process.exitCode = await control.status(flags);
    });

  addHistoryCommands(program);
  addUserCommands(program);
  return program;
}

await createProgram().parseAsync();
