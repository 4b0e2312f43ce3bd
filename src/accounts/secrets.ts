/**
 * The cryptography, and chance that nobody can guess: what this layer cannot do by itself. What takes long is done
 * elsewhere meanwhile.
 */
export interface Secrets {
  random(length: number): Uint8Array;
  /** With argon2id, as a PHC string, which says how it was made. @throws SecretsError */
  hash(password: string): Promise<string>;
  /** Whether the hash is that of the password. @throws SecretsError */
  verify(password: string, hash: string): Promise<boolean>;
  /** The hash of no password at all: to verify one against it takes as long as with any other hash. */
  readonly decoy: string;
  /** PBKDF2 with HMAC-SHA-256: 32 bytes. @throws SecretsError */
  derive(password: string, salt: Uint8Array, iterations: number): Promise<Uint8Array>;
  /** HMAC-SHA-256. */
  authenticate(key: Uint8Array, data: Uint8Array): Uint8Array;
  /** SHA-256. */
  digest(data: Uint8Array): Uint8Array;
  /** Takes as long where they differ at once as where they are the same. */
  areEqual(left: Uint8Array, right: Uint8Array): boolean;
}

/** It cannot be computed now: the machine has not the memory for it, perhaps. */
export class SecretsError extends Error {
  override readonly name = "SecretsError";
}
