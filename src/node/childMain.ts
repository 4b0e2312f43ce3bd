/*
 * Where one of the supervisor's processes begins: it takes what the supervisor opened for it, and runs until it is
 * told to end.
 *
 *   node childMain.ts ROLE OPTIONS     with the log's descriptors (see logMember.ts) and its seat socket after them
 */
import { HistoryStore } from "../history/index.ts";
import type { LogMember } from "../log/index.ts";
import {
  type Child,
  type ChildPorts,
  Historian,
  type Role,
  type SeatMessage,
  createGreeter,
  createWorker,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import { timerClock } from "./clock.ts";
import { connectClient } from "./clientConnection.ts";
import { openHistory } from "./historyDatabase.ts";
import { FileLines } from "./historyImport.ts";
import { HistoryQueries } from "./historyQueries.ts";
import { FIRST_EXTRA_DESCRIPTOR, attachMember } from "./logMember.ts";
import { SeatSocket } from "./seatSocket.ts";
import type { ChildOptions } from "./serverProcess.ts";

/** Left by an error of ours: EX_SOFTWARE of sysexits.h. */
const EXIT_BUG = 70;

function main(role: Role, options: ChildOptions): void {
  process.title = `chorus ${role}`;
  // Terminals, shells and service managers send these to everybody; only the supervisor answers them.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);

  const seat = new SeatSocket(FIRST_EXTRA_DESCRIPTOR);
  const send = (message: SeatMessage): void => seat.send(encodeSeatMessage(message), []);
  process.on("uncaughtException", (error) => {
    send({ type: "log", level: "error", text: error.stack ?? String(error) });
    process.exit(EXIT_BUG);
  });

  let orphaned = false;
  const onHostGone = (): void => {
    if (orphaned) return;
    orphaned = true;
    setTimeout(() => process.exit(0), options.orphanMs);
  };
  const { member, loop } = attachMember((log) => child.step(log), onHostGone, {
    consuming: role === "history" ? "explicit" : "automatic",
  });
  const ports: ChildPorts = {
    clock: timerClock,
    send,
    connect: connectClient,
    wake: () => loop.soon(),
    exit: () => process.exit(0),
  };
  const child = create(role, ports, member, options);
  seat.onMessage = (bytes, handles) => {
    child.receive(decodeSeatMessage(bytes), handles);
    loop.soon();
  };
  seat.onClose = onHostGone;
  member.attach();
  loop.soon();
}

function create(role: Role, ports: ChildPorts, member: LogMember, options: ChildOptions): Child {
  switch (role) {
    case "greeter":
      return createGreeter(ports, member, options);
    case "worker":
      return createWorker(ports, member, options);
    case "history": {
      const { data, keepMs, sync } = options.history!;
      const database = openHistory(data, sync ? "full" : "normal");
      const queries = new HistoryQueries(data, (text) => ports.send({ type: "log", level: "error", text }));
      return new Historian(
        {
          ...ports,
          store: new HistoryStore(database),
          query: (query, done) => queries.ask(query, done),
          openLines: (path) => new FileLines(path),
          now: Date.now,
          exit: () => {
            database.close();
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
