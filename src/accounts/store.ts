import {
  AssertionError,
  type Database,
  type Row,
  SECOND_MS,
  type Statement,
  assert,
  writing,
} from "../base/index.ts";
import { FIRST_ACCOUNT, type PersonId, ROLES, type Role, foldNick } from "../chat/index.ts";
import { checkVersion, migrate } from "./schema.ts";
import type { ScramVerifier } from "./scram.ts";

/** What anybody may know of an account. */
export interface PublicAccount {
  readonly person: PersonId;
  readonly name: string;
  readonly role: Role;
  readonly createdMs: number;
}

/** What a password is compared with. Neither gives it away, and neither can be made of the other. */
export interface Credentials {
  /** Of argon2id, as a PHC string. */
  readonly passwordHash: string;
  readonly scram: ScramVerifier;
}

export interface KeptAccount extends PublicAccount, Credentials {}

/** The file of the accounts cannot be read or written now. */
export class AccountStoreError extends Error {
  override readonly name = "AccountStoreError";
}

const PUBLIC_COLUMNS = "number, name, role, created_ms";

/** The accounts, by name and by person. Whoever has it knows all secrets that are kept. */
export class AccountStore {
  readonly #database: Database;
  readonly #byName: Statement;
  readonly #count: Statement;
  readonly #insert: Statement;
  readonly #setCredentials: Statement;
  readonly #setRole: Statement;
  readonly #delete: Statement;
  readonly #lastNumber: Statement;
  readonly #getSecret: Statement;
  readonly #putSecret: Statement;

  /**
   * Brings the database forward to this program's version.
   * @throws AccountVersionError where it is of a newer one
   */
  constructor(database: Database) {
    migrate(database);
    this.#database = database;
    const prepare = (sql: string): Statement => database.prepare(sql);
    this.#byName = prepare("SELECT * FROM account WHERE folded_name = ?");
    this.#count = prepare("SELECT count(*) AS count FROM account");
    this.#insert = prepare("INSERT INTO account VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    this.#setCredentials = prepare(
      "UPDATE account SET password_hash = ?, scram_salt = ?, scram_iterations = ?, scram_stored_key = ?, " +
        "scram_server_key = ? WHERE number = ? AND password_hash = ?",
    );
    this.#setRole = prepare("UPDATE account SET role = ? WHERE number = ?");
    this.#delete = prepare("DELETE FROM account WHERE number = ?");
    this.#lastNumber = prepare("SELECT seq FROM sqlite_sequence WHERE name = 'account'");
    this.#getSecret = prepare("SELECT bytes FROM secret WHERE key = ?");
    this.#putSecret = prepare("INSERT INTO secret VALUES (?, ?)");
  }

  /** In the order of their making. @throws AccountStoreError */
  list(): PublicAccount[] {
    return wrapped(() => listAccounts(this.#database));
  }

  /** @throws AccountStoreError */
  count(): number {
    return wrapped(() => Number(this.#count.get()!["count"]));
  }

  /** The account of this name, however it is spelt. @throws AccountStoreError */
  get(name: string): KeptAccount | undefined {
    return wrapped(() => {
      const row = this.#byName.get(foldNick(name));
      return row === undefined ? undefined : keptOf(row);
    });
  }

  /** Undefined where there is one of that name. @throws AccountStoreError */
  add(name: string, role: Role, credentials: Credentials, nowMs: number): PublicAccount | undefined {
    return this.#write(() => {
      if (this.get(name) !== undefined) return undefined;
      const number = this.#nextNumber(nowMs);
      this.#insert.run(number, name, foldNick(name), role, ...valuesOf(credentials), nowMs);
      return { person: FIRST_ACCOUNT + number, name, role, createdMs: nowMs };
    });
  }

  /**
   * In place of the credentials that the account has, which have to be those of `account` still.
   * @returns whether they are
   * @throws AccountStoreError
   */
  setCredentials({ person, passwordHash }: KeptAccount, credentials: Credentials): boolean {
    return this.#write(() => {
      const values = valuesOf(credentials);
      return Number(this.#setCredentials.run(...values, numberOf(person), passwordHash).changes) === 1;
    });
  }

  /** @returns whether there is such an account @throws AccountStoreError */
  setRole(person: PersonId, role: Role): boolean {
    return this.#write(() => Number(this.#setRole.run(role, numberOf(person)).changes) === 1);
  }

  /** Its person is nobody's for ever. @returns whether there was such an account @throws AccountStoreError */
  remove(person: PersonId): boolean {
    return this.#write(() => Number(this.#delete.run(numberOf(person)).changes) === 1);
  }

  /** Made when it is needed first, and the same from then on. @throws AccountStoreError */
  secret(key: string, make: () => Uint8Array): Uint8Array {
    return this.#write(() => {
      const kept = this.#getSecret.get(key)?.["bytes"];
      if (kept !== undefined) return kept as Uint8Array;
      const made = make();
      this.#putSecret.run(key, made);
      return made;
    });
  }

  /**
   * Greater than all there ever were. The time is in it, because the history knows people by these numbers, and a file
   * that was lost, or put back as it was a week ago, has forgotten which it gave.
   */
  #nextNumber(nowMs: number): number {
    const last = Number(this.#lastNumber.get()?.["seq"] ?? 0);
    return Math.max(last + 1, Math.floor(nowMs / SECOND_MS));
  }

  #write<T>(body: () => T): T {
    return wrapped(() => writing(this.#database, body));
  }
}

/** Of a database that is only read: in the order of their making. @throws AccountVersionError */
export function readAccounts(database: Database): PublicAccount[] {
  checkVersion(database);
  return listAccounts(database);
}

function listAccounts(database: Database): PublicAccount[] {
  return database.prepare(`SELECT ${PUBLIC_COLUMNS} FROM account ORDER BY number`).all().map(publicOf);
}

function wrapped<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof AssertionError || error instanceof AccountStoreError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AccountStoreError(`the accounts cannot be read or written: ${why}`, { cause: error });
  }
}

function numberOf(person: PersonId): number {
  return person - FIRST_ACCOUNT;
}

type CredentialValues = [string, Uint8Array, number, Uint8Array, Uint8Array];

function valuesOf({ passwordHash, scram }: Credentials): CredentialValues {
  return [passwordHash, scram.salt, scram.iterations, scram.storedKey, scram.serverKey];
}

function publicOf(row: Row): PublicAccount {
  const kept = row["role"] as string;
  const role = ROLES.find((each) => each === kept);
  assert(role !== undefined, `an account has the role ${kept}`);
  return {
    person: FIRST_ACCOUNT + Number(row["number"]),
    name: row["name"] as string,
    role,
    createdMs: Number(row["created_ms"]),
  };
}

function keptOf(row: Row): KeptAccount {
  return {
    ...publicOf(row),
    passwordHash: row["password_hash"] as string,
    scram: {
      salt: row["scram_salt"] as Uint8Array,
      iterations: Number(row["scram_iterations"]),
      storedKey: row["scram_stored_key"] as Uint8Array,
      serverKey: row["scram_server_key"] as Uint8Array,
    },
  };
}
