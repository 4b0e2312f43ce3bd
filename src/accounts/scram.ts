/*
 * SCRAM-SHA-256 from the server's side (RFC 5802, RFC 7677): the client proves that it knows the password, and the
 * server that it knows what was made of it, and neither sends it. Channel binding is not offered.
 */
import { encodeUtf8, fromBase64, toBase64 } from "../base/index.ts";
import type { Secrets } from "./secrets.ts";

/** What is kept of a password for SCRAM: whoever has it can tell a right proof from a wrong one, and make none. */
export interface ScramVerifier {
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

export const SCRAM_SALT_BYTES = 16;
/**
 * RFC 7677 asks for 4,096 at least. Whoever steals the file tries passwords on this rather than on argon2id, so it is
 * as many as a slow telephone does in half a second.
 */
export const SCRAM_ITERATIONS = 100_000;

const KEY_BYTES = 32;
/** What a client's part of the nonce may have: it is no more than chance. */
const NONCE_CHARACTERS_MAX = 256;
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;

/** @throws SecretsError */
export async function deriveVerifier(
  secrets: Secrets,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Promise<ScramVerifier> {
  const salted = await secrets.derive(password, salt, iterations);
  const clientKey = secrets.authenticate(salted, encodeUtf8("Client Key"));
  const serverKey = secrets.authenticate(salted, encodeUtf8("Server Key"));
  return { salt, iterations, storedKey: secrets.digest(clientKey), serverKey };
}

export interface ClientFirst {
  /** Says that no channel is bound, and whom it wants to be: "n,,". */
  readonly header: string;
  /** Without the header. */
  readonly bare: string;
  readonly account: string;
  readonly nonce: string;
}

/** Undefined for what is none, and for who wants what is not offered: to bind a channel, or to be somebody else. */
export function parseClientFirst(text: string): ClientFirst | undefined {
  const [, header, authorized = "", bare, name, nonce] =
    /^([ny],(?:a=([^,]+))?,)(n=([^,]+),r=([^,]+)(?:,.*)?)$/s.exec(text) ?? [];
  if (header === undefined || bare === undefined || nonce === undefined) return undefined;
  const account = decodeName(name!);
  if (account === undefined || (authorized !== "" && decodeName(authorized) !== account)) return undefined;
  if (nonce.length > NONCE_CHARACTERS_MAX || !NONCE.test(nonce)) return undefined;
  return { header, bare, account, nonce };
}

/** A comma and an equals sign are written otherwise in a name. */
function decodeName(text: string): string | undefined {
  if (/=(?!2C|3D)/.test(text)) return undefined;
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

export interface ServerFirst {
  /** The client's part of it, and the server's. */
  readonly nonce: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

export function formatServerFirst({ nonce, salt, iterations }: ServerFirst): string {
  return `r=${nonce},s=${toBase64(salt)},i=${iterations}`;
}

/** The client's part comes first, and only that is the client's to choose. */
export function makeNonce(secrets: Secrets, { nonce }: ClientFirst): string {
  return nonce + toBase64(secrets.random(18));
}

/** All of one attempt to log in. */
export interface ScramTranscript {
  readonly clientFirst: string;
  readonly serverFirst: string;
  readonly clientFinal: string;
}

/**
 * Whether the proof in a transcript is that of who knows the password of this verifier.
 * @returns what the server says of it, by which the client knows the server: undefined where it is not
 */
export function checkProof(
  secrets: Secrets,
  verifier: ScramVerifier,
  { clientFirst, serverFirst, clientFinal }: ScramTranscript,
): string | undefined {
  const first = parseClientFirst(clientFirst);
  const [, withoutProof, binding, nonce, proofText] =
    /^(c=([^,]+),r=([^,]+)(?:,.*)?),p=([^,]+)$/s.exec(clientFinal) ?? [];
  const proof = fromBase64(proofText ?? "");
  if (first === undefined || nonce === undefined || proof?.length !== KEY_BYTES) return undefined;
  if (binding !== toBase64(encodeUtf8(first.header))) return undefined;
  const { salt, iterations } = verifier;
  const isOurNonce = nonce.startsWith(first.nonce) && nonce.length > first.nonce.length;
  if (!isOurNonce || serverFirst !== formatServerFirst({ nonce, salt, iterations })) return undefined;

  const signed = encodeUtf8(`${first.bare},${serverFirst},${withoutProof!}`);
  const signature = secrets.authenticate(verifier.storedKey, signed);
  const clientKey = proof.map((byte, index) => byte ^ signature[index]!);
  if (!secrets.areEqual(secrets.digest(clientKey), verifier.storedKey)) return undefined;
  return `v=${toBase64(secrets.authenticate(verifier.serverKey, signed))}`;
}
