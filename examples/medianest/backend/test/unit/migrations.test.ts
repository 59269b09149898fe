import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checksum, compare, readMigrations, type Migration } from '../../src/migrate/history.js';

const migration = (name: string, sql = `-- ${name}\n`): Migration => ({ name, sql, checksum: checksum(sql) });
const row = (name: string, changes = {}) => ({
  name,
  checksum: checksum(`-- ${name}\n`),
  finished: true,
  ...changes,
});

describe('checksum', () => {
  it('is the SHA-256 of the text', () => {
    expect(checksum('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });
});

describe('readMigrations', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'migrations-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('reads folders by name and passes over other files', () => {
    for (const name of ['2_b', '1_a']) {
      mkdirSync(join(directory, name));
      writeFileSync(join(directory, name, 'migration.sql'), `-- ${name}\n`);
    }
    writeFileSync(join(directory, 'migration_lock.toml'), '');
    expect(readMigrations(directory)).toEqual([migration('1_a'), migration('2_b')]);
  });

  it('does not pass over a folder without its file', () => {
    mkdirSync(join(directory, '1_empty'));
    expect(() => readMigrations(directory)).toThrow(/ENOENT/);
  });

  it('finds those of this project', () => {
    const names = readMigrations(fileURLToPath(new URL('../../prisma/migrations', import.meta.url))).map((m) => m.name);
    expect(names.length).toBeGreaterThanOrEqual(3);
    expect(names.every((name) => /^\d{14}_[a-z_]+$/.test(name))).toBe(true);
  });
});

describe('compare', () => {
  it('tells what is pending', () => {
    const { pending } = compare([migration('1'), migration('2')], [row('1')]);
    expect(pending.map((m) => m.name)).toEqual(['2']);
  });

  it('tells what was begun and never finished', () => {
    expect(compare([migration('1')], [row('1', { finished: false })]).unfinished).toEqual(['1']);
  });

  it('tells what was edited, but not what only got other line ends', () => {
    expect(compare([migration('1', 'DROP TABLE media;\n')], [row('1')]).edited).toEqual(['1']);
    expect(compare([migration('1', '-- 1\r\n')], [row('1')]).edited).toEqual([]);
  });

  it('tells where the database is ahead', () => {
    expect(compare([], [row('9_later')]).unknown).toEqual(['9_later']);
  });
});
