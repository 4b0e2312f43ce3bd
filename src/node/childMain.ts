/*
 * Where a greeter or a worker begins: it takes what the supervisor opened for it, and runs until it is told to end.
 *
 *   node childMain.ts ROLE OPTIONS     with the log's descriptors (see logMember.ts) and its seat socket after them
 */
import { LogRecord, type LogMember } from "../log/index.ts";
import {
  Greeter,
  Replica,
  type SeatMessage,
  Worker,
  decodeSeatMessage,
  encodeSeatMessage,
} from "../server/index.ts";
import type { ChildPorts, Handle } from "../server/index.ts";
import { timerClock } from "./clock.ts";
import { connectClient } from "./clientConnection.ts";
import { FIRST_EXTRA_DESCRIPTOR, attachMember } from "./logMember.ts";
import { SeatSocket } from "./seatSocket.ts";
import type { ChildOptions } from "./serverProcess.ts";

/** What a child does with seats and records, whichever its role. */
interface Part {
  receive(message: SeatMessage, handles: readonly Handle[]): void;
  onRecord(record: LogRecord): void;
  step(): void;
}

/** Left by an error of ours: EX_SOFTWARE of sysexits.h. */
const EXIT_BUG = 70;

function main(role: string, options: ChildOptions): void {
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
  const { member, loop } = attachMember((log) => step(log), onHostGone);
  const replica = new Replica(member, (text) => send({ type: "log", level: "warn", text }));
  const ports: ChildPorts = {
    clock: timerClock,
    send,
    connect: connectClient,
    wake: () => loop.soon(),
    exit: () => process.exit(0),
  };
  const part =
    role === "greeter" ? greeterPart(ports, replica, options) : workerPart(ports, member, replica, options);
  const onRecord = (record: LogRecord): void => part.onRecord(record);

  let saidReady = false;
  function step(log: LogMember): void {
    log.poll(onRecord);
    replica.step();
    part.step();
    if (saidReady || !replica.isReady) return;
    saidReady = true;
    // Until it has clients, it reads the log in large portions, without being woken for each record.
    log.setAttentive(false);
    send({ type: "ready" });
  }

  seat.onMessage = (bytes, handles) => {
    part.receive(decodeSeatMessage(bytes), handles);
    loop.soon();
  };
  seat.onClose = onHostGone;
  member.attach();
  loop.soon();
}

function greeterPart(ports: ChildPorts, replica: Replica, options: ChildOptions): Part {
  const greeter = new Greeter(ports, options);
  return {
    receive: (message, handles) => greeter.receive(message, handles),
    onRecord: (record) => {
      replica.apply(record);
      greeter.applied(record);
    },
    step: () => undefined,
  };
}

function workerPart(ports: ChildPorts, member: LogMember, replica: Replica, options: ChildOptions): Part {
  const worker = new Worker(ports, member, replica, options);
  return {
    receive: (message, handles) => worker.receive(message, handles),
    onRecord: (record) => worker.applied(record, replica.apply(record)),
    step: () => worker.step(),
  };
}

const [role, options] = process.argv.slice(2);
main(role!, JSON.parse(options!) as ChildOptions);
