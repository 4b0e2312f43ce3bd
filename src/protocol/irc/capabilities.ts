/*
 * Capabilities (https://ircv3.net/specs/extensions/capability-negotiation): what a server can do beyond what every
 * client understands. A client asks for what it wants; nobody else gets it.
 *
 * What a client has asked for is one number, a *set*, with a bit for each capability.
 */
import { MULTILINE_BYTES_MAX, MULTILINE_LINES_MAX } from "./multiline.ts";

/** Their order is that of the bits, which outlive the program's version: new ones go to the end. 31 at most. */
export const CAPABILITIES = [
  "message-tags",
  "server-time",
  "account-tag",
  "batch",
  "labeled-response",
  "echo-message",
  "sasl",
  "cap-notify",
  "standard-replies",
  "account-notify",
  "away-notify",
  "chghost",
  "extended-join",
  "extended-monitor",
  "invite-notify",
  "multi-prefix",
  "no-implicit-names",
  "setname",
  "userhost-in-names",
  "znc.in/playback",
  "soju.im/search",
  "draft/account-registration",
  "draft/channel-rename",
  "draft/chathistory",
  "draft/event-playback",
  "draft/extended-isupport",
  "draft/message-redaction",
  "draft/multiline",
  "draft/pre-away",
  "draft/read-marker",
] as const;

export type Capability = (typeof CAPABILITIES)[number];

/** What clients ask for that know a capability from before it was settled. */
const FORMER_NAMES: Readonly<Record<string, Capability>> = {
  "draft/extended-monitor": "extended-monitor",
  "draft/no-implicit-names": "no-implicit-names",
};

/** A set of each capability alone: `enabled & CAP.batch`. */
export const CAP: Readonly<Record<Capability, number>> = Object.fromEntries(
  CAPABILITIES.map((name, index) => [name, 1 << index]),
) as Record<Capability, number>;

/** By every name that it goes by. */
const BITS: ReadonlyMap<string, number> = new Map([
  ...CAPABILITIES.map((name) => [name, CAP[name]] as const),
  ...Object.entries(FORMER_NAMES).map(([name, settled]) => [name, CAP[settled]] as const),
]);

/**
 * What makes a difference to how something that happens is told to a client that sees it happen: two clients that have
 * the same of these, `enabled & RENDERING_CAPS`, are told the same.
 */
export const RENDERING_CAPS: number =
  CAP["message-tags"] |
  CAP["server-time"] |
  CAP["account-tag"] |
  CAP.batch |
  CAP["account-notify"] |
  CAP["away-notify"] |
  CAP.chghost |
  CAP["extended-join"] |
  CAP["invite-notify"] |
  CAP.setname |
  CAP["draft/channel-rename"] |
  CAP["draft/message-redaction"] |
  CAP["draft/multiline"];

/** What this server can do at the moment. */
export interface CapabilityOffer {
  /** None: nobody can log in now. */
  readonly saslMechanisms: readonly string[];
  /** Whether there are accounts that anybody may register. */
  readonly registration: boolean;
  /** Whether the past is kept. */
  readonly history: boolean;
}

const OF_HISTORY: ReadonlySet<Capability> = new Set([
  "draft/chathistory",
  "draft/event-playback",
  "draft/message-redaction",
  "soju.im/search",
  "znc.in/playback",
] as const);

function isOffered(name: Capability, offer: CapabilityOffer): boolean {
  if (name === "sasl") return offer.saslMechanisms.length > 0;
  if (name === "draft/account-registration") return offer.registration;
  return offer.history || !OF_HISTORY.has(name);
}

function valueOf(name: Capability, offer: CapabilityOffer): string {
  switch (name) {
    case "sasl":
      return offer.saslMechanisms.join(",");
    case "draft/multiline":
      return `max-bytes=${MULTILINE_BYTES_MAX},max-lines=${MULTILINE_LINES_MAX}`;
    case "draft/account-registration":
      // An account may have any name that a nick can have, and can be made before somebody arrives.
      return "before-connect,custom-account-name";
    default:
      return "";
  }
}

/** What can be asked for, by all names, with what there is to know of it: those without a vendor first. */
export function offeredCapabilities(offer: CapabilityOffer): ReadonlyMap<string, string> {
  const offered = CAPABILITIES.filter((name) => isOffered(name, offer));
  const values = new Map<string, string>(offered.map((name) => [name, valueOf(name, offer)]));
  for (const [former, settled] of Object.entries(FORMER_NAMES)) {
    if (values.has(settled)) values.set(former, values.get(settled)!);
  }
  return values;
}

/** The set of a capability by one of its names; 0: there is no such. */
export function capabilityBit(name: string): number {
  return BITS.get(name) ?? 0;
}

/** By the names that they go by now. */
export function namesOfSet(set: number): readonly Capability[] {
  return CAPABILITIES.filter((name) => (set & CAP[name]) !== 0);
}
