import { contentOf } from "./message.ts";

/** What is said most: `PRIVMSG #room :text`, where the text is left as the bytes that it is. */
export interface IrcSpeech {
  readonly target: string;
  readonly textStart: number;
  readonly textEnd: number;
}

const PRIVMSG = [0x50, 0x52, 0x49, 0x56, 0x4d, 0x53, 0x47, 0x20] as const;
const BLANK = 0x20;
const COLON = 0x3a;
const COMMA = 0x2c;

/** People go on where they are: the same name need not be made, and hashed, again for every line. */
let lastTarget = "";

/**
 * The same as `parseMessage`, for the plain case alone, without a text that is decoded and encoded again: undefined
 * where there is anything else in the line (tags, another command, several targets, bytes that do not belong there),
 * however right it is. For that, there is `parseMessage`.
 */
export function speechAt(bytes: Uint8Array, start: number, end: number): IrcSpeech | undefined {
  for (let index = 0; index < PRIVMSG.length; index += 1)
    if (bytes[start + index] !== PRIVMSG[index]) return undefined;
  const targetStart = start + PRIVMSG.length;
  let at = targetStart;
  let isLast = true;
  for (; at < end && bytes[at] !== BLANK; at += 1) {
    const byte = bytes[at]!;
    if (byte <= BLANK || byte >= 0x80 || byte === COMMA) return undefined;
    isLast &&= byte === lastTarget.charCodeAt(at - targetStart);
  }
  const length = at - targetStart;
  const textStart = at + 2;
  const isPlain = length > 0 && bytes[targetStart] !== COLON && textStart <= end && bytes[at + 1] === COLON;
  if (!isPlain || contentOf(bytes, textStart, end) !== "utf8") return undefined;
  if (!isLast || length !== lastTarget.length) lastTarget = asciiText(bytes, targetStart, at);
  return { target: lastTarget, textStart, textEnd: end };
}

function asciiText(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += 1) text += String.fromCharCode(bytes[at]!);
  return text;
}
