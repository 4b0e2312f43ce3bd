/* What the test of adoption, its hosts, and their members tell one another over seat sockets. */

/** A server serves somebody and reads all; a standby reads what the servers have delivered, from the oldest on. */
export type AdoptionRole = "server" | "standby";

export type ToHost =
  /** With one end of a seat socket, whose other end a member has. */
  | { is: "seat" }
  /** Those were all seats; `adopt`: the log is there, and its host is dead. */
  | { is: "begin"; adopt: boolean }
  /** Members write no more; those that die are not replaced. */
  | { is: "stop" }
  /** The last record. */
  | { is: "end" };

export type FromHost =
  /** With its end of the seat socket of a member that it is about to start. */
  { is: "seat" } | { is: "running" } | { is: "ordered"; sequence: number } | { is: "failed"; reason: string };

export type ToMember =
  | { is: "who" }
  /** With the two descriptors of its bells. */
  | { is: "bells" }
  | { is: "stop" };

export interface FromMember {
  process: number;
  generation: number;
  pid: number;
  role: AdoptionRole;
}

/** What a member tells the test, a line of JSON each. */
export type MemberReport =
  | { is: "ready"; pid: number; writer: number; role: AdoptionRole }
  /** It was left by a host, for the so-manieth time. */
  | { is: "orphaned"; pid: number; times: number }
  | { is: "published"; writer: number; count: number }
  | { is: "written"; pid: number; writer: number; count: number }
  | { is: "block"; block: number; hash: number }
  /** What it has read last of each writer, in all. */
  | { is: "end"; pid: number; sequence: number; kinds: [writer: number, kind: number][] }
  | { is: "failed"; reason: string };

export function encode(message: ToHost | FromHost | ToMember | FromMember): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** What the caller knows to be of some kind. */
export function decode(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes));
}
