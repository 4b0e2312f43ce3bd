import { closeSync } from "node:fs";
import { AgentLoop, LogMember, type MemberOptions, openSegment, SEQUENCER, Layout } from "../log/index.ts";
import { BellButton, BellListener } from "./bell.ts";
import { Mapping } from "./mapping.ts";

/** "process generation segment-bytes", set by the host for each member that it starts. */
export const MEMBER_ENVIRONMENT = "CHORUS_MEMBER";

/** Where a member finds what the host has opened for it. */
const SEGMENT_DESCRIPTOR = 3;
const BELL_DESCRIPTOR = 4;
const SEQUENCER_BELL_DESCRIPTOR = 5;
/** The first of what else the host wanted it to have. */
export const FIRST_EXTRA_DESCRIPTOR = 6;

/** In the order of the descriptors above. */
export function memberDescriptors(of: MemberBells & { readonly segment: number }): number[] {
  return [of.segment, of.bell, of.sequencerBell];
}

/** A member's bells: the end of its own that it hears, and the end of the sequencer's that it rings. */
export interface MemberBells {
  readonly bell: number;
  readonly sequencerBell: number;
}

export interface AttachedMember {
  readonly member: LogMember;
  readonly loop: AgentLoop;
  /**
   * Another process goes on in the host's place: its bells instead of those of the dead one. The descriptors belong to
   * the member from then on. Takes a turn soon, because bells may have been lost.
   */
  rebell(bells: MemberBells): void;
  close(): void;
}

/**
 * Joins the log of the host that started this process.
 * @param step what to do in each turn; takes what it wants from the member
 * @param onHostGone the host has ended, or the one that came after it; until `rebell`, the member goes on by itself:
 * what there is to read it reads, and what it appends waits in its ring
 * @param options how the member reads; the keeper's `consuming` is "explicit"
 * @throws where this process was not started by a host, or the segment is another than promised
 */
export function attachMember(
  step: (member: LogMember) => void,
  onHostGone: () => void,
  options: MemberOptions = {},
): AttachedMember {
  const [process, generation, totalBytes] = (globalThis.process.env[MEMBER_ENVIRONMENT] ?? "")
    .split(" ")
    .map(Number);
  if (process === undefined || generation === undefined || totalBytes === undefined)
    throw new Error(`this process was not started by the owner of a log: ${MEMBER_ENVIRONMENT} is not set`);
  // The header alone tells the geometry, and the geometry which pages are ours.
  const header = new Mapping(SEGMENT_DESCRIPTOR, totalBytes, undefined);
  const { geometry } = openSegment(header.words).layout;
  header[Symbol.dispose]();
  const mapping = new Mapping(SEGMENT_DESCRIPTOR, totalBytes, new Layout(geometry).writable(process));
  closeSync(SEGMENT_DESCRIPTOR);
  const segment = openSegment(mapping.words);

  let sequencerBell = new BellButton(SEQUENCER_BELL_DESCRIPTOR);
  const doorbell = {
    ring: (whom: number): void => {
      if (whom === SEQUENCER) sequencerBell.ring();
    },
  };
  const member = new LogMember(segment, process, generation, doorbell, options);
  const loop = new AgentLoop(
    () => {
      step(member);
      member.publish();
    },
    [member],
    setImmediate,
  );
  const listen = (bell: number): BellListener =>
    new BellListener(bell, { onRing: () => loop.turn(), onSilence: onHostGone });
  let listener = listen(BELL_DESCRIPTOR);
  const rebell = (bells: MemberBells): void => {
    listener.close();
    sequencerBell.close();
    listener = listen(bells.bell);
    sequencerBell = new BellButton(bells.sequencerBell);
    // Whatever this member had rung for may have been lost with the bell.
    sequencerBell.ring();
    loop.soon();
  };
  const close = (): void => {
    loop.stop();
    member.close();
    listener.close();
    sequencerBell.close();
  };
  return { member, loop, rebell, close };
}
