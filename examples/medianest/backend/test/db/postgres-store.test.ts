import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { MigrationStopped, deploy, history } from '../../src/migrate/deploy.js';
import { checksum, readMigrations } from '../../src/migrate/history.js';
import { PostgresStore } from '../../src/store/postgres.js';
import { storeContract } from '../store-contract.js';

const url = process.env.DATABASE_URL;
if (!url) throw new Error('set DATABASE_URL to a PostgreSQL database that may be emptied');

const migrations = readMigrations(fileURLToPath(new URL('../../prisma/migrations', import.meta.url)));
const silent = () => undefined;

async function withEmptyDatabase<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
    return await use(client);
  } finally {
    await client.end();
  }
}

storeContract('PostgresStore', async () => {
  await withEmptyDatabase((client) => deploy(client, migrations, silent));
  return new PostgresStore(url, silent);
});

describe('deploy', () => {
  it('applies everything once', async () => {
    await withEmptyDatabase(async (client) => {
      expect(await deploy(client, migrations, silent)).toHaveLength(migrations.length);
      expect(await deploy(client, migrations, silent)).toEqual([]);
      expect((await history(client, migrations)).pending).toEqual([]);
    });
  });

  it('leaves nothing behind of a file that fails half way, and stops until a person looked', async () => {
    await withEmptyDatabase(async (client) => {
      const sql = 'CREATE TABLE half (id INTEGER); SELECT no_such_column';
      const broken = [...migrations, { name: '29990101000000_broken', sql, checksum: checksum(sql) }];
      await expect(deploy(client, broken, silent)).rejects.toThrow(MigrationStopped);
      expect((await client.query("SELECT to_regclass('half') AS half")).rows).toEqual([{ half: null }]);
      await expect(deploy(client, migrations, silent)).rejects.toThrow(
        /begun and never finished: 29990101000000_broken/,
      );
      await client.query('UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL');
      expect(await deploy(client, migrations, silent)).toEqual([]);
    });
  });
});
