import { describe, expect, it } from 'vitest';
import { MigrationStopped, deploy, history, type Database } from '../../src/migrate/deploy.js';
import { checksum, type AppliedMigration } from '../../src/migrate/history.js';

const migration = (name: string, sql: string) => ({ name, sql, checksum: checksum(sql) });
const first = migration('1_first', 'CREATE TABLE a (id INTEGER);');
const second = migration('2_second', 'CREATE TABLE b (id INTEGER);');

/** Knows just enough to keep `_prisma_migrations`; test/db runs the same against PostgreSQL. */
class TinyDatabase implements Database {
  readonly ran: string[] = [];
  locked = false;
  rows: (AppliedMigration & { id: string; logs?: string })[] = [];
  table = false;

  constructor(private readonly broken = '') {}

  async query(sql: string, values: unknown[] = []): Promise<{ rows: unknown[] }> {
    if (sql.includes('pg_advisory_lock')) this.locked = true;
    else if (sql.includes('pg_advisory_unlock')) this.locked = false;
    else if (sql.includes('to_regclass')) return { rows: [{ there: this.table }] };
    else if (sql.startsWith('CREATE TABLE IF NOT EXISTS _prisma_migrations')) this.table = true;
    else if (sql.startsWith('SELECT migration_name')) return { rows: this.rows };
    else if (sql.startsWith('INSERT')) {
      const [id, sum, name] = values as [string, string, string];
      this.rows.push({ id, checksum: sum, name, finished: false });
    } else if (sql.startsWith('UPDATE')) this.update(sql, values as [string, string?]);
    else if (!sql.startsWith('SET')) this.run(sql);
    return { rows: [] };
  }

  private update(sql: string, [id, logs]: [string, string?]): void {
    const row = this.rows.find((candidate) => candidate.id === id)!;
    if (sql.includes('finished_at')) row.finished = true;
    else row.logs = logs;
  }

  private run(sql: string): void {
    if (!this.locked) throw new Error('ran without the lock');
    if (sql === this.broken) throw new Error('syntax error');
    this.ran.push(sql);
  }
}

const silent = () => undefined;

describe('deploy', () => {
  it('applies what is pending in order, under the lock, and lets go of it', async () => {
    const database = new TinyDatabase();
    const told: string[] = [];
    expect(await deploy(database, [first, second], (line) => told.push(line))).toEqual(['1_first', '2_second']);
    expect(database.ran).toEqual([first.sql, second.sql]);
    expect(database.rows.every((row) => row.finished)).toBe(true);
    expect(database.locked).toBe(false);
    expect(told).toEqual(['applying 1_first', 'applying 2_second']);
  });

  it('applies nothing twice', async () => {
    const database = new TinyDatabase();
    await deploy(database, [first], silent);
    expect(await deploy(database, [first, second], silent)).toEqual(['2_second']);
    expect(database.ran).toEqual([first.sql, second.sql]);
  });

  it('stops at the first that fails, keeps its error, and refuses until a person looked', async () => {
    const database = new TinyDatabase(first.sql);
    await expect(deploy(database, [first, second], silent)).rejects.toThrow('1_first failed: Error: syntax error');
    expect(database.ran).toEqual([]);
    expect(database.rows).toMatchObject([{ name: '1_first', finished: false, logs: 'Error: syntax error' }]);
    expect(database.locked).toBe(false);
    await expect(deploy(database, [first, second], silent)).rejects.toThrow(/begun and never finished: 1_first/);
  });

  it('refuses an applied file that was edited', async () => {
    const database = new TinyDatabase();
    await deploy(database, [first], silent);
    const edited = migration('1_first', 'DROP TABLE a;');
    await expect(deploy(database, [edited, second], silent)).rejects.toThrow(MigrationStopped);
    expect(database.ran).toEqual([first.sql]);
  });
});

describe('history', () => {
  it('of a database that was never migrated is all pending, and looking changes nothing', async () => {
    const database = new TinyDatabase();
    expect((await history(database, [first, second])).pending).toEqual([first, second]);
    expect(database.table).toBe(false);
  });
});
