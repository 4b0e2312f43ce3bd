import { concatBytes, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import { isServiceName } from "../chat/index.ts";

const LF = 0x0a;
const CR = 0x0d;

/** Whatever may stand in front of a command: what a telnet client says of itself, a mark, blanks; tags and a source. */
const PRELUDE = /^[^A-Za-z@:/]*(?:@\S* +)?(?::\S* +)?/;

/** Commands with a password in them, in either protocol. */
const SECRETS = [
  /^(?:PASS|AUTHENTICATE|OPER|REGISTER|VERIFY|NS|NICKSERV)(?![A-Za-z])/i,
  /^\/(?:register|identify|password|drop)(?![A-Za-z])/i,
];
/** And what is said to those who are told passwords. */
const SAID = /^(?:PRIVMSG|NOTICE|TAGMSG|SQUERY|\/msg)[ :]+(\S*)/i;

/**
 * A line at which processes died, as it may be kept: of one that can hold a password, no more than its command and how
 * long it is. Rather one too many than a password.
 */
export function withoutSecrets(line: Uint8Array): Uint8Array {
  return concatBytes(partsOf(line).map(withoutSecret));
}

/** A line feed ends a line for everybody, a carriage return for some; each with its end. */
function partsOf(line: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  for (let from = 0; from < line.length;) {
    let to = from;
    while (to < line.length && !isLineEnd(line[to]!)) to += 1;
    while (to < line.length && isLineEnd(line[to]!)) to += 1;
    parts.push(line.subarray(from, to));
    from = to;
  }
  return parts;
}

function withoutSecret(part: Uint8Array): Uint8Array {
  // What has no meaning in a command may stand in the middle of it.
  const text = decodeUtf8(part)
    .replaceAll(/[^ -~]/g, "")
    .replace(PRELUDE, "");
  const secret =
    SECRETS.map((each) => each.exec(text)?.[0]).find((found) => found !== undefined) ?? saidTo(text);
  return secret === undefined ? part : encodeUtf8(`${secret} (${part.length} bytes)\n`);
}

/** Up to where a service is named, among others perhaps; undefined: none is. */
function saidTo(text: string): string | undefined {
  const said = SAID.exec(text);
  return said?.[1]!.split(/[,:]/).some(isServiceName) === true ? said[0] : undefined;
}

function isLineEnd(byte: number): boolean {
  return byte === LF || byte === CR;
}
