import { CAP, type CapabilityOffer, capabilityBit, namesOfSet, offeredCapabilities } from "./capabilities.ts";
import { foldWords } from "./foldWords.ts";
import { asciiUpperCase } from "./message.ts";

/** So much of a list goes into one line, beside the names of server and client. */
const LIST_BYTES_MAX = 380;

/** From this version of the negotiation on there are values, lists of several lines, and news. */
const VERSION_302 = 302;

/** What comes of one CAP of a client. */
export interface CapAnswer {
  /** To be sent as `CAP <nick> <line>`. */
  readonly lines: readonly string[];
  /** A subcommand that does not exist: 410. */
  readonly unknown: string | undefined;
}

/**
 * One client's side of the negotiation. Its fields are all that there is to know of it, so that a successor can go on.
 */
export class CapNegotiation {
  /** What it has asked for and got. */
  enabled = 0;
  /** The highest that it has named; 0: none. */
  version = 0;
  /** It has begun to negotiate, and not ended: a newcomer is kept waiting at the door. */
  isOpen = false;

  /** @param params of the client's CAP */
  answer(params: readonly string[], offer: CapabilityOffer): CapAnswer {
    switch (asciiUpperCase(params[0] ?? "")) {
      case "LS":
        return this.#list(params[1] ?? "", offer);
      case "LIST":
        return told(lines("LIST", namesOfSet(this.enabled), this.version >= VERSION_302));
      case "REQ":
        return this.#request(params.slice(1).join(" "), offer);
      case "END":
        this.isOpen = false;
        return told([]);
      default:
        return { ...told([]), unknown: params[0] ?? "" };
    }
  }

  /** What is to be sent because of what the server can do now and could not before, or the other way round. */
  news(before: CapabilityOffer, now: CapabilityOffer): CapAnswer {
    const [had, has] = [offeredCapabilities(before), offeredCapabilities(now)];
    const gone = [...had.keys()].filter((name) => !has.has(name));
    const fresh = [...has].filter(([name, value]) => had.get(name) !== value);
    this.enabled &= ~setOf(gone);
    if ((this.enabled & CAP["cap-notify"]) === 0) return told([]);
    const hasValues = this.version >= VERSION_302;
    const news = fresh.map(([name, value]) => (hasValues ? withValue(name, value) : name));
    return told([
      ...(gone.length > 0 ? lines("DEL", gone, false) : []),
      ...(news.length > 0 ? lines("NEW", news, false) : []),
    ]);
  }

  #list(versionText: string, offer: CapabilityOffer): CapAnswer {
    this.isOpen = true;
    const version = /^\d{1,9}$/.test(versionText) ? Number(versionText) : 0;
    this.version = Math.max(this.version, version);
    if (version >= VERSION_302) this.enabled |= CAP["cap-notify"];
    const offered = offeredCapabilities(offer);
    if (version < VERSION_302) {
      // There can be one line only, and who asks like this knows of no drafts.
      return told(lines("LS", [...offered.keys()], false).slice(0, 1));
    }
    const names = Array.from(offered, ([name, value]) => withValue(name, value));
    return told(lines("LS", names, true));
  }

  /** All of it, or nothing. */
  #request(text: string, offer: CapabilityOffer): CapAnswer {
    this.isOpen = true;
    const offered = offeredCapabilities(offer);
    const words = text.split(" ").filter((word) => word !== "");
    let enabled = this.enabled;
    for (const word of words) {
      const isOff = word.startsWith("-");
      const name = isOff ? word.slice(1) : word;
      const bit = capabilityBit(name);
      const isPossible = isOff ? !this.#isKept(bit) : offered.has(name);
      if (bit === 0 || !isPossible) return told(lines("NAK", words, false));
      enabled = isOff ? enabled & ~bit : enabled | bit;
    }
    this.enabled = enabled;
    return told(lines("ACK", words, false));
  }

  /** "Servers MUST NOT disable the cap-notify capability" for who has asked for a list of version 302 or newer. */
  #isKept(bit: number): boolean {
    return bit === CAP["cap-notify"] && this.version >= VERSION_302;
  }
}

function told(lines: readonly string[]): CapAnswer {
  return { lines, unknown: undefined };
}

function setOf(names: readonly string[]): number {
  return names.reduce((set, name) => set | capabilityBit(name), 0);
}

function withValue(name: string, value: string): string {
  return value === "" ? name : `${name}=${value}`;
}

/** @param isMarked whether a line that others follow says so */
function lines(subcommand: string, names: readonly string[], isMarked: boolean): string[] {
  const lists = foldWords(names, LIST_BYTES_MAX, Infinity);
  return lists.map((list, index) => {
    const mark = isMarked && index < lists.length - 1 ? " *" : "";
    return `${subcommand}${mark} :${list}`;
  });
}
