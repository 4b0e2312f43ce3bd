import { existsSync } from "node:fs";
import { type PublicAccount, type UserCommand, Vault, readAccounts } from "../accounts/index.ts";
import { accountsPath, openAccounts, openAccountsReadOnly } from "./accountDatabase.ts";
import { ACCOUNT_SECRETS } from "./accountSecrets.ts";
import { lockDirectory } from "./lock.ts";
import { StartError } from "./startError.ts";

/** What came of a command: `error` is a sentence for people. */
export interface UserAnswer {
  readonly error?: string;
}

/** Those of a data directory, whether a server runs or not. @throws AccountFileError, AccountVersionError */
export function accountsIn(dataDirectory: string): PublicAccount[] {
  using database = openAccountsReadOnly(dataDirectory);
  return database === undefined ? [] : readAccounts(database);
}

/**
 * Changes the accounts of a data directory on which no server runs. The next one tells everybody.
 * @throws StartError where a server runs after all; AccountFileError, AccountVersionError
 */
export async function administerAccounts(
  command: UserCommand,
  { data, name }: { readonly data: string; readonly name: string },
): Promise<UserAnswer> {
  // Whoever mistypes the folder gets no new one.
  if (command.action !== "add" && !existsSync(accountsPath(data)))
    return { error: `there are no accounts in ${data}` };
  const lock = lockDirectory(data);
  if (lock === undefined)
    throw new StartError(
      `a server with another --name than ${name} runs with the data directory ${data}, ` +
        `or one is just starting or stopping`,
    );
  try {
    const { database, store } = openAccounts(data);
    try {
      let trouble: string | undefined;
      const vault = new Vault(store, ACCOUNT_SECRETS, {
        onRecord: () => undefined,
        onTrouble: (text) => (trouble = text),
        isNameFree: () => true,
        now: Date.now,
      });
      const fault = await vault.administer(command);
      return fault === undefined ? {} : { error: trouble ?? fault };
    } finally {
      database.close();
    }
  } finally {
    lock.release();
  }
}
