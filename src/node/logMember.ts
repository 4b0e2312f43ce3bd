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
export function memberDescriptors(of: { segment: number; bell: number; sequencerBell: number }): number[] {
  return [of.segment, of.bell, of.sequencerBell];
}

export interface AttachedMember {
  readonly member: LogMember;
  readonly loop: AgentLoop;
  close(): void;
}

/**
 * Joins the log of the host that started this process.
 * @param step what to do in each turn; takes what it wants from the member
 * @param onHostGone the host has ended
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

  const sequencerBell = new BellButton(SEQUENCER_BELL_DESCRIPTOR);
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
  const listener = new BellListener(BELL_DESCRIPTOR, { onRing: () => loop.turn(), onSilence: onHostGone });
  const close = (): void => {
    loop.stop();
    member.close();
    listener.close();
    sequencerBell.close();
  };
  return { member, loop, close };
}
