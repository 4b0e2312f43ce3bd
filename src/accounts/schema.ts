/*
 * The tables, version by version. docs/accounts.md says what is in them.
 *
 * What has once been released is never changed: a change is a new text at the end of the list.
 */
import { type Database, writing } from "../base/index.ts";

const VERSION_1 = `
CREATE TABLE account (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL,
  folded_name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  scram_salt BLOB NOT NULL,
  scram_iterations INTEGER NOT NULL,
  scram_stored_key BLOB NOT NULL,
  scram_server_key BLOB NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE secret (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;

/** What makes version n + 1 of version n, for n = 0, 1, … */
const MIGRATIONS: readonly string[] = [VERSION_1];

/** The database is of a version that this program does not know, or, for a reader, of one that is not there yet. */
export class AccountVersionError extends Error {
  override readonly name = "AccountVersionError";

  constructor(found: number) {
    const known = MIGRATIONS.length;
    super(
      found > known
        ? `the accounts are of version ${found}, made by a newer chorus; this one knows versions up to ${known}`
        : `the accounts are of version ${found}, and this chorus reads version ${known}: a server that is started ` +
            "on them brings them up to date",
    );
  }
}

/** Brings a database to the newest version, wholly or not at all. @throws AccountVersionError */
export function migrate(database: Database): void {
  if (versionOf(database) === MIGRATIONS.length) return;
  writing(database, () => {
    const found = versionOf(database);
    if (found > MIGRATIONS.length) throw new AccountVersionError(found);
    for (const sql of MIGRATIONS.slice(found)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}

/** For who only reads. @throws AccountVersionError */
export function checkVersion(database: Database): void {
  const found = versionOf(database);
  if (found !== MIGRATIONS.length) throw new AccountVersionError(found);
}

function versionOf(database: Database): number {
  return Number(database.prepare("PRAGMA user_version").get()!["user_version"]);
}
