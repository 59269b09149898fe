import { randomUUID } from 'node:crypto';
import { compare, type AppliedMigration, type History, type Migration } from './history.js';

/** The number Prisma locks with, so that its own tool and this one keep each other out. */
const LOCK = 72707369;
const LOCK_TIMEOUT_MS = 10_000;

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id VARCHAR(36) PRIMARY KEY NOT NULL, checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ,
  migration_name VARCHAR(255) NOT NULL, logs TEXT, rolled_back_at TIMESTAMPTZ,
  started_at TIMESTAMPTZ NOT NULL DEFAULT now(), applied_steps_count INTEGER NOT NULL DEFAULT 0)`;

/** The part of a `pg` client that migrating needs. */
export interface Database {
  query(sql: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
}

/** Stops everything: what a person must do stands in the message. */
export class MigrationStopped extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MigrationStopped';
  }
}

/** Looks only. */
export async function history(database: Database, migrations: readonly Migration[]): Promise<History> {
  return compare(migrations, await readApplied(database));
}

/** Applies what is pending, each file in one transaction, under a lock; returns the names. */
export async function deploy(
  database: Database,
  migrations: readonly Migration[],
  told: (line: string) => void,
): Promise<string[]> {
  await database.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
  await database.query('SELECT pg_advisory_lock($1)', [LOCK]);
  try {
    await database.query(CREATE_TABLE);
    const found = await history(database, migrations);
    refuse(found);
    for (const migration of found.pending) {
      told(`applying ${migration.name}`);
      await apply(database, migration);
    }
    return found.pending.map((migration) => migration.name);
  } finally {
    await database.query('SELECT pg_advisory_unlock($1)', [LOCK]);
  }
}

function refuse({ unfinished, edited }: History): void {
  if (unfinished.length > 0) {
    throw new MigrationStopped(
      `begun and never finished: ${unfinished.join(', ')}; look at the database, then set rolled_back_at on that row`,
    );
  }
  if (edited.length > 0) {
    throw new MigrationStopped(`changed after it was applied: ${edited.join(', ')}; write a new migration instead`);
  }
}

async function readApplied(database: Database): Promise<AppliedMigration[]> {
  const there = await database.query("SELECT to_regclass('_prisma_migrations') IS NOT NULL AS there");
  if (!(there.rows[0] as { there: boolean }).there) return [];
  const { rows } = await database.query(
    `SELECT migration_name AS name, checksum, finished_at IS NOT NULL AS finished
     FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at`,
  );
  return rows as AppliedMigration[];
}

async function apply(database: Database, migration: Migration): Promise<void> {
  const id = randomUUID();
  await database.query('INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    migration.checksum,
    migration.name,
  ]);
  try {
    // Several statements in one query are one transaction of their own.
    await database.query(migration.sql);
  } catch (error) {
    await database.query('UPDATE _prisma_migrations SET logs = $2 WHERE id = $1', [id, String(error)]);
    throw new MigrationStopped(`${migration.name} failed: ${String(error)}`);
  }
  await database.query(
    'UPDATE _prisma_migrations SET finished_at = now(), applied_steps_count = applied_steps_count + 1 WHERE id = $1',
    [id],
  );
}
