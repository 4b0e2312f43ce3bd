/*
 * AUTHENTICATE (https://ircv3.net/specs/extensions/sasl-3.1): what a mechanism says is written in base64 and sent in
 * pieces of 400 bytes; a shorter piece is the last. `+` is an empty one, and `*` ends it all.
 */
import { decodeUtf8, fromBase64, toBase64 } from "../../base/index.ts";

const CHUNK_BYTES = 400;
/** Of base64. Names and passwords, and what SCRAM says, are far shorter. */
const RESPONSE_BYTES_MAX = 4000;

/** What is known of a response after one more piece of it. */
export type SaslInput =
  /** All of it, decoded. */
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | { readonly kind: "more" }
  | { readonly kind: "tooLong" }
  /** No base64. */
  | { readonly kind: "malformed" };

/** Puts a client's response together. It can hold a password: kept here alone, and no longer than it has to be. */
export class SaslResponse {
  /** What has come so far: for a successor to go on with. */
  pieces = "";

  /** @param piece the parameter of AUTHENTICATE; not `*`. Whatever comes of it but "more", the next begins anew. */
  take(piece: string): SaslInput {
    const pieces = this.pieces + (piece === "+" ? "" : piece);
    this.pieces = "";
    if (piece.length > CHUNK_BYTES || pieces.length > RESPONSE_BYTES_MAX) return { kind: "tooLong" };
    if (piece.length === CHUNK_BYTES) {
      this.pieces = pieces;
      return { kind: "more" };
    }
    const bytes = fromBase64(pieces);
    return bytes === undefined ? { kind: "malformed" } : { kind: "response", bytes };
  }
}

/** The parameters of those AUTHENTICATE that say this to a client. */
export function saslChunks(bytes: Uint8Array): readonly string[] {
  const text = toBase64(bytes);
  const chunks: string[] = [];
  for (let at = 0; at < text.length; at += CHUNK_BYTES) chunks.push(text.slice(at, at + CHUNK_BYTES));
  if (text.length % CHUNK_BYTES === 0) chunks.push("+");
  return chunks;
}

export interface PlainCredentials {
  /** Whom it wants to act as; empty: itself. */
  readonly authzid: string;
  readonly authcid: string;
  readonly password: string;
}

/** What the mechanism PLAIN says (RFC 4616, 2): three parts with NUL between them. Undefined: it is not that. */
export function saslPlain(bytes: Uint8Array): PlainCredentials | undefined {
  const text = decodeUtf8(bytes);
  // Else all passwords that are not UTF-8 would be the same.
  if (text.includes("\ufffd")) return undefined;
  const [authzid, authcid, password, ...rest] = text.split("\0");
  if (authzid === undefined || !authcid || !password || rest.length > 0) return undefined;
  return { authzid, authcid, password };
}
