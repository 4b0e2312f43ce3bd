import type { Database, Statement } from "../base/index.ts";

/** As SQLite says that the disk is full: https://www.sqlite.org/rescode.html#full */
class DiskFullError extends Error {
  override readonly name = "DiskFullError";
  readonly errcode: number;

  constructor(errcode: number) {
    super("database or disk is full");
    this.errcode = errcode;
  }
}

/** A database that cannot be written for a while, now and then. Reading goes on. */
export class FlakyDatabase implements Database {
  /** What each attempt to write fails with; undefined: it works. 13: full; 5: somebody else has locked it. */
  failsWith: number | undefined;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  exec(sql: string): void {
    if (this.failsWith !== undefined && sql.startsWith("BEGIN IMMEDIATE"))
      throw new DiskFullError(this.failsWith);
    this.#database.exec(sql);
  }

  prepare(sql: string): Statement {
    return this.#database.prepare(sql);
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }
}
