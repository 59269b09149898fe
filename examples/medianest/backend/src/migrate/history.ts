import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A folder below prisma/migrations. */
export interface Migration {
  name: string;
  sql: string;
  checksum: string;
}

/** A row of `_prisma_migrations` that was not rolled back. */
export interface AppliedMigration {
  name: string;
  checksum: string;
  finished: boolean;
}

/** What stands between the folder and the database. */
export interface History {
  pending: Migration[];
  /** Begun and never finished: a person must look before anything else runs. */
  unfinished: string[];
  /** Applied, and the file was changed since. */
  edited: string[];
  /** Applied, and the folder does not know them: the database is ahead of this release. */
  unknown: string[];
}

/** Hex SHA-256 of the file's text, as Prisma stores it. */
export function checksum(sql: string): string {
  return createHash('sha256').update(sql).digest('hex');
}

/** Every `<stamp>_<name>/migration.sql`, by name. */
export function readMigrations(directory: string): Migration[] {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
    .map((name) => {
      const sql = readFileSync(join(directory, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: checksum(sql) };
    });
}

export function compare(migrations: readonly Migration[], applied: readonly AppliedMigration[]): History {
  const files = new Map(migrations.map((migration) => [migration.name, migration]));
  const rows = new Map(applied.map((row) => [row.name, row]));
  return {
    pending: migrations.filter((migration) => !rows.has(migration.name)),
    unfinished: applied.filter((row) => !row.finished).map((row) => row.name),
    edited: applied.filter((row) => row.finished && isEdited(files.get(row.name), row)).map((row) => row.name),
    unknown: applied.filter((row) => !files.has(row.name)).map((row) => row.name),
  };
}

/** Line ends may differ: git may have written them anew on another machine. */
function isEdited(migration: Migration | undefined, row: AppliedMigration): boolean {
  if (migration === undefined) return false;
  const unix = migration.sql.replaceAll('\r\n', '\n');
  return ![migration.checksum, checksum(unix), checksum(unix.replaceAll('\n', '\r\n'))].includes(row.checksum);
}
