/*
 * A host of a log that may be killed at any moment, and adopts the members of the one before: node adoptingHost.ts
 * SEGMENT FIRST-SEQUENCE, with the seat socket of the test as descriptor 3.
 */
import { fileURLToPath } from "node:url";
import { assert } from "../../src/base/index.ts";
import { close, pageBytes } from "../../src/node/libc.ts";
import { type LivingMember, LogHost, type LogHostEvents } from "../../src/node/logHost.ts";
import { SeatSocket } from "../../src/node/seatSocket.ts";
import {
  type AdoptionRole,
  type FromHost,
  type FromMember,
  type ToHost,
  decode,
  encode,
} from "./adoption.ts";
import { END_KIND, fillPayload, kindOf, payloadBytes } from "./logStress.ts";

const MEMBER = fileURLToPath(new URL("adoptedMember.ts", import.meta.url));
const ROLES: readonly AdoptionRole[] = ["server", "standby", "server", "standby", "server"];
const SAY_MS = 5;
const SAY_RECORDS = 3;

interface Seated {
  readonly seat: SeatSocket;
  isOpen: boolean;
  /** What the member has said of itself. */
  is: FromMember | undefined;
}

const path = process.argv[2]!;
const parent = new SeatSocket(3);
const tell = (message: FromHost, descriptors: readonly number[] = []): void =>
  parent.send(encode(message), descriptors);
const seated: Seated[] = [];
const roles = new Map<number, AdoptionRole>();
const generations = new Map<number, number>();
const serving = new Set<number>();
const writer = 1_000_000 + process.pid;
let host: LogHost | undefined;
let isStopping = false;
let said = 0;
let toSay = 0;
let isEndWanted = false;

const events: LogHostEvents = {
  onEvicted: (process, reason) => tell({ is: "failed", reason: `process ${process} is evicted: ${reason}` }),
  onJoined: (process) => {
    if (roles.get(process) === "server") serve(process);
  },
  onDead: (process) => {
    if (!serving.delete(process)) return;
    const { sequencer } = host!;
    const generation = generations.get(process)!;
    assert(sequencer.servedThrough(process, generation) <= sequencer.sequence, "served what was not ordered");
    // Nobody takes anything over.
    sequencer.inherited(process, generation);
  },
  onGone: (process) => {
    roles.delete(process);
    if (!isStopping) replace();
    else if ([...host!.processes].length === 0) leave();
  },
};

function serve(process: number): void {
  host!.sequencer.serve(process);
  serving.add(process);
}

/** Starts members until there are as many of each role as there are to be. */
function replace(): void {
  for (const role of new Set(ROLES)) {
    const count = (all: Iterable<AdoptionRole>): number => [...all].filter((each) => each === role).length;
    while (count(roles.values()) < count(ROLES) && host!.hasFreeSlot()) start(role);
  }
}

function start(role: AdoptionRole): void {
  const [ours, theirs] = SeatSocket.pair();
  // Before there is anybody at its other end: whoever comes after us can ask who that is.
  tell({ is: "seat" }, [ours]);
  const { process, generation } = host!.spawn([MEMBER, role], { stdout: "inherit" }, [theirs], {
    early: role === "standby",
  });
  close(theirs);
  roles.set(process, role);
  generations.set(process, generation);
  sit(ours);
}

function sit(descriptor: number): void {
  const one: Seated = { seat: new SeatSocket(descriptor), isOpen: true, is: undefined };
  one.seat.onMessage = (bytes) => {
    one.is = decode(bytes) as FromMember;
    beginWhenKnown();
  };
  one.seat.onClose = () => {
    one.isOpen = false;
    if (one.is !== undefined) host?.ended(one.is.process);
    beginWhenKnown();
  };
  seated.push(one);
}

let isAsking = false;

function beginWhenKnown(): void {
  if (!isAsking || seated.some(({ isOpen, is }) => isOpen && is === undefined)) return;
  isAsking = false;
  const living = seated.flatMap(({ isOpen, is }) => (isOpen && is !== undefined ? [is] : []));
  const members: LivingMember[] = living.map(({ process, generation, pid }) => ({
    process,
    generation,
    pid,
  }));
  host = LogHost.adopt({ path, probeMs: 1000, members, ...events });
  for (const { process, generation, role } of living) {
    roles.set(process, role);
    generations.set(process, generation);
    const isReading = host.sequencer.inspect(process).joined;
    if (role === "standby") host.sequencer.standDown(process);
    else if (isReading) serve(process);
  }
  for (const { isOpen, is, seat } of seated) {
    if (!isOpen) continue;
    const { bell, sequencerBell } = host.bellFor(is!.process);
    seat.send(encode({ is: "bells" }), [bell, sequencerBell]);
    close(bell);
  }
  run();
}

function run(): void {
  host!.onTurn(() => {
    const { member } = host!;
    for (; toSay > 0 && !member.isBlocked; toSay -= 1) {
      const isEnd = isEndWanted && toSay === 1;
      const kind = isEnd ? END_KIND : kindOf(said);
      const payload = new Uint8Array(payloadBytes(writer, kind, member.payloadBytesMax));
      if (!isEnd) fillPayload(payload, writer, kind);
      if (member.append(kind, writer, payload) < 0) break;
      said += 1;
    }
  });
  replace();
  tell({ is: "running" });
  const timer = setInterval(() => {
    if (isStopping) clearInterval(timer);
    else say(SAY_RECORDS);
    tell({ is: "ordered", sequence: host!.sequencer.sequence });
  }, SAY_MS);
}

function say(count: number): void {
  toSay += count;
  host!.wake();
}

function leave(): void {
  host![Symbol.dispose]();
  parent.close();
  for (const { seat } of seated) seat.close();
}

parent.onMessage = (bytes, descriptors) => {
  const message = decode(bytes) as ToHost;
  switch (message.is) {
    case "seat":
      return sit(descriptors[0]!);
    case "begin":
      if (message.adopt) {
        isAsking = true;
        for (const { seat } of seated) seat.send(encode({ is: "who" }));
        return beginWhenKnown();
      }
      host = new LogHost({
        path,
        geometry: { processes: ROLES.length + 2, ringBytes: 4096, orderEntries: 64, pageBytes: pageBytes() },
        firstSequence: Number(process.argv[3]),
        startPosition: 2 ** 31 - 2 ** 15,
        probeMs: 1000,
        ...events,
      });
      return run();
    case "stop":
      isStopping = true;
      for (const { isOpen, seat } of seated) if (isOpen) seat.send(encode({ is: "stop" }));
      return;
    case "end":
      isEndWanted = true;
      return say(1);
  }
};
parent.onClose = () => process.exit(0);
