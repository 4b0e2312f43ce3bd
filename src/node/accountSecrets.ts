import {
  type BinaryLike,
  argon2,
  createHash,
  createHmac,
  pbkdf2,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { promisify } from "node:util";
import { type Secrets, SecretsError } from "../accounts/index.ts";

const argon2Later = promisify(argon2);
const pbkdf2Later = promisify(pbkdf2);

/** What argon2id is told to cost. Kept with each hash, so that these can be raised. */
interface Cost {
  /** In KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP's first recommendation for argon2id: some 50 ms of one core, and 19 MiB for as long. */
const COST: Cost = { memory: 19_456, passes: 2, parallelism: 1 };
/** What a hash in a file that somebody else has written may ask for. */
const COST_MAX: Cost = { memory: 1_048_576, passes: 16, parallelism: 16 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const KEY_BYTES = 32;
/** Of argon2, the only one there is. */
const VERSION = 19;

/** The cryptography of `node:crypto`; what takes long is done in the thread pool. */
export const ACCOUNT_SECRETS: Secrets = {
  random: (length) => randomBytes(length),
  hash: async (password) => {
    const salt = randomBytes(SALT_BYTES);
    return formatHash(COST, salt, await hashed(password, salt, COST, HASH_BYTES));
  },
  verify: async (password, hash) => {
    const { cost, salt, bytes } = parseHash(hash);
    return timingSafeEqual(await hashed(password, salt, cost, bytes.length), bytes);
  },
  decoy: formatHash(COST, randomBytes(SALT_BYTES), randomBytes(HASH_BYTES)),
  derive: (password, salt, iterations) =>
    computed(() => pbkdf2Later(password, salt, iterations, KEY_BYTES, "sha256")),
  authenticate: (key, data) => createHmac("sha256", key).update(data).digest(),
  digest: (data) => createHash("sha256").update(data).digest(),
  areEqual: (left, right) => left.length === right.length && timingSafeEqual(left, right),
};

function hashed(password: string, nonce: BinaryLike, cost: Cost, tagLength: number): Promise<Uint8Array> {
  return computed(() => argon2Later("argon2id", { message: password, nonce, ...cost, tagLength }));
}

async function computed(compute: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return await compute();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new SecretsError(`a password cannot be hashed: ${why}`, { cause: error });
  }
}

/**
 * A string of the form that argon2's own tools write, without padding:
 * https://github.com/P-H-C/phc-string-format/blob/master/phc-sf-spec.md
 */
function formatHash({ memory, passes, parallelism }: Cost, salt: Buffer, hash: Uint8Array): string {
  const parameters = `m=${memory},t=${passes},p=${parallelism}`;
  return `$argon2id$v=${VERSION}$${parameters}$${unpadded(salt)}$${unpadded(hash)}`;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replaceAll("=", "");
}

const HASH = /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,4})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** @throws SecretsError */
function parseHash(text: string): { cost: Cost; salt: Buffer; bytes: Buffer } {
  const [, memory, passes, parallelism, salt, hash] = HASH.exec(text) ?? [];
  const cost = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const isBearable =
    cost.memory <= COST_MAX.memory &&
    cost.passes <= COST_MAX.passes &&
    cost.parallelism <= COST_MAX.parallelism;
  if (salt === undefined || hash === undefined || !isBearable)
    throw new SecretsError("a password hash that is kept is none that this version knows");
  return { cost, salt: Buffer.from(salt, "base64"), bytes: Buffer.from(hash, "base64") };
}
