import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../src/config.js';
import { VARIABLES } from '../variables.js';

function problems(changes: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig({ ...VARIABLES, ...changes });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('loadConfig', () => {
  it('fills in what may be left out', () => {
    expect(loadConfig(VARIABLES)).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      logLevel: 'info',
      store: { kind: 'memory' },
      rateLimitPerMinute: 120,
      trustedProxies: 0,
      sha: 'unknown',
    });
  });

  it('reads keys as bytes', () => {
    const config = loadConfig(VARIABLES);
    expect(config.encryptionKey).toHaveLength(32);
    expect(config.jwtSecret).toHaveLength(64);
  });

  it('names every variable that is missing, at once', () => {
    expect(problems({ STORE: '', JWT_SECRET: undefined, ENCRYPTION_KEY: ' ', ACCESS_CODE: undefined })).toEqual([
      'STORE is not set',
      'JWT_SECRET is not set',
      'ENCRYPTION_KEY is not set',
      'ACCESS_CODE is not set',
    ]);
  });

  it('needs a Redis where the counts are in Redis', () => {
    expect(loadConfig(VARIABLES).counters).toEqual({ kind: 'memory' });
    expect(problems({ RATE_LIMIT_STORE: 'redis' })).toEqual(['REDIS_URL is not set']);
    expect(loadConfig({ ...VARIABLES, RATE_LIMIT_STORE: 'redis', REDIS_URL: 'redis://redis:6379' }).counters).toEqual({
      kind: 'redis',
      url: 'redis://redis:6379',
    });
  });

  it('needs a database where the store is a database', () => {
    expect(problems({ STORE: 'postgres' })).toEqual(['DATABASE_URL is not set']);
    expect(loadConfig({ ...VARIABLES, STORE: 'postgres', DATABASE_URL: 'postgresql://db/medianest' }).store).toEqual({
      kind: 'postgres',
      url: 'postgresql://db/medianest',
    });
  });

  it.each([
    [{ STORE: 'redis' }, 'STORE must be one of memory, postgres'],
    [{ PORT: '70000' }, 'PORT must be a whole number from 0 to 65535'],
    [{ PORT: 'http' }, 'PORT must be a whole number from 0 to 65535'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of debug, info, warn, error'],
    [{ JWT_SECRET: 'short' }, 'JWT_SECRET has fewer than 32 characters'],
    [{ JWT_SECRET: '<generate-64-hex-digits>' }, 'JWT_SECRET is a placeholder'],
    [{ ACCESS_CODE: 'changeme-please' }, 'ACCESS_CODE is a placeholder'],
    [{ ENCRYPTION_KEY: 'x'.repeat(64) }, 'ENCRYPTION_KEY must be 64 hexadecimal digits'],
  ])('refuses %o', (change, problem) => {
    expect(problems(change)).toEqual([problem]);
  });

  it('never repeats a value: it may be a secret', () => {
    expect(() => loadConfig({ ...VARIABLES, JWT_SECRET: 'hunter2' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});
