/*
 * Where one of the supervisor's processes begins: it takes what the supervisor opened for it, and runs until it is
 * told to end.
 *
 *   node childMain.ts ROLE OPTIONS     with the log's descriptors (see logMember.ts), and after them its seat
 *                                      socket, and a file that is locked for as long as it lives
 */
import { HistoryStore } from "../history/index.ts";
import type { LogMember } from "../log/index.ts";
import {
  type Child,
  type ChildPorts,
  GreeterChild,
  Historian,
  type Role,
  WorkerChild,
} from "../server/index.ts";
import { accountPorts } from "./accountDatabase.ts";
import { timerClock } from "./clock.ts";
import { connectClient } from "./clientConnection.ts";
import { openHistory } from "./historyDatabase.ts";
import { FileLines } from "./historyImport.ts";
import { HistoryQueries } from "./historyQueries.ts";
import { close, memfdOf, readMemfd } from "./libc.ts";
import { FIRST_EXTRA_DESCRIPTOR, attachMember } from "./logMember.ts";
import { PROGRAM_VERSION } from "./programVersion.ts";
import type { ChildOptions } from "./serverProcess.ts";
import { SupervisorLine } from "./supervisorLine.ts";

/** Left by an error of ours: EX_SOFTWARE of sysexits.h. */
const EXIT_BUG = 70;
/** A supervisor that goes on with another version of its program is back after this, or never. */
const RELOAD_MS = 15_000;
/** Where no successor of the supervisor comes, clients have so long to take their last words. */
const ABANDON_MS = 3000;

function main(role: Role, options: ChildOptions): void {
  process.title = `chorus ${role}`;
  // Terminals, shells and service managers send these to everybody; only the supervisor answers them.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

  let orphaned: NodeJS.Timeout | undefined;
  let { orphanMs } = options;
  let hasAbandoned = false;
  const line = new SupervisorLine(FIRST_EXTRA_DESCRIPTOR, options.runSocket, {
    onMessage: (message, handles) => {
      if (message.type === "hold") orphanMs = Math.max(orphanMs, RELOAD_MS);
      else if (message.type === "carryOn") ({ orphanMs } = options);
      child.receive(message, handles);
      loop.soon();
    },
    onLost: () => {
      // A successor has no use for who knows nothing yet.
      if (!child.replica.isReady) exit(0);
      child.receive({ type: "hold" }, []);
      orphaned ??= setTimeout(() => {
        hasAbandoned = true;
        child.abandon();
        setTimeout(() => exit(0), ABANDON_MS);
      }, orphanMs);
    },
    onAdopted: ([bell, sequencerBell]) => {
      // Too late: whoever is here has been told that it is over.
      if (hasAbandoned) exit(0);
      clearTimeout(orphaned);
      orphaned = undefined;
      ({ orphanMs } = options);
      attached.rebell({ bell: bell!, sequencerBell: sequencerBell! });
      for (const { message, handles } of child.report()) line.send(message, handles);
    },
  });
  const exit = (code: number): never => {
    line.close();
    process.exit(code);
  };
  const send: ChildPorts["send"] = (message, handles = []) => line.send(message, handles);
  process.on("uncaughtException", (error) => {
    send({ type: "log", level: "error", text: error.stack ?? String(error) });
    exit(EXIT_BUG);
  });

  // That the bells are silent is no news: the line says it, too.
  const attached = attachMember(
    (log) => child.step(log),
    () => undefined,
    { consuming: "explicit" },
  );
  const { member, loop } = attached;
  const ports: ChildPorts = {
    clock: timerClock,
    version: PROGRAM_VERSION,
    send,
    share: (bytes) => memfdOf("chorus state", bytes),
    takeShared,
    close,
    connect: connectClient,
    wake: () => loop.soon(),
    exit: () => exit(0),
  };
  const child = create(role, ports, member, options);
  member.attach();
  loop.soon();
}

function takeShared(fd: number): Uint8Array {
  try {
    return readMemfd(fd);
  } finally {
    close(fd);
  }
}

function create(role: Role, ports: ChildPorts, member: LogMember, options: ChildOptions): Child {
  switch (role) {
    case "greeter":
      return new GreeterChild(ports, member, options);
    case "worker":
      // While a new version comes, the supervisor that starts this one is still of the version before it.
      return new WorkerChild(ports, member, { ...options, version: PROGRAM_VERSION });
    case "history": {
      const { data, keepMs, sync } = options.history!;
      const database = openHistory(data, sync ? "full" : "normal");
      const onTrouble = (text: string): void => ports.send({ type: "log", level: "error", text });
      const queries = new HistoryQueries(data, onTrouble);
      const accounts = accountPorts(data, onTrouble);
      return new Historian(
        {
          ...ports,
          store: new HistoryStore(database),
          accounts,
          query: (query, done) => queries.ask(query, done),
          openLines: (path) => new FileLines(path),
          now: Date.now,
          exit: () => {
            database.close();
            accounts?.close();
            ports.exit();
          },
        },
        member,
        { keepMs, sync },
      );
    }
  }
}

const [role, options] = process.argv.slice(2);
main(role as Role, JSON.parse(options!) as ChildOptions);
