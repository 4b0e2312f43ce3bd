/* What stores need of SQLite. The connections of `node:sqlite` are of this shape. */

export type Value = null | number | bigint | string | Uint8Array;

export type Row = Record<string, Value>;

export interface Statement {
  run(...values: Value[]): { readonly changes: number | bigint };
  get(...values: Value[]): Row | undefined;
  all(...values: Value[]): Row[];
  /** Leaving the loop early is fine: the statement is reset. */
  iterate(...values: Value[]): Iterable<Row>;
}

export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  /** Whether a transaction is open. */
  readonly isTransaction: boolean;
}

/** Runs it as one transaction that may write. @throws what it throws, after everything has been taken back */
export function writing<T>(database: Database, body: () => T): T {
  return transaction(database, "BEGIN IMMEDIATE", body);
}

/** Runs it on the database as it is at one moment, whatever another connection writes meanwhile. */
export function reading<T>(database: Database, body: () => T): T {
  return transaction(database, "BEGIN", body);
}

function transaction<T>(database: Database, begin: string, body: () => T): T {
  database.exec(begin);
  try {
    const result = body();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite takes some transactions back by itself, for example where the disk is full.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
