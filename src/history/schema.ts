/*
 * The tables, version by version. docs/history.md has the drawing and the reasons.
 *
 * What has once been released is never changed: a change is a new text at the end of the list.
 */
import { type Database, writing } from "../base/index.ts";

/** What makes version n + 1 of version n, for n = 0, 1, …: SQL, any number of statements. */
export type Migrations = readonly string[];

const VERSION_1 = `
CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  kind INTEGER NOT NULL,
  room INTEGER,
  more_rooms TEXT,
  session INTEGER NOT NULL,
  nick TEXT NOT NULL,
  display_name TEXT,
  peer_session INTEGER,
  peer_nick TEXT,
  peer_display_name TEXT,
  text TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE words USING fts5(
  word,
  content = '',
  columnsize = 0,
  tokenize = "ascii tokenchars '#+~@='"
);
INSERT INTO words (words, rank) VALUES ('automerge', 64), ('crisismerge', 256), ('hashsize', 16777216);

CREATE TABLE room (id INTEGER PRIMARY KEY, name TEXT NOT NULL, folded_name TEXT NOT NULL) STRICT;
CREATE INDEX room_by_name ON room (folded_name);

CREATE TABLE gap (
  to_sequence INTEGER PRIMARY KEY,
  from_sequence INTEGER NOT NULL,
  from_time_ms INTEGER NOT NULL,
  to_time_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE state (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  through INTEGER NOT NULL,
  through_time_ms INTEGER NOT NULL,
  import_from INTEGER,
  import_to INTEGER
) STRICT;
INSERT INTO progress VALUES (1, 0, 0, NULL, NULL);
`;

/** What clients have sent with it, and who it was. NULL: nothing. */
const VERSION_2 = `
ALTER TABLE entry ADD COLUMN tags TEXT;
ALTER TABLE entry ADD COLUMN account TEXT;
ALTER TABLE entry ADD COLUMN address TEXT;
`;

export const MIGRATIONS: Migrations = [VERSION_1, VERSION_2];

/** The database is of a version that this program does not know, or, for a reader, of one that is not there yet. */
export class HistoryVersionError extends Error {
  override readonly name = "HistoryVersionError";
  readonly found: number;
  readonly known: number;

  constructor(found: number, known: number) {
    super(
      found > known
        ? `the history is of version ${found}, made by a newer chorus; this one knows versions up to ${known}`
        : `the history is of version ${found}, and this chorus reads version ${known}: a server that is started ` +
            "on it brings it up to date",
    );
    this.found = found;
    this.known = known;
  }
}

/** Brings a database to the newest version, wholly or not at all. @throws HistoryVersionError */
export function migrate(database: Database, migrations: Migrations): void {
  if (versionOf(database) === migrations.length) return;
  writing(database, () => {
    const found = versionOf(database);
    if (found > migrations.length) throw new HistoryVersionError(found, migrations.length);
    for (const sql of migrations.slice(found)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}`);
  });
}

/** For who only reads. @throws HistoryVersionError */
export function checkVersion(database: Database, known: number): void {
  const found = versionOf(database);
  if (found !== known) throw new HistoryVersionError(found, known);
}

function versionOf(database: Database): number {
  return Number(database.prepare("PRAGMA user_version").get()!["user_version"]);
}
