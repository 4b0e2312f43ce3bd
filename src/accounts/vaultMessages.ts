/*
 * What workers ask of the vault, and what it answers: bytes that the supervisor passes on without a look, for there are
 * passwords in them. A kind, the request's number and the session come first, then texts.
 */
import { ByteReader, ByteWriter, TruncatedError, decodeUtf8, encodeUtf8 } from "../base/index.ts";
import type { SessionId } from "../chat/index.ts";

interface Numbered {
  /** Given by the worker, which gets one answer to it. */
  readonly id: number;
  readonly session: SessionId;
}

const CHECKS = ["login", "oper"] as const;

/** What is asked. */
export type VaultQuestion =
  /** The client says that the account is its own, to be logged in to it, or to be this operator. */
  | {
      readonly kind: "check";
      readonly account: string;
      readonly password: string;
      readonly as: (typeof CHECKS)[number];
    }
  /** Makes an account, and logs the client in to it. */
  | { readonly kind: "register"; readonly account: string; readonly password: string }
  | {
      readonly kind: "changePassword";
      readonly account: string;
      readonly old: string;
      readonly password: string;
    }
  /** Removes the account. */
  | { readonly kind: "drop"; readonly account: string; readonly password: string }
  /** The client's first message of SCRAM-SHA-256; the answer's text is the server's. */
  | { readonly kind: "scramFirst"; readonly clientFirst: string }
  /** All of them, and the client's last; the answer's text is the server's last. */
  | {
      readonly kind: "scramFinal";
      readonly clientFirst: string;
      readonly serverFirst: string;
      readonly clientFinal: string;
    };

export type VaultRequest = VaultQuestion & Numbered;

/** Their order is part of the bytes. */
export const VAULT_FAILURES = ["wrong", "taken", "badName", "badPassword", "busy", "notAllowed"] as const;
/**
 * Why nothing came of it.
 * - `wrong`: there is no such account, or that is not its password: nobody is told which
 * - `taken`: somebody has the name
 * - `badName`, `badPassword`: no account can have it
 * - `busy`: later, perhaps
 * - `notAllowed`: not here, or not with this account
 */
export type VaultFailure = (typeof VAULT_FAILURES)[number];

export type VaultOutcome =
  /** `text`: of SCRAM, otherwise empty. */
  | { readonly kind: "done"; readonly text: string }
  /** `text`: a sentence for people, that begins with a small letter and has no full stop. */
  | { readonly kind: "failed"; readonly code: VaultFailure; readonly text: string };

export type VaultReply = VaultOutcome & Numbered;

/** Longer texts are refused: three of them fit a message of a seat socket. */
export const VAULT_TEXT_BYTES_MAX = 1024;

const FIELDS = {
  check: ["account", "password", "as"],
  register: ["account", "password"],
  changePassword: ["account", "old", "password"],
  drop: ["account", "password"],
  scramFirst: ["clientFirst"],
  scramFinal: ["clientFirst", "serverFirst", "clientFinal"],
} as const satisfies Record<VaultQuestion["kind"], readonly string[]>;
/** Their order is part of the bytes. */
const KINDS = Object.keys(FIELDS) as readonly VaultQuestion["kind"][];
const DONE = 0;
const FAILED = 1;

/** Undefined where a text is longer than `VAULT_TEXT_BYTES_MAX`: no name and no password is. */
export function encodeVaultRequest(request: VaultRequest): Uint8Array | undefined {
  const writer = header(KINDS.indexOf(request.kind), request);
  const fields = request as unknown as Readonly<Record<string, string>>;
  for (const field of FIELDS[request.kind]) {
    const bytes = encodeUtf8(fields[field]!);
    if (bytes.length > VAULT_TEXT_BYTES_MAX) return undefined;
    writer.sized(bytes);
  }
  return writer.finish();
}

/** Undefined for what `encodeVaultRequest` does not make. */
export function decodeVaultRequest(bytes: Uint8Array): VaultRequest | undefined {
  return decoded(bytes, (reader) => {
    const kind = KINDS[reader.uint8()];
    if (kind === undefined) return undefined;
    const request: Record<string, string | number> = { kind, ...numbersOf(reader) };
    for (const field of FIELDS[kind]) request[field] = decodeUtf8(reader.sized());
    const isKnown = kind !== "check" || CHECKS.some((each) => each === request["as"]);
    return isKnown ? (request as unknown as VaultRequest) : undefined;
  });
}

export function encodeVaultReply(reply: VaultReply): Uint8Array {
  const writer = header(reply.kind === "done" ? DONE : FAILED, reply);
  if (reply.kind === "failed") writer.uint8(VAULT_FAILURES.indexOf(reply.code));
  return writer.sized(encodeUtf8(reply.text)).finish();
}

/** Undefined for what `encodeVaultReply` does not make. */
export function decodeVaultReply(bytes: Uint8Array): VaultReply | undefined {
  return decoded(bytes, (reader) => {
    const kind = reader.uint8();
    const numbers = numbersOf(reader);
    if (kind === DONE) return { kind: "done", ...numbers, text: decodeUtf8(reader.sized()) };
    const code = VAULT_FAILURES[reader.uint8()];
    if (kind !== FAILED || code === undefined) return undefined;
    return { kind: "failed", ...numbers, code, text: decodeUtf8(reader.sized()) };
  });
}

/** Which request this is, or answers: all that whoever passes it on needs to know. Undefined where it is none. */
export function vaultIdOf(bytes: Uint8Array): number | undefined {
  return numbersIn(bytes)?.id;
}

/** The answer to a request that does not reach the vault. Undefined where it is none. */
export function refuseVaultRequest(
  request: Uint8Array,
  code: VaultFailure,
  text: string,
): Uint8Array | undefined {
  const numbers = numbersIn(request);
  return numbers === undefined ? undefined : encodeVaultReply({ kind: "failed", ...numbers, code, text });
}

function numbersIn(bytes: Uint8Array): Numbered | undefined {
  return decoded(bytes, (reader) => {
    reader.uint8();
    const numbers = numbersOf(reader);
    reader.raw(reader.remaining);
    return numbers;
  });
}

function header(kind: number, { id, session }: Numbered): ByteWriter {
  return new ByteWriter().uint8(kind).uint53(id).uint53(session);
}

function numbersOf(reader: ByteReader): Numbered {
  return { id: reader.uint53(), session: reader.uint53() };
}

/** All of the bytes, or nothing. */
function decoded<T extends Numbered>(
  bytes: Uint8Array,
  read: (reader: ByteReader) => T | undefined,
): T | undefined {
  const reader = new ByteReader(bytes);
  try {
    const value = read(reader);
    const isWhole = value !== undefined && reader.remaining === 0;
    return isWhole && [value.id, value.session].every(Number.isSafeInteger) ? value : undefined;
  } catch (error) {
    if (error instanceof TruncatedError) return undefined;
    throw error;
  }
}
