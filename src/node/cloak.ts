import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peerAddress } from "./libc.ts";

const KEY_FILE = "cloak.key";
const KEY_BYTES = 32;
/** Of IPv6: what one household has. */
const NETWORK_BYTES = 8;
/** Enough that two addresses of one server's people are hardly ever taken for one. */
const CHARACTERS = 12;

/**
 * Where people come from, as others may see it: always the same for the same address (of IPv6: the same network), so
 * that it can be banned, and of no use to find the address. The key is the data directory's own.
 */
export class Cloak {
  readonly #key: Uint8Array;

  constructor(data: string) {
    this.#key = keyIn(join(data, KEY_FILE));
  }

  hostOf(socket: number): string {
    const address = peerAddress(socket);
    if (address === undefined || isLoopback(address)) return "localhost";
    const mapped = isMapped(address) ? address.subarray(12) : address;
    const network = mapped.length === 4 ? mapped : mapped.subarray(0, NETWORK_BYTES);
    const digest = createHmac("sha256", this.#key).update(network).digest("hex");
    return `${digest.slice(0, CHARACTERS)}.ip`;
  }
}

/** Made where there is none. */
function keyIn(path: string): Uint8Array {
  try {
    writeFileSync(path, randomBytes(KEY_BYTES), { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFileSync(path);
}

function isMapped(address: Uint8Array): boolean {
  return (
    address.length === 16 &&
    address.subarray(0, 10).every((byte) => byte === 0) &&
    address[10] === 0xff &&
    address[11] === 0xff
  );
}

function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  if (isMapped(address)) return address[12] === 127;
  return address.subarray(0, 15).every((byte) => byte === 0) && address[15] === 1;
}
