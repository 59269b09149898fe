// `node dist/migrate-cli.js` applies what is pending; `--check` only looks, and exits 1 where something is.
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { MigrationStopped, deploy, history } from './migrate/deploy.js';
import { readMigrations } from './migrate/history.js';

const directory = fileURLToPath(new URL('../prisma/migrations', import.meta.url));

async function check(client: pg.Client): Promise<number> {
  const { pending, unfinished, edited, unknown } = await history(client, readMigrations(directory));
  const names = pending.map((migration) => migration.name);
  console.log(JSON.stringify({ pending: names, unfinished, edited, unknown }));
  return names.length + unfinished.length + edited.length === 0 ? 0 : 1;
}

async function run(client: pg.Client): Promise<number> {
  const applied = await deploy(client, readMigrations(directory), console.log);
  console.log(applied.length === 0 ? 'nothing to apply' : `applied ${applied.length}`);
  return 0;
}

async function main(): Promise<number> {
  const url = process.env.DATABASE_URL;
  if (!url) {
    console.error('DATABASE_URL is not set');
    return 78;
  }
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    return await (process.argv.includes('--check') ? check(client) : run(client));
  } finally {
    await client.end();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof MigrationStopped ? error.message : `cannot migrate: ${String(error)}`);
  process.exitCode = 1;
}
