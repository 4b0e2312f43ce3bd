import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AccountStore, AccountVersionError } from "../accounts/index.ts";
import type { AccountPorts } from "../server/index.ts";
import { ACCOUNT_SECRETS } from "./accountSecrets.ts";
import { checkFile, makeFile, openReadOnly, prepared } from "./historyDatabase.ts";

const ACCOUNTS_FILE = "accounts.sqlite";
/** `chorus user` writes it beside a server that is starting, and waits for nothing long. */
const BUSY_MS = 1000;

/** The file of the accounts cannot be used; the message is a sentence for whoever runs the server. */
export class AccountFileError extends Error {
  override readonly name = "AccountFileError";
}

export function accountsPath(dataDirectory: string): string {
  return join(dataDirectory, ACCOUNTS_FILE);
}

/**
 * Opens the accounts of a data directory, and makes the file (0600) where there is none. What is written survives a
 * loss of power, and what is deleted is overwritten. Whoever calls it closes the database.
 * @throws AccountFileError, AccountVersionError
 */
export function openAccounts(dataDirectory: string): { database: DatabaseSync; store: AccountStore } {
  const path = accountsPath(dataDirectory);
  return sentenced(path, () => {
    makeFile(path);
    const database = new DatabaseSync(path, { timeout: BUSY_MS });
    let store: AccountStore | undefined;
    prepared(database, () => {
      database.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA secure_delete = ON;
        PRAGMA temp_store = MEMORY;
      `);
      store = new AccountStore(database);
    });
    return { database, store: store! };
  });
}

/** Opens them for reading, whether a server runs or not. Undefined where there are none. @throws AccountFileError */
export function openAccountsReadOnly(dataDirectory: string): DatabaseSync | undefined {
  const path = accountsPath(dataDirectory);
  if (!existsSync(path)) return undefined;
  return sentenced(path, () => {
    checkFile(path);
    return openReadOnly(path);
  });
}

/** What the history process needs of the accounts. Where they cannot be opened it keeps the history all the same. */
export function accountPorts(
  dataDirectory: string,
  onTrouble: (text: string) => void,
): (AccountPorts & { close(): void }) | undefined {
  try {
    const { database, store } = openAccounts(dataDirectory);
    return { store, secrets: ACCOUNT_SECRETS, close: () => database.close() };
  } catch (error) {
    const isExpected = error instanceof AccountFileError || error instanceof AccountVersionError;
    if (!isExpected) throw error;
    onTrouble(error.message);
    return undefined;
  }
}

function sentenced<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof AccountVersionError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new AccountFileError(`the accounts ${path} cannot be opened: ${why}`, { cause: error });
  }
}
